//! `/{org}/{app}/sdk/user/{username}/user_channels/...` and the older `/users/{username}/user_channels`: a client's list
//! of conversations, with what is pinned and marked (agora.md 12).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, InboxEntry, Names, Refusal};
use tidings_domain::{Actor, Caller, ConversationId, Error, Message, Reason, UserId};
use tidings_proto::{
    moment_or_zero, page_token,
    pb::{self, select_conversations_request::Selection},
    required,
};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    history::found,
    people::{self, Named, path_user},
};
use crate::{Gateway, identity::Identity, reply::refused};

/// Maximum number of conversations of the older list, which has pages but no cursors.
const OLD_LISTED: usize = 10_000;
/// The length of the older list without pages.
const OLD_LENGTH: usize = 100;

/// Conversations with their newest messages.
struct Listed {
    user: UserId,
    entries: Vec<pb::ListedConversation>,
    messages: Vec<Message>,
    names: Names,
}

impl Listed {
    /// Finds the messages and names. As previews may be large, the list ends after those that fit; true: it does.
    async fn of(
        gateway: &Gateway,
        context: &RequestContext,
        caller: &Caller,
        user: UserId,
        mut entries: Vec<pb::ListedConversation>,
    ) -> Result<(Self, bool), Error> {
        let heads: Vec<i64> = entries.iter().map(|entry| entry.head_msg_id).filter(|head| *head != 0).collect();
        let reader = Caller { actor: Actor::User(user), ..caller.clone() };
        let (mut messages, left) = found(gateway, &reader, heads.clone()).await?;
        if let Some(first_left) = heads.len().checked_sub(left).and_then(|at| heads.get(at)).filter(|_| left > 0) {
            let end = entries.iter().position(|entry| entry.head_msg_id == *first_left);
            entries.truncate(end.unwrap_or(entries.len()));
        }
        for message in &mut messages {
            context.locate(&mut message.content);
        }
        let peers = entries.iter().filter_map(|entry| place(entry).ok()?.peer_of(user));
        let names = people::names(gateway, caller, &messages, peers.collect::<Vec<_>>()).await?;
        Ok((Self { user, entries, messages, names }, left > 0))
    }

    /// Those that have a message, or all.
    fn shown(&self, need_empty: bool) -> Result<Vec<InboxEntry<'_>>, Error> {
        let mut shown = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let last = self.messages.iter().find(|message| message.msg_id.0 == entry.head_msg_id);
            if last.is_some() || need_empty {
                shown.push(InboxEntry {
                    conversation: place(entry)?,
                    unread: entry.unread,
                    pinned_at: entry.pinned.then_some(moment_or_zero(entry.pinned_at)),
                    marks: &entry.marks,
                    last,
                });
            }
        }
        Ok(shown)
    }
}

fn place(entry: &pb::ListedConversation) -> Result<ConversationId, Error> {
    required("conversation", entry.conversation)?.try_into()
}

async fn list(
    gateway: &Gateway,
    caller: &Caller,
    user: UserId,
    page_size: usize,
    page_token: String,
) -> Result<(Vec<pb::ListedConversation>, String), Error> {
    let request = pb::ListConversationsRequest { user_id: Some(user.0), page_size: page_size as i32, page_token };
    let reply = gateway.clients().conversation.clone().list_conversations(context::request(caller, request)).await;
    let reply = reply.map_err(refused)?.into_inner();
    Ok((reply.conversations, reply.next_page_token))
}

/// `GET /sdk/user/{username}/user_channels/list`
pub(crate) async fn channels(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = page(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn page(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let query = codec::inbox_query(&context.query)?;
    let user = people::id(gateway, &caller, &name).await?;
    if query.is_top {
        return selected(gateway, context, (&identity, &caller, user), Selection::Pinned(true)).await;
    }
    let (entries, next) = list(gateway, &caller, user, query.limit, query.cursor.clone()).await?;
    let (listed, is_cut) = Listed::of(gateway, context, &caller, user, entries).await?;
    let cursor = match listed.entries.last() {
        Some(last) if is_cut => page_token(last.head_msg_id),
        _ => next,
    };
    answer(gateway, context, &identity, &listed, cursor)
}

fn answer(
    gateway: &Gateway,
    context: &RequestContext,
    identity: &Identity,
    listed: &Listed,
    cursor: String,
) -> Result<Vec<u8>, Refusal> {
    let query = codec::inbox_query(&context.query)?;
    let entries = listed.shown(query.need_empty)?;
    let names = (&listed.names, query.need_mark);
    let (call, timing) = (context.call(&identity.app), context.timing(gateway));
    Ok(codec::inbox(&call, timing, (listed.user, &entries), names, cursor))
}

/// Those that are pinned or marked.
async fn selected(
    gateway: &Gateway,
    context: &RequestContext,
    (identity, caller, user): (&Identity, &Caller, UserId),
    selection: Selection,
) -> Result<Vec<u8>, Refusal> {
    let query = codec::inbox_query(&context.query)?;
    let request = pb::SelectConversationsRequest {
        user_id: Some(user.0),
        selection: Some(selection),
        page_size: query.limit as i32,
        page_token: query.cursor,
    };
    let reply = gateway.clients().conversation.clone().select_conversations(context::request(caller, request)).await;
    let pb::SelectConversationsResponse { conversations, next_page_token } = reply.map_err(refused)?.into_inner();
    let (listed, _) = Listed::of(gateway, context, caller, user, conversations).await?;
    answer(gateway, context, identity, &listed, next_page_token)
}

/// `GET /sdk/user/{username}/user_channels/mark/search`
pub(crate) async fn marked(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = search(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn search(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let mark = codec::mark_query(&context.query)?;
    let user = people::id(gateway, &caller, &name).await?;
    selected(gateway, context, (&identity, &caller, user), Selection::Mark(mark)).await
}

/// `GET /users/{username}/user_channels`, all or by page.
pub(crate) async fn old_channels(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = old_list(&gateway, &context, named, (0, OLD_LENGTH)).await;
    context.answer(&gateway, outcome).await
}

/// `GET /users/{username}/user_channels/page`
pub(crate) async fn old_channel_page(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
) -> Response {
    let outcome = match codec::old_page(&context.query) {
        Ok(page) => old_list(&gateway, &context, named, page).await,
        Err(refusal) => Err(refusal),
    };
    context.answer(&gateway, outcome).await
}

async fn old_list(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    (skip, take): (usize, usize),
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let user = people::id(gateway, &caller, &name).await?;
    let mut entries = if skip.saturating_add(take) > OLD_LISTED {
        Vec::new()
    } else {
        list(gateway, &caller, user, skip + take, String::new()).await?.0
    };
    entries.drain(..skip.min(entries.len()));
    let (listed, _) = Listed::of(gateway, context, &caller, user, entries).await?;
    let (call, timing) = (context.call(&identity.app), context.timing(gateway));
    Ok(codec::old_inbox(&call, timing, (user, &listed.shown(true)?), &listed.names))
}

/// `POST /sdk/user/{username}/user_channel/top`
pub(crate) async fn pin(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = set_top(&gateway, &context, named, body, true).await;
    context.answer(&gateway, outcome).await
}

/// `DELETE /sdk/user/{username}/user_channel/top`
pub(crate) async fn unpin(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = set_top(&gateway, &context, named, body, false).await;
    context.answer(&gateway, outcome).await
}

async fn set_top(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    body: Body,
    pinned: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let peer = codec::channel_request(&context.read(body).await?, &context.query)?;
    let (user, conversation) = people::any_conversation(gateway, &caller, &name, &peer).await?;
    let reader = Caller { actor: Actor::User(user), ..caller };
    let request = pb::PinRequest { user_id: None, conversation: Some(conversation.into()), pinned };
    let reply = gateway.clients().conversation.clone().pin(context::request(&reader, request)).await;
    let pinned_at = reply.map_err(refused).map_err(count_refusal)?.into_inner().pinned_at;
    let pinned_at = pinned.then_some(moment_or_zero(pinned_at));
    Ok(codec::topped(&context.call(&identity.app), context.timing(gateway), pinned_at))
}

/// What names the conversations was checked before: only their number can be wrong.
fn count_refusal(error: Error) -> Refusal {
    match (error.reason(), error.field()) {
        (Reason::InvalidArgument, Some("conversation" | "conversations")) => codec::too_many(),
        _ => error.into(),
    }
}

/// `POST /sdk/user/{username}/user_channels/mark`
pub(crate) async fn mark(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = set_mark(&gateway, &context, named, body, true).await;
    context.answer(&gateway, outcome).await
}

/// `DELETE /sdk/user/{username}/user_channels/mark`
pub(crate) async fn unmark(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = set_mark(&gateway, &context, named, body, false).await;
    context.answer(&gateway, outcome).await
}

async fn set_mark(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    body: Body,
    marked: bool,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = people::own(gateway, context, path_user(named)).await?;
    let params = codec::mark_request(&context.read(body).await?)?;
    let user = people::id(gateway, &caller, &name).await?;
    let (mut targets, mut ignored) = (Vec::with_capacity(params.targets.len()), Vec::new());
    for target in params.targets {
        match people::any_conversation(gateway, &caller, &name, &target.0).await {
            Ok((_, conversation)) => targets.push((conversation, target)),
            Err(error) if matches!(error.reason(), Reason::UserNotFound | Reason::GroupNotFound) => {
                ignored.push(target);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !targets.is_empty() {
        let request = pb::MarkConversationsRequest {
            user_id: Some(user.0),
            mark: params.mark,
            conversations: targets.iter().map(|(conversation, _)| (*conversation).into()).collect(),
            marked,
        };
        let reply = gateway.clients().conversation.clone().mark_conversations(context::request(&caller, request)).await;
        let left_out = reply.map_err(refused).map_err(count_refusal)?.into_inner().ignored;
        let is_left_out = |conversation: ConversationId| left_out.contains(&conversation.into());
        ignored.extend(targets.into_iter().filter(|(place, _)| is_left_out(*place)).map(|(_, target)| target));
    }
    Ok(codec::marked(&context.call(&identity.app), context.timing(gateway), &ignored))
}
