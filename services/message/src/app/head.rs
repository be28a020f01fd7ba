//! The newest position of a conversation.

use tidings_domain::{Caller, ConversationId, Error, MsgId};

use super::access;
use crate::{Deps, store::read};

/// Seq and id of the newest message; zeros when there is none that the caller may see.
pub async fn head(
    Deps { db, directory, .. }: &Deps,
    caller: &Caller,
    conversation: ConversationId,
) -> Result<(i64, MsgId), Error> {
    let floor = access::floor(directory, caller, conversation).await?;
    let head = read::head(db, caller.app, conversation).await?;
    Ok(head.filter(|(_, msg_id)| *msg_id > floor).unwrap_or((0, MsgId::ZERO)))
}
