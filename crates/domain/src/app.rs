//! The tenant and its policy.

use crate::{AppId, Policy, UnixMillis};

/// A tenant: one row with three names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Our number for it.
    pub id: AppId,
    /// Agora: organization.
    pub org: String,
    /// Agora: application.
    pub name: String,
    /// Agora: application UUID.
    pub uuid: String,
    /// Lanying: `app_id`.
    pub lanying_app_id: String,
    /// Tencent: `SdkAppid`.
    pub sdk_appid: i64,
    /// A disabled app refuses every public call.
    pub enabled: bool,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Its policy.
    pub policy: Policy,
    /// The version of its [`crate::Screening`]; 0: nothing is screened.
    pub screening: i64,
    /// The version of its users: another one after every deletion, disabling, enabling and muting of a user.
    pub users_version: i64,
}

impl App {
    /// Acme's lobby, for tests.
    #[doc(hidden)]
    pub fn example() -> Self {
        Self {
            id: AppId(1),
            org: "acme".to_owned(),
            name: "lobby".to_owned(),
            uuid: "3f1c2a90".to_owned(),
            lanying_app_id: "welovemaxim".to_owned(),
            sdk_appid: 1_400_000_000,
            enabled: true,
            created_at: UnixMillis(0),
            policy: Policy::default(),
            screening: 0,
            users_version: 0,
        }
    }
}

/// First path segments of the Lanying dialect, whose paths name no organization.
pub const LANYING_SEGMENTS: [&str; 8] = ["user", "token", "message", "group", "roster", "file", "conversation", "ai"];
/// First path segments of our own routes.
pub const OWN_SEGMENTS: [&str; 6] = ["livez", "readyz", "metrics", "websocket", "ws", "easemob"];

/// Whether a first path segment belongs to other routes, so that no organization may have that name (decision 10).
pub fn is_reserved_org(segment: &str) -> bool {
    LANYING_SEGMENTS.contains(&segment) || OWN_SEGMENTS.contains(&segment)
}
