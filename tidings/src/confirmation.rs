//! What cannot be undone is confirmed: by `--yes`, or on a terminal by whoever is asked there.

use std::io::{BufRead, IsTerminal as _, Write, stderr, stdin};

use clap::Args;
use tidings_domain::Error;

/// The confirmation of a command.
#[derive(Debug, Clone, Copy, Args)]
pub struct Confirmation {
    /// Do not ask. Required where nobody can be asked, as in a script.
    #[arg(long)]
    yes: bool,
}

impl Confirmation {
    /// Succeeds once `what` is confirmed, such as "app acme/lobby is deleted with everything in it".
    pub fn get(self, what: &str) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        if !stdin().is_terminal() || !stderr().is_terminal() {
            return Err(Error::invalid("--yes", format!("is required without a terminal: {what}, for good")));
        }
        ask(what, &mut stdin().lock(), &mut stderr().lock())
    }
}

fn ask(what: &str, answers: &mut impl BufRead, terminal: &mut impl Write) -> Result<(), Error> {
    let mut answer = String::new();
    let asked = write!(terminal, "{what}, for good. Continue? [y/N] ").and_then(|()| terminal.flush());
    asked.and_then(|()| answers.read_line(&mut answer)).map_err(Error::internal)?;
    if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(Error::invalid("the command", "was not confirmed, and has changed nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_confirms() {
        for (answer, is_yes) in [
            ("y\n", true),
            ("YES\n", true),
            (" yes \n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yess\n", false),
        ] {
            let mut shown = Vec::new();
            let asked = ask("app acme/lobby is deleted", &mut answer.as_bytes(), &mut shown);
            assert_eq!(asked.is_ok(), is_yes, "{answer:?}");
            assert_eq!(String::from_utf8(shown).unwrap(), "app acme/lobby is deleted, for good. Continue? [y/N] ");
        }
    }

    #[test]
    fn yes_asks_nobody() {
        Confirmation { yes: true }.get("app acme/lobby is deleted").expect("it is confirmed");
    }
}
