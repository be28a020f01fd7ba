//! The part of a client's address that identifies the client.

use std::net::IpAddr;

/// Maximum length that is kept of a text that is not an address.
const MAX_CHARS: usize = 64;

/// IPv6 addresses count by their /64, since one client usually controls all of it.
pub(crate) fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => format!("{:x?}", &v6.segments()[..4]),
        Ok(ip) => ip.to_canonical().to_string(),
        Err(_) => address.chars().take(MAX_CHARS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
