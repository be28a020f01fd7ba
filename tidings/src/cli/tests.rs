//! What can be given on the command line.

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

/// Every command that can be given, by its words, with the examples in its help.
fn leaves(path: &str, command: &clap::Command) -> Vec<(String, Vec<String>)> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = help.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect();
    let is_leaf = !command.has_subcommands() || !command.is_subcommand_required_set();
    let own = is_leaf.then(|| (path.to_owned(), examples));
    let below = command.get_subcommands().flat_map(|it| leaves(&format!("{path} {}", it.get_name()), it));
    own.into_iter().chain(below).collect()
}

#[test]
fn every_command_has_an_example_of_itself_that_can_be_given() {
    let command = Cli::command();
    for (path, examples) in command.get_subcommands().flat_map(|it| leaves(&format!("tidings {}", it.get_name()), it)) {
        assert!(!examples.is_empty(), "{path} --help has no example");
        for example in examples {
            assert!(example.starts_with(&path), "{example} is no example of {path}");
            let words = example.split(" > ").next().unwrap_or_default().split_whitespace();
            let read = Cli::try_parse_from(words);
            assert!(read.is_ok(), "{example}: {}", read.unwrap_err());
        }
    }
}

/// Every option of a command that is not hidden.
fn options<'a>(command: &'a clap::Command, name: &str) -> Vec<&'a clap::Arg> {
    let own = command.get_arguments().filter(|it| it.get_long() == Some(name) && !it.is_hide_set());
    own.chain(command.get_subcommands().flat_map(|it| options(it, name))).collect()
}

#[test]
fn one_grammar_names_the_app_and_one_the_server() {
    let command = Cli::command();
    // The old name of --server is hidden.
    assert_eq!(options(&command, "grpc").len(), 0);
    for (name, value) in [("app", "ORG/APP"), ("server", "ADDRESS")] {
        let found = options(&command, name);
        assert!(found.len() > 4, "{name}: {}", found.len());
        for option in found {
            let values = option.get_value_names().unwrap_or_default();
            assert!(values.iter().map(clap::builder::Str::as_str).eq([value]), "--{name} {values:?}");
        }
    }
    for (path, _) in command.get_subcommands().flat_map(|it| leaves(&format!("tidings {}", it.get_name()), it)) {
        let mut leaf = &command;
        for word in path.split(' ').skip(1) {
            leaf = leaf.find_subcommand(word).expect("a command");
        }
        let shown = leaf.get_positionals().filter(|it| !it.is_hide_set());
        let apps = shown.filter(|it| it.get_id().as_str().contains("app")).count();
        assert_eq!(apps, 0, "{path} names its app without --app");
    }
}

#[test]
fn an_app_is_named_by_option_or_in_older_scripts_without_it() {
    for line in [
        "create --app o/a",
        "create o/a --sdk-appid 7",
        "show o/a --secrets",
        "show --secrets --app o/a",
        "disable o/a --undo",
        "delete o/a --yes",
        "delete --app o/a",
        "rotate-secret o/a --kind certificate",
        "set-policy o/a max_groups=7 strict_bodies=true",
        "set-policy --app o/a max_groups=7",
        "policies",
        "policies --app o/a",
        "key create o/a --name crm --scopes read,send",
        "key list o/a",
        "key revoke o/a 1",
        "key revoke --app o/a 1",
        "key revoke 1 --app o/a --yes",
        "admin-token create o/a --label ops",
        "admin-token list --app o/a",
        "admin-token revoke o/a 1 --yes",
        "admin-token revoke --app o/a 1 --server 127.0.0.1:9090",
    ] {
        let read = Cli::try_parse_from(format!("tidings app {line}").split_whitespace());
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
    for line in
        ["create", "show", "show o/a --app o/b", "delete --yes", "key list", "key revoke 1", "key revoke --app o/a"]
    {
        let read = Cli::try_parse_from(format!("tidings app {line}").split_whitespace());
        assert!(read.is_err(), "{line}");
    }
}

#[test]
fn a_secret_is_given_or_in_a_file() {
    for line in [
        "callback add --app o/a --dialect agora --url http://h --token-file token.txt",
        "hook add --app o/a --form agora --url http://h --token-file -",
        "copy --from data",
        "copy --from data --to-file -",
    ] {
        let read = Cli::try_parse_from(format!("tidings {line}").split_whitespace());
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
    for line in [
        "callback add --app o/a --dialect agora --url http://h --token t --token-file -",
        "hook add --app o/a --form agora --url http://h --token t --token-file -",
        "copy --from data --to postgres://h/d --to-file -",
    ] {
        let read = Cli::try_parse_from(format!("tidings {line}").split_whitespace());
        assert!(read.is_err(), "{line}");
    }
}

#[test]
fn every_shell_completes_commands_and_the_words_of_options() {
    for (name, shell) in completions::SHELLS {
        let script = completions::script::<Cli>(shell);
        for word in ["rotate-secret", "token-key", "completions", "lanying", "json"] {
            assert!(script.contains(word), "{name} does not know {word}");
        }
    }
}

#[test]
fn json_can_be_asked_for_anywhere_in_a_command() {
    for line in ["--json app list", "app --json list", "app list --json", "verify --json", "doctor --json"] {
        let read = Cli::try_parse_from(format!("tidings {line}").split_whitespace());
        assert!(read.is_ok_and(|cli| cli.settings.json), "{line}");
    }
}

#[test]
fn every_callback_command_can_be_given() {
    for line in [
        "add --app o/a --dialect tencent --url http://h",
        "add --app o/a --dialect agora --url http://h --token t --events message.sent,message.edited --ordered \
         --retry timeout --timeout-ms 500 --allow-private",
        "list --app o/a",
        "pause --app o/a 7",
        "resume --app o/a 7",
        "remove --app o/a 7 --grpc http://127.0.0.1:9090",
        "remove --app o/a 7 --yes --server 127.0.0.1:9090",
        "deliveries --app o/a --endpoint 7 --state dead --limit 3",
        "explain --app o/a 1234",
        "replay --app o/a --endpoint 7 --delivery 8 --state delivered --from 1 --until 2",
        "replay --app o/a --from 2026-11-30T03:47:02Z --until 2026-11-30T04:47:02.5+01:00",
    ] {
        let read = Cli::try_parse_from(format!("tidings callback {line}").split_whitespace());
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
    for line in [
        "list",
        "add --app o/a --dialect Tencent --url http://h",
        "add --app o/a --dialect lanying --url http://h --retry forever",
        "deliveries --app o/a --limit 0",
        "deliveries --app o/a --state lost",
        "replay --app o/a --from yesterday",
    ] {
        let read = Cli::try_parse_from(format!("tidings callback {line}").split_whitespace());
        assert!(read.is_err(), "{line}");
    }
}

#[test]
fn every_command_of_words_and_hooks_can_be_given() {
    for line in [
        "words set --app o/a --list l words.txt",
        "words set --app o/a --list l --action mask -",
        "words list --app o/a",
        "words show --app o/a --list l",
        "words remove --app o/a --list l --grpc http://127.0.0.1:9090",
        "hook add --app o/a --form tencent --url http://h",
        "hook add --app o/a --form agora --url http://h --token t --timeout-ms 500 --on-failure refuse \
         --in chats,groups,rooms --allow-private",
        "hook add --app o/a --form tencent --url http://h --about messages,group-creations,contact-answers",
        "hook list --app o/a",
        "hook remove --app o/a 7",
    ] {
        let read = Cli::try_parse_from(format!("tidings {line}").split_whitespace());
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
    for line in [
        "words",
        "words set --app o/a --list l",
        "words set --app o/a --list l --action drop words.txt",
        "words show --app o/a",
        "hook",
        "hook add --app o/a --form lanying --url http://h",
        "hook add --app o/a --form agora --url http://h --on-failure maybe",
        "hook add --app o/a --form agora --url http://h --in chats,streets",
        "hook add --app o/a --form tencent --url http://h --about streets",
        "hook remove --app o/a",
    ] {
        let read = Cli::try_parse_from(format!("tidings {line}").split_whitespace());
        assert!(read.is_err(), "{line}");
    }
}
