//! `/{org}/{app}/thread` and `/threads`: threads of groups (agora.md 10.5, 12).

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use tidings_dialects::agora::{self as codec, NewThread, Refusal, Thread, WrongMessage};
use tidings_domain::{Actor, App, Caller, ConversationId, Error, GroupId, Message, MsgId, Reason, UserId, Username};
use tidings_proto::{moment_or_zero, pb};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group_call::id_of,
    people::{self, Named, path_user},
};
use crate::{Gateway, identity::Who, membership::membership, reply::refused};

/// The path's `{org}`, `{app}`, `{id}` and `{username}`.
pub(super) type OfThread = Result<Path<(String, String, String, String)>, PathRejection>;

/// `POST /thread`
pub(crate) async fn create(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = begin(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

/// `GET /thread`: all of the app.
pub(crate) async fn of_app(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    let outcome = async {
        let (identity, caller) = context.app_caller(&gateway).await?;
        list(&gateway, &context, (&identity.app, &caller), None, 0).await
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `GET /threads/chatgroups/{id}`: all of a group.
pub(crate) async fn of_group(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let group = group_id(id_of(&named))?;
        list(&gateway, &context, (&identity.app, &caller), None, group).await
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `GET /threads/user/{username}`: those that a user is in.
pub(crate) async fn of_user(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = joined(&gateway, &context, path_user(named), Ok(0)).await;
    context.answer(&gateway, outcome).await
}

/// `GET /threads/chatgroups/{id}/user/{username}`: the same of one group.
pub(crate) async fn of_user_in_group(
    State(gateway): State<Gateway>,
    context: RequestContext,
    path: OfThread,
) -> Response {
    let (group, user) = of_path(&path);
    let outcome = joined(&gateway, &context, user, group_id(group)).await;
    context.answer(&gateway, outcome).await
}

/// `GET /thread/{id}`
pub(crate) async fn find(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let thread = path_thread(&gateway, &caller, id_of(&named)).await?;
        let thread = shown(&gateway, &caller, vec![thread], true).await?.remove(0);
        Ok::<_, Refusal>(codec::one_thread(&context.call(&identity.app), context.timing(&gateway), &thread))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `PUT /thread/{id}`
pub(crate) async fn rename(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let thread_id = codec::thread_id(id_of(&named))?;
        let name = codec::thread_change(&context.read(body).await?)?;
        let request = pb::UpdateThreadRequest { thread_id, name };
        let renamed = gateway.clients().group.clone().update_thread(context::request(&caller, request)).await;
        let renamed = renamed.map_err(|status| codec::thread_refusal(&refused(status), false))?.into_inner();
        Ok::<_, Refusal>(codec::thread_changed(&context.call(&identity.app), context.timing(&gateway), &renamed.name))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `DELETE /thread/{id}`
pub(crate) async fn end(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let request = pb::DeleteThreadRequest { thread_id: codec::thread_id(id_of(&named))? };
        let ended = gateway.clients().group.clone().delete_thread(context::request(&caller, request)).await;
        ended.map_err(|status| codec::thread_refusal(&refused(status), false))?;
        Ok::<_, Refusal>(codec::thread_done(&context.call(&identity.app), context.timing(&gateway)))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `POST /thread/message`: the newest message of each thread that the caller can read.
pub(crate) async fn last_messages(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = newest(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn begin(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let params = codec::new_thread(&context.read(body).await?)?;
    let owner = match (&params.owner, &identity.who) {
        (Some(name), _) => {
            identity.check_may_name(name)?;
            people::existing_ids(gateway, &caller, &[name]).await?.first().copied()
        }
        (None, Who::User { id, .. }) => Some(*id),
        (None, _) => None,
    };
    let owner = owner.ok_or_else(|| {
        Refusal::new(400, "param_illegal", "Failed to read HTTP message: owner is missing or illegal")
    })?;
    let viewer_ids = viewers(gateway, &caller, &params, owner).await?;
    let NewThread { group, msg_id, name, owner: _ } = params;
    let request =
        pb::CreateThreadRequest { group_id: group, msg_id: msg_id.0, owner_id: Some(owner.0), name, viewer_ids };
    let made = gateway.clients().group.clone().create_thread(context::request(&caller, request)).await;
    let made = made.map_err(|status| codec::thread_refusal(&refused(status), true))?.into_inner();
    Ok(codec::thread_created(&context.call(&identity.app), context.timing(gateway), made.id))
}

/// Who sees the message, if it is for some members only; otherwise nobody. The group exists, the owner is in it, and the
/// message is one of it that the owner can read. The directory, which keeps the threads, cannot look up messages.
async fn viewers(gateway: &Gateway, caller: &Caller, params: &NewThread, owner: UserId) -> Result<Vec<i64>, Refusal> {
    let request = pb::GetGroupsRequest { group_ids: vec![params.group] };
    let found = gateway.clients().group.clone().get_groups(context::request(caller, request)).await;
    let found = found.map_err(refused)?.into_inner().groups.into_iter().next();
    let Some(group) = found.filter(|group| group.kind() == pb::GroupKind::Group) else {
        return Err(codec::thread_refusal(&Error::new(Reason::GroupNotFound, ""), true));
    };
    if group.parent_group_id != 0 {
        return Err(codec::thread_not_nested());
    }
    let member = membership(gateway, caller, owner, params.group).await?;
    if member.is_none_or(|member| member.role.is_none()) {
        return Err(codec::not_in_group());
    }
    let owner = Caller { actor: Actor::User(owner), ..caller.clone() };
    let request = pb::FindRequest { msg_id: params.msg_id.0 };
    let found = gateway.clients().message.clone().find(context::request(&owner, request)).await.map_err(refused);
    let message = match found {
        Ok(message) => Message::try_from(message.into_inner())?,
        Err(error) if error.reason() == Reason::MessageNotFound => {
            return Err(codec::thread_message_refusal(WrongMessage::Missing));
        }
        Err(error) => return Err(error.into()),
    };
    match message.conversation {
        ConversationId::Group(GroupId(group)) if group == params.group => {
            let all = message.audience.iter().copied().chain([message.sender]);
            Ok(all.filter(|_| !message.audience.is_empty()).map(|user| user.0).collect())
        }
        ConversationId::Group(_) => Err(codec::thread_message_refusal(WrongMessage::InOtherGroup)),
        _ => Err(codec::thread_message_refusal(WrongMessage::NotInGroup)),
    }
}

async fn joined(
    gateway: &Gateway,
    context: &RequestContext,
    user: Result<Username, Error>,
    group: Result<i64, Refusal>,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let (user, group) = (user?, group?);
    identity.check_may_name(&user)?;
    let user = people::id(gateway, &caller, &user).await?;
    list(gateway, context, (&identity.app, &caller), Some(user), group).await
}

async fn list(
    gateway: &Gateway,
    context: &RequestContext,
    (app, caller): (&App, &Caller),
    user: Option<UserId>,
    group_id: i64,
) -> Result<Vec<u8>, Refusal> {
    let query = codec::thread_query(&context.query)?;
    let request = pb::ListThreadsRequest {
        user_id: user.map(|user| user.0),
        group_id,
        oldest_first: query.oldest_first,
        page_size: query.limit,
        page_token: query.cursor,
    };
    let page = gateway.clients().group.clone().list_threads(context::request(caller, request)).await;
    let page = page.map_err(|status| codec::thread_refusal(&refused(status), true))?.into_inner();
    let threads = shown(gateway, caller, page.threads, false).await?;
    Ok(codec::threads(&context.call(app), context.timing(gateway), &threads, &page.next_page_token))
}

async fn newest(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let threads = codec::thread_ids(&context.read(body).await?)?;
    let mut newest: Vec<(i64, Option<Message>)> = Vec::with_capacity(threads.len());
    for thread in threads {
        let conversation = ConversationId::Group(GroupId(thread));
        let request = pb::PageRequest {
            conversation: Some(conversation.into()),
            start_msg_id: 0,
            limit: 1,
            floor_msg_id: MsgId::ZERO.0,
        };
        let page = gateway.clients().message.clone().page(context::request(&caller, request)).await.map_err(refused);
        let message = match page {
            Ok(page) => page.into_inner().messages.into_iter().next(),
            // Theirs to read is none of it.
            Err(error) if is_hidden(error.reason()) => None,
            Err(error) => return Err(error.into()),
        };
        newest.push((thread, message.map(Message::try_from).transpose()?));
    }
    let messages = newest.iter().filter_map(|(_, message)| message.as_ref());
    let names = people::names(gateway, &caller, messages, []).await?;
    let (call, exts_array) = (context.call(&identity.app), identity.app.policy.agora_custom_exts_array);
    Ok(codec::thread_messages(&call, context.timing(gateway), &newest, &names, exts_array))
}

const fn is_hidden(reason: Reason) -> bool {
    matches!(reason, Reason::NotGroupMember | Reason::GroupNotFound | Reason::NotPermitted)
}

/// The group that the path names.
fn group_id(written: &str) -> Result<i64, Refusal> {
    tidings_domain::decimal_id(written)
        .ok_or_else(|| codec::thread_refusal(&Error::new(Reason::GroupNotFound, written), true))
}

/// The id and the user of the path.
pub(super) fn of_path(path: &OfThread) -> (&str, Result<Username, Error>) {
    match path {
        Ok(Path((_, _, id, name))) => (id, Username::parse(name).map_err(|_| Error::user_not_found(name.as_str()))),
        Err(_) => ("", Err(Error::user_not_found(""))),
    }
}

/// The thread that the path names, which the caller may see.
pub(super) async fn path_thread(gateway: &Gateway, caller: &Caller, written: &str) -> Result<pb::Thread, Refusal> {
    let request = pb::GetThreadRequest { thread_id: codec::thread_id(written)? };
    let found = gateway.clients().group.clone().get_thread(context::request(caller, request)).await;
    Ok(found.map_err(|status| codec::thread_refusal(&refused(status), false))?.into_inner())
}

/// Threads with their owners' names.
pub(super) async fn shown(
    gateway: &Gateway,
    caller: &Caller,
    threads: Vec<pb::Thread>,
    counted: bool,
) -> Result<Vec<Thread>, Error> {
    if threads.is_empty() {
        return Ok(Vec::new());
    }
    let owners = threads.iter().map(|thread| UserId(thread.owner_id));
    let names = people::names(gateway, caller, [], owners).await?;
    let of_wire = |thread: pb::Thread| Thread {
        id: thread.id,
        group: thread.group_id,
        msg_id: MsgId(thread.msg_id),
        name: thread.name,
        owner: names.of(UserId(thread.owner_id)),
        created: moment_or_zero(thread.created_at).0,
        members: counted.then_some(thread.member_count),
    };
    Ok(threads.into_iter().map(of_wire).collect())
}
