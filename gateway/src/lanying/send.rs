//! `POST|PUT /message/send`, `/message/notify` and `/message/broadcast` (lanying.md 5.4, 5.6, 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Operation, OperationAction, Refusal, SendCommand};
use tidings_domain::{Actor, App, Caller, ConversationId, Draft, Error, MsgId, Policy, Target, UserId, UserRef};
use tidings_proto::pb::{self, edit_request::Change};
use tidings_runtime::context;

use super::{
    context::{RequestContext, group_or_room},
    recall::take_back,
};
use crate::{
    Gateway,
    identity::Who,
    limits::{of_broadcast, of_calls, of_messages},
    reply::refused,
    request::idempotency_key,
};

pub(crate) async fn send(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, say_or_do(&gateway, &context, body).await).await
}

async fn say_or_do(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let policy = &identity.app.policy;
    match codec::send_request(&context.read(body).await?, policy)? {
        SendCommand::Message(mut draft) => {
            check_sender(&identity.who, draft.sender.as_ref())?;
            draft.idempotency_key = idempotency_key(&context.headers)?;
            append(gateway, context, (&identity.app, &caller), draft).await
        }
        SendCommand::Operation(operation) => {
            let by = operation.by.map(UserRef::Id);
            check_sender(&identity.who, by.as_ref())?;
            let keys =
                Keys { idempotency_key: idempotency_key(&context.headers)?, transaction_id: operation.transaction_id };
            operate(gateway, caller, operation, keys, policy).await
        }
    }
}

/// The messages count like those of every dialect, all or none of them; the call has counted already.
async fn append(
    gateway: &Gateway,
    context: &RequestContext,
    (app, caller): (&App, &Caller),
    mut draft: Draft,
) -> Result<Vec<u8>, Refusal> {
    for target in &mut draft.targets {
        *target = group_or_room(gateway, caller, target.clone()).await?;
    }
    context.take(gateway, app, &[of_messages(&draft), of_calls(&draft)].concat()).await?;
    let request = context::request(caller, draft.into());
    let reply = gateway.clients().message.clone().send(request).await.map_err(refused)?.into_inner();
    let only = match reply.sent.as_slice() {
        [one] => Some(MsgId(one.msg_id)),
        _ => None,
    };
    Ok(codec::sent(only))
}

/// A user token sends as its own user.
fn check_sender(who: &Who, sender: Option<&UserRef>) -> Result<(), Error> {
    match (who, sender) {
        (Who::User { id, .. }, Some(sender)) if *sender != UserRef::Id(*id) => {
            Err(Error::not_permitted("from_user_id needs an admin token"))
        }
        _ => Ok(()),
    }
}

/// What makes an edit a repetition of an earlier one; the other operations are idempotent anyway.
struct Keys {
    idempotency_key: Option<String>,
    transaction_id: Option<i64>,
}

/// Content types 9 to 12: the same as the calls of their own.
async fn operate(
    gateway: &Gateway,
    mut caller: Caller,
    Operation { by, target, related, action, .. }: Operation,
    keys: Keys,
    policy: &Policy,
) -> Result<Vec<u8>, Refusal> {
    if let Some(by) = by {
        caller.actor = Actor::User(by);
    }
    let conversation = match group_or_room(gateway, &caller, target).await? {
        Target::Group(group) => ConversationId::Group(group),
        Target::Room(room) => ConversationId::Room(room),
        Target::User(UserRef::Id(user)) => ConversationId::direct(caller.actor.user(), user),
        Target::User(UserRef::Name(_)) => return Err(Refusal::bad_parameter("targets", "must be ids")),
    };
    match action {
        OperationAction::ReadAck => {
            let request =
                pb::MarkReadRequest { user_id: None, conversation: Some(conversation.into()), msg_id: related.0 };
            let request = context::request(&caller, request);
            gateway.clients().conversation.clone().mark_read(request).await.map_err(refused)?;
        }
        OperationAction::Recall => take_back(gateway, &caller, conversation, related, policy).await?,
        OperationAction::Append(text) => {
            edit(gateway, &caller, (conversation, related), Change::Append(text), keys).await?;
        }
        OperationAction::Replace(content) => {
            edit(gateway, &caller, (conversation, related), Change::Replace((*content).into()), keys).await?;
        }
    }
    Ok(codec::done())
}

async fn edit(
    gateway: &Gateway,
    caller: &Caller,
    (conversation, related): (ConversationId, MsgId),
    change: Change,
    keys: Keys,
) -> Result<(), Error> {
    let request = pb::EditRequest {
        msg_id: related.0,
        conversation: Some(conversation.into()),
        change: Some(change),
        idempotency_key: keys.idempotency_key.unwrap_or_default(),
        transaction_id: keys.transaction_id.unwrap_or_default(),
        call: codec::SEND_CALL.to_owned(),
        ..Default::default()
    };
    gateway.clients().message.clone().edit(context::request(caller, request)).await.map_err(refused)?;
    Ok(())
}

pub(crate) async fn notify(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, send_notice(&gateway, &context, body).await).await
}

/// Only for admin tokens (decision 26). The headers name the sender that is shown, as `from_user_id` does.
async fn send_notice(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.admin(gateway).await?;
    let mut draft = codec::notify_request(&context.read(body).await?, &identity.app.policy)?;
    draft.sender = draft.sender.or(shown_sender(&caller).map(UserRef::Id));
    draft.idempotency_key = idempotency_key(&context.headers)?;
    append(gateway, context, (&identity.app, &Caller { actor: Actor::App, ..caller }), draft).await
}

fn shown_sender(caller: &Caller) -> Option<UserId> {
    match caller.actor {
        Actor::App => None,
        Actor::User(user) => Some(user),
    }
}

pub(crate) async fn broadcast(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, send_notice_to_all(&gateway, &context, body).await).await
}

async fn send_notice_to_all(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.admin(gateway).await?;
    let (sender, content) = codec::broadcast_request(&context.read(body).await?)?;
    context.take(gateway, &identity.app, &of_broadcast(pb::BroadcastScope::Users)).await?;
    let request = pb::BroadcastRequest {
        sender: sender.or(shown_sender(&caller)).map(|user| UserRef::Id(user).into()),
        content: Some(content.into()),
        idempotency_key: idempotency_key(&context.headers)?.unwrap_or_default(),
        call: codec::BROADCAST_CALL.to_owned(),
        system: false,
    };
    let request = context::request(&Caller { actor: Actor::App, ..caller }, request);
    let reply = gateway.clients().message.clone().broadcast(request).await.map_err(refused)?.into_inner();
    Ok(codec::data(codec::BroadcastDone { success: true, send_num: reply.sent }))
}
