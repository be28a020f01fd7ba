//! The version of an app's users, by which the other services know that cached users may be outdated.

use tidings_domain::{AppId, Error};
use tidings_store::{Tx, on_tx};

const RAISE: &str = "
    insert into users_version (app_id, version) values ($1, 1)
    on conflict (app_id) do update set version = users_version.version + 1";

pub(crate) const ALL: &[&str] = &[RAISE];

/// To be called last in the transaction that deletes, disables, enables or mutes a user: the next one of the app waits from here
/// until the commit, so that no version has two states.
pub(crate) async fn raise(tx: &mut Tx, app: AppId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(RAISE).bind(app.0).execute(c).await.map(drop))
}
