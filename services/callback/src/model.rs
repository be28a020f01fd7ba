//! Endpoints and deliveries.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis};

/// The vendor format of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Tencent,
    Agora,
    Lanying,
}

/// What happens after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The whole schedule.
    Durable,
    /// No retry.
    None,
    /// One retry, only after a timeout.
    Timeout,
}

/// A value with its text in a column.
macro_rules! named {
    ($kind:ident, $($value:ident = $name:literal),+) => {
        impl $kind {
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }

            pub fn of_name(name: &str) -> Result<Self, Error> {
                match name {
                    $($name => Ok(Self::$value),)+
                    _ => Err(Error::internal(format!("{name} in a column"))),
                }
            }
        }
    };
}

named!(Dialect, Tencent = "tencent", Agora = "agora", Lanying = "lanying");
named!(Retry, Durable = "durable", None = "none", Timeout = "timeout");

/// A server that is notified of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub app: AppId,
    pub id: i64,
    pub dialect: Dialect,
    pub url: String,
    /// Shared with the receiver.
    pub token: Option<String>,
    /// The key of `webhook-signature`; empty if the endpoint is broken.
    pub secret: String,
    /// The former key, and until when it also signs.
    pub previous: Option<(String, UnixMillis)>,
    /// Kinds of events; empty: all.
    pub events: Vec<String>,
    /// Whether the events of one conversation are delivered in order.
    pub ordered: bool,
    pub retry: Retry,
    pub timeout: Duration,
    pub allow_private: bool,
    /// Why it is paused; `None`: it is active. One whose token or key cannot be decrypted is never active.
    pub paused: Option<String>,
    /// Its token or key is unusable.
    pub is_broken: bool,
    pub created_at: UnixMillis,
    /// Up to where the event feed has become deliveries.
    pub cursor: String,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting = 1,
    Delivered = 2,
    Dead = 3,
}

impl State {
    pub fn of(code: i64) -> Result<Self, Error> {
        match code {
            1 => Ok(Self::Waiting),
            2 => Ok(Self::Delivered),
            3 => Ok(Self::Dead),
            _ => Err(Error::internal(format!("state {code} in a column"))),
        }
    }
}

/// One event for one endpoint, before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    pub event_id: String,
    pub event: String,
    pub command: String,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub address: String,
    pub platform: String,
    pub trace: String,
    pub body: String,
}

/// A delivery that is due.
#[derive(Debug, Clone)]
pub struct Due {
    pub id: i64,
    pub event_id: String,
    pub command: String,
    pub address: String,
    pub platform: String,
    pub trace: String,
    pub body: String,
    /// The number of attempts in its present schedule.
    pub tries: i64,
    /// When its event became a delivery.
    pub created_at: UnixMillis,
}

/// A delivery as it is shown.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: i64,
    pub endpoint: i64,
    pub new: NewDelivery,
    pub state: State,
    pub created_at: UnixMillis,
    pub at: UnixMillis,
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: i64,
    pub ms: i64,
    /// 0: no response.
    pub status: u16,
    /// The beginning of the response, or why there was none.
    pub answer: String,
}

/// The outcome of an attempt.
#[derive(Debug)]
pub struct Outcome {
    pub id: i64,
    pub state: State,
    /// When the next attempt is due, or when it was done.
    pub at: UnixMillis,
    pub tries: i64,
    pub attempt: Attempt,
}
