//! Converts between protobuf messages and the directory's own types.

pub(crate) mod connected;
pub(crate) mod contact;
pub(crate) mod group;
pub(crate) mod notification;
pub(crate) mod people;
pub(crate) mod screening;
pub(crate) mod sharing;
pub(crate) mod thread;
pub(crate) mod user;

use tidings_domain::{AppId, Error, UnixMillis, UserMutes};
use tidings_proto::{Timestamp, page_size, pb, required, timestamp};

use crate::{
    model::{
        AdminToken, AppKey, Grant, Identity, Issued, KnownApp, NewApp, NewUser, Refusal, SecretKind, ServiceAccount,
        TokenRequest, User,
    },
    secret::Secret,
    token::Holder,
};

impl TryFrom<pb::AppRef> for AppKey {
    type Error = Error;

    fn try_from(wire: pb::AppRef) -> Result<Self, Error> {
        match required("app", wire.app)? {
            pb::app_ref::App::Id(id) => Ok(Self::Id(AppId(id))),
            pb::app_ref::App::AppKey(app_key) => Self::from_agora(&app_key),
            pb::app_ref::App::LanyingAppId(app_id) => Self::from_lanying(&app_id),
            pb::app_ref::App::SdkAppid(sdk_appid) => Ok(Self::Sdk(sdk_appid)),
            pb::app_ref::App::AgoraAppId(app_id) => Self::from_agora_id(&app_id),
        }
    }
}

/// The app of a request that carries one.
pub(crate) fn app_key(wire: Option<pb::AppRef>) -> Result<AppKey, Error> {
    required("app", wire)?.try_into()
}

/// The most items on a page of most lists.
const MOST: i32 = 1000;

/// A page's size: 0 means `default`.
pub(crate) fn size(asked: i32, default: i32) -> Result<i64, Error> {
    size_up_to(MOST, asked, default)
}

/// The same with another maximum.
pub(crate) fn size_up_to(most: i32, asked: i32, default: i32) -> Result<i64, Error> {
    page_size(asked, default, most).map(i64::from)
}

impl From<pb::CreateAppRequest> for NewApp {
    fn from(wire: pb::CreateAppRequest) -> Self {
        Self {
            org: wire.org,
            name: wire.name,
            lanying_app_id: Some(wire.lanying_app_id).filter(|id| !id.is_empty()),
            sdk_appid: Some(wire.sdk_appid).filter(|id| *id != 0),
        }
    }
}

/// The app with the secrets that its owner needs; the token key stays internal.
pub(crate) fn revealed(known: &KnownApp) -> pb::AppWithSecrets {
    pb::AppWithSecrets {
        app: Some(known.app.clone().into()),
        client_id: known.client_id.clone(),
        client_secret: known.client_secret.current.expose().to_owned(),
        app_certificate: known.app_certificate.current.expose().to_owned(),
        agora_app_id: known.agora_app_id.clone(),
    }
}

impl TryFrom<pb::SecretKind> for SecretKind {
    type Error = Error;

    fn try_from(wire: pb::SecretKind) -> Result<Self, Error> {
        match wire {
            pb::SecretKind::Unspecified => Err(Error::invalid("kind", "is required")),
            pb::SecretKind::Client => Ok(Self::Client),
            pb::SecretKind::TokenKey => Ok(Self::TokenKey),
            pb::SecretKind::AppCertificate => Ok(Self::AppCertificate),
        }
    }
}

impl From<AdminToken> for pb::AdminToken {
    fn from(token: AdminToken) -> Self {
        Self {
            id: token.id,
            label: token.label,
            created_at: Some(timestamp(token.created_at)),
            revoked_at: token.revoked_at.map(timestamp),
        }
    }
}

impl From<ServiceAccount> for pb::ServiceAccount {
    fn from(account: ServiceAccount) -> Self {
        Self {
            id: account.id,
            name: account.name,
            scopes: account.scopes.into_iter().map(|scope| scope.name().to_owned()).collect(),
            created_at: Some(timestamp(account.created_at)),
            revoked_at: account.revoked_at.map(timestamp),
        }
    }
}

impl From<User> for pb::User {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.unwrap_or_default(),
            uuid: user.uuid,
            registered: user.registered,
            enabled: user.enabled,
            created_at: Some(timestamp(user.created_at)),
            modified_at: Some(timestamp(user.modified_at)),
            nickname: user.nickname,
            push: (!user.push.is_empty()).then(|| user.push.into()),
            mutes: (user.mutes != UserMutes::NONE).then(|| pb::UserMutes { user_id: user.id.0, ..user.mutes.into() }),
        }
    }
}

impl From<pb::NewUser> for NewUser {
    fn from(wire: pb::NewUser) -> Self {
        Self { username: wire.username, password: Secret::new(wire.password), nickname: wire.nickname }
    }
}

/// The outcome of one registration.
pub(crate) fn registered(result: Result<User, Refusal>) -> pb::Registered {
    let result = match result {
        Ok(user) => pb::registered::Result::User(user.into()),
        Err(Refusal { username, error }) => pb::registered::Result::Failure(pb::RegisterFailure {
            reason: error.reason().words().name.to_owned(),
            username,
            text: error.to_string(),
        }),
    };
    pb::Registered { result: Some(result) }
}

impl TryFrom<pb::issue_token_request::Grant> for Grant {
    type Error = Error;

    fn try_from(wire: pb::issue_token_request::Grant) -> Result<Self, Error> {
        use pb::issue_token_request::Grant as Wire;
        Ok(match wire {
            Wire::ClientCredentials(pb::ClientCredentials { client_id, client_secret }) => {
                Self::ClientCredentials { client_id, client_secret: Secret::new(client_secret) }
            }
            Wire::Password(pb::Password { user, password }) => {
                Self::Password { user: required("password.user", user)?.try_into()?, password: Secret::new(password) }
            }
            Wire::Exchange(pb::Exchange { token }) => Self::Exchange { token: Secret::new(token) },
            Wire::Inherit(pb::Inherit { user, create }) => {
                Self::Inherit { user: required("inherit.user", user)?.try_into()?, create }
            }
        })
    }
}

/// The app and the request.
pub(crate) fn token_request(wire: pb::IssueTokenRequest) -> Result<(AppKey, TokenRequest), Error> {
    let grant = required("grant", wire.grant)?.try_into()?;
    let request = TokenRequest { grant, ttl_seconds: wire.ttl_seconds, peer_address: wire.peer_address };
    Ok((app_key(wire.app)?, request))
}

impl From<Issued> for pb::Token {
    fn from(issued: Issued) -> Self {
        Self {
            token: issued.token.expose().to_owned(),
            expires_at: end(issued.expires),
            ttl_seconds: issued.ttl_seconds,
            user: issued.user.map(Into::into),
            app: Some(issued.app.into()),
        }
    }
}

impl From<Identity> for pb::Identity {
    fn from(identity: Identity) -> Self {
        let (kind, user_id) = match identity.holder {
            None => (pb::IdentityKind::Anonymous, 0),
            Some(Holder::App | Holder::Admin(_)) => (pb::IdentityKind::App, 0),
            Some(Holder::User(user, _)) => (pb::IdentityKind::User, user.0),
        };
        Self {
            kind: kind.into(),
            app: Some(identity.app.into()),
            user_id,
            username: identity.username,
            expires_at: end(identity.expires),
        }
    }
}

fn end(expires: Option<i64>) -> Option<Timestamp> {
    expires.map(|second| timestamp(UnixMillis(second.saturating_mul(1000))))
}
