//! `DELETE /{org}/{app}/users/{username}/user_channel` and the roaming deletions (agora.md 6).

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, delete as on_delete},
};
use tidings_dialects::agora::{self as codec, Refusal, Roaming};
use tidings_domain::{ConversationKind, Rate};
use tidings_proto::{pb, timestamp};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
};
use crate::{Gateway, limits::Cost, reply::refused};

pub(crate) async fn delete(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = remove(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn remove(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let params = codec::delete_channel_request(&context.read(body).await?, &context.query)?;
    let (user, conversation) = people::conversation(gateway, &caller, &name, &params.peer).await?;
    let cost = Cost { rate: Rate::DeleteConversation, subject: user.to_string(), amount: 1 };
    context.take(gateway, &identity.app, &[cost]).await?;
    let request = pb::DeleteConversationRequest {
        user_id: Some(user.0),
        conversation: Some(conversation.into()),
        keep_history: !params.delete_roam,
    };
    gateway
        .clients()
        .conversation
        .clone()
        .delete_conversation(context::request(&caller, request))
        .await
        .map_err(refused)?;
    Ok(codec::channel_deleted(&context.call(&identity.app), context.timing(gateway)))
}

/// The meaning of a roaming deletion's query.
type Read = fn(&str, ConversationKind) -> Result<Roaming, Refusal>;

/// A route that deletes roaming messages of conversations of that kind, one by one or up to a point in time. The
/// vendor's table has POST for the latter.
pub(crate) fn roaming(kind: ConversationKind, up_to: bool) -> MethodRouter<Gateway> {
    let read: Read = if up_to { codec::roaming_time } else { codec::roaming_messages };
    let handler = move |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
        let outcome = forget(&gateway, &context, named, (read, kind)).await;
        context.answer(&gateway, outcome).await
    };
    if up_to { on_delete(handler).post(handler) } else { on_delete(handler) }
}

async fn forget(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    (read, kind): (Read, ConversationKind),
) -> Result<Vec<u8>, Refusal> {
    let (_, caller, user) = people::own(gateway, context, path_user(named)).await?;
    match read(&context.query, kind)? {
        Roaming::Messages(peer, ids) => {
            let (user, conversation) = people::conversation(gateway, &caller, &user, &peer).await?;
            let msg_ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
            if !msg_ids.is_empty() {
                let (user_id, conversation) = (Some(user.0), Some(conversation.into()));
                let request = pb::ExcludeRequest { user_id, conversation, msg_ids };
                gateway.clients().message.clone().exclude(context::request(&caller, request)).await.map_err(refused)?;
            }
        }
        Roaming::UpTo(peer, until) => {
            let (user, conversation) = people::any_conversation(gateway, &caller, &user, &peer).await?;
            let (user_id, conversation) = (Some(user.0), Some(conversation.into()));
            let request = pb::ClearRequest { user_id, conversation, until: Some(timestamp(until)) };
            gateway.clients().conversation.clone().clear(context::request(&caller, request)).await.map_err(refused)?;
        }
    }
    Ok(codec::roaming_deleted(context.timing(gateway)))
}

/// `POST /rest/message/roaming/user/{username}/delete/all`
pub(crate) async fn delete_all(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = forget_all(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn forget_all(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (_, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let user = people::id(gateway, &caller, &name).await?;
    let request = pb::DeleteAllRequest { user_id: Some(user.0) };
    gateway.clients().conversation.clone().delete_all(context::request(&caller, request)).await.map_err(refused)?;
    Ok(codec::roaming_deleted(context.timing(gateway)))
}
