//! What a connected client asks for.

use std::sync::Arc;

use serde_json::value::RawValue;
use tidings_dialects::agora::{self as codec, Addressing, Refusal};
use tidings_domain::{Caller, Error, MsgId, Sent, StoredFile};
use tidings_proto::pb;
use tidings_runtime::context;

use super::frames::{ClientFrame, SentMessage, ServerFrame, error, text_of};
use crate::{Gateway, agora, identity::Identity, reply::refused};

/// The client of a session.
#[derive(Clone)]
pub(super) struct Client {
    pub gateway: Gateway,
    pub identity: Arc<Identity>,
    pub caller: Caller,
    /// The app's base URL, for files that a message names by their uuid.
    pub base: Arc<str>,
    /// Checked again while the client is connected.
    pub token: String,
}

/// A command, with its own copy of what it needs.
pub(super) enum Command {
    Send { id: String, addressing: Addressing, message: Box<RawValue>, idempotency_key: Option<String> },
    Read { id: String, msg_id: MsgId },
    Delivered { id: String, msg_id: MsgId },
}

impl Command {
    /// `None`: it is no command.
    pub fn of(frame: ClientFrame<'_>) -> Option<Self> {
        match frame {
            ClientFrame::Send { id, addressing, message, idempotency_key } => {
                Some(Self::Send { id: id.into_owned(), addressing, message: message.to_owned(), idempotency_key })
            }
            ClientFrame::Read { id, msg_id } => Some(Self::Read { id: id.into_owned(), msg_id }),
            ClientFrame::Delivered { id, msg_id } => Some(Self::Delivered { id: id.into_owned(), msg_id }),
            ClientFrame::Auth(_) | ClientFrame::Ping => None,
        }
    }

    /// Carries it out; returns the frame that answers it.
    pub async fn carry_out(self, client: Client) -> String {
        match self {
            Self::Send { id, addressing, message, idempotency_key } => {
                match send(&client, &message, addressing, idempotency_key).await {
                    Ok((sent, timestamp)) => {
                        let messages = sent.iter().map(SentMessage::of).collect();
                        text_of(&ServerFrame::Sent { id: &id, messages, timestamp })
                    }
                    Err(refusal) => error(Some(&id), &refusal),
                }
            }
            Self::Read { id, msg_id } => done(&id, mark(&client, msg_id, true).await),
            Self::Delivered { id, msg_id } => done(&id, mark(&client, msg_id, false).await),
        }
    }
}

fn done(id: &str, outcome: Result<(), Error>) -> String {
    match outcome {
        Ok(()) => text_of(&ServerFrame::Done { id }),
        Err(why) => error(Some(id), &Refusal::from(&why)),
    }
}

/// The same rules as for the REST call, as the user themselves.
async fn send(
    client: &Client,
    message: &RawValue,
    addressing: Addressing,
    idempotency_key: Option<String>,
) -> Result<(Vec<Sent>, i64), Refusal> {
    let Client { gateway, identity, caller, base, .. } = client;
    let mut draft = codec::draft(message.get().as_bytes(), &identity.app.policy, addressing)?;
    agora::send::check_from(identity, &draft)?;
    if let Some(media) = draft.content.body.media_mut().filter(|media| StoredFile::is_path(&media.url)) {
        media.url = format!("{base}{}", media.url);
    }
    draft.idempotency_key = idempotency_key;
    let costs = agora::send::costs(&draft);
    gateway.limits().take(&identity.app, &costs).await.map_err(|(refusal, _)| refusal)?;
    let request = context::request(caller, draft.into());
    let reply = gateway.clients().message.clone().send(request).await.map_err(refused)?.into_inner();
    let sent = reply.sent.into_iter().map(TryInto::try_into).collect::<Result<Vec<Sent>, Error>>()?;
    Ok((sent, reply.committed_at_ms))
}

async fn mark(client: &Client, msg_id: MsgId, is_read: bool) -> Result<(), Error> {
    let mut conversations = client.gateway.clients().conversation.clone();
    let msg_id = msg_id.0;
    if is_read {
        let request = pb::MarkReadRequest { user_id: None, conversation: None, msg_id };
        conversations.mark_read(context::request(&client.caller, request)).await.map_err(refused)?;
    } else {
        let request = pb::MarkDeliveredRequest { user_id: None, conversation: None, msg_id };
        conversations.mark_delivered(context::request(&client.caller, request)).await.map_err(refused)?;
    }
    Ok(())
}

/// The base URL of an app.
pub(super) fn base_of(base: &str, org: &str, app: &str) -> Arc<str> {
    Arc::from(format!("{base}/{org}/{app}"))
}
