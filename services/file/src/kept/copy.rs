//! Copies the bytes of all files into another store.

use futures_util::TryStreamExt as _;
use tidings_domain::{AppId, Error, Reason, UnixMillis};
use tidings_store::Db;

use super::PAGE;
use crate::{
    Objects,
    objects::Object,
    store::{file, verify},
};

/// What was copied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Copied {
    /// Files in the target, copied now or before.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that had no bytes in the source.
    pub missing: u64,
}

/// Copies what the files of an app have in `from` to `to`, except what is there in its size already: so it may be
/// repeated after a cut. `files` are their descriptions.
///
/// Where `files` is a copy of a database in use, `live`, a file may be removed meanwhile: then it is removed in the copy
/// too, as of `now`.
pub async fn copy(
    (files, live): (&Db, Option<(&Db, UnixMillis)>),
    (from, to): (&Objects, &Objects),
    app: AppId,
) -> Result<Copied, Error> {
    let (mut copied, mut above) = (Copied::default(), String::new());
    loop {
        let page = verify::with_bytes(files, app, &above, PAGE).await?;
        let Some(last) = page.last() else { return Ok(copied) };
        above.clone_from(&last.uuid);
        for file in page {
            let mut there = one(from, to, Object::File(app, &file.uuid), file.size).await?;
            if let Some(size) = file.thumbnail_size {
                there &= one(from, to, Object::Thumbnail(app, &file.uuid), size).await?;
            }
            if there {
                copied.files += 1;
                copied.bytes += file.size;
            } else if !removed(files, live, app, &file.uuid).await? {
                copied.missing += 1;
            }
        }
    }
}

/// Copies one object; false if the source has none.
async fn one(from: &Objects, to: &Objects, object: Object<'_>, size: u64) -> Result<bool, Error> {
    if to.size(object).await? == Some(size) {
        return Ok(true);
    }
    let Some(length) = from.size(object).await? else { return Ok(false) };
    let mut chunks = match from.read(object, 0..length).await {
        Err(error) if error.reason() == Reason::FileNotFound => return Ok(false),
        chunks => chunks?,
    };
    let mut writing = to.write(object).await?;
    let done = async {
        while let Some(chunk) = chunks.try_next().await? {
            writing.append(chunk).await?;
        }
        Ok::<_, Error>(())
    };
    match done.await {
        Ok(()) => writing.finish().await.map(|()| true),
        Err(error) => {
            writing.abort().await?;
            Err(error)
        }
    }
}

/// Whether the file was removed since the copy was made; then it is marked so in the copy.
async fn removed(files: &Db, live: Option<(&Db, UnixMillis)>, app: AppId, uuid: &str) -> Result<bool, Error> {
    let Some((live, now)) = live else { return Ok(false) };
    if file::find(live, app, uuid).await?.is_some_and(|kept| !kept.gone) {
        return Ok(false);
    }
    let mut tx = files.begin().await?;
    file::retire(&mut tx, app, uuid, now).await?;
    tx.commit().await?;
    Ok(true)
}
