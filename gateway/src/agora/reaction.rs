//! `/{org}/{app}/reaction/user/{username}` (agora.md 10.5).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, React, Reaction, Refusal};
use tidings_domain::{Caller, ConversationId, Error, GroupId, MsgId, Reason, UnixMillis, UserId};
use tidings_proto::{moment_or_zero, pb, required};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
};
use crate::{Gateway, membership::membership, reply::refused};

pub(crate) async fn add(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = react(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn remove(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = unreact(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = of_messages(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// `GET /reaction/user/{username}/detail`
pub(crate) async fn detail(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = reactors(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// The caller, and the user of the path, who is the caller's own if they are a user.
async fn of_user(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<(Caller, UserId), Refusal> {
    let user = match path_user(named) {
        Ok(user) => user,
        Err(error) => {
            context.any_caller(gateway).await?;
            return Err(error.into());
        }
    };
    let (_, caller) = context.caller_for(gateway, &user).await?;
    let user = people::id(gateway, &caller, &user).await?;
    Ok((caller, user))
}

async fn react(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let (caller, user) = of_user(gateway, context, named).await?;
    let React { msg_id, reaction } = codec::reaction_request(&context.read(body).await?)?;
    let request = pb::AddReactionRequest { user_id: Some(user.0), msg_id: msg_id.0, reaction };
    let added = gateway.clients().message.clone().add_reaction(context::request(&caller, request)).await;
    let added = added.map_err(|status| codec::reaction_refusal(&refused(status)))?.into_inner();
    if !added.added {
        return Err(codec::already_reacted());
    }
    let conversation: ConversationId = required("conversation", added.conversation)?.try_into()?;
    let reaction = required("reaction", added.reaction)?;
    let times = (moment_or_zero(reaction.created_at), moment_or_zero(reaction.changed_at));
    Ok(codec::reacted(context.timing(gateway), (conversation, msg_id), &of_wire(reaction), times))
}

async fn unreact(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (caller, user) = of_user(gateway, context, named).await?;
    let React { msg_id, reaction } = codec::unreact_query(&context.query)?;
    let request = pb::RemoveReactionRequest { user_id: Some(user.0), msg_id: msg_id.0, reaction };
    let removed = gateway.clients().message.clone().remove_reaction(context::request(&caller, request)).await;
    let removed = removed.map_err(|status| codec::reaction_refusal(&refused(status)))?.into_inner();
    if removed.removed { Ok(codec::reaction_removed(context.timing(gateway))) } else { Err(codec::illegal_reaction()) }
}

async fn of_messages(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (caller, user) = of_user(gateway, context, named).await?;
    let query = codec::reaction_list_query(&context.query)?;
    if let Some(group) = query.group {
        check_member(gateway, &caller, user, group).await.map_err(|error| codec::reaction_refusal(&error))?;
    }
    let msg_ids = query.msg_ids.iter().map(|id| id.0).collect();
    let request = pb::ListReactionsRequest { user_id: Some(user.0), msg_ids };
    let listed = gateway.clients().message.clone().list_reactions(context::request(&caller, request)).await;
    let listed = listed.map_err(|status| codec::reaction_refusal(&refused(status)))?.into_inner();
    let mut messages: Vec<(MsgId, Vec<Reaction>)> = Vec::with_capacity(listed.messages.len());
    for message in listed.messages {
        let conversation: ConversationId = required("conversation", message.conversation)?.try_into()?;
        let is_named = match (conversation, query.group) {
            (ConversationId::Direct(..), None) => true,
            (ConversationId::Group(GroupId(id)), Some(group)) => id == group,
            _ => false,
        };
        if is_named {
            messages.push((MsgId(message.msg_id), message.reactions.into_iter().map(of_wire).collect()));
        }
    }
    let users = messages.iter().flat_map(|(_, reactions)| reactions).flat_map(|reaction| reaction.users.clone());
    let names = people::names(gateway, &caller, [], users).await?;
    Ok(codec::reaction_list(context.timing(gateway), &messages, &names))
}

async fn check_member(gateway: &Gateway, caller: &Caller, user: UserId, group: i64) -> Result<(), Error> {
    let found = membership(gateway, caller, user, group).await?;
    found.ok_or_else(|| Error::new(Reason::GroupNotFound, group.to_string()))?.check_member(user).map(drop)
}

async fn reactors(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (caller, user) = of_user(gateway, context, named).await?;
    let query = codec::reactors_query(&context.query)?;
    let request = pb::ListReactorsRequest {
        user_id: Some(user.0),
        msg_id: query.of.msg_id.0,
        reaction: query.of.reaction,
        page_size: query.limit,
        page_token: query.cursor,
    };
    let page = gateway.clients().message.clone().list_reactors(context::request(&caller, request)).await;
    let page = page.map_err(|status| codec::reaction_refusal(&refused(status)))?.into_inner();
    let users: Vec<UserId> = page.reactors.iter().map(|reactor| UserId(reactor.user_id)).collect();
    let times: Vec<UnixMillis> = page.reactors.iter().map(|reactor| moment_or_zero(reactor.added_at)).collect();
    let names = people::names(gateway, &caller, [], users.iter().copied()).await?;
    let reaction = Reaction { users, ..of_wire(required("reaction", page.reaction)?) };
    Ok(codec::reaction_detail(context.timing(gateway), &reaction, &times, &page.next_page_token, &names))
}

/// A reaction of the message service.
pub(crate) fn of_wire(wire: pb::Reaction) -> Reaction {
    Reaction {
        id: wire.reaction_id,
        text: wire.reaction,
        count: wire.count,
        own: wire.own,
        users: wire.user_ids.into_iter().map(UserId).collect(),
    }
}
