//! Easemob's dynamic user tokens (agora.md 10.1): built by an app's server from its client credentials.
//!
//! The base64 of `dt-` and a JSON object that names the user and is signed over all its values.

mod reading;

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::Number;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use tidings_domain::{Error, Reason, UnixMillis, hex};

use crate::{model::KnownApp, token::refused};

/// The prefix of every such token: `dt-` in base64.
pub(crate) const PREFIX: &str = "ZHQt";
const KIND: &str = "dt-";
/// Longer texts are not tokens.
const MAX_BYTES: usize = 4096;
/// The allowed clock skew of the builder, in seconds.
const AHEAD: i64 = 60;

/// The vendor's documentation says base64url, its Java SDK writes plain base64; the differing characters are mapped
/// first.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    signature: String,
    appkey: String,
    user_id: String,
    cur_time: Written,
    ttl: Written,
}

/// A whole number, or the same as text; signed as written.
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

/// A valid token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The name of the token's user, as written.
    pub(crate) user: String,
    /// The second in which it was issued.
    pub(crate) issued: i64,
    /// The second at which it expires.
    pub(crate) ends: i64,
}

/// Verifies a token, or returns why it is refused.
///
/// The vendor signs its fields without separators, so the signature alone does not say where one ends and the next
/// begins. A token is accepted only if there is no second way to read the signed text: see [`reading`].
pub(crate) fn verify(known: &KnownApp, text: &str, now: UnixMillis) -> Result<Verified, Error> {
    let claims = parse(text).ok_or_else(|| refused(Reason::TokenMalformed))?;
    let (cur_time, ttl) = (claims.cur_time.text(), claims.ttl.text());
    let (Some(issued), Some(life)) = (reading::second(&cur_time), reading::life(&ttl)) else {
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
    let most = known.app.policy.dynamic_token_lifetime.as_secs() as i64;
    if life > most {
        let text = format!("its ttl is above {most} seconds (policy value dynamic_token_lifetime_ms)");
        return Err(Error::new(Reason::TokenMalformed, text));
    }
    let second = now.0.div_euclid(1000);
    if issued > second + AHEAD {
        return Err(Error::new(Reason::TokenForged, "it is issued in the future"));
    }
    let ends = issued + life;
    if second >= ends {
        return Err(refused(Reason::TokenExpired));
    }
    // No tokens of the app were built before it was created.
    let born = known.app.created_at.0.div_euclid(1000) - AHEAD;
    let signed = [claims.user_id.as_str(), &cur_time, &ttl].concat();
    if reading::count(&signed, born..=second + AHEAD, most) != 1 {
        return Err(Error::new(
            Reason::TokenForged,
            "its signed text is ambiguous: it could be of another user or time",
        ));
    }
    Ok(Verified { user: claims.user_id, issued, ends })
}

fn parse(text: &str) -> Option<Claims> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let decoded = BASE64.decode(text.replace('+', "-").replace('/', "_")).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    serde_json::from_str(decoded.strip_prefix(KIND)?).ok()
}

fn signature(parts: &[&str]) -> String {
    hex(&Sha256::digest(parts.concat()))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE as PAGES, URL_SAFE_NO_PAD};
    use proptest::prelude::*;
    use tidings_domain::App;

    use super::*;
    use crate::secret::{Rotating, Secret};

    /// The time in the vendor's example.
    const SECOND: i64 = 1_686_207_557;
    const NOW: UnixMillis = UnixMillis(SECOND * 1000);
    /// SHA-256 of `CIDacme#lobbynora1686207557600CS`, by `sha256sum`.
    const SIGNATURE: &str = "9ba095f39207eb7286c6d6bcbc192b6d5aae6c638c67e4732ee10b1b2d2a7362";

    fn known() -> KnownApp {
        let rotating = |text: &str| Rotating { current: Secret::new(text.to_owned()), previous: None };
        KnownApp {
            app: App { created_at: UnixMillis(1_680_000_000_000), ..App::example() },
            client_id: "CID".into(),
            agora_app_id: String::new(),
            client_secret: rotating("CS"),
            app_certificate: rotating(""),
            token_key: rotating(""),
        }
    }

    /// The content of the base64; `cur_time` and `ttl` as written in the JSON.
    fn plain(app_key: &str, user: &str, secret: &str, cur_time: &str, ttl: &str) -> String {
        let signature = signature(&["CID", app_key, user, cur_time.trim_matches('"'), ttl.trim_matches('"'), secret]);
        format!(
            r#"dt-{{"signature":"{signature}","appkey":"{app_key}","userId":"{user}","curTime":{cur_time},"ttl":{ttl}}}"#
        )
    }

    fn token(app_key: &str, secret: &str, cur_time: &str, ttl: &str) -> String {
        PAGES.encode(plain(app_key, "nora", secret, cur_time, ttl))
    }

    fn at(text: &str, now: UnixMillis) -> Result<(String, i64), Reason> {
        verify(&known(), text, now).map(|it| (it.user, it.ends)).map_err(|error| error.reason())
    }

    #[test]
    fn a_token_stands_for_its_user_until_it_ends_agora_10_1() {
        let json = format!(
            r#"{{"signature":"{SIGNATURE}","appkey":"acme#lobby","userId":"nora","curTime":1686207557,"ttl":600}}"#
        );
        let text = PAGES.encode(format!("dt-{json}"));
        assert!(text.starts_with(PREFIX));
        assert_eq!(at(&text, NOW), Ok(("nora".to_owned(), SECOND + 600)));
        assert_eq!(at(&text, UnixMillis(NOW.0 + 599_999)), Ok(("nora".to_owned(), SECOND + 600)));
        assert_eq!(at(&text, UnixMillis(NOW.0 + 600_000)), Err(Reason::TokenExpired));
    }

    #[test]
    fn what_the_vendors_builders_differ_in_is_taken() {
        for (cur_time, ttl) in [("1686207557", "600"), ("\"1686207557\"", "600"), ("1686207557", "\"600\"")] {
            // The alphabets only differ for a name with `>` or `?`, which no user has.
            for user in ["nora", "no>ra??"] {
                let plain = plain("acme#lobby", user, "CS", cur_time, ttl);
                for text in [PAGES.encode(&plain), STANDARD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain)] {
                    assert_eq!(at(&text, NOW), Ok((user.to_owned(), SECOND + 600)), "{plain}");
                }
            }
        }
        let upper = plain("acme#lobby", "nora", "CS", "1686207557", "600");
        let upper = upper.replace(SIGNATURE, &SIGNATURE.to_uppercase());
        assert!(upper.contains(&SIGNATURE.to_uppercase()));
        assert!(at(&PAGES.encode(upper), NOW).is_ok());
    }

    #[test]
    fn what_is_not_right_says_why() {
        let reason = |text: &str| at(text, NOW).unwrap_err();
        assert_eq!(reason(&token("acme#other", "CS", "1686207557", "600")), Reason::TokenForeign);
        assert_eq!(reason(&token("acme#Lobby", "CS", "1686207557", "600")), Reason::TokenForeign);
        assert_eq!(reason(&token("acme#lobby", "guess", "1686207557", "600")), Reason::TokenForged);
        let changed = plain("acme#lobby", "nora", "CS", "1686207557", "600").replace("nora", "omar");
        assert_eq!(reason(&PAGES.encode(changed)), Reason::TokenForged);
        let ahead = |seconds: i64| token("acme#lobby", "CS", &(SECOND + seconds).to_string(), "600");
        assert!(at(&ahead(AHEAD), NOW).is_ok());
        assert_eq!(reason(&ahead(AHEAD + 1)), Reason::TokenForged);
        for malformed in ["ZHQt", "ZHQte30", "!", "ZHQt\u{fc}", &"ZHQt".repeat(2000)] {
            assert_eq!(reason(malformed), Reason::TokenMalformed, "{malformed}");
        }
    }

    #[test]
    fn every_number_has_one_spelling() {
        for ttl in [
            "600.5",
            "null",
            "\"soon\"",
            "0",
            "-1",
            "\"0600\"",
            "\"+600\"",
            "\" 600\"",
            "6e2",
            "\"\"",
            "99999999999999999999",
        ] {
            assert_eq!(at(&token("acme#lobby", "CS", "1686207557", ttl), NOW), Err(Reason::TokenMalformed), "{ttl}");
        }
        for cur_time in
            ["\"01686207557\"", "\"+1686207557\"", "168620755", "1686207557000", "-1686207557", "1686207557.0"]
        {
            assert_eq!(at(&token("acme#lobby", "CS", cur_time, "600"), NOW), Err(Reason::TokenMalformed), "{cur_time}");
        }
        let twice = plain("acme#lobby", "nora", "CS", "1686207557", "600").replace(r#","ttl""#, r#","ttl":60,"ttl""#);
        let trailing = plain("acme#lobby", "nora", "CS", "1686207557", "600") + "{}";
        for odd in [twice, trailing] {
            assert_eq!(at(&PAGES.encode(&odd), NOW), Err(Reason::TokenMalformed), "{odd}");
        }
    }

    #[test]
    fn a_token_lives_as_long_as_the_policy_allows() {
        let of = |ttl: i64| token("acme#lobby", "CS", "1686207557", &ttl.to_string());
        assert_eq!(at(&of(86_400), NOW), Ok(("nora".to_owned(), SECOND + 86_400)));
        assert_eq!(at(&of(86_401), NOW), Err(Reason::TokenMalformed));
        assert_eq!(at(&of(i64::MAX), NOW), Err(Reason::TokenMalformed));
        let mut patient = known();
        patient.app.policy.dynamic_token_lifetime = std::time::Duration::from_hours(30 * 24);
        assert_eq!(verify(&patient, &of(1_024_000), NOW).unwrap().ends, SECOND + 1_024_000);
    }

    #[test]
    fn a_token_is_not_cut_into_another() {
        // One token of user10, and every other way to write what it signs.
        let signed = "user101686207557600";
        let signature = signature(&["CID", "acme#lobby", signed, "CS"]);
        for (user, cur_time, ttl) in [
            ("user1", "01686207557", "600"),
            ("user1", "0168620755", "7600"),
            ("user101", "6862075576", "00"),
            ("user101", "686207557", "600"),
            ("user1016862", "075576", "00"),
            ("user10", "168620755", "7600"),
            ("user10", "16862075576", "00"),
            ("user10", "1686207557600", ""),
            ("user", "101686207557", "600"),
            ("user", "1016862075", "57600"),
            ("", "user101686207557", "600"),
        ] {
            let json = serde_json::json!({
                "signature": signature, "appkey": "acme#lobby", "userId": user, "curTime": cur_time, "ttl": ttl,
            });
            for now in [NOW, UnixMillis(6_862_075_576_000)] {
                assert!(at(&PAGES.encode(format!("dt-{json}")), now).is_err(), "{json}");
            }
        }
        let genuine = plain("acme#lobby", "user10", "CS", "1686207557", "600");
        assert_eq!(at(&PAGES.encode(genuine), NOW), Ok(("user10".to_owned(), SECOND + 600)));
    }

    #[test]
    fn a_token_with_two_readings_is_refused_whichever_is_claimed() {
        let at_second = UnixMillis(1_717_171_717_000);
        for (user, ttl) in [("user1717", "60"), ("user17", "1760")] {
            let text = PAGES.encode(plain("acme#lobby", user, "CS", "1717171717", ttl));
            assert_eq!(at(&text, at_second), Err(Reason::TokenForged), "{user}");
        }
    }

    #[test]
    fn the_client_secret_before_is_good_until_the_overlap_ends_decision_4() {
        let mut rotated = known();
        rotated.client_secret = Rotating {
            current: Secret::new("new".to_owned()),
            previous: Some((Secret::new("CS".to_owned()), UnixMillis(NOW.0 + 10))),
        };
        let text = token("acme#lobby", "CS", "1686207557", "600");
        assert!(verify(&rotated, &text, UnixMillis(NOW.0 + 9)).is_ok());
        let refused = verify(&rotated, &text, UnixMillis(NOW.0 + 10)).unwrap_err();
        assert_eq!(refused.reason(), Reason::TokenForged);
    }

    proptest! {
        /// However the signed text of a token is split and joined again: at no time since it was built does it become a
        /// token for somebody else, of another time, or for longer.
        #[test]
        fn no_cut_makes_another_token_of_one(
            user in "[a-z]{0,2}[0-9]{0,12}",
            built in prop_oneof![SECOND..SECOND + 200_000_000, 1_717_170_000_i64..1_717_179_999],
            ttl in prop_oneof![1_i64..86_401, 1_i64..100_000_000],
            cut in (0_usize..32, 0_usize..32),
            later in 0_i64..200_000_000,
            at_its_own_time in any::<bool>(),
        ) {
            let signed = format!("{user}{built}{ttl}");
            let (first, second) = (cut.0.min(cut.1).min(signed.len()), cut.0.max(cut.1).min(signed.len()));
            let (other, at_second, life) = (&signed[..first], &signed[first..second], &signed[second..]);
            let json = serde_json::json!({
                "signature": signature(&["CID", "acme#lobby", &signed, "CS"]),
                "appkey": "acme#lobby", "userId": other, "curTime": at_second, "ttl": life,
            });
            let claimed = at_second.parse().unwrap_or(0);
            let now = if at_its_own_time && claimed >= built { claimed } else { built + later };
            let mut app = known();
            app.app.created_at = UnixMillis(1_600_000_000_000);
            if let Ok(token) = verify(&app, &PAGES.encode(format!("dt-{json}")), UnixMillis(now.saturating_mul(1000))) {
                // Tokens that live longer than the policy allows are refused here, so none is in use.
                prop_assert!(ttl > 86_400 || (token.user == user && token.issued == built && token.ends == built + ttl));
            }
        }

        #[test]
        fn no_text_is_too_odd(text in "(ZHQt)?[A-Za-z0-9+/_=-]{0,200}", json in "(dt-)?[{}\\[\\]\":,a-zA-Z0-9.-]{0,100}") {
            prop_assert!(at(&text, NOW).is_err());
            prop_assert!(at(&PAGES.encode(json), NOW).is_err());
        }

        #[test]
        fn a_damaged_token_opens_nothing(cut in 0_usize..200, at_byte in 0_usize..200, bits in 1_u8..128) {
            let whole = plain("acme#lobby", "nora", "CS", "1686207557", "600");
            let mut bytes = whole.clone().into_bytes();
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at_byte) {
                *byte ^= bits;
            }
            let signature = r#"dt-{"signature":""#.len()..whole.find(r#"","appkey""#).unwrap();
            let in_the_case_of_a_hex_digit = bytes.eq_ignore_ascii_case(whole.as_bytes()) && signature.contains(&at_byte);
            prop_assert_eq!(at(&PAGES.encode(&bytes), NOW).is_ok(), bytes == whole.as_bytes() || in_the_case_of_a_hex_digit);
        }
    }
}
