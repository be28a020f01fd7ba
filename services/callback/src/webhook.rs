//! The headers of Standard Webhooks: an id, a time, and a signature over both and the body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tidings_domain::{Entropy, UnixMillis};

use crate::model::Endpoint;

const PREFIX: &str = "whsec_";

/// A new key, as receivers are told it.
pub fn new_secret(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 24];
    entropy.fill(&mut bytes);
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// `webhook-signature`: by the key, and until its time is over by the one before.
pub fn signatures(endpoint: &Endpoint, event_id: &str, now: UnixMillis, body: &[u8]) -> String {
    let seconds = now.0 / 1000;
    let present = signature(&endpoint.secret, event_id, seconds, body);
    match &endpoint.previous {
        Some((secret, until)) if now < *until => format!("{present} {}", signature(secret, event_id, seconds, body)),
        _ => present,
    }
}

fn signature(secret: &str, event_id: &str, seconds: i64, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches(PREFIX)).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a MAC takes keys of any length");
    mac.update(format!("{event_id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_published_example_signs_as_published() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
