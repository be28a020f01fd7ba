//! Easemob's dynamic user tokens (agora.md 10.1): built by an app's server from its client credentials.
//!
//! base64url of `dt-` and a JSON object that names the user and is signed over all its values.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::Number;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use tidings_domain::{Error, Reason, UnixMillis};

use crate::{model::KnownApp, token::refused};

/// How every such token begins: `dt-` in base64.
pub(crate) const PREFIX: &str = "ZHQt";
const KIND: &str = "dt-";
/// Longer texts are no tokens.
const MAX_BYTES: usize = 4096;
/// How far ahead the builder's clock may be, in seconds.
const AHEAD: i64 = 600;
/// Seconds above this are milliseconds: the year 5138.
const MAX_SECONDS: i64 = 100_000_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    signature: String,
    appkey: String,
    user_id: String,
    cur_time: Written,
    ttl: Written,
}

/// A number, or the same as text; signed as it was written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(Number),
    Text(String),
}

impl Written {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The name of the user for whom the token stands and the second at which it ends, or why it opens nothing.
pub(crate) fn verify(known: &KnownApp, text: &str, now: UnixMillis) -> Result<(String, i64), Error> {
    let claims = parse(text).ok_or_else(|| refused(Reason::TokenMalformed))?;
    let (cur_time, ttl) = (claims.cur_time.text(), claims.ttl.text());
    let (Ok(issued), Ok(life)) = (cur_time.parse::<i64>(), ttl.parse::<i64>()) else {
        return Err(refused(Reason::TokenMalformed));
    };
    let app_key = format!("{}#{}", known.app.org, known.app.name);
    if claims.appkey != app_key {
        return Err(refused(Reason::TokenForeign));
    }
    let right = known.client_secret.good(now).fold(Choice::from(0), |right, secret| {
        let parts = [&known.client_id, &app_key, &claims.user_id, &cur_time, &ttl, secret.expose()];
        right | signature(&parts).as_bytes().ct_eq(claims.signature.to_ascii_lowercase().as_bytes())
    });
    if !bool::from(right) {
        return Err(refused(Reason::TokenForged));
    }
    let issued = if issued > MAX_SECONDS { issued / 1000 } else { issued };
    let now = now.0.div_euclid(1000);
    if issued > now + AHEAD || life < 0 {
        return Err(refused(Reason::TokenForged));
    }
    let ends = issued.saturating_add(life);
    if now >= ends { Err(refused(Reason::TokenExpired)) } else { Ok((claims.user_id, ends)) }
}

fn parse(text: &str) -> Option<Claims> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let decoded = URL_SAFE.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    serde_json::from_str(decoded.strip_prefix(KIND)?).ok()
}

fn signature(parts: &[&str]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(parts.concat()) {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    hex
}

#[cfg(test)]
mod tests {
    use tidings_domain::{App, AppId, Policy};

    use super::*;
    use crate::secret::{Rotating, Secret};

    const NOW: UnixMillis = UnixMillis(1_686_207_557_000);

    fn known() -> KnownApp {
        let rotating = |text: &str| Rotating { current: Secret::new(text.to_owned()), previous: None };
        let app = App {
            id: AppId(1),
            org: "acme".into(),
            name: "lobby".into(),
            uuid: String::new(),
            lanying_app_id: String::new(),
            sdk_appid: 0,
            enabled: true,
            created_at: UnixMillis(0),
            policy: Policy::default(),
        };
        KnownApp {
            app,
            client_id: "CID".into(),
            agora_app_id: String::new(),
            client_secret: rotating("CS"),
            app_certificate: rotating(""),
            token_key: rotating(""),
        }
    }

    fn token(app_key: &str, secret: &str, cur_time: &str, ttl: &str) -> String {
        let signature = signature(&["CID", app_key, "nora", cur_time.trim_matches('"'), ttl, secret]);
        let json = format!(
            r#"{{"signature":"{signature}","appkey":"{app_key}","userId":"nora","curTime":{cur_time},"ttl":{ttl}}}"#
        );
        URL_SAFE.encode(format!("{KIND}{json}"))
    }

    fn reason(text: &str, now: UnixMillis) -> Reason {
        verify(&known(), text, now).unwrap_err().reason()
    }

    #[test]
    fn a_token_stands_for_its_user_until_it_ends_agora_10_1() {
        for cur_time in ["1686207557", "\"1686207557\"", "1686207557000"] {
            let text = token("acme#lobby", "CS", cur_time, "600");
            assert!(text.starts_with(PREFIX));
            assert_eq!(verify(&known(), &text, NOW).unwrap(), ("nora".to_owned(), 1_686_208_157));
            assert_eq!(verify(&known(), text.trim_end_matches('='), NOW).unwrap().0, "nora");
        }
        let ended = token("acme#lobby", "CS", "1686207557", "600");
        assert_eq!(reason(&ended, UnixMillis(1_686_208_157_000)), Reason::TokenExpired);
    }

    #[test]
    fn what_is_not_right_says_why() {
        assert_eq!(reason(&token("acme#other", "CS", "1686207557", "600"), NOW), Reason::TokenForeign);
        assert_eq!(reason(&token("acme#lobby", "guess", "1686207557", "600"), NOW), Reason::TokenForged);
        assert_eq!(reason(&token("acme#lobby", "CS", "1686208557", "600"), NOW), Reason::TokenForged);
        for malformed in ["ZHQt", "ZHQte30", "!", &"x".repeat(5000)] {
            assert_eq!(reason(malformed, NOW), Reason::TokenMalformed, "{malformed}");
        }
    }
}
