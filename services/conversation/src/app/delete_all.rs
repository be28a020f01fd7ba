//! Deletes every conversation of one user.

use tidings_domain::{Caller, ConversationId, Error, Marks, MsgId, UserId};
use tidings_proto::required;

use super::list;
use crate::{
    Deps,
    store::cursor::{self as store, Raise},
};

/// Conversations per step.
const STEP: i32 = 1_000;

/// Returns how many left the list.
pub async fn delete_all(deps: &Deps, caller: &Caller, user: UserId) -> Result<usize, Error> {
    let mut deleted = 0;
    let mut page_token = String::new();
    loop {
        let listed = list::list(deps, caller, user, STEP, page_token).await?;
        let mut raises = Vec::with_capacity(listed.conversations.len());
        for entry in listed.conversations {
            let conversation: ConversationId = required("conversation", entry.conversation)?.try_into()?;
            let head = MsgId(entry.head_msg_id);
            raises.push(Raise::unread(conversation, Marks { cleared: head, ..Marks::default() }, head));
        }
        let mut tx = deps.db.begin().await?;
        deleted += store::raise_many(&mut tx, caller.app, user, &raises).await?;
        tx.commit().await?;
        page_token = listed.next_page_token;
        if page_token.is_empty() {
            return Ok(deleted);
        }
    }
}
