//! One file, for an operator.

use tidings_domain::{AppId, Error, StoredFile};
use tidings_store::Db;

use crate::store::file;

/// The file with that uuid, and whether its bytes were removed; `None` if there never was one.
pub async fn describe(db: &Db, app: AppId, uuid: &str) -> Result<Option<(StoredFile, bool)>, Error> {
    Ok(file::find(db, app, uuid).await?.map(|kept| (kept.file, kept.gone)))
}
