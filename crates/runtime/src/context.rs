//! The caller of an RPC, as gRPC metadata.

use std::net::IpAddr;

use http::HeaderMap;
use tidings_domain::{Actor, AppId, Caller, Error, Platform, UserId, UserRef, Username};
use tidings_proto::pb::{AppRef, app_ref};
use tonic::{Request, metadata::MetadataMap};

/// The app: its number, or `org#app`.
pub const APP: &str = "tidings-app";
/// The user on whose behalf the call is made; absent: the app itself.
pub const USER: &str = "tidings-user";
/// The same user by name, since a name may be digits alone.
pub const USERNAME: &str = "tidings-username";
/// The client's address, set by the gateway.
pub const PEER: &str = "tidings-peer";
/// The number of the service account that calls, set by the gateway; absent: the call was made with the service key.
pub const ACCOUNT: &str = "tidings-account";

/// A request that carries its caller.
pub fn request<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert(APP, caller.app.0.into());
    if let Actor::User(user) = caller.actor {
        metadata.insert(USER, user.0.into());
    }
    if let Some(address) = caller.address {
        let address = address.to_string().parse().expect("an address is visible ASCII");
        metadata.insert(PEER, address);
    }
    request
}

/// Whether a call says that it is made on behalf of a user.
pub(crate) fn is_for_user(metadata: &HeaderMap) -> bool {
    metadata.contains_key(USER) || metadata.contains_key(USERNAME)
}

/// Whether the caller is a service account, which has fewer rights than the service key.
pub fn is_account<T>(request: &Request<T>) -> bool {
    request.metadata().contains_key(ACCOUNT)
}

/// The refusal of a field that service accounts must not set: its effect goes beyond their app.
pub fn needs_service_key(field: &str) -> Error {
    Error::not_permitted(format!("{field} needs the service key")).of_field(field)
}

/// The caller according to the metadata; neither the app nor the user is looked up yet.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The app.
    pub app: AppRef,
    /// The user on whose behalf the call is made; `None`: the app itself calls.
    pub user: Option<UserRef>,
    /// The client's address.
    pub address: Option<IpAddr>,
}

impl Scope {
    /// Reads the metadata of a request.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Error> {
        let metadata = request.metadata();
        let app = text(metadata, APP)?.ok_or_else(|| Error::invalid(APP, "metadata is required"))?;
        let app = match app.parse::<i64>() {
            Ok(id) => app_ref::App::Id(id),
            Err(_) => app_ref::App::AppKey(app.to_owned()),
        };
        let user = match (text(metadata, USER)?, text(metadata, USERNAME)?) {
            (None, None) => None,
            (Some(user), None) => Some(UserRef::Id(
                user_id(user).ok_or_else(|| Error::invalid(USER, "metadata must be a number that is not negative"))?,
            )),
            (None, Some(name)) => Some(UserRef::Name(Username::parse(name).map_err(|error| error.of_field(USERNAME))?)),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(USERNAME, format!("metadata must be absent where {USER} is given")));
            }
        };
        let address = text(metadata, PEER)?.and_then(|address| address.parse().ok());
        let address = address.or_else(|| request.remote_addr().map(|peer| peer.ip()));
        Ok(Self { app: AppRef { app: Some(app) }, user, address })
    }

    /// The caller, once it is known which app and user it is.
    pub const fn caller(&self, app: AppId, actor: Actor) -> Caller {
        Caller { app, actor, address: self.address, platform: Platform::RestApi }
    }
}

/// The user whom a call is about: the one it names, else the one on whose behalf it is made. Users can only make calls
/// about themselves.
pub fn subject(caller: &Caller, named: Option<i64>) -> Result<UserId, Error> {
    let own = caller.actor.user();
    let named = named.map_or(own, UserId);
    if matches!(caller.actor, Actor::User(_)) && named != own {
        return Err(Error::not_permitted("users see only their own conversations"));
    }
    Ok(named)
}

/// Only digits: no sign, no spaces.
fn user_id(text: &str) -> Option<UserId> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    if digits { text.parse().ok().map(UserId) } else { None }
}

fn text<'a>(metadata: &'a MetadataMap, key: &str) -> Result<Option<&'a str>, Error> {
    let mut values = metadata.get_all(key).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Error::invalid(key, "metadata must be given once"));
    }
    let text = value.to_str().map_err(|error| Error::invalid(key, "metadata must be text").because(error))?;
    Ok(Some(text))
}
