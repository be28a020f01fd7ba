//! Pages for the walk that checks all stored data; see [`crate::verify`].
//!
//! Every page begins above a key, so that each is short and none holds a snapshot.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Db, Gather, on_db, row, sqlx};

use super::weight::{self, LeftOut, light_content};
use crate::content::StoredContent;

/// Rows of a page.
pub const PAGE: i64 = 1000;

row! {
    /// The head of a conversation, as stored.
    #[derive(Debug, Clone, Copy)]
    pub struct HeadRow {
        pub conv_a: i64,
        pub conv_b: i64,
        pub seq: i64,
        pub last_msg_id: i64,
        pub listed_msg_id: i64,
        pub ordinal: i64,
        pub ordinal_low: i64,
        pub purged_msg_id: i64,
        pub purged_ordinal: i64,
        pub purged_ordinal_low: i64,
    }
}

macro_rules! head_columns {
    () => {
        "h.conv_a, h.conv_b, h.seq, h.last_msg_id, h.listed_msg_id, h.ordinal, h.ordinal_low, h.purged_msg_id,
        h.purged_ordinal, h.purged_ordinal_low"
    };
}

static HEADS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        HeadRow::COLUMNS,
        concat!(
            "select ",
            head_columns!(),
            " from conversation_head h
            where h.app_id = $1 and (h.conv_a, h.conv_b) > ($2, $3)
            order by h.conv_a, h.conv_b limit cast($4 as bigint)"
        ),
    )
});

static HEAD: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        HeadRow::COLUMNS,
        concat!(
            "select ",
            head_columns!(),
            " from conversation_head h where h.app_id = $1 and h.conv_a = $2 and h.conv_b = $3"
        ),
    )
});

row! {
    /// What is checked of a message, without the content of large ones; see [`weight`].
    #[derive(Debug, Clone)]
    pub struct CheckedRow {
        pub msg_id: i64,
        pub seq: i64,
        pub sender_id: i64,
        pub countable: i64,
        pub flags: i64,
        pub ordinal: i64,
        pub ordinal_low: i64,
        pub lane: i64,
        pub is_recalled: i64,
        pub late: i64,
        pub subtracted: i64,
        pub edits: i64,
        pub checksum: i64,
        pub body: Option<String>,
        pub ext: Option<String>,
        pub config: Option<String>,
        pub verbatim: Option<String>,
    }
}

static MESSAGES: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        CheckedRow::COLUMNS,
        concat!(
            "select m.msg_id, m.seq, m.sender_id, m.countable, m.flags, m.ordinal, m.ordinal_low, m.lane,
            cast(case when m.recalled_at is null then 0 else 1 end as bigint) as is_recalled,
            (select count(*) from late l where l.app_id = m.app_id and l.conv_a = m.conv_a and l.conv_b = m.conv_b
                and l.msg_id = m.msg_id) as late,
            (select count(*) from recalled s where s.app_id = m.app_id and s.conv_a = m.conv_a
                and s.conv_b = m.conv_b and s.msg_id = m.msg_id) as subtracted,
            m.edits, m.checksum, ",
            light_content!(),
            " from message m
         where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id > $4
         order by m.msg_id limit cast($5 as bigint)"
        ),
    )
});

/// The next conversation that has messages, and whether it has a head.
static NEXT: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "heads"],
        "select m.conv_a, m.conv_b,
            (select count(*) from conversation_head h
                where h.app_id = m.app_id and h.conv_a = m.conv_a and h.conv_b = m.conv_b) as heads
         from message m
         where m.app_id = $1 and (m.conv_a, m.conv_b) > ($2, $3) order by m.conv_a, m.conv_b limit 1",
    )
});

/// Event numbers of a lane: of messages, and of the rest.
static SENT: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["event_no"],
        "select m.event_no from message m
         where m.app_id = $1 and m.lane = $2 and m.event_no > $3 order by m.event_no limit cast($4 as bigint)",
    )
});
static OTHER: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["event_no"],
        "select e.event_no from event e
         where e.app_id = $1 and e.lane = $2 and e.event_no > $3 order by e.event_no limit cast($4 as bigint)",
    )
});

/// Rows that belong to a message, and whether there is one. The condition is that on the message.
macro_rules! side_table {
    ($table:literal, $condition:literal) => {
        concat!(
            "select t.conv_a, t.conv_b, t.msg_id,
                (select count(*) from message m where m.app_id = t.app_id and m.conv_a = t.conv_a
                    and m.conv_b = t.conv_b and m.msg_id = t.msg_id",
            $condition,
            ") as found
             from ",
            $table,
            " t where t.app_id = $1 and (t.conv_a, t.conv_b, t.msg_id) > ($2, $3, $4)
             order by t.conv_a, t.conv_b, t.msg_id limit cast($5 as bigint)"
        )
    };
}

const SIDE_TABLE: &[&str] = &["conv_a", "conv_b", "msg_id", "found"];

static LATE: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(SIDE_TABLE, side_table!("late", " and m.countable = 1 and m.sender_id = t.sender_id"))
});
static SUBTRACTED: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        SIDE_TABLE,
        side_table!("recalled", " and m.countable = 1 and m.sender_id = t.sender_id and m.recalled_at is not null"),
    )
});
static FILE_USE: LazyLock<Gather> = LazyLock::new(|| Gather::new(SIDE_TABLE, side_table!("file_use", "")));
static STRAY: LazyLock<Gather> = LazyLock::new(|| Gather::new(SIDE_TABLE, side_table!("stray", "")));
static REACTION: LazyLock<Gather> = LazyLock::new(|| Gather::new(SIDE_TABLE, side_table!("reaction", "")));

/// The same of what is hidden from users; and whether it is counted as it should be.
static EXCLUDED: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["user_id", "conv_a", "conv_b", "msg_id", "found"],
        "select t.user_id, t.conv_a, t.conv_b, t.msg_id,
            (select count(*) from message m where m.app_id = t.app_id and m.conv_a = t.conv_a and m.conv_b = t.conv_b
                and m.msg_id = t.msg_id and m.recalled_at is null
                and t.counted = case when m.countable = 1 and m.sender_id <> t.user_id then 1 else 0 end) as found
         from excluded t where t.app_id = $1 and (t.user_id, t.conv_a, t.conv_b, t.msg_id) > ($2, $3, $4, $5)
         order by t.user_id, t.conv_a, t.conv_b, t.msg_id limit cast($6 as bigint)",
    )
});

/// The participants that a direct conversation has, of two users.
const PARTICIPANTS: &str = "
    select count(*) from participant where app_id = $1 and user_id in ($2, $3) and conv_a = $2 and conv_b = $3";

/// What a user has not read, counted row by row.
const RECOUNT: &str = "
    select count(*) from message m
    where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id > $4
      and m.countable = 1 and m.sender_id <> $5 and m.recalled_at is null
      and not exists (select 1 from excluded x where x.app_id = m.app_id and x.user_id = $5
        and x.conv_a = m.conv_a and x.conv_b = m.conv_b and x.msg_id = m.msg_id)";

const KEYS: &str = "
    select scope, key, reply from idempotency_key
    where app_id = $1 and (scope, key) > ($2, $3) order by scope, key limit cast($4 as bigint)";

/// Whether a message is in the log, recalled or not, or was purged.
const IS_KNOWN: &str = "
    select (select count(*) from message m
            where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id = $4)
        + (select count(*) from conversation_head h
            where h.app_id = $1 and h.conv_a = $2 and h.conv_b = $3 and h.purged_msg_id >= $4)";

pub const ALL: &[&str] = &[PARTICIPANTS, RECOUNT, KEYS, IS_KNOWN];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&HEADS, &HEAD, &MESSAGES, &NEXT, &SENT, &OTHER, &LATE, &SUBTRACTED, &FILE_USE, &STRAY, &REACTION, &EXCLUDED]
}

/// Heads above a conversation's key.
pub async fn heads(db: &Db, app: AppId, (a, b): (i64, i64)) -> Result<Vec<HeadRow>, Error> {
    HEADS.read(db, &[app.0, a, b, PAGE]).await
}

/// One head.
pub async fn head(db: &Db, app: AppId, (a, b): (i64, i64)) -> Result<Option<HeadRow>, Error> {
    Ok(HEAD.read(db, &[app.0, a, b]).await?.into_iter().next())
}

/// A page of a conversation's messages above an id, in the order of ids.
pub async fn messages(db: &Db, app: AppId, (a, b): (i64, i64), above: i64) -> Result<Vec<CheckedRow>, Error> {
    MESSAGES.read(db, &[app.0, a, b, above, PAGE]).await
}

/// The content of such a row, however large; `None`: it was purged since.
pub async fn content(db: &Db, app: AppId, mut row: CheckedRow) -> Result<Option<LeftOut>, Error> {
    if row.body.is_none() {
        return weight::content(db, app, MsgId(row.msg_id)).await;
    }
    let body = row.body.take().unwrap_or_default();
    let content = StoredContent { body, ext: row.ext, config: row.config, verbatim: row.verbatim };
    Ok(Some(LeftOut { content, edits: row.edits, checksum: row.checksum }))
}

/// The next conversation with messages above a key, and whether it has a head.
pub async fn next(db: &Db, app: AppId, (a, b): (i64, i64)) -> Result<Option<((i64, i64), bool)>, Error> {
    let rows: Vec<(i64, i64, i64)> = NEXT.read(db, &[app.0, a, b]).await?;
    Ok(rows.first().map(|(a, b, heads)| ((*a, *b), *heads > 0)))
}

/// The next event numbers of a lane: of messages, or of the rest.
pub async fn numbers(db: &Db, app: AppId, lane: i64, of_messages: bool, above: i64) -> Result<Vec<i64>, Error> {
    let statement = if of_messages { &SENT } else { &OTHER };
    let rows: Vec<(i64,)> = statement.read(db, &[app.0, lane, above, PAGE]).await?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

/// A table of rows that each belong to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideTable {
    Late,
    Recalled,
    FileUse,
    Stray,
    Reaction,
}

/// Every one of them with its name.
pub const TABLES: [(SideTable, &str); 5] = [
    (SideTable::Late, "late"),
    (SideTable::Recalled, "recalled"),
    (SideTable::FileUse, "file_use"),
    (SideTable::Stray, "stray"),
    (SideTable::Reaction, "reaction"),
];

/// The key of a message, and whether it is there and as the row says.
pub type RowCheck = ((i64, i64, i64), bool);

/// A page of such a table.
pub async fn side_table(
    db: &Db,
    app: AppId,
    table: SideTable,
    (a, b, id): (i64, i64, i64),
) -> Result<Vec<RowCheck>, Error> {
    let statement = match table {
        SideTable::Late => &LATE,
        SideTable::Recalled => &SUBTRACTED,
        SideTable::FileUse => &FILE_USE,
        SideTable::Stray => &STRAY,
        SideTable::Reaction => &REACTION,
    };
    let rows: Vec<(i64, i64, i64, i64)> = statement.read(db, &[app.0, a, b, id, PAGE]).await?;
    Ok(rows.into_iter().map(|(a, b, id, found)| ((a, b, id), found > 0)).collect())
}

/// The key of a row that hides a message from a user: user, conversation, message.
pub type HiddenKey = (i64, i64, i64, i64);

/// A page of what is hidden from users, and whether it is counted as it should be.
pub async fn excluded(db: &Db, app: AppId, (user, a, b, id): HiddenKey) -> Result<Vec<(HiddenKey, bool)>, Error> {
    let rows: Vec<(i64, i64, i64, i64, i64)> = EXCLUDED.read(db, &[app.0, user, a, b, id, PAGE]).await?;
    Ok(rows.into_iter().map(|(user, a, b, id, found)| ((user, a, b, id), found > 0)).collect())
}

/// How many of the two users of a direct conversation have it in their list.
pub async fn participants(db: &Db, app: AppId, (low, high): (i64, i64)) -> Result<i64, Error> {
    let (count,): (i64,) =
        on_db!(db, |c| sqlx::query_as(PARTICIPANTS).bind(app.0).bind(low).bind(high).fetch_one(c).await)?;
    Ok(count)
}

/// What the user has not read above a mark, counted row by row.
pub async fn recount(
    db: &Db,
    app: AppId,
    user: UserId,
    (conversation, mark): (ConversationId, MsgId),
) -> Result<i64, Error> {
    let (a, b) = conversation.key();
    let (count,): (i64,) = on_db!(db, |c| sqlx::query_as(RECOUNT)
        .bind(app.0)
        .bind(a)
        .bind(b)
        .bind(mark.0)
        .bind(user.0)
        .fetch_one(c)
        .await)?;
    Ok(count)
}

/// A key with its scope, and its reply.
pub type StoredKey = (String, String, Option<String>);

/// A page of the keys above one.
pub async fn keys(db: &Db, app: AppId, (scope, key): (&str, &str)) -> Result<Vec<StoredKey>, Error> {
    on_db!(db, |c| sqlx::query_as(KEYS).bind(app.0).bind(scope).bind(key).bind(PAGE).fetch_all(c).await)
}

/// Whether a message is in the log, or was there before it was purged.
pub async fn is_known(db: &Db, app: AppId, (a, b): (i64, i64), msg_id: i64) -> Result<bool, Error> {
    let (known,): (i64,) =
        on_db!(db, |c| sqlx::query_as(IS_KNOWN).bind(app.0).bind(a).bind(b).bind(msg_id).fetch_one(c).await)?;
    Ok(known > 0)
}
