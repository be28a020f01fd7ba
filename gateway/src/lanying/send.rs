//! `POST|PUT /message/send` (lanying.md 5.6).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialect::lanying::{self as codec, Refusal};
use tidings_domain::{Draft, Error, MsgId, UserRef};
use tidings_runtime::context;

use super::asked::Asked;
use crate::{
    Gateway,
    identity::Who,
    reply::refused,
    request::{idempotency_key, read},
};

pub(crate) async fn send(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    super::answer(append(&gateway, &asked, body).await)
}

async fn append(gateway: &Gateway, asked: &Asked, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = asked.caller(gateway).await?;
    let mut draft = codec::draft(&read(body).await?, &identity.app.policy)?;
    check_sender(&identity.who, &draft)?;
    draft.idempotency_key = idempotency_key(&asked.headers)?;
    let request = context::request(&caller, draft.into());
    let reply = gateway.clients().message.clone().send(request).await.map_err(refused)?.into_inner();
    let only = match reply.sent.as_slice() {
        [one] => Some(MsgId(one.msg_id)),
        _ => None,
    };
    Ok(codec::sent(only))
}

/// A user token sends as its own user.
fn check_sender(who: &Who, draft: &Draft) -> Result<(), Error> {
    match (who, &draft.sender) {
        (Who::User { id, .. }, Some(sender)) if *sender != UserRef::Id(*id) => {
            Err(Error::not_permitted("from_user_id needs an admin token"))
        }
        _ => Ok(()),
    }
}
