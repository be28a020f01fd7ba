//! `GET /websocket`: MSync, the protocol of the vendor's client SDKs; and the document in which they find its address.

mod commands;
mod contacts;
mod entries;
mod intake;
mod missed;
mod offline;
mod operations;
mod own;
mod position;
mod queues;
mod saved;
mod wire;

use std::sync::Arc;

use axum::{response::Response, routing::MethodRouter};
use http::{StatusCode, Uri};
use tidings_dialects::agora::msync::{Address, server_config};

use self::wire::MsyncWire;
use super::{endpoint::endpoint, hub::Hub, peer::Peer};
use crate::{Gateway, reply, request::query};

/// Upgrades the connection.
pub(super) fn connect(hub: &Arc<Hub>) -> MethodRouter<Gateway> {
    endpoint::<MsyncWire>(hub)
}

/// `GET /easemob/server.json?app_key=org%23app`: this gateway's own address, for every app.
pub(super) async fn discover(peer: Peer, uri: Uri) -> Response {
    let app_key = query(uri.query().unwrap_or_default(), "app_key").unwrap_or_default();
    // Some clients encode it twice.
    let app_key = app_key.replace("%25", "%").replace("%23", "#");
    reply::json(StatusCode::OK, server_config(&app_key, &Address::of(&peer.base)))
}
