//! `GET /websocket`: MSync, which the vendor's client SDKs speak, at `/ws` wrapped in SockJS; and the document by which they find it.

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

use axum::{extract::State, response::Response, routing::MethodRouter};
use http::{
    HeaderValue, StatusCode, Uri,
    header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, CACHE_CONTROL},
};
use tidings_dialects::agora::msync::{Address, app_key, server_config, sock_js_info};
use tidings_proto::pb::app_ref;

use self::wire::MsyncWire;
use super::{endpoint::endpoint, hub::Hub, peer::Peer, sockjs::Framing};
use crate::{Gateway, agora, reply, request::query};

/// Upgrades the connection.
pub(super) fn connect(hub: &Arc<Hub>) -> MethodRouter<Gateway> {
    endpoint::<MsyncWire>(hub, Framing::Plain)
}

/// The same for clients that wrap their packets. `server` and `session` of the path are theirs to choose.
pub(super) fn connect_wrapped(hub: &Arc<Hub>) -> MethodRouter<Gateway> {
    endpoint::<MsyncWire>(hub, Framing::SockJs)
}

/// `GET /ws/info`: which of SockJS's transports there are. Browsers send cookies with it, which are not read: without this
/// header a page of another origin may not see the answer.
pub(super) async fn info(State(gateway): State<Gateway>) -> Response {
    let mut response = reply::json(StatusCode::OK, sock_js_info(gateway.new_number() as u32));
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET /easemob/server.json?app_key=org%23app`: this gateway's own address, for every app. With `app_id` the app key is
/// looked up, since a client that names its app by that id needs it.
pub(super) async fn discover(State(gateway): State<Gateway>, peer: Peer, uri: Uri) -> Response {
    let parameters = uri.query().unwrap_or_default();
    let app_key = match query(parameters, "app_id") {
        Some(app_id) => match gateway.identities().of(app_ref::App::AgoraAppId(app_id.to_owned()), "").await {
            Ok(identity) => app_key(&identity.app),
            Err(error) => return agora::refused_at_once(&gateway, &error.into()),
        },
        // Some clients encode it twice.
        None => query(parameters, "app_key").unwrap_or_default().replace("%25", "%").replace("%23", "#"),
    };
    reply::json(StatusCode::OK, server_config(&app_key, &Address::of(&peer.base)))
}
