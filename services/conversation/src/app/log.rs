//! This service's queries to the log.

use tidings_domain::{Actor, Caller, ConversationId, Error, Message, MsgId, Reason};
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

/// Whether the caller may see a message of that conversation, or could before it was recalled or purged.
pub async fn is_visible(
    log: &MessageInternalServiceClient<Wire>,
    caller: &Caller,
    conversation: ConversationId,
    msg_id: MsgId,
) -> Result<bool, Error> {
    match locate(log, caller, msg_id, Some(conversation)).await {
        Ok(_) => Ok(true),
        Err(error) if error.reason() == Reason::MessageNotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A message that the caller sees in that conversation; otherwise it is not found.
pub async fn find(
    log: &MessageServiceClient<Wire>,
    caller: &Caller,
    conversation: ConversationId,
    msg_id: MsgId,
) -> Result<Message, Error> {
    let found = log.clone().find(context::request(caller, pb::FindRequest { msg_id: msg_id.0 })).await;
    let message: Message = found.map_err(error_from_status)?.into_inner().try_into()?;
    if message.conversation == conversation {
        Ok(message)
    } else {
        Err(Error::new(Reason::MessageNotFound, msg_id.to_string()))
    }
}

/// Which of the messages still exist for anybody.
pub async fn existing(
    log: &MessageServiceClient<Wire>,
    caller: &Caller,
    msg_ids: &[MsgId],
) -> Result<Vec<MsgId>, Error> {
    let as_app = Caller { actor: Actor::App, ..caller.clone() };
    let (mut found, mut left) = (Vec::new(), msg_ids.iter().map(|id| id.0).collect::<Vec<_>>());
    while !left.is_empty() {
        let request = context::request(&as_app, pb::FindManyRequest { msg_ids: left });
        let reply = log.clone().find_many(request).await.map_err(error_from_status)?.into_inner();
        found.extend(reply.messages.iter().map(|message| MsgId(message.msg_id)));
        left = reply.left_msg_ids;
    }
    Ok(found)
}
