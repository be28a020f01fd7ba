//! Who makes a call, and from where.

use std::net::IpAddr;

use crate::{AppId, ConversationId, Error, UserId};

/// The authority of a call.
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
    /// Tencent's name for it, `OptPlatform` (decision 34).
    pub const fn name(self) -> &'static str {
        match self {
            Self::RestApi => "RESTAPI",
        }
    }

    /// The inverse of [`Self::name`].
    pub fn of_name(name: &str) -> Result<Self, Error> {
        match name {
            "RESTAPI" => Ok(Self::RestApi),
            _ => Err(Error::invalid("platform", "must be RESTAPI")),
        }
    }
}

/// Passed along with every call, because events report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant.
    pub app: AppId,
    /// The authority.
    pub actor: Actor,
    /// The client's address as seen by the gateway; for gRPC the peer's.
    pub address: Option<IpAddr>,
    /// The device family.
    pub platform: Platform,
}

impl Caller {
    /// The app itself, not on behalf of a user.
    pub const fn of_app(app: AppId) -> Self {
        Self { app, actor: Actor::App, address: None, platform: Platform::RestApi }
    }

    /// Whether the app itself calls, not on behalf of a user, whose rights would be narrower.
    pub const fn is_app(&self) -> bool {
        matches!(self.actor, Actor::App | Actor::User(UserId::ADMIN))
    }

    /// Refuses a user who is not one of the two of a direct conversation.
    pub fn check_party(&self, conversation: ConversationId) -> Result<(), Error> {
        match self.actor {
            Actor::App => Ok(()),
            Actor::User(user) => conversation.check_party(user),
        }
    }
}
