//! The events of the event feed.

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
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Sent, Self::Online, Self::Recalled, Self::Edited, Self::Refused, Self::Read, Self::OnlineBroadcast];

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
        }
    }

    /// The kind with that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The verb of the name. Unique for each kind.
    pub fn verb(self) -> &'static str {
        self.name().split_once('.').map_or("", |(_, verb)| verb)
    }

    /// The kind with that verb.
    pub fn of_verb(verb: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.verb() == verb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name_and_by_its_verb() {
        for kind in EventKind::ALL {
            assert_eq!((EventKind::of_name(kind.name()), EventKind::of_verb(kind.verb())), (Some(kind), Some(kind)));
        }
        assert_eq!((EventKind::of_name("sent"), EventKind::of_name("message.lost")), (None, None));
        assert_eq!((EventKind::of_verb("message.sent"), EventKind::of_verb("")), (None, None));
    }
}
