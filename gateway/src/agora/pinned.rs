//! `/{org}/{app}/sdk/user/{username}/user_channel/pin`: messages that are pinned in a conversation (agora.md 12).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, PinnedEntry, Refusal};
use tidings_domain::{Actor, Caller, Error, Reason, UserId};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    history::found,
    people::{self, Named, path_user},
};
use crate::{Gateway, reply::refused};

pub(crate) async fn pin(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = set(&gateway, &context, named, body, true).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn unpin(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = set(&gateway, &context, named, body, false).await;
    context.answer(&gateway, outcome).await
}

async fn set(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    body: Body,
    pinned: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let (peer, msg_ids) = codec::pin_request(&context.read(body).await?)?;
    let (user, conversation) = people::any_conversation(gateway, &caller, &name, &peer).await?;
    let operator = Caller { actor: Actor::User(user), ..caller };
    let mut changed = false;
    for msg_id in msg_ids {
        let request =
            pb::PinMessageRequest { user_id: None, conversation: Some(conversation.into()), msg_id: msg_id.0, pinned };
        let reply = gateway.clients().conversation.clone().pin_message(context::request(&operator, request)).await;
        changed |= reply.map_err(refused).map_err(pin_refusal)?.into_inner().changed;
    }
    if !pinned && !changed {
        return Err(codec::pin_missing());
    }
    Ok(codec::done(&context.call(&identity.app), context.timing(gateway)))
}

fn pin_refusal(error: Error) -> Refusal {
    match error.reason() {
        Reason::MessageNotFound => codec::pin_illegal(),
        Reason::InvalidArgument if error.field() == Some("msg_id") => codec::too_many(),
        _ => error.into(),
    }
}

/// `GET`: the pinned messages, most recently pinned first, without those that were recalled since.
pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = page(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn page(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let (peer, query) = (codec::channel_query(&context.query)?, codec::inbox_query(&context.query)?);
    let (user, conversation) = people::any_conversation(gateway, &caller, &name, &peer).await?;
    let reader = Caller { actor: Actor::User(user), ..caller.clone() };
    let request = pb::ListPinnedMessagesRequest {
        user_id: None,
        conversation: Some(conversation.into()),
        page_size: query.limit as i32,
        page_token: query.cursor,
    };
    let reply = gateway.clients().conversation.clone().list_pinned_messages(context::request(&reader, request)).await;
    let pb::ListPinnedMessagesResponse { messages: pinned, next_page_token } = reply.map_err(refused)?.into_inner();
    let mut messages = Vec::with_capacity(pinned.len());
    let mut ids: Vec<i64> = pinned.iter().map(|pinned| pinned.msg_id).collect();
    // A page has few messages: those that do not fit into one response of the log are fetched with another.
    while !ids.is_empty() {
        let (some, left) = found(gateway, &reader, ids.clone()).await?;
        messages.extend(some);
        ids.drain(..ids.len() - left.min(ids.len()));
    }
    for message in &mut messages {
        context.locate(&mut message.content);
    }
    let operators = pinned.iter().map(|pinned| UserId(pinned.operator_id));
    let names = people::names(gateway, &caller, &messages, operators).await?;
    let entries = pinned.iter().filter_map(|pinned| {
        let message = messages.iter().find(|message| message.msg_id.0 == pinned.msg_id)?;
        Some(PinnedEntry { message, operator: UserId(pinned.operator_id), at: moment_or_zero(pinned.pinned_at) })
    });
    let entries: Vec<_> = entries.collect();
    let (call, timing) = (context.call(&identity.app), context.timing(gateway));
    Ok(codec::pinned_messages(&call, timing, &entries, &names, next_page_token))
}
