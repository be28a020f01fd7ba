//! Messages that are sent, broadcast, imported and edited (agora.md 2, 7, 10.6).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::present;
use crate::{
    flag::Flag,
    json::{Label, OneOrMany},
    number::{Integer, or_blank},
};

/// agora.md 2.1, with `msg` of 2.5.
#[derive(Deserialize)]
pub struct Send<'a> {
    #[serde(borrow)]
    pub from: Option<Label<'a>>,
    #[serde(borrow)]
    pub to: Option<OneOrMany<'a>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(borrow)]
    pub body: Option<&'a RawValue>,
    #[serde(borrow)]
    pub msg: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub ext: Option<&'a RawValue>,
    pub sync_device: Option<Flag>,
    pub routetype: Option<String>,
    pub need_group_ack: Option<Flag>,
    pub chatroom_msg_level: Option<String>,
    #[serde(borrow)]
    pub roam_ignore_users: Option<OneOrMany<'a>>,
    /// agora.md 2.6
    #[serde(borrow)]
    pub users: Option<OneOrMany<'a>>,
}

/// The only meaningful value of `routetype`.
pub const ROUTE_ONLINE: &str = "ROUTE_ONLINE";

/// agora.md 2.5: the target is in the body, and `to` is called `target`.
#[derive(Deserialize)]
pub struct LegacySend<'a> {
    pub target_type: Option<String>,
    #[serde(borrow)]
    pub target: Option<OneOrMany<'a>>,
}

/// agora.md 2.7
#[derive(Deserialize)]
pub struct Broadcast<'a> {
    pub target_type: Option<String>,
    #[serde(borrow)]
    pub from: Option<Label<'a>>,
    #[serde(borrow)]
    pub msg: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub ext: Option<&'a RawValue>,
    pub chatroom_msg_level: Option<String>,
}

#[derive(Serialize)]
pub struct BroadcastId {
    pub id: i64,
}

/// agora.md 7
#[derive(Deserialize)]
pub struct Import<'a> {
    #[serde(borrow)]
    pub target: Option<Label<'a>>,
    pub is_ack_read: Option<Flag>,
    #[serde(default, deserialize_with = "or_blank")]
    pub msg_timestamp: Option<Integer>,
    pub need_download: Option<Flag>,
}

#[derive(Serialize)]
pub struct Imported {
    pub msg_id: String,
}

/// agora.md 10.6
#[derive(Deserialize)]
pub struct Rewrite<'a> {
    #[serde(borrow)]
    pub user: Option<Label<'a>>,
    #[serde(borrow)]
    pub new_msg: Option<&'a RawValue>,
    #[serde(borrow)]
    pub new_ext: Option<&'a RawValue>,
    pub is_combine_ext: Option<Flag>,
}
