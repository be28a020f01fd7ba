//! Finds one message.

use tidings_domain::{Caller, Error, Message, MsgId};

use super::access;
use crate::{Deps, store::read};

pub async fn find(Deps { db, directory, .. }: &Deps, caller: &Caller, msg_id: MsgId) -> Result<Message, Error> {
    let found = read::find(db, caller.app, msg_id).await?;
    let message = found.ok_or_else(|| access::not_found(msg_id))?;
    access::check_visible(directory, caller, message.conversation, msg_id).await?;
    Ok(message)
}
