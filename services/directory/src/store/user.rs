//! Users, one at a time.

use tidings_domain::{AppId, Error, UnixMillis, UserId, UserMutes, Username};
use tidings_store::{Db, Tx, on_db, on_tx, row};

use crate::{
    model::{KnownUser, User, people::PushSettings},
    secret::Secret,
};

const FIND_BY_NAME: &str = "
    select
        user_id, username, uuid, registered, enabled, nickname, created_at, modified_at,
        password_hash, token_epoch, tokens_void_until
    from app_user where app_id = $1 and folded = $2 and deleted_at is null";

const FIND_BY_UUID: &str = "
    select
        user_id, username, uuid, registered, enabled, nickname, created_at, modified_at,
        password_hash, token_epoch, tokens_void_until
    from app_user where app_id = $1 and uuid = $2 and deleted_at is null";

const LIST: &str = "
    select
        user_id, username, uuid, registered, enabled, nickname, created_at, modified_at,
        password_hash, token_epoch, tokens_void_until
    from app_user where app_id = $1 and user_id > $2 and registered and deleted_at is null
    order by user_id limit $3";

/// A name that was only mentioned so far keeps its id; for a registered one no row is returned.
const REGISTER: &str = "
    insert into app_user (
        app_id, user_id, username, folded, uuid, registered, enabled,
        password_hash, nickname, token_epoch, created_at, modified_at)
    values ($1, $2, $3, $4, $5, true, true, $6, $7, 0, $8, $8)
    on conflict (app_id, folded) where deleted_at is null do update set
        username = excluded.username, registered = true, password_hash = excluded.password_hash,
        nickname = excluded.nickname, created_at = excluded.created_at, modified_at = excluded.modified_at
    where not app_user.registered
    returning
        user_id, username, uuid, registered, enabled, nickname, created_at, modified_at,
        password_hash, token_epoch, tokens_void_until";

/// A new user with a deleted user's name must not accept tokens that were built for the former one. A separate
/// statement, after the name is taken: only then is the deletion certainly visible.
const VOID_PREDECESSORS: &str = "
    update app_user set tokens_void_until = (
        select max(d.deleted_at) / 1000 from app_user d
        where d.app_id = $1 and d.folded = $3 and d.deleted_at is not null)
    where app_id = $1 and user_id = $2 and exists (
        select 1 from app_user d where d.app_id = $1 and d.folded = $3 and d.deleted_at is not null)";

/// Null fields are unchanged.
const UPDATE: &str = "
    update app_user set
        nickname = coalesce($3, nickname), password_hash = coalesce($4, password_hash),
        enabled = coalesce($5, enabled), modified_at = $6
    where app_id = $1 and user_id = $2
    returning
        user_id, username, uuid, registered, enabled, nickname, created_at, modified_at,
        password_hash, token_epoch, tokens_void_until";

/// Revokes every token of the user: ours by the epoch, those that the app's server built by their second.
const END_TOKENS: &str = "
    update app_user set
        token_epoch = token_epoch + 1,
        tokens_void_until = case when $3 > tokens_void_until then $3 else tokens_void_until end
    where app_id = $1 and user_id = $2";

/// The row stays, so that the id is never reused; the epoch revokes the user's tokens. The user must be locked.
const DELETE: &str = "
    update app_user set deleted_at = $3, modified_at = $3, token_epoch = token_epoch + 1, password_hash = ''
    where app_id = $1 and user_id = $2
    returning
        user_id, username, uuid, registered, enabled, nickname, created_at, modified_at,
        password_hash, token_epoch, tokens_void_until";

pub(crate) const ALL: &[&str] =
    &[FIND_BY_NAME, FIND_BY_UUID, LIST, REGISTER, VOID_PREDECESSORS, UPDATE, END_TOKENS, DELETE];

/// A user to register.
pub(crate) struct Registration<'a> {
    /// Used when the name has no id yet.
    pub(crate) fresh_id: UserId,
    pub(crate) name: &'a Username,
    /// Empty: cannot log in.
    pub(crate) password_hash: &'a str,
    pub(crate) nickname: &'a str,
    pub(crate) uuid: String,
}

/// Changes of a user; `None` fields are unchanged.
pub(crate) struct Update<'a> {
    pub(crate) nickname: Option<&'a str>,
    pub(crate) password_hash: Option<String>,
    pub(crate) enabled: Option<bool>,
}

row! {
    pub(super) struct UserRow {
        user_id: i64,
        username: Option<String>,
        uuid: String,
        registered: bool,
        enabled: bool,
        nickname: String,
        created_at: i64,
        modified_at: i64,
        password_hash: String,
        token_epoch: i64,
        tokens_void_until: i64,
    }
}

pub(super) fn known_user(row: UserRow) -> KnownUser {
    let user = User {
        id: UserId(row.user_id),
        username: row.username,
        uuid: row.uuid,
        registered: row.registered,
        enabled: row.enabled,
        nickname: row.nickname,
        created_at: UnixMillis(row.created_at),
        modified_at: UnixMillis(row.modified_at),
        push: PushSettings::default(),
        mutes: UserMutes::NONE,
    };
    KnownUser {
        user,
        password_hash: Secret::new(row.password_hash),
        token_epoch: row.token_epoch,
        tokens_void_until: row.tokens_void_until,
    }
}

pub(crate) async fn find_by_uuid(db: &Db, app: AppId, uuid: &str) -> Result<Option<KnownUser>, Error> {
    let row: Option<UserRow> =
        on_db!(db, |c| sqlx::query_as(FIND_BY_UUID).bind(app.0).bind(uuid).fetch_optional(c).await)?;
    Ok(row.map(known_user))
}

pub(crate) async fn find_by_name(db: &Db, app: AppId, name: &Username) -> Result<Option<KnownUser>, Error> {
    let row: Option<UserRow> =
        on_db!(db, |c| sqlx::query_as(FIND_BY_NAME).bind(app.0).bind(name.folded()).fetch_optional(c).await)?;
    Ok(row.map(known_user))
}

/// Registered users with ids above `after`, in order of their ids.
pub(crate) async fn list(db: &Db, app: AppId, after: i64, limit: i64) -> Result<Vec<User>, Error> {
    let rows: Vec<UserRow> =
        on_db!(db, |c| sqlx::query_as(LIST).bind(app.0).bind(after).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| known_user(row).user).collect())
}

/// The registered user; `None` when the name is taken.
pub(crate) async fn register(
    tx: &mut Tx,
    app: AppId,
    registration: &Registration<'_>,
    now: UnixMillis,
) -> Result<Option<KnownUser>, Error> {
    let row: Option<UserRow> = on_tx!(tx, |c| sqlx::query_as(REGISTER)
        .bind(app.0)
        .bind(registration.fresh_id.0)
        .bind(registration.name.written())
        .bind(registration.name.folded())
        .bind(&registration.uuid)
        .bind(registration.password_hash)
        .bind(registration.nickname)
        .bind(now.0)
        .fetch_optional(c)
        .await)?;
    let Some(known) = row.map(known_user) else {
        return Ok(None);
    };
    on_tx!(tx, |c| sqlx::query(VOID_PREDECESSORS)
        .bind(app.0)
        .bind(known.user.id.0)
        .bind(registration.name.folded())
        .execute(c)
        .await
        .map(drop))?;
    Ok(Some(known))
}

/// Revokes every token of a locked user. Tokens that were built in the present second are revoked too: of two that were
/// built in one second the order is unknown.
pub(crate) async fn end_tokens(tx: &mut Tx, app: AppId, id: UserId, now: UnixMillis) -> Result<(), Error> {
    let second = now.0.div_euclid(1000);
    on_tx!(tx, |c| sqlx::query(END_TOKENS).bind(app.0).bind(id.0).bind(second).execute(c).await.map(drop))
}

/// The user after the change, in a transaction that locked them.
pub(crate) async fn update(
    tx: &mut Tx,
    app: AppId,
    id: UserId,
    update: Update<'_>,
    now: UnixMillis,
) -> Result<User, Error> {
    let row: UserRow = on_tx!(tx, |c| sqlx::query_as(UPDATE)
        .bind(app.0)
        .bind(id.0)
        .bind(update.nickname)
        .bind(update.password_hash)
        .bind(update.enabled)
        .bind(now.0)
        .fetch_one(c)
        .await)?;
    Ok(known_user(row).user)
}

/// The user as deleted; `None` when there is none.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, id: UserId, now: UnixMillis) -> Result<Option<User>, Error> {
    let row: Option<UserRow> =
        on_tx!(tx, |c| sqlx::query_as(DELETE).bind(app.0).bind(id.0).bind(now.0).fetch_optional(c).await)?;
    Ok(row.map(|row| known_user(row).user))
}
