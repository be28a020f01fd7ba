//! Which messages bring which of our files, and the files that none does any more.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

use super::change::Which;

static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
        ("uuid", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into file_use (app_id, conv_a, conv_b, msg_id, uuid)
         select app_id, conv_a, conv_b, msg_id, uuid from r where true",
    )
});

const RELEASE: &str = "
    delete from file_use where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 returning uuid";

const UNUSE: &str = "
    insert into unused_file (app_id, uuid, since) values ($1, $2, $3)
    on conflict (app_id, uuid) do update set since = excluded.since";

/// The cast keeps SQLite from planning the query again for each limit that it is given.
const UNUSED: &str = "
    select u.uuid, u.since,
        cast(case when exists (select 1 from file_use f where f.app_id = u.app_id and f.uuid = u.uuid)
            then 1 else 0 end as bigint)
    from unused_file u
    where u.app_id = $1 and u.since <= $2
    order by u.since limit cast($3 as bigint)";

const FORGET: &str = "delete from unused_file where app_id = $1 and uuid = $2 and since = $3";

pub const ALL: &[&str] = &[RELEASE, UNUSE, UNUSED, FORGET];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&ADD]
}

/// A message that brings a file.
#[derive(Debug, Clone)]
pub struct FileUse {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub uuid: String,
}

/// Notes files with the messages that bring them.
pub async fn add(tx: &mut Tx, uses: &[FileUse]) -> Result<(), Error> {
    let rows = [
        Column::Int(uses.iter().map(|row| row.app.0).collect()),
        Column::Int(uses.iter().map(|row| row.conversation.key().0).collect()),
        Column::Int(uses.iter().map(|row| row.conversation.key().1).collect()),
        Column::Int(uses.iter().map(|row| row.msg_id.0).collect()),
        Column::Text(uses.iter().map(|row| Some(row.uuid.as_str())).collect()),
    ];
    ADD.execute(tx, &rows).await
}

/// The message brings nothing any more; gives what it brought.
pub async fn release(tx: &mut Tx, which: Which) -> Result<Vec<String>, Error> {
    let (a, b) = which.conversation.key();
    let rows: Vec<(String,)> = on_tx!(tx, |c| sqlx::query_as(RELEASE)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .fetch_all(c)
        .await)?;
    Ok(rows.into_iter().map(|(uuid,)| uuid).collect())
}

/// Notes a file that is to be deleted unless another message brings it.
pub async fn unuse(tx: &mut Tx, app: AppId, uuid: &str, since: UnixMillis) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(UNUSE).bind(app.0).bind(uuid).bind(since.0).execute(c).await.map(drop))
}

/// A file that a recall left.
#[derive(Debug)]
pub struct Unused {
    pub uuid: String,
    pub since: UnixMillis,
    /// Another message brings it.
    pub used: bool,
}

/// Up to `limit` files that were left by then, the oldest first.
pub async fn unused(db: &Db, app: AppId, by: UnixMillis, limit: i64) -> Result<Vec<Unused>, Error> {
    let rows: Vec<(String, i64, i64)> =
        on_db!(db, |c| sqlx::query_as(UNUSED).bind(app.0).bind(by.0).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(uuid, since, used)| Unused { uuid, since: UnixMillis(since), used: used != 0 }).collect())
}

/// Takes the note away, unless another recall has renewed it.
pub async fn forget(tx: &mut Tx, app: AppId, unused: &Unused) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(&unused.uuid).bind(unused.since.0).execute(c).await.map(drop))
}
