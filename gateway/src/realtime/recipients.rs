//! Whom an event concerns.

use tidings_domain::{Change, ConversationId, EventKind, UserId};

use crate::agora::feed::FeedEvent;

/// The users whose sessions get an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipients {
    Nobody,
    Users(Vec<UserId>),
    /// The members of a group or room, without this user.
    Members(i64, Option<UserId>),
    /// The members of a group or room, and these users.
    MembersAnd(i64, Vec<UserId>),
    Everybody,
}

impl Recipients {
    /// Whether a user is among them who is in the conversation of the event. An event that nobody gets immediately is
    /// not read later either.
    pub fn concerns(&self, user: UserId) -> bool {
        match self {
            Self::Users(users) => users.contains(&user),
            Self::Members(_, without) => *without != Some(user),
            Self::Nobody => false,
            Self::MembersAnd(..) | Self::Everybody => true,
        }
    }
}

/// The recipients of an event.
pub(super) fn recipients(event: &FeedEvent) -> Recipients {
    if let Some(change) = &event.change {
        return of_change(change);
    }
    let (Some(kind), Some(conversation)) = (EventKind::of_name(&event.wire.kind), event.conversation) else {
        return Recipients::Nobody;
    };
    match kind {
        EventKind::Sent | EventKind::Online => of_message(event, conversation),
        EventKind::Recalled => of_some(event).unwrap_or_else(|| of_conversation(conversation, None)),
        EventKind::Edited | EventKind::Reacted | EventKind::Unreacted | EventKind::Pinned | EventKind::Unpinned => {
            of_what_is_there(event, conversation)
        }
        EventKind::Read => match conversation {
            ConversationId::Direct(low, high) => Recipients::Users(vec![low, high]),
            ConversationId::Group(_) | ConversationId::Room(_) => {
                let sender = event.of.map(|(_, sender)| sender).filter(|sender| *sender != event.actor);
                let users = [event.actor].into_iter().chain(sender);
                Recipients::Users(users.filter(|user| event.is_message_for(*user)).collect())
            }
        },
        EventKind::Delivered => Recipients::Users(conversation.peer_of(event.actor).into_iter().collect()),
        EventKind::OnlineBroadcast => Recipients::Everybody,
        EventKind::Refused | EventKind::Changed(_) => Recipients::Nobody,
    }
}

/// Changes of a group reach its members and the users concerned; a block reaches only the user who blocks.
fn of_change(change: &Change) -> Recipients {
    match change {
        Change::PresenceChanged { subscribers, .. } => Recipients::Users(subscribers.clone()),
        // Clients do not show these.
        Change::UserRegistered { .. }
        | Change::UserChanged { .. }
        | Change::UserDeleted { .. }
        | Change::UserEnabled { .. }
        | Change::UserMuted { .. }
        | Change::UserOnline { .. }
        | Change::UserOffline { .. }
        | Change::UserDisconnected { .. } => Recipients::Nobody,
        // Those who decide are added when it is known who they are.
        Change::UserBlocked { user, .. }
        | Change::Applied { user, .. }
        | Change::ApplicationRejected { user, .. }
        | Change::InvitationDeclined { user, .. } => Recipients::Users(vec![*user]),
        Change::Invited { users, .. } => Recipients::Users(users.clone()),
        _ => match change.group() {
            // The group of a thread sees that there is one, unless it is on a message for some members.
            Some(group) if group.parent != 0 && !group.is_hidden && is_of_thread_itself(change) => {
                Recipients::MembersAnd(group.parent, change.people())
            }
            Some(group) => Recipients::MembersAnd(group.id, change.people()),
            None => Recipients::Users(change.people()),
        },
    }
}

const fn is_of_thread_itself(change: &Change) -> bool {
    matches!(change, Change::GroupCreated { .. } | Change::GroupUpdated { .. } | Change::GroupDestroyed { .. })
}

/// The sender's own devices get what the app sends in their name only with `sync_device`.
fn of_message(event: &FeedEvent, conversation: ConversationId) -> Recipients {
    let Some(message) = &event.message else {
        return Recipients::Nobody;
    };
    if message.imported {
        return Recipients::Nobody;
    }
    let without = (event.wire.by_app && !message.delivery.sync_device).then_some(message.sender);
    if message.audience.is_empty() {
        return of_conversation(conversation, without);
    }
    let audience = message.audience.iter().copied().chain([message.sender]);
    Recipients::Users(audience.filter(|user| Some(*user) != without).collect())
}

/// Those who see a message that something happens to. They are unknown once it was removed from a group: it may have
/// been for some members only.
fn of_what_is_there(event: &FeedEvent, conversation: ConversationId) -> Recipients {
    let is_gone = event.of.is_none_or(|(seq, _)| seq == 0);
    if is_gone && !matches!(conversation, ConversationId::Direct(..)) {
        return Recipients::Users(Vec::new());
    }
    of_some(event).unwrap_or_else(|| of_conversation(conversation, None))
}

/// The sender and the receivers of a message to some members only; `None`: it is for everybody.
fn of_some(event: &FeedEvent) -> Option<Recipients> {
    let sender = event.of.map(|(_, sender)| sender);
    let users = || event.audience.iter().copied().chain(sender).collect();
    (!event.audience.is_empty()).then(|| Recipients::Users(users()))
}

fn of_conversation(conversation: ConversationId, without: Option<UserId>) -> Recipients {
    match conversation {
        ConversationId::Direct(low, high) if low == high => Recipients::Users(vec![low]),
        ConversationId::Direct(low, high) => {
            Recipients::Users([low, high].into_iter().filter(|user| Some(*user) != without).collect())
        }
        ConversationId::Group(group) => Recipients::Members(group.0, without),
        ConversationId::Room(room) => Recipients::Members(room.0, without),
    }
}

#[cfg(test)]
mod tests {
    use tidings_proto::pb;

    use super::*;

    const GROUP: ConversationId = ConversationId::Group(tidings_domain::GroupId(17));

    fn event(kind: EventKind, seq: i64, audience: &[i64]) -> FeedEvent {
        let message = pb::Message { seq, sender_id: 16, audience_ids: audience.to_vec(), ..Default::default() };
        let kind = kind.name().to_owned();
        let wire = pb::Event { kind, conversation: Some(GROUP.into()), actor_id: 48, ..Default::default() };
        FeedEvent::read(pb::Event { message: Some(message), ..wire }).expect("an event")
    }

    #[test]
    fn what_happens_to_a_message_for_some_members_concerns_only_those_and_its_sender() {
        let happens = [
            EventKind::Recalled,
            EventKind::Edited,
            EventKind::Reacted,
            EventKind::Unreacted,
            EventKind::Pinned,
            EventKind::Unpinned,
        ];
        for kind in happens {
            assert_eq!(recipients(&event(kind, 1, &[])), Recipients::Members(17, None));
            let some = Recipients::Users(vec![UserId(32), UserId(16)]);
            assert_eq!(recipients(&event(kind, 1, &[32])), some);
            assert!(!some.concerns(UserId(48)));
            // It was removed, and its receivers are unknown.
            let gone = recipients(&event(kind, 0, &[]));
            assert_eq!(gone == Recipients::Users(Vec::new()), kind != EventKind::Recalled, "{kind:?}");
        }
        assert_eq!(recipients(&event(EventKind::Read, 1, &[])), Recipients::Users(vec![UserId(48), UserId(16)]));
        assert_eq!(recipients(&event(EventKind::Read, 1, &[32])), Recipients::Users(vec![UserId(16)]));
        let not_there = FeedEvent { of: None, ..event(EventKind::Edited, 0, &[]) };
        assert_eq!(recipients(&not_there), Recipients::Users(Vec::new()));
    }
}
