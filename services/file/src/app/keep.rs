//! Keeps a file for ever.

use tidings_domain::{AppId, Error, Reason, StoredFile};

use super::{
    Core,
    find::{self, find},
};
use crate::store::file;

/// Takes the end of its life away, unless that has come.
pub async fn keep(core: &Core, app: AppId, wanted: &find::Wanted) -> Result<StoredFile, Error> {
    let found = find(core, app, wanted).await?;
    let mut tx = core.deps.db.begin().await?;
    if !file::keep(&mut tx, app, &found.uuid).await? {
        return Err(Error::new(Reason::FileExpired, found.uuid));
    }
    tx.commit().await?;
    Ok(StoredFile { expires_at: None, ..found })
}
