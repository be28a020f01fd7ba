//! Who makes a call, and from where.

use std::net::IpAddr;

use crate::{AppId, ConversationId, Error, UserId};

/// On whose authority a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The app itself: an app token, an admin token or a service key.
    App,
    /// One user: a user token, or the app acting as that user.
    User(UserId),
}

impl Actor {
    /// The user that the actor is in conversations; the app itself is user 0.
    pub const fn user(self) -> UserId {
        match self {
            Self::App => UserId::ADMIN,
            Self::User(user) => user,
        }
    }
}

/// The device family that a call came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Platform {
    /// A server: REST or gRPC.
    #[default]
    RestApi,
}

impl Platform {
    /// In Tencent's word, `OptPlatform` (decision 34).
    pub const fn name(self) -> &'static str {
        match self {
            Self::RestApi => "RESTAPI",
        }
    }

    /// The opposite of [`Self::name`].
    pub fn of_name(name: &str) -> Result<Self, Error> {
        match name {
            "RESTAPI" => Ok(Self::RestApi),
            _ => Err(Error::invalid("platform", "must be RESTAPI")),
        }
    }
}

/// Travels with every call, since events tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant.
    pub app: AppId,
    /// On whose authority.
    pub actor: Actor,
    /// The client's address as the gateway knows it; for gRPC the peer's.
    pub address: Option<IpAddr>,
    /// The device family.
    pub platform: Platform,
}

impl Caller {
    /// The app itself, with nobody behind it.
    pub const fn of_app(app: AppId) -> Self {
        Self { app, actor: Actor::App, address: None, platform: Platform::RestApi }
    }

    /// Whether the app itself calls, with nobody behind it whose rights would be less.
    pub const fn is_app(&self) -> bool {
        matches!(self.actor, Actor::App | Actor::User(UserId::ADMIN))
    }

    /// Refuses a conversation that the caller, being a user, has no part in.
    pub fn check_party(&self, conversation: ConversationId) -> Result<(), Error> {
        match self.actor {
            Actor::App => Ok(()),
            Actor::User(user) => conversation.check_party(user),
        }
    }
}
