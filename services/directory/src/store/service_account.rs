//! Service accounts: of their keys only hashes are stored.

use tidings_domain::{AppId, Error, KeyScope, UnixMillis};
use tidings_store::{Db, Tx, on_db, on_tx};

use crate::model::ServiceAccount;

const NEWEST_ID: &str = "
    select service_account_id from service_account where app_id = $1 order by service_account_id desc limit 1";

const INSERT: &str = "
    insert into service_account (app_id, service_account_id, name, scopes, hash, created_at)
    values ($1, $2, $3, $4, $5, $6)";

const FIND: &str = "
    select hash, service_account_id, name, scopes, created_at, revoked_at
    from service_account where app_id = $1 and service_account_id = $2";

const LIST: &str = "
    select hash, service_account_id, name, scopes, created_at, revoked_at
    from service_account where app_id = $1 order by service_account_id";

/// Keeps the time of the first revocation.
const REVOKE: &str = "
    update service_account set revoked_at = coalesce(revoked_at, $3)
    where app_id = $1 and service_account_id = $2
    returning hash, service_account_id, name, scopes, created_at, revoked_at";

pub(crate) const ALL: &[&str] = &[NEWEST_ID, INSERT, FIND, LIST, REVOKE];

type AccountRow = (String, i64, String, String, i64, Option<i64>);

/// The account, and the hash of its key.
fn account((hash, id, name, scopes, created_at, revoked_at): AccountRow) -> Result<(ServiceAccount, String), Error> {
    let scopes = KeyScope::of_names(scopes.split(',')).map_err(Error::internal)?;
    let (created_at, revoked_at) = (UnixMillis(created_at), revoked_at.map(UnixMillis));
    Ok((ServiceAccount { id, name, scopes, created_at, revoked_at }, hash))
}

/// A fresh id. The app's row is locked.
pub(crate) async fn next_id(tx: &mut Tx, app: AppId) -> Result<i64, Error> {
    let newest: Option<i64> = on_tx!(tx, |c| sqlx::query_scalar(NEWEST_ID).bind(app.0).fetch_optional(c).await)?;
    Ok(newest.unwrap_or(0) + 1)
}

pub(crate) async fn insert(tx: &mut Tx, app: AppId, account: &ServiceAccount, hash: &str) -> Result<(), Error> {
    let scopes: Vec<&str> = account.scopes.iter().map(|scope| scope.name()).collect();
    let scopes = scopes.join(",");
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(account.id)
        .bind(&account.name)
        .bind(&scopes)
        .bind(hash)
        .bind(account.created_at.0)
        .execute(c)
        .await
        .map(drop))
}

pub(crate) async fn find(db: &Db, app: AppId, id: i64) -> Result<Option<(ServiceAccount, String)>, Error> {
    let row: Option<AccountRow> = on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(id).fetch_optional(c).await)?;
    row.map(account).transpose()
}

pub(crate) async fn list(db: &Db, app: AppId) -> Result<Vec<ServiceAccount>, Error> {
    let rows: Vec<AccountRow> = on_db!(db, |c| sqlx::query_as(LIST).bind(app.0).fetch_all(c).await)?;
    rows.into_iter().map(|row| account(row).map(|(account, _)| account)).collect()
}

pub(crate) async fn revoke(tx: &mut Tx, app: AppId, id: i64, now: UnixMillis) -> Result<Option<ServiceAccount>, Error> {
    let row: Option<AccountRow> =
        on_tx!(tx, |c| sqlx::query_as(REVOKE).bind(app.0).bind(id).bind(now.0).fetch_optional(c).await)?;
    row.map(|row| account(row).map(|(account, _)| account)).transpose()
}
