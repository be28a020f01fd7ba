//! The address of a service: one or several, each `http://host:port` or `https://host:port`.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use tidings_domain::Error;

/// The addresses of a service whose processes are interchangeable. A host name may resolve to several of them.
///
/// In a file a string or a list of strings; in a single string, also in the environment, they are separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(Vec<String>);

impl Addresses {
    /// Splits addresses at commas. Their format is validated by [`Self::check`].
    pub fn read(text: &str) -> Self {
        Self(text.split(',').map(|address| address.trim().to_owned()).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether one of them speaks TLS.
    pub fn any_is_tls(&self) -> bool {
        self.iter().any(|address| address.starts_with("https://"))
    }

    /// Refuses anything but `http://host:port` and `https://host:port`, with the name of the setting.
    pub fn check(&self, setting: &str) -> Result<(), Error> {
        for address in &self.0 {
            let uri =
                address.parse::<http::Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
            if uri.and_then(|uri| uri.host().map(str::len)).is_none_or(|length| length == 0) {
                let rule = "must be http://host:port or https://host:port, or several of them with commas between";
                return Err(Error::invalid(setting, format!("{rule}, but is {self}")));
            }
        }
        if self.0.is_empty() {
            return Err(Error::invalid(setting, "must name at least one http://host:port"));
        }
        Ok(())
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Addresses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address or a list of addresses")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Addresses, E> {
                Ok(Addresses::read(text))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Addresses, A::Error> {
                let mut addresses = Vec::new();
                while let Some(address) = items.next_element()? {
                    addresses.push(address);
                }
                Ok(Addresses(addresses))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_and_a_list_name_the_same_addresses() {
        #[derive(Deserialize)]
        struct Read {
            peer: Addresses,
        }
        let read = |text: &str| toml::from_str::<Read>(text).map(|read| read.peer);
        let both = Addresses(vec!["http://a:1".into(), "http://b:2".into()]);
        assert_eq!(read("peer = 'http://a:1, http://b:2'").unwrap(), both);
        assert_eq!(read("peer = ['http://a:1', 'http://b:2']").unwrap(), both);
        assert_eq!(both.to_string(), "http://a:1,http://b:2");
        assert!(read("peer = 7").is_err_and(|error| error.message().contains("expected an address or a list")));
    }

    #[test]
    fn one_wrong_address_of_several_is_refused() {
        for wrong in ["http://a:1,", "http://a:1,b:2", ",", "ftp://a:1", "http://a:1 http://b:2"] {
            let said = Addresses::read(wrong).check("peers.file").expect_err(wrong).to_string();
            assert!(said.starts_with("peers.file must be http://host:port"), "{said}");
        }
        assert!(Addresses(Vec::new()).check("peers.file").is_err());
        Addresses::read("http://a:1,https://[::1]:2").check("peers.file").expect("two addresses");
    }
}
