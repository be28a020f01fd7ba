//! The body of the callback that tells who came and who went (tencent.md 6).

use tidings_domain::UnixMillis;

use super::{dto, query::Callback};
use crate::json::bytes_of;

/// What happened to a user's connection: `Action` and `Reason` in one, since each reason goes with one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// `Login`, `Register`: connected.
    LoggedIn,
    /// `Logout`, `Unregister`: signed off.
    LoggedOut,
    /// `Disconnect`, `LinkClose`: the connection was closed.
    LinkClosed,
    /// `Disconnect`, `Timeout`: nothing was heard for too long.
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

/// A user who came or went.
#[derive(Debug, Clone, Copy)]
pub struct StateChange<'a> {
    /// The user's account: see [`super::account`].
    pub account: &'a str,
    /// What happened.
    pub presence: Presence,
    /// The platforms of the devices that were put out by it, in the vendor's words; without any the key is left out.
    pub kicked: &'a [&'a str],
    /// When.
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
