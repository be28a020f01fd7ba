//! Lists of groups and rooms: of the app, public ones, and those of a user (agora.md 10.3, 10.4).

use tidings_domain::{GroupKind, GroupRole};

use super::{Call, Group, Refusal, Timing, channel::value, dto};
use crate::json::bytes_of;

/// The entries that a numbered page may skip. What is further on is reached by cursor, whose cost does not grow.
const MAX_SKIP: i64 = 10_000;

/// The numbering and the sizes of a list's pages.
#[derive(Debug, Clone, Copy)]
pub struct PageRule {
    /// The number of the first page; lower ones mean it, too.
    pub first: i64,
    /// The size of a page where none is given.
    pub default: i32,
    /// The largest size; more counts as this.
    pub most: i32,
}

/// The requested page of a list, and its format.
///
/// The vendor's lists are paged by `limit` and `cursor` or by `pagenum` and `pagesize`, and its clients mix them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Only ids above it: the cursor.
    pub after: i64,
    /// How many of them to skip.
    pub skip: i32,
    /// How many to return.
    pub size: i32,
    /// Whether the page was requested by number; such answers have no cursor.
    pub is_numbered: bool,
    /// Whether `limit` or `cursor` were given.
    pub by_cursor: bool,
    /// `version=v3`
    pub is_v3: bool,
    written: [Option<String>; 4],
}

impl PageQuery {
    /// Parses `limit`, `cursor`, `pagenum` and `pagesize` (also `pageNum` and `pageSize`). Web clients write absent values
    /// as `undefined` and `null`.
    pub fn read(query: &str, rule: PageRule) -> Result<Self, Refusal> {
        let given = |name: &str| value(query, name).filter(|text| !matches!(text.as_str(), "undefined" | "null"));
        let either = |name: &'static str, other: &'static str| match given(name) {
            Some(text) => (name, Some(text)),
            None => (other, given(other)),
        };
        let (limit, cursor) = (given("limit"), given("cursor"));
        let ((number_name, pagenum), (size_name, pagesize)) =
            (either("pagenum", "pageNum"), either("pagesize", "pageSize"));
        let size = match number("limit", limit.as_deref())? {
            None => number(size_name, pagesize.as_deref())?,
            given => given,
        };
        let size = size.map_or(rule.default, |size| size.clamp(1, rule.most.into()) as i32);
        let after = number("cursor", cursor.as_deref())?.unwrap_or(0);
        let page = number(number_name, pagenum.as_deref())?;
        let skip = (page.unwrap_or(rule.first) - rule.first).max(0).saturating_mul(size.into());
        if skip > MAX_SKIP {
            return Err(Refusal::illegal_argument(format!(
                "{number_name} is too large, continue with limit and cursor"
            )));
        }
        Ok(Self {
            after,
            skip: skip as i32,
            size,
            is_numbered: page.is_some(),
            by_cursor: limit.is_some() || cursor.is_some(),
            is_v3: is_v3(query),
            written: [limit, cursor, pagenum, pagesize],
        })
    }

    /// As it was written, for the answer; absent when nothing was.
    pub(super) fn params(&self) -> Option<dto::Params<'_>> {
        let [limit, cursor, pagenum, pagesize] =
            [0, 1, 2, 3].map(|at: usize| self.written[at].as_deref().map(|text| [text]));
        let is_given = self.written.iter().any(Option::is_some);
        is_given.then_some(dto::Params { limit, cursor, pagenum, pagesize })
    }

    /// The cursor of the next page, if there is one.
    pub(super) fn cursor(&self, next: i64) -> Option<String> {
        (next != 0 && !self.is_numbered).then(|| next.to_string())
    }
}

/// Whether the third version of the vendor's calls is used, whose answers have other shapes.
pub fn is_v3(query: &str) -> bool {
    value(query, "version").as_deref() == Some("v3")
}

fn number(name: &str, text: Option<&str>) -> Result<Option<i64>, Refusal> {
    let wrong = || Refusal::illegal_argument(format!("{name} must be a number"));
    match text {
        None => Ok(None),
        Some(text) => text.parse().ok().filter(|number| *number >= 0).map(Some).ok_or_else(wrong),
    }
}

/// A page of the app's groups or rooms.
pub fn group_list(call: &Call<'_>, timing: Timing, query: &PageQuery, groups: &[Group], next: i64) -> Vec<u8> {
    let data: Vec<_> = groups.iter().map(|group| listed(call, group)).collect();
    page(call, timing, query, data, next)
}

/// A page of the public groups.
pub fn public_groups(call: &Call<'_>, timing: Timing, query: &PageQuery, groups: &[Group], next: i64) -> Vec<u8> {
    let data: Vec<_> = groups.iter().map(|group| in_version(call, group, None, query.is_v3)).collect();
    page(call, timing, query, data, next)
}

pub(super) fn page<D: serde::Serialize>(
    call: &Call<'_>,
    timing: Timing,
    query: &PageQuery,
    data: Vec<D>,
    next: i64,
) -> Vec<u8> {
    let cursor = query.cursor(next);
    bytes_of(&dto::Envelope {
        params: query.params(),
        count: Some(data.len()),
        data: Some(data),
        cursor: cursor.as_deref(),
        ..call.envelope(timing)
    })
}

/// A user's name as the vendor stores it: `org#app_name`.
fn with_app(call: &Call<'_>, name: &str) -> String {
    format!("{}#{}_{name}", call.app.org, call.app.name)
}

fn listed<'a>(call: &Call<'_>, group: &'a Group) -> dto::ListedGroup<'a> {
    let name = group.fields.name.as_deref().unwrap_or_default();
    match group.kind {
        GroupKind::Room => dto::ListedGroup::Room {
            id: group.id.to_string(),
            name,
            owner: &group.owner,
            affiliations_count: group.member_count,
            disabled: !group.enabled,
        },
        GroupKind::Group => dto::ListedGroup::Group {
            owner: with_app(call, &group.owner),
            groupid: group.id.to_string(),
            affiliations: group.member_count,
            kind: "group",
            last_modified: group.modified.to_string(),
            groupname: name,
        },
    }
}

/// The groups or rooms that a user is in, with their role in each.
pub fn joined(call: &Call<'_>, timing: Timing, query: &PageQuery, groups: &[(Group, GroupRole)]) -> Vec<u8> {
    let data: Vec<_> = groups.iter().map(|(group, role)| in_version(call, group, Some(*role), query.is_v3)).collect();
    bytes_of(&dto::Envelope {
        params: query.params(),
        entities: Some(dto::Entities::NONE),
        count: Some(data.len()),
        data: Some(data),
        ..call.envelope(timing)
    })
}

fn in_version<'a>(call: &Call<'_>, group: &'a Group, role: Option<GroupRole>, is_v3: bool) -> dto::Joined<'a> {
    let (id, name) = (group.id.to_string(), group.fields.name.as_deref().unwrap_or_default());
    match group.kind {
        GroupKind::Group if is_v3 => dto::Joined::Version3 {
            id: id.clone(),
            name,
            groupid: id,
            groupname: name,
            disabled: !group.enabled,
            permission: role.map(role_name),
        },
        GroupKind::Group => dto::Joined::Group { groupid: id, groupname: name },
        GroupKind::Room => dto::Joined::Room {
            id,
            name,
            title: name,
            owner: with_app(call, &group.owner),
            created: group.created,
            description: group.fields.description.as_deref().unwrap_or_default(),
            max_users: group.fields.max_members.unwrap_or_default(),
            disabled: if group.enabled { "false" } else { "true" },
        },
    }
}

const fn role_name(role: GroupRole) -> &'static str {
    match role {
        GroupRole::Owner => "owner",
        GroupRole::Admin => "admin",
        GroupRole::Member => "member",
    }
}

/// The newer list of a user's groups, which has them in `entities` as well, and their number.
pub fn joined_entities(
    call: &Call<'_>,
    timing: Timing,
    query: &PageQuery,
    groups: &[(Group, GroupRole)],
    total: i32,
) -> Vec<u8> {
    let entities = groups.iter().map(|(group, role)| {
        let fields = &group.fields;
        dto::JoinedEntity {
            name: fields.name.as_deref().unwrap_or_default(),
            avatar: fields.avatar.as_deref().unwrap_or_default(),
            owner: &group.owner,
            id: group.id.to_string(),
            group_id: group.id.to_string(),
            description: fields.description.as_deref().unwrap_or_default(),
            disabled: !group.enabled,
            public: fields.public.unwrap_or_default(),
            allowinvites: fields.member_invite.unwrap_or_default(),
            membersonly: fields.asks_to_join.unwrap_or_default(),
            maxusers: fields.max_members.unwrap_or_default(),
            affiliations_count: group.member_count,
            permission: Some(role_name(*role)),
            created: group.created,
        }
    });
    let data: Vec<_> = groups.iter().map(|(group, role)| in_version(call, group, Some(*role), query.is_v3)).collect();
    let envelope = dto::Envelope {
        params: query.params(),
        entities: Some(dto::Entities::Groups(entities.collect())),
        count: Some(data.len()),
        data: Some(data),
        ..call.envelope(timing)
    };
    bytes_of(&dto::Counted { envelope, total })
}

/// In how many groups a user is.
pub fn joined_count(call: &Call<'_>, timing: Timing, count: i32) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(count), ..call.envelope(timing) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: PageRule = PageRule { first: 1, default: 1_000, most: 1_000 };

    fn read(query: &str) -> (i64, i32, i32, bool) {
        let page = PageQuery::read(query, RULE).unwrap();
        (page.after, page.skip, page.size, page.is_numbered)
    }

    #[test]
    fn pages_are_numbered_or_follow_a_cursor_agora_10_3() {
        assert_eq!(read(""), (0, 0, 1_000, false));
        assert_eq!(read("pagenum=3&pagesize=20"), (0, 40, 20, true));
        assert_eq!(read("pageNum=0&pageSize=20"), (0, 0, 20, true));
        assert_eq!(read("limit=20&cursor=17"), (17, 0, 20, false));
        assert_eq!(read("pageSize=20&cursor=17"), (17, 0, 20, false));
        assert_eq!(read("limit=5000&cursor=undefined&_v=1"), (0, 0, 1_000, false));
        let from_zero = PageRule { first: 0, ..RULE };
        assert_eq!(PageQuery::read("pagenum=1&pagesize=5", from_zero).unwrap().skip, 5);
    }

    #[test]
    fn a_page_that_is_no_number_or_too_far_on_is_refused_by_its_name() {
        let refused = |query: &str| PageQuery::read(query, RULE).unwrap_err().description.into_owned();
        assert_eq!(refused("limit=x"), "limit must be a number");
        assert_eq!(refused("cursor=-1"), "cursor must be a number");
        assert_eq!(refused("pageNum=1.5"), "pageNum must be a number");
        assert_eq!(refused("pagesize=ten"), "pagesize must be a number");
        assert_eq!(refused("pagenum=1002&pagesize=10"), "pagenum is too large, continue with limit and cursor");
        assert_eq!(read("pagenum=1001&pagesize=10").1, 10_000);
        assert_eq!(refused("pagenum=9223372036854775807"), "pagenum is too large, continue with limit and cursor");
    }
}
