//! Admin tokens: rows for listing and revoking. The tokens themselves are signed, not stored.

use tidings_domain::{AppId, Error, UnixMillis};
use tidings_store::{Db, Tx, on_db, on_tx};

use crate::model::AdminToken;

const TAKE_ID: &str = "
    update app set next_admin_token_id = next_admin_token_id + 1
    where app_id = $1 and deleted_at is null returning next_admin_token_id - 1";

const INSERT: &str = "
    insert into admin_token (app_id, admin_token_id, label, created_at)
    values ($1, $2, $3, $4)";

const FIND: &str = "
    select admin_token_id, label, created_at, revoked_at
    from admin_token where app_id = $1 and admin_token_id = $2";

const LIST: &str = "
    select admin_token_id, label, created_at, revoked_at
    from admin_token where app_id = $1 order by admin_token_id";

/// Keeps the time of the first revocation.
const REVOKE: &str = "
    update admin_token set revoked_at = coalesce(revoked_at, $3)
    where app_id = $1 and admin_token_id = $2
    returning admin_token_id, label, created_at, revoked_at";

pub(crate) const ALL: &[&str] = &[TAKE_ID, INSERT, FIND, LIST, REVOKE];

type AdminTokenRow = (i64, String, i64, Option<i64>);

fn admin_token((id, label, created_at, revoked_at): AdminTokenRow) -> AdminToken {
    AdminToken { id, label, created_at: UnixMillis(created_at), revoked_at: revoked_at.map(UnixMillis) }
}

/// A fresh id; `None` when the app was deleted.
pub(crate) async fn take_id(tx: &mut Tx, app: AppId) -> Result<Option<i64>, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(TAKE_ID).bind(app.0).fetch_optional(c).await)
}

pub(crate) async fn insert(tx: &mut Tx, app: AppId, token: &AdminToken) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(token.id)
        .bind(&token.label)
        .bind(token.created_at.0)
        .execute(c)
        .await
        .map(drop))
}

pub(crate) async fn find(db: &Db, app: AppId, id: i64) -> Result<Option<AdminToken>, Error> {
    let row: Option<AdminTokenRow> = on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(id).fetch_optional(c).await)?;
    Ok(row.map(admin_token))
}

pub(crate) async fn list(db: &Db, app: AppId) -> Result<Vec<AdminToken>, Error> {
    let rows: Vec<AdminTokenRow> = on_db!(db, |c| sqlx::query_as(LIST).bind(app.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(admin_token).collect())
}

pub(crate) async fn revoke(tx: &mut Tx, app: AppId, id: i64, now: UnixMillis) -> Result<Option<AdminToken>, Error> {
    let row: Option<AdminTokenRow> =
        on_tx!(tx, |c| sqlx::query_as(REVOKE).bind(app.0).bind(id).bind(now.0).fetch_optional(c).await)?;
    Ok(row.map(admin_token))
}
