//! Reading the log.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, Message, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Gather, GatherMany, Kind, Scale, Tx, on_db, on_tx, row, sqlx};

use super::{
    weight::{self, light_content},
    which::Which,
};
use crate::{
    content::StoredContent,
    row_options::{self, Flags},
};

macro_rules! columns {
    () => {
        "m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at, m.edits,
        m.body, m.ext, m.config, m.verbatim, m.delivery"
    };
}

/// The same without the content of large messages; see [`weight`].
macro_rules! light_columns {
    () => {
        concat!(
            "m.conv_a, m.conv_b, m.msg_id, m.seq, m.sender_id, m.sent_at, m.countable, m.flags, m.edited_at, m.edits,
            ",
            light_content!(),
            ", m.delivery"
        )
    };
}

/// Conditions that hide a message from a user; none apply to the app itself, which is viewer -1. Messages for some
/// members only are in nobody's history (agora.md 2.6).
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

const IS_EXCLUDED: &str = "
    select 1 from excluded where app_id = $1 and user_id = $2 and conv_a = $3 and conv_b = $4 and msg_id = $5";

/// Recalled or not. The sum as above.
const PLACE_OF: &str = "
    select conv_a, conv_b, sender_id, sent_at, recalled_at, body like '{\"command\"%' as is_command, delivery from message
    where app_id = $1 and msg_id + 0 = $2";

const HEAD: &str = "
    select seq, last_msg_id from conversation_head where app_id = $1 and conv_a = $2 and conv_b = $3";

const PURGED: &str = "
    select purged_msg_id from conversation_head where app_id = $1 and conv_a = $2 and conv_b = $3";

/// The direct ones: groups have no participants here. `hidden`: whether the user cannot see the message it is listed
/// for.
static CONVERSATIONS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "listed_msg_id", "hidden"],
        "select p.conv_a, p.conv_b, h.listed_msg_id,
            (select count(*) from excluded x where x.app_id = p.app_id and x.user_id = p.user_id
                and x.conv_a = p.conv_a and x.conv_b = p.conv_b and x.msg_id = h.listed_msg_id) as hidden
         from participant p
         cross join conversation_head h
         where p.app_id = $1 and p.user_id = $2 and h.listed_msg_id > 0
           and h.app_id = p.app_id and h.conv_a = p.conv_a and h.conv_b = p.conv_b
         order by h.listed_msg_id desc",
    )
});

/// The same of some conversations of the user.
static LISTED: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("user_id", Kind::Int)];
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "listed_msg_id", "hidden"],
        "select h.conv_a, h.conv_b, h.listed_msg_id,
            (select count(*) from excluded x where x.app_id = r.app_id and x.user_id = r.user_id
                and x.conv_a = r.conv_a and x.conv_b = r.conv_b and x.msg_id = h.listed_msg_id) as hidden
         from r cross join conversation_head h
         where h.app_id = r.app_id and h.conv_a = r.conv_a and h.conv_b = r.conv_b and h.listed_msg_id > 0",
        "",
    )
});

/// The head of a conversation, and the counts at and above a mark: the counts at the newest row up to it (or at what
/// was purged), the recalled ones above it, those that were imported late, those hidden from the user, and in groups
/// the user's own. A direct conversation has those in `ordinal_low`. The condition on `conv_b` is that of the index on
/// one sender's messages. `hidden` as in [`CONVERSATIONS`].
static ABOVE: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("user_id", Kind::Int),
        ("mark", Kind::Int),
    ];
    GatherMany::new(
        &columns,
        AboveRow::COLUMNS,
        "select h.conv_a, h.conv_b, h.listed_msg_id,
            h.ordinal - coalesce((select m.ordinal from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id <= r.mark
                order by m.msg_id desc limit 1), h.purged_ordinal) as ordinal,
            h.ordinal_low - coalesce((select m.ordinal_low from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id <= r.mark
                order by m.msg_id desc limit 1), h.purged_ordinal_low) as ordinal_low,
            (select count(*) from late m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id > r.mark
                and (m.conv_b < 0 or m.sender_id <> r.user_id)) as late,
            (select count(*) from recalled m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id > r.mark
                and m.sender_id <> r.user_id)
            + (select count(*) from excluded m
                where m.app_id = r.app_id and m.user_id = r.user_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
                and m.msg_id > r.mark and m.counted = 1) as unseen,
            case when r.conv_b < 0 then (select count(*) from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.conv_b in (-1, -2)
                and m.countable = 1 and m.sender_id = r.user_id and m.msg_id > r.mark) else 0 end as own,
            (select count(*) from excluded x where x.app_id = r.app_id and x.user_id = r.user_id
                and x.conv_a = r.conv_a and x.conv_b = r.conv_b and x.msg_id = h.listed_msg_id) as hidden
         from r cross join conversation_head h
         where h.app_id = r.app_id and h.conv_a = r.conv_a and h.conv_b = r.conv_b and h.listed_msg_id > 0",
        "",
    )
});

/// Rows that are searched below a message for a readable one: at first, and once more if all of those are gone. No
/// search is longer, however many messages were recalled.
const STEPS: [i64; 2] = [50, 4_000];

/// The newest message between two ids, exclusive, that a user can read, 0 if there is none in the step.
fn newest_readable(step: i64) -> GatherMany {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("user_id", Kind::Int),
        ("below", Kind::Int),
        ("floor", Kind::Int),
    ];
    // The lower bound is one value, so that no scan continues below it in search of a row.
    let (readable, last) = (visible!("r.user_id"), step - 1);
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "newest"],
        &format!(
            "select r.conv_a, r.conv_b, coalesce((select m.msg_id from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id < r.below
                    and m.msg_id >= coalesce((select n.msg_id from message n
                        where n.app_id = r.app_id and n.conv_a = r.conv_a and n.conv_b = r.conv_b
                            and n.msg_id < r.below and n.msg_id > r.floor
                        order by n.msg_id desc limit 1 offset {last}), r.floor + 1)
                    and {readable}
                order by m.msg_id desc limit 1), 0) as newest
             from r"
        ),
        "",
    )
}

static NEWEST: LazyLock<[GatherMany; 2]> = LazyLock::new(|| STEPS.map(newest_readable));

pub const ALL: &[&str] = &[FIND, HEAD, PLACE_OF, PURGED, IS_EXCLUDED];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&PAGE, &PAGE_UP, &CONVERSATIONS]
}

pub fn lookups() -> Vec<&'static GatherMany> {
    [&*ABOVE, &*FIND_MANY, &*LISTED].into_iter().chain(NEWEST.iter()).collect()
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
        let Some(content) = weight::content(db, app, id_of(&row)).await? else {
            return Ok(Weighed::Gone);
        };
        set_content(&mut row, content);
    }
    if !scale.takes(size_of(&row)) {
        return Ok(Weighed::TooMuch);
    }
    Ok(Weighed::Fits(Box::new(message(row)?)))
}

/// Whether a message is hidden from a user.
pub async fn is_excluded(db: &Db, user: UserId, which: Which) -> Result<bool, Error> {
    let (a, b) = which.conversation.key();
    let found: Option<(i32,)> = on_db!(db, |c| sqlx::query_as(IS_EXCLUDED)
        .bind(which.app.0)
        .bind(user.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .fetch_optional(c)
        .await)?;
    Ok(found.is_some())
}

/// One message by its id.
pub async fn find(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<Message>, Error> {
    let row: Option<MessageRow> =
        on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    row.map(message).transpose()
}

/// The same in a transaction.
pub async fn find_in(tx: &mut Tx, app: AppId, msg_id: MsgId) -> Result<Option<Message>, Error> {
    let row: Option<MessageRow> =
        on_tx!(tx, |c| sqlx::query_as(FIND).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    row.map(message).transpose()
}

/// The newest seq and id of a conversation.
pub async fn head(db: &Db, app: AppId, conversation: ConversationId) -> Result<Option<(i64, MsgId)>, Error> {
    let (a, b) = conversation.key();
    let row: Option<(i64, i64)> =
        on_db!(db, |c| sqlx::query_as(HEAD).bind(app.0).bind(a).bind(b).fetch_optional(c).await)?;
    Ok(row.map(|(seq, last)| (seq, MsgId(last))))
}

/// Everything in the conversation up to here was removed permanently; zero if nothing was.
pub async fn purged(db: &Db, app: AppId, conversation: ConversationId) -> Result<MsgId, Error> {
    let (a, b) = conversation.key();
    let row: Option<(i64,)> =
        on_db!(db, |c| sqlx::query_as(PURGED).bind(app.0).bind(a).bind(b).fetch_optional(c).await)?;
    Ok(row.map_or(MsgId::ZERO, |(msg_id,)| MsgId(msg_id)))
}

/// A message's position in the log, even if it was recalled.
#[derive(Debug, Clone)]
pub struct PlaceOf {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub recalled: bool,
    pub is_command: bool,
    /// The receivers; empty: everybody there.
    pub audience: Vec<UserId>,
}

impl PlaceOf {
    /// Whether it was sent only to others.
    pub fn is_not_for(&self, user: UserId) -> bool {
        !self.audience.is_empty() && self.sender != user && !self.audience.contains(&user)
    }
}

row! {
    struct PlaceRow {
        conv_a: i64,
        conv_b: i64,
        sender_id: i64,
        sent_at: i64,
        recalled_at: Option<i64>,
        is_command: bool,
        delivery: Option<String>,
    }
}

/// The conversation of a message.
pub async fn place_of(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<PlaceOf>, Error> {
    let row: Option<PlaceRow> =
        on_db!(db, |c| sqlx::query_as(PLACE_OF).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (audience, _) = row_options::read(row.delivery.as_deref())?;
    Ok(Some(PlaceOf {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        sender: UserId(row.sender_id),
        sent_at: UnixMillis(row.sent_at),
        recalled: row.recalled_at.is_some(),
        is_command: row.is_command,
        audience,
    }))
}

/// A conversation and the newest message for which it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    pub conversation: ConversationId,
    pub listed_msg_id: MsgId,
    /// Whether that message is hidden from the user.
    pub is_hidden: bool,
}

/// Every direct conversation of a user, newest activity first.
pub async fn conversations(db: &Db, app: AppId, user: UserId) -> Result<Vec<Listed>, Error> {
    let rows: Vec<ListedRow> = CONVERSATIONS.read(db, &[app.0, user.0]).await?;
    Ok(rows.into_iter().map(listed_of).collect())
}

/// The same of these, in any order; those without a message are left out.
pub async fn listed(db: &Db, app: AppId, user: UserId, wanted: &[ConversationId]) -> Result<Vec<Listed>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = [
        Column::Int(vec![app.0; wanted.len()]),
        Column::Int(wanted.iter().map(|conversation| conversation.key().0).collect()),
        Column::Int(wanted.iter().map(|conversation| conversation.key().1).collect()),
        Column::Int(vec![user.0; wanted.len()]),
    ];
    let rows: Vec<ListedRow> = LISTED.read(db, &rows).await?;
    Ok(rows.into_iter().map(listed_of).collect())
}

type ListedRow = (i64, i64, i64, i64);

fn listed_of((a, b, listed, hidden): ListedRow) -> Listed {
    let (conversation, listed_msg_id) = (ConversationId::from_key(a, b), MsgId(listed));
    Listed { conversation, listed_msg_id, is_hidden: hidden != 0 }
}

/// The range of messages, exclusive, that is searched for a readable one.
#[derive(Debug, Clone, Copy)]
pub struct Below {
    pub conversation: ConversationId,
    pub below: MsgId,
    pub floor: MsgId,
}

impl Below {
    fn columns(wanted: &[Self], app: AppId, viewer: i64) -> [Column<'static>; 6] {
        let int = |value: fn(&Self) -> i64| Column::Int(wanted.iter().map(value).collect());
        [
            Column::Int(vec![app.0; wanted.len()]),
            int(|wanted| wanted.conversation.key().0),
            int(|wanted| wanted.conversation.key().1),
            Column::Int(vec![viewer; wanted.len()]),
            int(|wanted| wanted.below.0),
            int(|wanted| wanted.floor.0),
        ]
    }
}

type NewestRow = (i64, i64, i64);

/// The newest message that the user can read in each of the conversations. If there is none, or none among the next
/// 4,000, the conversation is missing.
pub async fn newest(
    db: &Db,
    app: AppId,
    user: UserId,
    wanted: &[Below],
) -> Result<HashMap<ConversationId, MsgId>, Error> {
    let (mut found, mut wanted) = (HashMap::new(), wanted.to_vec());
    for step in NEWEST.iter() {
        if wanted.is_empty() {
            break;
        }
        let rows: Vec<NewestRow> = step.read(db, &Below::columns(&wanted, app, user.0)).await?;
        let rows = rows.into_iter().filter(|(_, _, newest)| *newest > 0);
        found.extend(rows.map(|(a, b, newest)| (ConversationId::from_key(a, b), MsgId(newest))));
        wanted.retain(|wanted| !found.contains_key(&wanted.conversation));
    }
    Ok(found)
}

/// A viewer from whom nothing is hidden except what is hidden from everybody.
const ANYBODY: i64 = -2;

/// The newest message below another one that is in everybody's history, found as by [`newest`].
pub async fn newest_in(
    tx: &mut Tx,
    app: AppId,
    conversation: ConversationId,
    below: MsgId,
) -> Result<Option<MsgId>, Error> {
    let wanted = Below { conversation, below, floor: MsgId::ZERO };
    for step in NEWEST.iter() {
        let rows: Vec<NewestRow> = step.fetch(tx, &Below::columns(&[wanted], app, ANYBODY)).await?;
        if let Some((_, _, newest)) = rows.into_iter().find(|(_, _, newest)| *newest > 0) {
            return Ok(Some(MsgId(newest)));
        }
    }
    Ok(None)
}

/// The result of [`above`] for one mark.
#[derive(Debug, Clone, Copy)]
pub struct Above {
    pub conversation: ConversationId,
    pub listed_msg_id: MsgId,
    /// Countable messages above the mark, except those that were imported late.
    pub ordinal: i64,
    /// Those of the lower party of a direct conversation.
    pub ordinal_low: i64,
    /// Countable messages above the mark that were imported late: those of others, in groups all.
    pub late: i64,
    /// Countable messages of others above the mark that were recalled, or are hidden from the user.
    pub unseen: i64,
    /// Countable messages of the user's own above the mark; only counted in groups.
    pub own: i64,
    /// As in [`Listed`].
    pub is_hidden: bool,
}

row! {
    struct AboveRow {
        conv_a: i64,
        conv_b: i64,
        listed_msg_id: i64,
        ordinal: i64,
        ordinal_low: i64,
        late: i64,
        unseen: i64,
        own: i64,
        hidden: i64,
    }
}

/// Counts for the marks of one user; the cost does not depend on the number of others' messages above them.
/// Conversations without a message are left out.
pub async fn above(db: &Db, app: AppId, user: UserId, marks: &[(ConversationId, MsgId)]) -> Result<Vec<Above>, Error> {
    let rows = [
        Column::Int(vec![app.0; marks.len()]),
        Column::Int(marks.iter().map(|(conversation, _)| conversation.key().0).collect()),
        Column::Int(marks.iter().map(|(conversation, _)| conversation.key().1).collect()),
        Column::Int(vec![user.0; marks.len()]),
        Column::Int(marks.iter().map(|(_, mark)| mark.0).collect()),
    ];
    let rows: Vec<AboveRow> = ABOVE.read(db, &rows).await?;
    let found = rows.into_iter().map(|row| Above {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        listed_msg_id: MsgId(row.listed_msg_id),
        ordinal: row.ordinal,
        ordinal_low: row.ordinal_low,
        late: row.late,
        unseen: row.unseen,
        own: row.own,
        is_hidden: row.hidden != 0,
    });
    Ok(found.collect())
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

fn set_content(row: &mut MessageRow, content: StoredContent) {
    let StoredContent { body, ext, config, verbatim } = content;
    (row.body, row.ext, row.config, row.verbatim) = (Some(body), ext, config, verbatim);
}

pub fn message(row: MessageRow) -> Result<Message, Error> {
    let body = row.body.ok_or_else(|| Error::internal("a message without its body"))?;
    let flags = Flags::of(row.flags);
    let (audience, delivery) = row_options::read(row.delivery.as_deref())?;
    Ok(Message {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        msg_id: MsgId(row.msg_id),
        seq: row.seq,
        sender: UserId(row.sender_id),
        sent_at: UnixMillis(row.sent_at),
        content: StoredContent { body, ext: row.ext, config: row.config, verbatim: row.verbatim }.read()?,
        countable: row.countable != 0,
        system: flags.system,
        edited_at: row.edited_at.map(UnixMillis),
        edits: row.edits as i32,
        audience,
        delivery,
        imported: flags.imported,
    })
}
