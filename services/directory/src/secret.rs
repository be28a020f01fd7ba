//! Secrets: text that is never logged, and its generation.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;
use tidings_domain::{Entropy, UnixMillis, hex};

/// Text that must not be shown. It has no `Display`, and `Debug` hides it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text. Only for keys, comparisons and answers that are meant to show it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is `other`, in constant time.
    pub(crate) fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A secret and the former one, which stays valid until its overlap ends (decision 4).
#[derive(Debug)]
pub(crate) struct Rotating {
    pub(crate) current: Secret,
    pub(crate) previous: Option<(Secret, UnixMillis)>,
}

impl Rotating {
    /// The secrets that are valid at `now`.
    pub(crate) fn good(&self, now: UnixMillis) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.current).chain(previous.map(|(secret, _)| secret))
    }
}

/// `N` random bytes as URL-safe text.
pub(crate) fn url_safe<const N: usize>(entropy: &dyn Entropy) -> String {
    URL_SAFE_NO_PAD.encode(random::<N>(entropy))
}

/// 32 random lower-case hex digits, as Agora writes App ID and certificate.
pub(crate) fn hex_32(entropy: &dyn Entropy) -> String {
    hex(&random::<16>(entropy))
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(..)");
    }

    #[test]
    fn the_previous_secret_is_good_until_the_overlap_ends_decision_4() {
        let start = UnixMillis(1_000);
        let until = start + Duration::from_millis(10);
        let secret = |text: &str| Secret::new(text.to_owned());
        let rotating = Rotating { current: secret("new"), previous: Some((secret("old"), until)) };
        assert_eq!(rotating.good(start).count(), 2);
        assert_eq!(rotating.good(until).count(), 1);
    }
}
