//! Finds a file for a caller that is allowed to read it.

use subtle::ConstantTimeEq as _;
use tidings_domain::{AppId, Error, Reason, StoredFile};
use uuid::Uuid;

use super::Core;
use crate::store::file;

/// The file, and the caller's authorization.
#[derive(Debug)]
pub struct FileQuery {
    pub uuid: String,
    pub secret: String,
    /// The caller has checked who may read.
    pub trusted: bool,
}

/// The descriptions of files, including deleted ones. Unknown ones are left out.
pub async fn describe(core: &Core, app: AppId, uuids: &[String]) -> Result<Vec<StoredFile>, Error> {
    let found = file::find_many(&core.deps.db, app, uuids).await?;
    Ok(found.into_iter().filter(|kept| !kept.internal).map(|kept| kept.file).collect())
}

/// The file: it exists, has not expired, and the secret of a restricted one is right.
pub async fn find(core: &Core, app: AppId, query: &FileQuery) -> Result<StoredFile, Error> {
    let unknown = || Error::new(Reason::FileNotFound, query.uuid.clone());
    let uuid = Uuid::try_parse(&query.uuid).map_err(|_| unknown())?.to_string();
    let kept = file::find(&core.deps.db, app, &uuid).await?.ok_or_else(unknown)?;
    if kept.internal && !query.trusted {
        return Err(unknown());
    }
    let file = kept.file;
    if kept.gone || file.expires_at.is_some_and(|at| at <= core.deps.clock.now()) {
        return Err(Error::new(Reason::FileExpired, file.uuid));
    }
    let is_right = || bool::from(file.secret.as_bytes().ct_eq(query.secret.as_bytes()));
    if file.restricted && !query.trusted && !is_right() {
        return Err(Error::new(Reason::ShareSecretWrong, if query.secret.is_empty() { "missing" } else { "wrong" }));
    }
    Ok(file)
}
