//! The output of commands: rows, as lines of text with tabs between their cells or as JSON objects.

use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _, stdout},
    process,
    time::Duration,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value};
use tidings_domain::UnixMillis;

/// The form in which a command prints its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Output {
    /// For people: lines of text.
    #[default]
    Text,
    /// For scripts: one JSON object per line.
    Json,
}

impl Output {
    /// Prints a row. One that has nothing in this form prints nothing.
    pub fn print(self, row: &Row) {
        for line in row.written(self) {
            say(&line);
        }
    }

    /// Prints rows in their order.
    pub fn print_all(self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            self.print(&row);
        }
    }
}

/// One item of a command's output.
///
/// In text it is a line of cells, perhaps with further lines below. In JSON it is an object, whose fields have the names
/// that the gRPC API gives them, and whose values have the command line's words where the API has enums.
#[derive(Debug, Default)]
pub struct Row {
    lines: Vec<Vec<String>>,
    fields: Map<String, Value>,
}

impl Row {
    /// A field that only JSON output has.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// A cell that only text output has.
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        if self.lines.is_empty() {
            self = self.line();
        }
        if let Some(line) = self.lines.last_mut() {
            line.push(plain(text.as_ref()));
        }
        self
    }

    /// The next cells of the text are on a new line.
    pub fn line(mut self) -> Self {
        self.lines.push(Vec::new());
        self
    }

    /// A field, and the words for it in text.
    pub fn cell(self, name: &str, value: impl Into<Value>, text: impl AsRef<str>) -> Self {
        self.field(name, value).text(text)
    }

    /// A field that text shows as it is.
    pub fn shown(self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.cell(name, value, text)
    }

    /// A field that is true or false, and the words in text for true.
    pub fn flag(self, name: &str, is_set: bool, text: &str) -> Self {
        let row = self.field(name, is_set);
        if is_set { row.text(text) } else { row }
    }

    /// A time in milliseconds since 1970, which text shows as RFC 3339 after `words`.
    pub fn time(self, name: &str, words: &str, ms: i64) -> Self {
        self.cell(name, ms, format!("{words} {}", UnixMillis(ms).rfc3339()))
    }

    /// A length of time in milliseconds, which text shows after `words`.
    pub fn span(self, name: &str, words: &str, span: Duration) -> Self {
        let ms = span.as_millis() as u64;
        self.cell(name, ms, format!("{words} {ms} ms"))
    }

    /// Rows that belong to this one: further lines in text, an array in JSON.
    pub fn rows(mut self, name: &str, rows: impl IntoIterator<Item = Self>) -> Self {
        let mut items = Vec::new();
        for row in rows {
            self.lines.extend(row.lines);
            items.push(Value::Object(row.fields));
        }
        self.field(name, items)
    }

    /// The result of a check, and whether it is good.
    pub fn of_check(what: &str, found: &Result<String, String>) -> Self {
        let (result, mark, words) = match found {
            Ok(words) => ("ok", "ok    ", words),
            Err(words) => ("wrong", "WRONG ", words),
        };
        let row = Self::default().field("result", result).field("check", what).field("what", words.as_str());
        row.text(format!("{mark} {what}: {words}"))
    }

    /// A remark for the user of the command.
    pub fn remark(words: &str) -> Self {
        Self::default().shown("remark", words)
    }

    /// The lines of this row.
    pub fn written(&self, output: Output) -> Vec<String> {
        match output {
            Output::Text => self.lines.iter().map(|cells| cells.join("\t")).collect(),
            Output::Json if self.fields.is_empty() => Vec::new(),
            Output::Json => vec![Value::from(self.fields.clone()).to_string()],
        }
    }
}

/// Writes one line of a command's output. A reader that closes the pipe, as `head` does, is not an error; if the output
/// cannot be written, as on a full disk, the command fails.
pub fn say(line: &str) {
    match writeln!(stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(std::io::stderr(), "tidings: the output cannot be written: {error}");
            process::exit(1);
        }
        Ok(()) | Err(_) => {}
    }
}

/// Untrusted text on one line: it can neither add columns nor send control sequences to the terminal.
fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        if c.is_control() {
            write!(plain, "{}", c.escape_default()).expect("a string takes all text");
        } else {
            plain.push(c);
        }
        plain
    })
}

/// An option that takes the words of a table. Help and completion list them.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    table: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let words = PossibleValuesParser::new(table.iter().map(|(word, _)| *word));
    words.try_map(move |word| meant(table, &word))
}

fn meant<T: Copy>(table: &[(&str, T)], word: &str) -> Result<T, String> {
    let found = table.iter().find(|(known, _)| *known == word);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| format!("{word} is not one of the values"))
}

/// The word for `meaning`.
pub fn word<T: PartialEq>(table: &[(&'static str, T)], meaning: &T) -> &'static str {
    table.iter().find(|(_, known)| known == meaning).map_or("unknown", |(word, _)| word)
}

/// Reads a time that an option takes: RFC 3339, or milliseconds since 1970.
pub fn time(text: &str) -> Result<i64, String> {
    let ms = text.parse().ok().or_else(|| Some(UnixMillis::from_rfc3339(text)?.0));
    ms.ok_or_else(|| "must be a time such as 2026-11-30T03:47:02Z, or milliseconds since 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line_with_tabs_or_a_json_object() {
        let row = Row::default()
            .shown("id", 7)
            .shown("name", "crm")
            .cell("enabled", true, "enabled")
            .field("uuid", "u-1")
            .text("for people")
            .time("created_at_ms", "made at", 1_790_000_000_123)
            .flag("ordered", true, "in order")
            .flag("has_token", false, "token");
        let text = "7\tcrm\tenabled\tfor people\tmade at 2026-09-21T14:13:20.123Z\tin order";
        assert_eq!(row.written(Output::Text), [text]);
        let json = r#"{"created_at_ms":1790000000123,"enabled":true,"has_token":false,"id":7,"name":"crm","ordered":true,"uuid":"u-1"}"#;
        assert_eq!(row.written(Output::Json), [json]);
    }

    #[test]
    fn rows_of_a_row_are_lines_below_it_or_an_array() {
        let attempts = [500, 200].map(|status| Row::default().text("").shown("status", status));
        let row = Row::default().shown("id", 1).rows("attempts", attempts).line().text("end");
        assert_eq!(row.written(Output::Text), ["1", "\t500", "\t200", "end"]);
        assert_eq!(row.written(Output::Json), [r#"{"attempts":[{"status":500},{"status":200}],"id":1}"#]);
    }

    #[test]
    fn a_row_of_words_alone_is_not_in_json_and_one_of_fields_alone_not_in_text() {
        assert_eq!(Row::default().text("no delivery").written(Output::Json), [""; 0]);
        assert_eq!(Row::default().field("id", 1).written(Output::Text), [""; 0]);
    }

    #[test]
    fn the_result_of_a_check_is_marked() {
        let (good, bad) = (Ok("is free".to_owned()), Err("is taken".to_owned()));
        assert_eq!(Row::of_check("listen", &good).written(Output::Text), ["ok     listen: is free"]);
        assert_eq!(Row::of_check("listen", &bad).written(Output::Text), ["WRONG  listen: is taken"]);
        let json = r#"{"check":"listen","result":"wrong","what":"is taken"}"#;
        assert_eq!(Row::of_check("listen", &bad).written(Output::Json), [json]);
    }

    #[test]
    fn a_text_of_others_stays_on_its_line_in_both_forms() {
        let row = Row::default().shown("answer", "a\tb\n\u{1b}[2Jü");
        assert_eq!(row.written(Output::Text), ["a\\tb\\n\\u{1b}[2Jü"]);
        assert_eq!(row.written(Output::Json), [r#"{"answer":"a\tb\n\u001b[2Jü"}"#]);
    }

    #[test]
    fn a_word_means_what_the_table_says() {
        const TABLE: [(&str, i32); 2] = [("one", 1), ("two", 2)];
        assert_eq!(meant(&TABLE, "two"), Ok(2));
        assert!(meant(&TABLE, "Two").is_err());
        assert_eq!((word(&TABLE, &1), word(&TABLE, &3)), ("one", "unknown"));
    }

    #[test]
    fn a_time_is_rfc_3339_or_milliseconds() {
        assert_eq!(time("1790000000123"), Ok(1_790_000_000_123));
        assert_eq!(time("2026-09-21T14:13:20.123Z"), Ok(1_790_000_000_123));
        assert!(time("yesterday").unwrap_err().contains("2026-11-30T03:47:02Z"));
    }
}
