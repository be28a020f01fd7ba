//! Builds the configuration: the file, overridden by the environment.

use std::{env, ffi::OsString, fs, path::Path};

use tidings_domain::{Error, flag};
use toml::{Table, Value};

use super::{Config, FLAGS, KEYS, TYPED, environment, file, variable};

impl Config {
    /// Reads the file, if one is named, and the environment. Values are validated by [`Config::check`].
    pub fn load(path: Option<&Path>) -> Result<Self, Error> {
        Self::from(path, env::vars_os())
    }

    fn from(path: Option<&Path>, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let variables = texts(variables)?;
        environment::check(variables.iter().map(|(name, _)| name.as_str()))?;
        let mut table = path.map(file::read).transpose()?.unwrap_or_default();
        for key in KEYS {
            let Some((name, text)) = setting(key, &variables)? else {
                continue;
            };
            let mut alone = Table::new();
            set(&mut alone, key, &text);
            let read = alone.try_into::<Self>();
            read.map_err(|error| {
                Error::invalid(&name, format!("cannot be read: {}", file::without_value(error.message())))
            })?;
            set(&mut table, key, &text);
        }
        table.try_into().map_err(|error: toml::de::Error| Error::invalid("config", error.message()))
    }
}

/// Variables with our prefix, as text.
fn texts(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>, Error> {
    let mut ours = Vec::new();
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with(environment::PREFIX) {
            let value = value.into_string().map_err(|_| Error::invalid(&name, "in the environment must be UTF-8"))?;
            ours.push((name, value));
        }
    }
    Ok(ours)
}

/// The variable that sets a key, and its value: read from the file that it names, or its own if it is not empty.
fn setting(key: &str, variables: &[(String, String)]) -> Result<Option<(String, String)>, Error> {
    let name = variable(key);
    let value = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let named = format!("{name}_FILE");
    let Some(path) = value(&named) else {
        return Ok(value(&name).filter(|text| !text.is_empty()).map(|text| (name, text)));
    };
    let text = fs::read_to_string(&path).map_err(|error| {
        Error::invalid(&named, format!("names the file {path}, which cannot be read: {error}")).because(error)
    })?;
    let text = text.trim_end();
    if text.is_empty() {
        return Err(Error::invalid(&named, format!("names the file {path}, which is empty")));
    }
    Ok(Some((named, text.to_owned())))
}

/// Keys in [`TYPED`] are parsed as TOML, booleans from any of their words; anything else is a string as it is, even if
/// it looks like a number.
fn set(table: &mut Table, key: &str, text: &str) {
    let (whole, is_typed) = (key, TYPED.contains(&key));
    let (section, key) = key.split_once('.').map_or((None, key), |(section, key)| (Some(section), key));
    let table = match section {
        None => table,
        Some(section) => match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => inner,
            _ => return,
        },
    };
    let typed = format!("v = {text}").parse::<Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let flag = FLAGS.contains(&whole).then(|| flag(text)).flatten().map(Value::Boolean);
    let value = flag.or(typed.filter(|_| is_typed)).unwrap_or_else(|| Value::String(text.to_owned()));
    table.insert(key.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Config, Error> {
        Config::from(None, variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
    }

    #[test]
    fn a_boolean_in_the_environment_may_be_any_word_for_one_decision_39() {
        for (text, value) in [("1", true), ("Yes", true), ("ON", true), ("true", true), ("0", false), ("off", false)] {
            let config = from(&[("TIDINGS_DATABASE_SKIP_MIGRATIONS", text)]).unwrap();
            assert_eq!(config.database.skip_migrations, value, "{text}");
        }
        let refused = from(&[("TIDINGS_FILES_S3_VIRTUAL_HOSTS", "maybe")]).err().unwrap().to_string();
        assert!(refused.starts_with("TIDINGS_FILES_S3_VIRTUAL_HOSTS cannot be read"), "{refused}");
    }

    #[test]
    fn environment_overrides_keep_their_types() {
        let config = from(&[
            ("TIDINGS_APPENDER_QUEUE", "7"),
            ("TIDINGS_CORS_ORIGINS", "[\"https://a.test\"]"),
            ("TIDINGS_SERVICE_KEY", "123"),
            ("TIDINGS_DATA", "2026"),
            ("TIDINGS_LISTEN", ""),
        ]);
        let config = config.unwrap();
        assert_eq!(config.appender.queue, 7);
        assert_eq!(config.cors_origins, ["https://a.test"]);
        assert_eq!(config.service_key.as_deref(), Some("123"));
        assert_eq!(config.data, PathBuf::from("2026"));
        assert_eq!(config.listen, "127.0.0.1:8080");
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_named_without_its_value() {
        for (name, value, words) in [
            (
                "TIDINGS_APPENDER_QUEUE",
                "s3cret",
                "TIDINGS_APPENDER_QUEUE cannot be read: invalid type: string, expected usize",
            ),
            ("TIDINGS_APPENDER_QUEUE", "-1", "TIDINGS_APPENDER_QUEUE cannot be read"),
            ("TIDINGS_DATABASE_SKIP_MIGRATIONS", "maybe", "TIDINGS_DATABASE_SKIP_MIGRATIONS cannot be read"),
            ("TIDINGS_TRUSTED_PROXIES", "10.0.0.0/8", "TIDINGS_TRUSTED_PROXIES cannot be read"),
            ("TIDINGS_TELEMETRY_LOG_FORMAT", "xml", "expected `text` or `json`"),
            (
                "TIDINGS_DATA_KEY_FILE",
                "/nowhere/s",
                "TIDINGS_DATA_KEY_FILE names the file /nowhere/s, which cannot be read",
            ),
            ("TIDINGS_DATA_KEY_FILE", "/dev/null", "which is empty"),
            ("TIDINGS_DATABSE_URL", "s3cret", "TIDINGS_DATABSE_URL in the environment is not a setting"),
        ] {
            let said = from(&[(name, value)]).err().expect(name).to_string();
            assert!(said.contains(words) && !said.contains("s3cret"), "{said}");
        }
    }
}
