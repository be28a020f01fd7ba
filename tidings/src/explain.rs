//! `tidings explain`: everything that is stored about one message, read from the tables of all services.

use clap::Args;
use tidings_directory::StoredApp;
use tidings_domain::{ConversationId, Error, MsgId};
use tidings_file::kept;
use tidings_message::explain::{Explained, ExplainedEvent};
use tidings_runtime::Config;

use crate::{
    lines::{plain, say},
    stores::{Place, Stores},
};

/// Which message.
#[derive(Debug, Args)]
pub struct ExplainOptions {
    /// The message's id.
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    msg_id: i64,
    /// The app as org/app [default: every app is searched].
    #[arg(long)]
    app: Option<String>,
}

/// Prints what is known; fails if no app has the message.
pub async fn explain(config: &Config, options: &ExplainOptions) -> Result<(), Error> {
    let stores = Stores::open(&Place::of(config)).await?;
    let found = search(&stores, options).await;
    stores.close().await;
    if found? {
        return Ok(());
    }
    let words = "is in the log of no app: it was never sent, was refused or sent to those online only, or was purged";
    Err(Error::invalid("msg_id", format!("{} {words}", options.msg_id)))
}

async fn search(stores: &Stores, options: &ExplainOptions) -> Result<bool, Error> {
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
            one(stores, app, msg_id, &explained).await?;
        }
    }
    Ok(is_found)
}

async fn one(stores: &Stores, app: &StoredApp, msg_id: MsgId, message: &Explained) -> Result<(), Error> {
    let Explained { conversation, seq, event: (lane, number), sender, sent_at, .. } = message;
    say(&format!("message\t{msg_id}\tapp {}", plain(&app.name)));
    say(&format!("conversation\t{}\tseq {seq}", shown(*conversation)));
    say(&format!("sent\tby user {sender}\tat {} ms{}", sent_at.0, if message.imported { "\timported" } else { "" }));
    say(&format!("event\tmessage.sent\tlane {lane}\tnumber {number}"));
    if let Some(at) = message.recalled_at {
        say(&format!("recalled\tat {} ms", at.0));
    }
    if let Some((at, times)) = message.edited {
        say(&format!("edited\t{times} times\tlast at {} ms", at.0));
    }
    if !message.address.is_empty() {
        say(&format!("caller\t{}", plain(&message.address)));
    }
    if let Some(id) = trace_id(&message.trace) {
        say(&format!("trace\t{}", plain(id)));
    }
    message.events.iter().for_each(|event| say(&event_line(event, *lane)));
    for uuid in &message.files {
        file(stores, app, uuid).await?;
    }
    let (readers, count) =
        tidings_conversation::readers(&stores.conversation, app.id, *conversation, (msg_id, *sender)).await?;
    say(&format!("readers\t{count}"));
    for (user, at) in readers {
        say(&format!("read\tby user {user}\tmark moved last at {} ms", at.0));
    }
    for delivery in tidings_callback::deliveries_of(&stores.callback, app.id, msg_id).await? {
        let (id, endpoint, state) = (delivery.id, delivery.endpoint, delivery.state);
        let when = if state == "waiting" { "next try at" } else { "done at" };
        let event = plain(&delivery.event);
        say(&format!("delivery\t{id}\tendpoint {endpoint}\t{event}\t{state}\t{when} {} ms", delivery.at.0));
        for (at, took, status, answer) in delivery.attempts {
            say(&format!(
                "attempt\tof delivery {id}\tat {} ms\ttook {took} ms\tstatus {status}\t{}",
                at.0,
                plain(&answer)
            ));
        }
    }
    Ok(())
}

async fn file(stores: &Stores, app: &StoredApp, uuid: &str) -> Result<(), Error> {
    // Any uuid in a message may be that of a file; most texts with one name none of ours.
    if let Some((file, is_gone)) = kept::describe(&stores.file, app.id, uuid).await? {
        let state = if is_gone { "gone" } else { "kept" };
        say(&format!("file\t{uuid}\t{}\t{} bytes\t{state}", plain(&file.name), file.size));
    }
    Ok(())
}

fn event_line(event: &ExplainedEvent, lane: i64) -> String {
    let ExplainedEvent { number, kind, made_at, actor, trace, reason } = event;
    let mut line = format!("event\t{kind}\tlane {lane}\tnumber {number}\tby user {actor}\tat {} ms", made_at.0);
    if !reason.is_empty() {
        line.extend(["\t", &plain(reason)]);
    }
    if let Some(id) = trace_id(trace) {
        line.extend(["\ttrace ", &plain(id)]);
    }
    line
}

/// The trace id of a W3C traceparent.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

fn shown(conversation: ConversationId) -> String {
    match conversation {
        ConversationId::Direct(low, high) => format!("direct {low} {high}"),
        ConversationId::Group(group) => format!("group {group}"),
        ConversationId::Room(room) => format!("room {room}"),
    }
}
