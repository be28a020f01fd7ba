//! Agora's AccessToken2 (agora.md 10.1): tokens that an app's server builds itself from App ID and certificate.
//!
//! `packed` parses the format, this file verifies. Only the chat service of a token is used.

mod packed;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use tidings_domain::{Error, Reason, UnixMillis};

pub(crate) use self::packed::PREFIX;
use self::packed::Packed;
use crate::{secret::Rotating, token::refused};

/// The maximum lifetime in seconds, whatever a token requests (agora.md 10.1).
const MAX_LIFE: i64 = 24 * 3600;
/// The allowed clock skew of the builder, in seconds.
const AHEAD: i64 = 60;

const PRIVILEGE_USER: u16 = 1;
const PRIVILEGE_APP: u16 = 2;

/// The subject of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The app itself.
    App,
    /// A user, by UUID or by name: the vendor's own server SDK uses the former, its documentation the latter.
    User(String),
}

/// A valid token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Its subject.
    pub(crate) claim: Claim,
    /// The second in which it was issued.
    pub(crate) issued: i64,
    /// The second at which it expires.
    pub(crate) ends: i64,
}

/// Verifies a token, or returns why it is refused.
pub(crate) fn verify(certificates: &Rotating, app_id: &str, text: &str, now: UnixMillis) -> Result<Verified, Error> {
    let token = Packed::unpack(text).ok_or_else(|| refused(Reason::TokenMalformed))?;
    if !token.app_id.eq_ignore_ascii_case(app_id) {
        return Err(refused(Reason::TokenForeign));
    }
    let right = certificates.good(now).fold(Choice::from(0), |right, certificate| {
        right | token.signature_by(certificate.expose()).as_slice().ct_eq(&token.signature)
    });
    if !bool::from(right) {
        return Err(refused(Reason::TokenForged));
    }
    let Some((claim, ends)) = token.claim() else {
        // A token only for voice or signalling is valid, but not for us.
        return Err(Error::new(Reason::TokenForeign, "it is not for chat"));
    };
    let now = now.0.div_euclid(1000);
    if i64::from(token.issued) > now + AHEAD {
        return Err(Error::new(Reason::TokenForged, "it is issued in the future"));
    }
    if now >= ends {
        return Err(refused(Reason::TokenExpired));
    }
    Ok(Verified { claim, issued: token.issued.into(), ends })
}

impl Packed {
    fn signature_by(&self, certificate: &str) -> Vec<u8> {
        let by_time = hmac(&self.issued.to_le_bytes(), certificate.as_bytes());
        let by_salt = hmac(&self.salt.to_le_bytes(), &by_time);
        hmac(&by_salt, &self.signed)
    }

    /// The subject allowed by the chat services, and the second at which that expires.
    fn claim(&self) -> Option<(Claim, i64)> {
        let of = |wanted: u16| {
            let all = self.chats.iter().flat_map(|chat| chat.privileges.iter().map(move |it| (it, &chat.user)));
            all.filter(move |((privilege, _), _)| *privilege == wanted).map(|((_, expire), user)| (*expire, user))
        };
        if let Some((expire, _)) = of(PRIVILEGE_APP).next() {
            return Some((Claim::App, self.end(expire)));
        }
        let (expire, user) = of(PRIVILEGE_USER).find(|(_, user)| !user.is_empty())?;
        Some((Claim::User(user.clone()), self.end(expire)))
    }

    /// When a privilege expires: with the token at the latest; 0 means with the token.
    fn end(&self, privilege: u32) -> i64 {
        let end = self.second(self.expire).min(i64::from(self.issued) + MAX_LIFE);
        if privilege == 0 { end } else { end.min(self.second(privilege)) }
    }

    /// `expire` counts from the issue, but some of the vendor's own builders write the absolute second. A value above
    /// fifty years is absolute.
    fn second(&self, expire: u32) -> i64 {
        if expire > self.issued { expire.into() } else { i64::from(self.issued) + i64::from(expire) }
    }
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(data).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests;
