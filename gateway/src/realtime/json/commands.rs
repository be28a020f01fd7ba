//! Commands of a connected client.

use serde_json::value::RawValue;
use tidings_dialects::agora::{self as codec, Addressing, Refusal};
use tidings_domain::{Error, Hidden, MsgId, Reason, Sent};

use super::frames::{AUTH, ClientFrame, DELIVERED, READ, SEND, SentMessage, ServerFrame, error, text_of};
use crate::realtime::{
    client::Client,
    command_line::{self, By, carried_out},
    socket::HEARTBEAT,
};

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
    /// `None`: it is not a command.
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

    const fn name(&self) -> &'static str {
        match self {
            Self::Send { .. } => SEND,
            Self::Read { .. } => READ,
            Self::Delivered { .. } => DELIVERED,
            Self::Renew { .. } => AUTH,
        }
    }

    /// Carries it out; returns the frame that answers it.
    pub async fn carry_out(self, client: Client) -> String {
        let command = command_line::Command::json(self.name());
        carried_out(By::Client(&client), command, self.answer(&client)).await
    }

    /// The frame that answers it, and why it was refused.
    async fn answer(self, client: &Client) -> (String, Option<Reason>) {
        match self {
            Self::Send { id, addressing, message, idempotency_key } => {
                match send(client, &message, addressing, idempotency_key).await {
                    Ok((sent, timestamp)) => {
                        let messages = sent.iter().map(SentMessage::of).collect();
                        (text_of(&ServerFrame::Sent { id: &id, messages, timestamp }), None)
                    }
                    Err(refusal) => refused(&id, &refusal),
                }
            }
            Self::Read { id, msg_id } => done(&id, mark(client, msg_id, true).await),
            Self::Delivered { id, msg_id } => done(&id, mark(client, msg_id, false).await),
            Self::Renew { token } => match client.renew(token.expose()).await {
                Ok(_) => {
                    let heartbeat_seconds = HEARTBEAT.as_secs();
                    let ready = ServerFrame::Ready { user: &client.username, cursor: None, heartbeat_seconds };
                    (text_of(&ready), None)
                }
                Err(why) => (error(None, &Refusal::from(&why)), Some(why.reason())),
            },
        }
    }
}

fn done(id: &str, outcome: Result<(), Error>) -> (String, Option<Reason>) {
    match outcome {
        Ok(()) => (text_of(&ServerFrame::Done { id }), None),
        Err(why) => refused(id, &Refusal::from(&why)),
    }
}

fn refused(id: &str, refusal: &Refusal) -> (String, Option<Reason>) {
    (error(Some(id), refusal), Some(refusal.reason))
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
