//! The gRPC door of a gateway process: every public service behind its address, wherever it runs.

use tidings_gateway::{Gateway, Passed};
use tidings_proto::pb::{
    callback_service_server::CallbackServiceServer, conversation_service_server::ConversationServiceServer,
    directory_service_server::DirectoryServiceServer, file_service_server::FileServiceServer,
    group_service_server::GroupServiceServer, message_service_server::MessageServiceServer,
};
use tidings_runtime::{Config, GrpcServer, Wire};

use crate::Roles;

/// The ways to the services.
pub struct Wires {
    pub directory: Wire,
    pub group: Wire,
    pub message: Wire,
    pub conversation: Wire,
    pub file: Wire,
    /// Absent: it is not configured where callbacks are.
    pub callback: Option<Wire>,
}

/// Whether a gateway process listens for gRPC: only where it is configured, since its machine may have another
/// service's listener at the default address.
pub fn is_open(config: &Config, roles: Roles) -> bool {
    roles.gateway && !roles.serves_grpc() && config.grpc_listen.is_some()
}

/// Passes calls on to the public services of other processes. What is internal has no address here.
pub async fn pass(server: &mut GrpcServer, wires: Wires, gateway: &Gateway) {
    // The servers only lend their names.
    server.add(Passed::<DirectoryServiceServer<()>>::over(wires.directory, gateway.clone())).await;
    server.add(Passed::<GroupServiceServer<()>>::over(wires.group, gateway.clone())).await;
    server.add(Passed::<MessageServiceServer<()>>::over(wires.message, gateway.clone())).await;
    server.add(Passed::<ConversationServiceServer<()>>::over(wires.conversation, gateway.clone())).await;
    server.add(Passed::<FileServiceServer<()>>::over(wires.file, gateway.clone())).await;
    if let Some(wire) = wires.callback {
        server.add(Passed::<CallbackServiceServer<()>>::over(wire, gateway.clone())).await;
    } else {
        tracing::warn!("CallbackService is not served: set TIDINGS_PEERS_CALLBACK to its address");
    }
}
