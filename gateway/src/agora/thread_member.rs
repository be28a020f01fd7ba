//! Members of threads: `/{org}/{app}/thread/{id}/users` (agora.md 10.5).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::{Caller, Error, Reason, UserId, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    group::member_name,
    group_call::id_of,
    people::{self, Named},
    thread::{OfThread, of_path, path_thread, shown},
};
use crate::{Gateway, reply::refused};

pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let query = codec::thread_query(&context.query)?;
        let thread = path_thread(&gateway, &caller, id_of(&named)).await?;
        let request = pb::ListMembersRequest {
            group_id: thread.id,
            page_size: query.limit,
            page_token: query.cursor,
            ..Default::default()
        };
        let page = gateway.clients().group.clone().list_members(context::request(&caller, request)).await;
        let page = page.map_err(|status| codec::thread_refusal(&refused(status), false))?.into_inner();
        let members: Vec<String> = page.members.iter().map(member_name).collect();
        let call = context.call(&identity.app);
        Ok::<_, Refusal>(codec::thread_members(&call, context.timing(&gateway), &members, &page.next_page_token))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `POST /thread/{id}/users`: all users of the body, or none.
pub(crate) async fn add(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = async {
        let (identity, caller) = context.app_caller(&gateway).await?;
        let thread = codec::thread_id(id_of(&named))?;
        let names = codec::thread_users(&context.read(body).await?)?;
        path_thread(&gateway, &caller, id_of(&named)).await?;
        let users = people::existing_ids(&gateway, &caller, &names.iter().collect::<Vec<_>>()).await?;
        enter(&gateway, &caller, thread, &users).await?;
        Ok::<_, Refusal>(codec::thread_done(&context.call(&identity.app), context.timing(&gateway)))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `DELETE /thread/{id}/users`: each user of the body with a result of their own.
pub(crate) async fn remove(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let names = codec::thread_users(&context.read(body).await?)?;
        let thread = path_thread(&gateway, &caller, id_of(&named)).await?;
        let mut removed = Vec::with_capacity(names.len());
        for name in &names {
            let result = match leave(&gateway, &caller, thread.id, name).await {
                Ok(()) => true,
                Err(error) if is_about_user(error.reason()) => false,
                Err(error) => return Err(codec::thread_refusal(&error, false)),
            };
            removed.push((name.folded().to_owned(), result));
        }
        Ok::<_, Refusal>(codec::thread_members_removed(
            &context.call(&identity.app),
            context.timing(&gateway),
            &removed,
        ))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `DELETE /thread/{id}/users/{username}`
pub(crate) async fn remove_one(State(gateway): State<Gateway>, context: RequestContext, path: OfThread) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let (thread, user) = of_path(&path);
        let thread = path_thread(&gateway, &caller, thread).await?;
        let left = leave(&gateway, &caller, thread.id, &user?).await;
        left.map_err(|error| codec::thread_refusal(&error, false))?;
        Ok::<_, Refusal>(codec::thread_member_removed(&context.call(&identity.app), context.timing(&gateway)))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `POST /thread/{id}/user/{username}/join`. Joining again is not an error.
pub(crate) async fn join(State(gateway): State<Gateway>, context: RequestContext, path: OfThread) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let (thread, user) = of_path(&path);
        let user = user?;
        identity.check_may_name(&user)?;
        let thread = codec::thread_id(thread)?;
        let users = people::existing_ids(&gateway, &caller, &[&user]).await?;
        let joined = enter(&gateway, &caller, thread, &users).await?;
        let joined = shown(&gateway, &caller, vec![joined], true).await?.remove(0);
        Ok::<_, Refusal>(codec::thread_joined(&context.call(&identity.app), context.timing(&gateway), &joined))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

/// `DELETE /thread/{id}/user/{username}/quit`
pub(crate) async fn quit(State(gateway): State<Gateway>, context: RequestContext, path: OfThread) -> Response {
    let outcome = async {
        let (identity, caller) = context.any_caller(&gateway).await?;
        let (thread, user) = of_path(&path);
        let user = user?;
        identity.check_may_name(&user)?;
        let thread = path_thread(&gateway, &caller, thread).await?;
        let user = people::existing_ids(&gateway, &caller, &[&user]).await?.first().map(|user| user.0);
        let request = pb::LeaveRequest { group_id: thread.id, user_id: user };
        let left = gateway.clients().group.clone().leave(context::request(&caller, request)).await;
        left.map_err(|status| codec::thread_refusal(&refused(status), false))?;
        Ok::<_, Refusal>(codec::thread_done(&context.call(&identity.app), context.timing(&gateway)))
    };
    let outcome = outcome.await;
    context.answer(&gateway, outcome).await
}

async fn enter(gateway: &Gateway, caller: &Caller, thread: i64, users: &[UserId]) -> Result<pb::Thread, Refusal> {
    let user_ids = users.iter().map(|user| user.0).collect();
    let request = pb::JoinThreadRequest { thread_id: thread, user_ids };
    let joined = gateway.clients().group.clone().join_thread(context::request(caller, request)).await;
    Ok(joined.map_err(|status| codec::thread_refusal(&refused(status), false))?.into_inner())
}

/// Removes one user.
async fn leave(gateway: &Gateway, caller: &Caller, thread: i64, user: &Username) -> Result<(), Error> {
    let user = people::id(gateway, caller, user).await?;
    let request = pb::RemoveMembersRequest { group_id: thread, user_ids: vec![user.0] };
    let removed = gateway.clients().group.clone().remove_members(context::request(caller, request)).await;
    let outcome = removed.map_err(refused)?.into_inner().results.into_iter().next().unwrap_or_default();
    match Reason::from_name(&outcome.reason) {
        None => Ok(()),
        Some(reason) => Err(Error::new(reason, outcome.user_id.to_string())),
    }
}

/// Whether only one of several users cannot be removed.
const fn is_about_user(reason: Reason) -> bool {
    matches!(reason, Reason::NotGroupMember | Reason::UserNotFound | Reason::GroupOwnerBound)
}
