//! The directory's own types.

pub(crate) mod contact;
pub(crate) mod group;
pub(crate) mod notification;
pub(crate) mod people;
pub(crate) mod screening;
pub(crate) mod sharing;

use std::time::Duration;

use tidings_domain::{App, AppId, Error, KeyScope, UnixMillis, UserId, UserMutes, UserRef};

use self::people::PushSettings;
use crate::{
    secret::{Rotating, Secret},
    token::Holder,
};

/// Maximum length of an org, app name or Lanying app id, in bytes.
const MAX_NAME: usize = 64;
/// Maximum length of a nickname, in bytes.
const MAX_NICKNAME: usize = 256;

/// One of an app's names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum AppKey {
    Id(AppId),
    /// Agora: org and app, case-sensitive.
    Name(String, String),
    Lanying(String),
    Sdk(i64),
    /// Agora: the app id, in lower case.
    AgoraId(String),
}

impl AppKey {
    /// Parses Agora's `org#app`.
    pub(crate) fn from_agora(app_key: &str) -> Result<Self, Error> {
        match app_key.split_once('#') {
            Some((org, name)) if is_legal_name(org) && is_legal_name(name) => {
                Ok(Self::Name(org.to_owned(), name.to_owned()))
            }
            _ => Err(Error::app_not_found(app_key)),
        }
    }

    /// Parses Lanying's `app_id`.
    pub(crate) fn from_lanying(app_id: &str) -> Result<Self, Error> {
        if is_legal_name(app_id) {
            return Ok(Self::Lanying(app_id.to_owned()));
        }
        Err(Error::app_not_found(app_id))
    }

    /// Parses Agora's app id.
    pub(crate) fn from_agora_id(app_id: &str) -> Result<Self, Error> {
        if app_id.len() == 32 && app_id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(Self::AgoraId(app_id.to_ascii_lowercase()));
        }
        Err(Error::app_not_found(app_id))
    }

    /// Every name of `app` that is cached.
    pub(crate) fn all_of(app: &App) -> [Self; 4] {
        [
            Self::Id(app.id),
            Self::Name(app.org.clone(), app.name.clone()),
            Self::Lanying(app.lanying_app_id.clone()),
            Self::Sdk(app.sdk_appid),
        ]
    }

    pub(crate) fn not_found(&self) -> Error {
        Error::app_not_found(match self {
            Self::Id(id) => id.to_string(),
            Self::Name(org, name) => format!("{org}/{name}"),
            Self::Lanying(app_id) | Self::AgoraId(app_id) => app_id.clone(),
            Self::Sdk(sdk_appid) => sdk_appid.to_string(),
        })
    }
}

/// Whether `name` may be an org, an app name or a Lanying app id: it is used in paths unescaped.
pub(crate) fn is_legal_name(name: &str) -> bool {
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    // Clients resolve `.` and `..` before they send a path.
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(legal) && !matches!(name, "." | "..")
}

/// An app with its secrets in plain text.
#[derive(Debug)]
pub(crate) struct KnownApp {
    pub(crate) app: App,
    pub(crate) client_id: String,
    pub(crate) agora_app_id: String,
    pub(crate) client_secret: Rotating,
    pub(crate) app_certificate: Rotating,
    pub(crate) token_key: Rotating,
}

/// The parameters of [`crate::app::Core::create_app`].
#[derive(Debug)]
pub(crate) struct NewApp {
    pub(crate) org: String,
    pub(crate) name: String,
    /// `None`: a random one.
    pub(crate) lanying_app_id: Option<String>,
    /// `None`: a random one.
    pub(crate) sdk_appid: Option<i64>,
}

/// Which secret to rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretKind {
    Client,
    TokenKey,
    AppCertificate,
}

/// A token of the app itself that never expires; the token's text is not stored.
#[derive(Debug, Clone)]
pub(crate) struct AdminToken {
    pub(crate) id: i64,
    pub(crate) label: String,
    pub(crate) created_at: UnixMillis,
    pub(crate) revoked_at: Option<UnixMillis>,
}

/// An internal service that uses one app over gRPC; its key is not stored.
#[derive(Debug, Clone)]
pub(crate) struct ServiceAccount {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) scopes: Vec<KeyScope>,
    pub(crate) created_at: UnixMillis,
    pub(crate) revoked_at: Option<UnixMillis>,
}

/// A user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    /// As written; `None` for imported users without a name.
    pub(crate) username: Option<String>,
    pub(crate) uuid: String,
    /// False: only mentioned so far.
    pub(crate) registered: bool,
    pub(crate) enabled: bool,
    pub(crate) nickname: String,
    pub(crate) created_at: UnixMillis,
    pub(crate) modified_at: UnixMillis,
    /// Read where users are shown; else empty.
    pub(crate) push: PushSettings,
    /// Read by [`crate::app::Core::get_user_whole`]; else none.
    pub(crate) mutes: UserMutes,
}

/// A user with the data that tokens and passwords are checked against.
#[derive(Debug)]
pub(crate) struct KnownUser {
    pub(crate) user: User,
    /// Empty: cannot log in.
    pub(crate) password_hash: Secret,
    /// Our tokens contain the epoch in which they were issued.
    pub(crate) token_epoch: i64,
    /// Tokens that the app's server built in this second or before are revoked.
    pub(crate) tokens_void_until: i64,
}

/// A user to register.
#[derive(Debug, Clone)]
pub(crate) struct NewUser {
    pub(crate) username: String,
    /// Empty: cannot log in.
    pub(crate) password: Secret,
    pub(crate) nickname: String,
}

/// One of several registrations that failed.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) username: String,
    pub(crate) error: Error,
}

/// The kind of token to issue.
#[derive(Debug)]
pub(crate) enum Grant {
    ClientCredentials {
        client_id: String,
        client_secret: Secret,
    },
    Password {
        user: UserRef,
        password: Secret,
    },
    Inherit {
        user: UserRef,
        create: bool,
    },
    /// A token that the app's own server built.
    Exchange {
        token: Secret,
    },
}

/// A request for a token.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    pub(crate) grant: Grant,
    /// 0: never expires. `None`: the default.
    pub(crate) ttl_seconds: Option<i64>,
    pub(crate) peer_address: String,
}

/// A token and its user.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: Secret,
    /// The second; `None`: never.
    pub(crate) expires: Option<i64>,
    pub(crate) ttl_seconds: i64,
    pub(crate) user: Option<User>,
    pub(crate) app: App,
}

/// The subject of a token.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) app: App,
    /// `None`: no token was given.
    pub(crate) holder: Option<Holder>,
    /// Of a user token.
    pub(crate) username: String,
    /// The second; `None`: never.
    pub(crate) expires: Option<i64>,
}

/// A user's profile; the nickname and the name are the user's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    pub(crate) avatar: String,
    pub(crate) description: String,
    pub(crate) public_info: String,
    pub(crate) private_info: String,
    pub(crate) mobile: String,
    pub(crate) email: String,
}

impl Profile {
    /// The names of the fields that differ in `after`.
    pub(crate) fn differences(&self, after: &Self) -> Vec<String> {
        let fields = [
            ("avatar", self.avatar != after.avatar),
            ("description", self.description != after.description),
            ("public_info", self.public_info != after.public_info),
            ("private_info", self.private_info != after.private_info),
            ("mobile", self.mobile != after.mobile),
            ("email", self.email != after.email),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
    }
}

/// Changes of a profile; absent fields are unchanged.
#[derive(Debug, Default)]
pub(crate) struct ProfileChange {
    pub(crate) nickname: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) public_info: Option<String>,
    pub(crate) private_info: Option<String>,
    pub(crate) mobile: Option<String>,
    pub(crate) email: Option<String>,
}

/// Changes of a user; absent fields are unchanged.
#[derive(Debug, Default)]
pub(crate) struct UserChange {
    pub(crate) nickname: Option<String>,
    pub(crate) password: Option<Secret>,
    /// Required when users change their own password.
    pub(crate) old_password: Option<Secret>,
    pub(crate) enabled: Option<bool>,
    pub(crate) push: PushSettings,
}

/// A device that is online.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) device_sn: i64,
    /// The device's name: the client's own, otherwise its kind, an underscore and its number.
    pub(crate) resource: String,
    pub(crate) platform: String,
    pub(crate) opened_at: UnixMillis,
    /// `None`: it lasts as long as the client is connected.
    pub(crate) expires_at: Option<UnixMillis>,
}

/// A client that is connected to a gateway.
#[derive(Debug, Clone)]
pub(crate) struct Connected {
    pub(crate) app: AppId,
    pub(crate) user: UserId,
    pub(crate) gateway: i64,
    /// Unique at the gateway.
    pub(crate) id: i64,
    pub(crate) device_sn: i64,
    pub(crate) resource: String,
    pub(crate) platform: String,
    pub(crate) opened_at: UnixMillis,
    /// Only one session of a device of that name may be open.
    pub(crate) is_single: bool,
}

/// Which devices of a user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Devices {
    /// `None`: any.
    pub(crate) device_sn: Option<i64>,
    /// `None`: any.
    pub(crate) resource: Option<String>,
}

/// A device that reports online.
#[derive(Debug)]
pub(crate) struct NewSession {
    /// `None`: the lowest free number.
    pub(crate) device_sn: Option<i64>,
    pub(crate) platform: String,
    pub(crate) ttl: Duration,
}

impl Session {
    /// One that a client's server reported; its device has no name of its own.
    pub(crate) fn reported(device_sn: i64, platform: String, opened_at: UnixMillis, expires_at: UnixMillis) -> Self {
        let resource = format!("{platform}_{device_sn}");
        Self { device_sn, resource, platform, opened_at, expires_at: Some(expires_at) }
    }
}

impl Devices {
    /// Whether the device is one of them.
    pub(crate) fn contain(&self, device_sn: i64, resource: &str) -> bool {
        let has_number = self.device_sn.is_none_or(|number| number == device_sn);
        has_number && self.resource.as_ref().is_none_or(|name| name == resource)
    }
}

impl Profile {
    /// The public fields.
    #[must_use]
    pub(crate) fn without_private(self) -> Self {
        let Self { avatar, description, public_info, .. } = self;
        Self { avatar, description, public_info, ..Self::default() }
    }
}

/// Refuses a nickname that is too long.
pub(crate) fn check_nickname(nickname: &str) -> Result<(), Error> {
    check_text("nickname", nickname, MAX_NICKNAME)
}

/// Refuses a text of more than `max` bytes, or one that PostgreSQL cannot store.
pub(crate) fn check_text(field: &str, text: &str, max: usize) -> Result<(), Error> {
    if text.len() > max || text.contains('\0') {
        return Err(Error::invalid(field, format!("must be at most {max} bytes without U+0000")));
    }
    Ok(())
}
