//! Links that are an authority by themselves: whoever has one needs no token.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Gateway;

/// What a link allows: its kind first, then everything that it depends on.
pub(crate) struct Signed<'a>(pub &'a [&'a str]);

impl Signed<'_> {
    fn mac(&self, gateway: &Gateway) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(gateway.link_key()).expect("a MAC takes keys of any length");
        for text in self.0 {
            mac.update(text.as_bytes());
            mac.update(b"\n");
        }
        mac
    }

    /// The signature for a path or a query.
    pub fn url_safe(&self, gateway: &Gateway) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(gateway).finalize().into_bytes())
    }

    /// The same in the manner of the vendors' stores: percent-encoded.
    pub fn percent_encoded(&self, gateway: &Gateway) -> String {
        let signature = STANDARD.encode(self.mac(gateway).finalize().into_bytes());
        signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
    }

    /// Whether `given` is the signature, in either form; in constant time.
    pub fn is(&self, gateway: &Gateway, given: &str) -> bool {
        let plain = given.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let decoded = URL_SAFE_NO_PAD.decode(given).or_else(|_| STANDARD.decode(plain));
        decoded.is_ok_and(|given| self.mac(gateway).verify_slice(&given).is_ok())
    }
}
