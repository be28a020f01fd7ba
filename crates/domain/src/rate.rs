//! Rate limits: the vendors' quotas as data (decisions 7 and 14).

use std::time::Duration;

use crate::{Error, Reason};

/// A quota of one app, counted in a fixed window. A call is admitted while the quota is not used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// Calls of one route, for every route that has no quota of its own.
    Calls,
    /// Calls for tokens.
    TokenCalls,
    /// Messages to users.
    UserMessages,
    /// Calls that send to groups.
    GroupCalls,
    /// Messages to all groups together.
    GroupMessages,
    /// Messages to one group.
    OneGroupMessages,
    /// Calls that send to rooms.
    RoomCalls,
    /// Messages to all rooms together.
    RoomMessages,
    /// Messages to some members of a group or room (agora.md 2.6).
    TargetedMessages,
    /// Calls for the history export.
    ExportCalls,
    /// The same by the minute.
    ExportCallsMinute,
    /// Deletions of one user's conversations.
    DeleteConversation,
    /// Broadcasts to all rooms (agora.md 2.7).
    RoomBroadcasts,
    /// The same by the day.
    RoomBroadcastsDay,
    /// Broadcasts to everybody who is online.
    OnlineBroadcasts,
    /// The same by the day.
    OnlineBroadcastsDay,
    /// Broadcasts to every user.
    Broadcasts,
    /// The same by the day.
    BroadcastsDay,
}

/// A named set of quotas (decision 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// None.
    Open,
    /// The older documents' numbers.
    Vendor,
    /// The newest published ones.
    Vendor2024,
}

/// One quota in every preset; 0 is unlimited.
struct Row {
    name: &'static str,
    meaning: &'static str,
    window: Duration,
    vendor: i64,
    vendor_2024: i64,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

impl Rate {
    /// Every quota.
    pub const ALL: [Self; 18] = [
        Self::Calls,
        Self::TokenCalls,
        Self::UserMessages,
        Self::GroupCalls,
        Self::GroupMessages,
        Self::OneGroupMessages,
        Self::RoomCalls,
        Self::RoomMessages,
        Self::TargetedMessages,
        Self::ExportCalls,
        Self::ExportCallsMinute,
        Self::DeleteConversation,
        Self::RoomBroadcasts,
        Self::RoomBroadcastsDay,
        Self::OnlineBroadcasts,
        Self::OnlineBroadcastsDay,
        Self::Broadcasts,
        Self::BroadcastsDay,
    ];

    const fn row(self) -> Row {
        const fn row(
            name: &'static str,
            meaning: &'static str,
            window: Duration,
            vendor: i64,
            vendor_2024: i64,
        ) -> Row {
            Row { name, meaning, window, vendor, vendor_2024 }
        }
        match self {
            Self::Calls => row("rate_calls", "calls of one route", SECOND, 100, 100),
            Self::TokenCalls => row("rate_token_calls", "calls for tokens", SECOND, 300, 300),
            Self::UserMessages => {
                row("rate_user_messages", "messages to users, one for each recipient", MINUTE, 6000, 6000)
            }
            Self::GroupCalls => row("rate_group_calls", "calls that send to groups", SECOND, 100, 20),
            Self::GroupMessages => row("rate_group_messages", "messages to all groups together", SECOND, 0, 20),
            Self::OneGroupMessages => row("rate_one_group_messages", "messages to one group", SECOND, 20, 0),
            Self::RoomCalls => row("rate_room_calls", "calls that send to rooms", SECOND, 100, 20),
            Self::RoomMessages => row("rate_room_messages", "messages to all rooms together", SECOND, 100, 100),
            Self::TargetedMessages => {
                row("rate_targeted_messages", "messages to some members of a group or room", SECOND, 100, 100)
            }
            Self::ExportCalls => row("rate_export_calls", "calls for the history export", SECOND, 100, 0),
            Self::ExportCallsMinute => row("rate_export_calls_minute", "calls for the history export", MINUTE, 0, 10),
            Self::DeleteConversation => {
                row("rate_delete_conversation", "deletions of one user's conversations", MINUTE, 0, 5)
            }
            Self::RoomBroadcasts => row("rate_room_broadcasts", "broadcasts to all rooms", MINUTE, 10, 10),
            Self::RoomBroadcastsDay => row("rate_room_broadcasts_day", "broadcasts to all rooms", DAY, 100, 100),
            Self::OnlineBroadcasts => {
                row("rate_online_broadcasts", "broadcasts to everybody who is online", MINUTE, 1, 1)
            }
            Self::OnlineBroadcastsDay => {
                row("rate_online_broadcasts_day", "broadcasts to everybody who is online", DAY, 50, 50)
            }
            Self::Broadcasts => row("rate_broadcasts", "broadcasts to every user", Duration::from_mins(30), 1, 1),
            Self::BroadcastsDay => row("rate_broadcasts_day", "broadcasts to every user", DAY, 3, 3),
        }
    }

    /// The name of its policy value.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What it counts, in a few words for operators.
    pub const fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// The length of a window. Windows begin at multiples of it since 1970.
    pub const fn window(self) -> Duration {
        self.row().window
    }

    /// The reason of a refusal: calls and messages differ (agora.md 2).
    pub fn refusal(self) -> Error {
        match self {
            Self::UserMessages
            | Self::GroupMessages
            | Self::OneGroupMessages
            | Self::RoomMessages
            | Self::TargetedMessages => Error::new(Reason::QuotaReached, self.name()),
            Self::RoomBroadcastsDay => Error::new(Reason::BroadcastsReached, "chatroom broadcast"),
            Self::OnlineBroadcastsDay => Error::new(Reason::BroadcastsReached, "online user broadcast"),
            Self::BroadcastsDay => Error::new(Reason::BroadcastsReached, "broadcast message"),
            Self::Calls
            | Self::TokenCalls
            | Self::GroupCalls
            | Self::RoomCalls
            | Self::ExportCalls
            | Self::ExportCallsMinute
            | Self::DeleteConversation
            | Self::RoomBroadcasts
            | Self::OnlineBroadcasts
            | Self::Broadcasts => Error::new(Reason::RateReached, self.name()),
        }
    }

    /// The rate of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.name() == name)
    }
}

/// The quotas of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates([i64; Rate::ALL.len()]);

impl Rates {
    /// The quotas of a preset.
    pub const fn of(limits: Limits) -> Self {
        let mut quotas = [0; Rate::ALL.len()];
        let mut at = 0;
        while at < quotas.len() {
            let row = Rate::ALL[at].row();
            quotas[at] = match limits {
                Limits::Open => 0,
                Limits::Vendor => row.vendor,
                Limits::Vendor2024 => row.vendor_2024,
            };
            at += 1;
        }
        Self(quotas)
    }

    /// The quota; `None` is unlimited.
    pub const fn quota(&self, rate: Rate) -> Option<i64> {
        match self.0[rate as usize] {
            0 => None,
            quota => Some(quota),
        }
    }

    /// Sets one quota; 0 is unlimited.
    pub const fn set(&mut self, rate: Rate, quota: i64) {
        self.0[rate as usize] = quota;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_stands_in_its_own_place() {
        for (at, rate) in Rate::ALL.into_iter().enumerate() {
            assert_eq!(rate as usize, at, "{}", rate.name());
            assert_eq!(Rate::from_name(rate.name()), Some(rate));
        }
    }

    #[test]
    fn the_presets_have_the_numbers_of_decision_14() {
        let quota = |limits, rate| Rates::of(limits).quota(rate);
        assert_eq!(quota(Limits::Open, Rate::Calls), None);
        assert_eq!(quota(Limits::Vendor, Rate::OneGroupMessages), Some(20));
        assert_eq!(quota(Limits::Vendor, Rate::GroupMessages), None);
        assert_eq!(quota(Limits::Vendor2024, Rate::GroupMessages), Some(20));
        assert_eq!(quota(Limits::Vendor2024, Rate::OneGroupMessages), None);
        assert_eq!(quota(Limits::Vendor2024, Rate::ExportCallsMinute), Some(10));
    }
}
