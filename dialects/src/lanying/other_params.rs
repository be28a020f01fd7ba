//! The parameters of the neighbouring calls, by their names in lanying.md 10.

use serde::{Serialize, Serializer};
use tidings_domain::{GroupKind, Mute, UnixMillis};

use super::{Params, Refusal};

/// A group or room to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its kind.
    pub kind: GroupType,
    /// Empty if not given, like the next two.
    pub name: String,
    /// The description.
    pub description: String,
    /// URL of a picture.
    pub avatar: String,
    /// The initial members.
    pub members: Vec<i64>,
}

/// The key `type` of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupType {
    /// 0
    Private,
    /// 1
    Public,
    /// 2
    Room,
}

impl GroupType {
    /// The kind, by the dialect's numbers.
    pub const fn of(kind: GroupKind, public: bool) -> Self {
        match (kind, public) {
            (GroupKind::Room, _) => Self::Room,
            (GroupKind::Group, true) => Self::Public,
            (GroupKind::Group, false) => Self::Private,
        }
    }
}

/// Who may join by asking: the key `apply_approval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// 0: everybody.
    All,
    /// 1: applicants wait for an admin.
    Ask,
    /// 2: nobody.
    Nobody,
}

/// A number on the wire.
macro_rules! as_number {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i32(*self as i32)
            }
        }
    };
}
as_number!(GroupType);
as_number!(Approval);

/// A user's profile; `None` if not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the vendor's names, described in lanying.md 10")]
pub struct ProfileChange {
    pub nick_name: Option<String>,
    pub avatar: Option<String>,
    pub description: Option<String>,
    pub public_info: Option<String>,
    pub private_info: Option<String>,
    pub mobile: Option<String>,
    pub email: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Only ids above it.
    pub after: i64,
    /// The page size, from 1.
    pub limit: i32,
}

/// The maximum and default number of rows of a list.
const MOST: i64 = 1000;
/// The default number of users in a numbered page.
const PAGE: i64 = 50;

impl Params {
    /// The group or room of the call.
    pub fn group(&self) -> Result<i64, Refusal> {
        self.id("group_id")
    }

    /// The groups of the call.
    pub fn groups(&self) -> Result<Vec<i64>, Refusal> {
        self.ids("group_list")
    }

    /// The users of the call.
    pub fn users(&self) -> Result<Vec<i64>, Refusal> {
        self.ids("user_list")
    }

    /// The user of the call.
    pub fn user(&self) -> Result<i64, Refusal> {
        self.id("user_id")
    }

    /// The same, optional.
    pub fn maybe_user(&self) -> Result<Option<i64>, Refusal> {
        self.maybe_id("user_id")
    }

    /// The parameters of `/roster/may_message`: the sender, and the receiver.
    pub fn roster(&self) -> Result<(i64, i64), Refusal> {
        Ok((self.id("user_id")?, self.id("roster_id")?))
    }

    /// The new owner of a group.
    pub fn new_owner(&self) -> Result<i64, Refusal> {
        self.id("new_owner")
    }

    /// The applicant's text; empty if not given.
    pub fn reason(&self) -> Result<String, Refusal> {
        Ok(self.text("reason")?.unwrap_or_default())
    }

    /// Whether an applicant is accepted.
    pub fn approval(&self) -> Result<bool, Refusal> {
        self.flag("approval")
    }

    /// The new text that the call sets.
    pub fn value_text(&self) -> Result<String, Refusal> {
        self.text("value")?.ok_or_else(|| Refusal::bad_parameter("value", "is required"))
    }

    /// The new boolean that the call sets.
    pub fn value_flag(&self) -> Result<bool, Refusal> {
        self.flag("value")
    }

    /// Who may join by asking.
    pub fn apply_approval(&self) -> Result<Approval, Refusal> {
        match self.int("apply_approval")? {
            Some(0) => Ok(Approval::All),
            Some(1) => Ok(Approval::Ask),
            Some(2) => Ok(Approval::Nobody),
            _ => Err(Refusal::bad_parameter("apply_approval", "must be from 0 to 2")),
        }
    }

    /// The end of a mute: minutes from `now`, 0 for unmuted, -1 forever.
    pub fn mute(&self, now: UnixMillis) -> Result<Mute, Refusal> {
        const MINUTE: i64 = 60_000;
        let bad = || Refusal::bad_parameter("duration", "must be minutes, or -1 for no end");
        match self.int("duration")?.ok_or_else(bad)? {
            -1 => Ok(Mute::Forever),
            0 => Ok(Mute::No),
            minutes if minutes > 0 => {
                let span = minutes.checked_mul(MINUTE).ok_or_else(bad)?;
                now.0.checked_add(span).map(|end| Mute::Until(UnixMillis(end))).ok_or_else(bad)
            }
            _ => Err(bad()),
        }
    }

    /// A page of a list with cursors.
    pub fn part(&self) -> Result<Part, Refusal> {
        let after = self.maybe_id("cursor")?.unwrap_or(0);
        Ok(Part { after, limit: self.count("limit", MOST, MOST)? as i32 })
    }

    /// How many rows precede a numbered page, and how many are in it.
    pub fn numbered_page(&self) -> Result<(i64, i64), Refusal> {
        let size = self.count("page_size", PAGE, MOST)?;
        let number = self.count("page_num", 1, i64::MAX / MOST)?;
        Ok(((number - 1) * size, size))
    }

    /// One of a user's devices; 0 means all.
    pub fn device(&self) -> Result<i32, Refusal> {
        let device = self.maybe_id("device_sn")?.unwrap_or(0);
        i32::try_from(device).map_err(|_| Refusal::bad_parameter("device_sn", "is out of range"))
    }

    /// The old password.
    pub fn old_password(&self) -> Result<String, Refusal> {
        self.required_text("old_password")
    }

    /// The new password.
    pub fn new_password(&self) -> Result<String, Refusal> {
        self.required_text("new_password")
    }

    /// The fields of a profile.
    pub fn profile(&self) -> Result<ProfileChange, Refusal> {
        Ok(ProfileChange {
            nick_name: self.text("nick_name")?,
            avatar: self.text("avatar")?,
            description: self.text("description")?,
            public_info: self.text("public_info")?,
            private_info: self.text("private_info")?,
            mobile: self.text("mobile")?,
            email: self.text("email")?,
        })
    }

    /// A group or room to create.
    pub fn new_group(&self) -> Result<NewGroup, Refusal> {
        let kind = match self.int("type")?.unwrap_or(0) {
            0 => GroupType::Private,
            1 => GroupType::Public,
            2 => GroupType::Room,
            _ => return Err(Refusal::bad_parameter("type", "must be from 0 to 2")),
        };
        let text = |name| self.text(name).map(Option::unwrap_or_default);
        Ok(NewGroup {
            kind,
            name: text("name")?,
            description: text("description")?,
            avatar: text("avatar")?,
            members: self.maybe_ids("user_list")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Params {
        Params::read(query, b"").expect("a query can be read")
    }

    #[test]
    fn a_ban_is_minutes_from_now_lanying_10() {
        let now = UnixMillis(1_000);
        assert_eq!(asked("duration=2").mute(now), Ok(Mute::Until(UnixMillis(121_000))));
        assert_eq!(asked("duration=0").mute(now), Ok(Mute::No));
        assert_eq!(asked("duration=-1").mute(now), Ok(Mute::Forever));
        for bad in ["", "duration=-2", "duration=9223372036854775807", "duration=x"] {
            assert_eq!(asked(bad).mute(now).unwrap_err().code, 10002, "{bad}");
        }
    }

    #[test]
    fn a_page_is_numbered_from_one_and_bounded_lanying_10() {
        assert_eq!(asked("").numbered_page(), Ok((0, 50)));
        assert_eq!(asked("page_num=3&page_size=20").numbered_page(), Ok((40, 20)));
        let (before, size) = asked("page_num=9223372036854775807&page_size=5000").numbered_page().expect("no overflow");
        assert!(before > 0 && size == 1000);
    }

    #[test]
    fn groups_are_private_public_or_rooms_lanying_10() {
        let kind = |query: &str| asked(query).new_group().map(|group| group.kind);
        assert_eq!(kind(""), Ok(GroupType::Private));
        assert_eq!(kind("type=1"), Ok(GroupType::Public));
        assert_eq!(kind("type=2"), Ok(GroupType::Room));
        assert_eq!(kind("type=3").unwrap_err().code, 10002);
        let all = [GroupType::Private, GroupType::Public, GroupType::Room];
        assert_eq!(serde_json::to_string(&all).ok().as_deref(), Some("[0,1,2]"));
    }
}
