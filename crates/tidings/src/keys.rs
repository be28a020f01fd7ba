//! The keys of an installation: from the config, else from the data folder.

use tidings_domain::{Error, OsEntropy};
use tidings_runtime::{Config, DataFolder};

/// What services show each other, in the data folder.
const SERVICE_KEY: &str = "service.key";
/// What encrypts secrets at rest, in the data folder.
const DATA_KEY: &str = "data.key";

/// What internal services show.
pub fn service_key(config: &Config, folder: Option<&DataFolder>) -> Result<String, Error> {
    if let Some(key) = &config.service_key {
        if key.len() < 16 {
            return Err(Error::invalid("service_key", "must be at least 16 characters"));
        }
        return Ok(key.clone());
    }
    let folder = folder.ok_or_else(|| Error::invalid("service_key", "is required without a data folder"))?;
    folder.key(SERVICE_KEY, &OsEntropy)
}

/// What encrypts secrets at rest.
pub fn data_key(config: &Config, folder: Option<&DataFolder>) -> Result<[u8; 32], Error> {
    let text = match (&config.data_key, folder) {
        (Some(key), _) => key.clone(),
        (None, Some(folder)) => folder.key(DATA_KEY, &OsEntropy)?,
        (None, None) => return Err(Error::invalid("data_key", "is required without a data folder")),
    };
    parse_data_key(&text).ok_or_else(|| Error::invalid("data_key", "must be 64 hex digits"))
}

fn parse_data_key(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0; 32];
    for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_key_is_64_hex_digits() {
        assert_eq!(parse_data_key(&"0f".repeat(32)), Some([15; 32]));
        assert_eq!(parse_data_key("0f"), None);
        assert_eq!(parse_data_key(&"xx".repeat(32)), None);
    }
}
