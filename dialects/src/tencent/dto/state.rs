//! The callback on the state of a user.

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateChange<'a> {
    pub callback_command: &'static str,
    pub event_time: i64,
    pub info: StateInfo<'a>,
    #[serde(rename = "KickedDevice", skip_serializing_if = "Vec::is_empty")]
    pub kicked: Vec<Kicked<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateInfo<'a> {
    pub action: &'static str,
    #[serde(rename = "To_Account")]
    pub account: &'a str,
    pub reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Kicked<'a> {
    pub platform: &'a str,
}
