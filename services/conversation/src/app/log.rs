//! What this service asks the log.

use tidings_domain::{Caller, ConversationId, Error, Message, MsgId};
use tidings_proto::{
    error_from_status,
    pb::{self, message_service_client::MessageServiceClient},
};
use tidings_runtime::{Wire, context};

/// The newest message of a conversation; zero when there is none.
pub async fn head(
    log: &MessageServiceClient<Wire>,
    caller: &Caller,
    conversation: ConversationId,
) -> Result<MsgId, Error> {
    let request = pb::HeadRequest { conversation: Some(conversation.into()) };
    let head = log.clone().head(context::request(caller, request)).await.map_err(error_from_status)?;
    Ok(MsgId(head.into_inner().msg_id))
}

/// One message.
pub async fn find(log: &MessageServiceClient<Wire>, caller: &Caller, msg_id: MsgId) -> Result<Message, Error> {
    let request = pb::FindRequest { msg_id: msg_id.0 };
    let found = log.clone().find(context::request(caller, request)).await.map_err(error_from_status)?;
    found.into_inner().try_into()
}
