//! The document by which clients find the hosts of an app.

use crate::{agora::dto, json::bytes_of};

/// The address of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address<'a> {
    /// `http` or `https`.
    pub protocol: &'a str,
    /// A name or an IP address.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
}

impl<'a> Address<'a> {
    /// From a base URL such as `https://im.example.com:8443`.
    pub fn of(base: &'a str) -> Self {
        let (protocol, rest) = base.split_once("://").unwrap_or(("http", base));
        let authority = rest.split('/').next().unwrap_or_default();
        let usual = if protocol == "https" { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(usual)),
            _ => (authority, usual),
        };
        Self { protocol, host, port }
    }
}

/// The document.
pub fn server_config(app_key: &str, address: &Address<'_>) -> Vec<u8> {
    let Address { protocol, host, port } = *address;
    // Clients use one or the other, by the page that they run in.
    let ip = if host.parse::<std::net::IpAddr>().is_ok() { host } else { "" };
    let hosts = || dto::Hosts { hosts: vec![dto::Host { protocol, domain: host, ip, port }] };
    bytes_of(&dto::ServerConfig {
        file_version: "1",
        app_key,
        rest: hosts(),
        web: hosts(),
        web_sockets: hosts(),
        uploadinparts_enable: "false",
    })
}

/// What a client of SockJS asks first; `entropy` is a random number.
pub fn sock_js_info(entropy: u32) -> Vec<u8> {
    bytes_of(&dto::SockJsInfo { websocket: true, origins: ["*:*"], cookie_needed: false, entropy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_usual_port_unless_another_is_named() {
        let of = |base| {
            let Address { protocol, host, port } = Address::of(base);
            (protocol.to_owned(), host.to_owned(), port)
        };
        assert_eq!(of("https://im.example.com"), ("https".into(), "im.example.com".into(), 443));
        assert_eq!(of("http://127.0.0.1:8080/"), ("http".into(), "127.0.0.1".into(), 8080));
        assert_eq!(of("http://[::1]:8080"), ("http".into(), "[::1]".into(), 8080));
        assert_eq!(of("http://[::1]"), ("http".into(), "[::1]".into(), 80));
    }
}
