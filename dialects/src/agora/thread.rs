//! Threads: groups that belong to a message of a group (agora.md 10.5, 12; errors of 8.3).

use serde_json::value::RawValue;
use tidings_domain::{Error, Message, MsgId, Reason, Username, decimal_id};

use super::{
    Call, Names, Refusal, Timing,
    channel::value,
    dto,
    record::{MessageFiles, record},
    refusal::decode,
};
use crate::json::{Label, bytes_of, text_of};

/// Maximum and default page size.
const MOST: i32 = 50;
/// Maximum number of users in a change of members.
const MOST_USERS: usize = 10;
/// Maximum number of threads whose last messages are read at once.
const MOST_THREADS: usize = 20;
/// Maximum length of a name in characters.
const MOST_CHARS: usize = 64;

/// A thread to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewThread {
    /// The group.
    pub group: i64,
    /// Its message.
    pub msg_id: MsgId,
    /// The thread's name.
    pub name: String,
    /// The thread's owner; `None`: the user of the token.
    pub owner: Option<Username>,
}

/// Parses the body of a creation.
pub fn new_thread(body: &[u8]) -> Result<NewThread, Refusal> {
    let dto: dto::ThreadIn<'_> = decode(body)?;
    let number = |label: Option<&Label<'_>>, key: &str| {
        let written = Label::given(label).ok_or_else(|| unreadable(key))?;
        decimal_id(written).ok_or_else(|| unreadable(key))
    };
    let group = number(dto.group_id.as_ref(), "group_id")?;
    let msg_id = number(dto.msg_id.as_ref().or(dto.msg_id_of_client.as_ref()), "msg_id")?;
    let owner = Label::given(dto.owner.as_ref()).map(Username::parse).transpose()?;
    Ok(NewThread { group, msg_id: MsgId(msg_id), name: name(dto.name)?, owner })
}

/// Parses the body of a change: the new name.
pub fn thread_change(body: &[u8]) -> Result<String, Refusal> {
    let dto: dto::ThreadIn<'_> = decode(body)?;
    name(dto.name)
}

fn name(name: Option<String>) -> Result<String, Refusal> {
    let name = name.filter(|name| !name.is_empty() && !name.contains('\0')).ok_or_else(|| unreadable("name"))?;
    if name.chars().count() > MOST_CHARS {
        return Err(group_error(400, "thread name limit reached."));
    }
    Ok(name)
}

/// Parses a body with users.
pub fn thread_users(body: &[u8]) -> Result<Vec<Username>, Refusal> {
    let dto: dto::Usernames<'_> = decode(body)?;
    let names = dto.usernames.as_ref().map_or(&[][..], |names| &names.0);
    if names.is_empty() {
        return Err(unreadable("usernames"));
    }
    if names.len() > MOST_USERS {
        return Err(group_error(400, "request body reaches limit."));
    }
    Ok(names.iter().map(|name| Username::parse(&name.text)).collect::<Result<_, _>>()?)
}

/// Parses a body with threads.
pub fn thread_ids(body: &[u8]) -> Result<Vec<i64>, Refusal> {
    let dto: dto::ThreadIds<'_> = decode(body)?;
    let ids = dto.thread_ids.as_ref().map_or(&[][..], |ids| &ids.0);
    if ids.is_empty() {
        return Err(unreadable("threadIds"));
    }
    if ids.len() > MOST_THREADS {
        return Err(group_error(400, "request body reaches limit."));
    }
    ids.iter().map(|id| thread_id(&id.text)).collect()
}

/// The thread's id in a path or a body.
pub fn thread_id(written: &str) -> Result<i64, Refusal> {
    decimal_id(written).ok_or_else(thread_not_found)
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadQuery {
    /// Maximum number.
    pub limit: i32,
    /// The cursor of the previous page; empty: the first page.
    pub cursor: String,
    /// Whether the oldest come first.
    pub oldest_first: bool,
}

/// Parses `limit`, `cursor` and `sort`.
pub fn thread_query(query: &str) -> Result<ThreadQuery, Refusal> {
    // The web SDK writes values that it does not have as words.
    let given = |name| value(query, name).filter(|text| !matches!(text.as_str(), "null" | "undefined"));
    let limit = match given("limit") {
        None => MOST,
        Some(text) => text.parse().map_err(|_| Refusal::illegal_argument("limit must be a number"))?,
    };
    if !(1..=MOST).contains(&limit) {
        return Err(group_error(400, "query param reaches limit."));
    }
    let oldest_first = match given("sort").as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(Refusal::illegal_argument("sort can only be asc or desc")),
    };
    Ok(ThreadQuery { limit, cursor: given("cursor").unwrap_or_default(), oldest_first })
}

fn group_error(status: u16, text: &'static str) -> Refusal {
    Refusal::new(status, "group_error", text)
}

fn unreadable(key: &str) -> Refusal {
    Refusal::new(400, "param_illegal", format!("Failed to read HTTP message: {key} is missing or illegal"))
}

/// No such thread.
pub fn thread_not_found() -> Refusal {
    group_error(404, "thread not found.").because(Reason::GroupNotFound).coded(40011)
}

/// The user is not in the thread's group, or not in the thread.
pub fn not_in_group() -> Refusal {
    group_error(404, "user not in group.").because(Reason::NotGroupMember).coded(60003)
}

/// A thread's message has no thread.
pub fn thread_not_nested() -> Refusal {
    group_error(400, "thread not nested.").coded(40009)
}

/// Why a message can have no thread in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongMessage {
    /// It does not exist, or was recalled.
    Missing,
    /// It is in no group.
    NotInGroup,
    /// It is in another group.
    InOtherGroup,
}

/// The refusal of a message.
pub fn thread_message_refusal(why: WrongMessage) -> Refusal {
    match why {
        WrongMessage::Missing => group_error(404, "msg not exist.").because(Reason::MessageNotFound),
        WrongMessage::NotInGroup => group_error(400, "thread must on group message to create.").coded(40009),
        WrongMessage::InOtherGroup => group_error(400, "msg not belong to group .").coded(40009),
    }
}

/// The words of this family for errors of a thread, or of the group of one to create; every other error keeps its
/// general words.
pub fn thread_refusal(error: &Error, is_group: bool) -> Refusal {
    let because = error.reason();
    match because {
        Reason::GroupNotFound if is_group => group_error(404, "group not found.").because(because),
        Reason::GroupNotFound => thread_not_found(),
        Reason::NotGroupMember => not_in_group(),
        Reason::ThreadExists => Refusal::from(error).coded(40003),
        Reason::GroupFull => group_error(403, "thread number has reached limit.").because(because).coded(40005),
        Reason::GroupAdminRequired | Reason::GroupOwnerRequired | Reason::GroupOwnerBound => {
            Refusal { status: 404, error: "group_error", ..Refusal::from(error) }.coded(40012)
        }
        _ => Refusal::from(error),
    }
}

/// A thread as shown in answers.
#[derive(Debug, Clone)]
pub struct Thread {
    /// Its id, to which its messages are sent.
    pub id: i64,
    /// Its group.
    pub group: i64,
    /// The group's message.
    pub msg_id: MsgId,
    /// Its name.
    pub name: String,
    /// The owner's folded name.
    pub owner: String,
    /// Milliseconds.
    pub created: i64,
    /// Number of members, where they were counted.
    pub members: Option<i32>,
}

fn shown(thread: &Thread) -> dto::Thread<'_> {
    dto::Thread {
        id: thread.id.to_string(),
        name: &thread.name,
        owner: thread.owner.clone(),
        msg_id: thread.msg_id.to_string(),
        group_id: thread.group.to_string(),
        created: thread.created,
        affiliations_count: thread.members,
    }
}

/// The answer to a creation.
pub fn thread_created(call: &Call<'_>, timing: Timing, id: i64) -> Vec<u8> {
    let data = dto::ThreadId { thread_id: id.to_string(), thread_id_of_client: id.to_string() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// One thread.
pub fn one_thread(call: &Call<'_>, timing: Timing, thread: &Thread) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(shown(thread)), ..call.envelope(timing) })
}

/// The answer to a change.
pub fn thread_changed(call: &Call<'_>, timing: Timing, name: &str) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::ThreadName { name }), ..call.envelope(timing) })
}

/// The answer to a deletion, to leaving, and to an addition of users.
pub fn thread_done(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    let data = dto::ThreadStatus { status: "ok", detail: None };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to joining.
pub fn thread_joined(call: &Call<'_>, timing: Timing, thread: &Thread) -> Vec<u8> {
    let data = dto::ThreadStatus { status: "ok", detail: Some(shown(thread)) };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// A page of threads; an empty cursor: it is the last one.
pub fn threads(call: &Call<'_>, timing: Timing, threads: &[Thread], cursor: &str) -> Vec<u8> {
    let entities = dto::Entities::Threads(threads.iter().map(shown).collect());
    bytes_of(&dto::Envelope {
        entities: Some(entities),
        properties: Some(dto::Properties::of(cursor)),
        count: Some(threads.len()),
        ..call.envelope::<()>(timing)
    })
}

/// A page of members, by their folded names; an empty cursor: it is the last one.
pub fn thread_members(call: &Call<'_>, timing: Timing, members: &[String], cursor: &str) -> Vec<u8> {
    bytes_of(&dto::Envelope {
        data: Some(dto::Affiliations { affiliations: members }),
        properties: Some(dto::Properties::of(cursor)),
        count: Some(members.len()),
        ..call.envelope(timing)
    })
}

/// The answer to the removal of one user.
pub fn thread_member_removed(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::ThreadResult { result: true }), ..call.envelope(timing) })
}

/// The answer to the removal of several: whether each was removed.
pub fn thread_members_removed(call: &Call<'_>, timing: Timing, users: &[(String, bool)]) -> Vec<u8> {
    let users = users.iter().map(|(user, result)| dto::ThreadMember { result: *result, user });
    let entities = dto::Entities::ThreadMembers(users.collect());
    bytes_of(&dto::Envelope { entities: Some(entities), ..call.envelope::<()>(timing) })
}

/// The newest messages of threads. Unlike elsewhere, `payload` is an object.
pub fn thread_messages(
    call: &Call<'_>,
    timing: Timing,
    newest: &[(i64, Option<Message>)],
    names: &Names,
    exts_array: bool,
) -> Vec<u8> {
    let of_thread = |(thread, message): &(i64, Option<Message>)| dto::ThreadMessage {
        thread_id: thread.to_string(),
        last_message: raw(message.as_ref().map_or_else(|| "{}".to_owned(), |one| last(one, names, exts_array))),
    };
    let entities = dto::Entities::ThreadMessages(newest.iter().map(of_thread).collect());
    bytes_of(&dto::Envelope { entities: Some(entities), ..call.envelope::<()>(timing) })
}

fn last(message: &Message, names: &Names, exts_array: bool) -> String {
    let record = record(message, names, exts_array, MessageFiles::default());
    let dto::RecordOut { msg_id, timestamp, from, to, payload } =
        serde_json::from_str(&record).expect("a record is JSON of our own writing");
    text_of(&dto::LastMessage { id: &msg_id, from: &from, to: &to, timestamp, payload })
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_texts_or_numbers_and_the_message_has_two_names_agora_10_5() {
        let expected = NewThread {
            group: 17,
            msg_id: MsgId(1234),
            name: "t".into(),
            owner: Some(Username::parse("nora").unwrap()),
        };
        for body in [
            r#"{"group_id":"17","name":"t","owner":"nora","msg_id":"1234"}"#,
            r#"{"group_id":17,"name":"t","owner":"nora","msg_id":1234}"#,
            r#"{"group_id":"17","name":"t","owner":"nora","msgId":"1234"}"#,
        ] {
            assert_eq!(new_thread(body.as_bytes()).unwrap(), expected);
        }
        let words = |body: &str| new_thread(body.as_bytes()).unwrap_err();
        let refusal = words(r#"{"name":"t","msg_id":"1"}"#);
        assert_eq!((refusal.status, refusal.error), (400, "param_illegal"));
        assert!(refusal.description.contains("group_id"), "{}", refusal.description);
        assert!(words(r#"{"group_id":"17","name":"t","msg_id":"x"}"#).description.contains("msg_id"));
        let long = format!(r#"{{"group_id":"17","msg_id":"1","name":"{}"}}"#, "n".repeat(65));
        assert_eq!(words(&long).description, "thread name limit reached.");
    }

    #[test]
    fn a_page_has_at_most_fifty_agora_8_3() {
        let default = ThreadQuery { limit: 50, cursor: String::new(), oldest_first: false };
        assert_eq!(thread_query("").unwrap(), default);
        assert_eq!(thread_query("limit=50&cursor=undefined&sort=desc").unwrap(), default);
        assert!(thread_query("sort=asc").unwrap().oldest_first);
        for wrong in ["limit=51", "limit=0"] {
            assert_eq!(thread_query(wrong).unwrap_err().description, "query param reaches limit.");
        }
        assert!(thread_query("sort=up").unwrap_err().description.contains("sort"));
    }

    #[test]
    fn at_most_ten_users_are_changed_at_once_agora_8_3() {
        let body = |count: usize| serde_json::json!({"usernames": vec!["omar"; count]}).to_string();
        assert_eq!(thread_users(body(10).as_bytes()).unwrap().len(), 10);
        assert_eq!(thread_users(body(11).as_bytes()).unwrap_err().description, "request body reaches limit.");
        assert_eq!(thread_users(b"{}").unwrap_err().error, "param_illegal");
    }
}
