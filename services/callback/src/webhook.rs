//! The headers of Standard Webhooks: an id, a time, and a signature over both and the body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tidings_domain::{Entropy, Error, UnixMillis};

use crate::model::Endpoint;

const PREFIX: &str = "whsec_";

/// A new key, in the format for receivers.
pub fn new_secret(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 24];
    entropy.fill(&mut bytes);
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// Fails unless the key is valid for signing.
pub fn check(secret: &str) -> Result<(), Error> {
    key(secret).map(drop)
}

/// With an empty key everybody could sign.
fn key(secret: &str) -> Result<Vec<u8>, Error> {
    let bytes = STANDARD.decode(secret.trim_start_matches(PREFIX)).map_err(Error::internal)?;
    if bytes.is_empty() { Err(Error::internal("a key without bytes")) } else { Ok(bytes) }
}

/// `webhook-signature`: with the key, and until its overlap ends also with the former one.
pub fn signatures(endpoint: &Endpoint, event_id: &str, now: UnixMillis, body: &[u8]) -> Result<String, Error> {
    let seconds = now.0 / 1000;
    let present = signature(&endpoint.secret, event_id, seconds, body)?;
    Ok(match &endpoint.previous {
        Some((secret, until)) if now < *until => format!("{present} {}", signature(secret, event_id, seconds, body)?),
        _ => present,
    })
}

fn signature(secret: &str, event_id: &str, seconds: i64, body: &[u8]) -> Result<String, Error> {
    let key = key(secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a MAC takes keys of any length");
    mac.update(format!("{event_id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event's id is `m`, a lane, `-` and a number: it contains no full stop, so the id ends at the first one, and
    /// the seconds at the second.
    #[test]
    fn what_is_signed_is_cut_in_one_way_alone() {
        let (signed, ids) = ("m1-23.1614265330.4.m5-6", |text: &str| text.starts_with('m') && !text.contains('.'));
        let mut readings = Vec::new();
        for (first, _) in signed.match_indices('.') {
            for (second, _) in signed.match_indices('.').filter(|(second, _)| *second > first) {
                let (id, seconds, body) = (&signed[..first], &signed[first + 1..second], &signed[second + 1..]);
                if ids(id) && seconds.parse::<i64>().is_ok() {
                    readings.push((id, seconds, body));
                }
            }
        }
        assert_eq!(readings, [("m1-23", "1614265330", "4.m5-6")]);
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = |id: &str, seconds, body: &[u8]| signature(key, id, seconds, body).unwrap();
        let whole = signature("m1-23", 1_614_265_330, b"4.m5-6");
        for (id, seconds, body) in [("m1-2", 3, "1614265330.4.m5-6"), ("m1-23", 161_426_533, "0.4.m5-6")] {
            assert_ne!(signature(id, seconds, body.as_bytes()), whole);
        }
    }

    #[test]
    fn what_is_no_key_signs_nothing() {
        for secret in ["", "whsec_", "whsec_%%%", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"] {
            assert!(check(secret).is_err() && signature(secret, "m1-1", 1, b"").is_err(), "{secret}");
        }
    }

    /// The example of the specification.
    #[test]
    fn the_published_example_signs_as_published() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
