//! Reactions to messages (agora.md 10.5, errors of 8.3).

use serde::Serialize;
use tidings_domain::{ConversationId, Error, MsgId, Reason, UnixMillis, UserId, decimal_id};

use super::{Names, Refusal, Timing, channel::value, dto, recall::chat_type, refusal::decode};
use crate::json::{Label, bytes_of};

/// Maximum number of messages in a list.
const MOST_MESSAGES: usize = 20;
/// Maximum and default number of users on a page.
const MOST_USERS: i32 = 50;
/// Maximum length of a reaction in characters.
const MOST_CHARS: usize = 128;

/// A reaction to add or remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct React {
    /// The message.
    pub msg_id: MsgId,
    /// The text of the reaction.
    pub reaction: String,
}

/// Parses the body of an addition.
pub fn reaction_request(body: &[u8]) -> Result<React, Refusal> {
    let dto: dto::React<'_> = decode(body)?;
    let written = Label::given(dto.msg_id.as_ref()).or_else(|| Label::given(dto.msg_id_of_table.as_ref()));
    react(written, dto.message.as_deref())
}

/// Parses `msgId` and `message` of a removal.
pub fn unreact_query(query: &str) -> Result<React, Refusal> {
    react(given(query, "msgId").as_deref(), value(query, "message").as_deref())
}

fn react(msg_id: Option<&str>, reaction: Option<&str>) -> Result<React, Refusal> {
    let Some(msg_id) = msg_id else {
        return Err(bad_request("msgId can not be null!"));
    };
    let msg_id = message_id(msg_id, "msgId")?;
    let Some(reaction) = reaction.filter(|reaction| !reaction.is_empty()) else {
        return Err(bad_request("message can not be null!"));
    };
    if reaction.chars().count() > MOST_CHARS || reaction.chars().any(char::is_control) {
        return Err(bad_request("message must be at most 128 characters, without control characters"));
    }
    Ok(React { msg_id, reaction: reaction.to_owned() })
}

fn message_id(written: &str, key: &str) -> Result<MsgId, Refusal> {
    decimal_id(written).map(MsgId).ok_or_else(|| bad_request(format!("{key} must be a message's id in digits")))
}

/// A request for the reactions to messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionList {
    /// The messages.
    pub msg_ids: Vec<MsgId>,
    /// The group that they are in; `None`: they are in one-to-one conversations.
    pub group: Option<i64>,
}

/// Parses `msgIdList`, `msgType` and `groupId`.
pub fn reaction_list_query(query: &str) -> Result<ReactionList, Refusal> {
    let written = given(query, "msgIdList").unwrap_or_default();
    let written = written.trim_start_matches('[').trim_end_matches(']');
    let ids: Vec<&str> = written.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err(bad_request("msgIdList can not be null!"));
    }
    if ids.len() > MOST_MESSAGES {
        return Err(bad_request("msgIdList exceeds the maximum number limit"));
    }
    let msg_ids = ids.into_iter().map(|id| message_id(id, "msgIdList")).collect::<Result<_, _>>()?;
    let group = match given(query, "msgType").as_deref() {
        Some("chat") => None,
        Some("groupchat" | "group") => {
            let id = given(query, "groupId").ok_or_else(|| bad_request("groupId can not be null!"))?;
            Some(decimal_id(&id).ok_or_else(|| bad_request("groupId must be a group's id in digits"))?)
        }
        _ => return Err(bad_request("msgType can only be chat or groupchat")),
    };
    Ok(ReactionList { msg_ids, group })
}

/// A request for the users of a reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reactors {
    /// The message and the reaction.
    pub of: React,
    /// Maximum number of users.
    pub limit: i32,
    /// The cursor of the previous page; empty: the first page.
    pub cursor: String,
}

/// Parses `msgId`, `message`, `limit` and `cursor`, which the web SDK calls `pageSize` and `currentPage`.
pub fn reactors_query(query: &str) -> Result<Reactors, Refusal> {
    let of = unreact_query(query)?;
    let limit = match given(query, "limit").or_else(|| given(query, "pageSize")) {
        None => MOST_USERS,
        Some(text) => text.parse().map_err(|_| bad_request("limit must be a number"))?,
    };
    if !(1..=MOST_USERS).contains(&limit) {
        return Err(bad_request("Limit exceeds the maximum quantity limit"));
    }
    let cursor = given(query, "cursor").or_else(|| given(query, "currentPage")).unwrap_or_default();
    if !cursor.is_empty() && decimal_id(&cursor).is_none() {
        return Err(bad_request("cursor is not one of this list"));
    }
    Ok(Reactors { of, limit, cursor })
}

/// The web SDK writes values that it does not have as words.
fn given(query: &str, name: &str) -> Option<String> {
    value(query, name).filter(|text| !matches!(text.as_str(), "null" | "undefined"))
}

fn bad_request(text: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(400, "Bad Request", text)
}

/// The user has added the reaction before.
pub fn already_reacted() -> Refusal {
    bad_request("the user is already operation this message")
}

/// No such message for the user, or one that has no reactions, or a reaction that they did not add.
pub fn illegal_reaction() -> Refusal {
    bad_request("the user operation is illegal!")
}

/// The words of this family for errors of the message service; every other error keeps its general words.
pub fn reaction_refusal(error: &Error) -> Refusal {
    match error.reason() {
        Reason::MessageNotFound | Reason::InvalidArgument => illegal_reaction().because(error.reason()),
        Reason::NotGroupMember | Reason::GroupNotFound => {
            bad_request("The user not in this group!").because(error.reason())
        }
        _ => Refusal::from(error),
    }
}

/// A reaction as shown in answers.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// Its id.
    pub id: i64,
    /// Its text.
    pub text: String,
    /// How many users added it.
    pub count: i64,
    /// Whether the asking user did.
    pub own: bool,
    /// Some of them.
    pub users: Vec<UserId>,
}

/// The answer to an addition.
pub fn reacted(
    timing: Timing,
    (conversation, msg_id): (ConversationId, MsgId),
    reaction: &Reaction,
    (created, updated): (UnixMillis, UnixMillis),
) -> Vec<u8> {
    let group = match conversation {
        ConversationId::Direct(..) => None,
        ConversationId::Group(group) => Some(group.to_string()),
        ConversationId::Room(room) => Some(room.to_string()),
    };
    answer(
        timing,
        dto::Reacted {
            id: reaction.id.to_string(),
            msg_id: msg_id.to_string(),
            msg_type: chat_type(conversation.kind()),
            group_id: group,
            reaction: &reaction.text,
            created_at: iso(created),
            updated_at: iso(updated),
        },
    )
}

/// The answer to a removal.
pub fn reaction_removed(timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Status { status: "ok", timestamp: timing.timestamp })
}

/// The answer to a list: messages with their reactions.
pub fn reaction_list<'a>(timing: Timing, messages: &'a [(MsgId, Vec<Reaction>)], names: &Names) -> Vec<u8> {
    let of_message = |(msg_id, reactions): &'a (MsgId, Vec<Reaction>)| dto::ReactedMessage {
        msg_id: msg_id.to_string(),
        reaction_list: reactions.iter().map(|reaction| shown(reaction, names)).collect(),
    };
    answer(timing, messages.iter().map(of_message).collect::<Vec<_>>())
}

/// The answer to a request for users of a reaction, who have these times; an empty cursor: it is the last page.
pub fn reaction_detail(
    timing: Timing,
    reaction: &Reaction,
    times: &[UnixMillis],
    cursor: &str,
    names: &Names,
) -> Vec<u8> {
    let reaction = shown(reaction, names);
    let users = reaction.user_list.clone();
    let users = users.iter().zip(times).map(|(user, at)| dto::Reactor { user_id: user, created_at: iso(*at) });
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    answer(timing, dto::ReactionDetail { reaction, reaction_user_list: users.collect(), cursor })
}

fn shown<'a>(reaction: &'a Reaction, names: &Names) -> dto::Reaction<'a> {
    dto::Reaction {
        reaction_id: reaction.id.to_string(),
        reaction: &reaction.text,
        count: reaction.count,
        user_count: reaction.count,
        state: reaction.own,
        user_list: reaction.users.iter().map(|user| names.of(*user)).collect(),
    }
}

fn answer<D: Serialize>(timing: Timing, data: D) -> Vec<u8> {
    bytes_of(&dto::Answer { status: "ok", timestamp: timing.timestamp, data })
}

/// ISO 8601 in UTC, with microseconds.
fn iso(moment: UnixMillis) -> String {
    format!("{}000Z", moment.rfc3339().trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
        let refusal = outcome.unwrap_err();
        assert_eq!((refusal.status, refusal.error), (400, "Bad Request"));
        refusal.description.into_owned()
    }

    #[test]
    fn both_spellings_of_the_message_id_are_read_agora_10_5() {
        let expected = React { msg_id: MsgId(7), reaction: "emoji_40".into() };
        for body in [
            r#"{"msgId":"7","message":"emoji_40"}"#,
            r#"{"msg_Id":"7","message":"emoji_40"}"#,
            r#"{"msgId":7,"message":"emoji_40","odd":1}"#,
        ] {
            assert_eq!(reaction_request(body.as_bytes()).unwrap(), expected);
        }
        assert_eq!(unreact_query("msgId=7&message=emoji_40").unwrap(), expected);
        assert_eq!(unreact_query("msgId=7&message=%F0%9F%91%8D").unwrap().reaction, "\u{1f44d}");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_agora_8_3() {
        let body = |body: &str| words(reaction_request(body.as_bytes()));
        assert_eq!(body(r#"{"message":"x"}"#), "msgId can not be null!");
        assert_eq!(body(r#"{"msgId":"x","message":"x"}"#), "msgId must be a message's id in digits");
        assert_eq!(body(r#"{"msgId":"7"}"#), "message can not be null!");
        let long = format!(r#"{{"msgId":"7","message":"{}"}}"#, "x".repeat(129));
        assert!(body(&long).starts_with("message must be at most 128"));
        let list = |query: &str| words(reaction_list_query(query));
        assert_eq!(list("msgType=chat"), "msgIdList can not be null!");
        assert_eq!(
            list(&format!("msgIdList={}&msgType=chat", vec!["7"; 21].join(","))),
            "msgIdList exceeds the maximum number limit"
        );
        assert_eq!(list("msgIdList=7&msgType=groupchat&groupId=null"), "groupId can not be null!");
        assert_eq!(list("msgIdList=7"), "msgType can only be chat or groupchat");
        let page = |query: &str| words(reactors_query(query));
        assert_eq!(page("msgId=7&message=x&limit=51"), "Limit exceeds the maximum quantity limit");
        assert_eq!(page("msgId=7&message=x&cursor=x"), "cursor is not one of this list");
    }

    #[test]
    fn the_web_sdk_names_the_page_in_its_own_way() {
        let first = reactors_query("msgId=7&message=x&currentPage=null&pageSize=20").unwrap();
        assert_eq!((first.limit, first.cursor.as_str()), (20, ""));
        let next = reactors_query("msgId=7&message=x&currentPage=20&pageSize=20").unwrap();
        assert_eq!(next.cursor, "20");
        let list = ReactionList { msg_ids: vec![MsgId(7), MsgId(8)], group: None };
        assert_eq!(reaction_list_query("msgIdList=7,8&msgType=chat&groupId=null").unwrap(), list);
    }

    #[test]
    fn times_have_microseconds_agora_10_5() {
        assert_eq!(iso(UnixMillis(1_645_700_263_138)), "2022-02-24T10:57:43.138000Z");
        assert_eq!(iso(UnixMillis(0)), "1970-01-01T00:00:00.000000Z");
    }
}
