//! What the socket needs of a wire format.

use std::future::Future;

use axum::extract::ws::Message;
use futures_util::future::BoxFuture;
use tidings_domain::{Error, Grpc, Reason};

use super::{
    client::Client,
    event::Batch,
    hub::Entered,
    session::{Ending, Signal},
    socket::{End, Socket, TOO_SLOW, TRY_AGAIN, UNAUTHORIZED},
};

/// A wire format, for one client.
pub(super) trait Wire: Sized + Send + 'static {
    /// Its name, for the metrics.
    const NAME: &'static str;

    /// The result of a command.
    type Answer: Send + 'static;

    /// The error for a client that does not log in in time.
    const LATE: &'static str;

    /// Who the client is, by its first text or binary frame.
    fn log_in(socket: &mut Socket, first: Message) -> impl Future<Output = Result<(Client, Self), End>> + Send;

    /// What the client is told of an error before the session started; `None`: the close code says it.
    fn refused(&self, error: &Error) -> Option<Message>;

    /// The session gets events from now on: greets the client, and delivers what it missed.
    fn start(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        entered: &Entered,
    ) -> impl Future<Output = Result<(), End>> + Send;

    /// Whether it takes events now. If not, they wait, and the session ends when too many do.
    fn takes_events(&self) -> bool {
        true
    }

    /// Events. If the user entered groups or rooms with them, the events there are read too, before the client may
    /// continue from its cursor.
    fn batch(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        batch: Batch,
    ) -> impl Future<Output = Result<(), End>> + Send;

    /// A passing signal.
    fn signal(&mut self, socket: &mut Socket, signal: &Signal) -> impl Future<Output = Result<(), End>> + Send;

    /// A text or binary frame. It is answered at once, or by the command that is returned: the next frame is read when
    /// that has ended.
    fn frame(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        message: Message,
    ) -> impl Future<Output = Result<Option<BoxFuture<'static, Self::Answer>>, End>> + Send;

    /// The outcome of a command.
    fn answer(
        &mut self,
        socket: &mut Socket,
        client: &Client,
        answer: Self::Answer,
    ) -> impl Future<Output = Result<(), End>> + Send;

    /// Every few seconds.
    fn tick(&mut self, socket: &mut Socket, client: &Client) -> impl Future<Output = Result<(), End>> + Send;

    /// The last frame before the connection of a client is closed that has not logged in.
    fn closing_early(_: &End) -> Option<Message> {
        None
    }

    /// The last frame before the connection is closed.
    fn closing(&self, end: &End) -> Option<Message>;

    /// After the connection's end.
    fn ended(self, client: &Client) -> impl Future<Output = ()> + Send;
}

/// The close code for a login that failed: the client must do something about it, or the server cannot go on.
pub(super) const fn refusal_code(error: &Error) -> u16 {
    match error.reason().words().grpc {
        Grpc::Unavailable | Grpc::Internal | Grpc::DataLoss | Grpc::ResourceExhausted => TRY_AGAIN,
        _ => UNAUTHORIZED,
    }
}

impl From<Ending> for End {
    fn from(why: Ending) -> Self {
        match why {
            Ending::TooSlow => Self::CloseCode(TRY_AGAIN, TOO_SLOW),
            Ending::FeedLost => Self::CloseCode(TRY_AGAIN, "the feed is interrupted"),
            Ending::Replaced(reason) => Self::Replaced(reason),
            Ending::Kicked => Self::Kicked,
            Ending::PasswordChanged => Self::PasswordChanged(Error::new(Reason::TokenRevoked, "")),
            Ending::Disabled => Self::Unauthorized(Error::new(Reason::UserDisabled, "")),
            Ending::Deleted => Self::Unauthorized(Error::new(Reason::UserNotFound, "")),
        }
    }
}
