//! Encrypts secrets at rest.
//!
//! ChaCha20-Poly1305 under the data key, bound to the app and the column, so that a sealed value moved to another row
//! or column does not decrypt.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use tidings_domain::{AppId, Entropy, Error};

const NONCE: usize = 12;

/// A secret as stored: the app, the purpose, and the sealed text.
pub type Sealed = (AppId, &'static str, String);

/// The key from the data folder or the config. Cheap to clone.
#[derive(Clone)]
pub struct DataKey(ChaCha20Poly1305);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

impl DataKey {
    /// From its bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(ChaCha20Poly1305::new(key.into()))
    }

    /// Seals a secret for `column` of `app`'s row.
    pub fn seal(&self, app: AppId, column: &str, secret: &str, entropy: &dyn Entropy) -> String {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let bound = bound_to(app, column);
        let payload = Payload { msg: secret.as_bytes(), aad: bound.as_bytes() };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload).expect("a short text always encrypts");
        STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// Opens the secret stored in `column` of `app`'s row.
    pub fn open(&self, app: AppId, column: &str, stored: &str) -> Result<String, Error> {
        self.try_open(app, column, stored).ok_or_else(|| {
            Error::internal(format!("{column} of app {app} cannot be decrypted: wrong data key or damaged row"))
        })
    }

    /// Whether `sealed` were sealed with this key. Single rows may be damaged; a wrong key opens none.
    pub fn fits(&self, sealed: &[Sealed]) -> bool {
        sealed.is_empty() || sealed.iter().any(|(app, column, stored)| self.try_open(*app, column, stored).is_some())
    }

    fn try_open(&self, app: AppId, column: &str, stored: &str) -> Option<String> {
        let bytes = STANDARD_NO_PAD.decode(stored).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let bound = bound_to(app, column);
        let text = self.0.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: bound.as_bytes() }).ok()?;
        String::from_utf8(text).ok()
    }
}

/// A number ends at the first colon, so there is only one reading, whatever the column is called.
fn bound_to(app: AppId, column: &str) -> String {
    format!("{app}:{column}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidings_domain::OsEntropy;

    use super::*;

    proptest! {
        /// The bound data of one app and column equals that of no other, however digits are shifted between them.
        #[test]
        fn app_and_column_do_not_run_into_each_other(
            one in (0_i64..2000, "[0-9:a-c]{0,4}"),
            other in (0_i64..2000, "[0-9:a-c]{0,4}"),
        ) {
            let (bound, other_bound) = (bound_to(AppId(one.0), &one.1), bound_to(AppId(other.0), &other.1));
            prop_assert_eq!(bound == other_bound, one == other);
        }
    }

    #[test]
    fn a_sealed_secret_opens_only_in_its_own_row_and_column() {
        let key = DataKey::new(&[7; 32]);
        let sealed = key.seal(AppId(1), "token_key", "hunter2", &OsEntropy);
        assert!(!sealed.contains("hunter2"));
        assert_eq!(key.open(AppId(1), "token_key", &sealed).unwrap(), "hunter2");
        assert!(key.open(AppId(2), "token_key", &sealed).is_err());
        assert!(key.open(AppId(1), "client_secret", &sealed).is_err());
        assert!(DataKey::new(&[8; 32]).open(AppId(1), "token_key", &sealed).is_err());
    }
}
