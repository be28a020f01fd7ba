//! The upgrade to a WebSocket, the same for every wire format.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, StatusCode,
    header::{HOST, ORIGIN},
    request::Parts,
};
use tidings_dialects::agora::Refusal;
use tidings_runtime::Connection;

use super::{socket::Socket, wire::Wire};
use crate::{
    Gateway, agora,
    request::{address, base_url, header},
};

/// Maximum size of a frame: a message of the default size with its recipients, several times over. Larger messages are
/// sent over REST.
const MAX_FRAME: usize = 256 * 1024;
/// Bytes that are read at once, and that are written at once. They are held for each connection.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 4 * 1024;
/// Bytes that wait to be written before the connection fails.
const MAX_WRITE_BUFFER: usize = 4 * 1024 * 1024;

/// The client's connection, as the layers know it.
pub(crate) struct Peer {
    pub address: Option<IpAddr>,
    pub base: String,
    pub connection: Option<Arc<Connection>>,
    origin_is_allowed: bool,
}

impl FromRequestParts<Gateway> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        Ok(Self {
            address: address(parts, gateway),
            base: base_url(parts, gateway),
            origin_is_allowed: may_call(gateway, &parts.headers),
            connection: parts.extensions.get::<Arc<Connection>>().cloned(),
        })
    }
}

/// Browsers name the page's origin; other clients name none. Pages of this host may call, as over REST.
fn may_call(gateway: &Gateway, headers: &HeaderMap) -> bool {
    let Some(origin) = header(headers, ORIGIN.as_str()) else {
        return !headers.contains_key(ORIGIN);
    };
    let of_page = origin.split_once("://").map(|(_, host)| host);
    let is_same = of_page.is_some_and(|host| header(headers, HOST.as_str()) == Some(host));
    is_same || gateway.cors().allowed(headers).is_some()
}

/// Upgrades the connection. The token is in the first frame, since URLs are logged.
pub(super) fn open<W: Wire>(
    gateway: Gateway,
    peer: Peer,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !peer.origin_is_allowed {
        let text = "this origin may not connect: it is not among cors_origins";
        return agora::refused_at_once(&gateway, &Refusal::new(403, "forbidden_op", text));
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(why) => {
            let text = format!("this is a WebSocket endpoint: {}", why.body_text());
            let refusal = Refusal::new(StatusCode::BAD_REQUEST.as_u16(), "illegal_argument", text);
            return agora::refused_at_once(&gateway, &refusal);
        }
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_failed_upgrade(|error| tracing::debug!(%error, "a WebSocket was not opened"))
        .on_upgrade(move |socket| Socket::new(gateway, peer, socket).run::<W>())
        .into_response()
}
