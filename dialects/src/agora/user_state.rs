//! Devices, status and waiting messages of users (agora.md 10.1, 10.2).

use std::collections::BTreeMap;

use super::{Call, Refusal, Timing, dto, refusal::decode};
use crate::json::{Label, TextMap, bytes_of};

/// Maximum number of users in one query.
const MAX_STATUSES: usize = 100;

/// A device that is online.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The kind of the device, an underscore, and its number.
    pub name: String,
    /// The client's name for its kind.
    pub platform: String,
}

const fn word(online: bool) -> &'static str {
    if online { "online" } else { "offline" }
}

/// The status of one user.
pub fn user_status(call: &Call<'_>, timing: Timing, username: &str, online: bool) -> Vec<u8> {
    let data = TextMap(vec![(username.to_owned(), word(online).to_owned())].into());
    counted(call, timing, data)
}

/// Parses the body of `POST /users/batch/status`: names as written.
pub fn statuses_request(body: &[u8]) -> Result<Vec<String>, Refusal> {
    let dto: dto::Usernames<'_> = decode(body)?;
    let names = dto.usernames.as_ref().map_or(&[][..], |names| &names.0);
    if names.is_empty() {
        return Err(Refusal::illegal_argument("usernames must be provided"));
    }
    if names.len() > MAX_STATUSES {
        let text = format!("request body exceeds maximum limit, maximum limit is {MAX_STATUSES}");
        return Err(Refusal::illegal_argument(text));
    }
    Ok(names.iter().map(|Label { text, .. }| text.clone().into_owned()).collect())
}

/// The statuses in the order of the request, one object each.
pub fn statuses(call: &Call<'_>, timing: Timing, statuses: &[(String, bool)]) -> Vec<u8> {
    let call = Call { action: "get batch user status", ..*call };
    let one = |(name, online): &(String, bool)| TextMap(vec![(name.clone(), word(*online).to_owned())].into());
    bytes_of(&dto::Envelope { data: Some(statuses.iter().map(one).collect::<Vec<_>>()), ..call.envelope(timing) })
}

/// The devices of a user that are online. We know no uuid of theirs but their name.
pub fn resources(call: &Call<'_>, timing: Timing, resources: &[Resource]) -> Vec<u8> {
    let data = resources.iter().map(|Resource { name, platform }| dto::Resource {
        res: name,
        device_uuid: name,
        device_name: platform,
    });
    let data = data.collect::<Vec<_>>();
    bytes_of(&dto::Envelope { entities: Some(dto::Entities::NONE), data: Some(data), ..call.envelope(timing) })
}

/// The answer to a disconnection.
pub fn disconnected(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    let data = dto::ResultFlag { result: true };
    bytes_of(&dto::Envelope { entities: Some(dto::Entities::NONE), data: Some(data), ..call.envelope(timing) })
}

/// How many messages wait for a user.
pub fn offline_count(call: &Call<'_>, timing: Timing, username: &str, count: i64) -> Vec<u8> {
    counted(call, timing, BTreeMap::from([(username, count)]))
}

/// What became of a message for one of its receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineStatus {
    /// A device has it.
    Delivered,
    /// It waits.
    Undelivered,
    /// There is no such message for the user.
    NotFound,
}

/// The answer about one message, whose id is shown as written.
pub fn offline_status(call: &Call<'_>, timing: Timing, msg_id: &str, status: OfflineStatus) -> Vec<u8> {
    let word = match status {
        OfflineStatus::Delivered => "delivered",
        OfflineStatus::Undelivered => "undelivered",
        OfflineStatus::NotFound => "msg_not_found",
    };
    counted(call, timing, TextMap(vec![(msg_id.to_owned(), word.to_owned())].into()))
}

/// When the token of the call expires, in milliseconds; 0: never.
pub fn token_expiry(call: &Call<'_>, timing: Timing, expires_at: i64) -> Vec<u8> {
    let data = dto::TokenExpiry { expire_timestamp: expires_at };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// With the additional keys of these answers.
fn counted<D: serde::Serialize>(call: &Call<'_>, timing: Timing, data: D) -> Vec<u8> {
    bytes_of(&dto::Envelope {
        entities: Some(dto::Entities::NONE),
        data: Some(data),
        count: Some(0),
        ..call.envelope(timing)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_100_users_are_asked_about_at_once_agora_8_3() {
        let body = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("u{n}")).collect();
            serde_json::json!({"usernames": names}).to_string()
        };
        assert_eq!(statuses_request(body(100).as_bytes()).unwrap().len(), 100);
        let words = |body: &str| statuses_request(body.as_bytes()).unwrap_err().description.into_owned();
        assert_eq!(words(&body(101)), "request body exceeds maximum limit, maximum limit is 100");
        assert_eq!(words("{}"), "usernames must be provided");
        assert!(words(r#"{"usernames":[{}]}"#).contains("usernames"));
    }
}
