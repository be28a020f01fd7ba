//! Clients that are connected: what happens reaches them at once.
//!
//! The event feed is the source. A gateway follows the feed of each app that has a session here, and hands every event to the
//! sessions of those it concerns; what is in the log is in the feed, so nothing depends on a broker. A session that starts
//! from a cursor first gets what happened in its user's conversations since. Wire formats are adapters: [`json`] is the
//! first.

mod app_feed;
mod catch_up;
mod event;
mod hub;
pub(crate) mod json;
mod recipients;
mod session;
mod table;

pub(crate) use self::hub::Hub;
