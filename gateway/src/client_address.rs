//! The client's address and scheme behind trusted proxies.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The nearest address that is not a trusted proxy. `X-Forwarded-For` is read from right to left, since only what our
/// own proxies added can be trusted; a hop that is not an address ends the search.
pub(crate) fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut client = peer?.to_canonical();
    let values: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        if !is_trusted(client, trusted) {
            break;
        }
        let Some(address) = parse(hop.trim()) else {
            break;
        };
        client = address.to_canonical();
    }
    Some(client)
}

/// In the extensions of a request: it came over TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// The scheme of the client's request, which came from `peer` with `own` scheme.
pub(crate) fn scheme(own: &'static str, peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> &'static str {
    let believed = peer.is_some_and(|peer| is_trusted(peer.to_canonical(), trusted));
    match headers.get(FORWARDED_PROTO).map(http::HeaderValue::as_bytes) {
        Some(b"https") if believed => "https",
        Some(b"http") if believed => "http",
        _ => own,
    }
}

pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// An address with or without a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        client_address(Some(peer.parse().unwrap()), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_client() {
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "198.51.100.1:4000"]), "198.51.100.1");
        assert_eq!(seen("::ffff:10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", &["10.0.0.9"]), "10.0.0.9");
    }

    #[test]
    fn nonsense_ends_the_search() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_scheme_comes_from_trusted_proxies_only() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let forwarded = |value: &str| HeaderMap::from_iter([(FORWARDED_PROTO, value.parse().unwrap())]);
        let seen = |own, peer: Option<&str>, value: &str| {
            scheme(own, peer.map(|peer| peer.parse().unwrap()), &forwarded(value), &trusted)
        };
        assert_eq!(seen("http", Some("10.0.0.1"), "https"), "https");
        assert_eq!(seen("http", Some("203.0.113.7"), "https"), "http");
        assert_eq!(seen("http", None, "https"), "http");
        assert_eq!(seen("https", Some("10.0.0.1"), "http"), "http");
        assert_eq!(seen("https", Some("203.0.113.7"), "http"), "https");
        assert_eq!(seen("https", Some("10.0.0.1"), "gopher"), "https");
    }
}
