//! Password hashes: argon2id, computed off the async threads, two at a time.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{Error as HashError, phc::PasswordHash},
};
use tidings_domain::{Entropy, Error, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::secret::{Secret, random};

/// Longest password in bytes.
pub(crate) const MAX_BYTES: usize = 1024;
/// KiB of memory for one hash.
const MEMORY: u32 = 12 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// Hashes computed at once: bounds the memory and leaves the processors to others.
const AT_ONCE: usize = 2;
/// Hashes that are computed or wait; more are refused.
const QUEUE: usize = 256;

/// Computes password hashes.
pub(crate) struct Passwords {
    entropy: Arc<dyn Entropy>,
    queue: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        let queue = Arc::new(Semaphore::new(QUEUE));
        Self { entropy, queue, at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The hash to store, as a PHC string.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Error> {
        let salt: [u8; 16] = random(&*self.entropy);
        let hashed: Result<PasswordHash, HashError> =
            self.run(move |argon2| argon2.hash_password_with_salt(password.expose().as_bytes(), &salt)).await?;
        hashed.map(|hash| hash.to_string()).map_err(Error::internal)
    }

    /// Whether `password` is the one that `hash` was made of.
    pub(crate) async fn matches(&self, password: Secret, hash: String) -> Result<bool, Error> {
        let verified = self.run(move |argon2| {
            let hash = PasswordHash::new(&hash)?;
            argon2.verify_password(password.expose().as_bytes(), &hash)
        });
        match verified.await? {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// The permits go with the work, since it goes on when the caller goes away.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(Argon2<'_>) -> T + Send + 'static) -> Result<T, Error> {
        let full = |error| Error::new(Reason::Overloaded, "").because(error);
        let place: OwnedSemaphorePermit = Arc::clone(&self.queue).try_acquire_owned().map_err(full)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work(hasher())
        });
        done.await.map_err(Error::internal)
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, LANES, None).expect("the parameters are within argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use tidings_domain::OsEntropy;

    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_matches_only_its_password() {
        let passwords = Passwords::new(Arc::new(OsEntropy));
        let secret = |text: &str| Secret::new(text.to_owned());
        let hash = passwords.hash(secret("pw")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{hash}");
        assert!(passwords.matches(secret("pw"), hash.clone()).await.unwrap());
        assert!(!passwords.matches(secret("Pw"), hash).await.unwrap());
    }
}
