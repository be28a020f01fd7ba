//! Apps and policies.

use tidings_domain::{App, AppId, Error, NameRule, Policy, PolicyChange, Rate};

use super::{moment, required, timestamp};
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
            created_at: Some(timestamp(app.created_at)),
            policy: Some(app.policy.into()),
            screening_version: app.screening,
            users_version: app.users_version,
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
            created_at: moment("app.created_at", wire.created_at)?,
            policy: Policy::with(&required("app.policy", wire.policy)?.try_into()?)?,
            screening: wire.screening_version,
            users_version: wire.users_version,
        })
    }
}

/// A policy value in its protobuf type.
trait Wire {
    fn to_wire(value: i64) -> Self;
    fn number(self) -> i64;
}

impl Wire for bool {
    fn to_wire(value: i64) -> Self {
        value != 0
    }

    fn number(self) -> i64 {
        self.into()
    }
}

impl Wire for i64 {
    fn to_wire(value: i64) -> Self {
        value
    }

    fn number(self) -> i64 {
        self
    }
}

impl Wire for i32 {
    fn to_wire(value: i64) -> Self {
        value as Self
    }

    fn number(self) -> i64 {
        self.into()
    }
}

/// Every value has the same name in both places.
macro_rules! policy {
    ($($name:ident),* $(,)?) => {
        impl From<&PolicyChange> for pb::Policy {
            fn from(change: &PolicyChange) -> Self {
                let rates = change.rates().iter().map(|(rate, quota)| (rate.name().to_owned(), *quota)).collect();
                Self { $($name: change.get(stringify!($name)).map(Wire::to_wire),)* rates }
            }
        }

        impl TryFrom<pb::Policy> for PolicyChange {
            type Error = Error;

            fn try_from(wire: pb::Policy) -> Result<Self, Error> {
                let mut change = Self::default();
                $(if let Some(value) = wire.$name {
                    change.set(stringify!($name), value.number())?;
                })*
                for (rate, quota) in wire.rates {
                    if Rate::from_name(&rate).is_none() {
                        return Err(Error::invalid(&rate, "is not a rate"));
                    }
                    change.set(&rate, quota)?;
                }
                Ok(change)
            }
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

policy!(
    max_content_bytes,
    max_ext_bytes,
    max_recipients,
    accept_unknown_names,
    open_registration,
    transaction_window_ms,
    rotation_overlap_ms,
    user_tokens_may_send,
    lanying_open_registration,
    open_registrations_per_hour,
    lanying_login_names_fault,
    agora_login_names_fault,
    dynamic_token_lifetime_ms,
    accept_unknown_groups,
    lanying_recall_window_ms,
    agora_recall_window_ms,
    lanying_shape,
    agora_generation,
    agora_force,
    agora_size_is_400,
    agora_recall_words,
    agora_custom_exts_array,
    max_groups,
    max_rooms,
    strict_bodies,
    agora_max_edits,
    message_retention_ms,
    export_recalled,
    export_utc_offset_minutes,
    max_file_bytes,
    user_upload_files_per_day,
    user_upload_bytes_per_day,
    app_upload_files_per_day,
    app_upload_bytes_per_day,
    file_lifetime_ms,
    files_require_token,
    files_redirect,
    recall_deletes_files,
    recalled_file_grace_ms,
    users_set_file_lifetime,
    mutes_bind_app,
    fetch_private,
    fire_on_refusal,
    friends_only,
    presence_events,
    max_contacts,
    max_blocked_users,
    invitation_days,
    event_retention_ms,
    delivered_retention_ms,
    dead_retention_ms,
    limits,
    owner_deletion,
);

impl From<Policy> for pb::Policy {
    fn from(policy: Policy) -> Self {
        Self::from(&PolicyChange::all_of(&policy))
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

#[cfg(test)]
mod tests {
    use tidings_domain::POLICY_VALUES;

    use super::*;

    #[test]
    fn every_policy_value_is_on_the_wire() {
        let mut names: Vec<&str> = POLICY_VALUES.iter().map(|value| value.name).collect();
        let mut wire = NAMES.to_vec();
        names.sort_unstable();
        wire.sort_unstable();
        assert_eq!(names, wire);
    }
}
