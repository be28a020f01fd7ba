//! The keys of an installation: from the config, else from the data folder.

use std::fs;

use tidings_domain::{Error, OsEntropy};
use tidings_runtime::{Config, DataFolder, DataKey, Sealed, ServiceKeys, config};
use tidings_store::{Location, Schema};

/// The file in the data folder with the key that authenticates services to each other.
pub const SERVICE_KEY: &str = "service.key";
/// The file in the data folder with the key that encrypts secrets at rest.
pub const DATA_KEY: &str = "data.key";

/// The key that authenticates internal services to each other.
pub fn service_keys(config: &Config, folder: Option<&DataFolder>) -> Result<ServiceKeys, Error> {
    let previous = config.service_key_previous.as_deref();
    if let Some(key) = &config.service_key {
        return Ok(ServiceKeys::new(key, previous));
    }
    let folder = folder.ok_or_else(|| {
        let rule = "is required by a process without a data folder: set TIDINGS_SERVICE_KEY or \
                    TIDINGS_SERVICE_KEY_FILE to what all processes share; `openssl rand -hex 32` makes one";
        Error::invalid("service_key", rule)
    })?;
    let key = folder.key(SERVICE_KEY, &OsEntropy)?;
    let file = folder.path().join(SERVICE_KEY).display().to_string();
    config::service_key("service_key", &key)
        .map_err(|_| Error::invalid("service_key", format!("in {file} {SERVICE_KEY_RULE}")))?;
    Ok(ServiceKeys::new(&key, previous))
}

const SERVICE_KEY_RULE: &str =
    "is not at least 16 visible ASCII characters: restore the file, or remove it so that the next start makes another";

/// The key that encrypts secrets at rest, and has encrypted `sealed`. It is created if nothing was sealed yet.
pub fn data_key(config: &Config, folder: Option<&DataFolder>, sealed: &[Sealed]) -> Result<[u8; 32], Error> {
    let (text, place) = match (&config.data_key, folder) {
        (Some(key), _) => (key.clone(), String::new()),
        (None, Some(folder)) => {
            let file = folder.path().join(DATA_KEY);
            if !sealed.is_empty() && !file.exists() {
                let what = format!("is missing: {} is not there, but the database {LOCKED_WITH_IT}", file.display());
                return Err(Error::invalid("data_key", what));
            }
            (folder.key(DATA_KEY, &OsEntropy)?, format!("in {} ", file.display()))
        }
        (None, None) => {
            let rule = "is required by the directory and the callback service without a data folder: set \
                        TIDINGS_DATA_KEY or TIDINGS_DATA_KEY_FILE to what both share; `openssl rand -hex 32` makes one";
            return Err(Error::invalid("data_key", rule));
        }
    };
    let key = parse_data_key(&text).ok_or_else(|| {
        let rule = "must be 64 hex digits: restore it from a backup, for secrets of apps cannot be read with another";
        Error::invalid("data_key", format!("{place}{rule}"))
    })?;
    if !DataKey::new(&key).fits(sealed) {
        return Err(Error::invalid(
            "data_key",
            format!("{place}is not the one of this database, which {LOCKED_WITH_IT}"),
        ));
    }
    Ok(key)
}

/// Whether the installation's data key decrypts what a database of the directory or the callback service holds sealed;
/// creates no key.
pub async fn check_sealed(config: &Config, location: &Location, schema: &Schema) -> Result<(), Error> {
    let db = tidings_store::open(location, schema, false).await?;
    let sealed = if schema.name == tidings_directory::SCHEMA.name {
        tidings_directory::sealed(&db).await
    } else {
        tidings_callback::sealed(&db).await
    };
    db.close().await;
    check_data_key(config, &sealed?)
}

fn check_data_key(config: &Config, sealed: &[Sealed]) -> Result<(), Error> {
    let file = config.data.join(DATA_KEY);
    let text = match &config.data_key {
        Some(key) => key.clone(),
        None => match fs::read_to_string(&file) {
            Ok(text) => text.trim().to_owned(),
            Err(_) if sealed.is_empty() => return Ok(()),
            Err(error) => {
                let what = format!("in {} cannot be read ({error}), but the database {LOCKED_WITH_IT}", file.display());
                return Err(Error::invalid("data_key", what));
            }
        },
    };
    match parse_data_key(&text) {
        Some(key) if DataKey::new(&key).fits(sealed) => Ok(()),
        _ => Err(Error::invalid("data_key", format!("is not the one of this database, which {LOCKED_WITH_IT}"))),
    }
}

const LOCKED_WITH_IT: &str = "holds secrets of apps that another key cannot open: restore the key from a backup, or set \
                              TIDINGS_DATA_KEY or TIDINGS_DATA_KEY_FILE";

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
