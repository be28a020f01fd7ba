//! A group's row as stored.

use tidings_domain::{Error, GroupKind, MsgId, Mute, UnixMillis, UserId};
use tidings_store::row;

use crate::model::group::{ApplyApproval, Group, Settings};

row! {
    /// A row of `chat_group` in the order in which `store::group` gathers it.
    pub(super) struct GroupRow {
        group_id: i64,
        kind: i64,
        owner_id: i64,
        enabled: bool,
        history_visible: bool,
        read_ack: bool,
        mute_all_until: i64,
        apply_approval: i64,
        member_invite: bool,
        member_modify: bool,
        public: bool,
        max_members: i64,
        created_at: i64,
        updated_at: i64,
        invite_confirm: bool,
        name: String,
        avatar: String,
        description: String,
        custom: String,
        parent_group_id: i64,
        parent_msg_id: i64,
        member_count: i64,
    }
}

impl TryFrom<GroupRow> for Group {
    type Error = Error;

    fn try_from(row: GroupRow) -> Result<Self, Error> {
        let kind = GroupKind::from_code(row.kind).ok_or_else(|| Error::internal("an unknown kind of group"))?;
        let apply_approval = approval_from_code(row.apply_approval);
        let settings = Settings {
            apply_approval: apply_approval.ok_or_else(|| Error::internal("an unknown apply_approval"))?,
            member_invite: row.member_invite,
            member_modify: row.member_modify,
            history_visible: row.history_visible,
            read_ack: row.read_ack,
            mute_all: Mute::from_millis(row.mute_all_until),
            max_members: row.max_members,
            public: row.public,
            custom: row.custom,
            invite_confirm: row.invite_confirm,
        };
        Ok(Self {
            id: row.group_id,
            kind,
            name: row.name,
            description: row.description,
            avatar: row.avatar,
            owner: UserId(row.owner_id),
            member_count: row.member_count,
            created_at: UnixMillis(row.created_at),
            updated_at: UnixMillis(row.updated_at),
            settings,
            enabled: row.enabled,
            parent_group: row.parent_group_id,
            parent_msg: MsgId(row.parent_msg_id),
        })
    }
}

pub(super) const fn approval_code(approval: ApplyApproval) -> i64 {
    match approval {
        ApplyApproval::All => 1,
        ApplyApproval::Ask => 2,
        ApplyApproval::None => 3,
    }
}

const fn approval_from_code(code: i64) -> Option<ApplyApproval> {
    match code {
        1 => Some(ApplyApproval::All),
        2 => Some(ApplyApproval::Ask),
        3 => Some(ApplyApproval::None),
        _ => None,
    }
}
