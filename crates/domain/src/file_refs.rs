//! Which of our files a text references, however their URLs are spelled.
//!
//! Used before a file is deleted, on everything that may reference it, so false positives are better than false
//! negatives: it finds any uuid of version 4, as all names of files are, anywhere in the text, with or without hyphens,
//! in any case, behind JSON escapes and percent escapes, also nested ones.

use std::collections::BTreeSet;

/// Number of hex digits of a uuid.
const DIGITS: usize = 32;
/// Levels of nested escapes that are decoded: JSON in JSON in a query is three.
const DEPTH: usize = 8;
/// The byte that replaces whatever cannot be part of a uuid.
const OTHER: u8 = b'_';

/// The uuids in the text, in lower case with hyphens, each once and in ascending order.
pub fn uuids_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(text.as_bytes(), &mut found);
    let mut inner = None;
    for _ in 0..DEPTH {
        let outer: &[u8] = inner.as_deref().unwrap_or(text.as_bytes());
        if !outer.iter().any(|byte| matches!(byte, b'\\' | b'%')) {
            break;
        }
        let decoded = decoded(outer);
        if decoded == outer {
            break;
        }
        collect(&decoded, &mut found);
        inner = Some(decoded);
    }
    found
}

/// Collects every uuid of a run of hex digits and hyphens, at any offset in the run.
fn collect(text: &[u8], found: &mut BTreeSet<String>) {
    for run in text.split(|byte| !byte.is_ascii_hexdigit() && *byte != b'-') {
        if run.len() < DIGITS {
            continue;
        }
        let digits: Vec<u8> = run.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase).collect();
        let named =
            digits.windows(DIGITS).filter(|uuid| uuid[12] == b'4' && matches!(uuid[16], b'8' | b'9' | b'a' | b'b'));
        found.extend(named.map(hyphenated));
    }
}

fn hyphenated(digits: &[u8]) -> String {
    let mut uuid = String::with_capacity(DIGITS + 4);
    for (at, digit) in digits.iter().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(char::from(*digit));
    }
    uuid
}

/// Removes one layer of JSON escapes and percent escapes. Line breaks and tabs are removed, as browsers do when they
/// parse a URL.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let (byte, length) = match (first, after) {
            (b'\\', [b'u', escape @ ..]) => match hex(escape, 4) {
                Some(unit) => (u8::try_from(unit).unwrap_or(OTHER), 6),
                None => (OTHER, 2),
            },
            (b'\\', [b'b' | b'f', ..]) => (OTHER, 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [escaped, ..]) => (*escaped, 2),
            (b'%', escape) => match hex(escape, 2) {
                Some(unit) => (unit as u8, 3),
                None => (b'%', 1),
            },
            (byte, _) => (*byte, 1),
        };
        if !matches!(byte, b'\n' | b'\r' | b'\t') {
            out.push(byte);
        }
        rest = &rest[length..];
    }
    out
}

fn hex(text: &[u8], digits: usize) -> Option<u32> {
    let text = std::str::from_utf8(text.get(..digits)?).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) { u32::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77";

    #[test]
    fn a_file_is_found_however_its_address_is_spelled() {
        let simple = UUID.replace('-', "");
        let escaped = UUID.replace('-', "\\u002d");
        let all_escaped = UUID.bytes().fold(String::new(), |all, byte| all + &format!("\\u{byte:04X}"));
        let all_percent = UUID.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02x}"));
        let in_json = serde_json::to_string(&format!("{{\"url\":\"https:\\/\\/x\\/{escaped}\"}}")).unwrap();
        for text in [
            UUID.to_owned(),
            format!("https://chat.example/acme/lobby/chatfiles/{UUID}?share-secret=x#y"),
            format!("http://[::1]:8080/file/download/{UUID}/"),
            format!("{{\"body\":{{\"x\":\"look at {} now\"}}}}", UUID.to_uppercase()),
            UUID.replace('-', "%2D"),
            UUID.replace('-', "%252d"),
            UUID.replace('-', "%25252d"),
            format!("/chatfiles/{simple}"),
            format!("urn:uuid:{UUID}"),
            format!("{{{UUID}}}"),
            format!("cafe{UUID}beef"),
            escaped.clone(),
            all_escaped,
            all_percent,
            serde_json::to_string(&in_json).unwrap(),
            in_json,
            UUID.replace("-4a37", "-\\n4a37"),
        ] {
            assert!(uuids_in(&text).contains(UUID), "{text}");
        }
    }

    #[test]
    fn other_texts_name_nothing() {
        for text in [
            "",
            "hello",
            "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f7",
            "0f9cbe3e-5c5b-1a37-8b23-dd0b9d3c1f77",
            "0f9cbe3e-5c5b-4a37-7b23-dd0b9d3c1f77",
            "0f9cbe3e-5c5b-4a37 -8b23-dd0b9d3c1f77",
            "\\",
            "%",
            "%2",
            "\\u002",
            "\\u+02d",
            "ä\u{1F600}",
        ] {
            assert_eq!(uuids_in(text), BTreeSet::new(), "{text}");
        }
    }

    #[test]
    fn every_file_of_a_text_is_found_once() {
        let other = "7c0e9a10-4d5b-41ef-9b7a-5f0e6a2d9c31";
        let found = uuids_in(&format!("{other} {UUID} {} \\/{UUID}", UUID.to_uppercase()));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [UUID, other]);
    }
}
