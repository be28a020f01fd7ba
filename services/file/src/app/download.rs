//! Returns the bytes of a file.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tidings_domain::{AppId, Error, Reason, StoredFile};

use super::{
    Core,
    find::{self, find},
};
use crate::objects::Object;

/// The requested range.
#[derive(Debug)]
pub struct DownloadQuery {
    pub file: find::FileQuery,
    /// The thumbnail instead.
    pub thumbnail: bool,
    pub offset: u64,
    /// `None`: all the rest.
    pub length: Option<u64>,
}

/// The file's description and the bytes, in chunks.
pub async fn download(
    core: &Core,
    app: AppId,
    query: DownloadQuery,
) -> Result<(StoredFile, BoxStream<'static, Result<Bytes, Error>>), Error> {
    let file = find(core, app, &query.file).await?;
    let shown = file.shown(query.thumbnail).ok_or_else(|| Error::new(Reason::FileNotFound, file.uuid.clone()))?;
    let range = range(&query, shown.size)?;
    let object = if shown.is_file { Object::File(app, &file.uuid) } else { Object::Thumbnail(app, &file.uuid) };
    let bytes = core.deps.objects.read(object, range).await?;
    Ok((file, bytes))
}

fn range(query: &DownloadQuery, size: u64) -> Result<Range<u64>, Error> {
    let end = match query.length {
        None => Some(size),
        Some(length) => query.offset.checked_add(length),
    };
    match end {
        Some(end) if query.offset <= end && end <= size => Ok(query.offset..end),
        _ => Err(Error::invalid("offset", format!("and length lie outside of the {size} bytes"))),
    }
}
