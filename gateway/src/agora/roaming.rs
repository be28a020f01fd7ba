//! `POST /{org}/{app}/users/{username}/messageroaming`: a conversation as client SDKs pull it (agora.md 12).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Refusal, RoamingQuery};
use tidings_domain::{Actor, Caller, ConversationId, Error, Message, MsgId};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    history::marks,
    people::{self, Named, path_user},
};
use crate::{Gateway, reply::refused};

pub(crate) async fn pull(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = page(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn page(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let request = codec::roaming_request(&context.read(body).await?)?;
    let (user, conversation) = people::any_conversation(gateway, &caller, &name, &request.peer).await?;
    // The user's rights decide, not the app's.
    let reader = Caller { actor: Actor::User(user), ..caller.clone() };
    let (mut messages, next) = read(gateway, &caller, &reader, conversation, &request).await?;
    for message in &mut messages {
        context.locate(&mut message.content);
    }
    let audience: Vec<_> = messages.iter().flat_map(|message| message.audience.iter().copied()).collect();
    let names = people::names(gateway, &caller, &messages, audience).await?;
    let page = (&messages[..], &names);
    Ok(codec::roaming_page(&context.call(&identity.app), context.timing(gateway), page, next))
}

/// The messages, and where the following page starts.
async fn read(
    gateway: &Gateway,
    caller: &Caller,
    reader: &Caller,
    conversation: ConversationId,
    params: &RoamingQuery,
) -> Result<(Vec<Message>, Option<MsgId>), Error> {
    let (own, _) = marks(gateway, reader, conversation).await?;
    let senders: Vec<_> = params.senders.iter().collect();
    let senders = if senders.is_empty() { Vec::new() } else { people::ids(gateway, caller, &senders).await? };
    let request = pb::ReadHistoryRequest {
        conversation: Some(conversation.into()),
        limit: params.limit,
        oldest_first: params.oldest_first,
        above_msg_id: params.above().max(own.cleared).0,
        below_msg_id: params.below().0,
        bodies: params.bodies(),
        sender_ids: senders.iter().map(|user| user.0).collect(),
    };
    let reply = gateway.clients().message.clone().read_history(context::request(reader, request)).await;
    let pb::ReadHistoryResponse { messages, last_msg_id } = reply.map_err(refused)?.into_inner();
    let messages = messages.into_iter().map(TryInto::try_into).collect::<Result<Vec<Message>, Error>>()?;
    let asked_for = messages.into_iter().filter(|message| params.takes(message)).collect();
    Ok((asked_for, (last_msg_id != 0).then_some(MsgId(last_msg_id))))
}
