//! Users: registration and the user entity (agora.md 10.2, errors of 8.3).

use tidings_domain::{Error, Reason};

use super::{Call, Refusal, Timing, dto, refusal::decode};
use crate::{
    json::{Object, bytes_of},
    reading::{text, without_place},
};

/// Maximum number of users per registration.
const MAX_NEW_USERS: usize = 60;
/// Maximum length of a username in bytes.
const MAX_USERNAME: usize = 64;

/// A user as shown in answers.
#[derive(Debug, Clone, Copy)]
pub struct User<'a> {
    /// `uuid`
    pub uuid: &'a str,
    /// As registered; shown folded (agora.md 1.2).
    pub username: &'a str,
    /// Empty: none.
    pub nickname: &'a str,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub modified: i64,
    /// False: disabled.
    pub activated: bool,
    /// Settings of push notifications.
    pub push: Push<'a>,
}

/// Settings of push notifications; absent: never set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Push<'a> {
    /// `notification_display_style`
    pub display_style: Option<i32>,
    /// `notification_no_disturbing`
    pub no_disturbing: Option<bool>,
    /// `notification_no_disturbing_start`: an hour.
    pub no_disturbing_start: Option<i32>,
    /// `notification_no_disturbing_end`: an hour.
    pub no_disturbing_end: Option<i32>,
    /// `notifier_name`
    pub notifier_name: Option<&'a str>,
    /// `device_token`
    pub device_token: Option<&'a str>,
}

impl<'a> User<'a> {
    pub(super) fn entity(&self) -> dto::User<'a> {
        dto::User {
            uuid: self.uuid,
            kind: "user",
            created: self.created,
            modified: self.modified,
            username: self.username.to_ascii_lowercase(),
            activated: self.activated,
            nickname: (!self.nickname.is_empty()).then_some(self.nickname),
            notification_display_style: self.push.display_style,
            notification_no_disturbing: self.push.no_disturbing,
            notification_no_disturbing_start: self.push.no_disturbing_start.map(|hour| hour.to_string()),
            notification_no_disturbing_end: self.push.no_disturbing_end.map(|hour| hour.to_string()),
            notifier_name: self.push.notifier_name,
            device_token: self.push.device_token,
        }
    }
}

/// A user to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// As written.
    pub username: String,
    /// Absent: no login with a password.
    pub password: Option<String>,
    /// The nickname.
    pub nickname: Option<String>,
}

/// Users to register in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUsers {
    /// 1 to 60.
    pub users: Vec<NewUser>,
    /// One user, bare or alone in an array: if they fail, the call fails.
    pub single: bool,
}

/// A user who could not be registered.
#[derive(Debug)]
pub struct Failed {
    /// The requested name.
    pub username: String,
    /// The error.
    pub error: Error,
}

/// Parses the body of `POST /users`: one object, or an array of up to 60.
pub fn new_users(body: &[u8]) -> Result<NewUsers, Refusal> {
    let text = text(body)?;
    let users = if text.trim_start().starts_with('[') { many(text)? } else { vec![decode(body)?] };
    if users.len() > MAX_NEW_USERS {
        return Err(Refusal::illegal_argument(format!(
            "Request body array size[{}] had almost reached or been greater than the upper range value[{MAX_NEW_USERS}]",
            users.len()
        )));
    }
    let single = users.len() == 1;
    let users = users.into_iter().map(new_user).collect::<Result<_, _>>()?;
    Ok(NewUsers { users, single })
}

fn many(text: &str) -> Result<Vec<dto::NewUser>, Refusal> {
    match serde_json::from_str::<Vec<Object<dto::NewUser>>>(text) {
        Ok(users) if !users.is_empty() => Ok(users.into_iter().map(|Object(user)| user).collect()),
        Ok(_) => Err(Refusal::invalid_request_body("it must have at least one user")),
        Err(detail) if detail.is_data() => Err(Refusal::invalid_request_body(without_place(&detail))),
        Err(detail) => Err(Refusal::json_parse(detail)),
    }
}

fn new_user(dto: dto::NewUser) -> Result<NewUser, Refusal> {
    let Some(username) = dto.username.filter(|name| !name.is_empty()) else {
        return Err(Refusal::illegal_argument("Entity 'user' requires a property named username."));
    };
    let password = dto.password.filter(|password| !password.is_empty());
    let nickname = dto.nickname.filter(|nickname| !nickname.is_empty());
    Ok(NewUser { username, password, nickname })
}

/// Why the only user of a call was not registered.
pub fn failure_refusal(failed: &Failed) -> Refusal {
    match failed.error.reason() {
        Reason::UsernameIllegal if failed.username.len() > MAX_USERNAME => {
            Refusal::illegal_argument("USERNAME_TOO_LONG")
        }
        _ => Refusal::from(&failed.error),
    }
}

/// The answer to a registration: the registered users, and those who could not be registered.
pub fn registered(call: &Call<'_>, timing: Timing, users: &[User<'_>], failed: &[Failed]) -> Vec<u8> {
    let data = failed.iter().map(failure).collect::<Vec<_>>();
    bytes_of(&dto::Envelope {
        entities: Some(dto::Entities::Users(users.iter().map(User::entity).collect())),
        data: Some(data),
        ..call.envelope(timing)
    })
}

fn failure(failed: &Failed) -> dto::RegisterFailure<'_> {
    let reason = match failed.error.reason() {
        Reason::UserExists => format!("the {} already exists", failed.username),
        _ => failure_refusal(failed).description.into_owned(),
    };
    dto::RegisterFailure { username: &failed.username, reason }
}

/// One user; `counted` adds `count`, which only reading has.
pub fn one_user(call: &Call<'_>, timing: Timing, user: &User<'_>, counted: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope::<()> {
        entities: Some(dto::Entities::Users(vec![user.entity()])),
        count: counted.then_some(1),
        ..call.envelope(timing)
    })
}

/// A page of users. `asked` is the request's `limit` and `cursor`; `cursor` is that of the next page, absent on the
/// last page.
pub fn list(
    call: &Call<'_>,
    timing: Timing,
    users: &[User<'_>],
    asked: (Option<&str>, Option<&str>),
    cursor: Option<&str>,
) -> Vec<u8> {
    let params = dto::Params {
        limit: asked.0.map(|limit| [limit]),
        cursor: asked.1.map(|cursor| [cursor]),
        ..Default::default()
    };
    bytes_of(&dto::Envelope::<()> {
        params: Some(params),
        entities: Some(dto::Entities::Users(users.iter().map(User::entity).collect())),
        count: Some(users.len()),
        cursor,
        ..call.envelope(timing)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_comes_bare_or_alone_in_an_array_agora_10_2() {
        for body in [r#"{"username":"Nora"}"#, r#" [{"username":"Nora"}]"#] {
            let request = new_users(body.as_bytes()).unwrap();
            assert!(request.single);
            assert_eq!(request.users[0].username, "Nora");
        }
    }

    #[test]
    fn refusals_have_the_words_of_agora_8_3() {
        let refused = |body: &str| new_users(body.as_bytes()).unwrap_err().description.into_owned();
        assert_eq!(refused(r#"{"password":"x"}"#), "Entity 'user' requires a property named username.");
        let many = format!("[{}]", vec![r#"{"username":"a"}"#; 61].join(","));
        assert_eq!(
            refused(&many),
            "Request body array size[61] had almost reached or been greater than the upper range value[60]"
        );
        assert_eq!(new_users(b"[{]").unwrap_err().error, "json_parse");
        assert_eq!(new_users(b"[1]").unwrap_err().error, "invalid_request_body");
        assert_eq!(new_users(b"\"a\"").unwrap_err().error, "invalid_request_body");
    }
}
