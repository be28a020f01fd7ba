//! `tidings completions`: shell completion scripts for commands, options and their values.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::lines::{one_of, say};

/// The shells, by their names.
pub const SHELLS: [(&str, Shell); 3] = [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish)];

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidings completions bash > ~/.local/share/bash-completion/completions/tidings")]
pub struct CompletionOptions {
    /// The shell.
    #[arg(value_parser = one_of(&SHELLS))]
    shell: Shell,
}

/// Prints the script for the shell.
pub fn completions<C: CommandFactory>(options: &CompletionOptions) {
    say(script::<C>(options.shell).trim_end());
}

/// The script for a shell.
pub fn script<C: CommandFactory>(shell: Shell) -> String {
    let mut command = C::command();
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
