//! Lists what is in the store.

use futures_util::{StreamExt as _, stream::BoxStream};
use object_store::ObjectStore as _;
use tidings_domain::{AppId, Error};

use super::{Objects, fault};

/// Something in the store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StoredObject {
    /// The bytes of a file, or its thumbnail.
    Ours { app: AppId, uuid: String },
    /// Another name.
    Other(String),
}

impl StoredObject {
    fn of(path: &str) -> Self {
        let mut parts = path.split('/');
        let found = (|| {
            let app = parts.next()?.parse().ok()?;
            let spread = parts.next()?;
            let name = parts.next()?;
            let uuid = name.strip_suffix(".thumb").unwrap_or(name);
            let is_ours = uuid.len() == 36 && uuid.starts_with(spread) && parts.next().is_none();
            is_ours.then(|| Self::Ours { app: AppId(app), uuid: uuid.to_owned() })
        })();
        found.unwrap_or_else(|| Self::Other(path.to_owned()))
    }
}

impl Objects {
    /// Every object, page by page.
    pub(crate) fn list(&self) -> BoxStream<'static, Result<StoredObject, Error>> {
        self.store
            .list(None)
            .map(|found| found.map(|found| StoredObject::of(found.location.as_ref())).map_err(fault))
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_recognized_by_its_name() {
        let uuid = "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77";
        let ours = || StoredObject::Ours { app: AppId(7), uuid: uuid.to_owned() };
        assert_eq!(StoredObject::of(&format!("7/0f/{uuid}")), ours());
        assert_eq!(StoredObject::of(&format!("7/0f/{uuid}.thumb")), ours());
        for other in
            [format!("7/0e/{uuid}"), format!("x/0f/{uuid}"), format!("7/0f/{uuid}/more"), "notes.txt".to_owned()]
        {
            assert_eq!(StoredObject::of(&other), StoredObject::Other(other.clone()), "{other}");
        }
    }
}
