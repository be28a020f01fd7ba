//! Exports: the rows of an hour, and their files.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use tidings_domain::{AppId, Content, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Db, Gather, Scale, Tx, on_db, on_tx, row, sqlx};

use super::weight::{self, light_content, put_in};
use crate::{checksum, content::StoredContent};

/// The sum selects the index that only lookups by id use; see the migration. The cast keeps SQLite from planning the
/// query again for each limit.
static ROWS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        MessageRow::COLUMNS,
        concat!(
            "select m.conv_a, m.conv_b, m.msg_id, m.sender_id, m.sent_at, m.lane, m.event_no, m.recalled_at, m.edits,
            m.checksum, ",
            light_content!(),
            " from message m
            where m.app_id = $1 and m.msg_id + 0 > $2 and m.msg_id + 0 <= $3
            order by m.msg_id + 0 limit cast($4 as bigint)"
        ),
    )
});

/// Forces PostgreSQL to look up one message per stray.
macro_rules! strays {
    ($before:literal, $after:literal) => {
        concat!(
            "select m.conv_a, m.conv_b, m.msg_id, m.sender_id, m.sent_at, m.lane, m.event_no, m.recalled_at, m.edits,
            m.checksum, ",
            light_content!(),
            " from stray s cross join ",
            $before,
            "m.app_id = s.app_id and m.conv_a = s.conv_a and m.conv_b = s.conv_b and m.msg_id = s.msg_id",
            $after,
            "s.app_id = $1 and s.sent_at < $2 and (s.sent_at, s.msg_id) > ($3, $4)",
            " order by s.sent_at, s.msg_id limit cast($5 as bigint)"
        )
    };
}

/// Messages that were sent in a time other than that of their id, in the columns of [`ROWS`].
static STRAYS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::per_engine(
        MessageRow::COLUMNS,
        strays!("message m where ", " and "),
        strays!("lateral (select * from message m where ", " limit 1) m where "),
    )
});

/// The messages of one conversation, in the columns of [`ROWS`].
static ROWS_OF: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        MessageRow::COLUMNS,
        concat!(
            "select m.conv_a, m.conv_b, m.msg_id, m.sender_id, m.sent_at, m.lane, m.event_no, m.recalled_at, m.edits,
            m.checksum, ",
            light_content!(),
            " from message m
            where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id > $4 and m.msg_id <= $5
            order by m.msg_id limit cast($6 as bigint)"
        ),
    )
});

const NEWEST_OF: &str =
    "select coalesce(max(last_msg_id), 0) from conversation_head where app_id = $1 and conv_a = $2 and conv_b = $3";

const COUNT: &str = "select count(*) from message m where m.app_id = $1 and m.msg_id + 0 > $2 and m.msg_id + 0 <= $3";

const POSITIONS: &str = "select lane, last_no from event_lane where app_id = $1 order by lane";

const PARTS: &str = "
    select part, seq, file_uuid, bytes, messages, first_msg_id, last_msg_id, sha256, previous, digest, sealed_at,
        positions, rows_seen, kept
    from export where app_id = $1 and hour_start = $2 order by part";

/// The condition on `seq` makes it a single index lookup.
const LAST: &str = "select seq, digest from export where app_id = $1 and seq > 0 order by seq desc limit 1";

const INSERT: &str = "
    insert into export (app_id, hour_start, part, seq, file_uuid, bytes, messages, first_msg_id, last_msg_id, sha256,
        previous, digest, sealed_at, positions, rows_seen, kept)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)
    on conflict do nothing";

const SEEN: &str = "update export set rows_seen = $4 where app_id = $1 and hour_start = $2 and part = $3";
const KEPT: &str = "update export set kept = 1 where app_id = $1 and hour_start = $2 and part = $3";
const GONE: &str = "update export set kept = 2 where app_id = $1 and hour_start = $2 and part = $3";

const UNKEPT: &str = "
    select hour_start, part, file_uuid from export where app_id = $1 and kept = 0 limit cast($2 as bigint)";

const OLD: &str = "
    select hour_start, part, file_uuid from export where app_id = $1 and kept < 2 and hour_start <= $2
    order by hour_start, part limit cast($3 as bigint)";

pub const ALL: &[&str] = &[NEWEST_OF, COUNT, POSITIONS, PARTS, LAST, INSERT, SEEN, KEPT, GONE, UNKEPT, OLD];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&ROWS, &STRAYS, &ROWS_OF]
}

/// The last event number of each lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions(pub BTreeMap<i64, i64>);

impl Positions {
    /// Whether the event is at or below that position.
    pub fn cover(&self, lane: i64, event_no: i64) -> bool {
        self.0.get(&lane).is_some_and(|last| event_no <= *last)
    }
}

/// A message as an export needs it.
#[derive(Debug)]
pub struct Row {
    app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub recalled: bool,
    /// Its position in the event feed.
    pub place: (i64, i64),
    content: StoredContent,
    /// With the number of edits; see [`crate::checksum`].
    checksum: (i64, i64),
}

impl Row {
    /// Those that are not exported are not checked.
    fn check(&self) -> Result<(), Error> {
        checksum::check(self.app, self.msg_id, &self.content, self.checksum)
    }

    /// The uuids of our files in it.
    pub fn attachments(&self) -> Result<Vec<String>, Error> {
        self.check()?;
        self.content.attachments()
    }

    /// The content.
    pub fn content(self) -> Result<Content, Error> {
        self.check()?;
        self.content.read()
    }
}

row! {
    struct MessageRow {
        conv_a: i64,
        conv_b: i64,
        msg_id: i64,
        sender_id: i64,
        sent_at: i64,
        lane: i64,
        event_no: i64,
        recalled_at: Option<i64>,
        edits: i64,
        checksum: i64,
        body: Option<String>,
        ext: Option<String>,
        config: Option<String>,
        verbatim: Option<String>,
    }
}

/// Up to `limit` messages above `after` and up to `last`, including recalled ones, in the order of their ids; fewer if
/// they are too large, none when there are no more.
pub async fn rows(db: &Db, app: AppId, (after, last): (MsgId, MsgId), limit: i64) -> Result<Vec<Row>, Error> {
    weighed(db, app, &ROWS, &[app.0, after.0, last.0, limit]).await
}

/// The same for messages recorded in [`super::stray`], after that one and sent before `until`, in the order in which
/// they were sent.
pub async fn strays(
    db: &Db,
    app: AppId,
    (sent_at, after): (UnixMillis, MsgId),
    until: UnixMillis,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    weighed(db, app, &STRAYS, &[app.0, until.0, sent_at.0, after.0, limit]).await
}

/// The same of one conversation.
pub async fn rows_of(
    db: &Db,
    app: AppId,
    conversation: ConversationId,
    (after, last): (MsgId, MsgId),
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let (a, b) = conversation.key();
    weighed(db, app, &ROWS_OF, &[app.0, a, b, after.0, last.0, limit]).await
}

/// As many of the rows as are not too large, at least one if there is any.
async fn weighed(db: &Db, app: AppId, read: &Gather, parameters: &[i64]) -> Result<Vec<Row>, Error> {
    loop {
        let light: Vec<MessageRow> = read.read(db, parameters).await?;
        let (is_end, mut rows, mut scale) = (light.is_empty(), Vec::with_capacity(light.len()), Scale::default());
        for mut row in light {
            if row.body.is_none() && !scale.is_full() {
                // What was purged since its row was read is left out.
                let Some(left_out) = weight::content(db, app, MsgId(row.msg_id)).await? else { continue };
                put_in!(row, left_out);
            }
            let size = [&row.body, &row.ext, &row.config, &row.verbatim].into_iter().flatten().map(String::len).sum();
            if !scale.takes(size) {
                break;
            }
            rows.push(self::row(app, row)?);
        }
        if is_end || !rows.is_empty() {
            return Ok(rows);
        }
    }
}

/// The id of a conversation's newest message; zero where there is none.
pub async fn newest_of(db: &Db, app: AppId, conversation: ConversationId) -> Result<MsgId, Error> {
    let (a, b) = conversation.key();
    let (newest,): (i64,) = on_db!(db, |c| sqlx::query_as(NEWEST_OF).bind(app.0).bind(a).bind(b).fetch_one(c).await)?;
    Ok(MsgId(newest))
}

fn row(app: AppId, row: MessageRow) -> Result<Row, Error> {
    let body = row.body.ok_or_else(|| Error::internal("a message without its body"))?;
    Ok(Row {
        app,
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        msg_id: MsgId(row.msg_id),
        sender: UserId(row.sender_id),
        sent_at: UnixMillis(row.sent_at),
        recalled: row.recalled_at.is_some(),
        place: (row.lane, row.event_no),
        content: StoredContent { body, ext: row.ext, config: row.config, verbatim: row.verbatim },
        checksum: (row.edits, row.checksum),
    })
}

/// How many messages there are above `after` and up to `last`.
pub async fn count(db: &Db, app: AppId, (after, last): (MsgId, MsgId)) -> Result<i64, Error> {
    let (count,): (i64,) =
        on_db!(db, |c| sqlx::query_as(COUNT).bind(app.0).bind(after.0).bind(last.0).fetch_one(c).await)?;
    Ok(count)
}

/// Up to where the app's events are committed. Later reads see all of them.
pub async fn positions(db: &Db, app: AppId) -> Result<Positions, Error> {
    let rows: Vec<(i64, i64)> = on_db!(db, |c| sqlx::query_as(POSITIONS).bind(app.0).fetch_all(c).await)?;
    Ok(Positions(rows.into_iter().collect()))
}

/// One file.
#[derive(Debug, Clone)]
pub struct Part {
    pub part: i64,
    pub seq: i64,
    pub file_uuid: String,
    pub bytes: i64,
    pub messages: i64,
    pub first: MsgId,
    pub last: MsgId,
    pub sha256: String,
    pub previous: String,
    pub digest: String,
    pub sealed_at: UnixMillis,
    pub positions: Positions,
    pub rows_seen: i64,
    /// Whether the file service was requested to keep it.
    pub kept: bool,
    /// Whether it was removed since. The row stays, since the chain continues from it.
    pub gone: bool,
}

row! {
    struct PartRow {
        part: i64,
        seq: i64,
        file_uuid: String,
        bytes: i64,
        messages: i64,
        first_msg_id: i64,
        last_msg_id: i64,
        sha256: String,
        previous: String,
        digest: String,
        sealed_at: i64,
        positions: String,
        rows_seen: i64,
        kept: i64,
    }
}

/// The files of an hour.
pub async fn parts(db: &Db, app: AppId, hour: UnixMillis) -> Result<Vec<Part>, Error> {
    let rows: Vec<PartRow> = on_db!(db, |c| sqlx::query_as(PARTS).bind(app.0).bind(hour.0).fetch_all(c).await)?;
    rows.into_iter().map(part).collect()
}

fn part(row: PartRow) -> Result<Part, Error> {
    Ok(Part {
        part: row.part,
        seq: row.seq,
        file_uuid: row.file_uuid,
        bytes: row.bytes,
        messages: row.messages,
        first: MsgId(row.first_msg_id),
        last: MsgId(row.last_msg_id),
        sha256: row.sha256,
        previous: row.previous,
        digest: row.digest,
        sealed_at: UnixMillis(row.sealed_at),
        positions: serde_json::from_str(&row.positions).map_err(Error::internal)?,
        rows_seen: row.rows_seen,
        kept: row.kept != 0,
        gone: row.kept == 2,
    })
}

/// The newest link of the app's chain: its position and its digest.
pub async fn last(tx: &mut Tx, app: AppId) -> Result<Option<(i64, String)>, Error> {
    on_tx!(tx, |c| sqlx::query_as(LAST).bind(app.0).fetch_optional(c).await)
}

/// Seals a part; false when the hour has such a part, or the chain such a link.
pub async fn insert(tx: &mut Tx, app: AppId, hour: UnixMillis, part: &Part) -> Result<bool, Error> {
    let positions = serde_json::to_string(&part.positions).map_err(Error::internal)?;
    let inserted = on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(hour.0)
        .bind(part.part)
        .bind(part.seq)
        .bind(&part.file_uuid)
        .bind(part.bytes)
        .bind(part.messages)
        .bind(part.first.0)
        .bind(part.last.0)
        .bind(&part.sha256)
        .bind(&part.previous)
        .bind(&part.digest)
        .bind(part.sealed_at.0)
        .bind(&positions)
        .bind(part.rows_seen)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(inserted > 0)
}

/// The key of a part: app, hour and number.
pub type Key = (AppId, UnixMillis, i64);

async fn change(db: &Db, text: &'static str, (app, hour, part): Key) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |c| sqlx::query(text).bind(app.0).bind(hour.0).bind(part).execute(c).await.map(drop))?;
    tx.commit().await
}

/// The hour was checked again and had that many rows.
pub async fn seen(db: &Db, (app, hour, part): Key, rows: i64) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |c| sqlx::query(SEEN).bind(app.0).bind(hour.0).bind(part).bind(rows).execute(c).await.map(drop))?;
    tx.commit().await
}

/// The file service keeps the file.
pub async fn kept(db: &Db, key: Key) -> Result<(), Error> {
    change(db, KEPT, key).await
}

/// The file was removed.
pub async fn gone(db: &Db, key: Key) -> Result<(), Error> {
    change(db, GONE, key).await
}

fn named(app: AppId, rows: Vec<(i64, i64, String)>) -> Vec<(Key, String)> {
    rows.into_iter().map(|(hour, part, uuid)| ((app, UnixMillis(hour), part), uuid)).collect()
}

/// Up to `limit` parts whose files the file service was not yet requested to keep.
pub async fn unkept(db: &Db, app: AppId, limit: i64) -> Result<Vec<(Key, String)>, Error> {
    let rows = on_db!(db, |c| sqlx::query_as(UNKEPT).bind(app.0).bind(limit).fetch_all(c).await)?;
    Ok(named(app, rows))
}

/// Up to `limit` parts whose hour started by then, with files that were not removed.
pub async fn old(db: &Db, app: AppId, by: UnixMillis, limit: i64) -> Result<Vec<(Key, String)>, Error> {
    let rows = on_db!(db, |c| sqlx::query_as(OLD).bind(app.0).bind(by.0).bind(limit).fetch_all(c).await)?;
    Ok(named(app, rows))
}
