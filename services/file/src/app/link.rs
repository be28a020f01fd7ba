//! Temporary URLs at the object store itself.

use std::time::Duration;

use tidings_domain::{AppId, Error, Reason};

use super::{
    Core,
    find::{self, find},
};
use crate::objects::Object;

/// The file, and the headers of the store's response.
#[derive(Debug)]
pub struct LinkQuery {
    pub file: find::FileQuery,
    /// The thumbnail instead.
    pub thumbnail: bool,
    pub life: Duration,
    pub content_type: String,
    pub content_disposition: String,
}

/// A temporary URL; `None` if the store does not support it.
pub async fn link(core: &Core, app: AppId, query: LinkQuery) -> Result<Option<String>, Error> {
    let file = find(core, app, &query.file).await?;
    let shown = file.shown(query.thumbnail).ok_or_else(|| Error::new(Reason::FileNotFound, file.uuid.clone()))?;
    let object = if shown.is_file { Object::File(app, &file.uuid) } else { Object::Thumbnail(app, &file.uuid) };
    core.deps.objects.check_there(object).await?;
    let headers =
        [("response-content-type", query.content_type), ("response-content-disposition", query.content_disposition)];
    core.deps.objects.link(object, query.life, headers).await
}
