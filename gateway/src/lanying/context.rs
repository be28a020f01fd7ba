//! A Lanying call: its caller, the user it is for, and its conversation (lanying.md 1 and 3).

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, MatchedPath},
    response::Response,
};
use http::{HeaderMap, request::Parts};
use tidings_dialects::lanying::{Params, Refusal};
use tidings_domain::{
    Actor, App, Caller, ConversationId, Error, GroupId, GroupKind, GroupRole, Platform, Reason, Target, UserId,
    UserRef, decimal_id,
};
use tidings_proto::pb::{self, app_ref};
use tidings_runtime::context;

use crate::{
    Gateway,
    caller_note::CallerNote,
    identity::{Identity, Who},
    limits::Cost,
    membership::{membership, of_group},
    rate_headers::Standings,
    reply::refused,
    request::{BodyReader, address, base_url, header},
};

/// A Lanying call without its body.
pub(crate) struct RequestContext {
    pub headers: HeaderMap,
    pub address: Option<IpAddr>,
    pub query: String,
    /// The base URL for clients.
    pub base_url: String,
    /// The method and the route's template, the key by which calls are counted.
    route: String,
    /// The state of the quotas that apply to the call.
    standings: Standings,
    body: BodyReader,
    caller_note: CallerNote,
}

impl FromRequestParts<Gateway> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        let template = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str).trim_end_matches('/');
        Ok(Self {
            route: format!("{} {template}", parts.method),
            standings: Standings::default(),
            address: address(parts, gateway),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            base_url: base_url(parts, gateway),
            body: BodyReader::new(gateway),
            caller_note: CallerNote::of(parts),
            headers: std::mem::take(&mut parts.headers),
        })
    }
}

impl RequestContext {
    /// The app's name for the directory; a call without one names no app.
    pub fn app_ref(&self) -> Result<app_ref::App, Error> {
        let app_id =
            header(&self.headers, "app_id").ok_or_else(|| Error::app_not_found("the header app_id is missing"))?;
        Ok(app_ref::App::LanyingAppId(app_id.to_owned()))
    }

    /// The identity of the token; no token is anonymous. The call counts from here on, so this is called once.
    pub async fn identity(&self, gateway: &Gateway) -> Result<Arc<Identity>, Error> {
        let identity = gateway.identities().of(self.app_ref()?, self.token()).await?;
        self.caller_note.set(&identity);
        if identity.check_known().is_ok() {
            self.body.set_known();
        }
        self.count(gateway, &identity).await?;
        Ok(identity)
    }

    /// The same for a call that names its app and its token elsewhere.
    pub async fn identity_as(&self, gateway: &Gateway, app: app_ref::App, token: &str) -> Result<Arc<Identity>, Error> {
        let identity = gateway.identities().of(app, token).await?;
        self.count(gateway, &identity).await?;
        Ok(identity)
    }

    async fn count(&self, gateway: &Gateway, identity: &Identity) -> Result<(), Error> {
        let call = Cost::call(&self.route, identity.check_known().is_ok());
        self.take(gateway, &identity.app, &[call]).await
    }

    /// Checks the call against quotas of the app. All of it is admitted, or nothing is taken and the call must end.
    pub async fn take(&self, gateway: &Gateway, app: &App, costs: &[Cost]) -> Result<(), Error> {
        gateway.limits().admit(app, costs, &self.standings).await
    }

    /// The whole body, which may be larger once the sender is authenticated.
    pub async fn read(&self, body: Body) -> Result<Bytes, Error> {
        self.body.read(body).await
    }

    /// The token, as sent; empty if there is none.
    pub fn token(&self) -> &str {
        header(&self.headers, "access-token").unwrap_or_default()
    }

    /// The caller, according to token, `user_id` and `group_id` (decision 28): an admin token may act for any user
    /// and for the owner of any group, a user token only for its own user. With both headers the user must be an admin
    /// of the group.
    pub async fn caller(&self, gateway: &Gateway) -> Result<(Arc<Identity>, Caller), Refusal> {
        let identity = self.identity(gateway).await?;
        identity.check_known()?;
        let as_user = self.number("user_id")?.map(UserId);
        let as_group = self.number("group_id")?;
        let app = self.caller_as(&identity.app, Actor::App);
        let actor = match identity.who {
            Who::User { id, .. } => own(id, as_user, as_group)?,
            Who::App | Who::Anonymous => match (as_user, as_group) {
                (None, None) => Actor::App,
                (Some(user), None) => Actor::User(user),
                (user, Some(group)) => Actor::User(admin_of(gateway, &app, user, group).await?),
            },
        };
        let caller = Caller { actor, ..app };
        Ok((identity, caller))
    }

    /// The same for a call that only the app itself may make; the headers still name the subject.
    pub async fn admin(&self, gateway: &Gateway) -> Result<(Arc<Identity>, Caller), Refusal> {
        let (identity, caller) = self.caller(gateway).await?;
        identity.check_app()?;
        Ok((identity, caller))
    }

    /// The same for a call that only users make, not the app itself.
    pub async fn user(&self, gateway: &Gateway) -> Result<Caller, Refusal> {
        let (_, caller) = self.caller(gateway).await?;
        acting_user(&caller)?;
        Ok(caller)
    }

    /// The answer to the call. A missing user may be the token's own: then the token is reported as invalid.
    pub async fn answer(&self, gateway: &Gateway, outcome: Result<Vec<u8>, Refusal>) -> Response {
        if let Err(refusal) = &outcome
            && refusal.reason == Reason::UserNotFound
            && let Ok(app) = self.app_ref()
            && let Some(fault) = gateway.identities().fault(app, self.token()).await
        {
            return self.with_rates(super::answer(Err(fault.into())));
        }
        self.with_rates(super::answer(outcome))
    }

    /// Adds the state of the quotas that apply to the call.
    pub fn with_rates(&self, mut response: Response) -> Response {
        self.standings.write(&mut response);
        response
    }

    /// The call has revoked its own token: the next call with it is refused, at this gateway immediately.
    pub fn forget_token(&self, gateway: &Gateway) {
        if let Ok(app) = self.app_ref() {
            gateway.identities().forget(&app, self.token());
        }
    }

    /// Query and body of one of the neighbouring calls.
    pub async fn params(&self, body: Body) -> Result<Params, Refusal> {
        Params::read(&self.query, &self.read(body).await?)
    }

    pub fn caller_as(&self, app: &App, actor: Actor) -> Caller {
        Caller { app: app.id, actor, address: self.address, platform: Platform::RestApi }
    }

    /// 0 means absent: typed clients write it for omitted fields.
    fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        let text = value.to_str().map_err(|_| Error::invalid(name, "header must be an id"))?.trim();
        match text {
            "" | "0" => Ok(None),
            text => decimal_id(text).map(Some).ok_or_else(|| Error::invalid(name, "header must be an id")),
        }
    }
}

/// The user on whose behalf a call is made; none for the app itself.
pub(super) fn acting_user(caller: &Caller) -> Result<UserId, Refusal> {
    match caller.actor {
        Actor::User(user) => Ok(user),
        Actor::App => Err(Refusal::bad_parameter("user_id", "header is required with an admin token")),
    }
}

/// A user token only authenticates its own user.
fn own(own: UserId, as_user: Option<UserId>, as_group: Option<i64>) -> Result<Actor, Error> {
    if as_group.is_some() {
        return Err(Error::not_permitted("group_id header needs an admin token"));
    }
    if as_user.is_some_and(|other| other != own) {
        return Err(Error::not_permitted("user_id header needs an admin token"));
    }
    Ok(Actor::User(own))
}

/// Who acts for the group: its owner, or the user given, who must be an admin of it.
async fn admin_of(gateway: &Gateway, app: &Caller, user: Option<UserId>, group: i64) -> Result<UserId, Error> {
    let found = membership(gateway, app, user.unwrap_or(UserId::ADMIN), group).await?;
    let membership = found.ok_or_else(|| Error::new(Reason::GroupNotFound, group.to_string()))?;
    match user {
        None => Ok(membership.owner),
        Some(user) if membership.role >= Some(GroupRole::Admin) => Ok(user),
        Some(user) => Err(Error::new(Reason::GroupAdminRequired, user.to_string())),
    }
}

/// The conversation that the caller knows as `id`: with that user, or of that group (lanying.md 3: one id space, and no
/// call says which). If the number looks like that of a deleted group, the directory says whether it is a user's.
pub(super) async fn conversation(gateway: &Gateway, caller: &Caller, id: i64) -> Result<ConversationId, Error> {
    if let Some(conversation) = of_group(gateway, caller, id).await? {
        return Ok(conversation);
    }
    if GroupKind::from_code(id & 15).is_some() && !is_user(gateway, caller, id).await? {
        return Err(Error::new(Reason::GroupNotFound, id.to_string()));
    }
    Ok(ConversationId::direct(caller.actor.user(), UserId(id)))
}

async fn is_user(gateway: &Gateway, caller: &Caller, id: i64) -> Result<bool, Error> {
    let request = pb::GetUserRequest { user: Some(UserRef::Id(UserId(id)).into()) };
    match gateway.clients().directory.clone().get_user(context::request(caller, request)).await.map_err(refused) {
        Ok(_) => Ok(true),
        Err(error) if error.reason() == Reason::UserNotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The same target, as a room if the directory says that it is one: a request of `type` 2 may mean either.
pub(super) async fn group_or_room(gateway: &Gateway, caller: &Caller, target: Target) -> Result<Target, Error> {
    match target {
        Target::Group(GroupId(id)) => match of_group(gateway, caller, id).await? {
            Some(ConversationId::Room(room)) => Ok(Target::Room(room)),
            _ => Ok(target),
        },
        Target::User(_) | Target::Room(_) => Ok(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_token_stands_for_its_own_user_alone_decision_28() {
        let ann = UserId(32);
        let reason = |result: Result<Actor, Error>| result.unwrap_err().reason();
        assert_eq!(own(ann, None, None).unwrap(), Actor::User(ann));
        assert_eq!(own(ann, Some(ann), None).unwrap(), Actor::User(ann));
        assert_eq!(reason(own(ann, Some(UserId(48)), None)), Reason::NotPermitted);
        assert_eq!(reason(own(ann, None, Some(17))), Reason::NotPermitted);
    }
}
