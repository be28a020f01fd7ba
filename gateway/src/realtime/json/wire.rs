//! JSON frames on a socket.

use axum::extract::ws::{Message, Utf8Bytes, close_code};
use futures_util::{FutureExt as _, future::BoxFuture};
use tidings_dialects::agora::Refusal;
use tidings_domain::{Error, Reason};
use tokio::time::Instant;

use super::{
    commands::Command,
    frames::{self, BadFrame, ClientFrame, Conversation, ServerFrame, text_of},
};
use crate::{
    agora,
    realtime::{
        catch_up::CatchUp,
        client::Client,
        command_line::{By, Command as Asked, JSON, answered, carried_out},
        device::Device,
        event::{Batch, Joined},
        hub::Entered,
        session::Signal,
        socket::{End, HEARTBEAT, Socket, TRY_AGAIN},
        wire::{Wire, refusal_code},
    },
};

/// Bytes of events in a frame, unless one event alone has more.
const FRAME: usize = 32 * 1024;

/// The JSON frames of one client.
pub(super) struct JsonWire {
    /// The cursor from which the client continues.
    since: Option<String>,
    /// The cursor from which it continues when it reconnects.
    cursor: Option<String>,
}

impl Wire for JsonWire {
    const NAME: &'static str = JSON;
    type Answer = String;

    const LATE: &'static str = "no auth frame within 10 seconds";

    /// The first frame names the app and has the token of a user.
    async fn log_in(socket: &mut Socket, first: Message) -> Result<(Client, Self), End> {
        let Message::Text(first) = first else {
            return Err(End::CloseCode(close_code::UNSUPPORTED, "frames are text"));
        };
        let auth = match frames::parse(&first) {
            Ok(ClientFrame::Auth(auth)) => auth,
            Ok(_) => {
                return Err(bad_first(
                    socket,
                    &BadFrame::of(Error::invalid("type", "of the first frame must be auth")),
                ));
            }
            Err(bad) => return Err(bad_first(socket, &bad)),
        };
        // Several sessions may have the same device: only MSync replaces them.
        let device = Device::shared(&auth.device, &auth.platform);
        let (gateway, peer) = (&socket.gateway, &socket.peer);
        let client = carried_out(By::Nobody(gateway, &auth.app), Asked::json(frames::AUTH), async {
            let client = Client::of(gateway, peer, &auth.app, auth.token.expose(), device).await;
            let refused = client.as_ref().err().map(Error::reason);
            (client, refused)
        });
        let client = client.await.map_err(|error| End::Refused(refusal_code(&error), Some(refusal(&error))))?;
        Ok((client, Self { since: auth.cursor.map(std::borrow::Cow::into_owned), cursor: None }))
    }

    fn refused(&self, error: &Error) -> Option<Message> {
        Some(refusal(error))
    }

    async fn start(&mut self, socket: &mut Socket, client: &Client, entered: &Entered) -> Result<(), End> {
        let now = self.since.is_none().then_some(&*entered.cursor);
        let heartbeat_seconds = HEARTBEAT.as_secs();
        let ready = ServerFrame::Ready { user: &client.username, cursor: now, heartbeat_seconds };
        socket.send(text(text_of(&ready))).await?;
        if let Some(since) = self.since.take() {
            catch_up(socket, client, &since, entered).await?;
        }
        self.cursor = Some(entered.cursor.to_string());
        Ok(())
    }

    async fn batch(&mut self, socket: &mut Socket, client: &Client, batch: Batch) -> Result<(), End> {
        let all: Vec<&str> = batch.events.iter().map(|event| event.json()).collect();
        let is_all = batch.joined.is_empty();
        if !batch.missed.is_empty() {
            socket.send(text(frames::missed_rooms(&batch.missed))).await?;
        }
        events(socket, &all, is_all.then_some(&batch.cursor)).await?;
        for joined in &batch.joined {
            Box::pin(catch_up_joined(socket, client, joined)).await?;
        }
        if !is_all {
            events(socket, &[], Some(&batch.cursor)).await?;
        }
        self.cursor = Some(batch.cursor.to_string());
        Ok(())
    }

    async fn signal(&mut self, _: &mut Socket, _: &Signal) -> Result<(), End> {
        Ok(())
    }

    async fn frame(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        message: Message,
    ) -> Result<Option<BoxFuture<'static, String>>, End> {
        let started = Instant::now();
        let frame = match &message {
            Message::Text(text) => frames::parse(text),
            _ => Err(BadFrame::of(Error::invalid("frame", "must be text"))),
        };
        let (answer, name, refused) = match frame {
            Ok(ClientFrame::Ping) => (text_of(&ServerFrame::Pong {}), frames::PING, None),
            Ok(frame) => return Ok(Command::of(frame).map(|command| command.carry_out(client.clone()).boxed())),
            Err(bad) => (frames::bad(&bad), bad.command, Some(bad.error.reason())),
        };
        answered(By::Client(client), Asked::json(name), refused, started);
        socket.send(text(answer)).await?;
        Ok(None)
    }

    async fn answer(&mut self, socket: &mut Socket, _: &Client, answer: String) -> Result<(), End> {
        socket.send(text(answer)).await
    }

    async fn tick(&mut self, _: &mut Socket, _: &Client) -> Result<(), End> {
        Ok(())
    }

    fn closing_early(end: &End) -> Option<Message> {
        match end {
            End::CloseCode(code, word) => Some(closing(word, None, retry_after_ms(*code))),
            _ => None,
        }
    }

    fn closing(&self, end: &End) -> Option<Message> {
        match end {
            End::CloseCode(code, word) => Some(closing(word, self.cursor.as_deref(), retry_after_ms(*code))),
            End::Unauthorized(error) | End::PasswordChanged(error) => Some(refusal(error)),
            End::Kicked => Some(closing("the app ended the connection", self.cursor.as_deref(), None)),
            End::Replaced(_) => {
                Some(closing("newer sessions of the user took its place", self.cursor.as_deref(), None))
            }
            End::Gone | End::Refused(..) => None,
        }
    }

    async fn ended(self, _: &Client) {}
}

/// The end of a client whose first frame is none.
fn bad_first(socket: &Socket, bad: &BadFrame) -> End {
    answered(By::Nobody(&socket.gateway, ""), Asked::json(bad.command), Some(bad.error.reason()), Instant::now());
    End::Refused(close_code::POLICY, Some(text(frames::bad(bad))))
}

fn text(text: impl Into<Utf8Bytes>) -> Message {
    Message::Text(text.into())
}

fn closing(reason: &str, cursor: Option<&str>, retry_after_ms: Option<u64>) -> Message {
    text(text_of(&ServerFrame::Closing { reason, cursor, retry_after_ms }))
}

/// When a client that was closed for the server's sake connects again.
fn retry_after_ms(code: u16) -> Option<u64> {
    matches!(code, close_code::RESTART | TRY_AGAIN).then_some(1_000)
}

fn refusal(error: &Error) -> Message {
    text(frames::error(None, &Refusal::from(error)))
}

/// What happened since the client's cursor, up to where its session entered the feed.
async fn catch_up(socket: &mut Socket, client: &Client, since: &str, entered: &Entered) -> Result<(), End> {
    // An invalid cursor is the client's error, and retrying does not help.
    let failed = |error: Error| match error.reason() {
        Reason::InvalidArgument => {
            let error = Error::invalid("cursor", "is not a cursor of this app");
            End::Refused(close_code::POLICY, Some(text(frames::bad(&BadFrame::of(error)))))
        }
        _ => End::Refused(TRY_AGAIN, Some(refusal(&error))),
    };
    let past = CatchUp::open(&client.gateway, &client.caller, since, &entered.cursor).await.map_err(failed)?;
    write_past(socket, client, past).await?;
    // Only now is the client up to date: before, its own cursor is the one to continue from.
    events(socket, &[], Some(&entered.cursor)).await
}

/// The events of a group or room that the user has just entered.
async fn catch_up_joined(socket: &mut Socket, client: &Client, joined: &Joined) -> Result<(), End> {
    let past = CatchUp::of_joined(&client.gateway, &client.caller, joined).await;
    write_past(socket, client, past.map_err(|error| End::Refused(TRY_AGAIN, Some(refusal(&error))))?).await
}

async fn write_past(socket: &mut Socket, client: &Client, mut past: CatchUp) -> Result<(), End> {
    let (gateway, user) = (&client.gateway, client.user);
    let failed = |error: Error| End::Refused(TRY_AGAIN, Some(refusal(&error)));
    while let Some(part) = past.next(gateway, client.app()).await.map_err(failed)? {
        if !part.incomplete.is_empty() {
            let others = part.incomplete.iter().filter_map(|conversation| conversation.peer_of(user));
            let others: Vec<_> = others.collect();
            let names = agora::names_of(gateway, &client.caller, others).await.map_err(failed)?;
            let named = |user| names.of(user);
            let conversations = part.incomplete.iter().map(|missed| Conversation::of(*missed, user, named));
            let frame = ServerFrame::Missed { conversations: conversations.collect() };
            socket.send(text(text_of(&frame))).await?;
        }
        let all: Vec<&str> = part.events.iter().map(|event| event.json()).collect();
        events(socket, &all, None).await?;
    }
    Ok(())
}

/// In one frame, or in several if they are large: a connection keeps a buffer as large as its largest frame. The cursor is
/// in the last.
async fn events(socket: &mut Socket, events: &[&str], cursor: Option<&str>) -> Result<(), End> {
    let mut rest = events;
    while !rest.is_empty() || cursor.is_some() {
        let (some, others) = rest.split_at(frames::fitting(rest, FRAME));
        if others.is_empty() {
            return socket.send(text(frames::events(some, cursor))).await;
        }
        socket.send(text(frames::events(some, None))).await?;
        rest = others;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::realtime::serve::tests::assert_small;

    #[test]
    fn an_idle_client_is_small() {
        assert_small::<JsonWire>();
    }
}
