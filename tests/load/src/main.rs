//! Puts a running Tidings under load and reports the results.
//!
//! Only loopback addresses are accepted, and every run is bounded in time. `send` ends by reading the log back over
//! gRPC: every acknowledged message must be there exactly once, in order, without gaps.

mod callbacks;
mod client;
mod import;
mod read;
mod realtime;
mod report;
mod send;
mod setup;
mod socket;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// Any error that ends a run.
type Fault = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(name = "tidings-load", version, about)]
struct Cli {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    command: Command,
}

/// The target of the load.
#[derive(Debug, Clone, Args)]
struct TargetArgs {
    /// The file with the credentials that the server wrote.
    #[arg(long, global = true, default_value = "data/demo.env")]
    env: PathBuf,
    /// REST addresses instead of the file's, as http://host:port; connections take turns.
    #[arg(long, global = true, value_delimiter = ',')]
    url: Vec<String>,
    /// The gRPC address instead of the file's, as host:port; comma-separated: directory,message,callback.
    #[arg(long, global = true, value_delimiter = ',')]
    grpc: Vec<String>,
    /// Concurrent connections.
    #[arg(long, global = true, default_value_t = 64)]
    connections: usize,
    /// How long, in seconds; at most 600.
    #[arg(long, global = true, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send text messages, then verify the log.
    Send {
        /// The dialect to send in.
        #[arg(long, value_enum, default_value_t = send::Dialect::Agora)]
        dialect: send::Dialect,
        /// Send to groups with that many members, instead of to users; in the Lanying dialect.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600), conflicts_with = "recipients")]
        members: Option<u64>,
        /// Conversations in total, distributed among the connections; 0 means 16 for each.
        #[arg(long, default_value_t = 0)]
        conversations: usize,
        /// Recipients per call.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=600))]
        recipients: u64,
        /// Bytes of text per message.
        #[arg(long, default_value_t = 32)]
        bytes: usize,
        /// Give every call an Idempotency-Key and repeat it until it is acknowledged, over new connections if
        /// necessary.
        #[arg(long)]
        retry: bool,
        /// Do not read the log back.
        #[arg(long)]
        no_verify: bool,
    },
    /// Import messages of another system in the Agora dialect, then verify that each is at its own time, in the
    /// histories and in the exports.
    Import {
        /// In total.
        #[arg(long, default_value_t = 200_000)]
        messages: usize,
        /// Number of conversations.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        conversations: u64,
        /// The time of the oldest, in milliseconds since 1970.
        #[arg(long, default_value_t = 1_700_000_000_000)]
        from_ms: i64,
        /// The hours over which they are distributed.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        hours: u64,
    },
    /// Send messages while a server of the app receives callbacks in Tencent's format; check that it gets one for each.
    Callbacks {
        /// In total; at most 100,000.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        messages: u64,
        /// Messages per second; 0: as many as possible.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
        rate: u64,
        /// Percentage of calls that the app's server fails.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=90))]
        fail: u64,
        /// Repeat the run beside another server that takes a minute for each call.
        #[arg(long)]
        hang: bool,
        /// Request ordered delivery per conversation.
        #[arg(long)]
        ordered: bool,
    },
    /// Clients of `/tidings/ws`. Each checks that it saw every message once and in order. More than a few hundred need
    /// higher `limits.connections` and `limits.connections_per_address`.
    Realtime {
        /// What to do.
        #[arg(value_enum)]
        line: realtime::Line,
        /// Connected clients, except for `pair`.
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        clients: u64,
        /// Messages a second, of `pair` and `group`.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: u32,
        /// The server's process, to report what idle connections cost it.
        #[arg(long)]
        pid: Option<u32>,
    },
    /// Read pages of 50 messages in the Lanying dialect.
    Pages {
        /// Messages in each conversation that is read.
        #[arg(long, default_value_t = 1000)]
        depth: usize,
    },
    /// Read the unread list of a user in the Lanying dialect.
    Unread {
        /// Conversations of the user.
        #[arg(long, default_value_t = 100)]
        conversations: usize,
        /// Groups that the user is also in, with 500 members each.
        #[arg(long, default_value_t = 0)]
        groups: usize,
    },
}

#[expect(clippy::print_stderr, reason = "a command-line program says what went wrong")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    // One thread: the server needs the cores more.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Fault::from).and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("tidings-load: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Fault> {
    let target = setup::Target::connect(&cli.target).await?;
    match cli.command {
        Command::Send { dialect, members, conversations, recipients, bytes, retry, no_verify } => {
            let dialect = if members.is_some() { send::Dialect::Lanying } else { dialect };
            let members = members.map(|members| members as usize);
            let plan = send::Plan { dialect, members, conversations, recipients: recipients as usize, bytes, retry };
            send::run(&target, &cli.target, plan, !no_verify).await
        }
        Command::Import { messages, conversations, from_ms, hours } => {
            let plan = import::Plan { messages, conversations: conversations as usize, from_ms, hours };
            import::run(&target, &cli.target, plan).await
        }
        Command::Callbacks { messages, rate, fail, hang, ordered } => {
            let plan = callbacks::Plan { messages: messages as usize, rate, fail, hang, ordered };
            callbacks::run(&target, &cli.target, plan).await
        }
        Command::Realtime { line, clients, rate, pid } => {
            let lasts = std::time::Duration::from_secs(cli.target.seconds);
            let plan = realtime::Plan { line, clients: clients as usize, rate, lasts, pid };
            realtime::run(&std::sync::Arc::new(target), plan).await
        }
        Command::Pages { depth } => read::pages(&target, &cli.target, depth).await,
        Command::Unread { conversations, groups } => read::unread(&target, &cli.target, conversations, groups).await,
    }
}
