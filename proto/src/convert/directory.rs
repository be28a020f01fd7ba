//! Apps and policies.

use std::time::Duration;

use tidings_domain::{App, AppId, Error, LanyingShape, NameRule, Policy, PolicyChange, UnixMillis};

use super::required;
use crate::pb;

impl From<App> for pb::App {
    fn from(app: App) -> Self {
        Self {
            id: app.id.0,
            org: app.org,
            name: app.name,
            uuid: app.uuid,
            lanying_app_id: app.lanying_app_id,
            sdk_appid: app.sdk_appid,
            enabled: app.enabled,
            created_at_ms: app.created_at.0,
            policy: Some(app.policy.into()),
        }
    }
}

impl TryFrom<pb::App> for App {
    type Error = Error;

    fn try_from(wire: pb::App) -> Result<Self, Error> {
        Ok(Self {
            id: AppId(wire.id),
            org: wire.org,
            name: wire.name,
            uuid: wire.uuid,
            lanying_app_id: wire.lanying_app_id,
            sdk_appid: wire.sdk_appid,
            enabled: wire.enabled,
            created_at: UnixMillis(wire.created_at_ms),
            policy: Policy::default().changed(&required("app.policy", wire.policy)?.into())?,
        })
    }
}

impl From<Policy> for pb::Policy {
    fn from(policy: Policy) -> Self {
        Self {
            max_content_bytes: Some(policy.max_content_bytes as i32),
            max_ext_bytes: Some(policy.max_ext_bytes as i32),
            max_recipients: Some(policy.max_recipients as i32),
            accept_unknown_names: Some(policy.accept_unknown_names),
            open_registration: Some(policy.open_registration),
            lanying_open_registration: Some(policy.lanying_open_registration),
            transaction_window_ms: Some(millis(policy.transaction_window)),
            rotation_overlap_ms: Some(millis(policy.rotation_overlap)),
            user_tokens_may_send: Some(policy.user_tokens_may_send),
            accept_unknown_groups: Some(policy.accept_unknown_groups),
            lanying_recall_window_ms: Some(millis(policy.lanying_recall_window)),
            agora_recall_window_ms: Some(millis(policy.agora_recall_window)),
            lanying_shape: Some(match policy.lanying_shape {
                LanyingShape::Of2021 => 2021,
                LanyingShape::Of2026 => 2026,
            }),
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl From<pb::Policy> for PolicyChange {
    fn from(wire: pb::Policy) -> Self {
        Self {
            max_content_bytes: wire.max_content_bytes.map(Into::into),
            max_ext_bytes: wire.max_ext_bytes.map(Into::into),
            max_recipients: wire.max_recipients.map(Into::into),
            accept_unknown_names: wire.accept_unknown_names,
            open_registration: wire.open_registration,
            lanying_open_registration: wire.lanying_open_registration,
            transaction_window_ms: wire.transaction_window_ms,
            rotation_overlap_ms: wire.rotation_overlap_ms,
            user_tokens_may_send: wire.user_tokens_may_send,
            accept_unknown_groups: wire.accept_unknown_groups,
            lanying_recall_window_ms: wire.lanying_recall_window_ms,
            agora_recall_window_ms: wire.agora_recall_window_ms,
            lanying_shape: wire.lanying_shape.map(Into::into),
        }
    }
}

impl From<pb::NameRule> for NameRule {
    fn from(wire: pb::NameRule) -> Self {
        match wire {
            pb::NameRule::Unspecified => Self::General,
            pb::NameRule::Lanying => Self::Lanying,
        }
    }
}
