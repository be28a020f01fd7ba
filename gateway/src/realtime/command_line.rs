//! What is kept of a command that a client gives over its connection: its numbers, the log line of a refusal, and for what is
//! carried out its request id and span, as a REST call has them.

use std::{future::Future, sync::Arc};

use tidings_domain::{Reason, UserId};
use tidings_runtime::{metrics, request_id, telemetry};
use tokio::time::Instant;
use tracing::{Instrument as _, field::display};

use super::client::Client;
use crate::Gateway;

/// A wire format, and one of its commands, from fixed lists: they are labels of metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    wire: &'static str,
    name: &'static str,
}

/// The wire formats of sockets.
pub(super) const JSON: &str = "json";
pub(super) const MSYNC: &str = "msync";
/// The command of what is none.
pub(super) const OTHER: &str = "other";

impl Command {
    /// One of the JSON frames.
    pub const fn json(name: &'static str) -> Self {
        Self { wire: JSON, name }
    }

    /// One of MSync's.
    pub const fn msync(name: &'static str) -> Self {
        Self { wire: MSYNC, name }
    }
}

/// Whose connection it is.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// A client that is logged in.
    Client(&'a Client),
    /// One that is not, and the app that it names.
    Nobody(&'a Gateway, &'a str),
}

impl By<'_> {
    const fn gateway(&self) -> &Gateway {
        match self {
            Self::Client(client) => &client.gateway,
            Self::Nobody(gateway, _) => gateway,
        }
    }

    /// The app and the user, for the log.
    fn named(&self) -> (String, Option<UserId>) {
        match self {
            Self::Client(client) => (format!("{}#{}", client.app().org, client.app().name), Some(client.user)),
            Self::Nobody(_, app) => (app[..app.floor_char_boundary(MAX_APP)].to_owned(), None),
        }
    }
}

/// Maximum bytes of a client's input in a log line.
const MAX_APP: usize = 130;

/// Carries a command out, and keeps what is kept of it. The reason is why it was refused.
pub(super) async fn carried_out<T>(by: By<'_>, command: Command, work: impl Future<Output = (T, Option<Reason>)>) -> T {
    let (started, Command { wire, name }) = (Instant::now(), command);
    let id: Arc<str> = by.gateway().next_request_id().into();
    let kind = telemetry::server_kind();
    let span = tracing::info_span!("realtime.command", wire, command = name, request_id = %id, otel.kind = kind);
    let (answer, refused) = request_id::within(Arc::clone(&id), work).instrument(span.clone()).await;
    telemetry::describe_command(&span, refused);
    count(command, refused, started);
    if let Some(reason) = refused {
        log(by, command, reason, started, Some((&id, telemetry::trace_id(&span))));
    }
    answer
}

/// A command was answered at once, without a call to a service.
pub(super) fn answered(by: By<'_>, command: Command, refused: Option<Reason>, started: Instant) {
    count(command, refused, started);
    if let Some(reason) = refused {
        log(by, command, reason, started, None);
    }
}

fn count(Command { wire, name }: Command, refused: Option<Reason>, started: Instant) {
    let reason = refused.map_or("", |reason| reason.words().name);
    metrics().realtime.answered([wire, name, reason], started.elapsed());
}

/// At most one line a second for each command and reason, with how many there were since.
fn log(
    by: By<'_>,
    Command { wire, name }: Command,
    reason: Reason,
    started: Instant,
    ids: Option<(&str, Option<String>)>,
) {
    let (reason, now) = (reason.words().name, Instant::now());
    let Some(repeated) = by.gateway().command_repeats().count([wire, name, reason], now) else { return };
    let ((app, user), ms) = (by.named(), (now - started).as_millis() as u64);
    let (id, trace_id) = ids.unzip();
    let (user, id, trace_id) = (user.map(display), id.map(display), trace_id.flatten());
    tracing::info!(
        parent: None, wire, command = name, reason, ms, app, user, request_id = id, trace_id, repeated, "realtime"
    );
}
