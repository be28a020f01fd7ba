//! What happened in some conversations since an event: for a device that comes back.
//!
//! The cost depends on the number of conversations and on what happened in them, not on what else happened in the app.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Column, Db, GatherMany, Kind, Scale};

use super::{
    feed::{self, Event, OtherRow, SentRow},
    read::visible,
    weight::light_content,
};

/// Messages, and other events, that are read of one conversation.
pub const MOST: usize = 200;

/// A conversation and what of it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    pub conversation: ConversationId,
    /// Messages up to here are hidden from the user.
    pub floor: MsgId,
    /// The range of its lane: above the first number, up to the second.
    pub after: i64,
    pub upto: i64,
}

/// The newest message's event, and the event of the last message that would be read: what of it is above `after`.
static HEADS: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("after", Kind::Int)];
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "is_new"],
        "select r.conv_a, r.conv_b,
            cast(case when (select m.event_no from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
                order by m.msg_id desc limit 1) > r.after then 1 else 0 end as bigint) as is_new
         from r",
        "",
    )
});

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
                m.edits, {content}, m.delivery, m.event_no, m.origin
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

static OTHER: LazyLock<GatherMany> = LazyLock::new(|| {
    let last = MOST - 1;
    let columns = "e.event_no, e.kind, e.made_at, e.conv_a, e.conv_b, e.msg_id, e.actor_id,
        case when octet_length(e.body) <= 16384 then e.body end as body,
        cast(octet_length(e.body) as bigint) as size,
        e.address, e.platform, e.trace, m.seq, m.sender_id, m.sent_at, m.delivery, e.reason, e.edits";
    let is_meant = format!(
        "e.app_id = r.app_id and e.conv_a = r.conv_a and e.conv_b = r.conv_b
        and e.event_no > r.after and e.event_no <= r.upto
        and e.event_no <= coalesce((select x.event_no from event x
            where x.app_id = r.app_id and x.conv_a = r.conv_a and x.conv_b = r.conv_b and x.event_no > r.after
            order by x.event_no limit 1 offset {last}), r.upto)"
    );
    let is_message = "m.app_id = e.app_id and m.conv_a = e.conv_a and m.conv_b = e.conv_b and m.msg_id = e.msg_id";
    let sqlite =
        format!("select {columns} from r cross join event e left join message m on {is_message} where {is_meant}");
    // Forces PostgreSQL to look up one message per event.
    let postgres = format!(
        "select {columns} from r cross join event e
        left join lateral (select * from message m where {is_message} limit 1) m on true where {is_meant}"
    );
    GatherMany::per_engine(&RANGE, OtherRow::COLUMNS, &sqlite, &postgres)
});

pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&HEADS, &LAST, &SENT, &OTHER]
}

/// Those conversations whose newest message is above `after`, and whether more than [`MOST`] messages are.
pub async fn with_messages(db: &Db, app: AppId, asked: &[Since]) -> Result<Vec<(Since, bool)>, Error> {
    let [app_id, a, b] = keys(app, asked);
    let after = Column::Int(asked.iter().map(|since| since.after).collect());
    let rows: Vec<(i64, i64, i64)> = HEADS.read(db, &[app_id, a, b, after]).await?;
    let new: HashSet<ConversationId> =
        rows.into_iter().filter(|row| row.2 != 0).map(|(a, b, _)| ConversationId::from_key(a, b)).collect();
    let active: Vec<Since> = asked.iter().copied().filter(|since| new.contains(&since.conversation)).collect();
    let last: Vec<(i64, i64, i64)> = LAST.read(db, &keys(app, &active)).await?;
    let last: HashMap<ConversationId, i64> =
        last.into_iter().map(|(a, b, event_no)| (ConversationId::from_key(a, b), event_no)).collect();
    let more = |since: &Since| last.get(&since.conversation).is_some_and(|event_no| *event_no > since.after);
    Ok(active.into_iter().map(|since| (since, more(&since))).collect())
}

/// The messages that `user` can read, at most the newest [`MOST`] of each conversation, in any order.
pub async fn sent(db: &Db, app: AppId, user: UserId, asked: &[Since], scale: &mut Scale) -> Result<Vec<Event>, Error> {
    let rows: Vec<SentRow> = SENT.read(db, &range(app, user, asked)).await?;
    feed::sent_events(db, app, rows, scale).await
}

/// Other events, at most the first [`MOST`] of each conversation, in any order.
pub async fn other(
    db: &Db,
    app: AppId,
    asked: &[Since],
    lane: fn(ConversationId) -> i64,
    scale: &mut Scale,
) -> Result<Vec<Event>, Error> {
    let rows: Vec<OtherRow> = OTHER.read(db, &range(app, UserId::ADMIN, asked)).await?;
    feed::other_events(db, app, rows, lane, scale).await
}

fn keys(app: AppId, asked: &[Since]) -> [Column<'static>; 3] {
    [
        Column::Int(vec![app.0; asked.len()]),
        Column::Int(asked.iter().map(|since| since.conversation.key().0).collect()),
        Column::Int(asked.iter().map(|since| since.conversation.key().1).collect()),
    ]
}

fn range(app: AppId, user: UserId, asked: &[Since]) -> [Column<'static>; 7] {
    let [app_id, a, b] = keys(app, asked);
    let int = |value: fn(&Since) -> i64| Column::Int(asked.iter().map(value).collect());
    [
        app_id,
        a,
        b,
        Column::Int(vec![user.0; asked.len()]),
        int(|since| since.floor.0),
        int(|since| since.after),
        int(|since| since.upto),
    ]
}
