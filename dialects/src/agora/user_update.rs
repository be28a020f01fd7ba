//! Changes of users (agora.md 10.2).

use serde::Deserialize;
use tidings_domain::{Error, Reason};

use super::{Refusal, Timing, dto, refusal::decode};
use crate::{flag::Flag, json::bytes_of, number::Integer};

/// Changes of a user; absent: no change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserUpdate {
    /// `nickname`
    pub nickname: Option<String>,
    /// `notification_display_style`: 0 or 1.
    pub display_style: Option<i32>,
    /// `notification_no_disturbing`
    pub no_disturbing: Option<bool>,
    /// `notification_no_disturbing_start`: an hour.
    pub no_disturbing_start: Option<i32>,
    /// `notification_no_disturbing_end`: an hour.
    pub no_disturbing_end: Option<i32>,
    /// `notifier_name`
    pub notifier_name: Option<String>,
    /// `device_token`
    pub device_token: Option<String>,
}

/// A new password, and the old one where a user changes their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// `newpassword`
    pub new: String,
    /// `oldpassword`
    pub old: Option<String>,
}

/// Parses a body that clients also leave out, or write as the empty array that PHP has for an object without keys.
pub(super) fn decode_or_default<'a, T: Deserialize<'a> + Default>(body: &'a [u8]) -> Result<T, Refusal> {
    let is_left_out = matches!(body.trim_ascii(), b"" | b"[]" | b"null");
    if is_left_out { Ok(T::default()) } else { decode(body) }
}

/// Parses the body of `PUT /users/{u}`; unknown keys are ignored.
pub fn user_update(body: &[u8]) -> Result<UserUpdate, Refusal> {
    let dto: dto::UserUpdate = decode_or_default(body)?;
    let hours = (dto.notification_no_disturbing_start, dto.notification_no_disturbing_end);
    Ok(UserUpdate {
        nickname: dto.nickname,
        display_style: within("notification_display_style", dto.notification_display_style, 1)?,
        no_disturbing: dto.notification_no_disturbing.map(Flag::bool),
        no_disturbing_start: within("notification_no_disturbing_start", hours.0, 24)?,
        no_disturbing_end: within("notification_no_disturbing_end", hours.1, 24)?,
        notifier_name: dto.notifier_name,
        device_token: dto.device_token,
    })
}

fn within(name: &str, value: Option<Integer>, most: i32) -> Result<Option<i32>, Refusal> {
    let Some(Integer(value)) = value else {
        return Ok(None);
    };
    let number = i32::try_from(value).ok().filter(|value| (0..=most).contains(value));
    number.map(Some).ok_or_else(|| Refusal::illegal_argument(format!("{name} must be from 0 to {most}")))
}

/// Parses the body of `PUT /users/{u}/password`.
pub fn new_password(body: &[u8]) -> Result<NewPassword, Refusal> {
    let dto: dto::NewPassword = decode_or_default(body)?;
    let new = dto.newpassword.filter(|password| !password.is_empty());
    let new = new.ok_or_else(|| Refusal::illegal_argument("newpassword is required"))?;
    Ok(NewPassword { new, old: dto.oldpassword })
}

/// Why a user was not changed, in this dialect's words: the fields have other names here.
pub fn update_refusal(error: &Error) -> Refusal {
    let words = match (error.reason(), error.field()) {
        (Reason::InvalidArgument, Some("nickname")) => "NICKNAME_TOO_LONG",
        (Reason::InvalidArgument, Some("password")) => "newpassword must be 1 to 1024 bytes",
        (Reason::InvalidArgument, Some("old_password")) => "oldpassword is required",
        (Reason::InvalidArgument, Some("push.notifier_name")) => "notifier_name must be at most 256 bytes",
        (Reason::InvalidArgument, Some("push.device_token")) => "device_token must be at most 1024 bytes",
        _ => return Refusal::from(error),
    };
    Refusal::illegal_argument(words)
}

/// The answer to a new password, which has no envelope.
pub fn password_set(timing: Timing) -> Vec<u8> {
    let Timing { timestamp, duration } = timing;
    bytes_of(&dto::ActionDone { action: "set user password", timestamp, duration })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_settings_are_numbers_or_text_agora_10_2() {
        let update = |body: &str| user_update(body.as_bytes());
        let expected = UserUpdate {
            display_style: Some(1),
            no_disturbing: Some(true),
            no_disturbing_start: Some(8),
            no_disturbing_end: Some(18),
            ..UserUpdate::default()
        };
        let text = r#"{"notification_display_style":"1","notification_no_disturbing":"true",
            "notification_no_disturbing_start":"8","notification_no_disturbing_end":"18"}"#;
        let numbers = r#"{"notification_display_style":1,"notification_no_disturbing":1,
            "notification_no_disturbing_start":8,"notification_no_disturbing_end":18,"surprise":[]}"#;
        assert_eq!(update(text).unwrap(), expected);
        assert_eq!(update(numbers).unwrap(), expected);
        for empty in ["", " ", "{}", "[]", r#"{"nickname":null,"notification_display_style":""}"#] {
            assert_eq!(update(empty).unwrap(), UserUpdate::default(), "{empty}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let words = |body: &str| user_update(body.as_bytes()).unwrap_err().description.into_owned();
        for (key, bad) in [
            ("notification_display_style", "2"),
            ("notification_no_disturbing", "\"maybe\""),
            ("notification_no_disturbing_start", "25"),
            ("notification_no_disturbing_end", "-1"),
            ("notification_no_disturbing_end", "\"noon\""),
            ("nickname", "7"),
        ] {
            assert!(words(&format!(r#"{{"{key}":{bad}}}"#)).contains(key), "{key} {bad}");
        }
    }

    #[test]
    fn a_new_password_is_required_agora_8_3() {
        for body in ["", "{}", r#"{"newpassword":""}"#, r#"{"newpassword":null}"#] {
            assert_eq!(new_password(body.as_bytes()).unwrap_err().description, "newpassword is required", "{body}");
        }
        for old in ["oldpassword", "old_password"] {
            let body = format!(r#"{{"newpassword":"n","{old}":"o"}}"#);
            let expected = NewPassword { new: "n".to_owned(), old: Some("o".to_owned()) };
            assert_eq!(new_password(body.as_bytes()).unwrap(), expected);
        }
    }
}
