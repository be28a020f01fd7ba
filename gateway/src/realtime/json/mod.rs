//! `GET /tidings/ws`: a WebSocket of JSON frames.

mod commands;
mod frames;
mod wire;

use axum::{
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::Response,
};

use self::wire::JsonWire;
use super::endpoint::{Peer, open};
use crate::Gateway;

/// Upgrades the connection.
pub(crate) async fn connect(
    State(gateway): State<Gateway>,
    peer: Peer,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    open::<JsonWire>(gateway, peer, upgrade)
}
