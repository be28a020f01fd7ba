//! Clients that are connected: what happens reaches them at once.
//!
//! The event feed is the source. A gateway follows the feed of each app that has a session here, and hands every event to the
//! sessions of those it concerns; what is in the log is in the feed, so nothing depends on a broker. A session that starts
//! from a cursor first gets what happened in its user's conversations since. Wire formats are adapters
//! of one session: [`json`], and [`msync`] for the vendor's client SDKs.

mod app_feed;
mod catch_up;
mod client;
mod endpoint;
mod event;
mod hub;
pub(crate) mod json;
pub(crate) mod msync;
mod recipients;
mod session;
mod socket;
mod table;
mod wire;

pub(crate) use self::hub::Hub;
