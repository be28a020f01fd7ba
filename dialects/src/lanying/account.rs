//! Registration and user tokens (lanying.md 1 and 10).

use tidings_domain::{UserId, UserRef, Username};

use super::{Refusal, dto, envelope::answer, refusal::decode};
use crate::number::Integer;

/// A user to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// As written.
    pub username: String,
    /// For logging in.
    pub password: String,
}

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: UserRef,
    /// The password.
    pub password: String,
    /// Whether the answer contains a push token.
    pub with_device: bool,
}

/// Parses the body of `POST /user/register/v2`.
pub fn register_request(body: &[u8]) -> Result<NewAccount, Refusal> {
    let dto: dto::Register = decode(body)?;
    Ok(NewAccount { username: given("username", dto.username)?, password: given("password", dto.password)? })
}

/// Parses the body of `POST /token/id`.
pub fn token_request_by_id(body: &[u8]) -> Result<Login, Refusal> {
    let dto: dto::TokenById = decode(body)?;
    let Some(Integer(id)) = dto.user_id.filter(|id| id.0 >= 0) else {
        return Err(Refusal::bad_parameter("user_id", "is required"));
    };
    let password = given("password", dto.password)?;
    Ok(Login { user: UserRef::Id(UserId(id)), password, with_device: has_device(dto.device_guid.as_deref()) })
}

/// Parses the body of `POST /token/user`.
pub fn token_request_by_name(body: &[u8]) -> Result<Login, Refusal> {
    let dto: dto::TokenByName = decode(body)?;
    let user = UserRef::Name(Username::parse(&given("name", dto.name)?)?);
    let password = given("password", dto.password)?;
    Ok(Login { user, password, with_device: has_device(dto.device_guid.as_deref()) })
}

/// Parses the body of `POST /token/login`. Mobile numbers and e-mail addresses are not supported as names.
pub fn token_request_by_login(body: &[u8]) -> Result<Login, Refusal> {
    let dto: dto::TokenByLogin = decode(body)?;
    let user = UserRef::Name(Username::parse(&given("login_name", dto.login_name)?)?);
    let password = given("password", dto.password)?;
    Ok(Login { user, password, with_device: has_device(dto.device_guid.as_deref()) })
}

/// Maximum number of users per call of `/user/register/batch`: as many as the directory accepts at once.
const MAX_BATCH: usize = 60;

/// Parses the body of `POST /user/register/batch`.
pub fn batch_request(body: &[u8]) -> Result<Vec<NewAccount>, Refusal> {
    let users: Vec<dto::Register> = super::Params::read("", body)?.list("list", MAX_BATCH)?;
    let account = |dto: dto::Register| {
        Ok(NewAccount { username: given("username", dto.username)?, password: given("password", dto.password)? })
    };
    users.into_iter().map(account).collect()
}

fn given(field: &str, value: Option<String>) -> Result<String, Refusal> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| Refusal::bad_parameter(field, "is required"))
}

fn has_device(guid: Option<&str>) -> bool {
    guid.is_some_and(|guid| !guid.is_empty())
}

/// The answer to a registration: the new user's settings, all of them the defaults.
pub fn registered(user: UserId) -> Vec<u8> {
    answer(dto::UserSettings {
        user_id: user.0,
        auto_download: false,
        group_confirm: false,
        no_sounds: false,
        no_push: false,
        vibratory: false,
        no_push_detail: false,
        auth_mode: 0,
        no_push_start_hour: 0,
        no_push_end_hour: 0,
    })
}

/// A user's token. `expires_at` is in milliseconds, 0 for never. Keys and push tokens of the vendor's long connection
/// are empty: there are none.
pub fn token(user: UserId, token: &str, expires_at: i64, with_device: bool) -> Vec<u8> {
    answer(dto::Token {
        user_id: user.0,
        token,
        expire: expires_at,
        store_token: false,
        access_key_secret: "",
        public_key: "",
        encrypt_type: 0,
        push_token: with_device.then_some(""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_be_decimal_strings() {
        let login = token_request_by_id(br#"{"user_id":"32","password":"pw","device_guid":"g"}"#).unwrap();
        assert_eq!(login, Login { user: UserRef::Id(UserId(32)), password: "pw".into(), with_device: true });
    }

    #[test]
    fn what_is_missing_is_10002() {
        assert_eq!(register_request(br#"{"username":"ann"}"#).unwrap_err().code, 10002);
        assert_eq!(token_request_by_name(b"").unwrap_err().code, 10002);
        assert_eq!(token_request_by_id(br#"{"password":"pw"}"#).unwrap_err().code, 10002);
    }
}
