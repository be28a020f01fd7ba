//! `/{org}/{app}/tidings/...`: histories, conversation lists and read receipts, which the vendor does not have
//! (decision 10).

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, get},
};
use tidings_dialects::agora::{self as codec, Channel, ListQuery, Peer, Refusal, Seen};
use tidings_domain::{Actor, Caller, ConversationId, Error, Marks, Message, MsgId, UserId};
use tidings_proto::{page_token, pb, required};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
};
use crate::{Gateway, reply::refused};

/// `GET /tidings/users/{username}/messages`: a conversation as one of its users sees it.
pub(crate) async fn of_user(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = user_page(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn user_page(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let query = codec::history_query(&context.query)?;
    let (user, conversation) = people::conversation(gateway, &caller, &name, &query.peer).await?;
    // The user's rights decide, not the app's.
    let reader = Caller { actor: Actor::User(user), ..caller.clone() };
    let (own, peer) = marks(gateway, &reader, conversation).await?;
    let (messages, next) = page(gateway, &reader, conversation, &query.list, own.cleared).await?;
    let names = people::names(gateway, &caller, &messages, []).await?;
    let exts_array = identity.app.policy.agora_custom_exts_array;
    let seen = Seen { messages: &messages, names: &names, reader: Some((user, own, peer)), exts_array };
    Ok(codec::history(&context.call(&identity.app), context.timing(gateway), &query.list, &seen, next))
}

/// The reader's own marks in a conversation, and those of the other party.
pub(super) async fn marks(
    gateway: &Gateway,
    reader: &Caller,
    conversation: ConversationId,
) -> Result<(Marks, Marks), Error> {
    let request = pb::ViewRequest { user_id: None, conversation: Some(conversation.into()) };
    let view = gateway.clients().conversation.clone().view(context::request(reader, request)).await;
    let view = view.map_err(refused)?.into_inner();
    Ok((required("view.own", view.own)?.into(), view.peer.map(Into::into).unwrap_or_default()))
}

/// `GET /tidings/{chatgroups|chatrooms}/{id}/messages`: for an app token the whole history of a group or room, for
/// a member's what they see of it.
pub(crate) fn of_group(peer: fn(i64) -> Peer) -> MethodRouter<Gateway> {
    get(move |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
        let outcome = group_page(&gateway, &context, named, peer).await;
        context.answer(&gateway, outcome).await
    })
}

async fn group_page(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    peer: fn(i64) -> Peer,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let list = codec::list_query(&context.query)?;
    let conversation = people::path_group(gateway, &caller, named, peer).await?;
    let reader = match caller.actor {
        Actor::App => None,
        Actor::User(user) => {
            let (own, peer) = marks(gateway, &caller, conversation).await?;
            Some((user, own, peer))
        }
    };
    let floor = reader.map_or(MsgId::ZERO, |(_, own, _)| own.cleared);
    let (messages, next) = page(gateway, &caller, conversation, &list, floor).await?;
    let names = people::names(gateway, &caller, &messages, []).await?;
    let exts_array = identity.app.policy.agora_custom_exts_array;
    let seen = Seen { messages: &messages, names: &names, reader, exts_array };
    Ok(codec::history(&context.call(&identity.app), context.timing(gateway), &list, &seen, next))
}

async fn page(
    gateway: &Gateway,
    reader: &Caller,
    conversation: ConversationId,
    list: &ListQuery,
    floor: MsgId,
) -> Result<(Vec<Message>, MsgId), Error> {
    let request = pb::PageRequest {
        conversation: Some(conversation.into()),
        start_msg_id: list.cursor.0,
        limit: list.limit,
        floor_msg_id: floor.0,
    };
    let reply = gateway.clients().message.clone().page(context::request(reader, request)).await;
    let reply = reply.map_err(refused)?.into_inner();
    let messages = reply.messages.into_iter().map(TryInto::try_into).collect::<Result<Vec<Message>, Error>>()?;
    Ok((messages, MsgId(reply.next_msg_id)))
}

/// `GET /tidings/users/{username}/conversations`: the user's list, with unread counts.
pub(crate) async fn conversations(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = list(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn list(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let query = codec::list_query(&context.query)?;
    let user = people::id(gateway, &caller, &name).await?;
    let (user_id, page_token) = (Some(user.0), page_token(query.cursor.0));
    let request = pb::ListConversationsRequest { user_id, page_size: query.limit, page_token };
    let reply = gateway.clients().conversation.clone().list_conversations(context::request(&caller, request)).await;
    let pb::ListConversationsResponse { conversations: mut listed, next_page_token, .. } =
        reply.map_err(refused)?.into_inner();
    let heads: Vec<i64> = listed.iter().map(|entry| entry.head_msg_id).collect();
    let (messages, left) = found(gateway, &Caller { actor: Actor::User(user), ..caller.clone() }, heads).await?;
    // Previews may be large; the list continues after those that fit.
    listed.truncate(listed.len() - left);
    let is_last = next_page_token.is_empty() && left == 0;
    let channels = listed.iter().map(|entry| channel(entry, &messages)).collect::<Result<Vec<_>, Error>>()?;
    let next = channels.last().filter(|_| !is_last).map_or(MsgId::ZERO, |last| last.head);
    let others = channels.iter().filter_map(|channel| channel.conversation.peer_of(user));
    let names = people::names(gateway, &caller, &messages, others).await?;
    let shown = (&names, identity.app.policy.agora_custom_exts_array);
    Ok(codec::channels(&context.call(&identity.app), context.timing(gateway), &query, (user, &channels), shown, next))
}

/// The messages, and how many at the end of the list are left for the next page.
pub(super) async fn found(
    gateway: &Gateway,
    reader: &Caller,
    msg_ids: Vec<i64>,
) -> Result<(Vec<Message>, usize), Error> {
    if msg_ids.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let request = pb::FindManyRequest { msg_ids };
    let reply = gateway.clients().message.clone().find_many(context::request(reader, request)).await;
    let pb::FindManyResponse { messages, left_msg_ids } = reply.map_err(refused)?.into_inner();
    let messages = messages.into_iter().map(TryInto::try_into).collect::<Result<_, Error>>()?;
    Ok((messages, left_msg_ids.len()))
}

fn channel<'a>(entry: &pb::ListedConversation, messages: &'a [Message]) -> Result<Channel<'a>, Error> {
    let conversation: ConversationId = required("conversation", entry.conversation)?.try_into()?;
    let head = MsgId(entry.head_msg_id);
    let last = messages.iter().find(|message| message.msg_id == head);
    Ok(Channel { conversation, unread: entry.unread, head, last })
}

/// `POST /tidings/users/{username}/read_ack`: moves the user's read cursor.
pub(crate) async fn read_ack(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = mark_read(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn mark_read(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let request = codec::read_ack_request(&context.read(body).await?)?;
    let (user, conversation) = people::conversation(gateway, &caller, &name, &request.peer).await?;
    let stands = mark(gateway, &caller, user, conversation, request.msg_id).await?;
    Ok(codec::read_up_to(&context.call(&identity.app), context.timing(gateway), stands))
}

async fn mark(
    gateway: &Gateway,
    caller: &Caller,
    user: UserId,
    conversation: ConversationId,
    msg_id: Option<MsgId>,
) -> Result<MsgId, Error> {
    let reader = Caller { actor: Actor::User(user), ..caller.clone() };
    let request = pb::MarkReadRequest {
        user_id: None,
        conversation: Some(conversation.into()),
        msg_id: msg_id.map_or(0, |msg_id| msg_id.0),
    };
    let reply = gateway.clients().conversation.clone().mark_read(context::request(&reader, request)).await;
    Ok(MsgId(reply.map_err(refused)?.into_inner().msg_id))
}
