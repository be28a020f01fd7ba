//! Changes of users, contacts, groups and rooms.

mod about;
mod parts;

use serde::{Deserialize, Serialize};

use crate::{ConversationId, GroupId, GroupKind, RoomId, UserId};

/// A change, as it is stored until the event feed has it. Written as JSON, so fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A user was registered.
    UserRegistered {
        /// The user.
        user: UserId,
    },
    /// A user's nickname, password, push settings, profile or attributes changed.
    UserChanged {
        /// The user.
        user: UserId,
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// A user was deleted.
    UserDeleted {
        /// The user.
        user: UserId,
    },
    /// A user was enabled, or disabled.
    UserEnabled {
        /// The user.
        user: UserId,
        /// False: disabled.
        enabled: bool,
    },
    /// A user may not send for a while.
    UserMuted {
        /// The user.
        user: UserId,
        /// Until when in direct conversations, groups and rooms, in Unix milliseconds; 0: not muted; -1: forever.
        until_ms: [i64; 3],
    },
    /// A device of a user connected.
    UserOnline {
        /// The user.
        user: UserId,
        /// The client's name for the device.
        resource: String,
        /// The kind of the device: `ios`, `android`, `web` or another.
        platform: String,
    },
    /// A device of a user is connected no longer.
    UserOffline {
        /// The user.
        user: UserId,
        /// As of [`Self::UserOnline`].
        resource: String,
        /// As of [`Self::UserOnline`].
        platform: String,
        /// How the connection ended.
        how: SessionEnd,
    },
    /// Connections of a user are to end: the gateways that hold them end them.
    UserDisconnected {
        /// The user.
        user: UserId,
        /// Of which device; 0: of every one.
        #[serde(default)]
        device_sn: i64,
        /// Of which device, by its name; empty: of every one.
        #[serde(default)]
        resource: String,
        /// Which connections: the gateway of each, and its id there.
        #[serde(default)]
        sessions: Vec<(i64, i64)>,
        /// A newer connection of the same device took their place: only those connections are meant.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replaced: bool,
    },
    /// The presence of a user changed, for those who are subscribed to it.
    PresenceChanged {
        /// The user.
        user: UserId,
        /// By device; `0` is offline.
        statuses: Vec<(String, String)>,
        /// The text that was published last.
        ext: String,
        /// When a device connected or published last, in Unix milliseconds.
        last_time_ms: i64,
        /// Who is subscribed.
        subscribers: Vec<UserId>,
    },
    /// `from` sent `user` a contact request.
    ContactRequested {
        /// The receiver of the request.
        user: UserId,
        /// The sender of the request.
        from: UserId,
        /// What they wrote.
        text: String,
    },
    /// `user` refused the request of `from`.
    ContactDeclined {
        /// The receiver of the request.
        user: UserId,
        /// The sender of the request.
        from: UserId,
    },
    /// Two users are contacts of each other from now on.
    ContactAdded {
        /// Who added the contact, or accepted the request.
        user: UserId,
        /// The other one.
        contact: UserId,
        /// Whether `user` accepted a request of the other one.
        #[serde(default)]
        accepted: bool,
    },
    /// Two users are no longer contacts.
    ContactRemoved {
        /// Who removed the contact.
        user: UserId,
        /// The other one.
        contact: UserId,
    },
    /// `user` put `blocked` on their block list, or took them off it.
    UserBlocked {
        /// The owner of the list.
        user: UserId,
        /// Who is on it.
        blocked: UserId,
        /// False: was taken off it.
        is_blocked: bool,
    },
    /// A group, room or thread was created.
    GroupCreated {
        /// The group.
        group: GroupChanged,
        /// Its owner.
        owner: UserId,
        /// Its name.
        name: String,
        /// Its first members, without the owner.
        members: Vec<UserId>,
    },
    /// A group or room ended.
    GroupDestroyed {
        /// The group.
        group: GroupChanged,
        /// Its owner.
        owner: UserId,
        /// Its name.
        name: String,
        /// Its members, without the owner, at most [`Self::MAX_USERS`].
        #[serde(default)]
        members: Vec<UserId>,
    },
    /// The profile or the settings of a group changed.
    GroupUpdated {
        /// The group.
        group: GroupChanged,
        /// What changed: `name`, `description`, `avatar`, `custom`, `enabled`, `mute_all`, or the name of a setting.
        fields: Vec<String>,
        /// The group's name after the change.
        name: String,
        /// The description after the change, if it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The avatar after the change, if it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar: Option<String>,
        /// The custom text after the change, if it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        custom: Option<String>,
        /// Until when all members are muted, if that changed: see [`Self::MembersMuted`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mute_all_until_ms: Option<i64>,
        /// Whether the group is enabled, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enabled: Option<bool>,
    },
    /// A group has another owner.
    OwnerChanged {
        /// The group.
        group: GroupChanged,
        /// The former owner.
        from: UserId,
        /// The new owner.
        to: UserId,
    },
    /// Users became members.
    MembersJoined {
        /// The group.
        group: GroupChanged,
        /// The new members.
        users: Vec<UserId>,
        /// How they came in.
        how: Joining,
    },
    /// Members are members no longer.
    MembersLeft {
        /// The group.
        group: GroupChanged,
        /// The former members.
        users: Vec<UserId>,
        /// How they went.
        how: Leaving,
    },
    /// Members became admins, or plain members.
    AdminsChanged {
        /// The group.
        group: GroupChanged,
        /// The members.
        users: Vec<UserId>,
        /// False: plain members.
        admin: bool,
    },
    /// Members were muted, or may speak again.
    MembersMuted {
        /// The group.
        group: GroupChanged,
        /// The members.
        users: Vec<UserId>,
        /// Until when, in Unix milliseconds; 0: not muted; -1: forever.
        until_ms: i64,
    },
    /// Users were put on a group's block list, or taken off it.
    MembersBlocked {
        /// The group.
        group: GroupChanged,
        /// The users.
        users: Vec<UserId>,
        /// False: taken off it.
        is_blocked: bool,
    },
    /// Members were put on a group's allow list, or taken off it.
    MembersAllowed {
        /// The group.
        group: GroupChanged,
        /// The members.
        users: Vec<UserId>,
        /// False: taken off it.
        is_allowed: bool,
    },
    /// A group has a new announcement, or one less.
    Announced {
        /// The group.
        group: GroupChanged,
        /// Empty: it was deleted.
        text: String,
    },
    /// A file was shared in a group, or removed.
    FileShared {
        /// The group.
        group: GroupChanged,
        /// The file.
        uuid: String,
        /// The file's name.
        name: String,
        /// Who shared it; 0: the app itself. A file that is no longer shared is released in their name.
        owner: UserId,
        /// False: removed.
        is_shared: bool,
    },
    /// The attributes or the display name of a member changed.
    MemberChanged {
        /// The group.
        group: GroupChanged,
        /// The member.
        user: UserId,
        /// The names of the attributes.
        names: Vec<String>,
    },
    /// Attributes of a room were set, or removed.
    AttributesChanged {
        /// The room.
        group: GroupChanged,
        /// The names of the attributes.
        names: Vec<String>,
        /// False: removed.
        is_set: bool,
    },
    /// A user applied to join a group.
    Applied {
        /// The group.
        group: GroupChanged,
        /// The applicant.
        user: UserId,
        /// What they wrote.
        text: String,
    },
    /// An application was rejected; one that was accepted is [`Self::MembersJoined`].
    ApplicationRejected {
        /// The group.
        group: GroupChanged,
        /// The applicant.
        user: UserId,
    },
    /// Users were invited to a group and must accept first.
    Invited {
        /// The group.
        group: GroupChanged,
        /// The users.
        users: Vec<UserId>,
    },
    /// A user declined an invitation; one that was accepted is [`Self::MembersJoined`].
    InvitationDeclined {
        /// The group.
        group: GroupChanged,
        /// The user.
        user: UserId,
    },
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The client signed off.
    LoggedOut,
    /// The connection was closed.
    Closed,
    /// Nothing came from the client, or its gateway died.
    TimedOut,
    /// The server ended it permanently: see [`Change::UserDisconnected`].
    Kicked,
    /// A new session of the same device took its place.
    Replaced,
}

/// The group of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChanged {
    /// Its id.
    pub id: i64,
    /// Whether it is a room.
    pub is_room: bool,
    /// Of a thread: the group that it belongs to; 0: it is not a thread.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parent: i64,
    /// Of a thread: only its members see it, not all of that group.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_hidden: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How users became members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joining {
    /// Somebody added them.
    Added,
    /// They joined an open group.
    Joined,
    /// Their application was accepted.
    Accepted,
    /// They accepted an invitation.
    Invited,
}

/// How members left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// By themselves.
    Left,
    /// Somebody removed them.
    Removed,
    /// They were put on the group's block list.
    Blocked,
    /// They were deleted.
    Deleted,
}

impl GroupChanged {
    /// A group or room.
    pub fn new(id: i64, kind: GroupKind) -> Self {
        Self { id, is_room: kind == GroupKind::Room, parent: 0, is_hidden: false }
    }

    /// Whether it is a group or a room.
    pub const fn kind(self) -> GroupKind {
        if self.is_room { GroupKind::Room } else { GroupKind::Group }
    }

    /// Its conversation.
    pub const fn conversation(self) -> ConversationId {
        if self.is_room { ConversationId::Room(RoomId(self.id)) } else { ConversationId::Group(GroupId(self.id)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_back_as_it_was_written() {
        let group = GroupChanged::new(17, GroupKind::Room);
        let change = Change::MembersLeft { group, users: vec![UserId(32), UserId(48)], how: Leaving::Blocked };
        let json = serde_json::to_string(&change).unwrap();
        let expected = r#"{"change":"members_left","group":{"id":17,"is_room":true},"users":[32,48],"how":"blocked"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
        assert_eq!(change.name(), "group.left");
    }
}
