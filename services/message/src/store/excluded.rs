//! Messages hidden from one user.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

use super::which::Which;

static HIDE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into excluded (app_id, user_id, conv_a, conv_b, msg_id, counted)
         select m.app_id, r.user_id, m.conv_a, m.conv_b, m.msg_id,
            case when m.countable = 1 and m.sender_id <> r.user_id then 1 else 0 end
         from r cross join message m
         where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id = r.msg_id
           and m.recalled_at is null
         on conflict (app_id, user_id, conv_a, conv_b, msg_id) do nothing
         returning msg_id",
    )
});

const RECALLED: &str = "delete from excluded where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4";

const IS_EXCLUDED: &str = "
    select 1 from excluded where app_id = $1 and user_id = $2 and conv_a = $3 and conv_b = $4 and msg_id = $5";

pub const ALL: &[&str] = &[RECALLED, IS_EXCLUDED];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&HIDE]
}

/// One message to be hidden from a user.
pub type Hidden = (AppId, UserId, ConversationId, MsgId);

/// Hides messages that are in the log; returns those that were newly hidden.
pub async fn hide(tx: &mut Tx, hidden: &[Hidden]) -> Result<Vec<MsgId>, Error> {
    let rows = [
        Column::Int(hidden.iter().map(|(app, ..)| app.0).collect()),
        Column::Int(hidden.iter().map(|(_, user, ..)| user.0).collect()),
        Column::Int(hidden.iter().map(|(_, _, conversation, _)| conversation.key().0).collect()),
        Column::Int(hidden.iter().map(|(_, _, conversation, _)| conversation.key().1).collect()),
        Column::Int(hidden.iter().map(|(.., msg_id)| msg_id.0).collect()),
    ];
    let rows: Vec<(i64,)> = HIDE.fetch(tx, &rows).await?;
    Ok(rows.into_iter().map(|(msg_id,)| MsgId(msg_id)).collect())
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

/// Removes all exclusions of a message, since it was recalled for everybody.
pub async fn forget(tx: &mut Tx, which: Which) -> Result<(), Error> {
    let (a, b) = which.conversation.key();
    on_tx!(tx, |c| sqlx::query(RECALLED)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .execute(c)
        .await
        .map(drop))
}
