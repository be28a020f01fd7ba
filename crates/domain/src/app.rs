//! The tenant and what it allows.

use std::time::Duration;

use crate::{AppId, Error, UnixMillis};

/// A tenant: one row that answers to three names.
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
    /// When it was made.
    pub created_at: UnixMillis,
    /// What it allows.
    pub policy: Policy,
}

/// Limits and choices of one app. The meaning of each is in `directory.proto`, message `Policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Bytes of body and ext together (decision 13).
    pub max_content_bytes: usize,
    /// Bytes of ext (decision 13).
    pub max_ext_bytes: usize,
    /// Targets of one send (agora.md 2).
    pub max_recipients: usize,
    /// Whether unregistered names are taken (decision 9).
    pub accept_unknown_names: bool,
    /// Whether users may register themselves without a token in the Agora dialect (agora.md 8.2).
    pub open_registration: bool,
    /// The same in the Lanying dialect, whose vendor lets everybody (lanying.md 10).
    pub lanying_open_registration: bool,
    /// How long a `transaction_id` holds (decision 23).
    pub transaction_window: Duration,
    /// How long old secrets stay good after a rotation (decision 4).
    pub rotation_overlap: Duration,
    /// Whether user tokens may send in the Agora dialect (decision 18).
    pub user_tokens_may_send: bool,
    /// Whether messages to unknown groups and rooms are taken (decision 9).
    pub accept_unknown_groups: bool,
    /// How long a user may recall in the Lanying dialect (decision 27); zero is without limit.
    pub lanying_recall_window: Duration,
    /// The same in the Agora dialect (decision 16).
    pub agora_recall_window: Duration,
    /// Whose answers the Lanying dialect gives (decision 24).
    pub lanying_shape: LanyingShape,
}

/// An edition of the Lanying dialect (decision 24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LanyingShape {
    /// With the `set_` flags that the older documents list.
    Of2021,
    /// Without them.
    Of2026,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_content_bytes: 5120,
            max_ext_bytes: 3072,
            max_recipients: 600,
            accept_unknown_names: true,
            open_registration: false,
            lanying_open_registration: true,
            transaction_window: Duration::from_mins(10),
            rotation_overlap: Duration::from_hours(24),
            user_tokens_may_send: false,
            accept_unknown_groups: false,
            lanying_recall_window: Duration::from_mins(5),
            agora_recall_window: Duration::from_mins(2),
            lanying_shape: LanyingShape::Of2026,
        }
    }
}

/// Single policy values to set; `None` leaves a value as it is. Durations are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// See [`Policy::max_content_bytes`].
    pub max_content_bytes: Option<i64>,
    /// See [`Policy::max_ext_bytes`].
    pub max_ext_bytes: Option<i64>,
    /// See [`Policy::max_recipients`].
    pub max_recipients: Option<i64>,
    /// See [`Policy::accept_unknown_names`].
    pub accept_unknown_names: Option<bool>,
    /// See [`Policy::open_registration`].
    pub open_registration: Option<bool>,
    /// See [`Policy::lanying_open_registration`].
    pub lanying_open_registration: Option<bool>,
    /// See [`Policy::transaction_window`].
    pub transaction_window_ms: Option<i64>,
    /// See [`Policy::rotation_overlap`].
    pub rotation_overlap_ms: Option<i64>,
    /// See [`Policy::user_tokens_may_send`].
    pub user_tokens_may_send: Option<bool>,
    /// See [`Policy::accept_unknown_groups`].
    pub accept_unknown_groups: Option<bool>,
    /// See [`Policy::lanying_recall_window`].
    pub lanying_recall_window_ms: Option<i64>,
    /// See [`Policy::agora_recall_window`].
    pub agora_recall_window_ms: Option<i64>,
    /// See [`Policy::lanying_shape`]: 2021 or 2026.
    pub lanying_shape: Option<i64>,
}

impl Policy {
    /// The policy with the changes made, or the first value that is out of its range.
    pub fn changed(mut self, change: &PolicyChange) -> Result<Self, Error> {
        if let Some(value) = change.max_content_bytes {
            self.max_content_bytes = within("max_content_bytes", value, 1024, 1_048_576)? as usize;
        }
        if let Some(value) = change.max_ext_bytes {
            self.max_ext_bytes = within("max_ext_bytes", value, 256, 1_048_576)? as usize;
        }
        if let Some(value) = change.max_recipients {
            self.max_recipients = within("max_recipients", value, 1, 600)? as usize;
        }
        if let Some(value) = change.transaction_window_ms {
            let millis = within("transaction_window_ms", value, 300_000, 604_800_000)?;
            self.transaction_window = Duration::from_millis(millis as u64);
        }
        if let Some(value) = change.rotation_overlap_ms {
            let millis = within("rotation_overlap_ms", value, 0, 2_592_000_000)?;
            self.rotation_overlap = Duration::from_millis(millis as u64);
        }
        if let Some(value) = change.lanying_recall_window_ms {
            self.lanying_recall_window = recall_window("lanying_recall_window_ms", value)?;
        }
        if let Some(value) = change.agora_recall_window_ms {
            self.agora_recall_window = recall_window("agora_recall_window_ms", value)?;
        }
        if let Some(value) = change.lanying_shape {
            self.lanying_shape = match value {
                2021 => LanyingShape::Of2021,
                2026 => LanyingShape::Of2026,
                _ => return Err(Error::invalid("lanying_shape", "must be 2021 or 2026")),
            };
        }
        self.accept_unknown_groups = change.accept_unknown_groups.unwrap_or(self.accept_unknown_groups);
        self.accept_unknown_names = change.accept_unknown_names.unwrap_or(self.accept_unknown_names);
        self.open_registration = change.open_registration.unwrap_or(self.open_registration);
        self.lanying_open_registration = change.lanying_open_registration.unwrap_or(self.lanying_open_registration);
        self.user_tokens_may_send = change.user_tokens_may_send.unwrap_or(self.user_tokens_may_send);
        Ok(self)
    }
}

fn recall_window(field: &str, value: i64) -> Result<Duration, Error> {
    Ok(Duration::from_millis(within(field, value, 0, 604_800_000)? as u64))
}

fn within(field: &str, value: i64, least: i64, most: i64) -> Result<i64, Error> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Error::invalid(field, format!("must be from {least} to {most}")))
}
