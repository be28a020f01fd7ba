//! This service's queries to the log.

use tidings_domain::{Caller, ConversationId, Error, MsgId};
use tidings_proto::{
    error_from_status,
    internal::{self, message_internal_service_client::MessageInternalServiceClient},
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

/// The conversation of a message; `None`: it is past retention, and `claimed` is not given.
pub async fn locate(
    log: &MessageInternalServiceClient<Wire>,
    caller: &Caller,
    msg_id: MsgId,
    claimed: Option<ConversationId>,
) -> Result<Option<ConversationId>, Error> {
    let request = internal::LocateRequest { msg_id: msg_id.0, conversation: claimed.map(Into::into) };
    let found = log.clone().locate(context::request(caller, request)).await.map_err(error_from_status)?;
    found.into_inner().conversation.map(TryInto::try_into).transpose()
}
