//! Removes files and their objects.

use tidings_domain::{AppId, Error, Reason, StoredFile, UnixMillis};

use super::{
    Core,
    find::{self, find},
};
use crate::{
    objects::Object,
    store::{file, unclaimed},
};

/// Removes a file's bytes permanently.
pub async fn delete(core: &Core, app: AppId, query: &find::FileQuery) -> Result<StoredFile, Error> {
    let found = find(core, app, query).await?;
    if !retire(core, app, &found.uuid).await? {
        return Err(Error::new(Reason::FileExpired, found.uuid));
    }
    Ok(found)
}

/// Marks a file as removed, then removes its bytes; false when another process did. Bytes that could not be removed are
/// recorded.
async fn retire(core: &Core, app: AppId, uuid: &str) -> Result<bool, Error> {
    let mut tx = core.deps.db.begin().await?;
    if !file::retire(&mut tx, app, uuid, core.deps.clock.now()).await? {
        return Ok(false);
    }
    unclaimed::insert(&mut tx, app, uuid, UnixMillis(0)).await?;
    tx.commit().await?;
    discard(core, app, uuid).await?;
    Ok(true)
}

/// Removes objects that belong to no file.
pub async fn discard(core: &Core, app: AppId, uuid: &str) -> Result<(), Error> {
    for object in [Object::File(app, uuid), Object::Thumbnail(app, uuid)] {
        core.deps.objects.remove(object).await?;
    }
    let mut tx = core.deps.db.begin().await?;
    unclaimed::delete(&mut tx, app, uuid).await?;
    tx.commit().await
}
