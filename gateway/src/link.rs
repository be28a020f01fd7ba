//! Signed links: the link itself authorizes, without a token.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tidings_domain::UnixMillis;

use crate::Gateway;

/// What a link allows: its kind first, then everything that it depends on.
///
/// Each field is followed by a line feed and contains none, so the signed text can be split in only one way: fields
/// cannot be shifted into each other, and links of different kinds never collide.
pub(crate) struct Signed<'a>(pub &'a [&'a str]);

impl Signed<'_> {
    fn mac(&self, key: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a MAC takes keys of any length");
        for text in self.0 {
            mac.update(text.as_bytes());
            mac.update(b"\n");
        }
        mac
    }

    fn has_one_reading(&self) -> bool {
        !self.0.iter().any(|text| text.contains('\n'))
    }

    /// The signature for a path or a query.
    pub fn url_safe(&self, gateway: &Gateway) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(gateway.link_key()).finalize().into_bytes())
    }

    /// The same in the style of the vendors' stores: percent-encoded.
    pub fn percent_encoded(&self, gateway: &Gateway) -> String {
        let signature = STANDARD.encode(self.mac(gateway.link_key()).finalize().into_bytes());
        signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
    }

    /// Whether `given` is the signature, in either form; in constant time.
    pub fn is(&self, gateway: &Gateway, given: &str) -> bool {
        gateway.link_keys().iter().any(|key| self.is_by(key, given))
    }

    fn is_by(&self, key: &[u8], given: &str) -> bool {
        let plain = given.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let decoded = URL_SAFE_NO_PAD.decode(given).or_else(|_| STANDARD.decode(plain));
        self.has_one_reading() && decoded.is_ok_and(|given| self.mac(key).verify_slice(&given).is_ok())
    }
}

/// Whether a link has not expired. An invalid number has.
pub(crate) fn holds(expires: &str, now: UnixMillis) -> bool {
    expires.parse::<i64>().is_ok_and(|expires| now.0.div_euclid(1000) < expires)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"key";

    fn signature(fields: &[&str]) -> String {
        URL_SAFE_NO_PAD.encode(Signed(fields).mac(KEY).finalize().into_bytes())
    }

    proptest! {
        /// However the signed text is split and joined again, only its own fields match.
        #[test]
        fn fields_do_not_run_into_each_other(
            fields in prop::collection::vec("[a-z0-9 /%.]{0,6}", 1..6),
            cuts in prop::collection::vec(0_usize..40, 0..6),
            with_feeds in any::<bool>(),
        ) {
            let own: Vec<&str> = fields.iter().map(String::as_str).collect();
            let given = signature(&own);
            prop_assert!(Signed(&own).is_by(KEY, &given));
            let joined = own.join(if with_feeds { "\n" } else { "" });
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(joined.len())).collect();
            cuts.sort_unstable();
            let (mut other, mut from) = (Vec::new(), 0);
            for cut in cuts {
                other.push(&joined[from..cut]);
                from = cut;
            }
            other.push(&joined[from..]);
            prop_assert_eq!(Signed(&other).is_by(KEY, &given), other == own);
        }
    }

    #[test]
    fn what_is_no_second_is_over() {
        let now = UnixMillis(1_700_000_000_000);
        assert!(holds("1700000001", now));
        for over in ["1700000000", "0", "", "soon", "99999999999999999999", "1700000001x"] {
            assert!(!holds(over, now), "{over}");
        }
    }
}
