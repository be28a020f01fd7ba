//! Events other than messages in some conversations, for a reconnecting device.
//!
//! Notices are rare, have an index of their own and are read exactly. Marks (read, delivered) are numerous: only the newest
//! events of a conversation are looked through for them, and of each user the newest mark counts.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
    sync::LazyLock,
};

use tidings_domain::{AppId, ConversationId, Error, EventKind, UserId};
use tidings_store::{Column, Db, GatherMany, Kind, Scale};

use super::{
    feed::{self, Event, EventData, Other, OtherRow},
    since::{MOST, Since, keys},
};

/// The kinds that the index `event_notice` leaves out.
const NOT_INDEXED: [&str; 8] =
    ["read", "delivered", "online", "online_broadcast", "refused", "user.online", "user.offline", "user.presence"];

const RANGE: [(&str, Kind); 8] = [
    ("app_id", Kind::Int),
    ("conv_a", Kind::Int),
    ("conv_b", Kind::Int),
    ("user_id", Kind::Int),
    ("floor", Kind::Int),
    ("changes_from", Kind::Int),
    ("after", Kind::Int),
    ("upto", Kind::Int),
];

/// Whether an event is a notice that the user may see: of messages above the floor, and changes from a moment on.
fn is_notice(event: &str) -> String {
    let not_later = EventKind::all().filter(|kind| !kind.is_for_later()).map(EventKind::stored_name);
    let others: BTreeSet<&str> = NOT_INDEXED.into_iter().chain(not_later).collect();
    let kinds: Vec<String> = others.into_iter().map(|kind| format!("{event}.kind <> '{kind}'")).collect();
    let kinds = kinds.join(" and ");
    format!("{kinds} and ({event}.msg_id > r.floor or {event}.msg_id = 0 and {event}.made_at >= r.changes_from)")
}

/// Of each conversation: whether there are events besides messages, the oldest that is looked at for marks, and the last
/// notice that is read (0 if there are fewer than [`MOST`]), and the first notice. And the event of the message below the
/// newest [`MOST`], 0 if there are no more than these; -1 if there is no new message.
static ENDS: LazyLock<GatherMany> = LazyLock::new(|| {
    let (most, last, is_notice) = (MOST, MOST - 1, is_notice("x"));
    let of_range = "x.app_id = r.app_id and x.conv_a = r.conv_a and x.conv_b = r.conv_b
                    and x.event_no > r.after and x.event_no <= r.upto";
    let is_of = "m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b";
    GatherMany::new(
        &RANGE,
        &["conv_a", "conv_b", "has_others", "oldest", "first", "last", "message"],
        &format!(
            "select r.conv_a, r.conv_b,
                cast(coalesce((select 1 from event x where {of_range} limit 1), 0) as bigint) as has_others,
                coalesce((select x.event_no from event x where {of_range}
                    order by x.event_no desc limit 1 offset {last}), 0) as oldest,
                coalesce((select x.event_no from event x where {of_range} and {is_notice}
                    order by x.event_no limit 1), 0) as first,
                coalesce((select x.event_no from event x where {of_range} and {is_notice}
                    order by x.event_no limit 1 offset {last}), 0) as last,
                case when coalesce((select m.event_no from message m where {is_of}
                        order by m.msg_id desc limit 1), 0) > r.after
                    then coalesce((select m.event_no from message m where {is_of}
                        order by m.msg_id desc limit 1 offset {most}), 0)
                    else -1 end as message
             from r"
        ),
        "",
    )
});

/// Those events of each range.
fn events_that(is_meant: &str) -> GatherMany {
    const COLUMNS: &str = "e.event_no, e.kind, e.made_at, e.conv_a, e.conv_b, e.msg_id, e.actor_id,
        case when octet_length(e.body) <= 16384 then e.body end as body,
        cast(octet_length(e.body) as bigint) as size,
        e.address, e.platform, e.trace, m.seq, m.sender_id, m.sent_at, m.delivery, m.checksum, m.recalled_at, e.reason,
        e.edits";
    let condition = format!(
        "where e.app_id = r.app_id and e.conv_a = r.conv_a and e.conv_b = r.conv_b
        and e.event_no > r.after and e.event_no <= r.upto and {is_meant}"
    );
    let is_message = "m.app_id = e.app_id and m.conv_a = e.conv_a and m.conv_b = e.conv_b and m.msg_id = e.msg_id";
    let sqlite = format!("select {COLUMNS} from r cross join event e left join message m on {is_message} {condition}");
    // Forces PostgreSQL to look up one message per event.
    let postgres = format!(
        "select {COLUMNS} from r cross join event e
        left join lateral (select * from message m where {is_message} limit 1) m on true {condition}"
    );
    GatherMany::per_engine(&RANGE, OtherRow::COLUMNS, &sqlite, &postgres)
}

/// An edit contains the text, so it is read only if the history shows the message.
static NOTICES: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_notice = is_notice("e");
    events_that(&format!(
        "{is_notice} and (e.kind <> 'edited' or m.recalled_at is null and not exists (select 1 from excluded h
            where h.app_id = e.app_id and h.user_id = r.user_id and h.conv_a = e.conv_a and h.conv_b = e.conv_b
              and h.msg_id = e.msg_id))"
    ))
});

/// Delivered marks of a user are reported to the other party only.
static MARKS: LazyLock<GatherMany> = LazyLock::new(|| {
    events_that("e.msg_id > r.floor and (e.kind = 'read' or e.kind = 'delivered' and e.actor_id <> r.user_id)")
});

pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&ENDS, &NOTICES, &MARKS]
}

/// Which events of a conversation are read.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    pub since: Since,
    pub has_notices: bool,
    /// There are events besides messages.
    has_others: bool,
    /// There are messages above `since.after`: the event of the one below the newest [`MOST`], 0 if there are no more.
    pub messages: Option<i64>,
    /// There are more events than are looked at, or notices than are read.
    pub is_full: bool,
    /// The last notice that is read, or what is beyond it.
    notices_upto: i64,
    /// Below the oldest event that is examined.
    marks_after: i64,
}

type EndsRow = (i64, i64, i64, i64, i64, i64, i64);
const NO_MESSAGE: i64 = -1;

/// Of each conversation up to [`MOST`] notices, the first, and the marks among its newest [`MOST`] events.
pub async fn ends(db: &Db, app: AppId, user: UserId, asked: &[Since]) -> Result<Vec<Ends>, Error> {
    let rows: Vec<EndsRow> = ENDS.read(db, &range(app, user, asked)).await?;
    let rows: HashMap<ConversationId, EndsRow> =
        rows.into_iter().map(|row| (ConversationId::from_key(row.0, row.1), row)).collect();
    let ends = asked.iter().map(|since| {
        let found = rows.get(&since.conversation).copied().unwrap_or((0, 0, 0, 0, 0, 0, NO_MESSAGE));
        let (_, _, others, oldest, first, last, message) = found;
        Ends {
            since: *since,
            has_notices: first > 0,
            has_others: others > 0,
            messages: (message != NO_MESSAGE).then_some(message),
            is_full: oldest > 0 || last > 0,
            notices_upto: if last > 0 { last } else { since.upto },
            marks_after: since.after.max(oldest - 1),
        }
    });
    Ok(ends.collect())
}

/// The notices, as far as there is room, in any order.
pub async fn notices(
    db: &Db,
    app: AppId,
    user: UserId,
    ends: &[Ends],
    lane: fn(ConversationId) -> i64,
    scale: &mut Scale,
) -> Result<Vec<Event>, Error> {
    let ends = ends.iter().filter(|ends| ends.has_notices);
    let since: Vec<Since> = ends.map(|ends| Since { upto: ends.notices_upto, ..ends.since }).collect();
    if since.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<OtherRow> = NOTICES.read(db, &range(app, user, &since)).await?;
    feed::other_events(db, app, rows, lane, scale).await
}

/// Of each user the newest marks, in any order.
pub async fn marks(db: &Db, app: AppId, user: UserId, ends: &[Ends]) -> Result<Vec<Event>, Error> {
    let ends = ends.iter().filter(|ends| ends.has_others);
    let since: Vec<Since> = ends.map(|ends| Since { after: ends.marks_after, ..ends.since }).collect();
    if since.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<OtherRow> = MARKS.read(db, &range(app, user, &since)).await?;
    let mut marks = feed::bodiless(app, rows)?;
    marks.sort_unstable_by_key(|mark| Reverse(mark.event_no));
    let mut known = HashSet::new();
    marks.retain(|mark| {
        // Of marks that cover messages of several senders, each sender gets their own.
        let sender = match &mark.happened {
            EventData::Other(Other { of, .. }) => of.map(|(_, sender, _)| sender),
            EventData::Sent(_) => None,
        };
        known.insert((mark.conversation(), mark.kind().name(), mark.actor(), sender))
    });
    Ok(marks)
}

fn range(app: AppId, user: UserId, asked: &[Since]) -> [Column<'static>; 8] {
    let [app_id, a, b] = keys(app, asked);
    let int = |value: fn(&Since) -> i64| Column::Int(asked.iter().map(value).collect());
    [
        app_id,
        a,
        b,
        Column::Int(vec![user.0; asked.len()]),
        int(|since| since.floor.0),
        int(|since| since.changes_from.map_or(i64::MAX, |moment| moment.0)),
        int(|since| since.after),
        int(|since| since.upto),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_notices_leaves_out_what_no_notice_is() {
        let wanted = NOT_INDEXED.map(|kind| format!("kind <> '{kind}'")).join(" and ");
        for migration in [
            include_str!("../../migrations/sqlite/0018_notices.sql"),
            include_str!("../../migrations/postgres/0018_notices.sql"),
        ] {
            let words = migration.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(&format!("where {wanted};")), "{words}");
        }
    }
}
