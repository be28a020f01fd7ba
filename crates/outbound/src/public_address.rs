//! Which addresses are public: third parties may only have us call those.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(first: u16, second: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), bits)
}

/// This network, private, shared, loopback, link-local, protocols, documentation, relays, benchmarks, multicast, reserved.
const CLOSED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Tunnels and protocols, documentation.
const CLOSED_V6: [Ipv6Net; 3] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16)];
/// Global unicast; the rest of the space is local, multicast or unassigned.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);
/// Addresses that embed IPv4 ones.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 96);

/// Whether the address is public.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => CLOSED_V4.iter().all(|net| !net.contains(&address)),
        IpAddr::V6(address) => {
            let [.., a, b, c, d] = address.octets();
            if address.to_ipv4_mapped().is_some() || NAT64.contains(&address) {
                return is_public(Ipv4Addr::new(a, b, c, d).into());
            }
            GLOBAL_V6.contains(&address) && CLOSED_V6.iter().all(|net| !net.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_public() {
        for open in ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"] {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
        let closed_v4 =
            ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"];
        let more_v4 = ["224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.192", "203.0.113.9"];
        let v6 = [
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ];
        let more_v6 = ["2001::1", "2001:db8::1", "::127.0.0.1", "fec0::1"];
        for closed in closed_v4.into_iter().chain(more_v4).chain(v6).chain(more_v6) {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
    }
}
