//! Sets how long a file is kept (agora.md 3.4).

use std::time::Duration;

use tidings_domain::{App, Error, Reason, StoredFile, UserId};

use super::{
    Core,
    find::{self, find},
};
use crate::store::file;

/// Keeps the file forever, or as long as the app keeps files, counted from now; unless it has expired. A user, unlike
/// the app itself (`None`), may only do so with their own uploads.
pub async fn set(
    core: &Core,
    app: &App,
    user: Option<UserId>,
    query: &find::FileQuery,
    for_ever: bool,
) -> Result<StoredFile, Error> {
    let found = find(core, app.id, query).await?;
    if user.is_some_and(|user| found.owner != Some(user)) {
        return Err(Error::not_permitted("another user's file"));
    }
    let lifetime = if for_ever { Duration::ZERO } else { app.policy.file_lifetime };
    let expires_at = (!lifetime.is_zero()).then(|| core.deps.clock.now() + lifetime);
    let mut tx = core.deps.db.begin().await?;
    if !file::set_expiry(&mut tx, app.id, &found.uuid, expires_at).await? {
        return Err(Error::new(Reason::FileExpired, found.uuid));
    }
    tx.commit().await?;
    Ok(StoredFile { expires_at, ..found })
}
