//! A change as its notices need it.

use tidings_domain::{Change, GroupChanged, UnixMillis, UserId};

use super::{
    jid::{CONFERENCE_DOMAIN, USER_DOMAIN, jid_of},
    pb::{Jid, MucBody, muc_body::Operation},
};
use crate::agora::Names;

/// A change, with what it does not say itself.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// The id of its event.
    pub id: &'a str,
    /// Who made it; 0: the app itself.
    pub actor: UserId,
    /// When.
    pub at: UnixMillis,
    /// What changed.
    pub change: &'a Change,
    /// The names of everybody in it.
    pub names: &'a Names,
    /// The group; of contacts empty.
    pub place: &'a GroupState,
    /// `org#app`.
    pub app_key: &'a str,
}

/// A group or room, as it is when its members are notified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupState {
    /// Its name.
    pub name: String,
    /// How many are in it; 0: not known.
    pub members: i32,
    /// Of a thread: the id of the message that it belongs to; 0: not known.
    pub of_message: i64,
    /// Who decides on applications to join: the owner and the admins, if that was requested.
    pub deciders: Vec<UserId>,
    /// The values of the attributes that the change names, those of them that are left.
    pub values: Vec<(String, String)>,
    /// The settings that clients get.
    pub settings: Settings,
}

/// Settings of a group; absent: not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Listed to everybody.
    pub public: Option<bool>,
    /// Joining needs an approval.
    pub members_only: Option<bool>,
    /// Members may add users.
    pub member_invite: Option<bool>,
    /// Users who are invited must accept.
    pub invite_confirm: Option<bool>,
    /// How many may be in it.
    pub max_members: Option<i32>,
}

impl<'a> Changed<'a> {
    pub(super) fn user(&self, user: UserId) -> Jid {
        jid_of(self.app_key, self.names.of(user), USER_DOMAIN)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.place.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn body(&self, group: GroupChanged, operation: Operation) -> MucBody {
        let name = Some(self.place.name.as_str()).filter(|name| !name.is_empty());
        let parent = Some(group.parent).filter(|parent| *parent != 0);
        let conference = |id: i64| jid_of(self.app_key, id.to_string(), CONFERENCE_DOMAIN);
        MucBody {
            muc_id: Some(conference(group.id)),
            operation: Some(operation.into()),
            from: Some(self.user(self.actor)),
            is_chatroom: Some(group.is_room),
            is_thread: parent.map(|_| true),
            muc_parent_id: parent.map(conference),
            muc_name: name.map(str::to_owned),
            ..MucBody::default()
        }
    }

    pub(super) fn body_to(&self, group: GroupChanged, operation: Operation, user: UserId) -> MucBody {
        MucBody { to: vec![self.user(user)], ..self.body(group, operation) }
    }
}
