//! The callback for a device that connected or disconnected (agora.md 11.3).

use tidings_domain::{App, SessionEnd, UnixMillis};

use super::{callback::security, dto};
use crate::json::bytes_of;

/// A device that connected or disconnected.
#[derive(Debug, Clone, Copy)]
pub struct StatusCallback<'a> {
    /// The app.
    pub app: &'a App,
    /// The secret of the callback's rule.
    pub secret: &'a str,
    /// When.
    pub timestamp: UnixMillis,
    /// The callback's id.
    pub id: &'a str,
    /// The sending server.
    pub host: &'a str,
    /// The user: the folded name or the id.
    pub user: &'a str,
    /// The device's name.
    pub resource: &'a str,
    /// The kind of the device.
    pub platform: &'a str,
    /// The client's address; may be empty.
    pub address: &'a str,
    /// How the connection ended; `None`: it began.
    pub ended: Option<SessionEnd>,
}

/// The body of the callback.
pub fn status_callback(callback: &StatusCallback<'_>) -> Vec<u8> {
    let appkey = format!("{}#{}", callback.app.org, callback.app.name);
    let call_id = format!("{appkey}_{}", callback.id);
    let reason = match callback.ended {
        None => "login",
        Some(SessionEnd::Replaced) => "replaced",
        Some(SessionEnd::LoggedOut | SessionEnd::Closed | SessionEnd::TimedOut | SessionEnd::Kicked) => "logout",
    };
    bytes_of(&dto::StatusCallback {
        call_id: &call_id,
        reason,
        status: if callback.ended.is_none() { "online" } else { "offline" },
        user: format!("{appkey}_{}@easemob.com/{}", callback.user, callback.resource),
        os: callback.platform,
        ip: callback.address,
        host: callback.host,
        appkey: &appkey,
        // Clients do not say theirs.
        version: "",
        timestamp: callback.timestamp.0,
        security: security(&call_id, callback.secret, callback.timestamp),
    })
}
