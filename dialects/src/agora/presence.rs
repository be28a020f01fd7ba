//! Presence of users, whose answers have no envelope (agora.md 10.2).

use std::collections::BTreeMap;

use tidings_domain::{Error, Reason};

use super::{Refusal, dto, refusal::decode, user_update::decode_or_default};
use crate::{
    json::{Label, OneOrMany, TextMap, bytes_of},
    reading::text,
};

/// Maximum number of users per call.
const MAX_TARGETS: usize = 100;
/// The longest subscription, in seconds: 30 days.
const MAX_EXPIRY: i64 = 2_592_000;
/// Maximum number of bytes of `ext`.
const MAX_EXT: usize = 1024;

/// What is done to subscriptions of the users that a body names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresenceCall {
    /// They begin.
    Subscribe,
    /// They end.
    Unsubscribe,
    /// Nothing, they are only read.
    Get,
}

/// The presence of one user.
#[derive(Debug, Clone, Default)]
pub struct Presence {
    /// As the request names them.
    pub username: String,
    /// Milliseconds; 0: never online.
    pub last_time: i64,
    /// When the subscription ends, in milliseconds; 0: there is none.
    pub expires_at: i64,
    /// What was published last.
    pub ext: String,
    /// By device.
    pub statuses: BTreeMap<String, String>,
}

/// Parses the names of a body: `usernames`, or as a bare array, 1 to 100.
pub fn presence_targets(body: &[u8], what: PresenceCall) -> Result<Vec<String>, Refusal> {
    let text = text(body)?.trim_ascii();
    let names = if text.starts_with('[') {
        let list: OneOrMany<'_> = serde_json::from_str(text).map_err(|detail| {
            if detail.is_data() {
                Refusal::invalid_request_body("the users must be text")
            } else {
                Refusal::json_parse(detail)
            }
        })?;
        Some(list)
    } else {
        decode::<dto::PresenceOf<'_>>(text.as_bytes())?.usernames
    };
    let names: Vec<String> = names
        .map(|names| names.0.into_iter().map(|Label { text, .. }| text.into_owned()).collect())
        .unwrap_or_default();
    if names.is_empty() {
        return Err(Refusal::illegal_argument("usernames must be provided"));
    }
    if names.len() > MAX_TARGETS {
        return Err(Refusal::illegal_argument(match what {
            PresenceCall::Subscribe => "too many sub presence",
            PresenceCall::Unsubscribe => "too many unsub presences",
            PresenceCall::Get => "too many get presences",
        }));
    }
    Ok(names)
}

/// Parses the seconds in the path of a subscription.
pub fn presence_expiry(text: &str) -> Result<i64, Refusal> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| (1..=MAX_EXPIRY).contains(seconds));
    seconds.ok_or_else(|| Refusal::illegal_argument(format!("expiry must be from 1 to {MAX_EXPIRY} seconds")))
}

/// Parses the body of a publication: its `ext`, which may be left out.
pub fn presence_ext(body: &[u8]) -> Result<String, Refusal> {
    let ext = decode_or_default::<dto::PresenceExt<'_>>(body)?.ext.unwrap_or_default().into_owned();
    if ext.len() > MAX_EXT {
        // The space at the end is the vendor's, whose clients compare the whole text.
        return Err(Refusal::illegal_argument("ext is too big "));
    }
    Ok(ext)
}

/// Why a call was refused.
pub fn presence_refusal(error: &Error) -> Refusal {
    match (error.reason(), error.field()) {
        (Reason::InvalidArgument, Some("targets")) => Refusal::illegal_argument("you can't sub yourself"),
        (Reason::InvalidArgument, Some("resource")) => Refusal::illegal_argument("resource not exist"),
        _ => Refusal::from(error),
    }
}

/// The answer to a publication and to an end of subscriptions.
pub fn presence_done() -> Vec<u8> {
    bytes_of(&dto::PresenceResult { result: "ok" })
}

/// The presence of users in the order of the request.
pub fn presences(presences: &[Presence]) -> Vec<u8> {
    bytes_of(&dto::PresenceResult { result: presences.iter().map(Presence::shown).collect::<Vec<_>>() })
}

impl Presence {
    pub(super) fn shown(&self) -> dto::Presence<'_> {
        let statuses = self.statuses.iter().map(|(device, status)| (device.clone(), status.clone()));
        dto::Presence {
            uid: &self.username,
            last_time: seconds(self.last_time),
            expiry: (self.expires_at != 0).then(|| seconds(self.expires_at)),
            ext: &self.ext,
            status: TextMap(statuses.collect::<Vec<_>>().into()),
        }
    }
}

/// A page of a user's subscriptions: names and ends in milliseconds; `total` of all pages together.
pub fn presence_subscriptions(total: i64, subscriptions: &[(String, i64)]) -> Vec<u8> {
    let one = |(username, end): &(String, i64)| dto::Subscription {
        uid: username.to_ascii_lowercase(),
        expiry: seconds(*end),
    };
    let sublist = subscriptions.iter().map(one).collect();
    bytes_of(&dto::PresenceResult { result: dto::Subscriptions { totalnum: total.to_string(), sublist } })
}

fn seconds(millis: i64) -> String {
    millis.div_euclid(1000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_come_in_an_object_or_bare_agora_10_2() {
        let read = |body: &str| presence_targets(body.as_bytes(), PresenceCall::Unsubscribe);
        for body in [r#"["omar","7"]"#, r#"{"usernames":["omar",7]}"#, r#"{"users":["omar","7"]}"#] {
            assert_eq!(read(body).unwrap(), ["omar", "7"], "{body}");
        }
        for nobody in ["[]", "{}"] {
            assert_eq!(read(nobody).unwrap_err().description, "usernames must be provided", "{nobody}");
        }
        assert_eq!(read("[{}]").unwrap_err().error, "invalid_request_body");
        assert_eq!(read("[").unwrap_err().error, "json_parse");
    }

    #[test]
    fn limits_have_the_vendors_words_agora_8_3() {
        let many = serde_json::to_vec(&vec!["a"; 101]).unwrap();
        let words = |what| presence_targets(&many, what).unwrap_err().description.into_owned();
        assert_eq!(words(PresenceCall::Subscribe), "too many sub presence");
        assert_eq!(words(PresenceCall::Unsubscribe), "too many unsub presences");
        assert_eq!(words(PresenceCall::Get), "too many get presences");
        let long = serde_json::json!({"ext": "x".repeat(1025)}).to_string();
        assert_eq!(presence_ext(long.as_bytes()).unwrap_err().description, "ext is too big ");
        assert_eq!(presence_ext(b"").unwrap(), "");
        for bad in ["0", "2592001", "soon", "-1", ""] {
            assert!(presence_expiry(bad).unwrap_err().description.contains("expiry"), "{bad}");
        }
        assert_eq!(presence_expiry("2592000").unwrap(), 2_592_000);
    }

    #[test]
    fn times_are_seconds_in_text_agora_10_2() {
        let omar = Presence {
            username: "omar".to_owned(),
            last_time: 1_752_600_000_999,
            expires_at: 1_752_601_000_000,
            statuses: BTreeMap::from([("android".to_owned(), "1".to_owned())]),
            ..Presence::default()
        };
        let never = Presence { username: "pia".to_owned(), ..Presence::default() };
        let expected = concat!(
            r#"{"result":[{"uid":"omar","last_time":"1752600000","expiry":"1752601000","ext":"","status":{"android":"1"}},"#,
            r#"{"uid":"pia","last_time":"0","ext":"","status":{}}]}"#
        );
        assert_eq!(String::from_utf8(presences(&[omar, never])).unwrap(), expected);
    }
}
