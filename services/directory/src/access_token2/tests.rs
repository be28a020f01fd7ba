//! Tokens of the vendor's package, and tokens that no builder produces.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use proptest::prelude::*;
use tidings_runtime::unpack_zlib;

use super::*;
use crate::secret::Secret;

const APP_ID: &str = "970ca35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5cfd2fd1755d40ecb72977518be15d3b";
/// When the tokens below were built.
const ISSUED: u32 = 1_790_000_000;
const CHAT: u16 = 5;

// Built by the npm package agora-token 2.0.6 for 600 seconds, with the salt 77.
const VENDORS_APP: &str = "007eJxTYOA4mrVujbSacQvLlbMZ7rWp+TtCeLdMKErZLRGbbbvOPUGBwdLcIDnR2DQl1cwg2cTEzMQ0KSkx1SLRyNDUwMwwydi4wXpjVgQTA4MvAwMDIwMrAyMDEwOIz8AAAMo1GS4=";
const VENDORS_USER: &str = "007eJxTYJiZq35KROjUDutXUgtONc9vWOyz98XVijP3k9792rv6JW+dAoOluUFyorFpSqqZQbKJiZmJaVJSYqpFopGhqYGZYZKxcYP1xqwIJgYGXwYGBkYGVgZGBkYGEJ+FIS+/KBEAsL4f7w==";
/// Every service that the package knows, and a user's chat.
const VENDORS_EVERYTHING: &str = "007eJxTYDh4qXfD1/XHT1yYtnNaqkqi09z0Dfx5BrdS7jmWLhJa+WGHAoOluUFyorFpSqqZQbKJiZmJaVJSYqpFopGhqYGZYZKxcYP1xqwIJgYGXwYGBi4GRjAE8dkZkjMS8/JScxgZzJngoiwMeflFicxYVbHARVnR1LNhVc+OpKooPz8XopaJgQNNNxMDAwMjAwMDyBWJTAxJyYwMMJjCCVfLBWcBADWnNKQ=";
const VENDORS_VOICE: &str = "007eJxTYJCKf/zKx+TMx7rIM4saPErlDn2IeLNuYkOK3jLXhQpaCy4pMFiaGyQnGpumpJoZJJuYmJmYJiUlplokGhmaGpgZJhkbN1hvzIpgYmDwZWBgYIRCEJ+dITkjMS8vNYeRwRwA70sfZQ==";

fn certificates() -> Rotating {
    Rotating { current: Secret::new(CERTIFICATE.to_owned()), previous: None }
}

fn text(of: &str) -> Vec<u8> {
    [&(of.len() as u16).to_le_bytes()[..], of.as_bytes()].concat()
}

/// A service: its type, privileges, texts.
fn service(kind: u16, privileges: &[(u16, u32)], texts: &[&str]) -> Vec<u8> {
    let head = [kind.to_le_bytes(), (privileges.len() as u16).to_le_bytes()].concat();
    let privileges = privileges.iter().flat_map(|(it, expire)| [&it.to_le_bytes()[..], &expire.to_le_bytes()].concat());
    head.into_iter().chain(privileges).chain(texts.iter().flat_map(|it| text(it))).collect()
}

fn packed(bytes: &[u8]) -> String {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    format!("{PREFIX}{}", STANDARD.encode(packer.finish().unwrap()))
}

fn token(app_id: &str, certificate: &str, expire: u32, services: &[Vec<u8>]) -> String {
    let salt = 77_u32;
    let numbers = [ISSUED.to_le_bytes(), expire.to_le_bytes(), salt.to_le_bytes()].concat();
    let count = (services.len() as u16).to_le_bytes().to_vec();
    let signed = [text(app_id), numbers, count, services.concat()].concat();
    let key = hmac(&salt.to_le_bytes(), &hmac(&ISSUED.to_le_bytes(), certificate.as_bytes()));
    let signature = hmac(&key, &signed);
    packed(&[&(signature.len() as u16).to_le_bytes()[..], &signature, &signed].concat())
}

fn ours(expire: u32, services: &[Vec<u8>]) -> String {
    token(APP_ID, CERTIFICATE, expire, services)
}

fn app_token(expire: u32, privilege: u32) -> String {
    ours(expire, &[service(CHAT, &[(PRIVILEGE_APP, privilege)], &[""])])
}

fn user_token(user: &str) -> String {
    ours(600, &[service(CHAT, &[(PRIVILEGE_USER, 600)], &[user])])
}

/// The subject of the token `seconds` after its issue, and how many seconds after its issue it expires.
fn at(text: &str, seconds: i64) -> Result<(Claim, i64), Reason> {
    let now = UnixMillis((i64::from(ISSUED) + seconds) * 1000);
    let judged = verify(&certificates(), APP_ID, text, now);
    judged.map(|it| (it.claim, it.ends - i64::from(ISSUED))).map_err(|error| error.reason())
}

fn nora() -> Claim {
    Claim::User("nora".to_owned())
}

#[test]
fn tokens_of_the_vendors_package_are_read_agora_10_1() {
    assert_eq!(at(VENDORS_APP, 0), Ok((Claim::App, 600)));
    assert_eq!(at(VENDORS_USER, 599), Ok((nora(), 600)));
    assert_eq!(at(VENDORS_USER, 600), Err(Reason::TokenExpired));
    assert_eq!(at(VENDORS_EVERYTHING, 0), Ok((nora(), 600)));
    assert_eq!(at(VENDORS_VOICE, 0), Err(Reason::TokenForeign));
    // The builder in these tests produces the same as the vendor's.
    let unpacked = |text: &str| Packed::unpack(text).unwrap();
    assert_eq!(unpacked(VENDORS_APP), unpacked(&app_token(600, 600)));
    assert_eq!(unpacked(VENDORS_USER), unpacked(&user_token("nora")));
}

#[test]
fn an_app_id_is_compared_without_case_as_hex_digits_are() {
    let upper = token(&APP_ID.to_uppercase(), CERTIFICATE, 600, &[service(CHAT, &[(PRIVILEGE_APP, 600)], &[""])]);
    assert_eq!(at(&upper, 0), Ok((Claim::App, 600)));
}

#[test]
fn a_token_lives_for_a_day_at_most_and_a_privilege_no_longer_than_its_token_agora_10_1() {
    assert_eq!(at(&app_token(1 << 30, 1 << 30), MAX_LIFE - 1), Ok((Claim::App, MAX_LIFE)));
    assert_eq!(at(&app_token(1 << 30, 1 << 30), MAX_LIFE), Err(Reason::TokenExpired));
    assert_eq!(at(&app_token(600, 60), 0), Ok((Claim::App, 60)));
    assert_eq!(at(&app_token(60, 600), 0), Ok((Claim::App, 60)));
    assert_eq!(at(&app_token(600, 0), 0), Ok((Claim::App, 600)));
    assert_eq!(at(&app_token(0, 0), 0), Err(Reason::TokenExpired));
}

#[test]
fn an_expire_that_is_a_second_of_our_days_is_that_second() {
    assert_eq!(at(&app_token(ISSUED + 600, ISSUED + 60), 0), Ok((Claim::App, 60)));
    assert_eq!(at(&app_token(ISSUED + 600, 0), 600), Err(Reason::TokenExpired));
    assert_eq!(at(&app_token(u32::MAX, u32::MAX), 0), Ok((Claim::App, MAX_LIFE)));
}

#[test]
fn a_builders_clock_may_be_a_minute_ahead() {
    assert_eq!(at(VENDORS_APP, -AHEAD), Ok((Claim::App, 600)));
    assert_eq!(at(VENDORS_APP, -AHEAD - 1), Err(Reason::TokenForged));
}

#[test]
fn chat_is_found_among_other_services_in_any_order() {
    let chat = || service(CHAT, &[(PRIVILEGE_USER, 600)], &["nora"]);
    let others = [
        service(1, &[(1, 600), (2, 600)], &["channel", "7"]),
        service(2, &[(1, 600)], &["nora"]),
        service(3, &[(1, 600)], &["channel", "7"]),
        service(4, &[(1, 600)], &[]),
        service(6, &[(1, 600)], &["channel", "7"]),
        [service(7, &[(1, 600)], &["room", "nora"]), vec![0xff, 0xff]].concat(),
        [service(8, &[(1, 600)], &["nora"]), vec![1, 0, 0, 0, 1, 0, 1, 0, 2, 0], text("a"), text("b")].concat(),
        service(9, &[(1, 600)], &[]),
        service(10, &[(1, 600)], &[]),
    ];
    assert_eq!(at(&ours(600, &others), 0), Err(Reason::TokenForeign));
    for other in &others {
        assert_eq!(at(&ours(600, &[other.clone(), chat()]), 0), Ok((nora(), 600)), "{other:?}");
    }
    // The length of a future service type is unknown.
    let unknown = service(99, &[], &["?"]);
    assert_eq!(at(&ours(600, &[chat(), unknown.clone()]), 0), Ok((nora(), 600)));
    assert_eq!(at(&ours(600, &[unknown, chat()]), 0), Err(Reason::TokenForeign));
}

#[test]
fn the_apps_privilege_is_the_greater_one_and_the_first_user_counts() {
    let user = |name: &str| service(CHAT, &[(PRIVILEGE_USER, 600)], &[name]);
    let both = service(CHAT, &[(PRIVILEGE_USER, 600), (PRIVILEGE_APP, 60)], &["nora"]);
    assert_eq!(at(&ours(600, &[both]), 0), Ok((Claim::App, 60)));
    assert_eq!(at(&ours(600, &[user(""), user("nora"), user("omar")]), 0), Ok((nora(), 600)));
    let other = service(CHAT, &[(3, 600)], &["nora"]);
    assert_eq!(at(&ours(600, &[other]), 0), Err(Reason::TokenForeign));
    assert_eq!(at(&user_token(""), 0), Err(Reason::TokenForeign));
}

#[test]
fn what_is_not_right_says_why() {
    let other = "0".repeat(32);
    let chat = [service(CHAT, &[(PRIVILEGE_APP, 600)], &[""])];
    assert_eq!(at(&token(&other, CERTIFICATE, 600, &chat), 0), Err(Reason::TokenForeign));
    assert_eq!(at(&token(APP_ID, &other, 600, &chat), 0), Err(Reason::TokenForged));
    let unsigned = [vec![0, 0], Packed::unpack(VENDORS_APP).unwrap().signed].concat();
    assert_eq!(at(&packed(&unsigned), 0), Err(Reason::TokenForged));
    for malformed in ["007", "007!", "007AAAA", &VENDORS_APP[3..], &VENDORS_APP[..80], &"x".repeat(9000)] {
        assert_eq!(at(malformed, 0), Err(Reason::TokenMalformed), "{malformed}");
    }
    assert_eq!(at(&format!("{PREFIX}{}", "A".repeat(9000)), 0), Err(Reason::TokenMalformed));
}

#[test]
fn a_text_that_unpacks_to_too_much_is_no_token() {
    let signed = Packed::unpack(VENDORS_APP).unwrap().signed;
    let filled = |zeros: usize| packed(&[vec![0, 0], signed.clone(), vec![0; zeros]].concat());
    assert_eq!(at(&filled(packed::MAX_UNPACKED - signed.len() - 2), 0), Err(Reason::TokenForged));
    assert_eq!(at(&filled(packed::MAX_UNPACKED - signed.len() - 1), 0), Err(Reason::TokenMalformed));
    assert_eq!(at(&filled(4 * 1024 * 1024), 0), Err(Reason::TokenMalformed));
}

#[test]
fn counts_that_promise_more_than_there_is_end_with_the_bytes() {
    let head = [text(""), text(APP_ID), vec![0; 12]].concat();
    for services in [
        vec![0xff, 0xff],
        [vec![0xff, 0xff], service(1, &[(1, 600)], &["channel", "7"])].concat(),
        [vec![1, 0], vec![5, 0, 0xff, 0xff, 1, 0]].concat(),
        [vec![1, 0], service(8, &[], &["nora"]), vec![0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]].concat(),
    ] {
        assert_eq!(at(&packed(&[head.clone(), services].concat()), 0), Err(Reason::TokenMalformed));
    }
}

#[test]
fn the_certificate_before_is_good_until_the_overlap_ends_decision_4() {
    let until = UnixMillis(i64::from(ISSUED) * 1000 + 10);
    let previous = Some((Secret::new(CERTIFICATE.to_owned()), until));
    let rotated = Rotating { current: Secret::new("0".repeat(32)), previous };
    let judged = |now: i64| verify(&rotated, APP_ID, VENDORS_APP, UnixMillis(now)).map_err(|error| error.reason());
    assert!(judged(until.0 - 1).is_ok());
    assert_eq!(judged(until.0), Err(Reason::TokenForged));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "(007)?[A-Za-z0-9+/=.]{0,200}") {
        prop_assert!(at(&text, 0).is_err());
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(at(&packed(&bytes), 0).is_err());
    }

    /// Any truncated or modified token is refused.
    #[test]
    fn a_damaged_token_opens_nothing(cut in 0_usize..400, at_byte in 0_usize..400, bits in 1_u8..) {
        let deflated = STANDARD.decode(VENDORS_EVERYTHING.strip_prefix(PREFIX).unwrap()).unwrap();
        let mut bytes = unpack_zlib(&deflated, packed::MAX_UNPACKED).unwrap();
        let whole = bytes.clone();
        bytes.truncate(cut);
        if let Some(byte) = bytes.get_mut(at_byte) {
            *byte ^= bits;
        }
        prop_assert_eq!(at(&packed(&bytes), 0).is_ok(), bytes == whole);
    }
}
