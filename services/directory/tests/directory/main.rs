//! What the directory promises, held against both engines.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

mod group_suite;
mod suite;

mod admin_tokens;
mod apps;
mod groups;
mod guesses;
mod policy;
mod secrets;
mod statements;
mod tokens;
mod users;
mod users_resolve;
