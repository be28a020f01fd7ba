//! What the log knows about one message, for an operator.

use tidings_domain::{AppId, ConversationId, Error, EventKind, MsgId, UnixMillis, UserId};
use tidings_store::Db;

use crate::{
    origin::EventOrigin,
    row_options::Flags,
    store::explain::{self, EventRow, PlaceRow},
};

/// A message of the log.
#[derive(Debug)]
pub struct Explained {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its number there.
    pub seq: i64,
    /// The lane of the event feed, and its number in it.
    pub event: (i64, i64),
    /// Who sent it; 0 is the app itself.
    pub sender: UserId,
    /// When.
    pub sent_at: UnixMillis,
    /// It came from another system.
    pub imported: bool,
    /// When it was recalled.
    pub recalled_at: Option<UnixMillis>,
    /// When it was last edited, and how often.
    pub edited: Option<(UnixMillis, i64)>,
    /// The trace context of its sending, empty if there was none.
    pub trace: String,
    /// The caller's address, empty if it is not known.
    pub address: String,
    /// Files that it contains.
    pub files: Vec<String>,
    /// What happened to it since, oldest first.
    pub events: Vec<ExplainedEvent>,
}

/// An event of a message.
#[derive(Debug)]
pub struct ExplainedEvent {
    /// Its number in the lane.
    pub number: i64,
    /// Its name, as in the feed.
    pub kind: String,
    /// When it happened.
    pub made_at: UnixMillis,
    /// Who did it; 0 is the app itself.
    pub actor: UserId,
    /// Its trace context, empty if there was none.
    pub trace: String,
    /// Why something was refused; empty otherwise.
    pub reason: String,
}

/// The message with that id, recalled or not; `None` if the log of the app has none.
pub async fn explain(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<Explained>, Error> {
    let Some(row) = explain::place(db, app, msg_id.0).await? else { return Ok(None) };
    let key = (row.conv_a, row.conv_b);
    let files = explain::files(db, app, key, msg_id.0).await?;
    let events = explain::events(db, app, key, (msg_id.0, row.event_no)).await?;
    explained(row, files, events).map(Some)
}

fn explained(row: PlaceRow, files: Vec<String>, events: Vec<EventRow>) -> Result<Explained, Error> {
    let origin = EventOrigin::read(row.origin.as_deref().unwrap_or_default())?;
    let event = |event: EventRow| ExplainedEvent {
        number: event.event_no,
        kind: EventKind::of_stored_name(&event.kind).map_or(event.kind, |kind| kind.name().to_owned()),
        made_at: UnixMillis(event.made_at),
        actor: UserId(event.actor_id),
        trace: event.trace.unwrap_or_default(),
        reason: event.reason.unwrap_or_default(),
    };
    Ok(Explained {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        seq: row.seq,
        event: (row.lane, row.event_no),
        sender: UserId(row.sender_id),
        sent_at: UnixMillis(row.sent_at),
        imported: Flags::of(row.flags).imported,
        recalled_at: row.recalled_at.map(UnixMillis),
        edited: row.edited_at.map(|at| (UnixMillis(at), row.edits)),
        trace: origin.trace,
        address: origin.address,
        files,
        events: events.into_iter().map(event).collect(),
    })
}
