//! How services authenticate to each other: one key, and during a change a second one that is accepted as well.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

/// The service keys of an installation. Cheap to clone.
#[derive(Clone)]
pub struct ServiceKeys {
    shown: Arc<str>,
    previous: Option<Arc<str>>,
}

impl ServiceKeys {
    /// `shown` is sent with every call; `previous` is accepted as well.
    pub fn new(shown: &str, previous: Option<&str>) -> Self {
        Self { shown: shown.into(), previous: previous.map(Into::into) }
    }

    /// What is sent to other services, and what new links are signed with.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Every accepted key, the one that is sent first.
    pub fn accepted(&self) -> impl Iterator<Item = &str> {
        [Some(&self.shown), self.previous.as_ref()].into_iter().flatten().map(AsRef::as_ref)
    }

    /// Whether that is one of them; in constant time. An empty key never matches.
    pub(crate) fn accept(&self, given: &[u8]) -> bool {
        self.accepted().fold(false, |found, key| found | (!key.is_empty() && bool::from(given.ct_eq(key.as_bytes()))))
    }
}

impl std::fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceKeys").field("previous", &self.previous.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_the_previous_one_are_accepted_and_nothing_else() {
        let keys = ServiceKeys::new("new-key", Some("old-key"));
        assert!(keys.accept(b"new-key") && keys.accept(b"old-key"));
        for wrong in ["", "new-ke", "new-keyx", "other"] {
            assert!(!keys.accept(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(keys.shown(), "new-key");
        assert!(!ServiceKeys::new("new-key", None).accept(b"old-key"));
        assert!(!ServiceKeys::new("", Some("")).accept(b""));
        assert_eq!(format!("{keys:?}"), "ServiceKeys { previous: true, .. }");
    }
}
