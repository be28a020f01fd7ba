//! The event feed: the rows of the log, and other events, by lane and number.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use tidings_domain::{
    AppId, Change, ConversationId, Delivery, Error, EventKind, Message, MsgId, Reason, UnixMillis, UserId,
};
use tidings_store::{
    Db, Gather, Scale, on_db, row,
    sqlx::{self, FromRow},
};

use super::{
    read::{self, MessageRow},
    weight::{self, light_content, put_in},
};
use crate::{
    checksum,
    content::StoredContent,
    origin::EventOrigin,
    reacted::Reacted,
    row_options::{self, Flags},
};

static SENT: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        SentRow::COLUMNS,
        concat!(
            "select m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at, m.edits,
            m.checksum, m.recalled_at, ",
            light_content!(),
            ", m.delivery, m.event_no, m.origin
            from message m
            where m.app_id = $1 and m.lane = $2 and m.event_no > $3 and m.event_no <= $4
            order by m.event_no limit cast($5 as bigint)"
        ),
    )
});

/// Events other than `sent`, with the data of their messages.
macro_rules! other {
    ($join:literal, $end:literal) => {
        concat!(
            "select e.event_no, e.kind, e.made_at, e.conv_a, e.conv_b, e.msg_id, e.actor_id,
                case when octet_length(e.body) <= 16384 then e.body end as body,
                cast(octet_length(e.body) as bigint) as size,
                e.address, e.platform, e.trace, m.seq, m.sender_id, m.sent_at, m.delivery, m.checksum, m.recalled_at,
                e.reason, e.edits
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
    // Forces PostgreSQL to look up one message per event.
    Gather::per_engine(
        OtherRow::COLUMNS,
        other!("left join message m on ", ""),
        other!("left join lateral (select * from message m where ", " limit 1) m on true"),
    )
});

/// A body that its row left out.
const BODY: &str = "select e.body from event e where e.app_id = $1 and e.lane = $2 and e.event_no = $3";

pub const ALL: &[&str] = &[BODY];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&SENT, &OTHER]
}

/// One event.
#[derive(Debug)]
pub struct Event {
    pub event_no: i64,
    pub happened: EventData,
    pub origin: EventOrigin,
    /// Whether the app itself made the call, whatever sender it names.
    pub by_app: bool,
}

/// The event's data.
#[derive(Debug)]
pub enum EventData {
    /// A message was appended to the log.
    Sent(Message),
    /// As in the table `event`.
    Other(Other),
}

/// Events that are not rows of the log.
#[derive(Debug)]
pub struct Other {
    pub kind: EventKind,
    pub made_at: UnixMillis,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub actor: UserId,
    /// Number, sender and time of its message, if that is in the log.
    pub of: Option<(i64, UserId, UnixMillis)>,
    /// The receivers of its message; empty: everybody there.
    pub audience: Vec<UserId>,
    /// The options of a message that is not stored.
    pub delivery: Delivery,
    /// The content, and its flags.
    pub content: Option<(StoredContent, Flags)>,
    /// What changed in the directory.
    pub change: Option<Change>,
    /// The reaction that was added or removed.
    pub reacted: Option<Reacted>,
    /// Why it was refused; empty if it was not.
    pub reason: String,
    /// The number of edits of the message, including this one; 0 if it is not an edit, or was written before that was
    /// recorded.
    pub edits: i32,
}

/// A range of a lane: above the first number, up to the second.
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
            EventData::Sent(_) => EventKind::Sent,
            EventData::Other(other) => other.kind,
        }
    }

    /// Who did it.
    pub const fn actor(&self) -> UserId {
        match &self.happened {
            EventData::Sent(message) => message.sender,
            EventData::Other(other) => other.actor,
        }
    }

    /// Where it happened.
    pub const fn conversation(&self) -> ConversationId {
        match &self.happened {
            EventData::Sent(message) => message.conversation,
            EventData::Other(other) => other.conversation,
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

row! {
    pub(super) struct SentRow {
        conv_a: i64,
        conv_b: i64,
        msg_id: i64,
        seq: i64,
        sender_id: i64,
        sent_at: i64,
        countable: i64,
        flags: i64,
        edited_at: Option<i64>,
        edits: i64,
        checksum: i64,
        recalled_at: Option<i64>,
        body: Option<String>,
        ext: Option<String>,
        config: Option<String>,
        verbatim: Option<String>,
        delivery: Option<String>,
        event_no: i64,
        origin: Option<String>,
    }
}

/// A range of a lane as far as it was read.
#[derive(Debug)]
pub struct LaneRange {
    pub events: Vec<Event>,
    /// It is complete up to there.
    pub reached: i64,
}

/// Appended messages, up to `limit`, fewer if they are too large.
pub async fn sent(db: &Db, part: Part, limit: i64, scale: &mut Scale) -> Result<LaneRange, Error> {
    let rows: Vec<SentRow> = part.read(db, &SENT, limit).await?;
    let is_all = (rows.len() as i64) < limit;
    let (mut events, mut reached) = (Vec::with_capacity(rows.len()), part.after);
    for mut row in rows {
        if row.body.is_none() && !scale.is_full() {
            // What was purged since its row was read is detected by the follower.
            let Some(left_out) = weight::content(db, part.app, MsgId(row.msg_id)).await? else { continue };
            put_in!(row, left_out);
        }
        let texts = [&row.body, &row.ext, &row.config, &row.verbatim, &row.delivery];
        if !scale.takes(texts.into_iter().flatten().map(String::len).sum()) {
            return Ok(LaneRange { events, reached });
        }
        let event_no = row.event_no;
        match sent_event(part.app, row) {
            // What is below it is read first.
            Err(error) if error.reason() == Reason::DataDamaged && event_no - 1 > part.after => {
                return Ok(LaneRange { events, reached: event_no - 1 });
            }
            event => events.extend(event?),
        }
        reached = event_no;
    }
    Ok(LaneRange { events, reached: if is_all { part.upto } else { reached } })
}

/// Rows of messages as events, without those for which there is no room.
pub(super) async fn sent_events(
    db: &Db,
    app: AppId,
    rows: Vec<SentRow>,
    scale: &mut Scale,
) -> Result<Vec<Event>, Error> {
    let mut events = Vec::with_capacity(rows.len());
    for mut row in rows {
        if row.body.is_none() {
            let Some(left_out) = weight::content(db, app, MsgId(row.msg_id)).await? else { continue };
            put_in!(row, left_out);
        }
        let texts = [&row.body, &row.ext, &row.config, &row.verbatim, &row.delivery];
        if scale.takes(texts.into_iter().flatten().map(String::len).sum()) {
            events.extend(sent_event(app, row)?);
        }
    }
    Ok(events)
}

/// The same for other events; `lane` is that of a conversation.
pub(super) async fn other_events(
    db: &Db,
    app: AppId,
    rows: Vec<OtherRow>,
    lane: fn(ConversationId) -> i64,
    scale: &mut Scale,
) -> Result<Vec<Event>, Error> {
    let mut events = Vec::with_capacity(rows.len());
    for mut row in rows {
        let size = row.size.unwrap_or(0) as usize;
        if !scale.takes(size) {
            continue;
        }
        if size > 0 && row.body.is_none() {
            let lane = lane(ConversationId::from_key(row.conv_a, row.conv_b));
            row.body = body(db, app, lane, row.event_no).await?;
        }
        events.extend(other_event(app, row)?);
    }
    Ok(events)
}

/// Rows without a body as events.
pub(super) fn bodiless(app: AppId, rows: Vec<OtherRow>) -> Result<Vec<Event>, Error> {
    rows.into_iter().filter_map(|row| other_event(app, row).transpose()).collect()
}

/// `None`: it was recalled, and what is left of its content is damaged. Others hold up the feed until they are recalled.
fn sent_event(app: AppId, row: SentRow) -> Result<Option<Event>, Error> {
    let is_recalled = row.recalled_at.is_some();
    let row_of_message = MessageRow {
        conv_a: row.conv_a,
        conv_b: row.conv_b,
        msg_id: row.msg_id,
        seq: row.seq,
        sender_id: row.sender_id,
        sent_at: row.sent_at,
        countable: row.countable,
        flags: row.flags,
        edited_at: row.edited_at,
        edits: row.edits,
        checksum: row.checksum,
        body: row.body,
        ext: row.ext,
        config: row.config,
        verbatim: row.verbatim,
        delivery: row.delivery,
    };
    let message = match read::message(app, row_of_message) {
        Err(error) if is_recalled && error.reason() == Reason::DataDamaged => return Ok(None),
        message => message?,
    };
    let origin = EventOrigin::read(row.origin.as_deref().unwrap_or_default())?;
    let (event_no, by_app) = (row.event_no, Flags::of(row.flags).by_app);
    Ok(Some(Event { event_no, happened: EventData::Sent(message), origin, by_app }))
}

row! {
    pub(super) struct OtherRow {
        event_no: i64,
        kind: String,
        made_at: i64,
        conv_a: i64,
        conv_b: i64,
        msg_id: i64,
        actor_id: i64,
        body: Option<String>,
        size: Option<i64>,
        address: Option<String>,
        platform: String,
        trace: Option<String>,
        seq: Option<i64>,
        sender_id: Option<i64>,
        sent_at: Option<i64>,
        delivery: Option<String>,
        checksum: Option<i64>,
        recalled_at: Option<i64>,
        reason: Option<String>,
        edits: i64,
    }
}

/// Other events, up to `limit`, fewer if they are too large.
pub async fn other(db: &Db, part: Part, limit: i64, scale: &mut Scale) -> Result<LaneRange, Error> {
    let rows: Vec<OtherRow> = part.read(db, &OTHER, limit).await?;
    let is_all = (rows.len() as i64) < limit;
    let (mut events, mut reached) = (Vec::with_capacity(rows.len()), part.after);
    for mut row in rows {
        let size = row.size.unwrap_or(0) as usize;
        if !scale.takes(size) {
            return Ok(LaneRange { events, reached });
        }
        if size > 0 && row.body.is_none() {
            row.body = body(db, part.app, part.lane, row.event_no).await?;
        }
        let event_no = row.event_no;
        match other_event(part.app, row) {
            // As in [`sent`].
            Err(error) if error.reason() == Reason::DataDamaged && event_no - 1 > part.after => {
                return Ok(LaneRange { events, reached: event_no - 1 });
            }
            event => events.extend(event?),
        }
        reached = event_no;
    }
    Ok(LaneRange { events, reached: if is_all { part.upto } else { reached } })
}

async fn body(db: &Db, app: AppId, lane: i64, event_no: i64) -> Result<Option<String>, Error> {
    let row: Option<(Option<String>,)> =
        on_db!(db, |c| sqlx::query_as(BODY).bind(app.0).bind(lane).bind(event_no).fetch_optional(c).await)?;
    Ok(row.and_then(|(body,)| body))
}

/// The content after an edit is that of the message until the next edit, so the checksum is its own, too. `None` as of
/// [`sent_event`].
fn other_event(app: AppId, row: OtherRow) -> Result<Option<Event>, Error> {
    let kind = EventKind::of_stored_name(&row.kind);
    let kind = kind.ok_or_else(|| Error::internal(format!("an event of the unknown kind {}", row.kind)))?;
    let (mut content, mut change, mut reacted) = (None, None, None);
    let mut delivery = row.delivery;
    match (kind, row.body) {
        (_, None) => {}
        // It has the receivers too, since the message may have been removed.
        (EventKind::Recalled, Some(body)) => delivery = delivery.or(Some(body)),
        (EventKind::Reacted | EventKind::Unreacted, Some(body)) => reacted = Some(Reacted::read(&body)?),
        (EventKind::Changed(_), Some(body)) => change = Some(serde_json::from_str(&body).map_err(Error::internal)?),
        (_, Some(body)) => {
            let (stored, flags) = StoredContent::of_json(&body)?;
            if kind == EventKind::Edited && row.edits > 0 {
                let of_message = (row.edits, row.checksum.unwrap_or(0));
                match checksum::check(app, MsgId(row.msg_id), &stored, of_message) {
                    Err(_) if row.recalled_at.is_some() => return Ok(None),
                    checked => checked?,
                }
            }
            content = Some((stored, flags));
            if kind == EventKind::Online {
                delivery = StoredContent::delivery_in(&body)?;
            }
        }
    }
    let of = row.seq.zip(row.sender_id).zip(row.sent_at);
    let (audience, options) = row_options::read(delivery.as_deref())?;
    let other = Other {
        kind,
        made_at: UnixMillis(row.made_at),
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        msg_id: MsgId(row.msg_id),
        actor: UserId(row.actor_id),
        of: of.map(|((seq, sender), at)| (seq, UserId(sender), UnixMillis(at))),
        audience,
        delivery: if kind == EventKind::Online { options } else { Delivery::default() },
        content,
        change,
        reacted,
        reason: row.reason.unwrap_or_default(),
        edits: row.edits as i32,
    };
    let by_app = match (&other.content, &other.reacted) {
        (Some((_, flags)), _) => flags.by_app,
        (None, Some(reacted)) => reacted.by_app,
        (None, None) => false,
    };
    let (address, trace) = (row.address.unwrap_or_default(), row.trace.unwrap_or_default());
    let origin = EventOrigin { address, platform: row.platform, trace };
    Ok(Some(Event { event_no: row.event_no, happened: EventData::Other(other), origin, by_app }))
}
