//! Changes that name many users, in parts.

use super::{Change, Joining};
use crate::UserId;

impl Change {
    /// How many users one change names, so that it stays small (64 KiB of JSON).
    pub const MAX_USERS: usize = 2_000;

    /// The change in parts that name at most [`Self::MAX_USERS`] each; nothing if it is about a list of users that is
    /// empty. A group that is created with more members gets the others right afterwards.
    #[must_use]
    pub fn parts(self) -> Vec<Self> {
        if let Self::GroupCreated { group, owner, name, mut members } = self {
            let others = members.split_off(members.len().min(Self::MAX_USERS));
            let created = Self::GroupCreated { group, owner, name, members };
            let joined = Self::MembersJoined { group, users: others, how: Joining::Added };
            return [vec![created], joined.parts()].concat();
        }
        let mut part = self;
        let Some(users) = part.users_mut() else {
            return vec![part];
        };
        let users = std::mem::take(users);
        let with = |chunk: &[UserId]| {
            let mut part = part.clone();
            if let Some(users) = part.users_mut() {
                *users = chunk.to_vec();
            }
            part
        };
        users.chunks(Self::MAX_USERS).map(with).collect()
    }

    /// The list of users that the change is about.
    const fn users_mut(&mut self) -> Option<&mut Vec<UserId>> {
        match self {
            Self::MembersJoined { users, .. }
            | Self::MembersLeft { users, .. }
            | Self::AdminsChanged { users, .. }
            | Self::MembersMuted { users, .. }
            | Self::MembersBlocked { users, .. }
            | Self::MembersAllowed { users, .. }
            | Self::Invited { users, .. } => Some(users),
            Self::PresenceChanged { subscribers, .. } => Some(subscribers),
            Self::UserRegistered { .. }
            | Self::UserChanged { .. }
            | Self::UserDeleted { .. }
            | Self::UserEnabled { .. }
            | Self::UserMuted { .. }
            | Self::UserOnline { .. }
            | Self::UserOffline { .. }
            | Self::UserDisconnected { .. }
            | Self::ContactRequested { .. }
            | Self::ContactDeclined { .. }
            | Self::ContactAdded { .. }
            | Self::ContactRemoved { .. }
            | Self::UserBlocked { .. }
            | Self::GroupCreated { .. }
            | Self::GroupDestroyed { .. }
            | Self::GroupUpdated { .. }
            | Self::OwnerChanged { .. }
            | Self::Announced { .. }
            | Self::FileShared { .. }
            | Self::MemberChanged { .. }
            | Self::AttributesChanged { .. }
            | Self::Applied { .. }
            | Self::ApplicationRejected { .. }
            | Self::InvitationDeclined { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupChanged, GroupKind};

    #[test]
    fn a_long_list_is_split_into_parts_and_an_empty_one_has_none() {
        let group = GroupChanged::new(17, GroupKind::Group);
        let all: Vec<UserId> = (0..5_000).map(|n| UserId(i64::MAX - n)).collect();
        let joined = |users: &[UserId]| Change::MembersJoined { group, users: users.to_vec(), how: Joining::Accepted };
        let parts = joined(&all).parts();
        assert_eq!(parts, all.chunks(2_000).map(joined).collect::<Vec<_>>());
        assert!(parts.iter().all(|part| serde_json::to_string(part).unwrap().len() < 64 * 1024));
        assert_eq!(joined(&[]).parts(), []);

        let created = |members: &[UserId]| Change::GroupCreated {
            group,
            owner: UserId(1),
            name: "big".to_owned(),
            members: members.to_vec(),
        };
        assert_eq!(created(&[]).parts(), [created(&[])]);
        let [first, second, third] = created(&all).parts().try_into().unwrap();
        assert_eq!(first, created(&all[..2_000]));
        let added = |users: &[UserId]| Change::MembersJoined { group, users: users.to_vec(), how: Joining::Added };
        assert_eq!([second, third], [added(&all[2_000..4_000]), added(&all[4_000..])]);
    }
}
