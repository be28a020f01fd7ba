//! A user's conversations with what is unread in each.

use tidings_domain::{Caller, Error, MsgId, UserId};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::context;

use crate::{Deps, store::cursor as store};

/// Newest activity first, at most `limit` (0: the default), below `before` where it is not zero.
pub async fn list(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    limit: i32,
    before: MsgId,
) -> Result<Vec<pb::UnreadConversation>, Error> {
    let cursors = store::of_user(&deps.db, caller.app, user).await?;
    let marks = cursors.into_iter().map(|cursor| pb::Mark {
        conversation: Some(cursor.conversation.into()),
        read_msg_id: cursor.marks.read.max(cursor.marks.cleared).0,
        unlisted_msg_id: cursor.unlisted.0,
    });
    let request = pb::UnreadRequest { user_id: Some(user.0), marks: marks.collect(), limit, before_msg_id: before.0 };
    let answer = deps.message.clone().unread(context::request(caller, request)).await.map_err(error_from_status)?;
    Ok(answer.into_inner().conversations)
}
