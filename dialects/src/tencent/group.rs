//! The bodies of callbacks about messages to groups and rooms (tencent.md 6).

use tidings_domain::{Content, GroupKind, MsgId, UnixMillis};

use super::{
    dto,
    elements::{cloud_custom_data, element},
    key::MsgKey,
    query::Callback,
};
use crate::json::bytes_of;

/// A message to a group or room.
#[derive(Debug, Clone, Copy)]
pub struct GroupMessage<'a> {
    /// The group's or room's id.
    pub group: i64,
    /// Its kind.
    pub kind: GroupKind,
    /// The sender's account: see [`super::account`].
    pub from: &'a str,
    /// The caller: the sender, or the app that sent in their name.
    pub operator: &'a str,
    /// Its id, the low 32 bits of which are `Random`.
    pub msg_id: MsgId,
    /// Only for those who are online.
    pub online_only: bool,
    /// The content.
    pub content: &'a Content,
    /// When the event was made.
    pub event_time: UnixMillis,
}

/// A mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mention<'a> {
    /// Everybody in the group.
    All,
    /// One user: their account.
    Account(&'a str),
}

/// The body of `Group.CallbackBeforeSendMsg`.
pub fn group_before_send(message: &GroupMessage<'_>) -> Vec<u8> {
    bytes_of(&said(Callback::GroupBeforeSend, message, &[element(&message.content.body)]))
}

/// The body of `Group.CallbackAfterSendMsg`: with the message's number in its group, its commit time, and the mentioned
/// users, which are left out if there are none.
pub fn group_after_send(
    message: &GroupMessage<'_>,
    seq: i64,
    committed: UnixMillis,
    mentions: &[Mention<'_>],
) -> Vec<u8> {
    let key = MsgKey::of(seq, message.msg_id, committed);
    let mentions = mentions.iter().map(|mention| match *mention {
        Mention::All => dto::Mention { all: 1, account: None },
        Mention::Account(account) => dto::Mention { all: 0, account: Some(account) },
    });
    bytes_of(&dto::GroupMessage {
        msg_seq: Some(key.seq),
        msg_time: Some(key.time),
        mentions: mentions.collect(),
        ..said(Callback::GroupAfterSend, message, &[element(&message.content.body)])
    })
}

/// The same for a refused message: with the reason, as in one-to-one callbacks (decision 37). It has no number.
pub fn group_after_refusal(message: &GroupMessage<'_>, committed: UnixMillis, code: i32, info: &str) -> Vec<u8> {
    let key = MsgKey::of(0, message.msg_id, committed);
    bytes_of(&dto::GroupMessage {
        msg_seq: Some(key.seq),
        msg_time: Some(key.time),
        outcome: Some(dto::Outcome { send_msg_result: code, error_info: info, unread_msg_num: -1 }),
        ..said(Callback::GroupAfterSend, message, &[element(&message.content.body)])
    })
}

fn said<'a>(callback: Callback, message: &GroupMessage<'a>, msg_body: &'a [dto::Element<'a>]) -> dto::GroupMessage<'a> {
    dto::GroupMessage {
        callback_command: callback.command(),
        group_id: message.group.to_string(),
        kind: type_of(message.kind),
        from: message.from,
        operator: message.operator,
        random: MsgKey::of(0, message.msg_id, message.event_time).random,
        msg_seq: None,
        msg_time: None,
        online_only_flag: message.online_only.into(),
        outcome: None,
        msg_body,
        cloud_custom_data: cloud_custom_data(message.content),
        event_time: message.event_time.0,
        mentions: Vec::new(),
    }
}

/// Recalled messages of a group or room.
#[derive(Debug, Clone, Copy)]
pub struct GroupRecall<'a> {
    /// The group's or room's id.
    pub group: i64,
    /// Its kind.
    pub kind: GroupKind,
    /// The account of the user who recalled.
    pub operator: &'a str,
    /// The messages' numbers in the group.
    pub seqs: &'a [i64],
    /// The time of the recall.
    pub event_time: UnixMillis,
}

/// The body of `Group.CallbackAfterRecallMsg`.
pub fn group_after_recall(taken: &GroupRecall<'_>) -> Vec<u8> {
    bytes_of(&dto::GroupRecall {
        callback_command: Callback::GroupAfterRecall.command(),
        operator: taken.operator,
        kind: type_of(taken.kind),
        group_id: taken.group.to_string(),
        msg_seq_list: taken.seqs.iter().map(|seq| dto::Seq { msg_seq: *seq as u32 }).collect(),
        event_time: taken.event_time.0,
    })
}

/// The closest of the vendor's kinds: members of a group are permanent, anybody can enter a room.
pub(super) const fn type_of(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Group => "Public",
        GroupKind::Room => "ChatRoom",
    }
}
