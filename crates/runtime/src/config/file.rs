//! The config file: TOML. Errors name file, line and key. Values are never shown: some are secrets.

use std::{fs, ops::Range, path::Path};

use serde::Deserialize as _;
use tidings_domain::Error;
use toml::{
    Table,
    de::{DeTable, DeValue},
};

use super::{Config, KEYS};

/// Reads and validates a file.
pub(super) fn read(path: &Path) -> Result<Table, Error> {
    let text = fs::read_to_string(path).map_err(|error| {
        let words =
            format!("file {} cannot be read: {error}; name another with --config or TIDINGS_CONFIG", path.display());
        Error::invalid("config", words)
    })?;
    parse(&text).map_err(|ParseError { at, words }| {
        let line = at.map(|at| format!(", line {}", text[..at.min(text.len())].matches('\n').count() + 1));
        Error::invalid("config", format!("file {}{}: {words}", path.display(), line.unwrap_or_default()))
    })
}

/// The error, and the byte offset of its cause.
struct ParseError {
    at: Option<usize>,
    words: String,
}

fn parse(text: &str) -> Result<Table, ParseError> {
    let no_toml = |error: toml::de::Error| ParseError {
        at: error.span().map(|span| span.start),
        words: format!("is not TOML: {}", error.message()),
    };
    let spanned = DeTable::parse(text).map_err(no_toml)?;
    let mut keys = Vec::new();
    keys_of(spanned.get_ref(), "", &mut keys);
    for (key, span) in &keys {
        if !KEYS.contains(&key.as_str()) {
            let words = format!("{key} is not a setting: did you mean {}?", nearest(key, KEYS));
            return Err(ParseError { at: Some(span.start), words });
        }
    }
    let wrong_type = |error: toml::de::Error| {
        let at = error.span().map(|span| span.start);
        let named = keys.iter().rev().find(|(_, span)| at.is_some_and(|at| span.start <= at));
        let key = named.map_or("a setting", |(key, _)| key);
        ParseError { at, words: format!("{key} cannot be read: {}", without_value(error.message())) }
    };
    toml::from_str::<Config>(text).map_err(wrong_type)?;
    Table::deserialize(toml::de::Deserializer::parse(text).map_err(no_toml)?).map_err(no_toml)
}

/// Every key with its sections, in the order of the text's tables.
fn keys_of(table: &DeTable<'_>, section: &str, keys: &mut Vec<(String, Range<usize>)>) {
    for (key, value) in table {
        let name = format!("{section}{}", key.get_ref());
        match value.get_ref() {
            // An unknown section is reported by its first key, or by its own name.
            DeValue::Table(inner) if KEYS.iter().any(|known| known.starts_with(&format!("{name}."))) => {
                keys_of(inner, &format!("{name}."), keys);
            }
            _ => keys.push((name, key.span().start..value.span().end)),
        }
    }
    keys.sort_by_key(|(_, span)| span.start);
}

/// What was expected, without what was found, which may be a secret in the wrong place.
pub(super) fn without_value(message: &str) -> String {
    match message.split_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => {
            let kind = found.split_once(['`', '"']).map_or(found, |(kind, _)| kind.trim_end());
            format!("{kind}, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

/// The candidate with the smallest edit distance to `name`.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> &'a str {
    candidates.into_iter().min_by_key(|candidate| changes(name, candidate)).unwrap_or_default()
}

/// The Levenshtein distance: how many characters must be inserted, deleted or replaced.
fn changes(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (column, b) in other.bytes().enumerate() {
            let replaced = corner + usize::from(a != b);
            corner = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> (usize, String) {
        let ParseError { at, words } = parse(text).expect_err("a mistake");
        (text[..at.expect("a place")].matches('\n').count() + 1, words)
    }

    #[test]
    fn mistakes_are_named_by_line_and_key() {
        for (text, line, words) in [
            ("data = \"d\"\nliste = \"x\"", 2, "liste is not a setting: did you mean listen?"),
            ("[database]\nuri = \"x\"", 2, "database.uri is not a setting: did you mean database.url?"),
            ("[peer]\ndirectory = \"x\"", 1, "peer is not a setting"),
            (
                "[appender]\nbatch = 7\nqueue = \"many\"",
                3,
                "appender.queue cannot be read: invalid type: string, expected usize",
            ),
            ("database = \"postgres://secret\"", 1, "database is not a setting"),
            ("data = \"d\"\nlisten = \"x", 2, "is not TOML"),
            ("trusted_proxies = [\n\"10.0.0.0/8\",\n\"ten\"]", 3, "trusted_proxies cannot be read"),
            ("[telemetry]\nlog_format = \"xml\"", 2, "telemetry.log_format cannot be read: unknown variant `xml`"),
        ] {
            let (found, said) = mistake(text);
            assert!(found == line && said.contains(words), "{text}: line {found}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let text = "data = \"d\"\ndatabase = { skip_migrations = true }\n[appender]\nqueue = 7";
        let table = parse(text).ok().expect("it is right");
        assert_eq!(table["appender"]["queue"].as_integer(), Some(7));
    }

    #[test]
    fn the_nearest_name_takes_the_fewest_changes() {
        assert_eq!((changes("listen", "liste"), changes("kitten", "sitting"), changes("", "ab")), (1, 3, 2));
        assert_eq!(nearest("lisen", ["data", "listen", "grpc_listen"]), "listen");
    }
}
