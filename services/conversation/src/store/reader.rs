//! Users whose read mark covers a message of a group.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, GroupId, MsgId, UnixMillis, UserId};
use tidings_store::{Db, Gather, on_db, sqlx};

/// The condition on `conv_b` is that of the index.
static PAGE: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["user_id", "read_at"],
        "select user_id, read_at from cursor
         where app_id = $1 and conv_a = $2 and conv_b = -1 and conv_b < 0 and user_id > $3
           and read_id >= $4 and since_id < $4 and user_id <> $5
         order by user_id limit cast($6 as bigint)",
    )
});

const COUNT: &str = "
    select count(*) from cursor
    where app_id = $1 and conv_a = $2 and conv_b = -1 and conv_b < 0
      and user_id > 0 and read_id >= $3 and since_id < $3 and user_id <> $4";

pub const ALL: &[&str] = &[COUNT];

/// The lists of this table.
pub fn lists() -> Vec<&'static Gather> {
    vec![&PAGE]
}

/// A message of a group, and its sender, who is not a reader.
#[derive(Debug, Clone, Copy)]
pub struct OfMessage {
    pub app: AppId,
    pub group: GroupId,
    pub msg_id: MsgId,
    pub sender: UserId,
}

/// A page of the readers above an id, and when their marks moved last.
pub async fn page(db: &Db, of: OfMessage, above: UserId, limit: i64) -> Result<Vec<(UserId, UnixMillis)>, Error> {
    let OfMessage { app, group, msg_id, sender } = of;
    let rows: Vec<(i64, i64)> = PAGE.read(db, &[app.0, group.0, above.0, msg_id.0, sender.0, limit]).await?;
    Ok(rows.into_iter().map(|(user, at)| (UserId(user), UnixMillis(at))).collect())
}

/// How many there are.
pub async fn count(db: &Db, of: OfMessage) -> Result<i64, Error> {
    let OfMessage { app, group, msg_id, sender } = of;
    let (count,): (i64,) = on_db!(db, |c| sqlx::query_as(COUNT)
        .bind(app.0)
        .bind(group.0)
        .bind(msg_id.0)
        .bind(sender.0)
        .fetch_one(c)
        .await)?;
    Ok(count)
}
