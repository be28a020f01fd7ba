//! A reaction as its event stores it.

use serde::{Deserialize, Serialize};
use tidings_domain::Error;

/// The body of `message.reacted` and `message.unreacted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reacted {
    /// The reaction's id.
    pub id: i64,
    pub text: String,
    /// How many users have added it after the change.
    pub users: i64,
    /// Whether the app itself made the call, for the user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_app: bool,
}

impl Reacted {
    /// As JSON.
    pub fn write(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// The inverse of [`Self::write`].
    pub fn read(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(Error::internal)
    }
}
