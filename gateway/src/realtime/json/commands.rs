//! What a connected client asks for.

use serde_json::value::RawValue;
use tidings_dialects::agora::{self as codec, Addressing, Refusal};
use tidings_domain::{Error, Hidden, MsgId, Sent};

use super::frames::{ClientFrame, SentMessage, ServerFrame, error, text_of};
use crate::realtime::{client::Client, socket::HEARTBEAT};

/// A command, with its own copy of what it needs.
pub(super) enum Command {
    Send {
        id: String,
        addressing: Addressing,
        message: Box<RawValue>,
        idempotency_key: Option<String>,
    },
    Read {
        id: String,
        msg_id: MsgId,
    },
    Delivered {
        id: String,
        msg_id: MsgId,
    },
    /// The client has a new token.
    Renew {
        token: Hidden<String>,
    },
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
            ClientFrame::Auth(auth) => Some(Self::Renew { token: Hidden::new(auth.token.expose().to_string()) }),
            ClientFrame::Ping => None,
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
            Self::Renew { token } => match client.renew(token.expose()).await {
                Ok(_) => text_of(&ServerFrame::Ready {
                    user: &client.username,
                    cursor: None,
                    heartbeat_seconds: HEARTBEAT.as_secs(),
                }),
                Err(why) => error(None, &Refusal::from(&why)),
            },
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
    let mut draft = codec::draft(message.get().as_bytes(), &client.app().policy, addressing)?;
    draft.idempotency_key = idempotency_key;
    client.append(draft).await
}

async fn mark(client: &Client, msg_id: MsgId, is_read: bool) -> Result<(), Error> {
    let marked = if is_read { client.mark_read(None, msg_id).await } else { client.mark_delivered(None, msg_id).await };
    marked.map(|_| ())
}
