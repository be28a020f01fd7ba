//! `PUT /{org}/{app}/messages/rewrite/{msg_id}` (agora.md 10.6).

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use tidings_dialects::agora::{self as codec, Refusal, Rewrite};
use tidings_domain::{Caller, Error, Message, MsgId};
use tidings_proto::pb::{self, edit_request::Change};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named},
};
use crate::{Gateway, reply::refused, request::idempotency_key};

/// The name of the call, for the scope of idempotency keys.
const CALL: &str = "agora/messages/rewrite";

pub(crate) async fn rewrite(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = replace(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn replace(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let msg_id = codec::rewrite_id(named.as_ref().map_or("", |Path((_, _, id))| id))?;
    let params = codec::rewrite_request(&context.read(body).await?, &identity.app.policy)?;
    let sender = sender(gateway, &caller, &params).await?;
    let key = idempotency_key(&context.headers)?.unwrap_or_default();
    match found(gateway, &caller, msg_id).await {
        Ok(message) if message.may_become(&params.content) => {}
        Ok(_) => return Err(codec::rewrite_unsupported()),
        // A repetition gets its first answer whatever happened to the message; anything else is refused in the same way
        // below.
        Err(_) if !key.is_empty() => {}
        Err(refusal) => return Err(refusal),
    }
    let request = pb::EditRequest {
        msg_id: msg_id.0,
        sender_id: sender,
        change: Some(Change::Replace(params.content.into())),
        merge_ext: params.merge_ext,
        most_edits: identity.app.policy.agora_max_edits as i32,
        idempotency_key: key,
        call: CALL.to_owned(),
        ..Default::default()
    };
    let edited = gateway.clients().message.clone().edit(context::request(&caller, request)).await;
    edited.map_err(|status| codec::rewrite_refusal(&refused(status)))?;
    Ok(codec::rewritten(&context.call(&identity.app), context.timing(gateway)))
}

/// The expected sender of the message; the app itself edits everything.
async fn sender(gateway: &Gateway, caller: &Caller, request: &Rewrite) -> Result<Option<i64>, Refusal> {
    match &request.user {
        Some(user) if user.folded() != "admin" => {
            let user = people::id(gateway, caller, user).await.map_err(|error| codec::rewrite_refusal(&error))?;
            Ok(Some(user.0))
        }
        _ => Ok(None),
    }
}

async fn found(gateway: &Gateway, caller: &Caller, msg_id: MsgId) -> Result<Message, Refusal> {
    let request = pb::FindRequest { msg_id: msg_id.0 };
    let found = gateway.clients().message.clone().find(context::request(caller, request)).await;
    let found = found.map_err(|status| codec::rewrite_refusal(&refused(status)))?;
    Message::try_from(found.into_inner()).map_err(|error: Error| codec::rewrite_refusal(&error))
}
