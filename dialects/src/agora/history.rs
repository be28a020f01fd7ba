//! Calls that the vendor lacks: histories, conversation lists and read receipts for app servers.
//!
//! In the vendor's style: the envelope, `limit` and `cursor` of its lists, `channel` and `type` of its call that
//! deletes a conversation, and the record of its export.

use serde_json::value::RawValue;
use tidings_domain::{ConversationId, ConversationKind, GroupId, Marks, Message, MsgId, Status, UserId, Username};

use super::{
    Call, Names, Peer, Refusal, Timing,
    channel::value,
    draft::group_id,
    dto,
    recall::chat_type,
    record::{RecordExtras, record_with},
    refusal::decode,
};
use crate::json::{Label, bytes_of};

/// The default page size.
const DEFAULT_LIMIT: i32 = 20;
/// The maximum page size.
const MAX_LIMIT: i32 = 100;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// 1 to 100.
    pub limit: i32,
    /// The start according to the previous page; zero is the newest.
    pub cursor: MsgId,
    /// Both as in the request, for the answer.
    pub written: (Option<String>, Option<String>),
}

/// Parses `limit` and `cursor`.
pub fn list_query(query: &str) -> Result<ListQuery, Refusal> {
    let (limit, cursor) = (value(query, "limit"), value(query, "cursor"));
    let wrong = |name: &str| Refusal::illegal_argument(format!("{name} must be a number"));
    let number = match &limit {
        None => DEFAULT_LIMIT,
        Some(text) => text.parse().map_err(|_| wrong("limit"))?,
    };
    let from = match &cursor {
        None => MsgId::ZERO,
        Some(text) => text.parse().map(MsgId).map_err(|_| wrong("cursor"))?,
    };
    Ok(ListQuery { limit: number.clamp(1, MAX_LIMIT), cursor: from, written: (limit, cursor) })
}

/// A page of one of a user's conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The other party.
    pub peer: Peer,
    /// The page.
    pub list: ListQuery,
}

/// Parses `channel`, `type`, `limit` and `cursor`.
pub fn history_query(query: &str) -> Result<HistoryQuery, Refusal> {
    Ok(HistoryQuery { peer: peer_query(query)?, list: list_query(query)? })
}

/// Parses `channel` and `type`.
pub fn peer_query(query: &str) -> Result<Peer, Refusal> {
    peer(value(query, "channel").as_deref(), value(query, "type").as_deref())
}

/// The other party of a conversation, by `channel` and `type`.
fn peer(channel: Option<&str>, kind: Option<&str>) -> Result<Peer, Refusal> {
    let Some(channel) = channel.filter(|channel| !channel.is_empty()) else {
        return Err(Refusal::illegal_argument("field channel cannot be null or empty"));
    };
    match kind {
        None | Some("") => Err(Refusal::illegal_argument("field type cannot be null or empty")),
        Some("chat") => Ok(Peer::User(Username::parse(channel)?)),
        Some("groupchat") => Ok(Peer::Group(group_id(channel)?)),
        Some("chatroom") => Ok(Peer::Room(group_id(channel)?)),
        Some(_) => Err(Refusal::illegal_argument("field type can only be chat, groupchat or chatroom")),
    }
}

/// A page as seen by a viewer.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Newest first.
    pub messages: &'a [Message],
    /// The users' names.
    pub names: &'a Names,
    /// The viewing user, with their own marks and the peer's; `None` is the app.
    pub reader: Option<(UserId, Marks, Marks)>,
    /// The format of `customExts` (agora.md 14).
    pub exts_array: bool,
}

impl Seen<'_> {
    /// In a direct conversation the receiver's mark decides, in a group the reader's own (decision 5).
    fn status(&self, message: &Message) -> Option<&'static str> {
        let (reader, own, peer) = self.reader?;
        let is_direct = message.conversation.kind() == ConversationKind::Direct;
        let status = match (is_direct, message.sender == reader) {
            (true, true) => peer.status_of(message.msg_id),
            (false, true) => Status::Read,
            (_, false) => own.status_of(message.msg_id),
        };
        Some(match status {
            Status::Unread => "unread",
            Status::Delivered => "delivered",
            Status::Read => "read",
        })
    }

    fn shown(&self, message: &Message) -> Box<RawValue> {
        let extras = RecordExtras {
            reader: self.reader.map(|(reader, ..)| reader),
            status: self.status(message),
            edited: message.edited_at.map(|at| at.0),
        };
        let json = record_with(message, self.names, self.exts_array, extras);
        RawValue::from_string(json).expect("a record is JSON of our own writing")
    }
}

/// A page of a history, newest first; `next` leads to what is older.
pub fn history(call: &Call<'_>, timing: Timing, query: &ListQuery, seen: &Seen<'_>, next: MsgId) -> Vec<u8> {
    let data: Vec<_> = seen.messages.iter().map(|message| seen.shown(message)).collect();
    page(call, timing, query, data, next)
}

fn page<D: serde::Serialize>(call: &Call<'_>, timing: Timing, query: &ListQuery, data: Vec<D>, next: MsgId) -> Vec<u8> {
    let (limit, cursor) = (query.written.0.as_deref(), query.written.1.as_deref());
    let next = (next != MsgId::ZERO).then(|| next.to_string());
    bytes_of(&dto::Envelope {
        params: Some(dto::Params {
            limit: limit.map(|limit| [limit]),
            cursor: cursor.map(|cursor| [cursor]),
            ..Default::default()
        }),
        count: Some(data.len()),
        data: Some(data),
        cursor: next.as_deref(),
        ..call.envelope(timing)
    })
}

/// A conversation in a user's list.
#[derive(Debug)]
pub struct Channel<'a> {
    /// The conversation.
    pub conversation: ConversationId,
    /// The unread count.
    pub unread: i64,
    /// The newest message.
    pub head: MsgId,
    /// The same, if it is still visible to the user.
    pub last: Option<&'a Message>,
}

/// A user's conversations, newest activity first.
pub fn channels(
    call: &Call<'_>,
    timing: Timing,
    query: &ListQuery,
    (user, listed): (UserId, &[Channel<'_>]),
    (names, exts_array): (&Names, bool),
    next: MsgId,
) -> Vec<u8> {
    let shown = listed.iter().map(|entry| {
        let other = match entry.conversation {
            ConversationId::Direct(low, _) => names.of(entry.conversation.peer_of(user).unwrap_or(low)),
            ConversationId::Group(GroupId(id)) => id.to_string(),
            ConversationId::Room(room) => room.to_string(),
        };
        (other, entry)
    });
    let shown: Vec<_> = shown.collect();
    let seen = |message: &Message| {
        let extras =
            RecordExtras { reader: Some(user), edited: message.edited_at.map(|at| at.0), ..RecordExtras::default() };
        RawValue::from_string(record_with(message, names, exts_array, extras))
            .expect("a record is JSON of our own writing")
    };
    let data: Vec<_> = shown
        .iter()
        .map(|(other, entry)| dto::Channel {
            channel: other,
            kind: chat_type(entry.conversation.kind()),
            unread_num: entry.unread,
            // Removed messages are not named.
            last_msg_id: entry.last.map(|last| last.msg_id.to_string()),
            last_message: entry.last.map(seen),
        })
        .collect();
    page(call, timing, query, data, next)
}

/// A read receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAck {
    /// The other party.
    pub peer: Peer,
    /// `None` is the newest message.
    pub msg_id: Option<MsgId>,
}

/// Parses the body of a read receipt.
pub fn read_ack_request(body: &[u8]) -> Result<ReadAck, Refusal> {
    let dto: dto::ReadAck<'_> = decode(body)?;
    let peer = peer(Label::given(dto.channel.as_ref()), dto.kind.as_deref())?;
    let msg_id = Label::given(dto.msg_id.as_ref()).map(|id| id.parse().map(MsgId));
    let msg_id = msg_id.transpose().map_err(|_| Refusal::illegal_argument("msg_id must be a number"))?;
    Ok(ReadAck { peer, msg_id })
}

/// The answer to a read receipt: the mark after it.
pub fn read_up_to(call: &Call<'_>, timing: Timing, msg_id: MsgId) -> Vec<u8> {
    let data = dto::ReadUpTo { result: "ok", msg_id: msg_id.to_string() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}
