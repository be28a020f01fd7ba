//! The command line.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};
use tidings_domain::Error;
use tidings_runtime::{Config, Connector, GuardedClock, config::Addresses, metrics, telemetry};

use crate::{
    Roles, admin, backup, callback_admin, completions, copy, demo, doctor, explain, export, hook_admin,
    in_full::in_full, lines::Output, message_admin, migrate, ready, restore, running, server, verify, words_admin,
};

/// A self-hosted chat-message backend that speaks the APIs of Agora Chat, Lanying IM and gRPC.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every command are below its own.
const GLOBAL: &str = "Global options";

#[derive(Debug, Args)]
struct Settings {
    /// The config file (TOML). Every key can also be set as TIDINGS_<KEY> in the environment.
    #[arg(long, global = true, help_heading = GLOBAL, env = "TIDINGS_CONFIG")]
    config: Option<PathBuf>,
    /// The data folder [default: ./data].
    #[arg(long, global = true, help_heading = GLOBAL)]
    data: Option<PathBuf>,
    /// The address of the REST listener [default: 127.0.0.1:8080]; port 0 picks a free one.
    #[arg(long, global = true, help_heading = GLOBAL)]
    listen: Option<String>,
    /// The address of the gRPC listener [default: 127.0.0.1:9090, none for a gateway alone]; port 0 picks a free one.
    #[arg(long, global = true, help_heading = GLOBAL)]
    grpc_listen: Option<String>,
    /// The address of /metrics, or off [default: 127.0.0.1:9464 for all roles in one process]; port 0 picks a free one.
    #[arg(long, global = true, help_heading = GLOBAL)]
    metrics_listen: Option<String>,
    /// Print results as JSON, one object per line.
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process (the default).
    Serve,
    /// Run only the directory.
    Directory,
    /// Run only the message service; or, with a command, recall a message.
    Message {
        #[command(flatten)]
        server: server::Server,
        #[command(subcommand)]
        command: Option<message_admin::MessageCommand>,
    },
    /// Run only the conversation service.
    Conversation,
    /// Run only the file service.
    File,
    /// Run only the REST gateway.
    Gateway,
    /// Bring the tables of every service up to date.
    Migrate,
    /// Report problems with config, storage and peers.
    Doctor,
    /// Check everything that is stored: the log with its numbers and counts, unread counts, keys, files, database pages.
    /// Read-only; the program may be running. Exits with 1 if anything is wrong.
    #[command(after_help = "Example:\n  tidings verify --quick --data /var/lib/tidings")]
    Verify(verify::VerifyOptions),
    /// Copy the data folder into a new folder while the program runs, and verify the copy.
    #[command(after_help = "Example:\n  tidings backup ./backup-1 --data /var/lib/tidings")]
    Backup {
        /// The new folder.
        folder: PathBuf,
    },
    /// Put a backup into the data folder. No process may use it.
    Restore(restore::RestoreOptions),
    /// Move a data folder into PostgreSQL, and its files into the configured bucket or folder.
    Copy(copy::CopyOptions),
    /// Print all stored data about one message: its place in the log, events, readers, deliveries and files.
    Explain(explain::ExplainOptions),
    /// Exit with 0 when the service or gateway at this address is ready; without an address, the process that listens
    /// on this machine according to the configuration.
    #[command(after_help = "Example:\n  tidings ready --rest http://127.0.0.1:8080")]
    Ready {
        /// A gRPC service, as http://host:port or https://host:port.
        #[arg(long, conflicts_with = "rest")]
        grpc: Option<String>,
        /// A gateway, as http://host:port or https://host:port.
        #[arg(long)]
        rest: Option<String>,
    },
    /// Verify exports of the history.
    Export {
        #[command(subcommand)]
        command: export::ExportCommand,
    },
    /// Print the shell's completion script for commands, options and their values.
    Completions(completions::CompletionOptions),
    /// Manage apps.
    App {
        #[command(flatten)]
        server: server::Server,
        #[command(subcommand)]
        command: admin::AppCommand,
    },
    /// Manage the word lists of an app: the words its messages must not contain.
    Words {
        #[command(flatten)]
        server: server::Server,
        #[command(subcommand)]
        command: words_admin::WordsCommand,
    },
    /// Manage the hooks of an app: servers that are called before a message is appended to the log, or groups and
    /// contacts change.
    Hook {
        #[command(flatten)]
        server: server::Server,
        #[command(subcommand)]
        command: hook_admin::HookCommand,
    },
    /// Run only the callback service; or, with a command, manage an app's callback endpoints and their deliveries.
    Callback {
        #[command(flatten)]
        server: server::Server,
        #[command(subcommand)]
        command: Option<callback_admin::CallbackCommand>,
    },
}

/// Runs the command and reports errors as text.
pub fn run(cli: Cli) -> ExitCode {
    // Databases, their logs, files, temporary files and keys are only readable by their owner.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Error::internal).and_then(|runtime| runtime.block_on(act(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is the program's own voice on a terminal")]
fn complain(error: &Error) {
    eprintln!("tidings: {}", in_full(error));
}

impl Settings {
    fn load(&self) -> Result<Config, Error> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        if let Some(listen) = &self.listen {
            config.listen.clone_from(listen);
        }
        if self.grpc_listen.is_some() {
            config.grpc_listen.clone_from(&self.grpc_listen);
        }
        if let Some(listen) = &self.metrics_listen {
            config.metrics_listen = Some(listen.clone());
        }
        config.check()?;
        Ok(config)
    }
}

async fn act(cli: Cli) -> Result<(), Error> {
    let config = cli.settings.load();
    let output = if cli.settings.json { Output::Json } else { Output::Text };
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(&config?, Roles::ALL).await,
        Command::Directory => serve(&config?, Roles::DIRECTORY).await,
        Command::Message { command: None, .. } => serve(&config?, Roles::MESSAGE).await,
        Command::Message { server, command: Some(command) } => {
            message_admin::message(&config?, server, command, output).await
        }
        Command::Conversation => serve(&config?, Roles::CONVERSATION).await,
        Command::File => serve(&config?, Roles::FILE).await,
        Command::Gateway => serve(&config?, Roles::GATEWAY).await,
        Command::Migrate => {
            let config = config?;
            let telemetry = telemetry::start(&config.telemetry, "migrate")?;
            let done = migrate::migrate(&config).await;
            telemetry.finish();
            done
        }
        Command::Doctor => doctor::doctor(config, output).await,
        Command::Verify(options) => verify::verify(&config?, &options, output).await,
        Command::Backup { folder } => backup::backup(&config?, &folder, output).await,
        Command::Restore(options) => restore::restore(&config?, &options, output).await,
        Command::Copy(options) => copy::copy(&config?, &options, output).await,
        Command::Explain(options) => explain::explain(&config?, &options, output).await,
        Command::Ready { grpc, rest } => {
            let ready = match (&grpc, &rest) {
                (Some(url), _) => ready::peer(&Addresses::read(url), None, &connector(url, config)?).await.map(drop),
                (None, Some(url)) => ready::gateway(url, &connector(url, config)?).await,
                (None, None) => ready::here(&config?).await,
            };
            ready.map_err(|why| Error::invalid("the process", format!("is not ready: {why}")))
        }
        Command::Export { command } => export::export(command, output),
        Command::Completions(options) => {
            completions::completions::<Cli>(&options);
            Ok(())
        }
        Command::App { server, command } => admin::app(&config?, server, command, output).await,
        Command::Words { server, command } => words_admin::words(&config?, server, command, output).await,
        Command::Hook { server, command } => hook_admin::hook(&config?, server, command, output).await,
        Command::Callback { command: None, .. } => serve(&config?, Roles::CALLBACK).await,
        Command::Callback { server, command: Some(command) } => {
            callback_admin::callback(&config?, server, command, output).await
        }
    }
}

/// Connections to that address: only those with TLS need a configuration.
fn connector(url: &str, config: Result<Config, Error>) -> Result<Connector, Error> {
    if url.starts_with("https://") { ready::connector(&config?) } else { Ok(Connector::plain()) }
}

async fn serve(config: &Config, roles: Roles) -> Result<(), Error> {
    check_storage(config, roles)?;
    let telemetry = telemetry::start(&config.telemetry, roles.name)?;
    metrics().process.runs_as(roles.name);
    let running = running::start(config, roles, Arc::new(GuardedClock::new())).await?;
    running.stop_on_signals()?;
    if roles == Roles::ALL {
        demo::prepare(&running).await?;
    }
    let address = |address: Option<std::net::SocketAddr>| address.map(|address| address.to_string());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        role = roles.name,
        storage = %storage(config, roles),
        peers = %peers(config, roles),
        rest = address(running.rest),
        grpc = address(running.grpc),
        metrics = address(running.metrics),
        tls = running.is_tls,
        "serving"
    );
    let done = running.finish().await;
    telemetry.finish();
    done
}

/// A process with a single role shares its data with the others. On files of its own it would start empty, and so would
/// each of the other processes, separately.
fn check_storage(config: &Config, roles: Roles) -> Result<(), Error> {
    if roles == Roles::ALL || !roles.keeps_data() || config.database.url.is_some() {
        return Ok(());
    }
    let rule = format!(
        "is required by `tidings {}`, which shares a PostgreSQL database with the other roles: set TIDINGS_DATABASE_URL \
         or TIDINGS_DATABASE_URL_FILE, or run `tidings serve`, which runs every role on SQLite files",
        roles.name
    );
    Err(Error::invalid("database.url", rule))
}

/// The location of the data, without passwords.
fn storage(config: &Config, roles: Roles) -> String {
    if roles.keeps_data() { running::location(config).to_string() } else { "none".to_owned() }
}

fn peers(config: &Config, roles: Roles) -> String {
    let called = running::called(config, roles);
    let named: Vec<_> = called.iter().map(|(name, addresses)| format!("{name}={addresses}")).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(" ") }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// The examples in the help of a command and of those below it.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned);
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    #[test]
    fn every_example_in_the_help_can_be_given() {
        let examples = examples(&Cli::command());
        assert!(examples.len() > 20, "{examples:?}");
        for example in examples {
            let words = example.split(" > ").next().unwrap_or_default().split_whitespace();
            let read = Cli::try_parse_from(words);
            assert!(read.is_ok(), "{example}: {}", read.unwrap_err());
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
}
