//! Files against their bytes, and objects against their files.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tidings_domain::{AppId, Error, Finding, Reason, hex};
use tidings_store::Db;

use super::PAGE;
use crate::{
    Objects,
    objects::{Object, StoredObject},
    store::verify::{self, WithBytes},
};

/// What was checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checked {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Checks that each file of an app has its bytes: that they are there in their size and, if `whole`, that they are those
/// that were uploaded. Without a store every file lacks them.
pub async fn verify(
    db: &Db,
    objects: Option<&Objects>,
    (app, whole): (AppId, bool),
    report: &mut (dyn FnMut(Finding) + Send),
) -> Result<Checked, Error> {
    let (mut checked, mut above) = (Checked::default(), String::new());
    loop {
        let page = verify::with_bytes(db, app, &above, PAGE).await?;
        let Some(last) = page.last() else { return Ok(checked) };
        above.clone_from(&last.uuid);
        for file in page {
            let found = match objects {
                Some(objects) => fault(objects, app, &file, whole).await?,
                None => Some(("file_missing", "the folder of files is missing".to_owned())),
            };
            checked.files += 1;
            checked.bytes += file.size;
            // It may have been removed meanwhile.
            if let Some((kind, what)) = found
                && is_there(db, app, &file.uuid).await?
            {
                report(Finding::of_app(app, kind, format!("file {}", file.uuid), what));
            }
        }
    }
}

async fn is_there(db: &Db, app: AppId, uuid: &str) -> Result<bool, Error> {
    let below = uuid_before(uuid);
    Ok(verify::with_bytes(db, app, &below, 16).await?.iter().any(|file| file.uuid == uuid))
}

/// A text right below a uuid.
fn uuid_before(uuid: &str) -> String {
    uuid[..uuid.len() - 1].to_owned()
}

async fn fault(
    objects: &Objects,
    app: AppId,
    file: &WithBytes,
    whole: bool,
) -> Result<Option<(&'static str, String)>, Error> {
    let missing = |what: &str| Some(("file_missing", format!("{what} is not in the store")));
    let wrong =
        |there: u64, size| Some(("file_size", format!("has {there} bytes in the store, but {size} were uploaded")));
    match objects.size(Object::File(app, &file.uuid)).await? {
        None => return Ok(missing("it")),
        Some(there) if there != file.size => return Ok(wrong(there, file.size)),
        Some(_) => {}
    }
    if let Some(size) = file.thumbnail_size {
        match objects.size(Object::Thumbnail(app, &file.uuid)).await? {
            None => return Ok(missing("its thumbnail")),
            Some(there) if there != size => return Ok(wrong(there, size)),
            Some(_) => {}
        }
    }
    if !whole {
        return Ok(None);
    }
    let read = async {
        let mut chunks = objects.read(Object::File(app, &file.uuid), 0..file.size).await?;
        let mut digest = Sha256::new();
        while let Some(chunk) = chunks.try_next().await? {
            digest.update(&chunk);
        }
        Ok::<_, Error>(hex(&digest.finalize()))
    };
    match read.await {
        Ok(digest) if digest == file.sha256 => Ok(None),
        Ok(_) => Ok(Some(("file_damaged", "has other bytes than were uploaded: its SHA-256 differs".to_owned()))),
        Err(error) if error.reason() == Reason::FileNotFound => Ok(missing("it")),
        Err(error) => Err(error),
    }
}

/// Checks that each object belongs to a file, or is recorded as belonging to none, to be swept up.
pub async fn verify_objects(
    db: &Db,
    objects: &Objects,
    report: &mut (dyn FnMut(Finding) + Send),
) -> Result<u64, Error> {
    let (mut listed, mut count) = (objects.list(), 0);
    while let Some(object) = listed.try_next().await? {
        count += 1;
        match object {
            StoredObject::Ours { app, uuid } => {
                // It may have been removed since it was listed.
                if !verify::is_known(db, app, &uuid).await? && has_bytes(objects, app, &uuid).await? {
                    report(Finding::of_app(
                        app,
                        "object_orphan",
                        format!("file {uuid}"),
                        "has bytes, but is not a file",
                    ));
                }
            }
            StoredObject::Other(path) => {
                report(Finding::of_storage("object_orphan", path, "is not named as a file of tidings"));
            }
        }
    }
    Ok(count)
}

async fn has_bytes(objects: &Objects, app: AppId, uuid: &str) -> Result<bool, Error> {
    let (file, thumbnail) = (Object::File(app, uuid), Object::Thumbnail(app, uuid));
    Ok(objects.size(file).await?.is_some() || objects.size(thumbnail).await?.is_some())
}
