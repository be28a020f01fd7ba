//! Reading messages of the log.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, Message, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Gather, GatherMany, Kind, Scale, Tx, on_db, on_tx, row, sqlx};

use super::weight::{self, light_content, put_in};
use crate::{
    checksum,
    content::StoredContent,
    row_options::{self, Flags},
};

macro_rules! columns {
    () => {
        "m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at, m.edits,
        m.checksum, m.body, m.ext, m.config, m.verbatim, m.delivery"
    };
}

/// The same without the content of large messages; see [`weight`].
macro_rules! light_columns {
    () => {
        concat!(
            "m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at, m.edits,
            m.checksum, ",
            light_content!(),
            ", m.delivery"
        )
    };
}

/// Conditions that hide a message from a user; none apply to the app itself, which is viewer -1. Messages for some
/// members only are in no shared history (agora.md 2.6).
macro_rules! visible {
    ($viewer:literal) => {
        concat!(
            "m.recalled_at is null and (",
            $viewer,
            " = -1 or (m.flags & 2 = 0 and not exists (select 1 from excluded x
                where x.app_id = m.app_id and x.user_id = ",
            $viewer,
            " and x.conv_a = m.conv_a and x.conv_b = m.conv_b and x.msg_id = m.msg_id)))"
        )
    };
}

pub(super) use visible;

/// The cast keeps SQLite from planning the query again for each limit.
static PAGE: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        MessageRow::COLUMNS,
        concat!(
            "select ",
            light_columns!(),
            " from message m
            where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id <= $4 and m.msg_id > $5 and ",
            visible!("$6"),
            " order by m.msg_id desc limit cast($7 as bigint)"
        ),
    )
});

/// The same from older to newer messages.
static PAGE_UP: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        MessageRow::COLUMNS,
        concat!(
            "select ",
            light_columns!(),
            " from message m
            where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id <= $4 and m.msg_id > $5 and ",
            visible!("$6"),
            " order by m.msg_id limit cast($7 as bigint)"
        ),
    )
});

/// `+ 0` selects the index that only this query uses; see the migration.
const FIND: &str = concat!(
    "select ",
    columns!(),
    " from message m where m.app_id = $1 and m.msg_id + 0 = $2 and m.recalled_at is null"
);

static FIND_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &[("app_id", Kind::Int), ("msg_id", Kind::Int)],
        MessageRow::COLUMNS,
        concat!(
            "select ",
            light_columns!(),
            " from r cross join message m
            where m.app_id = r.app_id and m.msg_id + 0 = r.msg_id and m.recalled_at is null"
        ),
        "",
    )
});

pub const ALL: &[&str] = &[FIND];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&PAGE, &PAGE_UP]
}

pub fn lookup() -> &'static GatherMany {
    &FIND_MANY
}

/// The viewer who sees everything: the app itself.
const EVERYTHING: i64 = -1;

/// A range of a conversation, as seen by a viewer.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub conversation: ConversationId,
    /// Inclusive.
    pub start: MsgId,
    /// Exclusive.
    pub floor: MsgId,
    /// `None` is the app itself.
    pub viewer: Option<UserId>,
}

/// Up to `limit` messages of a span, newest first, fewer if they are too large, and the next one.
pub async fn page(db: &Db, app: AppId, span: Span, limit: usize) -> Result<(Vec<Message>, Option<MsgId>), Error> {
    page_by(&PAGE, db, app, span, limit).await
}

/// The same, oldest first.
pub async fn page_up(db: &Db, app: AppId, span: Span, limit: usize) -> Result<(Vec<Message>, Option<MsgId>), Error> {
    page_by(&PAGE_UP, db, app, span, limit).await
}

async fn page_by(
    statement: &Gather,
    db: &Db,
    app: AppId,
    span: Span,
    limit: usize,
) -> Result<(Vec<Message>, Option<MsgId>), Error> {
    let (a, b) = span.conversation.key();
    let viewer = span.viewer.map_or(EVERYTHING, |user| user.0);
    let one_more = limit as i64 + 1;
    let rows: Vec<MessageRow> =
        statement.read(db, &[app.0, a, b, span.start.0, span.floor.0, viewer, one_more]).await?;
    let (mut page, mut scale) = (Vec::with_capacity(rows.len().min(limit)), Scale::default());
    for row in rows {
        let msg_id = id_of(&row);
        if page.len() == limit {
            return Ok((page, Some(msg_id)));
        }
        match weighed(db, app, row, &mut scale).await? {
            Weighed::Fits(message) => page.push(*message),
            Weighed::TooMuch => return Ok((page, Some(msg_id))),
            Weighed::Gone => {}
        }
    }
    Ok((page, None))
}

/// Several messages by their ids, in the same order, and which ids are left when they are too large together.
pub async fn find_many<'a>(db: &Db, app: AppId, ids: &'a [MsgId]) -> Result<(Vec<Message>, &'a [MsgId]), Error> {
    let (mut found, mut scale) = (Vec::with_capacity(ids.len()), Scale::default());
    let mut left = ids;
    while let Some(some) = left.get(..left.len().min(AT_ONCE)).filter(|some| !some.is_empty()) {
        let rows = [Column::Int(vec![app.0; some.len()]), Column::Int(some.iter().map(|id| id.0).collect())];
        let rows: Vec<MessageRow> = FIND_MANY.read(db, &rows).await?;
        let mut rows: HashMap<MsgId, MessageRow> = rows.into_iter().map(|row| (id_of(&row), row)).collect();
        for id in some {
            if let Some(row) = rows.remove(id) {
                match weighed(db, app, row, &mut scale).await? {
                    Weighed::Fits(message) => found.push(*message),
                    Weighed::TooMuch => return Ok((found, left)),
                    Weighed::Gone => {}
                }
            }
            left = &left[1..];
        }
    }
    Ok((found, left))
}

/// Messages that are looked up at once: this many small ones are in memory.
const AT_ONCE: usize = 250;

/// The result of weighing a row.
enum Weighed {
    Fits(Box<Message>),
    /// It does not fit into this answer.
    TooMuch,
    /// It was purged since its row was read.
    Gone,
}

/// The message of a row that may lack its content.
async fn weighed(db: &Db, app: AppId, row: MessageRow, scale: &mut Scale) -> Result<Weighed, Error> {
    let mut row = row;
    if is_heavy(&row) && !scale.is_full() {
        let Some(left_out) = weight::content(db, app, id_of(&row)).await? else {
            return Ok(Weighed::Gone);
        };
        put_in!(row, left_out);
    }
    if !scale.takes(size_of(&row)) {
        return Ok(Weighed::TooMuch);
    }
    Ok(Weighed::Fits(Box::new(message(app, row)?)))
}

/// One message by its id.
pub async fn find(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<Message>, Error> {
    let row: Option<MessageRow> =
        on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    row.map(|row| message(app, row)).transpose()
}

/// The same in a transaction.
pub async fn find_in(tx: &mut Tx, app: AppId, msg_id: MsgId) -> Result<Option<Message>, Error> {
    let row: Option<MessageRow> =
        on_tx!(tx, |c| sqlx::query_as(FIND).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    row.map(|row| message(app, row)).transpose()
}

row! {
    /// A message, whose content may have been left out.
    pub struct MessageRow {
        pub conv_a: i64,
        pub conv_b: i64,
        pub msg_id: i64,
        pub seq: i64,
        pub sender_id: i64,
        pub sent_at: i64,
        pub countable: i64,
        pub flags: i64,
        pub edited_at: Option<i64>,
        pub edits: i64,
        pub checksum: i64,
        pub body: Option<String>,
        pub ext: Option<String>,
        pub config: Option<String>,
        pub verbatim: Option<String>,
        pub delivery: Option<String>,
    }
}

const fn id_of(row: &MessageRow) -> MsgId {
    MsgId(row.msg_id)
}

const fn is_heavy(row: &MessageRow) -> bool {
    row.body.is_none()
}

fn size_of(row: &MessageRow) -> usize {
    let texts = [&row.body, &row.ext, &row.config, &row.verbatim, &row.delivery];
    texts.into_iter().flatten().map(String::len).sum()
}

/// The message, unless its content is not what was written.
pub fn message(app: AppId, row: MessageRow) -> Result<Message, Error> {
    let body = row.body.ok_or_else(|| Error::internal("a message without its body"))?;
    let content = StoredContent { body, ext: row.ext, config: row.config, verbatim: row.verbatim };
    checksum::check(app, MsgId(row.msg_id), &content, (row.edits, row.checksum))?;
    let flags = Flags::of(row.flags);
    let (audience, delivery) = row_options::read(row.delivery.as_deref())?;
    Ok(Message {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        msg_id: MsgId(row.msg_id),
        seq: row.seq,
        sender: UserId(row.sender_id),
        sent_at: UnixMillis(row.sent_at),
        content: content.read()?,
        countable: row.countable != 0,
        system: flags.system,
        edited_at: row.edited_at.map(UnixMillis),
        edits: row.edits as i32,
        audience,
        delivery,
        imported: flags.imported,
    })
}
