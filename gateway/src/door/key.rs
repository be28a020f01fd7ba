//! The key of a service account, as text.

use sha2::{Digest as _, Sha256};
use tidings_domain::{ACCOUNT_KEY, Error, Reason};
use tidings_runtime::AccountId;

/// What a key says of itself. Only the directory knows whether it is true.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub app: i64,
    pub account: i64,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
}

impl Key {
    /// The account that it says it is of.
    pub const fn named(&self) -> AccountId {
        AccountId { app: self.app, account: self.account }
    }

    pub fn read(text: &str) -> Result<Self, Error> {
        let read = || {
            let mut parts = text.strip_prefix(ACCOUNT_KEY)?.splitn(3, '-');
            let number = |part: Option<&str>| part?.parse().ok().filter(|number| *number > 0);
            let (app, account) = (number(parts.next())?, number(parts.next())?);
            parts.next().filter(|secret| !secret.is_empty())?;
            Some(Self { app, account, hash: Sha256::digest(text).into() })
        };
        read().ok_or_else(|| Error::new(Reason::TokenMalformed, "this is not the key of a service account"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_numbers_of_app_and_account_and_a_secret() {
        let key = Key::read("tsa-7-12-a-b_c").expect("a key");
        assert_eq!((key.app, key.account), (7, 12));
        assert_ne!(key.hash, Key::read("tsa-7-12-a-b_d").expect("a key").hash);
        for wrong in ["", "tsa-", "tsa-7", "tsa-7-12", "tsa-7-12-", "tsa-x-12-a", "tsa-0-1-a", "tsa--1-1-a", "7-12-a"] {
            assert_eq!(Key::read(wrong).map_err(|error| error.reason()), Err(Reason::TokenMalformed), "{wrong}");
        }
    }
}
