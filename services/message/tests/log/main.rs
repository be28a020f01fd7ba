//! The log as its callers see it, on both engines, before a directory that answers from a table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broadcast;
mod edit;
mod fake;
mod groups;
mod online;
mod recall;
mod unread;
mod world;
