//! Agora's AccessToken2 (agora.md 10.1): tokens that an app's server builds by itself from App ID and certificate.
//!
//! `007`, then base64 of zlib of a signature and what it signs: App ID, times, a salt and services, each with privileges
//! and a few texts. Only the chat service concerns us; the others are read to get past them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use tidings_domain::{Error, Reason, UnixMillis};

use crate::{secret::Rotating, token::refused};

/// What every such token begins with.
pub(crate) const PREFIX: &str = "007";
/// Longer texts are no tokens.
const MAX_BYTES: usize = 8 * 1024;
/// What a token may unpack to.
const MAX_UNPACKED: usize = 16 * 1024;
/// The longest life, whatever a token asks for (agora.md 10.1).
const MAX_LIFE: i64 = 24 * 3600;
/// How far ahead the builder's clock may be.
const AHEAD: i64 = 600;

const CHAT: u16 = 5;
const PRIVILEGE_USER: u16 = 1;
const PRIVILEGE_APP: u16 = 2;

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The app itself.
    App,
    /// A user, by UUID or by name: the vendor's pages say the one, its samples the other.
    User(String),
}

/// A token as it was unpacked; nothing of it is checked.
#[derive(Debug, PartialEq, Eq)]
struct Unpacked {
    signature: Vec<u8>,
    signed: Vec<u8>,
    app_id: String,
    /// Seconds.
    issued: u32,
    /// Seconds.
    expire: u32,
    salt: u32,
    chat: Option<Chat>,
}

/// The chat service of a token.
#[derive(Debug, PartialEq, Eq)]
struct Chat {
    /// Each with its own life in seconds; 0 is the token's.
    privileges: Vec<(u16, u32)>,
    user: String,
}

/// Whom the token stands for and the second at which it ends, or why it opens nothing.
pub(crate) fn verify(
    certificates: &Rotating,
    app_id: &str,
    text: &str,
    now: UnixMillis,
) -> Result<(Claim, i64), Error> {
    let token = unpack(text).ok_or_else(|| refused(Reason::TokenMalformed))?;
    if !token.app_id.eq_ignore_ascii_case(app_id) {
        return Err(refused(Reason::TokenForeign));
    }
    let right = certificates.good(now).fold(Choice::from(0), |right, certificate| {
        right | token.signature_by(certificate.expose()).as_slice().ct_eq(&token.signature)
    });
    if !bool::from(right) {
        return Err(refused(Reason::TokenForged));
    }
    // A token for voice or signalling is right, and not for us.
    let (claim, life) = token.claim().ok_or_else(|| refused(Reason::TokenForeign))?;
    let (now, issued) = (now.0.div_euclid(1000), i64::from(token.issued));
    if issued > now + AHEAD {
        return Err(refused(Reason::TokenForged));
    }
    let ends = issued + life.min(MAX_LIFE);
    if now >= ends { Err(refused(Reason::TokenExpired)) } else { Ok((claim, ends)) }
}

impl Unpacked {
    fn signature_by(&self, certificate: &str) -> Vec<u8> {
        let by_time = hmac(&self.issued.to_le_bytes(), certificate.as_bytes());
        let by_salt = hmac(&self.salt.to_le_bytes(), &by_time);
        hmac(&by_salt, &self.signed)
    }

    /// What the chat service allows, and for how many seconds.
    fn claim(&self) -> Option<(Claim, i64)> {
        let chat = self.chat.as_ref()?;
        let life = |wanted: u16| {
            let (_, life) = chat.privileges.iter().find(|(privilege, _)| *privilege == wanted)?;
            let own = if *life == 0 { self.expire } else { *life };
            Some(i64::from(own.min(self.expire)))
        };
        match (life(PRIVILEGE_APP), life(PRIVILEGE_USER)) {
            (Some(life), _) => Some((Claim::App, life)),
            (None, Some(life)) if !chat.user.is_empty() => Some((Claim::User(chat.user.clone()), life)),
            _ => None,
        }
    }
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(data).finalize().into_bytes().to_vec()
}

fn unpack(text: &str) -> Option<Unpacked> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let packed = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let unpacked = decompress_to_vec_zlib_with_limit(&packed, MAX_UNPACKED).ok()?;
    let mut reader = Reader(&unpacked);
    let signature = reader.bytes()?.to_vec();
    let signed = reader.0.to_vec();
    let (app_id, issued, expire, salt) = (reader.text()?, reader.u32()?, reader.u32()?, reader.u32()?);
    let mut chat = None;
    for _ in 0..reader.u16()? {
        let kind = reader.u16()?;
        let privileges = reader.privileges()?;
        if kind == CHAT {
            chat = Some(Chat { privileges, user: reader.text()? });
        } else if reader.pass_over(kind).is_none() {
            // A service that we do not know: what follows it cannot be read, and services come in ascending order.
            break;
        }
    }
    Some(Unpacked { signature, signed, app_id, issued, expire, salt, chat })
}

/// Reads little-endian numbers, and texts with their length in front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.u16()?;
        self.take(count.into())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn privileges(&mut self) -> Option<Vec<(u16, u32)>> {
        (0..self.u16()?).map(|_| Some((self.u16()?, self.u32()?))).collect()
    }

    /// What a service has beside its privileges; `None` where that is unknown.
    fn pass_over(&mut self, kind: u16) -> Option<()> {
        let texts = match kind {
            // Voice and film, streaming, distribution: channel and user.
            1 | 3 | 6 => 2,
            // Signalling: the user.
            2 => 1,
            // Acceleration, conversational AI, speech: nothing.
            4 | 9 | 10 => 0,
            // Rooms as a service: room, user, and a role.
            7 => {
                self.bytes()?;
                self.bytes()?;
                return self.u16().map(drop);
            }
            _ => return None,
        };
        for _ in 0..texts {
            self.bytes()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    const APP_ID: &str = "970ca35de60c44645bbae8a215061b33";
    const CERTIFICATE: &str = "5cfd2fd1755d40ecb72977518be15d3b";
    /// When the tokens below were built.
    const ISSUED: u32 = 1_790_000_000;

    fn certificates() -> Rotating {
        Rotating { current: Secret::new(CERTIFICATE.to_owned()), previous: None }
    }

    fn text(of: &str) -> Vec<u8> {
        [&(of.len() as u16).to_le_bytes()[..], of.as_bytes()].concat()
    }

    /// A service: its type, one privilege, its texts.
    fn service(kind: u16, (privilege, life): (u16, u32), texts: &[&str]) -> Vec<u8> {
        let head = [kind.to_le_bytes(), 1_u16.to_le_bytes(), privilege.to_le_bytes()].concat();
        let texts: Vec<u8> = texts.iter().flat_map(|it| text(it)).collect();
        [head, life.to_le_bytes().to_vec(), texts].concat()
    }

    fn token(app_id: &str, certificate: &str, expire: u32, services: &[Vec<u8>]) -> String {
        let salt = 77_u32;
        let numbers = [ISSUED.to_le_bytes(), expire.to_le_bytes(), salt.to_le_bytes()].concat();
        let count = (services.len() as u16).to_le_bytes().to_vec();
        let signed = [text(app_id), numbers, count, services.concat()].concat();
        let key = hmac(&salt.to_le_bytes(), &hmac(&ISSUED.to_le_bytes(), certificate.as_bytes()));
        let signature = hmac(&key, &signed);
        let whole = [&(signature.len() as u16).to_le_bytes()[..], &signature, &signed].concat();
        format!("{PREFIX}{}", STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(&whole, 6)))
    }

    fn at(text: &str, seconds: i64) -> Result<(Claim, i64), Reason> {
        let now = UnixMillis((i64::from(ISSUED) + seconds) * 1000);
        verify(&certificates(), APP_ID, text, now).map_err(|error| error.reason())
    }

    fn user_token(expire: u32) -> String {
        token(APP_ID, CERTIFICATE, expire, &[service(CHAT, (PRIVILEGE_USER, expire), &["nora"])])
    }

    #[test]
    fn a_token_stands_for_the_app_or_a_user_until_it_ends_agora_10_1() {
        let app = token(APP_ID, CERTIFICATE, 600, &[service(CHAT, (PRIVILEGE_APP, 600), &[""])]);
        assert_eq!(at(&app, 0), Ok((Claim::App, i64::from(ISSUED) + 600)));
        assert_eq!(at(&user_token(600), 599), Ok((Claim::User("nora".to_owned()), i64::from(ISSUED) + 600)));
        assert_eq!(at(&user_token(600), 600), Err(Reason::TokenExpired));
    }

    #[test]
    fn a_token_lives_for_a_day_at_most_and_a_privilege_no_longer_than_its_token() {
        assert_eq!(at(&user_token(1 << 30), MAX_LIFE - 1).unwrap().1, i64::from(ISSUED) + MAX_LIFE);
        assert_eq!(at(&user_token(1 << 30), MAX_LIFE), Err(Reason::TokenExpired));
        let short = token(APP_ID, CERTIFICATE, 600, &[service(CHAT, (PRIVILEGE_APP, 60), &[""])]);
        assert_eq!(at(&short, 60), Err(Reason::TokenExpired));
        let unlimited = token(APP_ID, CERTIFICATE, 600, &[service(CHAT, (PRIVILEGE_APP, 0), &[""])]);
        assert_eq!(at(&unlimited, 0).unwrap().1, i64::from(ISSUED) + 600);
    }

    #[test]
    fn other_services_are_passed_over_and_alone_open_nothing() {
        let others =
            [service(1, (1, 600), &["channel", "7"]), service(2, (1, 600), &["nora"]), service(4, (1, 600), &[])];
        assert_eq!(at(&token(APP_ID, CERTIFICATE, 600, &others), 0), Err(Reason::TokenForeign));
        let all = [&others[..], &[service(CHAT, (PRIVILEGE_APP, 600), &[""])]].concat();
        assert_eq!(at(&token(APP_ID, CERTIFICATE, 600, &all), 0).unwrap().0, Claim::App);
    }

    #[test]
    fn what_is_not_right_says_why() {
        let other = "0".repeat(32);
        let chat = [service(CHAT, (PRIVILEGE_APP, 600), &[""])];
        assert_eq!(at(&token(&other, CERTIFICATE, 600, &chat), 0), Err(Reason::TokenForeign));
        assert_eq!(at(&token(APP_ID, &other, 600, &chat), 0), Err(Reason::TokenForged));
        assert_eq!(at(&token(APP_ID, CERTIFICATE, 600, &chat), -AHEAD - 1), Err(Reason::TokenForged));
        assert_eq!(
            at(&token(APP_ID, CERTIFICATE, 600, &[service(CHAT, (PRIVILEGE_USER, 600), &[""])]), 0),
            Err(Reason::TokenForeign)
        );
        for malformed in ["007", "007!", "007AAAA", &"x".repeat(9000)] {
            assert_eq!(at(malformed, 0), Err(Reason::TokenMalformed), "{malformed}");
        }
    }

    #[test]
    fn a_text_that_unpacks_to_too_much_is_no_token() {
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 4 * 1024 * 1024], 9);
        assert_eq!(at(&format!("{PREFIX}{}", STANDARD.encode(bomb)), 0), Err(Reason::TokenMalformed));
    }

    #[test]
    fn the_certificate_before_is_good_until_the_overlap_ends_decision_4() {
        let until = UnixMillis(i64::from(ISSUED) * 1000 + 10);
        let previous = Some((Secret::new(CERTIFICATE.to_owned()), until));
        let rotated = Rotating { current: Secret::new("0".repeat(32)), previous };
        assert!(verify(&rotated, APP_ID, &user_token(600), UnixMillis(until.0 - 1)).is_ok());
        assert!(verify(&rotated, APP_ID, &user_token(600), until).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(cut in 0_usize..120, flip in 0_usize..120, bits in 1_u8..) {
            let whole = STANDARD.decode(user_token(600).strip_prefix(PREFIX).unwrap()).unwrap();
            let mut unpacked = decompress_to_vec_zlib_with_limit(&whole, MAX_UNPACKED).unwrap();
            let is_whole = cut >= unpacked.len() && flip >= unpacked.len();
            unpacked.truncate(cut);
            if let Some(byte) = unpacked.get_mut(flip) {
                *byte ^= bits;
            }
            let packed = miniz_oxide::deflate::compress_to_vec_zlib(&unpacked, 1);
            let odd = format!("{PREFIX}{}", STANDARD.encode(packed));
            prop_assert_eq!(at(&odd, 0).is_ok(), is_whole);
        }
    }
}
