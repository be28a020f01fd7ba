//! Recalls (agora.md 5).

use serde::{Deserialize, Serialize};

use crate::{
    flag::Flag,
    json::{Label, Objects},
};

/// agora.md 5
#[derive(Deserialize)]
pub struct Recall<'a> {
    #[serde(borrow)]
    pub msg_id: Option<Label<'a>>,
    #[serde(borrow)]
    pub to: Option<Label<'a>>,
    pub chat_type: Option<String>,
    #[serde(borrow)]
    pub from: Option<Label<'a>>,
    pub force: Option<Flag>,
    pub sync_device: Option<Flag>,
    #[serde(rename = "recallMessageExtensionInfo")]
    pub info: Option<String>,
}

#[derive(Deserialize)]
pub struct Recalls<'a> {
    #[serde(borrow, default)]
    pub msgs: Objects<Recall<'a>>,
    #[serde(rename = "recallMessageExtensionInfo")]
    pub info: Option<String>,
}

/// `chattype`, unlike `chat_type` in the request.
#[derive(Serialize)]
pub struct Recalled<'a> {
    pub recalled: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chattype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'a str>,
    pub msg_id: &'a str,
}

#[derive(Serialize)]
pub struct RecallWords<'a> {
    pub msgs: Vec<RecallWord<'a>>,
}

#[derive(Serialize)]
pub struct RecallWord<'a> {
    pub msg_id: &'a str,
    pub recalled: &'a str,
}
