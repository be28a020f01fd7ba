//! The caller of a request, for its log line: known once the token is verified.

use std::sync::{Arc, OnceLock};

use http::request::Parts;

use crate::identity::{Identity, Who};

/// Shared by the layer around the request and the handler within. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerNote(Arc<OnceLock<Arc<Identity>>>);

impl CallerNote {
    /// The note of a request.
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// The token authenticates this identity. The first one is kept.
    pub fn set(&self, identity: &Arc<Identity>) {
        _ = self.0.set(Arc::clone(identity));
    }

    /// `app`, `anonymous` or the user's id; `None`: the token was not checked, or is not valid.
    pub fn text(&self) -> Option<String> {
        Some(match self.0.get()?.who {
            Who::App => "app".to_owned(),
            Who::Anonymous => "anonymous".to_owned(),
            Who::User { id, .. } => format!("user {id}"),
        })
    }
}
