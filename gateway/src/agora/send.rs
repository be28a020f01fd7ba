//! `POST /{org}/{app}/messages/users` (agora.md 2).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialect::agora::{self as codec, Refusal, Timing};
use tidings_domain::{Actor, Caller, Draft, Error, Reason, Sent, UserRef};
use tidings_runtime::context;

use super::asked::Asked;
use crate::{
    Gateway,
    identity::{Identity, Who},
    reply::refused,
    request::{idempotency_key, read},
};

pub(crate) async fn send(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    let outcome = append(&gateway, &asked, body).await;
    asked.answer(&gateway, outcome)
}

async fn append(gateway: &Gateway, asked: &Asked, body: Body) -> Result<Vec<u8>, Refusal> {
    let identity = asked.identity(gateway).await?;
    let caller = sender(asked, &identity)?;
    let body = read(body).await?;
    let mut draft = codec::draft(&body, &identity.app.policy)?;
    check_from(&identity, &draft)?;
    draft.idempotency_key = idempotency_key(&asked.headers)?;
    let request = context::request(&caller, draft.into());
    let reply = gateway.clients().message.clone().send(request).await.map_err(refused)?.into_inner();
    let sent = reply.sent.into_iter().map(TryInto::try_into).collect::<Result<Vec<Sent>, Error>>()?;
    let duration = (reply.committed_at_ms - reply.accepted_at_ms).max(0);
    Ok(codec::sent(&asked.call(&identity.app), Timing { timestamp: reply.committed_at_ms, duration }, &sent))
}

/// A user token sends only where the app's policy lets it (decision 18).
fn sender(asked: &Asked, identity: &Identity) -> Result<Caller, Error> {
    match identity.who {
        Who::User { id, .. } if identity.app.policy.user_tokens_may_send => {
            Ok(asked.caller(&identity.app, Actor::User(id)))
        }
        _ => {
            identity.check_app()?;
            Ok(asked.caller(&identity.app, Actor::App))
        }
    }
}

/// ... and only as themselves.
fn check_from(identity: &Identity, draft: &Draft) -> Result<(), Error> {
    match (&identity.who, &draft.sender) {
        (Who::User { username, .. }, Some(UserRef::Name(from))) if !from.folded().eq_ignore_ascii_case(username) => {
            Err(Error::new(Reason::AppTokenRequired, ""))
        }
        _ => Ok(()),
    }
}
