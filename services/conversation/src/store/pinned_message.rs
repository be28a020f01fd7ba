//! The messages that are pinned in conversations.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Db, Gather, Tx, on_tx, sqlx};

/// A conversation has few enough to sort.
static PAGE: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["msg_id", "operator_id", "pinned_at", "pin_no"],
        "select msg_id, operator_id, pinned_at, pin_no from pinned_message
         where app_id = $1 and conv_a = $2 and conv_b = $3 and pin_no < $4
         order by pin_no desc limit cast($5 as bigint)",
    )
});

const NEXT: &str = "
    insert into pinned_message_head (app_id, conv_a, conv_b, last_no) values ($1, $2, $3, 1)
    on conflict (app_id, conv_a, conv_b) do update set last_no = pinned_message_head.last_no + 1
    returning last_no";

const PIN: &str = "
    insert into pinned_message (app_id, conv_a, conv_b, msg_id, pin_no, operator_id, pinned_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (app_id, conv_a, conv_b, msg_id) do nothing";

const COUNT: &str = "select count(*) from pinned_message where app_id = $1 and conv_a = $2 and conv_b = $3";

const UNPIN: &str = "delete from pinned_message where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4";

pub const ALL: &[&str] = &[NEXT, PIN, COUNT, UNPIN];

/// The lists of this table.
pub fn lists() -> Vec<&'static Gather> {
    vec![&PAGE]
}

/// A pinned message.
#[derive(Debug, Clone, Copy)]
pub struct Pinned {
    pub msg_id: MsgId,
    pub operator: UserId,
    pub at: UnixMillis,
    /// Its place in the list.
    pub number: i64,
}

/// A page of them below a number, most recently pinned first.
pub async fn page(
    db: &Db,
    app: AppId,
    conversation: ConversationId,
    below: i64,
    limit: i64,
) -> Result<Vec<Pinned>, Error> {
    let (a, b) = conversation.key();
    let rows: Vec<(i64, i64, i64, i64)> = PAGE.read(db, &[app.0, a, b, below, limit]).await?;
    let pinned = rows.into_iter().map(|(msg_id, operator, at, number)| Pinned {
        msg_id: MsgId(msg_id),
        operator: UserId(operator),
        at: UnixMillis(at),
        number,
    });
    Ok(pinned.collect())
}

/// A number for what happens next to the conversation's pins. Locks them until the transaction ends.
pub async fn next(tx: &mut Tx, app: AppId, conversation: ConversationId) -> Result<i64, Error> {
    let (a, b) = conversation.key();
    let (number,): (i64,) = on_tx!(tx, |c| sqlx::query_as(NEXT).bind(app.0).bind(a).bind(b).fetch_one(c).await)?;
    Ok(number)
}

/// Pins a message, with a number of [`next`]; false when it was pinned.
pub async fn pin(
    tx: &mut Tx,
    app: AppId,
    conversation: ConversationId,
    msg_id: MsgId,
    (number, operator, now): (i64, UserId, UnixMillis),
) -> Result<bool, Error> {
    let (a, b) = conversation.key();
    let pinned = on_tx!(tx, |c| sqlx::query(PIN)
        .bind(app.0)
        .bind(a)
        .bind(b)
        .bind(msg_id.0)
        .bind(number)
        .bind(operator.0)
        .bind(now.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(pinned > 0)
}

/// How many there are.
pub async fn count(tx: &mut Tx, app: AppId, conversation: ConversationId) -> Result<i64, Error> {
    let (a, b) = conversation.key();
    let (count,): (i64,) = on_tx!(tx, |c| sqlx::query_as(COUNT).bind(app.0).bind(a).bind(b).fetch_one(c).await)?;
    Ok(count)
}

/// Unpins; false when it was not pinned.
pub async fn unpin(tx: &mut Tx, app: AppId, conversation: ConversationId, msg_id: MsgId) -> Result<bool, Error> {
    let (a, b) = conversation.key();
    let unpinned = on_tx!(tx, |c| sqlx::query(UNPIN)
        .bind(app.0)
        .bind(a)
        .bind(b)
        .bind(msg_id.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(unpinned > 0)
}
