//! The output format of commands: one line per item, with tabs between columns.

use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _, stdout},
    process,
};

/// Writes one line of a command's output. A reader that closes the pipe, as `head` does, is no error; if the output
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

/// The value that `word` stands for.
pub fn meant<T: Copy>(table: &[(&str, T)], word: &str) -> Result<T, String> {
    let found = table.iter().find(|(known, _)| *known == word);
    let known = || table.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
    found.map(|(_, meaning)| *meaning).ok_or_else(|| format!("must be one of {}", known()))
}

/// The word that stands for `meaning`.
pub fn word<T: PartialEq>(table: &[(&'static str, T)], meaning: &T) -> &'static str {
    table.iter().find(|(_, known)| known == meaning).map_or("unknown", |(word, _)| word)
}

/// Untrusted text on one line: it can neither add columns nor send control sequences to the terminal.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        if c.is_control() {
            write!(plain, "{}", c.escape_default()).expect("a string takes all text");
        } else {
            plain.push(c);
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_what_the_table_says() {
        const TABLE: [(&str, i32); 2] = [("one", 1), ("two", 2)];
        assert_eq!(meant(&TABLE, "two"), Ok(2));
        assert_eq!(meant(&TABLE, "Two"), Err("must be one of one, two".to_owned()));
        assert_eq!((word(&TABLE, &1), word(&TABLE, &3)), ("one", "unknown"));
    }

    #[test]
    fn a_text_of_others_stays_on_its_line() {
        assert_eq!(plain("a\tb\n\u{1b}[2Jü"), "a\\tb\\n\\u{1b}[2Jü");
    }
}
