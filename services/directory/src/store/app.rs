//! Apps.

use tidings_domain::{App, AppId, Error, Policy, PolicyChange, UnixMillis};
use tidings_runtime::Sealed;
use tidings_store::{Db, Tx, on_db, on_tx};

use super::{app_row::AppRow, policy};
use crate::model::{AppKey, SecretKind};

macro_rules! columns {
    () => {
        "app_id, org, name, uuid, lanying_app_id, sdk_appid, client_id, agora_app_id,
    client_secret, previous_client_secret, previous_client_secret_until,
    app_certificate, previous_app_certificate, previous_app_certificate_until,
    token_key, previous_token_key, previous_token_key_until,
    enabled, policy, created_at, screening,
    coalesce((select v.version from users_version v where v.app_id = app.app_id), 0) as users_version"
    };
}

const FIND_BY_ID: &str = concat!("select ", columns!(), " from app where app_id = $1 and deleted_at is null");
const FIND_BY_NAME: &str =
    concat!("select ", columns!(), " from app where org = $1 and name = $2 and deleted_at is null");
const FIND_BY_LANYING: &str =
    concat!("select ", columns!(), " from app where lanying_app_id = $1 and deleted_at is null");
const FIND_BY_SDK: &str = concat!("select ", columns!(), " from app where sdk_appid = $1 and deleted_at is null");
const FIND_BY_AGORA_ID: &str =
    concat!("select ", columns!(), " from app where agora_app_id = $1 and deleted_at is null");
const LIST: &str =
    concat!("select ", columns!(), " from app where app_id > $1 and deleted_at is null order by app_id limit $2");

/// Deleted ones too.
const EVERY: &str = "
    select app_id, org, name, deleted_at from app where app_id > $1 order by app_id limit cast($2 as bigint)";

/// Locks the row until the transaction ends, on either engine.
const LOCK: &str =
    concat!("update app set enabled = enabled where app_id = $1 and deleted_at is null returning ", columns!());

/// Locks the numbering until the transaction ends, so that apps are created one after another.
const TAKE_APP_ID: &str = "update app_number set next_app_id = next_app_id + 1 returning next_app_id - 1";

const INSERT: &str = "
    insert into app (
        app_id, org, name, uuid, lanying_app_id, sdk_appid, client_id, agora_app_id,
        client_secret, app_certificate, token_key,
        enabled, policy, next_user_number, next_admin_token_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true, $12, $13, 1, $14)";

const SET_ENABLED: &str = "update app set enabled = $2 where app_id = $1";
const SET_POLICY: &str = "update app set policy = $2 where app_id = $1";
/// Never decreases, so a number identifies one state.
const SCREENING_CHANGED: &str = "update app set screening = screening + 1 where app_id = $1";
const DELETED: &str = "
    select app_id, deleted_at from app where app_id > $1 and deleted_at is not null
    order by app_id limit cast($2 as bigint)";
/// Sealed secrets, newest first.
const SEALED: &str = "
    select app_id, client_secret from app where app_id > 0 and deleted_at is null
    order by app_id desc limit cast($1 as bigint)";
const DELETE: &str = "update app set deleted_at = $2 where app_id = $1";

const ROTATE_CLIENT_SECRET: &str = "
    update app set client_secret = $2, previous_client_secret = $3, previous_client_secret_until = $4
    where app_id = $1";
const ROTATE_APP_CERTIFICATE: &str = "
    update app set app_certificate = $2, previous_app_certificate = $3, previous_app_certificate_until = $4
    where app_id = $1";
const ROTATE_TOKEN_KEY: &str = "
    update app set token_key = $2, previous_token_key = $3, previous_token_key_until = $4
    where app_id = $1";

/// Takes `$2` user numbers; locks the row, so that users are created one transaction after another.
const TAKE_USER_NUMBERS: &str = "
    update app set next_user_number = next_user_number + $2
    where app_id = $1 and deleted_at is null returning next_user_number - $2";

pub(crate) const ALL: &[&str] = &[
    FIND_BY_ID,
    FIND_BY_NAME,
    FIND_BY_LANYING,
    FIND_BY_SDK,
    FIND_BY_AGORA_ID,
    LIST,
    EVERY,
    LOCK,
    TAKE_APP_ID,
    INSERT,
    SET_ENABLED,
    SET_POLICY,
    SCREENING_CHANGED,
    DELETE,
    DELETED,
    SEALED,
    ROTATE_CLIENT_SECRET,
    ROTATE_APP_CERTIFICATE,
    ROTATE_TOKEN_KEY,
    TAKE_USER_NUMBERS,
];

/// The first number from which user ids are generated.
const FIRST_USER_NUMBER: i64 = 1_000_000;

/// A new app's row.
pub(crate) struct InsertApp<'a> {
    pub(crate) app: &'a App,
    pub(crate) client_id: &'a str,
    pub(crate) agora_app_id: &'a str,
    /// Sealed, like the next two.
    pub(crate) client_secret: String,
    pub(crate) app_certificate: String,
    pub(crate) token_key: String,
}

/// A rotation: both texts are sealed.
pub(crate) struct Rotation {
    pub(crate) current: String,
    pub(crate) previous: String,
    pub(crate) previous_until: UnixMillis,
}

macro_rules! find {
    ($run:ident, $on:expr, $key:expr) => {
        match $key {
            AppKey::Id(id) => $run!($on, |c| sqlx::query_as(FIND_BY_ID).bind(id.0).fetch_optional(c).await),
            AppKey::Name(org, name) => {
                $run!($on, |c| sqlx::query_as(FIND_BY_NAME).bind(org).bind(name).fetch_optional(c).await)
            }
            AppKey::Lanying(app_id) => {
                $run!($on, |c| sqlx::query_as(FIND_BY_LANYING).bind(app_id).fetch_optional(c).await)
            }
            AppKey::Sdk(sdk_appid) => {
                $run!($on, |c| sqlx::query_as(FIND_BY_SDK).bind(*sdk_appid).fetch_optional(c).await)
            }
            AppKey::AgoraId(app_id) => {
                $run!($on, |c| sqlx::query_as(FIND_BY_AGORA_ID).bind(app_id).fetch_optional(c).await)
            }
        }
    };
}

/// The existing app with that name.
pub(crate) async fn find(db: &Db, key: &AppKey) -> Result<Option<AppRow>, Error> {
    find!(on_db, db, key)
}

/// The same inside a transaction.
pub(crate) async fn find_in(tx: &mut Tx, key: &AppKey) -> Result<Option<AppRow>, Error> {
    find!(on_tx, &mut *tx, key)
}

/// The existing app, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, app: AppId) -> Result<Option<AppRow>, Error> {
    on_tx!(tx, |c| sqlx::query_as(LOCK).bind(app.0).fetch_optional(c).await)
}

/// Existing apps with ids above `after`.
pub(crate) async fn list(db: &Db, after: i64, limit: i64) -> Result<Vec<AppRow>, Error> {
    on_db!(db, |c| sqlx::query_as(LIST).bind(after).bind(limit).fetch_all(c).await)
}

/// Apps with ids above `after`, with their names, and whether they are deleted.
pub(crate) async fn every(db: &Db, after: AppId, limit: i64) -> Result<Vec<(AppId, String, bool)>, Error> {
    let rows: Vec<(i64, String, String, Option<i64>)> =
        on_db!(db, |c| sqlx::query_as(EVERY).bind(after.0).bind(limit).fetch_all(c).await)?;
    let apps =
        rows.into_iter().map(|(app, org, name, deleted)| (AppId(app), format!("{org}/{name}"), deleted.is_some()));
    Ok(apps.collect())
}

/// The next app id; no other app is created until the transaction ends.
pub(crate) async fn take_app_id(tx: &mut Tx) -> Result<AppId, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(TAKE_APP_ID).fetch_one(c).await).map(AppId)
}

pub(crate) async fn insert(tx: &mut Tx, row: InsertApp<'_>) -> Result<(), Error> {
    let InsertApp { app, client_id, agora_app_id, client_secret, app_certificate, token_key } = row;
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.id.0)
        .bind(&app.org)
        .bind(&app.name)
        .bind(&app.uuid)
        .bind(&app.lanying_app_id)
        .bind(app.sdk_appid)
        .bind(client_id)
        .bind(agora_app_id)
        .bind(client_secret)
        .bind(app_certificate)
        .bind(token_key)
        .bind(policy::EMPTY)
        .bind(FIRST_USER_NUMBER)
        .bind(app.created_at.0)
        .execute(c)
        .await
        .map(drop))
}

pub(crate) async fn set_enabled(tx: &mut Tx, app: AppId, enabled: bool) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(SET_ENABLED).bind(app.0).bind(enabled).execute(c).await.map(drop))
}

/// Applies `change` to the locked row `before`, and returns the policy after it.
pub(crate) async fn set_policy(
    tx: &mut Tx,
    app: AppId,
    before: &AppRow,
    change: &PolicyChange,
) -> Result<Policy, Error> {
    let text = policy::merged(&before.policy, change)?;
    on_tx!(tx, |c| sqlx::query(SET_POLICY).bind(app.0).bind(&text).execute(c).await.map(drop))?;
    policy::effective(&text)
}

/// Its word lists or hooks have changed.
pub(crate) async fn screening_changed(tx: &mut Tx, app: AppId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(SCREENING_CHANGED).bind(app.0).execute(c).await.map(drop))
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, now: UnixMillis) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE).bind(app.0).bind(now.0).execute(c).await.map(drop))
}

pub(crate) async fn rotate(tx: &mut Tx, app: AppId, kind: SecretKind, rotation: Rotation) -> Result<(), Error> {
    let statement = match kind {
        SecretKind::Client => ROTATE_CLIENT_SECRET,
        SecretKind::AppCertificate => ROTATE_APP_CERTIFICATE,
        SecretKind::TokenKey => ROTATE_TOKEN_KEY,
    };
    let Rotation { current, previous, previous_until } = rotation;
    on_tx!(tx, |c| sqlx::query(statement)
        .bind(app.0)
        .bind(current)
        .bind(previous)
        .bind(previous_until.0)
        .execute(c)
        .await
        .map(drop))
}

/// The first of `count` fresh user numbers; `None` when the app was deleted. No other user of the app is created until
/// the transaction ends.
pub(crate) async fn take_user_numbers(tx: &mut Tx, app: AppId, count: usize) -> Result<Option<i64>, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(TAKE_USER_NUMBERS).bind(app.0).bind(count as i64).fetch_optional(c).await)
}

/// Up to `most` secrets as stored, the newest apps' first.
pub(crate) async fn sealed(db: &Db, most: i64) -> Result<Vec<Sealed>, Error> {
    let rows: Vec<(i64, String)> = on_db!(db, |c| sqlx::query_as(SEALED).bind(most).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(app, secret)| (AppId(app), "client_secret", secret)).collect())
}

/// Deleted apps above `after`, and when they were deleted.
pub(crate) async fn deleted(db: &Db, after: i64, limit: i64) -> Result<Vec<(AppId, UnixMillis)>, Error> {
    let rows: Vec<(i64, i64)> = on_db!(db, |c| sqlx::query_as(DELETED).bind(after).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(app, at)| (AppId(app), UnixMillis(at))).collect())
}
