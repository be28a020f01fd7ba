//! The JSON texts within MSync packets.

use std::borrow::Cow;

/// `authToken` of a login.
#[derive(serde::Deserialize)]
pub struct LoginToken<'a> {
    #[serde(borrow)]
    pub token: Cow<'a, str>,
}

/// `authToken` of its answer.
#[derive(serde::Serialize)]
pub struct LoginEnd {
    /// A point in time, not a duration.
    pub expires_in: i64,
}

/// The `meta` of an edit, and the notification of its outcome.
#[derive(serde::Serialize)]
pub struct EditNotice<'a> {
    pub edit_msg: EditNoticeMsg<'a>,
}

#[derive(serde::Serialize)]
pub struct EditNoticeMsg<'a> {
    pub count: i32,
    pub operator: &'a str,
    pub edit_time: i64,
    pub sender: &'a str,
    pub send_time: i64,
    /// `chat:user`, `chat:group` or `chat:room`.
    pub chat_type: &'a str,
}

/// A room as a user enters it, by that user's name.
#[derive(serde::Serialize)]
pub struct RoomEntry {
    pub is_all_mute: bool,
    pub create_timestamp: i64,
    pub is_in_white_list: bool,
    pub member_count: i32,
}

/// The key of the app's own text with a recall.
pub const RECALL_INFO: &str = "recallMessageExtensionInfo";

/// The document by which clients find the hosts of an app.
#[derive(serde::Serialize)]
pub struct ServerConfig<'a> {
    pub file_version: &'a str,
    pub app_key: &'a str,
    pub rest: Hosts<'a>,
    #[serde(rename = "msync-wx")]
    pub web: Hosts<'a>,
    #[serde(rename = "msync-ws")]
    pub web_sockets: Hosts<'a>,
    /// Whether files are uploaded in parts: a text.
    pub uploadinparts_enable: &'a str,
}

#[derive(serde::Serialize)]
pub struct Hosts<'a> {
    pub hosts: Vec<Host<'a>>,
}

#[derive(serde::Serialize)]
pub struct Host<'a> {
    pub protocol: &'a str,
    pub domain: &'a str,
    pub ip: &'a str,
    pub port: u16,
}

/// Which of SockJS's transports there are.
#[derive(serde::Serialize)]
pub struct SockJsInfo {
    pub websocket: bool,
    pub origins: [&'static str; 1],
    pub cookie_needed: bool,
    pub entropy: u32,
}

/// A notification of users' presence.
#[derive(serde::Serialize)]
pub struct PresenceNotice<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub data: PresenceNoticeData<'a>,
}

#[derive(serde::Serialize)]
pub struct PresenceNoticeData<'a> {
    pub values: [super::Presence<'a>; 1],
}
