//! Answers as text to compare, without what differs from run to run.

use std::{fmt::Write as _, ops::Range};

use tidings_testkit::{Reply, TestApp};

/// Answers of one app. Message ids and uuids become numbered placeholders in the order of their first mention, so the
/// same id always has the same placeholder; times, durations and tokens, which depend on the time, become unnumbered
/// ones.
#[derive(Debug)]
pub struct Transcript {
    /// Variable texts and their placeholders; longer ones first.
    names: Vec<(String, &'static str)>,
    seen: Vec<(&'static str, String)>,
    text: String,
}

/// Current message ids: milliseconds since 2010, shifted by 12 bits, below 2^53.
const IDS: Range<i64> = 1_000_000_000_000_000..1 << 53;
/// Milliseconds since 1970.
const TIME_DIGITS: usize = 13;
const UUID_BYTES: usize = 36;

impl Transcript {
    /// An empty one.
    pub fn of(app: &TestApp) -> Self {
        let secrets = &app.secrets;
        let mut names = vec![
            (app.suite.url(), "<url>"),
            (app.app().lanying_app_id.clone(), "<app_id>"),
            (secrets.client_id.clone(), "<client_id>"),
            (secrets.client_secret.clone(), "<client_secret>"),
            (app.app().org.clone(), "<org>"),
            (app.app().name.clone(), "<app>"),
        ];
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { names, seen: Vec::new(), text: String::new() }
    }

    /// Records an answer.
    pub fn add(&mut self, what: &str, reply: &Reply) {
        let body = self.redacted(&reply.text);
        let status = reply.status.as_u16();
        writeln!(self.text, "{what}\n  {status} {body}").expect("a string takes all text");
    }

    /// Records another value.
    pub fn note(&mut self, what: &str, text: &str) {
        let text = self.redacted(text);
        writeln!(self.text, "{what}\n  {text}").expect("a string takes all text");
    }

    /// Compares all of it with `snapshots/{name}.snap`.
    pub fn check(self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.text));
    }

    fn redacted(&mut self, text: &str) -> String {
        let mut named = text.to_owned();
        for (name, placeholder) in &self.names {
            named = named.replace(name.as_str(), placeholder);
        }
        let mut out = String::with_capacity(named.len());
        let mut rest = named.as_str();
        while let Some(first) = rest.chars().next() {
            let length = word(rest);
            if length == 0 {
                out.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
            let (word, after) = rest.split_at(length);
            self.push_word(&mut out, word);
            rest = after;
        }
        out
    }

    fn push_word(&mut self, out: &mut String, word: &str) {
        let digits = word.bytes().all(|c| c.is_ascii_digit());
        if word.starts_with("eyJ") && word.matches('.').count() == 2 {
            out.push_str("<token>");
        } else if is_uuid(word) {
            self.push_numbered(out, "uuid", word);
        } else if digits && ["\"duration\":", "\"elapse\":"].iter().any(|key| out.ends_with(key)) {
            out.push_str("<ms>");
        } else if digits && word.len() == TIME_DIGITS {
            out.push_str("<time>");
        } else if word.parse().is_ok_and(|number| IDS.contains(&number)) {
            self.push_numbered(out, "msg", word);
        } else {
            out.push_str(word);
        }
    }

    fn push_numbered(&mut self, out: &mut String, kind: &'static str, value: &str) {
        let known = self.seen.iter().position(|(of, seen)| *of == kind && seen == value).unwrap_or_else(|| {
            self.seen.push((kind, value.to_owned()));
            self.seen.len() - 1
        });
        let number = self.seen[..=known].iter().filter(|(of, _)| *of == kind).count();
        write!(out, "<{kind}{number}>").expect("a string takes all text");
    }
}

/// How many bytes at the start form one word: letters, digits and the separators within tokens and uuids.
fn word(text: &str) -> usize {
    text.bytes().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.')).count()
}

fn is_uuid(word: &str) -> bool {
    word.len() == UUID_BYTES
        && word.bytes().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == b'-',
            _ => c.is_ascii_hexdigit(),
        })
}
