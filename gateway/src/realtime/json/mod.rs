//! `GET /tidings/ws`: a WebSocket of JSON frames.

mod commands;
mod frames;
mod wire;

use std::sync::Arc;

use axum::routing::MethodRouter;

use self::wire::JsonWire;
use super::{endpoint::endpoint, hub::Hub, sockjs::Framing};
use crate::Gateway;

/// Upgrades the connection.
pub(super) fn connect(hub: &Arc<Hub>) -> MethodRouter<Gateway> {
    endpoint::<JsonWire>(hub, Framing::Plain)
}
