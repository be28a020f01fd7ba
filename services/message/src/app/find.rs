//! Finds one message.

use tidings_domain::{Caller, Error, Message, MsgId, Reason};
use tidings_store::Db;

use crate::store::read;

pub async fn find(db: &Db, caller: &Caller, msg_id: MsgId) -> Result<Message, Error> {
    let found = read::find(db, caller.app, msg_id).await?;
    let visible = found.filter(|message| caller.check_party(message.conversation).is_ok());
    visible.ok_or_else(|| Error::new(Reason::MessageNotFound, msg_id.to_string()))
}
