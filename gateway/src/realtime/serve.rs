//! Serves one client of any wire format, from its first frame to its end.

use std::{future::pending, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{Message, close_code},
};
use futures_util::future::BoxFuture;
use tidings_domain::{Error, SessionEnd, UserId};
use tidings_proto::pb::app_ref;
use tidings_runtime::metrics;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::{
    app_feed::AppFeed,
    client::Client,
    hub::Entered,
    pace::{Pace, Paced},
    session::{Ending, Item},
    socket::{End, HEARTBEAT, Socket, TRY_AGAIN},
    sockets::Place,
    wire::Wire,
};
use crate::connection::Busy;

/// How long a client may take to log in.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the server may take to check it. A slow server is no fault of the client, which tries again.
const AUTHENTICATION: Duration = Duration::from_secs(20);
/// How long a client that is sent pings may be silent.
const SILENCE: Duration = Duration::from_secs(75);
/// How often the conditions that are the same for all clients of an app are checked.
const CHECK: Duration = Duration::from_secs(4);
/// How often its token is checked: the feed reports revoked users immediately, so this is for keys that were
/// replaced. It is also done at the first check, for what happened while the client connected.
const CHECK_TOKEN: Duration = Duration::from_mins(1);
/// The same while the feed says nothing.
const CHECK_TOKEN_ALONE: Duration = Duration::from_secs(15);

/// How many frames are read of a client. One that sends more is not closed: the next one is read later.
const FRAMES: Pace = Pace { each: Duration::from_millis(5), burst: 600 };
/// Each further so many bytes of a frame count as another one.
const FRAME_BYTES: usize = 4 * 1024;

/// Until the client disconnects, or is disconnected.
pub(super) async fn serve<W: Wire>(mut socket: Socket) {
    let _unfinished = socket.gateway.unfinished().begin();
    // Futures of rare cases are boxed: the task of an idle client is as large as its largest part.
    let (end, last) = match Box::pin(log_in::<W>(&mut socket)).await {
        Ok((client, mut wire, _place)) => {
            // Not closed in favour of another connection, as it is until here.
            let _busy = socket.peer.connection.as_ref().map(Busy::new);
            let _open = metrics().realtime.open(W::NAME);
            let end = session(&mut socket, &client, &mut wire).await.err().unwrap_or(End::Gone);
            let last = wire.closing(&end);
            Box::pin(wire.ended(&client)).await;
            (end, last)
        }
        Err(end) => {
            let last = W::closing_early(&end);
            (end, last)
        }
    };
    metrics().realtime.ended(W::NAME, end.word());
    socket.close(end, last).await;
}

/// Reads until the client has said who it is, which it must do soon, and before the process stops.
async fn log_in<W: Wire>(socket: &mut Socket) -> Result<(Client, W, Place), End> {
    let stopping = socket.gateway.stopping().clone();
    socket.greet().await?;
    tokio::select! {
        logged_in = identify(socket) => logged_in,
        () = stopping.triggered() => Err(restarts()),
    }
}

async fn identify<W: Wire>(socket: &mut Socket) -> Result<(Client, W, Place), End> {
    let first = timeout(HANDSHAKE, socket.read()).await;
    let first = first.unwrap_or(Err(End::CloseCode(close_code::POLICY, W::LATE)))?;
    let logged_in = timeout(AUTHENTICATION, W::log_in(socket, first)).await;
    let (client, wire) =
        logged_in.unwrap_or(Err(End::CloseCode(TRY_AGAIN, "the server cannot check the token now")))?;
    let place = Place::take(&client);
    let place = place.map_err(|error| End::Refused(TRY_AGAIN, wire.refused(&error)))?;
    Ok((client, wire, place))
}

async fn session<W: Wire>(socket: &mut Socket, client: &Client, wire: &mut W) -> Result<(), End> {
    let entered = Box::pin(socket.hub.enter(&socket.gateway, client)).await;
    let mut entered = entered.map_err(|error| End::Refused(TRY_AGAIN, wire.refused(&error)))?;
    let (ending, refused) = (entered.inbox.ending(), refused(client, entered.feed()));
    let served = async {
        entered.inbox.skip_to_entered().await?;
        Box::pin(wire.start(socket, client, &entered)).await?;
        follow(socket, client, wire, &mut entered).await
    };
    // Also while past events are sent, and while a frame is written, however long that takes.
    let ended = tokio::select! {
        ended = served => ended,
        why = ending => Err(why.into()),
        error = refused => Err(End::Unauthorized(error)),
    };
    if let Err(end) = &ended {
        entered.how = how(end);
    }
    ended
}

/// The process stops.
const fn restarts() -> End {
    End::CloseCode(close_code::RESTART, "the server restarts")
}

/// How a session ended, for the user's presence.
const fn how(end: &End) -> SessionEnd {
    match end {
        End::CloseCode(close_code::NORMAL, _) => SessionEnd::LoggedOut,
        End::CloseCode(close_code::AWAY, _) => SessionEnd::TimedOut,
        End::Gone | End::CloseCode(..) | End::Refused(..) => SessionEnd::Closed,
        End::Unauthorized(_) | End::Kicked | End::PasswordChanged(_) => SessionEnd::Kicked,
        End::Replaced(_) => SessionEnd::Replaced,
    }
}

/// Until the client must be disconnected.
async fn refused(client: &Client, feed: Arc<AppFeed>) -> Error {
    let (identities, app) = (client.gateway.identities(), client.caller.app);
    let mut checked_at: Option<Instant> = None;
    loop {
        sleep(CHECK).await;
        let often = if feed.is_interrupted() { CHECK_TOKEN_ALONE } else { CHECK_TOKEN };
        let is_due = checked_at.is_none_or(|at| at.elapsed() >= often);
        let now = client.gateway.now();
        let current = client.tokens.current(now);
        let checked = if is_due || current.has_ended(now) {
            checked_at = Some(Instant::now());
            Box::pin(identities.of(app_ref::App::Id(app.0), current.token.expose())).await.map(drop)
        } else {
            Box::pin(identities.check_app(app)).await
        };
        match checked {
            Err(error) if !error.reason().is_transient() => return error,
            Ok(()) | Err(_) => {}
        }
    }
}

/// Until the connection ends. One command at a time, in order; events continue meanwhile.
async fn follow<W: Wire>(socket: &mut Socket, client: &Client, wire: &mut W, entered: &mut Entered) -> Result<(), End> {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tick = interval(CHECK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard_at = Instant::now();
    let mut paced = Paced::since(heard_at);
    let mut command: Option<BoxFuture<'static, W::Answer>> = None;
    let stopping = socket.gateway.stopping().clone();
    let draining = async {
        stopping.draining().await;
        sleep(client.gateway.sockets().drain().mul_f64(share(client.user))).await;
    };
    tokio::pin!(draining);
    let (mut token_check, mut again) = (entered.inbox.token_checks(), None);
    loop {
        let is_free = command.is_none();
        let read_at = paced.opens_at(FRAMES, Instant::now());
        let answered = async {
            match &mut command {
                Some(command) => command.await,
                None => pending().await,
            }
        };
        let heard = async {
            if let Some(at) = read_at {
                Box::pin(sleep_until(at)).await;
            }
            socket.receive().await
        };
        let checked = async {
            match &again {
                Some((why, at)) => {
                    sleep_until(*at).await;
                    Ending::clone(why)
                }
                None => token_check.raised().await,
            }
        };
        tokio::select! {
            item = entered.inbox.next(wire.takes_events()) => match item? {
                Item::Batch(batch) => wire.batch(socket, client, *batch).await?,
                Item::Signal(signal) => wire.signal(socket, &signal).await?,
                Item::Entered => {}
            },
            answer = answered => {
                command = None;
                wire.answer(socket, client, answer).await?;
            }
            heard = heard, if is_free => {
                heard_at = Instant::now();
                let heard = heard?;
                paced.add(FRAMES, cost(heard.as_ref()), heard_at);
                if let Some(message) = heard {
                    command = wire.frame(socket, client, message).await?;
                }
            }
            _ = heartbeat.tick() => {
                if heard_at.elapsed() > SILENCE {
                    return Err(End::CloseCode(close_code::AWAY, "no sign of life"));
                }
                socket.send(Message::Ping(Bytes::new())).await?;
            }
            why = checked => {
                let app = app_ref::App::Id(client.caller.app.0);
                again = None;
                let current = client.tokens.current(socket.gateway.now());
                match Box::pin(socket.gateway.identities().check_again(app, current.token.expose())).await {
                    Ok(()) => entered.report_again(),
                    Err(error) if !error.reason().is_transient() => return Err(why.into()),
                    Err(_) => again = Some((why, Instant::now() + CHECK)),
                }
            }
            _ = tick.tick() => Box::pin(wire.tick(socket, client)).await?,
            () = &mut draining => return Err(restarts()),
        }
    }
}

/// What it costs to have read a frame; of a ping or pong there is none.
fn cost(message: Option<&Message>) -> u32 {
    let bytes = match message {
        Some(Message::Text(text)) => text.len(),
        Some(Message::Binary(bytes)) => bytes.len(),
        _ => 0,
    };
    1 + (bytes / FRAME_BYTES) as u32
}

/// A fraction from 0 to 1 that spreads users evenly.
pub(super) fn share(user: UserId) -> f64 {
    let mixed = (user.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    f64::from(mixed as u16) / f64::from(u16::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Bytes of the task that serves a client, without what it has allocated.
    const MOST: usize = 5 * 1024;

    fn size<A, F: Future>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    pub fn assert_small<W: Wire>() {
        let size = size(serve::<W>);
        assert!(size <= MOST, "{size} bytes");
    }
}
