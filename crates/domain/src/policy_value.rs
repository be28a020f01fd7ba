//! The values of a policy, by name.
//!
//! [`VALUES`] has a row for each value: its name, its range, and its field. Storing, showing and setting values all use
//! that table. Two values are presets: `agora_generation` and `limits` set others, and values that are set individually
//! take precedence.

use std::time::Duration;

use crate::{
    Error, FLAG_RULE, Force, Generation, LanyingShape, Limits, OwnerDeletion, Policy, Rates, flag, policy::GIB,
};

/// The type of a policy value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// 0 or 1.
    Flag,
    /// From the first to the second.
    Number(i64, i64),
    /// One of these words, with their numbers.
    Choice(&'static [(&'static str, i64)]),
}

/// One value of a policy; every value is stored as a number.
#[derive(Debug, Clone, Copy)]
pub struct PolicyValue {
    /// The name that operators use.
    pub name: &'static str,
    /// What it is, in a few words for operators; names that end in `_ms` give the unit.
    pub meaning: &'static str,
    /// Its type.
    pub kind: PolicyKind,
    get: fn(&Policy) -> i64,
    pub(crate) set: fn(&mut Policy, i64),
}

macro_rules! flag {
    ($name:ident, $meaning:literal) => {
        PolicyValue {
            name: stringify!($name),
            meaning: $meaning,
            kind: PolicyKind::Flag,
            get: |policy| policy.$name.into(),
            set: |policy, to| policy.$name = to != 0,
        }
    };
}

macro_rules! number {
    ($name:ident, $least:expr, $most:expr, $meaning:literal) => {
        PolicyValue {
            name: stringify!($name),
            meaning: $meaning,
            kind: PolicyKind::Number($least, $most),
            get: |policy| policy.$name as i64,
            set: |policy, to| policy.$name = to as _,
        }
    };
}

macro_rules! millis {
    ($name:literal, $field:ident, $least:expr, $most:expr, $meaning:literal) => {
        PolicyValue {
            name: $name,
            meaning: $meaning,
            kind: PolicyKind::Number($least, $most),
            get: |policy| policy.$field.as_millis() as i64,
            set: |policy, to| policy.$field = Duration::from_millis(to as u64),
        }
    };
}

const WEEK: i64 = 7 * 24 * 3_600_000;
/// A hundred years.
const CENTURY: i64 = 100 * 365 * 24 * 3_600_000;
const MIB: i64 = 1024 * 1024;
/// More than any disk holds: a pebibyte.
const MOST_BYTES: i64 = 1024 * 1024 * GIB;

/// Every value except the rates, which are in [`crate::Rate::ALL`].
#[rustfmt::skip]
pub const VALUES: &[PolicyValue] = &[
    PolicyValue {
        name: "agora_generation",
        meaning: "edition of Agora's documents that the dialect follows; sets five others",
        kind: PolicyKind::Choice(&[("seed", 1), ("2024", 2)]),
        get: |policy| match policy.agora_generation {
            Generation::Seed => 1,
            Generation::Of2024 => 2,
        },
        set: |policy, to| {
            let limits = policy.limits;
            *policy = Policy::of(if to == 2 { Generation::Of2024 } else { Generation::Seed });
            set_limits(policy, limits);
        },
    },
    PolicyValue {
        name: "limits",
        meaning: "preset of the quotas; replaces quotas that are set",
        kind: PolicyKind::Choice(&[("open", 1), ("vendor", 2), ("vendor-2024", 3)]),
        get: |policy| match policy.limits {
            Limits::Open => 1,
            Limits::Vendor => 2,
            Limits::Vendor2024 => 3,
        },
        set: |policy, to| {
            set_limits(
                policy,
                match to {
                    3 => Limits::Vendor2024,
                    2 => Limits::Vendor,
                    _ => Limits::Open,
                },
            );
        },
    },
    number!(max_content_bytes, 1024, MIB, "bytes of an Agora message's body and ext together"),
    number!(max_ext_bytes, 256, MIB, "bytes of an Agora message's ext; agora_generation sets it"),
    number!(max_recipients, 1, 600, "users in one send"),
    number!(max_groups, 1, 600, "groups in one Agora send"),
    number!(max_rooms, 1, 600, "rooms in one Agora send"),
    flag!(accept_unknown_names, "whether Agora sends to unregistered names are accepted"),
    flag!(accept_unknown_groups, "whether messages to groups and rooms that do not exist are accepted"),
    flag!(open_registration, "whether users may register themselves without a token in the Agora dialect"),
    flag!(lanying_open_registration, "whether users may register themselves without a token in the Lanying dialect"),
    number!(open_registrations_per_hour, 0, 1_000_000, "registrations without a token per address and hour; 0: unlimited"),
    flag!(lanying_login_names_fault, "whether a login of the Lanying dialect says which of name and password was wrong"),
    flag!(agora_login_names_fault, "whether a login of the Agora dialect says which of name and password was wrong"),
    millis!("dynamic_token_lifetime_ms", dynamic_token_lifetime, 60_000, 2_592_000_000, "longest ttl of a dynamic user token"),
    millis!("transaction_window_ms", transaction_window, 300_000, WEEK, "how long a transaction_id of Lanying is remembered"),
    millis!("rotation_overlap_ms", rotation_overlap, 0, 2_592_000_000, "how long old secrets stay valid after a rotation"),
    flag!(user_tokens_may_send, "whether user tokens may send in the Agora dialect, as themselves"),
    millis!("lanying_recall_window_ms", lanying_recall_window, 0, WEEK, "how long users can recall their messages in the Lanying dialect; 0: unlimited"),
    millis!("agora_recall_window_ms", agora_recall_window, 0, WEEK, "how long messages can be recalled in the Agora dialect; 0: unlimited"),
    PolicyValue {
        name: "lanying_shape",
        meaning: "edition of the Lanying dialect's answers",
        kind: PolicyKind::Choice(&[("2021", 2021), ("2026", 2026)]),
        get: |policy| match policy.lanying_shape {
            LanyingShape::Of2021 => 2021,
            LanyingShape::Of2026 => 2026,
        },
        set: |policy, to| policy.lanying_shape = if to == 2021 { LanyingShape::Of2021 } else { LanyingShape::Of2026 },
    },
    PolicyValue {
        name: "agora_force",
        meaning: "what `force` of a recall allows; agora_generation sets it",
        kind: PolicyKind::Choice(&[("past-storage", 1), ("anything", 2)]),
        get: |policy| match policy.agora_force {
            Force::PastStorage => 1,
            Force::Anything => 2,
        },
        set: |policy, to| policy.agora_force = if to == 2 { Force::Anything } else { Force::PastStorage },
    },
    flag!(agora_size_is_400, "whether a message that is too large is refused with 400, not 413; agora_generation sets it"),
    flag!(agora_recall_words, "whether a late recall is refused with `recall`, not `call` time limit; agora_generation sets it"),
    flag!(agora_custom_exts_array, "whether customExts is an array in exports, not an object; agora_generation sets it"),
    flag!(strict_bodies, "whether the keys of media bodies that the older Agora documents require are required"),
    number!(agora_max_edits, 0, 1_000_000, "how often a message may be edited in the Agora dialect; 0: unlimited"),
    millis!("message_retention_ms", message_retention, 0, CENTURY, "how long messages are kept; 0: forever"),
    millis!("event_retention_ms", event_retention, 0, CENTURY, "how long events other than messages of the log are kept; 0: as long as messages"),
    millis!("delivered_retention_ms", delivered_retention, 0, CENTURY, "how long callback deliveries are kept after they succeeded"),
    millis!("dead_retention_ms", dead_retention, 0, CENTURY, "how long callback deliveries are kept after they failed"),
    flag!(export_recalled, "whether exports contain recalled messages"),
    number!(export_utc_offset_minutes, -720, 840, "UTC offset of the clock that names the hours of exports"),
    number!(max_file_bytes, 1, 1024 * MIB, "bytes of a file"),
    number!(user_upload_files_per_day, 0, MOST_QUOTA, "files that a user may upload per UTC day; 0: unlimited"),
    number!(user_upload_bytes_per_day, 0, MOST_BYTES, "bytes that a user may upload per UTC day; 0: unlimited"),
    number!(app_upload_files_per_day, 0, MOST_QUOTA, "files that the app and its users may upload per UTC day; 0: unlimited"),
    number!(app_upload_bytes_per_day, 0, MOST_BYTES, "bytes that the app and its users may upload per UTC day; 0: unlimited"),
    millis!("file_lifetime_ms", file_lifetime, 0, CENTURY, "how long a file is kept; 0: forever"),
    flag!(files_require_token, "whether downloads need a token"),
    flag!(files_redirect, "whether downloads are redirected to the object store"),
    flag!(recall_deletes_files, "whether a recall deletes the message's files when no other message uses them"),
    millis!("recalled_file_grace_ms", recalled_file_grace, 0, WEEK, "how long after the recall they are deleted"),
    flag!(users_set_file_lifetime, "whether users may set how long their files are kept"),
    flag!(mutes_bind_app, "whether a user's mutes also bind what the app sends in their name"),
    flag!(fetch_private, "whether files may be fetched from private addresses"),
    flag!(fire_on_refusal, "whether endpoints are notified of messages that a hook refused"),
    PolicyValue {
        name: "owner_deletion",
        meaning: "what becomes of groups and rooms whose owner is deleted",
        kind: PolicyKind::Choice(&[("hand_over", 1), ("dissolve", 2)]),
        get: |policy| match policy.owner_deletion {
            OwnerDeletion::HandOver => 1,
            OwnerDeletion::Dissolve => 2,
        },
        set: |policy, to| {
            policy.owner_deletion = if to == 2 { OwnerDeletion::Dissolve } else { OwnerDeletion::HandOver };
        },
    },
    flag!(friends_only, "whether users may write only to their contacts, in direct conversations"),
    flag!(presence_events, "whether connections and disconnections of devices are events"),
    number!(max_contacts, 1, 50_000, "contacts of a user"),
    number!(max_blocked_users, 1, 50_000, "users on a user's block list"),
    number!(invitation_days, 0, 3_650, "days that an invitation to a group stays open; 0: until it is answered"),
];

const fn set_limits(policy: &mut Policy, limits: Limits) {
    policy.limits = limits;
    policy.rates = Rates::of(limits);
}

impl PolicyValue {
    /// The value of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        VALUES.iter().find(|value| value.name == name)
    }

    /// Its value in that policy.
    pub fn of(&self, policy: &Policy) -> i64 {
        (self.get)(policy)
    }

    /// Formats a value for operators.
    pub fn written(&self, value: i64) -> String {
        match self.kind {
            PolicyKind::Flag => (value != 0).to_string(),
            PolicyKind::Number(..) => value.to_string(),
            PolicyKind::Choice(words) => words
                .iter()
                .find(|(_, number)| *number == value)
                .map_or_else(String::new, |(word, _)| (*word).to_owned()),
        }
    }

    /// Parses an operator's input.
    pub fn read(&self, text: &str) -> Result<i64, Error> {
        let value = match self.kind {
            PolicyKind::Flag => flag(text).map(i64::from),
            PolicyKind::Number(..) => text.parse().ok(),
            PolicyKind::Choice(words) => words.iter().find(|(word, _)| *word == text).map(|(_, number)| *number),
        };
        let value = value.ok_or_else(|| self.wrong())?;
        self.check(value)?;
        Ok(value)
    }

    pub(crate) fn check(&self, value: i64) -> Result<(), Error> {
        let is_right = match self.kind {
            PolicyKind::Flag => matches!(value, 0 | 1),
            PolicyKind::Number(least, most) => (least..=most).contains(&value),
            PolicyKind::Choice(words) => words.iter().any(|(_, number)| *number == value),
        };
        if is_right { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> Error {
        match self.kind {
            PolicyKind::Flag => Error::invalid(self.name, FLAG_RULE),
            PolicyKind::Number(least, most) => Error::invalid(self.name, format!("must be from {least} to {most}")),
            PolicyKind::Choice(words) => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Error::invalid(self.name, format!("must be {}", words.join(" or ")))
            }
        }
    }

    pub(crate) fn is_preset(&self) -> bool {
        matches!(self.name, "agora_generation" | "limits")
    }
}

/// Largest quota.
pub(crate) const MOST_QUOTA: i64 = 1_000_000_000;
