//! A client's list of conversations, with what is pinned and marked (agora.md 12).

use serde_json::value::RawValue;
use tidings_domain::{
    ConversationId, ConversationKind, Message, MsgId, UnixMillis, UserId, Username, decimal_id, flag,
};

use super::{
    Call, Names, Peer, Refusal, Timing,
    channel::value,
    draft::group_id,
    dto,
    msync::{self, CONFERENCE_DOMAIN, USER_DOMAIN},
    recall::chat_type,
    record::{MessageFiles, body_and_ext},
    refusal::decode,
};
use crate::json::{Label, bytes_of, text_of};

/// The default page size.
const DEFAULT_LIMIT: usize = 20;
/// The maximum page size.
const MAX_LIMIT: usize = 50;
/// Maximum number of targets per call that marks.
const MAX_TARGETS: usize = 100;
/// Maximum number of messages per call that pins.
const MAX_PINNED: usize = 20;

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxQuery {
    /// 1 to 50.
    pub limit: usize,
    /// The `cursor` of the page before; empty: from the first.
    pub cursor: String,
    /// Only pinned ones, most recently pinned first.
    pub is_top: bool,
    /// Whether marks are shown.
    pub need_mark: bool,
    /// Whether conversations without a message are listed.
    pub need_empty: bool,
}

/// Parses the query of the list.
pub fn inbox_query(query: &str) -> Result<InboxQuery, Refusal> {
    let limit = match value(query, "limit") {
        None => DEFAULT_LIMIT,
        Some(text) => text.parse().map_err(|_| Refusal::illegal_argument("limit must be a number"))?,
    };
    let cursor = value(query, "cursor").filter(|cursor| cursor != "undefined").unwrap_or_default();
    if !cursor.is_empty() && decimal_id(&cursor).is_none() {
        return Err(Refusal::illegal_argument("cursor must be the cursor of a page"));
    }
    let is_set = |name: &str| value(query, name).and_then(|text| flag(&text)).unwrap_or_default();
    Ok(InboxQuery {
        limit: limit.clamp(1, MAX_LIMIT),
        cursor,
        is_top: is_set("is_top"),
        need_mark: is_set("need_mark"),
        need_empty: is_set("needEmptySession") || is_set("need_empty_conversation"),
    })
}

/// `pageNum`, from 1, and `pageSize` of the older list, as the entries to skip and to take.
pub fn old_page(query: &str) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, otherwise: usize| match value(query, name) {
        None => Ok(otherwise),
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::illegal_argument(format!("{name} must be a number"))),
    };
    let (page, size) = (number("pageNum", 1)?.max(1), number("pageSize", DEFAULT_LIMIT)?.clamp(1, MAX_LIMIT));
    Ok(((page - 1).saturating_mul(size), size))
}

/// The other party of a conversation, as `to` and `type`.
fn peer(to: Option<&str>, kind: Option<&str>) -> Result<Peer, Refusal> {
    let Some(to) = to.filter(|to| !to.is_empty()) else {
        return Err(Refusal::illegal_argument("field to cannot be null or empty"));
    };
    match kind.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" => Err(Refusal::illegal_argument("field type cannot be null or empty")),
        "chat" => Ok(Peer::User(Username::parse(to)?)),
        "groupchat" => Ok(Peer::Group(group_id(to)?)),
        "chatroom" => Ok(Peer::Room(group_id(to)?)),
        _ => Err(Refusal::illegal_argument("field type can only be chat, groupchat or chatroom")),
    }
}

/// Parses `to` and `type` of a body, or of the query if there is none.
pub fn channel_request(body: &[u8], query: &str) -> Result<Peer, Refusal> {
    if body.trim_ascii().is_empty() {
        return channel_query(query);
    }
    let dto: dto::ChannelName<'_> = decode(body)?;
    peer(Label::given(dto.to.as_ref()), dto.kind.as_deref())
}

/// Parses `to` and `type` of a query.
pub fn channel_query(query: &str) -> Result<Peer, Refusal> {
    peer(value(query, "to").as_deref(), value(query, "type").as_deref())
}

/// A conversation's pin after the call.
pub fn topped(call: &Call<'_>, timing: Timing, pinned_at: Option<UnixMillis>) -> Vec<u8> {
    let update_top_status_time = pinned_at.map_or(timing.timestamp, |at| at.0);
    let data = dto::Topped { is_top: pinned_at.is_some(), update_top_status_time };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// A mark for conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkCall {
    /// 0 to 19.
    pub mark: i32,
    /// The conversations, with `to` and `type` as sent.
    pub targets: Vec<(Peer, String, String)>,
}

/// Parses the body of a call that marks.
pub fn mark_request(body: &[u8]) -> Result<MarkCall, Refusal> {
    let dto: dto::MarkRequest<'_> = decode(body)?;
    let mark = mark(Label::given(dto.mark.as_ref()))?;
    let targets = dto.targets.items;
    if targets.is_empty() || targets.len() > MAX_TARGETS {
        return Err(Refusal::illegal_argument(format!("targets must be 1 to {MAX_TARGETS}")));
    }
    let targets = targets.into_iter().map(|target| {
        let (to, kind) = (Label::given(target.0.to.as_ref()), target.0.kind.as_deref());
        Ok((peer(to, kind)?, to.unwrap_or_default().to_owned(), kind.unwrap_or_default().to_owned()))
    });
    Ok(MarkCall { mark, targets: targets.collect::<Result<_, Refusal>>()? })
}

/// Parses `mark` of the search.
pub fn mark_query(query: &str) -> Result<i32, Refusal> {
    mark(value(query, "mark").as_deref())
}

/// `mark_0` to `mark_19`.
fn mark(text: Option<&str>) -> Result<i32, Refusal> {
    let wrong = |words: &'static str| Refusal::new(400, "param exception", words);
    let Some(text) = text else {
        return Err(wrong("param mark must be not empty, please check!"));
    };
    let number = text.strip_prefix("mark_").and_then(|digits| digits.parse().ok());
    number.filter(|number| (0..20).contains(number)).ok_or_else(|| wrong("param mark illegal, please check it!"))
}

/// The answer to a call that marks: the targets that were ignored.
pub fn marked(call: &Call<'_>, timing: Timing, ignored: &[(Peer, String, String)]) -> Vec<u8> {
    let ignore = ignored.iter().map(|(_, to, kind)| dto::IgnoredChannel { to, kind }).collect();
    bytes_of(&dto::Envelope { data: Some(dto::Ignored { ignore }), ..call.envelope(timing) })
}

/// Parses the body of a call that pins messages: the conversation and their ids.
pub fn pin_request(body: &[u8]) -> Result<(Peer, Vec<MsgId>), Refusal> {
    let dto: dto::ChannelName<'_> = decode(body)?;
    let peer = peer(Label::given(dto.to.as_ref()), dto.kind.as_deref())?;
    let ids = dto.pin_msg_id.map(|ids| ids.0).unwrap_or_default();
    let ids: Option<Vec<MsgId>> = ids.iter().map(|id| decimal_id(&id.text).map(MsgId)).collect();
    match ids {
        Some(ids) if (1..=MAX_PINNED).contains(&ids.len()) => Ok((peer, ids)),
        _ => Err(pin_illegal()),
    }
}

/// No such message to pin.
pub fn pin_illegal() -> Refusal {
    Refusal::new(400, "param exception", "param pin_msg_id illegal, please check it!")
}

/// There are as many pins or marks already as there can be: the words that the web SDK matches.
pub fn too_many() -> Refusal {
    Refusal::new(400, "param exception", "The quantity has exceeded the limit!")
}

/// The message is not pinned.
pub fn pin_missing() -> Refusal {
    Refusal::new(404, "resource_not_found", "user session pin message not exist")
}

/// A call without data of its own.
pub fn done(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::Done { result: "ok" }), ..call.envelope(timing) })
}

/// A conversation of the list.
#[derive(Debug)]
pub struct InboxEntry<'a> {
    /// The conversation.
    pub conversation: ConversationId,
    /// The unread count.
    pub unread: i64,
    /// When it was pinned; `None`: it is not.
    pub pinned_at: Option<UnixMillis>,
    /// The marks, 0 to 19.
    pub marks: &'a [i32],
    /// The newest message that the user can read.
    pub last: Option<&'a Message>,
}

/// A page of the list; `cursor` leads to the next one.
pub fn inbox(
    call: &Call<'_>,
    timing: Timing,
    (user, entries): (UserId, &[InboxEntry<'_>]),
    (names, need_mark): (&Names, bool),
    cursor: String,
) -> Vec<u8> {
    let shown = entries.iter().map(|entry| dto::ClientChannel {
        session_to: session(entry.conversation, user, names),
        session_type: chat_type(entry.conversation.kind()),
        is_top: entry.pinned_at.is_some(),
        update_top_status_time: entry.pinned_at.map_or(0, |at| at.0),
        unread_num: entry.unread,
        marks: need_mark.then(|| entry.marks.iter().map(|mark| format!("mark_{mark}")).collect()),
        meta: entry
            .last
            .map_or(dto::NewestMessage::None {}, |last| dto::NewestMessage::Some(meta_of(last, names, true))),
    });
    let data = dto::ClientChannels { channel_infos: shown.collect(), cursor };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// A page of the older list.
pub fn old_inbox(
    call: &Call<'_>,
    timing: Timing,
    (user, entries): (UserId, &[InboxEntry<'_>]),
    names: &Names,
) -> Vec<u8> {
    let app_key = msync::app_key(call.app);
    let shown = entries.iter().map(|entry| {
        let is_direct = entry.conversation.kind() == ConversationKind::Direct;
        let domain = if is_direct { USER_DOMAIN } else { CONFERENCE_DOMAIN };
        dto::OldChannel {
            channel_id: format!("{app_key}_{}@{domain}", session(entry.conversation, user, names)),
            unread_num: entry.unread,
            meta: entry
                .last
                .map_or(dto::NewestMessage::None {}, |last| dto::NewestMessage::Some(meta_of(last, names, false))),
        }
    });
    let data = dto::OldChannels { channel_infos: shown.collect() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

fn session(conversation: ConversationId, user: UserId, names: &Names) -> String {
    match conversation {
        ConversationId::Direct(low, _) => names.of(conversation.peer_of(user).unwrap_or(low)),
        ConversationId::Group(group) => group.to_string(),
        ConversationId::Room(room) => room.to_string(),
    }
}

/// A message in a list. The newer lists read `customExts` as an array, the older one as an object.
fn meta_of(message: &Message, names: &Names, exts_array: bool) -> dto::MessageMeta {
    let from = names.of(message.sender);
    let to = session(message.conversation, message.sender, names);
    let (body, ext): (Box<RawValue>, Box<RawValue>) =
        body_and_ext(&message.content, exts_array, MessageFiles::default());
    let edit_msg =
        message.edited_at.map(|at| dto::EditedMeta { count: message.edits, operator: &from, edit_time: at.0 });
    let payload = text_of(&dto::ClientPayload {
        from: &from,
        to: &to,
        kind: chat_type(message.conversation.kind()),
        bodies: [&body],
        ext: &ext,
        meta: edit_msg.map(|edit_msg| dto::BodyMeta { edit_msg }),
    });
    dto::MessageMeta { id: message.msg_id.to_string(), timestamp: message.sent_at.0, from, to, payload }
}

/// A pinned message.
#[derive(Debug)]
pub struct PinnedEntry<'a> {
    /// The message.
    pub message: &'a Message,
    /// Who pinned it.
    pub operator: UserId,
    /// When.
    pub at: UnixMillis,
}

/// A page of pinned messages; `cursor` leads to the next one.
pub fn pinned_messages(
    call: &Call<'_>,
    timing: Timing,
    entries: &[PinnedEntry<'_>],
    names: &Names,
    cursor: String,
) -> Vec<u8> {
    let shown = entries.iter().map(|entry| dto::PinnedMessage {
        message: meta_of(entry.message, names, true),
        pin_opt_at: entry.at.0,
        pin_operator: names.of(entry.operator),
    });
    let data = dto::PinnedMessages { msg_infos: shown.collect(), cursor };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}
