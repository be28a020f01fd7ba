//! Data needed before an import is written: ids of its own time, and the counts at its position.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Column, GatherMany, Kind, ManyRows, Tx, on_tx, sqlx};

/// Takes the app's import lock until the end of the transaction. SQLite has one writer anyway.
const TAKE_TURN: &str = "
    insert into import_turn (app_id, taken) values ($1, 1)
    on conflict (app_id) do update set taken = import_turn.taken + 1";

static NEWEST: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &[("app_id", Kind::Int), ("low", Kind::Int), ("high", Kind::Int)],
        &["app_id", "low", "newest"],
        "select r.app_id, r.low,
            coalesce((select m.msg_id + 0 from message m
                where m.app_id = r.app_id and m.msg_id + 0 >= r.low and m.msg_id + 0 <= r.high
                order by m.msg_id + 0 desc limit 1), 0) as newest
         from r",
        "",
    )
});

static BELOW: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("msg_id", Kind::Int)];
    GatherMany::new(
        &columns,
        &["app_id", "of_id", "msg_id", "ordinal", "ordinal_low"],
        "select r.app_id, r.msg_id as of_id, m.msg_id, m.ordinal, m.ordinal_low
         from r cross join message m
         where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
           and m.msg_id = (select b.msg_id from message b
               where b.app_id = r.app_id and b.conv_a = r.conv_a and b.conv_b = r.conv_b and b.msg_id < r.msg_id
               order by b.msg_id desc limit 1)",
        "",
    )
});

static LATE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
        ("sender_id", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into late (app_id, conv_a, conv_b, msg_id, sender_id)
         select app_id, conv_a, conv_b, msg_id, sender_id from r where true",
    )
});

pub const ALL: &[&str] = &[TAKE_TURN];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&LATE]
}

pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&NEWEST, &BELOW]
}

/// Blocks other imports into the app until the transaction ends.
pub async fn take_turn(tx: &mut Tx, app: AppId) -> Result<(), Error> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(_) => on_tx!(tx, |c| sqlx::query(TAKE_TURN).bind(app.0).execute(c).await.map(drop)),
    }
}

/// The newest id of an app in each range of ids; zero where there is none.
pub async fn newest(tx: &mut Tx, ranges: &[(AppId, MsgId, MsgId)]) -> Result<Vec<(AppId, MsgId, MsgId)>, Error> {
    let rows = [
        Column::Int(ranges.iter().map(|(app, _, _)| app.0).collect()),
        Column::Int(ranges.iter().map(|(_, low, _)| low.0).collect()),
        Column::Int(ranges.iter().map(|(_, _, high)| high.0).collect()),
    ];
    let rows: Vec<(i64, i64, i64)> = NEWEST.fetch(tx, &rows).await?;
    Ok(rows.into_iter().map(|(app, low, newest)| (AppId(app), MsgId(low), MsgId(newest))).collect())
}

/// The row right below a position in a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Below {
    pub app: AppId,
    /// The position, as an id.
    pub of: MsgId,
    pub msg_id: MsgId,
    pub ordinal: i64,
    pub ordinal_low: i64,
}

/// The rows right below ids that are not in the log yet. Nothing if the id would be the first.
pub async fn below(tx: &mut Tx, places: &[(AppId, ConversationId, MsgId)]) -> Result<Vec<Below>, Error> {
    let rows = [
        Column::Int(places.iter().map(|(app, _, _)| app.0).collect()),
        Column::Int(places.iter().map(|(_, conversation, _)| conversation.key().0).collect()),
        Column::Int(places.iter().map(|(_, conversation, _)| conversation.key().1).collect()),
        Column::Int(places.iter().map(|(_, _, msg_id)| msg_id.0).collect()),
    ];
    let rows: Vec<(i64, i64, i64, i64, i64)> = BELOW.fetch(tx, &rows).await?;
    let found = rows.into_iter().map(|(app, of, msg_id, ordinal, ordinal_low)| Below {
        app: AppId(app),
        of: MsgId(of),
        msg_id: MsgId(msg_id),
        ordinal,
        ordinal_low,
    });
    Ok(found.collect())
}

/// A countable message below its conversation's newest.
#[derive(Debug, Clone, Copy)]
pub struct Backfilled {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub sender: UserId,
}

/// Counts the messages separately from the running counts.
pub async fn count_backfilled(tx: &mut Tx, late: &[Backfilled]) -> Result<(), Error> {
    let rows = [
        Column::Int(late.iter().map(|row| row.app.0).collect()),
        Column::Int(late.iter().map(|row| row.conversation.key().0).collect()),
        Column::Int(late.iter().map(|row| row.conversation.key().1).collect()),
        Column::Int(late.iter().map(|row| row.msg_id.0).collect()),
        Column::Int(late.iter().map(|row| row.sender.0).collect()),
    ];
    LATE.execute(tx, &rows).await
}
