//! Connected clients, which get events immediately.
//!
//! The event feed is the source. A gateway follows the feed of each app that has a session here, and hands every event to the
//! sessions of those it concerns; what is in the log is in the feed, so nothing depends on a broker. A session that starts
//! from a cursor first gets what happened in its user's conversations since. Wire formats are adapters
//! of one session: [`json`], [`msync`] for the vendor's client SDKs, and [`grpc`] for internal services.

mod app_feed;
mod catch_up;
mod client;
mod command_line;
mod details;
mod device;
mod endpoint;
mod event;
mod grpc;
mod hub;
mod json;
mod kick;
mod memory;
mod msync;
mod older;
mod pace;
mod peer;
mod recipients;
mod reporter;
mod serve;
mod session;
mod socket;
mod sockets;
mod sockjs;
mod table;
mod tokens;
mod unreported;
mod waiting;
mod wire;

use std::{sync::Arc, time::Duration};

use axum::routing::{MethodRouter, get};

pub use self::grpc::Realtime;
use self::hub::Hub;
pub(crate) use self::{memory::EventMemory, sockets::Sockets, tokens::Checked};
use crate::Gateway;

/// Subscriptions of a stopping process, and sessions whose feed has ended, are ended within this time, spread evenly, so that
/// they do not come back all at once.
const SPREAD: Duration = Duration::from_secs(3);

/// The endpoints of clients that connect. Their sessions are one gateway's.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    let hub = Arc::new(Hub::default());
    vec![
        ("/tidings/ws", json::connect(&hub)),
        ("/websocket", msync::connect(&hub)),
        ("/ws/info", get(msync::info)),
        ("/ws/{server}/{session}/websocket", msync::connect_wrapped(&hub)),
        ("/easemob/server.json", get(msync::discover)),
    ]
}
