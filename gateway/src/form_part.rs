//! The name of a form part and of its file: the header `Content-Disposition` as real clients write it.
//!
//! RFC 7578 has a quoted name in UTF-8, browsers write `%22` for a quote in it, mail frameworks write encoded words
//! (RFC 2047), HTTP libraries write the parameter `filename*` (RFC 5987), and older Windows clients write GBK bytes.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encoding_rs::{Encoding, GB18030};
use http::{HeaderMap, header::CONTENT_DISPOSITION};
use percent_encoding::percent_decode_str;
use tidings_domain::Error;

/// The names of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PartName {
    /// The field of the form.
    pub name: String,
    /// The name of its file, decoded; empty if it is not a file or has no name.
    pub file_name: String,
}

impl PartName {
    /// Parses the headers of a part. A name that is neither UTF-8 nor GBK is refused, because it could not be decoded.
    pub fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let Some(header) = headers.get(CONTENT_DISPOSITION) else {
            return Ok(Self::default());
        };
        let text = text(header.as_bytes())?;
        let mut part = Self::default();
        let (mut file_name, mut extended) = (None, None);
        for (key, value) in parameters(&text) {
            match key.to_ascii_lowercase().as_str() {
                "name" => part.name = plain(&value),
                "filename" => file_name = Some(words(&plain(&value))),
                "filename*" => extended = extended_value(&value),
                _ => {}
            }
        }
        part.file_name = extended.or(file_name).unwrap_or_default();
        Ok(part)
    }
}

/// GBK is decoded before the text is parsed: the second byte of a character may be a backslash.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.into());
    }
    let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| Error::invalid("filename", "must be written in UTF-8 or GBK"))
}

/// The parameters after the first semicolon. Quoted values may hold semicolons and everything else; a backslash is
/// literal unless a quote or another backslash follows.
fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((key, after)) = rest.split_once('=') {
        // Without a value it is not a parameter.
        let key = key.rsplit(';').next().unwrap_or_default().trim();
        let after = after.trim_start();
        let (value, left) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim_end().to_owned(), &after[end..])
        };
        found.push((key, value));
        rest = left.split_once(';').map_or("", |(_, rest)| rest);
    }
    found
}

/// The text before the closing quote, and the text after it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => {
                let escaped = chars.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or('\\', |(_, next)| next));
            }
            c => value.push(c),
        }
    }
    (value, "")
}

/// What browsers write for the characters that would end the name.
fn plain(value: &str) -> String {
    value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// Parses `charset'language'percent-encoded`; `None` for anything else.
fn extended_value(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    decoded(charset, &percent_decode_str(encoded).collect::<Vec<u8>>())
}

fn decoded(charset: &str, bytes: &[u8]) -> Option<String> {
    let encoding = Encoding::for_label(charset.as_bytes())?;
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
}

/// A name with its encoded words decoded; white space between two of them is removed (RFC 2047). Other text is
/// unchanged.
fn words(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let (mut rest, mut after_word) = (name, false);
    while let Some(begin) = rest.find("=?") {
        let (before, from_begin) = rest.split_at(begin);
        let Some((word, length)) = word(from_begin) else {
            out.push_str(&rest[..begin + 2]);
            (rest, after_word) = (&rest[begin + 2..], false);
            continue;
        };
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        out.push_str(&word);
        (rest, after_word) = (&from_begin[length..], true);
    }
    out.push_str(rest);
    out
}

/// The encoded word at the beginning of the text, and its length.
fn word(text: &str) -> Option<(String, usize)> {
    let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let encoded = &rest[..rest.find("?=")?];
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(encoded).ok()?,
        "Q" | "q" => quoted_printable(encoded)?,
        _ => return None,
    };
    // A language may follow the charset (RFC 2231).
    let decoded = decoded(charset.split('*').next()?, &bytes)?;
    Some((decoded, 2 + charset.len() + 1 + encoding.len() + 1 + encoded.len() + 2))
}

fn quoted_printable(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'_' => out.push(b' '),
            b'=' => {
                let digits = std::str::from_utf8(text.get(at + 1..at + 3)?).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                at += 2;
            }
            byte => out.push(*byte),
        }
        at += 1;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(header: &[u8]) -> Result<(String, String), Error> {
        let headers = HeaderMap::from_iter([(CONTENT_DISPOSITION, HeaderValue::from_bytes(header).unwrap())]);
        PartName::of(&headers).map(|part| (part.name, part.file_name))
    }

    #[test]
    fn names_are_read_however_clients_write_them() {
        for (header, name) in [
            (r#"form-data; name="file"; filename="cat.png""#, "cat.png"),
            ("form-data; NAME=file; FileName=cat.png", "cat.png"),
            (r#"form-data;name = "file" ; filename = "cat.png" "#, "cat.png"),
            (r#"form-data; filename="x; name=other; y.png"; name="file""#, "x; name=other; y.png"),
            (r#"form-data; filename="name=other"; name=file"#, "name=other"),
            (r#"form-data; name="file"; filename="a \"b\" \\c.png""#, r#"a "b" \c.png"#),
            (r#"form-data; name="file"; filename="C:\cats\tom.png""#, r"C:\cats\tom.png"),
            (r#"form-data; name="file"; filename="a%22b%22 100%25.png""#, r#"a"b" 100%25.png"#),
            ("form-data; name=\"file\"; filename=\"猫.png\"", "猫.png"),
            ("form-data; name=\"file\"; filename=\"x.png\"; filename*=UTF-8''%E7%8C%AB.png", "猫.png"),
            ("form-data; name=\"file\"; filename*=utf-8'zh'%E7%8C%AB.png; filename=\"x.png\"", "猫.png"),
            ("form-data; name=\"file\"; Filename*=ISO-8859-1''%A3.png", "£.png"),
            ("form-data; name=\"file\"; filename=\"x.png\"; filename*=UTF-8''%FF.png", "x.png"),
            ("form-data; name=\"file\"; filename=\"x.png\"; filename*=nonsense", "x.png"),
            ("form-data; name=\"file\"; filename=\"=?UTF-8?B?54yrLnBuZw==?=\"", "猫.png"),
            ("form-data; name=\"file\"; filename=\"=?utf-8?q?=E7=8C=AB_1?= =?utf-8?Q?.png?=\"", "猫 1.png"),
            ("form-data; name=\"file\"; filename=\"=?gbk?B?w6gucG5n?=\"", "猫.png"),
            ("form-data; name=\"file\"; filename=\"a =?b?= c =?x?y?z?=.png\"", "a =?b?= c =?x?y?z?=.png"),
            ("form-data; name=\"file\"; filename=\"", ""),
            ("form-data; name=\"file\"; odd; filename=a.png", "a.png"),
            ("form-data; name=\"file\"", ""),
        ] {
            assert_eq!(read(header.as_bytes()).unwrap(), ("file".to_owned(), name.to_owned()), "{header}");
        }
    }

    #[test]
    fn gbk_stays_what_it_is_and_what_is_neither_is_refused() {
        let header = |name: &[u8]| [b"form-data; name=\"file\"; filename=\"", name, b"\""].concat();
        assert_eq!(read(&header(b"\xc3\xa8.png")).unwrap().1, "è.png", "what is UTF-8 is that");
        assert_eq!(read(&header(b"\xc4\xe3\xba\xc3.png")).unwrap().1, "你好.png");
        // The second byte of the first character is a backslash.
        assert_eq!(read(&header(b"\xd5\x5c\xb1\x5c")).unwrap().1, "誠盶");
        let refused = read(&header(b"\xe9.png")).unwrap_err();
        assert_eq!(refused.to_string(), "filename must be written in UTF-8 or GBK");
    }

    #[test]
    fn a_part_without_the_header_has_no_name() {
        assert_eq!(PartName::of(&HeaderMap::new()).unwrap(), PartName::default());
        assert_eq!(read(b"form-data").unwrap(), (String::new(), String::new()));
    }
}
