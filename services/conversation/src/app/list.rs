//! A user's conversations with unread counts.

use tidings_domain::{Caller, Error, UserId};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::context;

use crate::{Deps, store::cursor as store};

/// Maximum number of conversations that the message service counts at once.
const MOST: i32 = 10_000;

/// A page of them, newest activity first; size and token as in the requests.
pub async fn list(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    page_size: i32,
    page_token: String,
) -> Result<internal::UnreadResponse, Error> {
    unread(deps, caller, user, internal::UnreadRequest { page_size, page_token, ..Default::default() }).await
}

/// The user's total unread count over all one-to-one conversations (tencent.md 4).
pub async fn unread_total(deps: &Deps, caller: &Caller, user: UserId) -> Result<i64, Error> {
    let all = internal::UnreadRequest { page_size: MOST, direct_only: true, ..Default::default() };
    let conversations = unread(deps, caller, user, all).await?.conversations;
    Ok(conversations.iter().map(|conversation| conversation.unread).sum())
}

async fn unread(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    wanted: internal::UnreadRequest,
) -> Result<internal::UnreadResponse, Error> {
    let cursors = store::of_user(&deps.db, caller.app, user).await?;
    let marks = cursors.into_iter().map(|cursor| internal::Mark {
        conversation: Some(cursor.conversation.into()),
        read_msg_id: cursor.marks.read.max(cursor.marks.cleared).0,
        unlisted_msg_id: cursor.unlisted.0,
    });
    let request = internal::UnreadRequest { user_id: Some(user.0), marks: marks.collect(), ..wanted };
    let answer =
        deps.message_internal.clone().unread(context::request(caller, request)).await.map_err(error_from_status)?;
    Ok(answer.into_inner())
}
