//! The event feed: the rows of the log, and what happened beside them, by lane and number.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use tidings_domain::{AppId, ConversationId, Error, EventKind, Message, MsgId, UnixMillis, UserId};
use tidings_store::{
    Db, Gather, Scale, on_db,
    sqlx::{self, FromRow},
};

use super::{
    read,
    weight::{self, light_content},
};
use crate::{content::StoredContent, delivery::Flags, origin::EventOrigin};

/// Number and origin are one column, since tuples end at 16.
static SENT: LazyLock<Gather> = LazyLock::new(|| {
    let out = [
        "conv_a",
        "conv_b",
        "msg_id",
        "seq",
        "sender_id",
        "sent_at",
        "countable",
        "flags",
        "edited_at",
        "edits",
        "body",
        "ext",
        "config",
        "verbatim",
        "delivery",
        "place",
    ];
    Gather::new(
        &out,
        concat!(
            "select m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at, m.edits,
            ",
            light_content!(),
            ", m.delivery, cast(m.event_no as text) || ' ' || coalesce(m.origin, '') as place
            from message m
            where m.app_id = $1 and m.lane = $2 and m.event_no > $3 and m.event_no <= $4
            order by m.event_no limit cast($5 as bigint)"
        ),
    )
});

/// Events beside `sent`, with what is told of their messages.
macro_rules! other {
    ($join:literal, $end:literal) => {
        concat!(
            "select e.event_no, e.kind, e.made_at, e.conv_a, e.conv_b, e.msg_id, e.actor_id,
                case when octet_length(e.body) <= 16384 then e.body end as body,
                cast(octet_length(e.body) as bigint) as size,
                e.address, e.platform, e.trace, m.seq, m.sender_id, m.sent_at, e.reason
             from event e ",
            $join,
            "m.app_id = e.app_id and m.conv_a = e.conv_a and m.conv_b = e.conv_b and m.msg_id = e.msg_id",
            $end,
            " where e.app_id = $1 and e.lane = $2 and e.event_no > $3 and e.event_no <= $4
             order by e.event_no limit cast($5 as bigint)"
        )
    };
}

static OTHER: LazyLock<Gather> = LazyLock::new(|| {
    let out = [
        "event_no",
        "kind",
        "made_at",
        "conv_a",
        "conv_b",
        "msg_id",
        "actor_id",
        "body",
        "size",
        "address",
        "platform",
        "trace",
        "seq",
        "sender_id",
        "sent_at",
        "reason",
    ];
    // PostgreSQL must be told that it looks one message up for each event.
    Gather::per_engine(
        &out,
        other!("left join message m on ", ""),
        other!("left join lateral (select * from message m where ", " limit 1) m on true"),
    )
});

/// A body that its row lacks.
const BODY: &str = "select e.body from event e where e.app_id = $1 and e.lane = $2 and e.event_no = $3";

pub const ALL: &[&str] = &[BODY];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&SENT, &OTHER]
}

/// One event.
#[derive(Debug)]
pub struct Event {
    pub event_no: i64,
    pub happened: Happened,
    pub origin: EventOrigin,
    /// Whether a message that came into the log was sent by the app itself, whoever it says the sender is.
    pub by_app: bool,
}

/// What happened.
#[derive(Debug)]
pub enum Happened {
    /// A message came into the log.
    Sent(Message),
    /// As the table `event` has it.
    Other(Other),
}

/// What is no row of the log.
#[derive(Debug)]
pub struct Other {
    pub kind: EventKind,
    pub made_at: UnixMillis,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub actor: UserId,
    /// Number, sender and time of the message that it is about, where that is in the log.
    pub of: Option<(i64, UserId, UnixMillis)>,
    /// What was said, and whether it is a system notification.
    pub content: Option<(StoredContent, bool)>,
    /// Why it was refused; empty where it was not.
    pub reason: String,
}

/// A part of a lane: above the first number, up to the second.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub app: AppId,
    pub lane: i64,
    pub after: i64,
    pub upto: i64,
}

impl Event {
    pub const fn kind(&self) -> EventKind {
        match &self.happened {
            Happened::Sent(_) => EventKind::Sent,
            Happened::Other(other) => other.kind,
        }
    }
}

impl Part {
    async fn read<T>(self, db: &Db, gather: &Gather, limit: i64) -> Result<Vec<T>, Error>
    where
        T: DeserializeOwned + for<'r> FromRow<'r, tidings_store::sqlx::postgres::PgRow> + Send + Unpin,
    {
        gather.read(db, &[self.app.0, self.lane, self.after, self.upto, limit]).await
    }
}

type SentRow = (
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
);

/// A part of a lane as far as it was read.
#[derive(Debug)]
pub struct Stretch {
    pub events: Vec<Event>,
    /// Up to there nothing is missing.
    pub reached: i64,
}

/// Messages that came into the log, up to `limit`, fewer where they weigh too much.
pub async fn sent(db: &Db, part: Part, limit: i64, scale: &mut Scale) -> Result<Stretch, Error> {
    let rows: Vec<SentRow> = part.read(db, &SENT, limit).await?;
    let is_all = (rows.len() as i64) < limit;
    let (mut events, mut reached) = (Vec::with_capacity(rows.len()), part.after);
    for mut row in rows {
        if row.10.is_none() && !scale.is_full() {
            // What was purged since its row was read is noticed by whoever follows.
            let Some(content) = weight::content(db, part.app, MsgId(row.2)).await? else { continue };
            let StoredContent { body, ext, config, verbatim } = content;
            (row.10, row.11, row.12, row.13) = (Some(body), ext, config, verbatim);
        }
        let size = [&row.10, &row.11, &row.12, &row.13, &row.14].into_iter().flatten().map(String::len).sum();
        if !scale.takes(size) {
            return Ok(Stretch { events, reached });
        }
        let event = sent_event(row)?;
        reached = event.event_no;
        events.push(event);
    }
    Ok(Stretch { events, reached: if is_all { part.upto } else { reached } })
}

fn sent_event(row: SentRow) -> Result<Event, Error> {
    let (
        a,
        b,
        msg_id,
        seq,
        sender,
        sent_at,
        countable,
        flags,
        edited,
        edits,
        body,
        ext,
        config,
        verbatim,
        manner,
        place,
    ) = row;
    let message = read::message((
        a, b, msg_id, seq, sender, sent_at, countable, flags, edited, edits, body, ext, config, verbatim, manner,
    ))?;
    let (event_no, origin) = place.split_once(' ').unwrap_or((&place, ""));
    let event_no = event_no.parse().map_err(Error::internal)?;
    let by_app = Flags::of(flags).by_app;
    Ok(Event { event_no, happened: Happened::Sent(message), origin: EventOrigin::read(origin)?, by_app })
}

type OtherRow = (
    i64,
    String,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<String>,
    String,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

/// What happened beside the log, up to `limit`, less where it weighs too much.
pub async fn other(db: &Db, part: Part, limit: i64, scale: &mut Scale) -> Result<Stretch, Error> {
    let rows: Vec<OtherRow> = part.read(db, &OTHER, limit).await?;
    let is_all = (rows.len() as i64) < limit;
    let (mut events, mut reached) = (Vec::with_capacity(rows.len()), part.after);
    for mut row in rows {
        let size = row.8.unwrap_or(0) as usize;
        if !scale.takes(size) {
            return Ok(Stretch { events, reached });
        }
        if size > 0 && row.7.is_none() {
            row.7 = body(db, part, row.0).await?;
        }
        let event = other_event(row)?;
        reached = event.event_no;
        events.push(event);
    }
    Ok(Stretch { events, reached: if is_all { part.upto } else { reached } })
}

async fn body(db: &Db, part: Part, event_no: i64) -> Result<Option<String>, Error> {
    let row: Option<(Option<String>,)> =
        on_db!(db, |c| sqlx::query_as(BODY).bind(part.app.0).bind(part.lane).bind(event_no).fetch_optional(c).await)?;
    Ok(row.and_then(|(body,)| body))
}

fn other_event(row: OtherRow) -> Result<Event, Error> {
    let (event_no, kind, made_at, a, b, msg_id, actor, body, _, address, platform, trace, seq, sender, sent_at, reason) =
        row;
    let kind =
        EventKind::of_verb(&kind).ok_or_else(|| Error::internal(format!("an event of the unknown kind {kind}")))?;
    let says_something = kind != EventKind::Recalled;
    let content = body.filter(|_| says_something).map(|body| StoredContent::of_json(&body)).transpose()?;
    let other = Other {
        kind,
        made_at: UnixMillis(made_at),
        conversation: ConversationId::from_key(a, b),
        msg_id: MsgId(msg_id),
        actor: UserId(actor),
        of: seq.zip(sender).zip(sent_at).map(|((seq, sender), at)| (seq, UserId(sender), UnixMillis(at))),
        content,
        reason: reason.unwrap_or_default(),
    };
    let origin = EventOrigin { address: address.unwrap_or_default(), platform, trace: trace.unwrap_or_default() };
    Ok(Event { event_no, happened: Happened::Other(other), origin, by_app: false })
}
