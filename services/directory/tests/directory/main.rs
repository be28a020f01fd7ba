//! The directory's promises, tested on both engines.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

mod group_suite;
mod suite;

mod admin_tokens;
mod apps;
mod built_tokens;
mod changes;
mod connected;
mod contacts;
mod freed_names;
mod group_allow;
mod group_members;
mod group_races;
mod group_roles;
mod groups;
mod guesses;
mod hook_questions;
mod hooks;
mod memberships;
mod people;
mod policy;
mod profiles;
mod secrets;
mod sessions;
mod sharing;
mod statements;
mod threads;
mod tokens;
mod user_blocks;
mod users;
mod users_delete;
mod users_resolve;
mod users_update;
mod word_lists;
