//! The policy of an app, and its defaults. The names and ranges of its values are in `policy_value.rs`.

use std::time::Duration;

use crate::{Limits, Rates};

/// Bytes of a gibibyte.
pub(crate) const GIB: i64 = 1024 * 1024 * 1024;

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
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(Generation::Seed)
    }
}
