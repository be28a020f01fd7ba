//! `POST /{org}/{app}/token` (agora.md 10.1).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Grant, Refusal};
use tidings_domain::{Error, Rate, Reason, UserRef, Username};
use tidings_proto::{
    moment_or_zero,
    pb::{self, issue_token_request::Grant as WireGrant},
};

use super::{context::RequestContext, users::shown};
use crate::{Gateway, limits::Cost, reply::refused};

pub(crate) async fn token(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = issue(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn issue(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let app = context.identity_of(gateway, "").await?;
    context.take(gateway, &app.app, &[Cost::one(Rate::TokenCalls)]).await?;
    if !context.token().is_empty() {
        // A caller with a token may send a larger body; whether the token is valid does not matter to the other grants
        // here.
        let _ = context.identity_of(gateway, context.token()).await;
    }
    let params = codec::token_request(&context.read(body).await?)?;
    if matches!(params.grant, Grant::Exchange) && context.token().is_empty() {
        return Err(Error::new(Reason::TokenMissing, "").into());
    }
    if matches!(params.grant, Grant::Inherit { .. }) {
        context.identity_of(gateway, context.token()).await?.check_app()?;
    }
    let request = pb::IssueTokenRequest {
        app: Some(pb::AppRef { app: Some(context.app_ref()) }),
        grant: Some(grant(&params.grant, context.token())),
        ttl_seconds: params.ttl,
        peer_address: context.address.map(|address| address.to_string()).unwrap_or_default(),
    };
    let issued = gateway.clients().directory.clone().issue_token(request).await.map_err(|status| {
        let mut error = refused(status);
        let is_login = matches!(params.grant, Grant::Password { .. });
        if is_login && error.reason() == Reason::UserNotFound && !app.app.policy.agora_login_names_fault {
            error = Error::new(Reason::PasswordWrong, "");
        }
        if error.reason() == Reason::AppNotFound {
            return context.refusal(&error);
        }
        codec::token_refusal(&params.grant, &error)
    })?;
    let issued = issued.into_inner();
    if matches!(params.grant, Grant::Exchange) {
        return Ok(codec::exchanged_token(&issued.token, moment_or_zero(issued.expires_at).0));
    }
    let application = issued.app.as_ref().map_or("", |app| &app.uuid);
    Ok(codec::token(&issued.token, issued.ttl_seconds, application, issued.user.as_ref().map(shown).as_ref()))
}

fn grant(grant: &Grant, own_token: &str) -> WireGrant {
    let named = |name: &Username| Some(UserRef::Name(name.clone()).into());
    match grant {
        Grant::ClientCredentials { id, secret } => {
            WireGrant::ClientCredentials(pb::ClientCredentials { client_id: id.clone(), client_secret: secret.clone() })
        }
        Grant::Password { user, password } => {
            WireGrant::Password(pb::Password { user: named(user), password: password.clone() })
        }
        Grant::Exchange => WireGrant::Exchange(pb::Exchange { token: own_token.to_owned() }),
        Grant::Inherit { user, create } => WireGrant::Inherit(pb::Inherit { user: named(user), create: *create }),
    }
}
