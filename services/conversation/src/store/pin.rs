//! The conversations that a user has pinned.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, UnixMillis, UserId};
use tidings_store::{Db, Gather, GatherMany, Tx, on_db, on_tx, sqlx};

use super::{KEY, UserConversation, columns};

static OF_USER: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b"],
        "select conv_a, conv_b from pin where app_id = $1 and user_id = $2 order by pin_no desc",
    )
});

/// A user has few enough to sort.
static PAGE: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "pin_no"],
        "select conv_a, conv_b, pin_no from pin where app_id = $1 and user_id = $2 and pin_no < $3
         order by pin_no desc limit cast($4 as bigint)",
    )
});

static OF_PLACES: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &KEY,
        &["conv_a", "conv_b", "pinned_at"],
        "select p.conv_a, p.conv_b, p.pinned_at from r cross join pin p
         where p.app_id = r.app_id and p.user_id = r.user_id and p.conv_a = r.conv_a and p.conv_b = r.conv_b",
        "",
    )
});

const PINNED_AT: &str = "select pinned_at from pin where app_id = $1 and user_id = $2 and conv_a = $3 and conv_b = $4";

const NEXT: &str = "
    insert into pin_head (app_id, user_id, last_no) values ($1, $2, 1)
    on conflict (app_id, user_id) do update set last_no = pin_head.last_no + 1
    returning last_no";

const PIN: &str = "
    insert into pin (app_id, user_id, conv_a, conv_b, pin_no, pinned_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, user_id, conv_a, conv_b) do nothing";

const COUNT: &str = "select count(*) from pin where app_id = $1 and user_id = $2";

const UNPIN: &str = "delete from pin where app_id = $1 and user_id = $2 and conv_a = $3 and conv_b = $4";

pub const ALL: &[&str] = &[NEXT, PIN, COUNT, UNPIN, PINNED_AT];

/// The lists of this table.
pub fn lists() -> Vec<&'static Gather> {
    vec![&OF_USER, &PAGE]
}

/// The lookups in this table.
pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&OF_PLACES]
}

/// A user's pinned conversations, most recently pinned first.
pub async fn of_user(db: &Db, app: AppId, user: UserId) -> Result<Vec<ConversationId>, Error> {
    let rows: Vec<(i64, i64)> = OF_USER.read(db, &[app.0, user.0]).await?;
    Ok(rows.into_iter().map(|(a, b)| ConversationId::from_key(a, b)).collect())
}

/// A page of them below a number, with their numbers.
pub async fn page(
    db: &Db,
    app: AppId,
    user: UserId,
    below: i64,
    limit: i64,
) -> Result<Vec<(ConversationId, i64)>, Error> {
    let rows: Vec<(i64, i64, i64)> = PAGE.read(db, &[app.0, user.0, below, limit]).await?;
    Ok(rows.into_iter().map(|(a, b, number)| (ConversationId::from_key(a, b), number)).collect())
}

/// Which of these the user has pinned, and when.
pub async fn of_places(
    db: &Db,
    app: AppId,
    user: UserId,
    places: &[ConversationId],
) -> Result<HashMap<ConversationId, UnixMillis>, Error> {
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, i64, i64)> = OF_PLACES.read(db, &columns(app, user, places)).await?;
    Ok(rows.into_iter().map(|(a, b, at)| (ConversationId::from_key(a, b), UnixMillis(at))).collect())
}

/// When it was pinned; `None`: it is not.
pub async fn pinned_at(db: &Db, place: UserConversation) -> Result<Option<UnixMillis>, Error> {
    let (a, b) = place.conversation.key();
    let found: Option<(i64,)> = on_db!(db, |c| sqlx::query_as(PINNED_AT)
        .bind(place.app.0)
        .bind(place.user.0)
        .bind(a)
        .bind(b)
        .fetch_optional(c)
        .await)?;
    Ok(found.map(|(at,)| UnixMillis(at)))
}

/// The next number of the user's pins and marks, which are locked until the transaction ends.
pub async fn next(tx: &mut Tx, app: AppId, user: UserId) -> Result<i64, Error> {
    let (number,): (i64,) = on_tx!(tx, |c| sqlx::query_as(NEXT).bind(app.0).bind(user.0).fetch_one(c).await)?;
    Ok(number)
}

/// Pins a conversation above the others; false when it was already pinned. Locks the user's pins until the transaction
/// ends.
pub async fn pin(tx: &mut Tx, place: UserConversation, now: UnixMillis) -> Result<bool, Error> {
    let (a, b) = place.conversation.key();
    let number = next(tx, place.app, place.user).await?;
    let pinned = on_tx!(tx, |c| sqlx::query(PIN)
        .bind(place.app.0)
        .bind(place.user.0)
        .bind(a)
        .bind(b)
        .bind(number)
        .bind(now.0)
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
