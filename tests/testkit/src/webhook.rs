//! Checks the signature of a call according to the Standard Webhooks specification.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tidings_domain::{Clock as _, SystemClock, UnixMillis};

use crate::Received;

/// The maximum difference, in seconds, of a timestamp.
const TOLERANCE: u64 = 5 * 60;

/// Returns what is wrong with the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of a call at the
/// current time. `secret` is `whsec_` and the key in base64.
pub fn check_webhook(received: &Received, secret: &str) -> Result<(), String> {
    check_webhook_at(received, secret, SystemClock.now())
}

/// The same at another time, for tests with a clock of their own.
pub fn check_webhook_at(received: &Received, secret: &str, now: UnixMillis) -> Result<(), String> {
    let id = header(received, "webhook-id")?;
    let timestamp = header(received, "webhook-timestamp")?;
    let signatures = header(received, "webhook-signature")?;
    if id.is_empty() || id.contains('.') {
        return Err(format!("webhook-id is empty or has a full stop: {id:?}"));
    }
    let seconds = timestamp.parse::<i64>().ok().filter(|seconds| seconds.to_string() == timestamp);
    let seconds = seconds.ok_or_else(|| format!("webhook-timestamp is no number of seconds: {timestamp}"))?;
    let off = seconds.abs_diff(now.0.div_euclid(1000));
    if off > TOLERANCE {
        return Err(format!("webhook-timestamp is {off} s off"));
    }
    let expected = signature(received, secret, id, timestamp)?;
    if signatures.split(' ').any(|signature| signature == expected) {
        return Ok(());
    }
    Err(format!("webhook-signature has no {expected}: {signatures}"))
}

fn signature(received: &Received, secret: &str, id: &str, timestamp: &str) -> Result<String, String> {
    let key = secret.strip_prefix("whsec_").ok_or("the secret does not begin with whsec_")?;
    let key = STANDARD.decode(key).map_err(|error| format!("the secret is no base64: {error}"))?;
    if !(24..=64).contains(&key.len()) {
        return Err(format!("the secret has {} bytes rather than 24 to 64", key.len()));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&received.body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn header<'a>(received: &'a Received, name: &str) -> Result<&'a str, String> {
    let mut values = received.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| format!("{name} is no visible ASCII")),
        (None, _) => Err(format!("{name} is missing")),
        (Some(_), Some(_)) => Err(format!("{name} is there twice")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use hyper::{HeaderMap, Method};

    use super::*;

    /// The specification's own example, recomputed with Python's hmac.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const NOW: UnixMillis = UnixMillis(1_614_265_330_000);

    fn example() -> Received {
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", SIGNATURE),
        ];
        let mut received = Received {
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: r#"{"test": 2432232314}"#.into(),
            at: Instant::now(),
        };
        for (name, value) in headers {
            received.headers.insert(name, value.parse().unwrap());
        }
        received
    }

    fn with(name: &'static str, value: &str) -> Received {
        let mut received = example();
        received.headers.insert(name, value.parse().unwrap());
        received
    }

    #[test]
    fn the_specifications_example_passes() {
        assert_eq!(check_webhook_at(&example(), SECRET, NOW), Ok(()));
        let several = with("webhook-signature", &format!("v1,AAAA v1a,BBBB {SIGNATURE}"));
        assert_eq!(check_webhook_at(&several, SECRET, NOW), Ok(()));
    }

    #[test]
    fn a_body_that_is_not_ascii_is_signed_as_bytes() {
        let mut received = with("webhook-id", "evt_1");
        received.headers.insert("webhook-timestamp", "1790000000".parse().unwrap());
        let signature = "v1,VP4wHgLH3/Ioxv50g7a0RIC6Klkhw+/Z/8n+4wN85Gc=";
        received.headers.insert("webhook-signature", signature.parse().unwrap());
        received.body = r#"{"text":"grüße"}"#.into();
        let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        assert_eq!(check_webhook_at(&received, secret, UnixMillis(1_790_000_000_000)), Ok(()));
    }

    #[test]
    fn whatever_else_is_signed_is_refused() {
        let mut other_body = example();
        other_body.body = r#"{"test": 2432232315}"#.into();
        let mut twice = example();
        twice.headers.append("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().unwrap());
        let table = [
            other_body,
            twice,
            with("webhook-id", "msg_q5jXN8AQM9LWM0D4loKWxJek"),
            with("webhook-timestamp", "1614265331"),
            with("webhook-timestamp", "1614265330.0"),
            with("webhook-timestamp", "+1614265330"),
            with("webhook-signature", &SIGNATURE[3..]),
            with("webhook-signature", &SIGNATURE.to_ascii_lowercase()),
            with("webhook-signature", &SIGNATURE.replace("v1,", "v1=")),
            with("webhook-signature", ""),
        ];
        for received in table {
            assert!(check_webhook_at(&received, SECRET, NOW).is_err(), "{:?}", received.headers);
        }
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut received = example();
            received.headers.remove(name);
            assert_eq!(check_webhook_at(&received, SECRET, NOW), Err(format!("{name} is missing")));
        }
        for secret in [&SECRET[6..], "whsec_AAAA", "whsec_%", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="] {
            assert!(check_webhook_at(&example(), secret, NOW).is_err(), "{secret}");
        }
    }

    #[test]
    fn a_timestamp_may_be_five_minutes_off() {
        for (off, is_good) in [(-300_000, true), (300_999, true), (-301_000, false), (301_000, false)] {
            let checked = check_webhook_at(&example(), SECRET, UnixMillis(NOW.0 + off));
            assert_eq!(checked.is_ok(), is_good, "{off}: {checked:?}");
        }
    }
}
