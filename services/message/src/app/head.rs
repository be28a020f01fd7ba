//! The newest position of a conversation.

use tidings_domain::{Caller, ConversationId, Error, MsgId};

use super::access;
use crate::{
    Deps,
    store::{
        listed::{self, Below},
        place, read,
    },
};

/// Seq and id of the newest message; zeros when there is none that the caller may see. For users whom the newest is not for
/// it is the newest that they can read.
pub async fn head(
    Deps { db, directory, .. }: &Deps,
    caller: &Caller,
    conversation: ConversationId,
) -> Result<(i64, MsgId), Error> {
    let floor = access::floor(directory, caller, conversation).await?;
    let head = place::head(db, caller.app, conversation).await?;
    let Some((seq, msg_id)) = head.filter(|(_, msg_id)| *msg_id > floor) else {
        return Ok((0, MsgId::ZERO));
    };
    let Some(user) = access::viewer(caller) else {
        return Ok((seq, msg_id));
    };
    if !place::place_of(db, caller.app, msg_id).await?.is_some_and(|place| place.is_not_for(user)) {
        return Ok((seq, msg_id));
    }
    let below = Below { conversation, below: msg_id, floor };
    let newest = listed::newest(db, caller.app, user, &[below]).await?.remove(&conversation);
    let message = match newest {
        Some(msg_id) => read::find(db, caller.app, msg_id).await?,
        None => None,
    };
    Ok(message.map_or((0, MsgId::ZERO), |message| (message.seq, message.msg_id)))
}
