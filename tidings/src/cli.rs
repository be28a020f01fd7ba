//! The command line.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};
use tidings_domain::Error;
use tidings_runtime::{Config, GuardedClock, metrics, telemetry};

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
    #[command(after_help = "Example:\n  tidings serve --data /var/lib/tidings --listen 0.0.0.0:8080")]
    Serve,
    /// Run only the directory.
    #[command(after_help = "Example:\n  tidings directory --grpc-listen 0.0.0.0:9090")]
    Directory,
    /// Run only the message service; or, with a command, recall a message.
    #[command(after_help = "Example:\n  tidings message --grpc-listen 0.0.0.0:9090")]
    Message {
        #[command(flatten)]
        server: server::Server,
        #[command(subcommand)]
        command: Option<message_admin::MessageCommand>,
    },
    /// Run only the conversation service.
    #[command(after_help = "Example:\n  tidings conversation --grpc-listen 0.0.0.0:9090")]
    Conversation,
    /// Run only the file service.
    #[command(after_help = "Example:\n  tidings file --grpc-listen 0.0.0.0:9090")]
    File,
    /// Run only the REST gateway.
    #[command(after_help = "Example:\n  tidings gateway --listen 0.0.0.0:8080 --grpc-listen 0.0.0.0:9090")]
    Gateway,
    /// Bring the tables of every service up to date.
    #[command(after_help = "Example:\n  tidings migrate --config /etc/tidings.toml")]
    Migrate,
    /// Report problems with config, storage and peers.
    #[command(after_help = "Example:\n  tidings doctor --config /etc/tidings.toml")]
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
    Ready(ready::ReadyOptions),
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
    #[command(after_help = "Example:\n  tidings callback --grpc-listen 0.0.0.0:9090")]
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
        Command::Ready(options) => ready::ready(config, &options).await,
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
mod tests;
