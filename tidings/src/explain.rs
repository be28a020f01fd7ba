//! `tidings explain`: all stored data about one message, read from the tables of all services.

use clap::Args;
use tidings_callback::DeliveryOfMessage;
use tidings_directory::StoredApp;
use tidings_domain::{Error, MsgId, UnixMillis, UserId};
use tidings_file::kept;
use tidings_message::explain::{Explained, ExplainedEvent};
use tidings_proto::pb;
use tidings_runtime::Config;

use crate::{
    callback_lines::due,
    conversation_lines::conversation,
    lines::{Output, Row},
    stores::{DataLocation, Stores},
};

/// Which message.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidings explain 1234567890123456 --app acme/lobby")]
pub struct ExplainOptions {
    /// The message's id.
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    msg_id: i64,
    /// The app as org/app [default: every app is searched].
    #[arg(long, value_name = "ORG/APP")]
    app: Option<String>,
}

/// Prints what is known; fails if no app has the message.
pub async fn explain(config: &Config, options: &ExplainOptions, output: Output) -> Result<(), Error> {
    let stores = Stores::open(&DataLocation::of(config)).await?;
    let found = search(&stores, options, output).await;
    stores.close().await;
    if found? {
        return Ok(());
    }
    let words =
        "is in no app's log: it was never sent, was refused, was sent only to users who were online, or was purged";
    Err(Error::invalid("msg_id", format!("{} {words}", options.msg_id)))
}

async fn search(stores: &Stores, options: &ExplainOptions, output: Output) -> Result<bool, Error> {
    let apps = tidings_directory::stored_apps(&stores.directory).await?;
    let is_meant = |app: &&StoredApp| options.app.as_ref().is_none_or(|name| *name == app.name);
    let mut apps = apps.iter().filter(is_meant).peekable();
    if apps.peek().is_none() {
        return Err(Error::app_not_found(options.app.clone().unwrap_or_default()));
    }
    let (msg_id, mut is_found) = (MsgId(options.msg_id), false);
    // An id is unique in its app; another app may have the same.
    for app in apps {
        if let Some(explained) = tidings_message::explain::explain(&stores.message, app.id, msg_id).await? {
            is_found = true;
            output.print(&one(stores, app, msg_id, &explained).await?);
        }
    }
    Ok(is_found)
}

/// Everything about the message of one app. The fields of the message itself come first.
async fn one(stores: &Stores, app: &StoredApp, msg_id: MsgId, message: &Explained) -> Result<Row, Error> {
    let Explained { conversation: place, seq, event: (lane, number), sender, sent_at, .. } = message;
    let (readers, count) =
        tidings_conversation::readers(&stores.conversation, app.id, *place, (msg_id, *sender)).await?;
    let deliveries = tidings_callback::deliveries_of(&stores.callback, app.id, msg_id).await?;
    let mut files = Vec::new();
    for uuid in &message.files {
        files.extend(file(stores, app, uuid).await?);
    }

    let row = Row::default().text("message").shown("msg_id", msg_id.0);
    let row = row.cell("app", app.name.as_str(), format!("app {}", app.name)).line().text("conversation");
    let mut row = conversation(row, Some(&pb::ConversationId::from(*place)))
        .cell("seq", *seq, format!("seq {seq}"))
        .line()
        .text("sent")
        .cell("sender_id", sender.0, format!("by user {sender}"))
        .time("sent_at_ms", "at", sent_at.0)
        .flag("imported", message.imported, "imported")
        .line()
        .text("event")
        .text("message.sent")
        .cell("lane", *lane, format!("lane {lane}"))
        .cell("number", *number, format!("number {number}"));
    if let Some(at) = message.recalled_at {
        row = row.line().text("recalled").time("recalled_at_ms", "at", at.0);
    }
    if let Some((at, times)) = message.edited {
        row = row.line().text("edited").cell("edits", times, format!("{times} times"));
        row = row.time("edited_at_ms", "last at", at.0);
    }
    if !message.address.is_empty() {
        row = row.line().text("caller").shown("address", message.address.as_str());
    }
    if let Some(id) = trace_id(&message.trace) {
        row = row.line().text("trace").shown("trace_id", id);
    }
    let row = row
        .rows("events", message.events.iter().map(|event| event_row(event, *lane)))
        .rows("files", files)
        .line()
        .text("readers")
        .shown("reader_count", count)
        .rows("readers", readers.into_iter().map(|(user, at)| reader_row(user, at)));
    Ok(row.rows("deliveries", deliveries.into_iter().map(delivery_row)))
}

async fn file(stores: &Stores, app: &StoredApp, uuid: &str) -> Result<Option<Row>, Error> {
    // Any uuid in a message may be that of a file; most texts with one name none of ours.
    let Some((file, is_gone)) = kept::describe(&stores.file, app.id, uuid).await? else { return Ok(None) };
    let row = Row::default().text("file").shown("uuid", uuid).shown("name", file.name);
    let row = row.cell("size", file.size, format!("{} bytes", file.size));
    Ok(Some(row.shown("state", if is_gone { "gone" } else { "kept" })))
}

fn event_row(event: &ExplainedEvent, lane: i64) -> Row {
    let ExplainedEvent { number, kind, made_at, actor, trace, reason } = event;
    let mut row = Row::default()
        .text("event")
        .shown("kind", kind.as_str())
        .cell("lane", lane, format!("lane {lane}"))
        .cell("number", *number, format!("number {number}"))
        .cell("actor_id", actor.0, format!("by user {actor}"))
        .time("at_ms", "at", made_at.0);
    if !reason.is_empty() {
        row = row.shown("reason", reason.as_str());
    }
    match trace_id(trace) {
        Some(id) => row.cell("trace_id", id, format!("trace {id}")),
        None => row,
    }
}

fn reader_row(user: UserId, at: UnixMillis) -> Row {
    let row = Row::default().text("read").cell("user_id", user.0, format!("by user {user}"));
    row.time("read_at_ms", "mark moved last at", at.0)
}

fn delivery_row(delivery: DeliveryOfMessage) -> Row {
    let (id, endpoint, state) = (delivery.id, delivery.endpoint, delivery.state);
    let attempts = delivery.attempts.into_iter().map(|(at, took, status, answer)| {
        Row::default()
            .text("attempt")
            .text(format!("of delivery {id}"))
            .time("at_ms", "at", at.0)
            .cell("duration_ms", took, format!("took {took} ms"))
            .cell("status", status, format!("status {status}"))
            .shown("answer", answer)
    });
    Row::default()
        .text("delivery")
        .shown("id", id)
        .cell("endpoint_id", endpoint, format!("endpoint {endpoint}"))
        .shown("event", delivery.event)
        .shown("state", state)
        .time("at_ms", due(state), delivery.at.0)
        .rows("attempts", attempts)
}

/// The trace id of a W3C traceparent.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}
