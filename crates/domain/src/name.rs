//! Usernames.

use crate::Error;

/// Longest username in bytes (agora.md 1.2).
const MAX_BYTES: usize = 64;

/// A username as written, with the folded form under which it is unique (decision 3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username {
    written: String,
    folded: String,
}

/// Which dialect's naming rule applies to a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// 1 to 64 bytes of `a-z A-Z 0-9 _ - .` (agora.md 1.2).
    General,
    /// Letters, digits and underscore, not digits alone, not starting with `maxim` or `mta` (lanying.md 3).
    Lanying,
}

impl Username {
    /// The name of the app itself.
    pub const ADMIN: &'static str = "admin";

    /// Checks `written` against the general rule.
    pub fn parse(written: &str) -> Result<Self, Error> {
        let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
        if written.is_empty() || written.len() > MAX_BYTES || !written.bytes().all(legal) {
            return Err(Error::username_illegal(written));
        }
        Ok(Self { written: written.to_owned(), folded: written.to_ascii_lowercase() })
    }

    /// Checks a name for registration.
    pub fn register(written: &str, rule: NameRule) -> Result<Self, Error> {
        let name = Self::parse(written)?;
        let reserved = name.folded == Self::ADMIN;
        let legal = match rule {
            NameRule::General => true,
            NameRule::Lanying => {
                name.folded.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
                    && !name.folded.bytes().all(|c| c.is_ascii_digit())
                    && !name.folded.starts_with("maxim")
                    && !name.folded.starts_with("mta")
            }
        };
        if reserved || !legal {
            return Err(Error::username_illegal(written));
        }
        Ok(name)
    }

    /// As it was registered.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The form used for comparison.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_agora_1_2() {
        assert_eq!(Username::parse("Ann.B-c_9").unwrap().folded(), "ann.b-c_9");
        for bad in ["", "a b", "ü", &"x".repeat(65)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_follow_lanying_3() {
        assert!(Username::register("ann_9", NameRule::Lanying).is_ok());
        for bad in ["123", "maximus", "MTA1", "a-b", "admin"] {
            assert!(Username::register(bad, NameRule::Lanying).is_err(), "{bad}");
        }
    }
}
