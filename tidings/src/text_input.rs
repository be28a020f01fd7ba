//! Texts that a command reads from a file or from standard input.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use tidings_domain::Error;

/// The whole text of a file; `-` is standard input.
pub fn read(file: &Path) -> Result<String, Error> {
    if file == Path::new("-") {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        return read
            .map(|_| text)
            .map_err(|error| Error::invalid("standard input", format!("cannot be read: {error}")));
    }
    fs::read_to_string(file)
        .map_err(|error| Error::invalid("file", format!("{} cannot be read: {error}", file.display())))
}

/// The only line of a file with a secret; `-` is standard input.
pub fn secret(option: &str, file: &Path) -> Result<String, Error> {
    only_line(option, &read(file)?)
}

/// Editors end the line, and `echo` does.
fn only_line(option: &str, text: &str) -> Result<String, Error> {
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.contains(['\r', '\n']) {
        return Err(Error::invalid(option, "must name a file of exactly one line"));
    }
    Ok(line.to_owned())
}

/// A vendor's signing secret.
#[derive(Debug, Args)]
pub struct TokenOptions {
    /// The vendor's signing secret; without one calls are not signed in the vendor's way. Other users of this machine
    /// see it among its processes.
    #[arg(long)]
    token: Option<String>,
    /// A file whose only line is the signing secret; - is standard input.
    #[arg(long, value_name = "PATH", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

impl TokenOptions {
    /// The secret, empty if there is none.
    pub fn read(self) -> Result<String, Error> {
        match (self.token, self.token_file) {
            (_, Some(file)) => secret("--token-file", &file),
            (token, None) => Ok(token.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_only_line_of_its_file() {
        for text in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            assert_eq!(only_line("--token-file", text).unwrap(), "s3cret");
        }
        assert_eq!(only_line("--token-file", " s \n").unwrap(), " s ");
        for text in ["", "\n", "one\ntwo\n"] {
            let refused = only_line("--token-file", text).unwrap_err().to_string();
            assert_eq!(refused, "--token-file must name a file of exactly one line");
        }
    }
}
