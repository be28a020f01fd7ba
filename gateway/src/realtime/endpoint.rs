//! The upgrade to a WebSocket, the same for every wire format.

use std::sync::Arc;

use axum::{
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get},
};
use http::StatusCode;
use tidings_dialects::agora::Refusal;
use tidings_domain::{Error, Reason};

use super::{hub::Hub, peer::Peer, serve::serve, socket::Socket, sockjs::Framing, wire::Wire};
use crate::{Gateway, agora};

/// Maximum size of a frame: a message of the default size with its recipients, several times over. Larger messages are
/// sent over REST.
const MAX_FRAME: usize = 256 * 1024;
/// Bytes that are read at once, and that are written at once. They are held for each connection.
const READ_BUFFER: usize = 2 * 1024;
const WRITE_BUFFER: usize = 4 * 1024;
/// Bytes that wait to be written before the connection fails.
const MAX_WRITE_BUFFER: usize = 4 * 1024 * 1024;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// A `GET` that upgrades the connection.
pub(super) fn endpoint<W: Wire>(hub: &Arc<Hub>, framing: Framing) -> MethodRouter<Gateway> {
    let hub = Arc::clone(hub);
    get(
        move |State(gateway), peer: Peer, upgrade: Upgrade| async move { open::<W>(gateway, hub, peer, (upgrade, framing)) },
    )
}

/// The token is in the first frame, since URLs are logged.
fn open<W: Wire>(gateway: Gateway, hub: Arc<Hub>, peer: Peer, (upgrade, framing): (Upgrade, Framing)) -> Response {
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
    if gateway.sockets().is_full() {
        return agora::fault(&gateway, &Error::new(Reason::Overloaded, ""));
    }
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_failed_upgrade(|error| tracing::debug!(%error, "a WebSocket was not opened"))
        .on_upgrade(move |socket| {
            if let Some(connection) = &peer.connection {
                connection.set_upgraded();
            }
            serve::<W>(Socket::new(gateway, hub, peer, (socket, framing)))
        })
        .into_response()
}
