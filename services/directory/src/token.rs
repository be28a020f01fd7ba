//! Tokens: one format for every dialect (decision 4).
//!
//! A JWT (HS512) with the claims that Lanying publishes (lanying.md 1) and a few of ours. It is signed with the app's
//! own key, so a token of one app is never valid for another.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha512;
use subtle::{Choice, ConstantTimeEq as _};
use tidings_domain::{Error, Reason, UnixMillis, UserId};

use crate::secret::{Rotating, Secret};

/// Longer texts are not tokens of ours.
const MAX_BYTES: usize = 4096;
const ROLE_USER: i32 = 1;
const ROLE_ADMIN: i32 = 2;

/// The subject of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The app, by its client credentials.
    App,
    /// The app, by the admin token with that id.
    Admin(i64),
    /// A user; the token is revoked when the user's epoch advances.
    User(UserId, i64),
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    /// Lanying's name of the app.
    app: String,
    /// The user's id, 0 for the app itself.
    sub: String,
    cluster: i32,
    role: i32,
    /// Seconds.
    iat: i64,
    /// Seconds; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// Of a user token: the user's epoch when it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<i64>,
    /// Of an admin token: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

/// Issues a token of `app` (Lanying's name) that expires at second `expires`.
pub(crate) fn sign(key: &Secret, app: &str, holder: Holder, now: UnixMillis, expires: Option<i64>) -> Secret {
    let (sub, role, epoch, jti) = match holder {
        Holder::App => (UserId::ADMIN, ROLE_ADMIN, None, None),
        Holder::Admin(id) => (UserId::ADMIN, ROLE_ADMIN, None, Some(id.to_string())),
        Holder::User(user, epoch) => (user, ROLE_USER, Some(epoch), None),
    };
    let iat = now.0.div_euclid(1000);
    let claims = Claims { app: app.to_owned(), sub: sub.to_string(), cluster: 0, role, iat, exp: expires, epoch, jti };
    let header = Header { alg: "HS512".to_owned(), typ: Some("JWT".to_owned()) };
    let signed = format!("{}.{}", encoded(&header), encoded(&claims));
    let signature = signature(key, &signed);
    Secret::new(format!("{signed}.{signature}"))
}

/// The subject of `token` and the second at which it expires, or why it is refused.
pub(crate) fn verify(keys: &Rotating, app: &str, token: &str, now: UnixMillis) -> Result<(Holder, Option<i64>), Error> {
    let (signed, given, claims) = parse(token).ok_or_else(|| refused(Reason::TokenMalformed))?;
    let holder = claims.holder().ok_or_else(|| refused(Reason::TokenMalformed))?;
    if claims.app != app {
        return Err(refused(Reason::TokenForeign));
    }
    let right = keys
        .good(now)
        .fold(Choice::from(0), |right, key| right | signature(key, signed).as_bytes().ct_eq(given.as_bytes()));
    if !bool::from(right) {
        return Err(refused(Reason::TokenForged));
    }
    if claims.exp.is_some_and(|exp| now.0 >= exp.saturating_mul(1000)) {
        return Err(refused(Reason::TokenExpired));
    }
    Ok((holder, claims.exp))
}

pub(crate) fn refused(reason: Reason) -> Error {
    Error::new(reason, "")
}

impl Claims {
    fn holder(&self) -> Option<Holder> {
        match (self.role, &self.jti) {
            (ROLE_USER, _) => Some(Holder::User(UserId(self.sub.parse().ok()?), self.epoch?)),
            (ROLE_ADMIN, Some(id)) => Some(Holder::Admin(id.parse().ok()?)),
            (ROLE_ADMIN, None) => Some(Holder::App),
            _ => None,
        }
    }
}

/// The signed part, the signature and the claims, all unverified.
fn parse(token: &str) -> Option<(&str, &str, Claims)> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = decoded(header)?;
    let claims: Claims = decoded(claims)?;
    (header.alg == "HS512").then_some((signed, signature, claims))
}

fn encoded(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("strings and numbers always serialize"))
}

fn decoded<T: for<'t> Deserialize<'t>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn signature(key: &Secret, signed: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(key.expose().as_bytes()).expect("HMAC takes keys of any length");
    URL_SAFE_NO_PAD.encode(mac.chain_update(signed.as_bytes()).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_500);

    fn keys(current: &str) -> Rotating {
        Rotating { current: Secret::new(current.to_owned()), previous: None }
    }

    fn reason(keys: &Rotating, token: &str) -> Reason {
        verify(keys, "welovemaxim", token, NOW).unwrap_err().reason()
    }

    fn claims_of(token: &Secret) -> String {
        let claims = token.expose().split('.').nth(1).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }

    #[test]
    fn claims_are_lanyings_lanying_1() {
        let key = Secret::new("key".to_owned());
        let admin = sign(&key, "welovemaxim", Holder::Admin(3), NOW, None);
        insta::assert_snapshot!(claims_of(&admin), @r#"{"app":"welovemaxim","sub":"0","cluster":0,"role":2,"iat":1700000000,"jti":"3"}"#);
        let user = sign(&key, "welovemaxim", Holder::User(UserId(16), 2), NOW, Some(1_700_000_060));
        insta::assert_snapshot!(claims_of(&user), @r#"{"app":"welovemaxim","sub":"16","cluster":0,"role":1,"iat":1700000000,"exp":1700000060,"epoch":2}"#);
    }

    #[test]
    fn a_token_names_its_holder() {
        for holder in [Holder::App, Holder::Admin(3), Holder::User(UserId(16), 2)] {
            let token = sign(&keys("k").current, "welovemaxim", holder, NOW, Some(1_700_000_001));
            let found = verify(&keys("k"), "welovemaxim", token.expose(), NOW).unwrap();
            assert_eq!(found, (holder, Some(1_700_000_001)));
        }
    }

    #[test]
    fn a_token_that_opens_nothing_says_why() {
        let token = sign(&keys("k").current, "welovemaxim", Holder::App, NOW, Some(1_700_000_000));
        assert_eq!(reason(&keys("k"), token.expose()), Reason::TokenExpired);
        assert_eq!(reason(&keys("other"), token.expose()), Reason::TokenForged);
        let (signed, _) = token.expose().rsplit_once('.').unwrap();
        assert_eq!(reason(&keys("k"), &format!("{signed}.")), Reason::TokenForged);
        let foreign = sign(&keys("k").current, "dpbdvekfecbo", Holder::App, NOW, None);
        assert_eq!(reason(&keys("k"), foreign.expose()), Reason::TokenForeign);
        for malformed in ["", "YWMtabc", "a.b.c", "..", &"x".repeat(5000)] {
            assert_eq!(reason(&keys("k"), malformed), Reason::TokenMalformed, "{malformed}");
        }
    }

    #[test]
    fn an_unsigned_token_is_none_of_ours() {
        let token = sign(&keys("k").current, "welovemaxim", Holder::App, NOW, None);
        let claims = token.expose().split('.').nth(1).unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        assert_eq!(reason(&keys("k"), &format!("{none}.{claims}.")), Reason::TokenMalformed);
    }
}
