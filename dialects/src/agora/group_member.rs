//! Members of groups and rooms, their roles, and the lists that users are put on (agora.md 10.3, 10.4, errors of 8.3).

use tidings_domain::{Error, GroupKind, GroupRole, Mute, Reason, UnixMillis, Username};

use super::{
    Call, PageQuery, Refusal, Timing,
    dto::{self, GroupId, OneOrArray},
    group::must_be_provided,
    group_list::page,
    refusal::decode,
};
use crate::json::{Label, OneOrMany, bytes_of};

/// Maximum number of users in one change.
const MAX_MEMBERS: usize = 60;
/// How the vendor writes the end of a mute that has none.
const FOREVER: i64 = 4_638_873_600_000;

/// What is done to users of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberAction {
    /// Added.
    Add,
    /// Removed.
    Remove,
    /// Put on the block list.
    Block,
    /// Taken off it.
    Unblock,
    /// Put on the allow list.
    Allow,
    /// Taken off it.
    Disallow,
    /// Left on their own.
    Quit,
    /// Asked to join.
    Apply,
}

impl MemberAction {
    /// The key `action` of its answer.
    const fn wire_name(self) -> &'static str {
        match self {
            Self::Add => "add_member",
            Self::Remove => "remove_member",
            Self::Block => "add_blocks",
            Self::Unblock => "remove_blocks",
            Self::Allow => "add_user_whitelist",
            Self::Disallow => "remove_user_whitelist",
            Self::Quit => "quit",
            Self::Apply => "apply",
        }
    }

    /// How more than 60 users are refused.
    const fn too_many(self) -> &'static str {
        match self {
            Self::Remove => "kickMember: kickMembers number more than maxSize : 60",
            Self::Block => "userNames is more than max limit : 60",
            Self::Unblock => "removeBlacklist: list size more than max limit : 60",
            Self::Disallow => "removeWhitelist size is more than max limit : 60",
            Self::Add | Self::Allow | Self::Quit | Self::Apply => "usernames size is more than max limit : 60",
        }
    }
}

/// Parses a body with users.
pub fn usernames(body: &[u8], action: MemberAction) -> Result<Vec<String>, Refusal> {
    let dto: dto::Usernames<'_> = decode(body)?;
    written(dto.usernames.as_ref(), action.too_many())
}

fn written(names: Option<&OneOrMany<'_>>, too_many: &'static str) -> Result<Vec<String>, Refusal> {
    let names = names.map_or(&[][..], |names| &names.0);
    if names.is_empty() {
        return Err(must_be_provided("usernames"));
    }
    at_most(names.iter().map(|name| name.text.as_ref().to_owned()).collect(), too_many)
}

fn at_most(names: Vec<String>, too_many: &'static str) -> Result<Vec<String>, Refusal> {
    if names.len() > MAX_MEMBERS {
        return Err(Refusal::new(400, "invalid_parameter", too_many));
    }
    Ok(names)
}

/// Users in a path, separated by commas.
pub fn path_usernames(path: &str, action: MemberAction) -> Result<Vec<String>, Refusal> {
    in_path(path, action.too_many())
}

/// The same, to be unmuted.
pub fn unmuted_usernames(path: &str) -> Result<Vec<String>, Refusal> {
    in_path(path, "removeMute member size more than max limit : 60")
}

fn in_path(path: &str, too_many: &'static str) -> Result<Vec<String>, Refusal> {
    let names = path.split(',').map(str::trim).filter(|name| !name.is_empty());
    at_most(names.map(str::to_owned).collect(), too_many)
}

/// Users to be muted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteRequest {
    /// As written.
    pub usernames: Vec<String>,
    /// Until when, seen from the time of the request.
    pub mute: Mute,
}

/// Parses the body of a mute; `mute_duration` is in milliseconds, 0 ends a mute, -1 is forever.
pub fn mute_request(body: &[u8], now: UnixMillis) -> Result<MuteRequest, Refusal> {
    let dto: dto::MuteIn<'_> = decode(body)?;
    let usernames = written(dto.usernames.as_ref(), "userNames size is more than max limit : 60")?;
    let mute = match dto.mute_duration.ok_or_else(|| must_be_provided("mute_duration"))?.0 {
        -1 => Mute::Forever,
        0 => Mute::No,
        duration @ 1.. => Mute::Until(UnixMillis(now.0.saturating_add(duration))),
        _ => return Err(Refusal::new(400, "invalid_parameter", "mute_duration must be -1, 0 or milliseconds")),
    };
    Ok(MuteRequest { usernames, mute })
}

/// Parses the body of a new admin.
pub fn new_admin(body: &[u8]) -> Result<String, Refusal> {
    let dto: dto::NewAdmin<'_> = decode(body)?;
    Label::given(dto.newadmin.as_ref()).map(str::to_owned).ok_or_else(|| must_be_provided("newadmin"))
}

/// Parses the body of an application: the text for the admins. Clients may send none.
pub fn application(body: &[u8]) -> Result<String, Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(String::new());
    }
    let dto: dto::ApplyIn = decode(body)?;
    Ok(dto.message.unwrap_or_default())
}

/// Whether a user is in a group, or muted in it.
pub fn is_joined(call: &Call<'_>, timing: Timing, is: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(is), ..call.envelope(timing) })
}

/// Whether a user is on the allow list.
pub fn is_allowed(call: &Call<'_>, timing: Timing, white: bool) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::White { white }), ..call.envelope(timing) })
}

/// A member as shown in lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The folded name.
    pub name: String,
    /// The role.
    pub role: GroupRole,
    /// Milliseconds.
    pub joined_at: i64,
}

/// A page of members. In the third version of the vendor's calls pages by cursor are plain names; with `joined_time` each
/// has its role as the key.
pub fn members(
    call: &Call<'_>,
    timing: Timing,
    (query, joined_time): (&PageQuery, bool),
    members: &[Member],
    next: i64,
) -> Vec<u8> {
    let cursor = query.cursor(next);
    let data = if query.is_v3 && query.by_cursor && !query.is_numbered && !joined_time {
        dto::Members::Names(members.iter().map(|member| member.name.as_str()).collect())
    } else {
        dto::Members::Affiliations(members.iter().map(|member| affiliation(member, joined_time)).collect())
    };
    bytes_of(&dto::Envelope {
        params: query.params(),
        count: Some(members.len()),
        data: Some(data),
        cursor: cursor.as_deref(),
        ..call.envelope(timing)
    })
}

fn affiliation(member: &Member, joined_time: bool) -> dto::Affiliation<'_> {
    let name = member.name.as_str();
    let is_admin = joined_time && member.role == GroupRole::Admin;
    let is_owner = member.role == GroupRole::Owner;
    dto::Affiliation {
        owner: is_owner.then_some(name),
        admin: is_admin.then_some(name),
        member: (!is_owner && !is_admin).then_some(name),
        joined_time: joined_time.then_some(member.joined_at),
    }
}

/// A page of a list of names.
pub fn names(call: &Call<'_>, timing: Timing, query: &PageQuery, names: &[String], next: i64) -> Vec<u8> {
    page(call, timing, query, names.iter().collect(), next)
}

/// A page of the muted members, with the ends of their mutes.
pub fn muted(call: &Call<'_>, timing: Timing, query: &PageQuery, muted: &[(String, Mute)], next: i64) -> Vec<u8> {
    let entry = |(user, mute)| -> dto::Muted<'_> {
        dto::Muted { result: None, reason: None, expire: Some(expire(mute)), user }
    };
    let data: Vec<_> = muted.iter().map(|(user, mute)| entry((user.as_str(), *mute))).collect();
    page(call, timing, query, data, next)
}

const fn expire(mute: Mute) -> i64 {
    match mute {
        Mute::No => 0,
        Mute::Until(until) => until.0,
        Mute::Forever => FOREVER,
    }
}

/// A group, by kind and id.
pub type Which = (GroupKind, i64);

/// Each user of a call, with the reason if it failed for them.
pub type Outcomes = [(String, Option<Error>)];

/// The answer about users who were muted, or unmuted.
pub fn mutes_changed(call: &Call<'_>, timing: Timing, which: Which, mute: Option<Mute>, users: &Outcomes) -> Vec<u8> {
    let shown = users.iter().map(|(user, error)| dto::Muted {
        result: Some(error.is_none()),
        reason: error.as_ref().map(|error| member_refusal(error, which.1, user).description.into_owned()),
        expire: mute.filter(|_| error.is_none()).map(expire),
        user,
    });
    let data: Vec<_> = shown.collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer about a new admin, or one who is not an admin any more.
pub fn admin_changed(call: &Call<'_>, timing: Timing, user: &str, admin: bool) -> Vec<u8> {
    let data =
        dto::AdminChanged { result: "success", newadmin: admin.then_some(user), oldadmin: (!admin).then_some(user) };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer about one user: an object, or an array in the third version of the vendor's calls.
pub fn member_changed(
    call: &Call<'_>,
    timing: Timing,
    which: Which,
    (action, is_v3): (MemberAction, bool),
    user: &str,
) -> Vec<u8> {
    let is_array = is_v3 && !matches!(action, MemberAction::Add | MemberAction::Quit | MemberAction::Apply);
    let data = OneOrArray::in_version(member(which, action, user, None), is_array);
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

fn member((kind, id): Which, action: MemberAction, user: &str, reason: Option<String>) -> dto::MemberChanged<'_> {
    let result = reason.is_none();
    let id = match action {
        MemberAction::Block | MemberAction::Unblock | MemberAction::Allow | MemberAction::Disallow => {
            GroupId::in_list(kind, id)
        }
        MemberAction::Add | MemberAction::Remove | MemberAction::Quit | MemberAction::Apply => GroupId::of(kind, id),
    };
    dto::MemberChanged { result, reason, id, action: action.wire_name(), user }
}

/// The answer about users who were added together: those who were not members before.
pub fn members_added(call: &Call<'_>, timing: Timing, (kind, id): Which, users: Vec<String>) -> Vec<u8> {
    let data =
        dto::MembersAdded { newmembers: users, id: GroupId::of(kind, id), action: MemberAction::Add.wire_name() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer about several users, each with their own result.
pub fn members_changed(
    call: &Call<'_>,
    timing: Timing,
    which: Which,
    action: MemberAction,
    users: &Outcomes,
) -> Vec<u8> {
    let shown = users.iter().map(|(user, error)| {
        let reason = error.as_ref().map(|error| entry_reason(error, which.1, user));
        member(which, action, user, reason)
    });
    let data: Vec<_> = shown.collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// Why one of several users could not be changed.
fn entry_reason(error: &Error, group: i64, user: &str) -> String {
    match error.reason() {
        Reason::UserNotFound => format!("user {user} doesn't exist."),
        Reason::NotGroupMember => format!("user: {user} doesn't exist in group: {group}"),
        _ => member_refusal(error, group, user).description.into_owned(),
    }
}

/// Why one member could not be changed, in these calls' own words.
pub fn member_refusal(error: &Error, group: i64, user: &str) -> Refusal {
    match error.reason() {
        Reason::AlreadyGroupMember => {
            let text = format!("can not join this group, reason:user: {user} already in group: {group}");
            Refusal::new(403, "forbidden_op", text).because(error.reason())
        }
        Reason::NotGroupMember => {
            Refusal::new(403, "forbidden_op", format!("users [{user}] are not members of this group!"))
                .because(error.reason())
        }
        Reason::UserNotFound => unknown_user(user),
        _ => Refusal::from(error).naming(user),
    }
}

/// Why a user cannot become an admin or the owner.
pub fn role_refusal(error: &Error, group: i64, user: &str) -> Refusal {
    match error.reason() {
        Reason::NotGroupMember | Reason::NewOwnerNotMember => {
            Refusal::new(403, "forbidden_op", format!("user: {user} doesn't exist in group: {group}"))
                .because(error.reason())
        }
        _ => member_refusal(error, group, user),
    }
}

/// An unknown name in a body or path.
pub fn unknown_user(name: &str) -> Refusal {
    Refusal::new(404, "resource_not_found", format!("username {name} doesn't exist!")).because(Reason::UserNotFound)
}

/// A group or room of a list that does not exist.
pub fn group_missing(written: &str) -> Refusal {
    let text = format!("do not find this group:{written}");
    Refusal::new(404, "service_resource_not_found", text).because(Reason::GroupNotFound)
}

/// A name as it is shown: folded, if it is one.
pub fn shown_name(written: &str) -> String {
    Username::parse(written).map_or_else(|_| written.to_owned(), |name| name.folded().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutes_are_in_milliseconds_from_now_agora_10_3() {
        let mute = |duration: &str| {
            let body = format!(r#"{{"usernames":["omar"],"mute_duration":{duration}}}"#);
            mute_request(body.as_bytes(), UnixMillis(1_000)).map(|request| request.mute)
        };
        assert_eq!(mute("500").unwrap(), Mute::Until(UnixMillis(1_500)));
        assert_eq!(mute("\"500\"").unwrap(), Mute::Until(UnixMillis(1_500)));
        assert_eq!(mute("-1").unwrap(), Mute::Forever);
        assert_eq!(mute("0").unwrap(), Mute::No);
        assert_eq!(mute("9223372036854775807").unwrap(), Mute::Until(UnixMillis(i64::MAX)));
        assert_eq!(mute("-2").unwrap_err().description, "mute_duration must be -1, 0 or milliseconds");
        assert_eq!(mute("null").unwrap_err().description, "mute_duration must be provided");
    }

    #[test]
    fn more_than_60_users_are_refused_in_the_words_of_each_call_agora_8_3() {
        let many = vec!["u"; 61].join(",");
        let refused = |action| path_usernames(&many, action).unwrap_err().description.into_owned();
        assert_eq!(refused(MemberAction::Remove), "kickMember: kickMembers number more than maxSize : 60");
        assert_eq!(refused(MemberAction::Unblock), "removeBlacklist: list size more than max limit : 60");
        assert_eq!(refused(MemberAction::Disallow), "removeWhitelist size is more than max limit : 60");
        let unmuted = unmuted_usernames(&many).unwrap_err().description;
        assert_eq!(unmuted, "removeMute member size more than max limit : 60");
        assert_eq!(path_usernames("a,b", MemberAction::Remove).unwrap(), ["a", "b"]);
    }
}
