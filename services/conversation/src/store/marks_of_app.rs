//! Every read mark of an app, for a command that checks unread counts.

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Db, on_db, sqlx};

const PAGE: &str = "
    select user_id, conv_a, conv_b, read_id from cursor
    where app_id = $1 and (user_id, conv_a, conv_b) > ($2, $3, $4)
    order by user_id, conv_a, conv_b limit cast($5 as bigint)";

const READERS: &str = "
    select user_id, read_id, read_at, since_id from cursor
    where app_id = $1 and user_id in ($2, $3) and conv_a = $2 and conv_b = $3";

pub const ALL: &[&str] = &[PAGE, READERS];

/// The user, the conversation and the mark.
pub type Mark = (UserId, ConversationId, MsgId);

/// The first page of marks above one.
pub async fn page(db: &Db, app: AppId, after: Option<Mark>, limit: i64) -> Result<Vec<Mark>, Error> {
    let (user, (a, b)) = after.map_or((i64::MIN, (i64::MIN, i64::MIN)), |(user, place, _)| (user.0, place.key()));
    let rows: Vec<(i64, i64, i64, i64)> =
        on_db!(db, |c| sqlx::query_as(PAGE).bind(app.0).bind(user).bind(a).bind(b).bind(limit).fetch_all(c).await)?;
    let mark = |(user, a, b, read)| (UserId(user), ConversationId::from_key(a, b), MsgId(read));
    Ok(rows.into_iter().map(mark).collect())
}

/// A user whose mark is in a direct conversation: who, the mark, when it moved last, since when they see it.
pub type DirectMark = (UserId, MsgId, i64, MsgId);

/// The marks of both users of a direct conversation.
pub async fn of_direct(db: &Db, app: AppId, (low, high): (UserId, UserId)) -> Result<Vec<DirectMark>, Error> {
    let rows: Vec<(i64, i64, i64, i64)> =
        on_db!(db, |c| sqlx::query_as(READERS).bind(app.0).bind(low.0).bind(high.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(user, read, at, since)| (UserId(user), MsgId(read), at, MsgId(since))).collect())
}
