//! What every Agora call reads from its request before its body.

use std::{net::IpAddr, sync::Arc};

use axum::{extract::FromRequestParts, response::Response};
use http::{
    HeaderMap, Method, StatusCode,
    header::{AUTHORIZATION, HOST},
    request::Parts,
};
use tidings_dialect::agora::{Call, Refusal, Timing};
use tidings_domain::{Actor, App, Caller, Platform, Reason, UnixMillis};
use tidings_proto::pb::app_ref;

use crate::{
    Gateway,
    client_address::scheme,
    identity::Identity,
    reply,
    request::{address, header, peer},
    routes,
};

/// An Agora call without its body.
pub(crate) struct Asked {
    org: String,
    app: String,
    /// Inside the app, without a slash at the end.
    path: String,
    uri: String,
    action: &'static str,
    started: UnixMillis,
    pub headers: HeaderMap,
    pub address: Option<IpAddr>,
    pub query: String,
}

impl FromRequestParts<Gateway> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Response> {
        let full = parts.uri.path().trim_end_matches('/');
        let mut segments = full.splitn(4, '/').skip(1);
        let (org, app) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        if routes::is_reserved(org) {
            return Err(routes::unknown(gateway, full));
        }
        Ok(Self {
            org: org.to_owned(),
            app: app.to_owned(),
            path: format!("/{}", segments.next().unwrap_or_default()),
            uri: uri(parts, gateway, full),
            action: action(&parts.method),
            started: gateway.now(),
            address: address(parts, gateway),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: std::mem::take(&mut parts.headers),
        })
    }
}

fn uri(parts: &Parts, gateway: &Gateway, path: &str) -> String {
    if let Some(url) = gateway.public_url() {
        return format!("{url}{path}");
    }
    let scheme = scheme(peer(parts), &parts.headers, gateway.trusted_proxies());
    let host = header(&parts.headers, HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}{path}")
}

fn action(method: &Method) -> &'static str {
    match *method {
        Method::POST => "post",
        Method::PUT => "put",
        Method::DELETE => "delete",
        _ => "get",
    }
}

impl Asked {
    /// The app's name for the directory.
    pub fn app_ref(&self) -> app_ref::App {
        app_ref::App::AppKey(format!("{}#{}", self.org, self.app))
    }

    /// Whom the token stands for; no token is nobody.
    pub async fn identity(&self, gateway: &Gateway) -> Result<Arc<Identity>, Refusal> {
        let token = token(header(&self.headers, AUTHORIZATION.as_str()).unwrap_or_default());
        gateway.identities().of(self.app_ref(), token).await.map_err(|error| self.refusal(&error))
    }

    /// The app behind an app token, and the app itself as the caller.
    pub async fn app_caller(&self, gateway: &Gateway) -> Result<(Arc<Identity>, Caller), Refusal> {
        let identity = self.identity(gateway).await?;
        identity.check_app()?;
        let caller = self.caller(&identity.app, Actor::App);
        Ok((identity, caller))
    }

    pub fn caller(&self, app: &App, actor: Actor) -> Caller {
        Caller { app: app.id, actor, address: self.address, platform: Platform::RestApi }
    }

    /// An unknown app is told with the path that named it.
    pub fn refusal(&self, error: &tidings_domain::Error) -> Refusal {
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

    pub fn answer(&self, gateway: &Gateway, outcome: Result<Vec<u8>, Refusal>) -> Response {
        match outcome {
            Ok(body) => reply::json(StatusCode::OK, body),
            Err(refusal) => super::refusal(&refusal, self.timing(gateway)),
        }
    }
}

/// What follows `Bearer`, in any case; a header without it is taken whole, and the directory finds it malformed.
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
