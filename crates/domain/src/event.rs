//! The events of the event feed.

use crate::ChangeKind;

/// An event of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A message was appended to the log.
    Sent,
    /// A message was sent to those who are online, and is not stored.
    Online,
    /// A message was sent to everybody who is online, and is not stored.
    OnlineBroadcast,
    /// A message was recalled.
    Recalled,
    /// A message was edited.
    Edited,
    /// A message was refused.
    Refused,
    /// A user's read cursor moved up to a message.
    Read,
    /// A device of a user has a direct conversation up to a message.
    Delivered,
    /// A user added a reaction to a message.
    Reacted,
    /// A user removed their reaction from a message.
    Unreacted,
    /// A user pinned a message for everybody in its conversation.
    Pinned,
    /// A user unpinned a message.
    Unpinned,
    /// Who exists, or how they relate, changed.
    Changed(ChangeKind),
}

impl EventKind {
    /// Those of messages and conversations. Their verbs are unique.
    const OF_MESSAGES: [Self; 12] = [
        Self::Sent,
        Self::Online,
        Self::Recalled,
        Self::Edited,
        Self::Refused,
        Self::Read,
        Self::Delivered,
        Self::OnlineBroadcast,
        Self::Reacted,
        Self::Unreacted,
        Self::Pinned,
        Self::Unpinned,
    ];

    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OF_MESSAGES.into_iter().chain(ChangeKind::ALL.iter().copied().map(Self::Changed))
    }

    /// Its name: the subject, a dot, and the verb.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "message.sent",
            Self::Online => "message.online",
            Self::OnlineBroadcast => "message.online_broadcast",
            Self::Recalled => "message.recalled",
            Self::Edited => "message.edited",
            Self::Refused => "message.refused",
            Self::Read => "conversation.read",
            Self::Delivered => "conversation.delivered",
            Self::Reacted => "message.reacted",
            Self::Unreacted => "message.unreacted",
            Self::Pinned => "message.pinned",
            Self::Unpinned => "message.unpinned",
            Self::Changed(change) => change.name(),
        }
    }

    /// The kind with that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Its name in the store: the verb; of a change the whole name.
    pub fn stored_name(self) -> &'static str {
        match self {
            Self::Changed(change) => change.name(),
            of_message => of_message.name().split_once('.').map_or("", |(_, verb)| verb),
        }
    }

    /// Whether clients that were disconnected get it when they reconnect. What was for those who were online is not for
    /// them, and what clients do not show is for none.
    pub const fn is_for_later(self) -> bool {
        match self {
            Self::Sent
            | Self::Recalled
            | Self::Edited
            | Self::Read
            | Self::Delivered
            | Self::Reacted
            | Self::Unreacted
            | Self::Pinned
            | Self::Unpinned => true,
            Self::Online | Self::OnlineBroadcast | Self::Refused => false,
            Self::Changed(change) => !matches!(
                change,
                ChangeKind::UserRegistered
                    | ChangeKind::UserChanged
                    | ChangeKind::UserDeleted
                    | ChangeKind::UserEnabled
                    | ChangeKind::UserDisabled
                    | ChangeKind::UserMuted
                    | ChangeKind::UserOnline
                    | ChangeKind::UserOffline
                    | ChangeKind::UserDisconnected
                    | ChangeKind::PresenceChanged
            ),
        }
    }

    /// The kind with that name in the store.
    pub fn of_stored_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.stored_name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name_and_by_its_name_in_the_store() {
        for kind in EventKind::all() {
            let found = (EventKind::of_name(kind.name()), EventKind::of_stored_name(kind.stored_name()));
            assert_eq!(found, (Some(kind), Some(kind)));
        }
        assert_eq!((EventKind::of_name("sent"), EventKind::of_name("message.lost")), (None, None));
        assert_eq!((EventKind::of_stored_name("message.sent"), EventKind::of_stored_name("")), (None, None));
        assert_eq!(EventKind::Sent.stored_name(), "sent");
        let left = EventKind::Changed(ChangeKind::MembersLeft);
        assert_eq!((left.name(), left.stored_name()), ("group.left", "group.left"));
    }
}
