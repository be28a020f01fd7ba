//! The bodies of callbacks about contacts and block lists (tencent.md 6).

use super::{dto, query::Callback};
use crate::json::bytes_of;

/// Each of two users is a contact of the other.
#[derive(Debug, Clone, Copy)]
pub struct FriendAdded<'a> {
    /// Who added the other one, or accepted their request.
    pub account: &'a str,
    /// The other one.
    pub friend: &'a str,
    /// Whether it is the answer to a request.
    pub accepted: bool,
    /// The account of the app itself, if it made the call.
    pub admin: Option<&'a str>,
}

/// The body of `Sns.CallbackFriendAdd`.
pub fn friend_add(added: &FriendAdded<'_>) -> Vec<u8> {
    let FriendAdded { account, friend, accepted, admin } = *added;
    let initiator = if accepted { friend } else { account };
    let pair = |from, to| dto::FriendPair { from, to, initiator: Some(initiator) };
    bytes_of(&dto::FriendAdd {
        callback_command: Callback::FriendAdd.command(),
        pair_list: [pair(account, friend), pair(friend, account)],
        client_cmd: if accepted { "friend_response" } else { "friend_add" },
        admin_account: admin.unwrap_or_default(),
        // The app makes users contacts without asking them.
        force_flag: i32::from(admin.is_some()),
    })
}

/// The body of `Sns.CallbackFriendDelete`: neither is a contact of the other any more.
pub fn friend_delete(account: &str, friend: &str) -> Vec<u8> {
    let pair = |from, to| dto::FriendPair { from, to, initiator: None };
    bytes_of(&dto::Pairs {
        callback_command: Callback::FriendDelete.command(),
        pair_list: vec![pair(account, friend), pair(friend, account)],
    })
}

/// The body of `Sns.CallbackBlackListAdd`, or of `Sns.CallbackBlackListDelete`.
pub fn black_list(account: &str, blocked: &str, is_added: bool) -> (Callback, Vec<u8>) {
    let callback = if is_added { Callback::BlackListAdd } else { Callback::BlackListDelete };
    let pair = dto::FriendPair { from: account, to: blocked, initiator: None };
    (callback, bytes_of(&dto::Pairs { callback_command: callback.command(), pair_list: vec![pair] }))
}
