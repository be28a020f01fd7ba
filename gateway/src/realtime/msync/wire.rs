//! MSync packets on a socket.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{Message, close_code};
use futures_util::{FutureExt as _, future::BoxFuture};
use tidings_dialects::agora::msync::{
    self as codec, Frame, Login, LogoutReason, Queue, app_key, login_outcome, operation,
};
use tidings_domain::{ConversationId, Error, MsgId, Reason};
use tokio::time::{Instant, timeout};

use super::{
    commands::{Done, Session, carry_out, refuse},
    intake::Intake,
    queues::{Entry, Queues},
};
use crate::{
    Gateway,
    realtime::{
        catch_up::CatchUp,
        client::Client,
        command_line::{By, Command, MSYNC, OTHER, answered, carried_out},
        device::Device,
        event::{Batch, Joined},
        hub::{Entered, Hub},
        session::Signal,
        socket::{End, Socket, TRY_AGAIN},
        wire::{Wire, refusal_code},
    },
};

/// How long a session that has ended waits for its last mark.
const MARKING: Duration = Duration::from_secs(2);

/// The packets of one device.
pub(super) struct MsyncWire {
    app_key: String,
    device: String,
    user: String,
    /// Whether the client reads what a room shows.
    reads_rooms: bool,
    intake: Intake,
    /// The client has fetched its queues: before that nothing is announced, since it would be fetched twice.
    has_fetched: bool,
    /// What the device has acknowledged last, until it counts as delivered: it will not acknowledge it again.
    unmarked: Option<(ConversationId, MsgId)>,
    gateway: Gateway,
    hub: Arc<Hub>,
}

impl Wire for MsyncWire {
    const NAME: &'static str = MSYNC;
    type Answer = Done;

    const LATE: &'static str = "no provision within 10 seconds";

    async fn log_in(socket: &mut Socket, first: Message) -> Result<(Client, Self), End> {
        let login = match codec::parse(&bytes_of(first)?) {
            Ok(Frame::Login(login)) => login,
            Ok(other) => {
                count_first(socket, other.name(), Reason::InvalidArgument);
                return Err(End::CloseCode(close_code::POLICY, "the first packet must be a provision"));
            }
            Err(error) => {
                count_first(socket, OTHER, error.reason());
                return Err(refused("", &error));
            }
        };
        let Login { app_key: app, name, token, device, platform, reason, reads_rooms } = login;
        let shown = Device::single(&device, platform, &reason);
        let (gateway, peer) = (&socket.gateway, &socket.peer);
        let client = carried_out(By::Nobody(gateway, &app), Command::msync(codec::LOGIN), async {
            let client = Client::of(gateway, peer, &app, token.expose(), shown).await.map_err(known);
            let is_own = |client: &Client| client.username.eq_ignore_ascii_case(&name);
            let foreign = || Error::new(Reason::TokenForeign, "");
            let client = client.and_then(|client| is_own(&client).then_some(client).ok_or_else(foreign));
            let refused = client.as_ref().err().map(Error::reason);
            (client, refused)
        });
        let client = client.await.map_err(|error| refused(&device, &error))?;
        let (gateway, hub) = (socket.gateway.clone(), Arc::clone(&socket.hub));
        // Keys grow over the sessions of a device.
        let queues = Queues::above(gateway.now().0.unsigned_abs() << 10);
        let (app_key, user) = (app_key(client.app()), client.username.to_ascii_lowercase());
        let intake = Intake::new(&app_key, queues);
        let (has_fetched, unmarked) = (false, None);
        Ok((client, Self { app_key, device, user, reads_rooms, intake, has_fetched, unmarked, gateway, hub }))
    }

    fn refused(&self, error: &Error) -> Option<Message> {
        login_refused(&self.device, error)
    }

    async fn start(&mut self, socket: &mut Socket, client: &Client, entered: &Entered) -> Result<(), End> {
        // First: clients wait 10 seconds for it, and reading the past may take longer when many come back together.
        socket.send(binary(codec::logged_in(&self.device, client.identity.expires_at()))).await?;
        self.intake.begin(client, entered).await.map_err(failed)
    }

    fn takes_events(&self) -> bool {
        self.intake.takes_events()
    }

    async fn batch(&mut self, socket: &mut Socket, client: &Client, batch: Batch) -> Result<(), End> {
        self.intake.take(batch.events, client);
        for joined in &batch.joined {
            Box::pin(self.catch_up_joined(client, joined)).await.map_err(failed)?;
        }
        self.intake.came(batch.cursor, client);
        self.announce(socket).await
    }

    async fn signal(&mut self, socket: &mut Socket, signal: &Signal) -> Result<(), End> {
        let entry = Entry { meta: signal.msync.clone(), delivers: None };
        self.intake.queues.push(Queue::of_user(&signal.peer), entry);
        self.announce(socket).await
    }

    async fn frame(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        message: Message,
    ) -> Result<Option<BoxFuture<'static, Done>>, End> {
        let (started, by) = (Instant::now(), By::Client(client));
        let frame = codec::parse(&bytes_of(message)?).map_err(|error| {
            answered(by, Command::msync(OTHER), Some(error.reason()), started);
            End::CloseCode(close_code::INVALID, "this is no packet of this protocol")
        })?;
        let name = frame.name();
        match frame {
            Frame::Unread => {
                self.has_fetched = true;
                let queues = self.intake.queues.unannounced();
                socket.send(binary(codec::unread(&self.app_key, &queues, self.gateway.now()))).await?;
            }
            Frame::Pull { queue, key } => {
                let marks = self.pull(socket, client, &queue, key).await?;
                answered(by, Command::msync(name), None, started);
                return Ok(marks);
            }
            Frame::Send(meta) => {
                let id = meta.id.unwrap_or_default();
                match operation(&meta, &client.app().policy) {
                    Ok(operation) => {
                        self.intake.own.begin();
                        let (hub, app_key, reads_rooms) =
                            (Arc::clone(&self.hub), self.app_key.clone(), self.reads_rooms);
                        let session = Session { hub, app_key, reads_rooms };
                        return Ok(Some(carry_out(operation, id, client.clone(), session).boxed()));
                    }
                    Err(outcome) => {
                        answered(by, Command::msync(codec::name_of(&meta)), Some(outcome.why()), started);
                        socket.send(binary(refuse(id, outcome, self.gateway.now()))).await?;
                        return Ok(None);
                    }
                }
            }
            Frame::Logout => {
                answered(by, Command::msync(name), None, started);
                socket.send(binary(codec::logged_out())).await?;
                return Err(End::CloseCode(close_code::NORMAL, "logged out"));
            }
            // A client that repeats its login is logged in, from now on with that token.
            Frame::Login(login) => {
                let ends_at = Box::pin(client.renew(login.token.expose())).await;
                let ends_at = ends_at.map_err(|error| refused(&self.device, &error))?;
                socket.send(binary(codec::logged_in(&self.device, ends_at))).await?;
            }
            Frame::Other => {}
        }
        answered(by, Command::msync(name), None, started);
        Ok(None)
    }

    async fn answer(&mut self, socket: &mut Socket, client: &Client, answer: Done) -> Result<(), End> {
        self.unmarked = None;
        if let Some(packet) = answer.packet {
            socket.send(binary(packet)).await?;
        }
        let held = self.intake.own.done(answer.is_sent, &answer.messages);
        self.intake.take(held, client);
        self.intake.move_on();
        self.announce(socket).await
    }

    async fn tick(&mut self, socket: &mut Socket, client: &Client) -> Result<(), End> {
        self.intake.save_if_due(client).await;
        // A client that does not fetch is notified anyway.
        self.has_fetched = true;
        self.announce(socket).await
    }

    fn closing(&self, end: &End) -> Option<Message> {
        let why = match end {
            End::Replaced(_) => LogoutReason::Replaced,
            End::Kicked => LogoutReason::Kicked,
            End::PasswordChanged(_) => LogoutReason::PasswordChanged,
            End::Unauthorized(error) => match error.reason() {
                Reason::UserNotFound | Reason::UserDisabled => LogoutReason::Removed,
                Reason::TokenRevoked => LogoutReason::Kicked,
                // The client knows when its token ends.
                _ => return None,
            },
            End::Gone | End::CloseCode(..) | End::Refused(..) => return None,
        };
        let reason: &str = if let End::Replaced(reason) = end { reason } else { "" };
        let now = self.gateway.now();
        let parted = codec::parted(why, &self.user, reason, now);
        Some(binary(codec::parting(&self.app_key, &self.user, parted, now)))
    }

    async fn ended(mut self, client: &Client) {
        if let Some(delivered) = self.unmarked {
            let _ = timeout(MARKING, mark(client.clone(), delivered)).await;
        }
        self.intake.save_last(client).await;
    }
}

impl MsyncWire {
    /// The events of a group or room that the user has just entered.
    async fn catch_up_joined(&mut self, client: &Client, joined: &Joined) -> Result<(), Error> {
        let mut past = CatchUp::of_joined(&client.gateway, &client.caller, joined).await?;
        while let Some(part) = past.next(&client.gateway, client.app()).await? {
            self.intake.take(part.events, client);
        }
        Ok(())
    }

    async fn announce(&mut self, socket: &mut Socket) -> Result<(), End> {
        if self.has_fetched {
            for (queue, _) in self.intake.queues.unannounced() {
                socket.send(binary(codec::notice(&self.app_key, &queue))).await?;
            }
        }
        Ok(())
    }

    async fn pull(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        queue: &Queue,
        key: Option<u64>,
    ) -> Result<Option<BoxFuture<'static, Done>>, End> {
        let pulled = self.intake.queues.pull(queue, key);
        self.unmarked = pulled.delivered;
        let now = self.gateway.now();
        let packet = match pulled.page {
            Some((metas, next_key)) => codec::page(&self.app_key, queue, metas, next_key, now),
            None => codec::last_page(&self.app_key, queue, now),
        };
        socket.send(binary(packet)).await?;
        Box::pin(self.intake.read_past(client)).await.map_err(failed)?;
        self.announce(socket).await?;
        Ok(pulled.delivered.map(|delivered| mark(client.clone(), delivered).boxed()))
    }
}

/// The first packet is refused.
fn count_first(socket: &Socket, name: &'static str, why: Reason) {
    answered(By::Nobody(&socket.gateway, ""), Command::msync(name), Some(why), Instant::now());
}

/// Counts a message as delivered, with all before it.
async fn mark(client: Client, (conversation, msg_id): (ConversationId, MsgId)) -> Done {
    if let Err(error) = client.mark_delivered(Some(conversation), msg_id).await {
        tracing::debug!(%error, "a delivered mark did not move");
    }
    Done::silently()
}

fn failed(error: Error) -> End {
    tracing::debug!(%error, "events that a client missed could not be read");
    End::CloseCode(TRY_AGAIN, "the feed is interrupted")
}

fn binary(packet: Vec<u8>) -> Message {
    Message::Binary(packet.into())
}

fn bytes_of(message: Message) -> Result<axum::body::Bytes, End> {
    match message {
        Message::Binary(bytes) => Ok(bytes),
        _ => Err(End::CloseCode(close_code::UNSUPPORTED, "packets are binary")),
    }
}

fn refused(device: &str, error: &Error) -> End {
    End::Refused(refusal_code(error), login_refused(device, error))
}

/// Clients take every refusal for one of their token, and do not connect again. So there is none where the server cannot go
/// on.
fn login_refused(device: &str, error: &Error) -> Option<Message> {
    (refusal_code(error) != TRY_AGAIN).then(|| binary(codec::login_refused(device, login_outcome(error))))
}

/// An app's own token is not a login of a user.
fn known(error: Error) -> Error {
    if error.reason() == Reason::InvalidArgument { Error::new(Reason::TokenForeign, "") } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::realtime::serve::tests::assert_small;

    #[test]
    fn an_idle_client_is_small() {
        assert_small::<MsyncWire>();
    }
}
