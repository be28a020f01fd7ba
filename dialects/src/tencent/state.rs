//! The body of the callback for connects and disconnects (tencent.md 6).

use tidings_domain::UnixMillis;

use super::{dto, query::Callback};
use crate::json::bytes_of;

/// A change of a user's connection: `Action` and `Reason` in one, since each reason belongs to one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// `Login`, `Register`: connected.
    LoggedIn,
    /// `Logout`, `Unregister`: signed off.
    LoggedOut,
    /// `Disconnect`, `LinkClose`: the connection was closed.
    LinkClosed,
    /// `Disconnect`, `Timeout`: the connection timed out.
    TimedOut,
}

impl Presence {
    const fn action(self) -> &'static str {
        match self {
            Self::LoggedIn => "Login",
            Self::LoggedOut => "Logout",
            Self::LinkClosed | Self::TimedOut => "Disconnect",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::LoggedIn => "Register",
            Self::LoggedOut => "Unregister",
            Self::LinkClosed => "LinkClose",
            Self::TimedOut => "Timeout",
        }
    }
}

/// A user who connected or disconnected.
#[derive(Debug, Clone, Copy)]
pub struct StateChange<'a> {
    /// The user's account: see [`super::account`].
    pub account: &'a str,
    /// The change.
    pub presence: Presence,
    /// The platforms of the devices that were kicked by it, by the vendor's names; without any the key is left out.
    pub kicked: &'a [&'a str],
    /// The time.
    pub event_time: UnixMillis,
}

/// The body of `State.StateChange`.
pub fn state_change(change: &StateChange<'_>) -> Vec<u8> {
    bytes_of(&dto::StateChange {
        callback_command: Callback::StateChange.command(),
        event_time: change.event_time.0,
        info: dto::StateInfo {
            action: change.presence.action(),
            account: change.account,
            reason: change.presence.reason(),
        },
        kicked: change.kicked.iter().map(|platform| dto::Kicked { platform }).collect(),
    })
}
