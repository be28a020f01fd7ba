//! Events that are not rows of the log: recalls, edits, refusals, messages sent without being stored, and the
//! directory's changes.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, EventKind, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Kind, ManyRows, Tx};

use super::lane;
use crate::origin::Origin;

/// One event.
#[derive(Debug)]
pub struct NewEvent<'a> {
    pub app: AppId,
    pub lane: i64,
    pub kind: EventKind,
    pub made_at: UnixMillis,
    /// Of a change where it belongs: see [`tidings_domain::Change::place`].
    pub conversation: ConversationId,
    /// 0 for changes.
    pub msg_id: MsgId,
    /// The actor.
    pub actor: UserId,
    /// The content as JSON; of a change of the directory the change.
    pub body: Option<&'a str>,
    /// Why it was refused: see [`crate::appender::Refused::event_text`].
    pub reason: Option<String>,
    /// The number of edits of its message, including this one; 0 for other kinds.
    pub edits: i32,
    pub origin: &'a Origin,
}

static APPEND: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("lane", Kind::Int),
        // As in the log: how many of its lane come after it.
        ("after", Kind::Int),
        ("kind", Kind::Text),
        ("made_at", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
        ("actor_id", Kind::Int),
        ("body", Kind::Text),
        ("address", Kind::Text),
        ("platform", Kind::Text),
        ("trace", Kind::Text),
        ("reason", Kind::Text),
        ("edits", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into event (app_id, lane, event_no, kind, made_at, conv_a, conv_b, msg_id, actor_id, body, address,
            platform, trace, reason, edits)
         select r.app_id, r.lane, taken.last_no - r.after, r.kind, r.made_at, r.conv_a, r.conv_b, r.msg_id, r.actor_id,
            r.body, r.address, r.platform, r.trace, r.reason, r.edits
         from r cross join event_lane taken where taken.app_id = r.app_id and taken.lane = r.lane",
    )
});

pub fn many() -> Vec<&'static ManyRows> {
    vec![&APPEND]
}

/// Appends events with numbers of their lanes, and locks the lanes until the transaction ends. `beside` are lanes that
/// the transaction takes numbers of later: all are locked here, in order.
pub async fn append(
    tx: &mut Tx,
    events: &[NewEvent<'_>],
    beside: impl Iterator<Item = (AppId, i64)>,
) -> Result<(), Error> {
    let mut taken: BTreeMap<(AppId, i64), i64> = beside.map(|lane| (lane, 0)).collect();
    let mut after = Vec::with_capacity(events.len());
    for event in events.iter().rev() {
        let taken = taken.entry((event.app, event.lane)).or_insert(0);
        after.push(*taken);
        *taken += 1;
    }
    after.reverse();
    lane::take(tx, &taken).await?;
    let int = |value: fn(&NewEvent<'_>) -> i64| Column::Int(events.iter().map(value).collect());
    let columns = [
        int(|event| event.app.0),
        int(|event| event.lane),
        Column::Int(after),
        Column::Text(events.iter().map(|event| Some(event.kind.stored_name())).collect()),
        int(|event| event.made_at.0),
        int(|event| event.conversation.key().0),
        int(|event| event.conversation.key().1),
        int(|event| event.msg_id.0),
        int(|event| event.actor.0),
        Column::Text(events.iter().map(|event| event.body).collect()),
        Column::Text(events.iter().map(|event| event.origin.address.as_deref()).collect()),
        Column::Text(events.iter().map(|event| Some(event.origin.platform)).collect()),
        Column::Text(events.iter().map(|event| event.origin.trace.as_deref()).collect()),
        Column::Text(events.iter().map(|event| event.reason.as_deref()).collect()),
        int(|event| event.edits.into()),
    ];
    APPEND.execute(tx, &columns).await
}
