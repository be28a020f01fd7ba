//! The bodies of callbacks about one-to-one messages (tencent.md 4, 6).
//!
//! Receivers in Java parse most numbers as signed 32-bit integers: what does not fit is written as the largest that
//! does.

use tidings_domain::{Content, UnixMillis};

use super::{
    dto,
    elements::{cloud_custom_data, element},
    key::{MsgKey, seconds},
    query::Callback,
};
use crate::json::bytes_of;

/// `ErrorInfo` of a message that was delivered (tencent.md 4).
const DELIVERED: &str = "send msg succeed";

/// A one-to-one message.
#[derive(Debug, Clone, Copy)]
pub struct Direct<'a> {
    /// The sender's account: see [`super::account`].
    pub from: &'a str,
    /// The receiver's account.
    pub to: &'a str,
    /// Its sequence number, random and time.
    pub key: MsgKey,
    /// Only for those who are online.
    pub online_only: bool,
    /// The content.
    pub content: &'a Content,
    /// When the event was made. `None` leaves the key out, as the vendor's example does.
    pub event_time: Option<UnixMillis>,
}

/// The outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Delivered.
    Delivered {
        /// The receiver's total unread count over all of their one-to-one conversations.
        unread: i64,
    },
    /// Not delivered; unread counts are not reported then (decision 32).
    Failed {
        /// 80001 for the word filter, 20006 for a refusal by callback, ... (tencent.md 4)
        code: i32,
        /// The reason as text.
        info: &'a str,
    },
}

/// The body of `C2C.CallbackBeforeSendMsg`: as after the sending, without its outcome (tencent.md 6).
pub fn before_send(message: &Direct<'_>) -> Vec<u8> {
    direct(Callback::C2cBeforeSend, message, None)
}

/// The body of `C2C.CallbackAfterSendMsg` (tencent.md 4).
pub fn after_send(message: &Direct<'_>, outcome: Outcome<'_>) -> Vec<u8> {
    let outcome = match outcome {
        Outcome::Delivered { unread } => {
            dto::Outcome { send_msg_result: 0, error_info: DELIVERED, unread_msg_num: count(unread) }
        }
        Outcome::Failed { code, info } => dto::Outcome { send_msg_result: code, error_info: info, unread_msg_num: -1 },
    };
    direct(Callback::C2cAfterSend, message, Some(outcome))
}

fn direct(callback: Callback, message: &Direct<'_>, outcome: Option<dto::Outcome<'_>>) -> Vec<u8> {
    bytes_of(&dto::Direct {
        callback_command: callback.command(),
        from: message.from,
        to: message.to,
        msg_seq: message.key.seq,
        msg_random: message.key.random,
        msg_time: message.key.time,
        msg_key: message.key.to_string(),
        online_only_flag: message.online_only.into(),
        outcome,
        msg_body: &[element(&message.content.body)],
        cloud_custom_data: cloud_custom_data(message.content),
        event_time: message.event_time.map(|time| time.0),
    })
}

/// A one-to-one conversation that was read.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// The reader's account.
    pub reader: &'a str,
    /// The sender's account.
    pub peer: &'a str,
    /// Everything up to this time is read.
    pub up_to: UnixMillis,
    /// The reader's remaining total unread count over all of their one-to-one conversations.
    pub unread: i64,
    /// The time of reading.
    pub event_time: UnixMillis,
}

/// The body of `C2C.CallbackAfterMsgReport` (tencent.md 6).
pub fn after_read(read: &Read<'_>) -> Vec<u8> {
    bytes_of(&dto::Read {
        callback_command: Callback::C2cAfterRead.command(),
        reader: read.reader,
        peer: read.peer,
        last_read_time: seconds(read.up_to),
        unread_msg_num: count(read.unread),
        event_time: read.event_time.0,
    })
}

/// A one-to-one message that was recalled.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawn<'a> {
    /// The sender's account.
    pub from: &'a str,
    /// The receiver's account.
    pub to: &'a str,
    /// The message's key.
    pub key: MsgKey,
    /// The receiver's total unread count over all of their one-to-one conversations.
    pub unread: i64,
    /// When it was recalled.
    pub event_time: UnixMillis,
}

/// The body of `C2C.CallbackAfterMsgWithDraw` (tencent.md 6).
pub fn after_withdraw(withdrawn: &Withdrawn<'_>) -> Vec<u8> {
    bytes_of(&dto::Withdrawn {
        callback_command: Callback::C2cAfterWithdraw.command(),
        from: withdrawn.from,
        to: withdrawn.to,
        msg_key: withdrawn.key.to_string(),
        unread_msg_num: count(withdrawn.unread),
        event_time: withdrawn.event_time.0,
    })
}

fn count(unread: i64) -> i32 {
    i32::try_from(unread.max(0)).unwrap_or(i32::MAX)
}
