//! The messages of some conversations since an event, for a reconnecting device. Other events are in
//! [`super::notices`].
//!
//! The cost depends on the number of conversations and on what happened in them, not on what else happened in the app.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, GatherMany, Kind, Scale};

use super::{
    feed::{self, Event, SentRow},
    read::visible,
    weight::light_content,
};
use crate::row_options::Flags;

/// Messages, and as many other events, that are read of one conversation.
pub const MOST: usize = 200;

/// A conversation and the range to read.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    pub conversation: ConversationId,
    /// Messages up to here are hidden from the user.
    pub floor: MsgId,
    /// So are changes from before this time; `None`: all changes are.
    pub changes_from: Option<UnixMillis>,
    /// The range of its lane: above the first number, up to the second.
    pub after: i64,
    pub upto: i64,
}

/// The event of the oldest message that [`SENT`] looks at, 0 if there are fewer.
static LAST: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int)];
    let last = MOST;
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "event_no"],
        &format!(
            "select r.conv_a, r.conv_b, coalesce((select m.event_no from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
                order by m.msg_id desc limit 1 offset {last}), 0) as event_no
             from r"
        ),
        "",
    )
});

const RANGE: [(&str, Kind); 7] = [
    ("app_id", Kind::Int),
    ("conv_a", Kind::Int),
    ("conv_b", Kind::Int),
    ("user_id", Kind::Int),
    ("floor", Kind::Int),
    ("after", Kind::Int),
    ("upto", Kind::Int),
];

/// The lower bound is one value, so that no scan continues below it in search of a row.
static SENT: LazyLock<GatherMany> = LazyLock::new(|| {
    let (visible, last) = (visible!("r.user_id"), MOST - 1);
    let content = light_content!();
    GatherMany::new(
        &RANGE,
        SentRow::COLUMNS,
        &format!(
            "select m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at,
                m.edits, m.checksum, m.recalled_at, {content}, m.delivery, m.event_no, m.origin
             from r cross join message m
             where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
               and m.msg_id >= coalesce((select n.msg_id from message n
                    where n.app_id = r.app_id and n.conv_a = r.conv_a and n.conv_b = r.conv_b
                    order by n.msg_id desc limit 1 offset {last}), 0)
               and m.msg_id > r.floor and m.event_no > r.after and m.event_no <= r.upto and {visible}"
        ),
        "",
    )
});

/// The event of the first message above the floor that was not imported, 0 if there is none. Whatever happened to messages
/// above the floor came after it.
static FIRST: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("floor", Kind::Int)];
    let imported = Flags { imported: true, ..Flags::default() }.bits();
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "event_no"],
        &format!(
            "select r.conv_a, r.conv_b, coalesce((select m.event_no from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
                  and m.msg_id > r.floor and m.flags & {imported} = 0
                order by m.msg_id limit 1), 0) as event_no
             from r"
        ),
        "",
    )
});

pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&LAST, &SENT, &FIRST]
}

/// Those of which more than [`MOST`] messages are above `after`.
pub async fn full(db: &Db, app: AppId, asked: &[Since]) -> Result<Vec<ConversationId>, Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let last: Vec<(i64, i64, i64)> = LAST.read(db, &keys(app, asked)).await?;
    let last: HashMap<ConversationId, i64> =
        last.into_iter().map(|(a, b, event_no)| (ConversationId::from_key(a, b), event_no)).collect();
    let is_full = |since: &&Since| last.get(&since.conversation).is_some_and(|event_no| *event_no > since.after);
    Ok(asked.iter().filter(is_full).map(|since| since.conversation).collect())
}

/// The messages that `user` can read, at most the newest [`MOST`] of each conversation, in any order.
pub async fn sent(db: &Db, app: AppId, user: UserId, since: &[Since], scale: &mut Scale) -> Result<Vec<Event>, Error> {
    let rows: Vec<SentRow> = SENT.read(db, &range(app, user, since)).await?;
    feed::sent_events(db, app, rows, scale).await
}

/// The event of the first message above each floor; none of those without one.
pub async fn first(db: &Db, app: AppId, asked: &[Since]) -> Result<HashMap<ConversationId, i64>, Error> {
    let [app_id, a, b] = keys(app, asked);
    let floor = Column::Int(asked.iter().map(|since| since.floor.0).collect());
    let rows: Vec<(i64, i64, i64)> = FIRST.read(db, &[app_id, a, b, floor]).await?;
    let found = rows.into_iter().filter(|(.., event_no)| *event_no > 0);
    Ok(found.map(|(a, b, event_no)| (ConversationId::from_key(a, b), event_no)).collect())
}

pub(super) fn keys(app: AppId, asked: &[Since]) -> [Column<'static>; 3] {
    [
        Column::Int(vec![app.0; asked.len()]),
        Column::Int(asked.iter().map(|since| since.conversation.key().0).collect()),
        Column::Int(asked.iter().map(|since| since.conversation.key().1).collect()),
    ]
}

fn range(app: AppId, user: UserId, asked: &[Since]) -> [Column<'static>; 7] {
    let [app_id, a, b] = keys(app, asked);
    let int = |value: fn(&Since) -> i64| Column::Int(asked.iter().map(value).collect());
    let user_id = Column::Int(vec![user.0; asked.len()]);
    [app_id, a, b, user_id, int(|since| since.floor.0), int(|since| since.after), int(|since| since.upto)]
}
