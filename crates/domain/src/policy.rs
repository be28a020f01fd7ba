//! The policy of an app.
//!
//! [`VALUES`] has a row for each value: its name, its range, and its field. Storing, showing and setting values all use
//! that table. Two values are presets: `agora_generation` and `limits` set others, and values that are set individually
//! take precedence.

use std::{collections::BTreeMap, time::Duration};

use crate::{Error, FLAG_RULE, Limits, Rate, Rates, flag};

/// Limits and choices of one app. The meaning of each is in `directory.proto`, message `Policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Bytes of body and ext together (decision 13).
    pub max_content_bytes: usize,
    /// Bytes of ext (decision 13).
    pub max_ext_bytes: usize,
    /// Users in one send (agora.md 2).
    pub max_recipients: usize,
    /// Groups in one Agora send (agora.md 2).
    pub max_groups: usize,
    /// Rooms in one Agora send (agora.md 2).
    pub max_rooms: usize,
    /// Whether unregistered names are accepted (decision 9).
    pub accept_unknown_names: bool,
    /// Whether messages to unknown groups and rooms are accepted (decision 9).
    pub accept_unknown_groups: bool,
    /// Whether users may register themselves without a token in the Agora dialect (agora.md 8.2).
    pub open_registration: bool,
    /// The same in the Lanying dialect, whose vendor allows it (lanying.md 10).
    pub lanying_open_registration: bool,
    /// Registrations without a token per address and hour, in either dialect; zero is unlimited
    /// (decision 44).
    pub open_registrations_per_hour: u64,
    /// Whether a login without a token says which of name and password was wrong in the Lanying dialect.
    pub lanying_login_names_fault: bool,
    /// The same in the Agora dialect, whose SDKs parse the vendor's words.
    pub agora_login_names_fault: bool,
    /// The longest `ttl` of a dynamic user token (agora.md 10.1).
    pub dynamic_token_lifetime: Duration,
    /// How long a `transaction_id` is remembered (decision 23).
    pub transaction_window: Duration,
    /// How long old secrets stay valid after a rotation (decision 4).
    pub rotation_overlap: Duration,
    /// Whether user tokens may send in the Agora dialect (decision 18).
    pub user_tokens_may_send: bool,
    /// How long a user may recall in the Lanying dialect (decision 27); zero is unlimited.
    pub lanying_recall_window: Duration,
    /// The same in the Agora dialect (decision 16).
    pub agora_recall_window: Duration,
    /// The edition of the Lanying dialect's answers (decision 24).
    pub lanying_shape: LanyingShape,
    /// The edition of the Agora documents that the dialect follows (decision 12).
    pub agora_generation: Generation,
    /// What `force` of a recall allows (decision 16).
    pub agora_force: Force,
    /// How a message that is too large is refused (decision 13): true is 400, false is 413.
    pub agora_size_is_400: bool,
    /// The wording of a refused late recall (decision 16): true says `recall`, false `call`.
    pub agora_recall_words: bool,
    /// The format of `customExts` in exports (agora.md 14): true is an array, false an object.
    pub agora_custom_exts_array: bool,
    /// Whether the keys of media bodies that the seed requires are required (decision 20).
    pub strict_bodies: bool,
    /// How often a message may be edited in the Agora dialect (agora.md 10.6); zero is unlimited.
    pub agora_max_edits: u64,
    /// How long messages are kept; zero is forever.
    pub message_retention: Duration,
    /// How long events other than messages of the log (recalls, edits, what was refused or not stored) are kept; zero
    /// is as long as messages.
    pub event_retention: Duration,
    /// How long successful callback deliveries can be listed and replayed.
    pub delivered_retention: Duration,
    /// The same for failed ones.
    pub dead_retention: Duration,
    /// Whether exports contain recalled messages.
    pub export_recalled: bool,
    /// UTC offset of the clock that names the hours of exports (agora.md 4), in minutes.
    pub export_utc_offset_minutes: i64,
    /// Maximum size of a file in bytes.
    pub max_file_bytes: u64,
    /// How many files a user may upload per UTC day; zero is unlimited.
    pub user_upload_files_per_day: u64,
    /// How many bytes a user may upload per UTC day; zero is unlimited.
    pub user_upload_bytes_per_day: u64,
    /// How many files the app and its users together may upload per UTC day; zero is unlimited.
    pub app_upload_files_per_day: u64,
    /// How many bytes they may upload per UTC day; zero is unlimited.
    pub app_upload_bytes_per_day: u64,
    /// How long a file is kept; zero is forever. The vendor's own is 7 days (agora.md 3.3).
    pub file_lifetime: Duration,
    /// Whether downloads need a token (decision 19).
    pub files_require_token: bool,
    /// Whether downloads are redirected to the object store.
    pub files_redirect: bool,
    /// Whether a recall deletes the message's file when no other message uses it (agora.md 3.3).
    pub recall_deletes_files: bool,
    /// How long after the recall it is deleted.
    pub recalled_file_grace: Duration,
    /// Whether users may set how long files are kept (agora.md 3.4).
    pub users_set_file_lifetime: bool,
    /// Whether the mutes of a user also bind what the app sends in their name (agora.md 10.2).
    pub mutes_bind_app: bool,
    /// Whether files may be fetched from private addresses (`need_download`, agora.md 7).
    pub fetch_private: bool,
    /// Whether endpoints are notified of messages that a hook refused (decision 32).
    pub fire_on_refusal: bool,
    /// What becomes of groups and rooms whose owner is deleted.
    pub owner_deletion: OwnerDeletion,
    /// Whether users may write only to their contacts, in direct conversations.
    pub friends_only: bool,
    /// Whether connections and disconnections of devices are events.
    pub presence_events: bool,
    /// How many contacts a user may have.
    pub max_contacts: u64,
    /// How many users may be on a user's block list.
    pub max_blocked_users: u64,
    /// How many days an invitation to a group stays open; 0: until it is answered.
    pub invitation_days: u64,
    /// The preset of the rates (decision 7).
    pub limits: Limits,
    /// The quotas.
    pub rates: Rates,
}

/// An edition of the Lanying dialect (decision 24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LanyingShape {
    /// With the `set_` flags that the older documents list.
    Of2021,
    /// Without them.
    Of2026,
}

/// An edition of the Agora dialect's documents (decision 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The edition before mid-2024.
    Seed,
    /// The newest edition.
    Of2024,
}

/// What becomes of groups and rooms whose owner is deleted (agora.md 10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerDeletion {
    /// They pass to the admin, else the member, who joined first.
    HandOver,
    /// They end, as the vendor has it.
    Dissolve,
}

/// What `force` of a recall allows (decision 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Recalls messages past retention.
    PastStorage,
    /// Recalls anything.
    Anything,
}

impl Policy {
    /// The defaults.
    pub const fn of(generation: Generation) -> Self {
        let newest = matches!(generation, Generation::Of2024);
        Self {
            max_content_bytes: 5120,
            max_ext_bytes: if newest { 5120 } else { 3072 },
            max_recipients: 600,
            max_groups: 3,
            max_rooms: 10,
            accept_unknown_names: true,
            accept_unknown_groups: false,
            open_registration: false,
            lanying_open_registration: true,
            open_registrations_per_hour: 60,
            lanying_login_names_fault: false,
            agora_login_names_fault: true,
            dynamic_token_lifetime: Duration::from_hours(24),
            transaction_window: Duration::from_mins(10),
            rotation_overlap: Duration::from_hours(24),
            user_tokens_may_send: false,
            lanying_recall_window: Duration::from_mins(5),
            agora_recall_window: Duration::from_mins(2),
            lanying_shape: LanyingShape::Of2026,
            agora_generation: generation,
            agora_force: if newest { Force::Anything } else { Force::PastStorage },
            agora_size_is_400: newest,
            agora_recall_words: newest,
            agora_custom_exts_array: newest,
            strict_bodies: false,
            agora_max_edits: 10,
            message_retention: Duration::ZERO,
            event_retention: Duration::ZERO,
            delivered_retention: Duration::from_hours(3 * 24),
            dead_retention: Duration::from_hours(30 * 24),
            export_recalled: false,
            export_utc_offset_minutes: 0,
            max_file_bytes: 10 * 1024 * 1024,
            user_upload_files_per_day: 10_000,
            user_upload_bytes_per_day: 10 * GIB as u64,
            app_upload_files_per_day: 1_000_000,
            app_upload_bytes_per_day: 1024 * GIB as u64,
            // Messages are kept forever, and a history without its pictures is incomplete.
            file_lifetime: Duration::ZERO,
            files_require_token: false,
            files_redirect: false,
            recall_deletes_files: true,
            recalled_file_grace: Duration::from_mins(10),
            users_set_file_lifetime: false,
            mutes_bind_app: false,
            fetch_private: false,
            fire_on_refusal: false,
            owner_deletion: OwnerDeletion::HandOver,
            friends_only: false,
            presence_events: true,
            max_contacts: 10_000,
            max_blocked_users: 10_000,
            invitation_days: 0,
            limits: Limits::Open,
            rates: Rates::of(Limits::Open),
        }
    }

    /// The policy of an app with these values set, or the first invalid value.
    pub fn with(change: &PolicyChange) -> Result<Self, Error> {
        let mut policy = Self::of(Generation::Seed);
        // Presets first, so that single values override them.
        let (presets, single): (Vec<_>, Vec<_>) = change.iter().partition(|(value, _)| value.is_preset());
        for (value, to) in presets.into_iter().chain(single) {
            value.check(to)?;
            (value.set)(&mut policy, to);
        }
        for (rate, quota) in &change.rates {
            policy.rates.set(*rate, *quota);
        }
        Ok(policy)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(Generation::Seed)
    }
}

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
    set: fn(&mut Policy, i64),
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
const GIB: i64 = 1024 * MIB;
/// More than any disk holds: a pebibyte.
const MOST_BYTES: i64 = 1024 * 1024 * GIB;

/// Every value except the rates, which are in [`Rate::ALL`].
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

    fn check(&self, value: i64) -> Result<(), Error> {
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

    fn is_preset(&self) -> bool {
        matches!(self.name, "agora_generation" | "limits")
    }
}

/// Largest quota.
const MOST_QUOTA: i64 = 1_000_000_000;

/// Single policy values to set; absent ones are unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    values: BTreeMap<&'static str, i64>,
    rates: BTreeMap<Rate, i64>,
}

impl PolicyChange {
    /// Every value of a policy.
    pub fn all_of(policy: &Policy) -> Self {
        Self {
            values: VALUES.iter().map(|value| (value.name, value.of(policy))).collect(),
            rates: Rate::ALL.into_iter().map(|rate| (rate, policy.rates.quota(rate).unwrap_or(0))).collect(),
        }
    }

    /// Sets a value by its name; unknown names and values out of range are refused.
    pub fn set(&mut self, name: &str, to: i64) -> Result<(), Error> {
        if let Some(rate) = Rate::from_name(name) {
            if !(0..=MOST_QUOTA).contains(&to) {
                return Err(Error::invalid(name, format!("must be from 0 to {MOST_QUOTA}")));
            }
            self.rates.insert(rate, to);
            return Ok(());
        }
        let value = PolicyValue::named(name).ok_or_else(|| Error::invalid(name, "is not a policy value"))?;
        value.check(to)?;
        self.values.insert(value.name, to);
        Ok(())
    }

    /// The value, if it is set.
    pub fn get(&self, name: &str) -> Option<i64> {
        self.values.get(name).copied()
    }

    /// The quotas that are set; 0 is without limit.
    pub const fn rates(&self) -> &BTreeMap<Rate, i64> {
        &self.rates
    }

    /// Everything that is set, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let rates = self.rates.iter().map(|(rate, quota)| (rate.name(), *quota));
        self.values.iter().map(|(name, value)| (*name, *value)).chain(rates)
    }

    /// This with `change` applied. A new preset of rates replaces quotas that were set before it.
    #[must_use]
    pub fn then(mut self, change: &Self) -> Self {
        if change.values.contains_key("limits") {
            self.rates.clear();
        }
        self.values.extend(&change.values);
        self.rates.extend(&change.rates);
        self
    }

    fn iter(&self) -> impl Iterator<Item = (&'static PolicyValue, i64)> {
        VALUES.iter().filter_map(|value| Some((value, self.get(value.name)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(values: &[(&str, i64)]) -> PolicyChange {
        let mut change = PolicyChange::default();
        for (name, to) in values {
            change.set(name, *to).unwrap();
        }
        change
    }

    #[test]
    fn every_value_comes_back_as_it_was_set() {
        let other = change(&[("agora_generation", 2), ("limits", 3), ("max_file_bytes", 77), ("rate_calls", 5)]);
        for policy in [Policy::default(), Policy::with(&other).unwrap()] {
            assert_eq!(Policy::with(&PolicyChange::all_of(&policy)).unwrap(), policy);
        }
    }

    #[test]
    fn every_value_is_written_as_it_is_read() {
        for value in VALUES {
            let now = value.of(&Policy::default());
            assert_eq!(value.read(&value.written(now)).unwrap(), now, "{}", value.name);
            assert!(value.read("what").is_err(), "{}", value.name);
            assert!(!value.meaning.is_empty() && !value.meaning.ends_with('.'), "{}", value.name);
        }
    }

    #[test]
    fn a_generation_sets_its_lines_and_each_can_be_overridden_decision_12() {
        let newest = Policy::with(&change(&[("agora_generation", 2)])).unwrap();
        assert!(newest.agora_size_is_400 && newest.agora_recall_words && newest.agora_custom_exts_array);
        assert_eq!((newest.agora_force, newest.max_ext_bytes), (Force::Anything, 5120));
        let mixed = Policy::with(&change(&[("agora_size_is_400", 0), ("agora_generation", 2)])).unwrap();
        assert!(!mixed.agora_size_is_400 && mixed.agora_recall_words);
    }

    #[test]
    fn a_single_quota_stands_above_the_preset_until_another_preset_is_set_decision_7() {
        let set = change(&[("rate_calls", 7), ("limits", 2)]);
        let policy = Policy::with(&set).unwrap();
        assert_eq!(policy.rates.quota(Rate::Calls), Some(7));
        assert_eq!(policy.rates.quota(Rate::UserMessages), Some(6000));
        let policy = Policy::with(&set.then(&change(&[("limits", 3)]))).unwrap();
        assert_eq!(policy.rates.quota(Rate::Calls), Some(100));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let mut change = PolicyChange::default();
        for (name, to) in [("max_recipients", 601), ("lanying_shape", 2022), ("rate_calls", -1), ("nothing", 1)] {
            assert!(change.set(name, to).is_err(), "{name}");
        }
        assert_eq!(change, PolicyChange::default());
    }
}
