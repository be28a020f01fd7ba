//! Encrypts secrets at rest.

use tidings_domain::{AppId, Entropy, Error};

use crate::secret::Secret;

/// The key from the data folder or the config.
pub(crate) struct DataKey(tidings_runtime::DataKey);

impl DataKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(tidings_runtime::DataKey::new(key))
    }

    /// Seals a secret for `column` of `app`'s row.
    pub(crate) fn seal(&self, app: AppId, column: &str, secret: &Secret, entropy: &dyn Entropy) -> String {
        self.0.seal(app, column, secret.expose(), entropy)
    }

    /// Opens the secret stored in `column` of `app`'s row.
    pub(crate) fn open(&self, app: AppId, column: &str, stored: &str) -> Result<Secret, Error> {
        self.0.open(app, column, stored).map(Secret::new)
    }
}
