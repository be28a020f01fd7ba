//! REST as seen by clients: both dialects over real HTTP, in every shape of Tidings.
//!
//! The modules follow the contracts. Wire bodies are snapshots in which [`transcript::Transcript`] has replaced what
//! differs from run to run.

mod access;
mod agora_access_token;
mod agora_contacts;
mod agora_examples;
mod agora_export;
mod agora_files;
mod agora_group_roles;
mod agora_groups;
mod agora_history;
mod agora_limits;
mod agora_messages;
mod agora_need_download;
mod agora_send;
mod agora_tokens;
mod agora_user_calls;
mod agora_user_mutes;
mod agora_users;
mod any_input;
mod bad_input;
mod callbacks;
mod changes;
mod cross_dialect;
mod deleted_users;
mod envelope;
mod events;
mod events_http;
mod file_owners;
mod file_quotas;
mod forms;
mod idempotency;
mod lanying_access;
mod lanying_ack_unread;
mod lanying_files;
mod lanying_groups;
mod lanying_history;
mod lanying_members;
mod lanying_neighbours;
mod lanying_notify;
mod lanying_recall;
mod lanying_roster;
mod lanying_send;
mod lanying_shape;
mod lanying_users_tokens;
mod newest_gone;
mod people;
mod policy;
mod raw_http;
mod refused;
mod requester;
mod screening;
mod transcript;
mod weight;
mod word_lists;
