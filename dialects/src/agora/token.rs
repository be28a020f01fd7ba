//! `POST /token` (agora.md 10.1, errors of 8.3).

use tidings_domain::{Error, Reason, Username};

use super::{Refusal, User, dto, refusal::decode};
use crate::{
    flag::Flag,
    json::{Label, bytes_of},
    number::Integer,
};

/// The credentials of a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The app's own credentials.
    ClientCredentials {
        /// `client_id`
        id: String,
        /// `client_secret`
        secret: String,
    },
    /// A user's password.
    Password {
        /// The user.
        user: Username,
        /// `password`
        password: String,
    },
    /// A token that the app's own server built, sent as the call's own.
    Exchange,
    /// A user without the password; needs an app token.
    Inherit {
        /// The user.
        user: Username,
        /// Whether to create the user if they do not exist.
        create: bool,
    },
}

/// A request for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The credentials.
    pub grant: Grant,
    /// Seconds; 0 never expires, absent is the default.
    pub ttl: Option<i64>,
}

/// Parses the body.
pub fn token_request(body: &[u8]) -> Result<TokenRequest, Refusal> {
    let dto: dto::TokenRequest<'_> = decode(body)?;
    let ttl = dto.ttl.map(|Integer(seconds)| seconds);
    if ttl.is_some_and(|seconds| seconds < 0) {
        return Err(Refusal::illegal_argument("ttl must not be negative"));
    }
    Ok(TokenRequest { ttl, grant: grant(dto)? })
}

fn grant(dto: dto::TokenRequest<'_>) -> Result<Grant, Refusal> {
    match dto.grant_type.as_deref() {
        Some("client_credentials") => Ok(Grant::ClientCredentials {
            id: given(dto.client_id, "client_id must be provided.")?,
            secret: given(dto.client_secret, "client_secret must be provided")?,
        }),
        Some("password") => Ok(Grant::Password {
            user: login_name(dto.username.as_ref())?,
            password: given(dto.password, "password or pin must provided")?,
        }),
        Some("inherit") => {
            let written = name(dto.username.as_ref())?;
            Ok(Grant::Inherit { user: Username::parse(written)?, create: dto.auto_create_user.is_some_and(Flag::bool) })
        }
        Some("agora") => Ok(Grant::Exchange),
        Some(_) => Err(Refusal::illegal_argument("grant_type is not supported")),
        None => Err(Refusal::illegal_argument("grant_type must be provided")),
    }
}

/// An invalid name is reported as a user who does not exist: clients parse these words at login.
fn login_name(username: Option<&Label<'_>>) -> Result<Username, Refusal> {
    Username::parse(name(username)?).map_err(|_| user_not_found())
}

fn name<'a>(username: Option<&'a Label<'_>>) -> Result<&'a str, Refusal> {
    Label::given(username).ok_or_else(|| Refusal::illegal_argument("username must be provided"))
}

fn given(value: Option<String>, otherwise: &'static str) -> Result<String, Refusal> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| Refusal::illegal_argument(otherwise))
}

fn user_not_found() -> Refusal {
    Refusal::new(404, "invalid_grant", "user not found").because(Reason::UserNotFound)
}

/// The call-specific words for an unknown user; every other error keeps its general words.
pub fn token_refusal(grant: &Grant, error: &Error) -> Refusal {
    match (error.reason(), grant) {
        (Reason::UserNotFound, Grant::Inherit { .. }) => {
            Refusal::new(404, "entity_not_found", "User null not found").because(Reason::UserNotFound)
        }
        (Reason::UserNotFound, _) => user_not_found(),
        _ => Refusal::from(error),
    }
}

/// The answer, which has no envelope: an app token contains the application, a user token the user.
pub fn token(token: &str, ttl_seconds: i64, application: &str, user: Option<&User<'_>>) -> Vec<u8> {
    bytes_of(&dto::Token {
        access_token: token,
        expires_in: ttl_seconds,
        application: user.is_none().then_some(application),
        user: user.map(User::entity),
    })
}

/// The answer to an exchange, which expires at that millisecond.
pub fn exchanged_token(token: &str, expires_at_ms: i64) -> Vec<u8> {
    bytes_of(&dto::ExchangedToken { access_token: token, expire_timestamp: expires_at_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttl_is_a_number_or_a_numeric_string_agora_10_1() {
        for ttl in ["1024000", "\"1024000\"", "1024000.0"] {
            let body =
                format!(r#"{{"grant_type":"password","username":"Nora","password":"pw","ttl":{ttl},"timestamp":1}}"#);
            let request = token_request(body.as_bytes()).unwrap();
            assert_eq!(request.ttl, Some(1_024_000));
            assert!(matches!(request.grant, Grant::Password { user, .. } if user.folded() == "nora"));
        }
    }

    #[test]
    fn what_is_missing_is_named_agora_8_3() {
        let refused = |body: &str| token_request(body.as_bytes()).unwrap_err().description.into_owned();
        assert_eq!(refused(r#"{"grant_type":"client_credentials"}"#), "client_id must be provided.");
        assert_eq!(refused(r#"{"grant_type":"client_credentials","client_id":"c"}"#), "client_secret must be provided");
        assert_eq!(refused(r#"{"grant_type":"password","username":"no body","password":"x"}"#), "user not found");
    }

    #[test]
    fn an_exchange_answers_with_the_token_and_its_end_agora_10_1() {
        assert!(matches!(token_request(br#"{"grant_type":"agora"}"#).unwrap().grant, Grant::Exchange));
        let json = String::from_utf8(exchanged_token("YWMt", 1_752_686_400_000)).unwrap();
        assert_eq!(json, r#"{"access_token":"YWMt","expire_timestamp":1752686400000}"#);
    }

    #[test]
    fn an_app_token_names_the_application_and_no_user() {
        let json = String::from_utf8(token("YWMt", 0, "uuid", None)).unwrap();
        assert_eq!(json, r#"{"access_token":"YWMt","expires_in":0,"application":"uuid"}"#);
    }
}
