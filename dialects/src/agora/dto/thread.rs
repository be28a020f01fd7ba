//! Threads (agora.md 10.5).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::{Label, OneOrMany};

/// The newest clients write `msgId`.
#[derive(Deserialize)]
pub struct ThreadIn<'a> {
    #[serde(borrow)]
    pub group_id: Option<Label<'a>>,
    #[serde(borrow)]
    pub msg_id: Option<Label<'a>>,
    #[serde(borrow, rename = "msgId")]
    pub msg_id_of_client: Option<Label<'a>>,
    pub name: Option<String>,
    #[serde(borrow)]
    pub owner: Option<Label<'a>>,
}

#[derive(Deserialize)]
pub struct ThreadIds<'a> {
    #[serde(borrow, rename = "threadIds")]
    pub thread_ids: Option<OneOrMany<'a>>,
}

/// The newest clients read `threadId`.
#[derive(Serialize)]
pub struct ThreadId {
    pub thread_id: String,
    #[serde(rename = "threadId")]
    pub thread_id_of_client: String,
}

#[derive(Serialize)]
pub struct Thread<'a> {
    pub id: String,
    pub name: &'a str,
    pub owner: String,
    #[serde(rename = "msgId")]
    pub msg_id: String,
    #[serde(rename = "groupId")]
    pub group_id: String,
    pub created: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affiliations_count: Option<i32>,
}

#[derive(Serialize)]
pub struct ThreadName<'a> {
    pub name: &'a str,
}

#[derive(Serialize)]
pub struct ThreadStatus<'a> {
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Thread<'a>>,
}

#[derive(Serialize)]
pub struct Affiliations<'a> {
    pub affiliations: &'a [String],
}

#[derive(Serialize)]
pub struct ThreadResult {
    pub result: bool,
}

/// Whether a user was removed.
#[derive(Serialize)]
pub struct ThreadMember<'a> {
    pub result: bool,
    pub user: &'a str,
}

#[derive(Serialize)]
pub struct ThreadMessage {
    pub thread_id: String,
    /// An object without keys if there is none.
    pub last_message: Box<RawValue>,
}

/// `id` beside `msg_id` of a record.
#[derive(Serialize)]
pub struct LastMessage<'a> {
    pub id: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub timestamp: i64,
    pub payload: &'a RawValue,
}

/// What of a record a last message shows.
#[derive(Deserialize)]
pub struct RecordOut<'a> {
    #[serde(borrow)]
    pub msg_id: Cow<'a, str>,
    pub timestamp: i64,
    #[serde(borrow)]
    pub from: Cow<'a, str>,
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    #[serde(borrow)]
    pub payload: &'a RawValue,
}
