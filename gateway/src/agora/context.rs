//! The parts of a request that every Agora call reads before its body.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, MatchedPath},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION, request::Parts};
use tidings_dialects::agora::{Call, Refusal, Timing};
use tidings_domain::{
    Actor, App, Caller, Content, Error, Platform, Rate, Reason, StoredFile, UnixMillis, UserId, Username,
    is_reserved_org,
};
use tidings_proto::{internal, pb::app_ref};
use tidings_runtime::context;

use crate::{
    Gateway,
    caller_note::CallerNote,
    identity::Identity,
    limits::Cost,
    paths,
    rate_headers::Standings,
    reply::{self, refused},
    request::{BodyReader, address, base_url, header},
};

/// Where a disabled user gets a different error text.
const TOKEN_PATH: &str = "/token";

/// An Agora call without its body.
pub(crate) struct RequestContext {
    org: String,
    app: String,
    /// The app's base URL, without a slash at the end.
    path: String,
    uri: String,
    action: &'static str,
    started: UnixMillis,
    /// The method and the route's template, the key by which calls are counted.
    route: String,
    /// The state of the quotas that apply to the call.
    standings: Standings,
    body: BodyReader,
    caller_note: CallerNote,
    pub headers: HeaderMap,
    pub address: Option<IpAddr>,
    pub query: String,
}

impl FromRequestParts<Gateway> for RequestContext {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Response> {
        let full = parts.uri.path().trim_end_matches('/');
        let mut segments = full.splitn(4, '/').skip(1);
        let (org, app) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        if is_reserved_org(org) {
            return Err(paths::unknown(gateway, full));
        }
        let template = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str).trim_end_matches('/');
        Ok(Self {
            route: format!("{} {template}", parts.method),
            standings: Standings::default(),
            body: BodyReader::new(gateway),
            caller_note: CallerNote::of(parts),
            org: org.to_owned(),
            app: app.to_owned(),
            path: format!("/{}", segments.next().unwrap_or_default()),
            uri: format!("{}{full}", base_url(parts, gateway)),
            action: action(&parts.method),
            started: gateway.now(),
            address: address(parts, gateway),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: std::mem::take(&mut parts.headers),
        })
    }
}

fn action(method: &Method) -> &'static str {
    match *method {
        Method::POST => "post",
        Method::PUT => "put",
        Method::DELETE => "delete",
        _ => "get",
    }
}

impl RequestContext {
    /// The app's name for the directory.
    pub fn app_ref(&self) -> app_ref::App {
        app_ref::App::AppKey(format!("{}#{}", self.org, self.app))
    }

    /// The token, as sent; empty if there is none.
    pub fn token(&self) -> &str {
        token(header(&self.headers, AUTHORIZATION.as_str()).unwrap_or_default())
    }

    /// The identity of the token; no token is anonymous. The call counts from here on, so this is called once.
    pub async fn identity(&self, gateway: &Gateway) -> Result<Arc<Identity>, Refusal> {
        self.identity_as(gateway, self.token()).await
    }

    /// The same for a call that is not authorized by its own token.
    pub async fn identity_as(&self, gateway: &Gateway, token: &str) -> Result<Arc<Identity>, Refusal> {
        let identity = self.identity_of(gateway, token).await?;
        self.take(gateway, &identity.app, &self.costs(&identity)).await?;
        Ok(identity)
    }

    /// The identity of `token`; the call does not count.
    pub async fn identity_of(&self, gateway: &Gateway, token: &str) -> Result<Arc<Identity>, Refusal> {
        let identity = gateway.identities().of(self.app_ref(), token).await.map_err(|error| self.refusal(&error))?;
        self.caller_note.set(&identity);
        if identity.check_known().is_ok() {
            self.body.set_known();
        }
        Ok(identity)
    }

    /// The whole body, which may be larger once the sender is authenticated.
    pub async fn read(&self, body: Body) -> Result<Bytes, Error> {
        self.body.read(body).await
    }

    /// Checks the call against quotas of the app. All of it is admitted, or nothing is taken and the call must end.
    pub async fn take(&self, gateway: &Gateway, app: &App, costs: &[Cost]) -> Result<(), Refusal> {
        Ok(gateway.limits().admit(app, costs, &self.standings).await?)
    }

    /// The costs of the call itself (agora.md 2, 9). Sends to groups and rooms have rates of their own.
    fn costs(&self, identity: &Identity) -> Vec<Cost> {
        if identity.check_known().is_err() {
            return vec![Cost::call(&self.route, false)];
        }
        match self.path.as_str() {
            "/messages/chatgroups" | "/messages/chatgroups/users" => vec![Cost::one(Rate::GroupCalls)],
            "/messages/chatrooms" | "/messages/chatrooms/users" => vec![Cost::one(Rate::RoomCalls)],
            path if path.starts_with("/chatmessages/") => {
                vec![Cost::one(Rate::ExportCalls), Cost::one(Rate::ExportCallsMinute)]
            }
            _ => vec![Cost::call(&self.route, true)],
        }
    }

    /// The URL of another path inside the app.
    pub fn uri_of(&self, path: &str) -> String {
        format!("{}{path}", self.uri.strip_suffix(&self.path).unwrap_or(&self.uri))
    }

    /// Prepends the app's base URL to the path of a file that a message named only by its uuid (decision 38), so that
    /// it has a URL in every dialect.
    pub fn locate(&self, content: &mut Content) {
        if let Some(media) = content.body.media_mut().filter(|media| StoredFile::is_path(&media.url)) {
            media.url = self.uri_of(&media.url);
        }
    }

    /// The app behind an app token, and the app itself as the caller.
    pub async fn app_caller(&self, gateway: &Gateway) -> Result<(Arc<Identity>, Caller), Refusal> {
        let identity = self.identity(gateway).await?;
        identity.check_app()?;
        let caller = self.caller(&identity.app, Actor::App);
        Ok((identity, caller))
    }

    /// The caller of a call that app and user tokens may make, each within the rights that the services check.
    pub async fn any_caller(&self, gateway: &Gateway) -> Result<(Arc<Identity>, Caller), Refusal> {
        let identity = self.identity(gateway).await?;
        let caller = self.caller(&identity.app, identity.actor()?);
        Ok((identity, caller))
    }

    /// The same for a call on the data of `user`: a user token opens only its own user's (decision 42).
    pub async fn caller_for(&self, gateway: &Gateway, user: &Username) -> Result<(Arc<Identity>, Caller), Refusal> {
        let (identity, caller) = self.any_caller(gateway).await?;
        identity.check_may_name(user)?;
        Ok((identity, caller))
    }

    pub fn caller(&self, app: &App, actor: Actor) -> Caller {
        Caller { app: app.id, actor, address: self.address, platform: Platform::RestApi }
    }

    /// An unknown app is reported with the path that named it.
    pub fn refusal(&self, error: &Error) -> Refusal {
        match error.reason() {
            Reason::AppNotFound => {
                let path = format!("{}/{}{}", self.org, self.app, self.path);
                Refusal::app_not_found(&self.org, &self.app, &path)
            }
            _ => Refusal::from(error),
        }
    }

    pub fn call<'a>(&'a self, app: &'a App) -> Call<'a> {
        Call { app, action: self.action, path: &self.path, uri: &self.uri }
    }

    /// The time of a call whose answer is not stored.
    pub fn timing(&self, gateway: &Gateway) -> Timing {
        let now = gateway.now();
        Timing { timestamp: now.0, duration: (now - self.started).as_millis() as i64 }
    }

    /// The answer to the call; see [`Self::public_refusal`] for a refusal's.
    pub async fn answer(&self, gateway: &Gateway, outcome: Result<Vec<u8>, Refusal>) -> Response {
        self.with_rates(match outcome {
            Ok(body) => reply::json(StatusCode::OK, body),
            Err(refusal) => super::refusal(&self.public_refusal(gateway, refusal).await, self.timing(gateway)),
        })
    }

    /// The refusal as it is returned, with usernames instead of ids. A refusal that is remembered under a key has the id,
    /// whose name does not change, so a repetition returns the same bytes; if the name cannot be looked up, that error is
    /// returned. If the missing user is the token's own, the token is at fault. A disabled user gets the error text of
    /// the call: a login's, or any other's.
    async fn public_refusal(&self, gateway: &Gateway, refusal: Refusal) -> Refusal {
        if refusal.reason == Reason::UserDisabled && self.path != TOKEN_PATH {
            return Refusal::user_disabled();
        }
        if refusal.reason == Reason::UserNotFound {
            let fault = gateway.identities().fault(self.app_ref(), self.token()).await;
            return fault.map_or(refusal, |error| self.refusal(&error));
        }
        let Some(user) = refusal.about else {
            return refusal;
        };
        match self.name(gateway, user).await {
            Ok(name) => refusal.naming(&name),
            Err(error) => error.into(),
        }
    }

    async fn name(&self, gateway: &Gateway, user: UserId) -> Result<String, Error> {
        let identity = gateway.identities().of(self.app_ref(), self.token()).await?;
        let request =
            context::request(&Caller::of_app(identity.app.id), internal::UserNamesRequest { user_ids: vec![user.0] });
        let reply = gateway.clients().directory_internal.clone().user_names(request).await.map_err(refused)?;
        Ok(reply.into_inner().usernames.into_iter().next().unwrap_or_default())
    }

    /// Adds the state of the quotas that apply to the call.
    pub fn with_rates(&self, mut response: Response) -> Response {
        self.standings.write(&mut response);
        response
    }
}

/// What follows `Bearer`, in any case; a header without it is passed on unchanged, and the directory finds it
/// malformed.
fn token(authorization: &str) -> &str {
    match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ if authorization.eq_ignore_ascii_case("bearer") => "",
        _ => authorization,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_follow_bearer_agora_1_3() {
        assert_eq!(token("Bearer TOK"), "TOK");
        assert_eq!(token("bearer  TOK"), "TOK");
        assert_eq!(token("Bearer"), "");
        assert_eq!(token("TOK"), "TOK");
    }
}
