//! The log as seen by its callers, on both engines, with a fake directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broadcast;
mod changes;
mod damaged;
mod edit;
mod exclude;
mod fake;
mod groups;
mod import;
mod model;
mod names;
mod newest;
mod online;
mod purge;
mod reactions;
mod recall;
mod refused;
mod screening;
mod start_broadcast;
mod targeted;
mod unread;
mod user_events;
mod world;
