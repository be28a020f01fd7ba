//! `tidings words ...`: the word lists of an app.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tidings_domain::Error;
use tidings_proto::{error_from_status, pb};
use tidings_runtime::Config;

use crate::{
    confirmation::Confirmation,
    directory::{Directory, with_directory},
    in_app::InApp,
    lines::{Output, Row, one_of, word},
    server::Server,
    text_input,
};

/// The command line's names of actions on a text with a listed word.
const ACTIONS: [(&str, pb::WordAction); 2] = [("refuse", pb::WordAction::Refuse), ("mask", pb::WordAction::Mask)];

/// Maximum bytes of words per call, including the overhead of each; the directory limits how many may be stored.
const MAX_WORDS: usize = 7 * 1024 * 1024;
const BESIDE_A_WORD: usize = 3;

/// Commands on the word lists of an app.
#[derive(Debug, Subcommand)]
pub enum WordsCommand {
    /// Create a list from the words of a file, or replace it.
    #[command(after_help = "Example:\n  tidings words set --app acme/lobby --list spam --action mask words.txt")]
    Set {
        #[command(flatten)]
        list: OneList,
        /// The action on texts with one of the words.
        #[arg(long, default_value = "refuse", value_parser = one_of(&ACTIONS))]
        action: pb::WordAction,
        /// One word per line; empty lines and lines that start with # are skipped. - is standard input.
        file: PathBuf,
    },
    /// List the lists of an app.
    #[command(after_help = "Example:\n  tidings words list --app acme/lobby")]
    List(InApp),
    /// Show the words of a list.
    #[command(after_help = "Example:\n  tidings words show --app acme/lobby --list spam")]
    Show(OneList),
    /// Remove a list.
    #[command(after_help = "Example:\n  tidings words remove --app acme/lobby --list spam --yes")]
    Remove {
        #[command(flatten)]
        list: OneList,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// The list.
#[derive(Debug, Args)]
pub struct OneList {
    #[command(flatten)]
    of: InApp,
    /// The name of the list.
    #[arg(long, value_name = "NAME")]
    list: String,
}

/// Runs the command.
pub async fn words(config: &Config, server: Server, command: WordsCommand, output: Output) -> Result<(), Error> {
    if let WordsCommand::Remove { list, confirmation } = &command {
        confirmation.get(&format!("word list {} of app {} is removed", list.list, list.of.text()))?;
    }
    with_directory(config, server, async |directory| act(directory, command, output).await).await
}

async fn act(mut directory: Directory, command: WordsCommand, output: Output) -> Result<(), Error> {
    match command {
        WordsCommand::Set { list, action, file } => {
            let words = words_in(&text_input::read(&file)?)?;
            let new = pb::WordList { name: list.list, action: action.into(), words };
            let request = list.of.request(pb::SetWordListRequest { list: Some(new) })?;
            output.print(&summary(&directory.set_word_list(request).await.map_err(error_from_status)?.into_inner()));
        }
        WordsCommand::List(of) => {
            let request = of.request(pb::ListWordListsRequest {})?;
            let lists = directory.list_word_lists(request).await.map_err(error_from_status)?.into_inner().lists;
            output.print_all(lists.iter().map(summary));
        }
        WordsCommand::Show(list) => {
            let found = directory
                .get_word_list(list.of.request(pb::GetWordListRequest { name: list.list })?)
                .await
                .map_err(error_from_status)?
                .into_inner();
            output.print(&whole(&found));
        }
        WordsCommand::Remove { list, .. } => {
            let removed = directory
                .delete_word_list(list.of.request(pb::DeleteWordListRequest { name: list.list })?)
                .await
                .map_err(error_from_status)?
                .into_inner();
            output.print(&Row::default().shown("name", removed.name).cell("removed", true, "removed"));
        }
    }
    Ok(())
}

fn summary(list: &pb::WordListSummary) -> Row {
    let row = Row::default().shown("name", list.name.as_str()).shown("action", word(&ACTIONS, &list.action()));
    row.cell("words", list.words, format!("{} words", list.words))
}

/// As text only the words, so that the output can be a file for `set`.
fn whole(list: &pb::WordList) -> Row {
    let row = Row::default()
        .field("name", list.name.as_str())
        .field("action", word(&ACTIONS, &list.action()))
        .field("words", list.words.as_slice());
    list.words.iter().fold(row, |row, word| row.line().text(word))
}

/// The words of a file. Some editors put U+FEFF before the first line.
fn words_in(text: &str) -> Result<Vec<String>, Error> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let words: Vec<String> =
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    if words.iter().map(|word| word.len() + BESIDE_A_WORD).sum::<usize>() > MAX_WORDS {
        return Err(Error::invalid("words", "must be at most 2 MiB in all lists of an app"));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_line_or_its_words() {
        let list = pb::WordListSummary { name: "spam".into(), action: pb::WordAction::Mask.into(), words: 3 };
        assert_eq!(summary(&list).written(Output::Text), ["spam\tmask\t3 words"]);
        assert_eq!(summary(&list).written(Output::Json), [r#"{"action":"mask","name":"spam","words":3}"#]);
        let list = pb::WordList {
            name: "spam".into(),
            action: pb::WordAction::Refuse.into(),
            words: vec!["a".into(), "b".into()],
        };
        assert_eq!(whole(&list).written(Output::Text), ["a", "b"]);
        assert_eq!(whole(&list).written(Output::Json), [r#"{"action":"refuse","name":"spam","words":["a","b"]}"#]);
    }

    #[test]
    fn a_file_has_a_word_on_each_line_and_remarks() {
        let text = "\u{feff}# ours\r\ncasino\r\n\r\n  free money \n  # later\n#1\na # b\n赌场";
        assert_eq!(words_in(text).unwrap(), ["casino", "free money", "a # b", "赌场"]);
        assert!(words_in("\n# none\n").unwrap().is_empty());
    }

    #[test]
    fn a_file_that_no_call_could_bring_is_refused() {
        let refused = words_in(&format!("{}\n", "w".repeat(255)).repeat(MAX_WORDS / 255)).unwrap_err();
        assert_eq!(refused.to_string(), "words must be at most 2 MiB in all lists of an app");
    }
}
