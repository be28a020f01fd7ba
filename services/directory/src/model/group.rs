//! Groups and rooms.

use tidings_domain::{Change, Error, GroupChanged, GroupKind, GroupRole, MsgId, Mute, UnixMillis, UserId};

use super::check_text;

const MAX_NAME_CHARS: usize = 128;
const MAX_DESCRIPTION: usize = 2048;
const MAX_AVATAR: usize = 1024;
const MAX_CUSTOM: usize = 8192;
const MAX_MEMBERS: i64 = 100_000;

/// Who may join by asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApplyApproval {
    /// Everybody, at once.
    All,
    /// Applicants that an admin accepts.
    Ask,
    /// Nobody.
    None,
}

/// A group or room.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: i64,
    pub(crate) kind: GroupKind,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) avatar: String,
    pub(crate) owner: UserId,
    /// Including the owner. 0 if not counted.
    pub(crate) member_count: i64,
    pub(crate) created_at: UnixMillis,
    pub(crate) updated_at: UnixMillis,
    pub(crate) settings: Settings,
    pub(crate) enabled: bool,
    /// Of a thread: the group that it belongs to; 0: it is not a thread.
    pub(crate) parent_group: i64,
    /// Of a thread: the message of that group that it belongs to.
    pub(crate) parent_msg: MsgId,
}

/// The settings of a group.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) apply_approval: ApplyApproval,
    pub(crate) member_invite: bool,
    pub(crate) member_modify: bool,
    pub(crate) history_visible: bool,
    pub(crate) read_ack: bool,
    pub(crate) mute_all: Mute,
    pub(crate) max_members: i64,
    pub(crate) public: bool,
    pub(crate) custom: String,
    pub(crate) invite_confirm: bool,
}

/// Settings to change; absent ones are unchanged.
#[derive(Debug, Default)]
pub(crate) struct SettingsChange {
    pub(crate) apply_approval: Option<ApplyApproval>,
    pub(crate) member_invite: Option<bool>,
    pub(crate) member_modify: Option<bool>,
    pub(crate) history_visible: Option<bool>,
    pub(crate) read_ack: Option<bool>,
    pub(crate) mute_all: Option<Mute>,
    pub(crate) max_members: Option<i64>,
    pub(crate) public: Option<bool>,
    pub(crate) custom: Option<String>,
    pub(crate) invite_confirm: Option<bool>,
}

/// A group to create.
#[derive(Debug)]
pub(crate) struct NewGroup {
    pub(crate) kind: GroupKind,
    /// `None`: the user of the call.
    pub(crate) owner: Option<UserId>,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) avatar: String,
    /// Beside the owner.
    pub(crate) members: Vec<UserId>,
    pub(crate) settings: SettingsChange,
    /// A user who calls must be a super admin.
    pub(crate) needs_super_admin: bool,
}

/// A thread to create.
#[derive(Debug)]
pub(crate) struct NewThread {
    pub(crate) group: i64,
    /// The caller has checked that it is a message of the group.
    pub(crate) msg: MsgId,
    /// `None`: the user of the call.
    pub(crate) owner: Option<UserId>,
    pub(crate) name: String,
    /// Who sees the message, if it is for some members only.
    pub(crate) viewers: Vec<UserId>,
}

/// Changes of a group.
#[derive(Debug, Default)]
pub(crate) struct GroupChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) settings: SettingsChange,
    pub(crate) enabled: Option<bool>,
}

/// A member of a group, or an entry of its block list or allow list.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) user: UserId,
    /// `None`: in a list of ids and names only.
    pub(crate) role: Option<GroupRole>,
    pub(crate) joined_at: UnixMillis,
    pub(crate) muted: Mute,
    /// `None` for users without a name.
    pub(crate) username: Option<String>,
    /// The member's display name in the group; empty: not set.
    pub(crate) display_name: String,
}

/// A page of a group's members.
#[derive(Debug)]
pub(crate) struct MemberPage {
    pub(crate) members: Vec<Member>,
    /// Where the next page starts.
    pub(crate) next: Option<UserId>,
    /// Number of members in the whole list.
    pub(crate) total: i64,
}

/// Which members a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberFilter {
    /// All of them.
    All,
    /// The admins, without the owner.
    Admins,
    /// Those who are muted now.
    Muted,
}

/// The requested part of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Only ids above it.
    pub(crate) after: i64,
    /// How many of them to skip.
    pub(crate) skip: i64,
    /// How many to return.
    pub(crate) limit: i64,
}

/// Under which conditions a user may ask to join.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Joinable {
    /// Only a public group.
    pub(crate) public_only: bool,
    /// Only an open group.
    pub(crate) at_once: bool,
}

/// An announcement of a group.
#[derive(Debug, Clone)]
pub(crate) struct Announcement {
    pub(crate) group: i64,
    /// From 1 in each group; 0: there is none.
    pub(crate) id: i64,
    /// [`UserId::ADMIN`]: the app itself.
    pub(crate) author: UserId,
    pub(crate) made_at: UnixMillis,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// An applicant.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) user: UserId,
    pub(crate) text: String,
    pub(crate) made_at: UnixMillis,
}

/// An application's place in the queue: when it was made, and by whom.
pub(crate) type ApplicationPlace = (UnixMillis, UserId);

/// The outcome for each user of a call, in the order of first mention.
pub(crate) type Outcomes = Vec<(UserId, Result<(), Error>)>;

impl Settings {
    /// The defaults of groups, or rooms.
    pub(crate) fn default_of(kind: GroupKind) -> Self {
        let (apply_approval, max_members) = match kind {
            GroupKind::Group => (ApplyApproval::Ask, 2_000),
            GroupKind::Room => (ApplyApproval::All, 10_000),
        };
        Self {
            apply_approval,
            member_invite: true,
            member_modify: false,
            history_visible: false,
            read_ack: false,
            mute_all: Mute::No,
            max_members,
            public: false,
            custom: String::new(),
            invite_confirm: false,
        }
    }

    /// The settings after the change, within their bounds.
    pub(crate) fn changed(self, change: SettingsChange) -> Result<Self, Error> {
        let changed = Self {
            apply_approval: change.apply_approval.unwrap_or(self.apply_approval),
            member_invite: change.member_invite.unwrap_or(self.member_invite),
            member_modify: change.member_modify.unwrap_or(self.member_modify),
            history_visible: change.history_visible.unwrap_or(self.history_visible),
            read_ack: change.read_ack.unwrap_or(self.read_ack),
            mute_all: change.mute_all.unwrap_or(self.mute_all),
            max_members: change.max_members.unwrap_or(self.max_members),
            public: change.public.unwrap_or(self.public),
            custom: change.custom.unwrap_or(self.custom),
            invite_confirm: change.invite_confirm.unwrap_or(self.invite_confirm),
        };
        if !(1..=MAX_MEMBERS).contains(&changed.max_members) {
            return Err(Error::invalid("max_members", format!("must be from 1 to {MAX_MEMBERS}")));
        }
        check_text("custom", &changed.custom, MAX_CUSTOM)?;
        Ok(changed)
    }
}

impl SettingsChange {
    /// Whether nothing is to change.
    pub(crate) const fn is_empty(&self) -> bool {
        let Self {
            apply_approval,
            member_invite,
            member_modify,
            history_visible,
            read_ack,
            mute_all,
            max_members,
            public,
            custom,
            invite_confirm,
        } = self;
        apply_approval.is_none()
            && member_invite.is_none()
            && member_modify.is_none()
            && history_visible.is_none()
            && read_ack.is_none()
            && mute_all.is_none()
            && max_members.is_none()
            && public.is_none()
            && custom.is_none()
            && invite_confirm.is_none()
    }
}

impl GroupChange {
    /// Whether nothing is to change.
    pub(crate) const fn is_empty(&self) -> bool {
        let Self { name, description, avatar, settings, enabled } = self;
        name.is_none() && description.is_none() && avatar.is_none() && settings.is_empty() && enabled.is_none()
    }
}

impl Group {
    /// The group after the change, within its bounds.
    pub(crate) fn changed(self, change: GroupChange, now: UnixMillis) -> Result<Self, Error> {
        let changed = Self {
            name: change.name.unwrap_or(self.name),
            description: change.description.unwrap_or(self.description),
            avatar: change.avatar.unwrap_or(self.avatar),
            settings: self.settings.changed(change.settings)?,
            enabled: change.enabled.unwrap_or(self.enabled),
            updated_at: now,
            ..self
        };
        changed.check_texts()?;
        Ok(changed)
    }

    /// The group as shown: an expired mute is none.
    #[must_use]
    pub(crate) fn at(mut self, now: UnixMillis) -> Self {
        self.settings.mute_all = self.settings.mute_all.at(now);
        self
    }

    /// The group, as changes name it.
    pub(crate) fn changed_group(&self) -> GroupChanged {
        let (parent, is_hidden) = (self.parent_group, self.is_hidden());
        GroupChanged { parent, is_hidden, ..GroupChanged::new(self.id, self.kind) }
    }

    /// Whether it is a thread of another group.
    pub(crate) const fn is_thread(&self) -> bool {
        self.parent_group != 0
    }

    /// Whether it is a thread that only its members see: users cannot join it themselves.
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_thread() && self.settings.apply_approval != ApplyApproval::All
    }

    /// The change from this group to `after`, if there is one.
    pub(crate) fn difference(&self, after: &Self, now: UnixMillis) -> Option<Change> {
        let (old, new) = (&self.settings, &after.settings);
        let mute_all = old.mute_all.at(now) != new.mute_all.at(now);
        let fields = [
            ("name", self.name != after.name),
            ("description", self.description != after.description),
            ("avatar", self.avatar != after.avatar),
            ("enabled", self.enabled != after.enabled),
            ("apply_approval", old.apply_approval != new.apply_approval),
            ("member_invite", old.member_invite != new.member_invite),
            ("member_modify", old.member_modify != new.member_modify),
            ("history_visible", old.history_visible != new.history_visible),
            ("read_ack", old.read_ack != new.read_ack),
            ("mute_all", mute_all),
            ("max_members", old.max_members != new.max_members),
            ("public", old.public != new.public),
            ("custom", old.custom != new.custom),
            ("invite_confirm", old.invite_confirm != new.invite_confirm),
        ];
        let fields: Vec<String> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
        let text = |old: &str, new: &str| (old != new).then(|| new.to_owned());
        (!fields.is_empty()).then(|| Change::GroupUpdated {
            group: self.changed_group(),
            fields,
            name: after.name.clone(),
            description: text(&self.description, &after.description),
            avatar: text(&self.avatar, &after.avatar),
            custom: text(&old.custom, &new.custom),
            mute_all_until_ms: mute_all.then(|| new.mute_all.at(now).millis()),
            enabled: (self.enabled != after.enabled).then_some(after.enabled),
        })
    }

    /// Refuses texts that are too long.
    pub(crate) fn check_texts(&self) -> Result<(), Error> {
        if self.name.chars().count() > MAX_NAME_CHARS || self.name.contains('\0') {
            let rule = format!("must be at most {MAX_NAME_CHARS} characters without U+0000");
            return Err(Error::invalid("name", rule));
        }
        check_text("description", &self.description, MAX_DESCRIPTION)?;
        check_text("avatar", &self.avatar, MAX_AVATAR)
    }
}
