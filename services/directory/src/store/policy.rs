//! Policies as JSON text: only what was set is kept, so that a new default reaches every app that left it alone.

use serde::{Deserialize, Serialize};
use tidings_domain::{Error, Policy, PolicyChange};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_content_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ext_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_recipients: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_unknown_names: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_registration: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lanying_open_registration: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_window_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_overlap_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_tokens_may_send: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_unknown_groups: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lanying_recall_window_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agora_recall_window_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lanying_shape: Option<i64>,
}

/// Nothing set.
pub(super) const EMPTY: &str = "{}";

/// What the stored text sets.
pub(super) fn read(text: &str) -> Result<PolicyChange, Error> {
    let stored: Stored = serde_json::from_str(text).map_err(Error::internal)?;
    Ok(PolicyChange {
        max_content_bytes: stored.max_content_bytes,
        max_ext_bytes: stored.max_ext_bytes,
        max_recipients: stored.max_recipients,
        accept_unknown_names: stored.accept_unknown_names,
        open_registration: stored.open_registration,
        lanying_open_registration: stored.lanying_open_registration,
        transaction_window_ms: stored.transaction_window_ms,
        rotation_overlap_ms: stored.rotation_overlap_ms,
        user_tokens_may_send: stored.user_tokens_may_send,
        accept_unknown_groups: stored.accept_unknown_groups,
        lanying_recall_window_ms: stored.lanying_recall_window_ms,
        agora_recall_window_ms: stored.agora_recall_window_ms,
        lanying_shape: stored.lanying_shape,
    })
}

/// The policy that the stored text makes of the defaults.
pub(super) fn effective(text: &str) -> Result<Policy, Error> {
    Policy::default().changed(&read(text)?).map_err(Error::internal)
}

/// The stored text with `change` on top.
pub(super) fn merged(text: &str, change: &PolicyChange) -> Result<String, Error> {
    let before = read(text)?;
    let stored = Stored {
        max_content_bytes: change.max_content_bytes.or(before.max_content_bytes),
        max_ext_bytes: change.max_ext_bytes.or(before.max_ext_bytes),
        max_recipients: change.max_recipients.or(before.max_recipients),
        accept_unknown_names: change.accept_unknown_names.or(before.accept_unknown_names),
        open_registration: change.open_registration.or(before.open_registration),
        lanying_open_registration: change.lanying_open_registration.or(before.lanying_open_registration),
        transaction_window_ms: change.transaction_window_ms.or(before.transaction_window_ms),
        rotation_overlap_ms: change.rotation_overlap_ms.or(before.rotation_overlap_ms),
        user_tokens_may_send: change.user_tokens_may_send.or(before.user_tokens_may_send),
        accept_unknown_groups: change.accept_unknown_groups.or(before.accept_unknown_groups),
        lanying_recall_window_ms: change.lanying_recall_window_ms.or(before.lanying_recall_window_ms),
        agora_recall_window_ms: change.agora_recall_window_ms.or(before.agora_recall_window_ms),
        lanying_shape: change.lanying_shape.or(before.lanying_shape),
    };
    serde_json::to_string(&stored).map_err(Error::internal)
}
