//! Password hashes: argon2id, computed off the async threads, two at a time, scheduled fairly.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{Error as HashError, phc::PasswordHash},
};
use tidings_domain::{Entropy, Error};

use crate::{
    queue::{Claim, Queue},
    secret::{Secret, random},
};

/// Maximum length of a password in bytes.
pub(crate) const MAX_BYTES: usize = 1024;
/// KiB of memory for one hash.
const MEMORY: u32 = 12 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// Concurrent hashes: bounds the memory and leaves the processors to others.
const AT_ONCE: usize = 2;
/// The salt of the hash that is computed if there is none to compare with.
const NOBODYS_SALT: [u8; 16] = [0; 16];

/// Computes password hashes.
pub(crate) struct Passwords {
    entropy: Arc<dyn Entropy>,
    queue: Queue,
}

impl Passwords {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, queue: Queue::new(AT_ONCE) }
    }

    /// The hash to store, as a PHC string.
    pub(crate) async fn hash(&self, password: Secret, claim: Claim) -> Result<String, Error> {
        let salt: [u8; 16] = random(&*self.entropy);
        let hashed: Result<PasswordHash, HashError> =
            self.run(claim, move |argon2| argon2.hash_password_with_salt(password.expose().as_bytes(), &salt)).await?;
        hashed.map(|hash| hash.to_string()).map_err(Error::internal)
    }

    /// Whether `hash` was made of `password`.
    pub(crate) async fn matches(&self, password: Secret, hash: String, claim: Claim) -> Result<bool, Error> {
        let verified = self.run(claim, move |argon2| {
            let hash = PasswordHash::new(&hash)?;
            argon2.verify_password(password.expose().as_bytes(), &hash)
        });
        match verified.await? {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Takes as long as [`Self::matches`] and returns false: if there is no user, or none with a password, the response
    /// time must not reveal that.
    pub(crate) async fn matches_nobody(&self, password: Secret, claim: Claim) -> Result<bool, Error> {
        let hashed: Result<PasswordHash, HashError> = self
            .run(claim, move |argon2| argon2.hash_password_with_salt(password.expose().as_bytes(), &NOBODYS_SALT))
            .await?;
        hashed.map(|_| false).map_err(Error::internal)
    }

    /// The turn belongs to the work, since that continues when the caller disconnects.
    async fn run<T: Send + 'static>(
        &self,
        claim: Claim,
        work: impl FnOnce(Argon2<'_>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.queue.turn(claim).await?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = turn;
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
    use tidings_domain::{AppId, OsEntropy};

    use super::*;
    use crate::queue::Lane;

    fn claim() -> Claim {
        Claim { lane: Lane::Login, app: AppId(1), from: String::new() }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_and_matches_only_its_password() {
        let passwords = Passwords::new(Arc::new(OsEntropy));
        let secret = |text: &str| Secret::new(text.to_owned());
        let hash = passwords.hash(secret("pw"), claim()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{hash}");
        assert!(passwords.matches(secret("pw"), hash.clone(), claim()).await.unwrap());
        assert!(!passwords.matches(secret("Pw"), hash, claim()).await.unwrap());
        assert!(!passwords.matches_nobody(secret(""), claim()).await.unwrap());
    }
}
