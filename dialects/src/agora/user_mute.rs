//! Mutes of users (agora.md 10.2).

use tidings_domain::{Mute, UnixMillis, UserMutes, Username};

use super::{Call, Refusal, Timing, dto, user_update::decode_or_default};
use crate::{
    json::{Label, bytes_of},
    number::Integer,
};

/// The longest mute that is not forever.
const MAX_SECONDS: i64 = 2_147_483_647;

/// For how many seconds a user is muted; 0: unmuted; -1: forever; absent: no change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMuteRequest {
    /// The user.
    pub username: Username,
    /// In one-to-one conversations.
    pub chat: Option<i64>,
    /// In groups.
    pub groupchat: Option<i64>,
    /// In rooms.
    pub chatroom: Option<i64>,
}

/// Parses the body of `POST /mutes`.
pub fn user_mute_request(body: &[u8]) -> Result<UserMuteRequest, Refusal> {
    let dto: dto::Mute<'_> = decode_or_default(body)?;
    let username = Label::given(dto.username.as_ref()).ok_or_else(unknown_muted)?;
    Ok(UserMuteRequest {
        username: Username::parse(username).map_err(|_| unknown_muted())?,
        chat: seconds("chat", dto.chat)?,
        groupchat: seconds("groupchat", dto.groupchat)?,
        chatroom: seconds("chatroom", dto.chatroom)?,
    })
}

fn seconds(name: &str, value: Option<Integer>) -> Result<Option<i64>, Refusal> {
    match value {
        None => Ok(None),
        Some(Integer(seconds)) if (-1..=MAX_SECONDS).contains(&seconds) => Ok(Some(seconds)),
        Some(_) => Err(Refusal::illegal_argument(format!("{name} must be from -1 to {MAX_SECONDS}"))),
    }
}

/// No such user, or none was named.
pub fn unknown_muted() -> Refusal {
    let text = "Entity user requires a property named username, but it's missing";
    Refusal::new(400, "required_property_not_found", text)
}

/// The answer to a change.
pub fn mute_set(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::Done { result: "ok" }), ..call.envelope(timing) })
}

/// The mutes of one user at that time.
pub fn mutes_of(call: &Call<'_>, timing: Timing, (username, mutes): (&str, UserMutes), now: UnixMillis) -> Vec<u8> {
    let [chat, groupchat, chatroom] = left(mutes, now);
    let data = dto::MutesOf { userid: username, chat, groupchat, chatroom, unixtime: second(now) };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// A page of muted users: one entry for each kind of conversation in which one is muted.
pub fn mutes(call: &Call<'_>, timing: Timing, muted: &[(String, UserMutes)], now: UnixMillis) -> Vec<u8> {
    let mut data = Vec::with_capacity(muted.len());
    for (username, mutes) in muted {
        let [chat, groupchat, chatroom] = left(*mutes, now).map(|seconds| Some(seconds).filter(|left| *left != 0));
        let kinds = [
            dto::MuteOfKind { username, chat, ..Default::default() },
            dto::MuteOfKind { username, groupchat, ..Default::default() },
            dto::MuteOfKind { username, chatroom, ..Default::default() },
        ];
        data.extend(kinds.into_iter().filter(dto::MuteOfKind::is_muted));
    }
    let data = dto::Mutes { data, unixtime: second(now) };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// Seconds that are left in one-to-one conversations, groups and rooms; -1: forever. A begun second counts.
fn left(mutes: UserMutes, now: UnixMillis) -> [i64; 3] {
    [mutes.direct, mutes.group, mutes.room].map(|mute| match mute.at(now) {
        Mute::No => 0,
        Mute::Forever => -1,
        Mute::Until(end) => (end.0 - now.0 + 999).div_euclid(1000),
    })
}

fn second(now: UnixMillis) -> i64 {
    now.0.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_or_null_is_unchanged_agora_10_2() {
        let request = user_mute_request(br#"{"username":"Nora","chat":"100","groupchat":null,"chatroom":-1}"#).unwrap();
        assert_eq!(request.username.written(), "Nora");
        assert_eq!((request.chat, request.groupchat, request.chatroom), (Some(100), None, Some(-1)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let words = |body: &str| user_mute_request(body.as_bytes()).unwrap_err().description.into_owned();
        for (key, bad) in [("chat", "-2"), ("groupchat", "2147483648"), ("chatroom", "1.5"), ("chat", "\"soon\"")] {
            assert!(words(&format!(r#"{{"username":"nora","{key}":{bad}}}"#)).contains(key), "{key} {bad}");
        }
        for nobody in ["", "{}", r#"{"username":""}"#, r#"{"username":"no body"}"#] {
            assert_eq!(
                user_mute_request(nobody.as_bytes()).unwrap_err().error,
                "required_property_not_found",
                "{nobody}"
            );
        }
    }

    #[test]
    fn a_begun_second_is_left() {
        let now = UnixMillis(10_000);
        assert_eq!(left(UserMutes::from_millis([10_001, 9_999, -1]), now), [1, 0, -1]);
        assert_eq!(left(UserMutes::from_millis([110_000, 0, 12_000]), now), [100, 0, 2]);
    }
}
