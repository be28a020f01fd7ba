//! `POST /token/id`, `/token/user` and `/token/login` (lanying.md 1).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Login, Refusal};
use tidings_domain::{Error, Rate, Reason, UserId};
use tidings_proto::{
    moment_or_zero,
    pb::{self, issue_token_request::Grant},
    required,
};

use super::context::RequestContext;
use crate::{Gateway, limits::Cost, reply::refused};

pub(crate) async fn by_id(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, issue(&gateway, &context, body, codec::token_request_by_id).await).await
}

pub(crate) async fn by_name(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, issue(&gateway, &context, body, codec::token_request_by_name).await).await
}

pub(crate) async fn by_login(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, issue(&gateway, &context, body, codec::token_request_by_login).await).await
}

async fn issue(
    gateway: &Gateway,
    context: &RequestContext,
    body: Body,
    read: impl FnOnce(&[u8]) -> Result<Login, Refusal>,
) -> Result<Vec<u8>, Refusal> {
    let app = Some(pb::AppRef { app: Some(context.app_ref()?) });
    // Asked for first, so that the response time does not reveal which users exist either.
    let nobody = gateway.identities().of(context.app_ref()?, "").await?;
    context.take(gateway, &nobody.app, &[Cost::one(Rate::TokenCalls)]).await?;
    let login = read(&context.read(body).await?)?;
    let request = pb::IssueTokenRequest {
        app,
        grant: Some(Grant::Password(pb::Password { user: Some(login.user.into()), password: login.password })),
        ttl_seconds: None,
        peer_address: context.address.map(|address| address.to_string()).unwrap_or_default(),
    };
    let issued = gateway.clients().directory.clone().issue_token(request).await.map_err(refused);
    let issued = match issued {
        Ok(issued) => issued.into_inner(),
        Err(error) if error.reason() == Reason::UserNotFound && !nobody.app.policy.lanying_login_names_fault => {
            return Err(Error::new(Reason::PasswordWrong, "").into());
        }
        Err(error) => return Err(error.into()),
    };
    let user = required("token.user", issued.user).map_err(Error::internal)?;
    Ok(codec::token(UserId(user.id), &issued.token, moment_or_zero(issued.expires_at).0, login.with_device))
}
