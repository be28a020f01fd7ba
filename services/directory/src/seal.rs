//! Encrypts secrets at rest.

use tidings_domain::{AppId, Entropy, Error};

use crate::secret::Secret;

/// The key that comes from the data folder or the config.
pub(crate) struct DataKey(tidings_runtime::DataKey);

impl DataKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(tidings_runtime::DataKey::new(key))
    }

    /// The secret as it is stored in `column` of `app`'s row.
    pub(crate) fn seal(&self, app: AppId, column: &str, secret: &Secret, entropy: &dyn Entropy) -> String {
        self.0.seal(app, column, secret.expose(), entropy)
    }

    /// The secret that was stored in `column` of `app`'s row.
    pub(crate) fn open(&self, app: AppId, column: &str, stored: &str) -> Result<Secret, Error> {
        self.0.open(app, column, stored).map(Secret::new)
    }
}
