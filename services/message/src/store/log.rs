//! Writing messages.
//!
//! On PostgreSQL one statement moves the heads, takes the event numbers and inserts the rows, since every statement is
//! a round trip under locks. SQLite has no round trips and cannot change three tables in one statement.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Engine, Kind, ManyRows, Tx};

use super::{
    head::{self, ConversationKey, Head},
    lane,
};
use crate::{checksum, content::StoredContent, row_options::Flags};

/// One row of the log.
#[derive(Debug)]
pub struct NewMessage<'a> {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub seq: i64,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub countable: bool,
    pub flags: Flags,
    pub ordinal: i64,
    pub ordinal_low: i64,
    pub lane: i64,
    pub content: &'a StoredContent,
    /// See [`crate::row_options`].
    pub delivery: Option<&'a str>,
    /// See [`crate::origin`].
    pub origin: Option<String>,
    /// The head of its conversation after it.
    pub head: Head,
}

const COLUMNS: [(&str, Kind); 20] = [
    ("app_id", Kind::Int),
    ("conv_a", Kind::Int),
    ("conv_b", Kind::Int),
    ("msg_id", Kind::Int),
    ("seq", Kind::Int),
    ("sender_id", Kind::Int),
    ("sent_at", Kind::Int),
    ("countable", Kind::Int),
    ("flags", Kind::Int),
    ("ordinal", Kind::Int),
    ("ordinal_low", Kind::Int),
    ("lane", Kind::Int),
    // How many rows of its lane come after it: its event number is that much below the lane's last.
    ("after", Kind::Int),
    ("checksum", Kind::Int),
    ("body", Kind::Text),
    ("ext", Kind::Text),
    ("config", Kind::Text),
    ("verbatim", Kind::Text),
    ("delivery", Kind::Text),
    ("origin", Kind::Text),
];

/// The head after a row; PostgreSQL moves heads in the same statement.
const HEAD: [(&str, Kind); 4] = [
    ("head_last", Kind::Int),
    ("head_listed", Kind::Int),
    ("head_ordinal", Kind::Int),
    ("head_ordinal_low", Kind::Int),
];

const INSERT: &str = "insert into message (app_id, conv_a, conv_b, msg_id, seq, sender_id, sent_at, countable, flags,
        ordinal, ordinal_low, lane, event_no, checksum, body, ext, config, verbatim, delivery,
        origin)
    select r.app_id, r.conv_a, r.conv_b, r.msg_id, r.seq, r.sender_id, r.sent_at, r.countable, r.flags,
        r.ordinal, r.ordinal_low, r.lane, taken.last_no - r.after, r.checksum, r.body, r.ext, r.config, r.verbatim,
        r.delivery, r.origin";

static APPEND_ON_SQLITE: LazyLock<ManyRows> = LazyLock::new(|| {
    let sqlite =
        format!("{INSERT} from r cross join event_lane taken where taken.app_id = r.app_id and taken.lane = r.lane");
    ManyRows::per_engine(&COLUMNS, &sqlite, &sqlite)
});

static APPEND_ON_POSTGRES: LazyLock<ManyRows> = LazyLock::new(|| {
    let postgres = format!(
        ", moved as (
            update conversation_head h
            set seq = n.seq, last_msg_id = n.head_last, listed_msg_id = n.head_listed, ordinal = n.head_ordinal,
                ordinal_low = n.head_ordinal_low
            from (select distinct on (app_id, conv_a, conv_b) * from r order by app_id, conv_a, conv_b, seq desc) n
            where h.app_id = n.app_id and h.conv_a = n.conv_a and h.conv_b = n.conv_b),
        taken as (
            insert into event_lane (app_id, lane, last_no)
            select app_id, lane, count(*) from r group by app_id, lane order by app_id, lane
            on conflict (app_id, lane) do update set last_no = event_lane.last_no + excluded.last_no
            returning app_id, lane, last_no)
        {INSERT} from r join taken on taken.app_id = r.app_id and taken.lane = r.lane"
    );
    ManyRows::per_engine(&[&COLUMNS[..], &HEAD].concat(), &postgres, &postgres)
});

pub fn many(engine: Engine) -> &'static ManyRows {
    match engine {
        Engine::Sqlite => &APPEND_ON_SQLITE,
        Engine::Postgres => &APPEND_ON_POSTGRES,
    }
}

/// Appends rows and moves the heads, which must be locked. Takes the rows' event numbers, and locks their lanes until
/// the transaction ends, so it is used last in one.
pub async fn append(
    tx: &mut Tx,
    heads: &BTreeMap<ConversationKey, Head>,
    rows: &[NewMessage<'_>],
) -> Result<(), Error> {
    let mut taken: BTreeMap<(AppId, i64), i64> = BTreeMap::new();
    let mut after = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        let taken = taken.entry((row.app, row.lane)).or_insert(0);
        after.push(*taken);
        *taken += 1;
    }
    after.reverse();
    if let Tx::Sqlite(_) = tx {
        head::store(tx, heads).await?;
        lane::take(tx, &taken).await?;
    }
    let int = |value: fn(&NewMessage<'_>) -> i64| Column::Int(rows.iter().map(value).collect());
    let mut columns = vec![
        int(|row| row.app.0),
        int(|row| row.conversation.key().0),
        int(|row| row.conversation.key().1),
        int(|row| row.msg_id.0),
        int(|row| row.seq),
        int(|row| row.sender.0),
        int(|row| row.sent_at.0),
        int(|row| row.countable.into()),
        int(|row| row.flags.bits()),
        int(|row| row.ordinal),
        int(|row| row.ordinal_low),
        int(|row| row.lane),
        Column::Int(after),
        int(|row| checksum::of(row.content, row.msg_id, 0)),
        Column::Text(rows.iter().map(|row| Some(row.content.body.as_str())).collect()),
        Column::Text(rows.iter().map(|row| row.content.ext.as_deref()).collect()),
        Column::Text(rows.iter().map(|row| row.content.config.as_deref()).collect()),
        Column::Text(rows.iter().map(|row| row.content.verbatim.as_deref()).collect()),
        Column::Text(rows.iter().map(|row| row.delivery).collect()),
        Column::Text(rows.iter().map(|row| row.origin.as_deref()).collect()),
    ];
    if let Tx::Sqlite(_) = tx {
        return APPEND_ON_SQLITE.execute(tx, &columns).await;
    }
    columns.extend([
        int(|row| row.head.last_msg_id.0),
        int(|row| row.head.listed_msg_id.0),
        int(|row| row.head.ordinal),
        int(|row| row.head.ordinal_low),
    ]);
    APPEND_ON_POSTGRES.execute(tx, &columns).await
}
