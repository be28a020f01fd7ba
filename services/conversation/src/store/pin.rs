//! The conversations that a user has pinned.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, UserId};
use tidings_store::{Db, Engine, Gather, Tx, on_tx, sqlx};

use super::UserConversation;

static OF_USER: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b"],
        "select conv_a, conv_b from pin where app_id = $1 and user_id = $2 order by pin_no desc",
    )
});

const NEXT: &str = "
    insert into pin_head (app_id, user_id, last_no) values ($1, $2, 1)
    on conflict (app_id, user_id) do update set last_no = pin_head.last_no + 1
    returning last_no";

const PIN: &str = "
    insert into pin (app_id, user_id, conv_a, conv_b, pin_no) values ($1, $2, $3, $4, $5)
    on conflict (app_id, user_id, conv_a, conv_b) do nothing";

const COUNT: &str = "select count(*) from pin where app_id = $1 and user_id = $2";

const UNPIN: &str = "delete from pin where app_id = $1 and user_id = $2 and conv_a = $3 and conv_b = $4";

pub const ALL: &[&str] = &[NEXT, PIN, COUNT, UNPIN];

pub fn of_user_text(engine: Engine) -> String {
    OF_USER.text(engine)
}

/// A user's pinned conversations, most recently pinned first.
pub async fn of_user(db: &Db, app: AppId, user: UserId) -> Result<Vec<ConversationId>, Error> {
    let rows: Vec<(i64, i64)> = OF_USER.read(db, &[app.0, user.0]).await?;
    Ok(rows.into_iter().map(|(a, b)| ConversationId::from_key(a, b)).collect())
}

/// Pins a conversation above the others; false when it was already pinned. Locks the user's pins until the transaction
/// ends.
pub async fn pin(tx: &mut Tx, place: UserConversation) -> Result<bool, Error> {
    let (a, b) = place.conversation.key();
    let (number,): (i64,) =
        on_tx!(&mut *tx, |c| sqlx::query_as(NEXT).bind(place.app.0).bind(place.user.0).fetch_one(c).await)?;
    let pinned = on_tx!(tx, |c| sqlx::query(PIN)
        .bind(place.app.0)
        .bind(place.user.0)
        .bind(a)
        .bind(b)
        .bind(number)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(pinned > 0)
}

/// How many conversations a user has pinned.
pub async fn count(tx: &mut Tx, app: AppId, user: UserId) -> Result<i64, Error> {
    let (count,): (i64,) = on_tx!(tx, |c| sqlx::query_as(COUNT).bind(app.0).bind(user.0).fetch_one(c).await)?;
    Ok(count)
}

/// Unpins; false when it was not pinned.
pub async fn unpin(tx: &mut Tx, place: UserConversation) -> Result<bool, Error> {
    let (a, b) = place.conversation.key();
    let unpinned = on_tx!(tx, |c| sqlx::query(UNPIN)
        .bind(place.app.0)
        .bind(place.user.0)
        .bind(a)
        .bind(b)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(unpinned > 0)
}
