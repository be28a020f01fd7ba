//! Reactions (agora.md 10.5). Their answers have an envelope of their own.

use serde::{Deserialize, Serialize};

use crate::json::Label;

/// The vendor's table has `msg_Id`, its examples `msgId`.
#[derive(Deserialize)]
pub struct React<'a> {
    #[serde(borrow, rename = "msgId")]
    pub msg_id: Option<Label<'a>>,
    #[serde(borrow, rename = "msg_Id")]
    pub msg_id_of_table: Option<Label<'a>>,
    pub message: Option<String>,
}

#[derive(Serialize)]
pub struct Answer<D: Serialize> {
    #[serde(rename = "requestStatusCode")]
    pub status: &'static str,
    pub timestamp: i64,
    pub data: D,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reacted<'a> {
    pub id: String,
    pub msg_id: String,
    pub msg_type: &'static str,
    /// `null` in one-to-one conversations.
    pub group_id: Option<String>,
    pub reaction: &'a str,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReactedMessage<'a> {
    pub msg_id: String,
    pub reaction_list: Vec<Reaction<'a>>,
}

/// The number is `count` to some clients and `userCount` to others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reaction<'a> {
    pub reaction_id: String,
    pub reaction: &'a str,
    pub count: i64,
    pub user_count: i64,
    pub state: bool,
    pub user_list: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReactionDetail<'a> {
    #[serde(flatten)]
    pub reaction: Reaction<'a>,
    /// The users of `userList`, with times, for the newest clients.
    pub reaction_user_list: Vec<Reactor<'a>>,
    /// `null` on the last page.
    pub cursor: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reactor<'a> {
    pub user_id: &'a str,
    pub created_at: String,
}

/// In the event feed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventReaction<'a> {
    pub reaction_id: String,
    pub reaction: &'a str,
    pub count: i64,
}
