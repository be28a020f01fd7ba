//! The position of a device, as the conversation service has it.

use std::time::Duration;

use tidings_domain::{Error, UnixMillis};
use tidings_proto::internal;
use tidings_runtime::context;
use tokio::time::timeout;

use super::position::ReachedCursor;
use crate::{realtime::client::Client, reply::refused};

/// How long a session waits for its position to be saved. If it is not, the device gets a few entries again.
const SAVING: Duration = Duration::from_secs(2);

/// `None`: the device is not known.
pub(super) async fn saved(client: &Client) -> Result<Option<ReachedCursor>, Error> {
    let request = internal::GetDevicePositionRequest { user_id: None, device: client.device.to_string() };
    let mut conversations = client.gateway.clients().conversation_internal.clone();
    let reply = conversations.get_device_position(context::request(&client.caller, request)).await;
    let internal::GetDevicePositionResponse { cursor, reached_at_ms } = reply.map_err(refused)?.into_inner();
    Ok((!cursor.is_empty()).then(|| ReachedCursor { cursor: cursor.into(), at: UnixMillis(reached_at_ms) }))
}

/// Saves it, if that is possible now.
pub(super) async fn save(client: &Client, place: &ReachedCursor) {
    let (device, cursor) = (client.device.to_string(), place.cursor.to_string());
    let reached_at_ms = place.at.0;
    let request = internal::SaveDevicePositionRequest { user_id: None, device, cursor, reached_at_ms };
    let mut conversations = client.gateway.clients().conversation_internal.clone();
    let saving = conversations.save_device_position(context::request(&client.caller, request));
    match timeout(SAVING, saving).await {
        Ok(Ok(_)) => {}
        Ok(Err(status)) => tracing::debug!(%status, "the position of a device was not saved"),
        Err(_) => tracing::debug!("the position of a device was not saved in time"),
    }
}
