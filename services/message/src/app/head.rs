//! Where a conversation stands.

use tidings_domain::{Caller, ConversationId, Error, MsgId};
use tidings_store::Db;

use crate::store::read;

/// Seq and id of the newest message; zeros when nothing was ever sent there.
pub async fn head(db: &Db, caller: &Caller, conversation: ConversationId) -> Result<(i64, MsgId), Error> {
    caller.check_party(conversation)?;
    Ok(read::head(db, caller.app, conversation).await?.unwrap_or((0, MsgId::ZERO)))
}
