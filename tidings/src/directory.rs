//! The directory that a command calls: the running server's, or one opened on the data folder itself when no server
//! runs on it.

use std::sync::Arc;

use tidings_domain::Error;
use tidings_proto::pb::directory_service_client::DirectoryServiceClient;
use tidings_runtime::{Config, GuardedClock, Wire};

use crate::{
    Roles, Running, running,
    server::{self, Server},
};

/// A client of the directory.
pub type Directory = DirectoryServiceClient<Wire>;

/// Larger than the largest word list.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Runs `act` against the directory, and stops what was started for it.
pub async fn with_directory(
    config: &Config,
    server: Server,
    act: impl AsyncFnOnce(Directory) -> Result<(), Error>,
) -> Result<(), Error> {
    let (directory, embedded) = connect(config, server).await?;
    let done = act(directory.max_decoding_message_size(MAX_ANSWER)).await;
    if let Some(running) = embedded {
        running.stop();
        running.finish().await?;
    }
    done
}

async fn connect(config: &Config, server: Server) -> Result<(Directory, Option<Running>), Error> {
    if let Some(found) = server.named(config, config.peers.directory.as_ref())? {
        return Ok((Directory::new(found.wire()?), None));
    }
    let mut alone = config.clone();
    alone.grpc_listen = Some("127.0.0.1:0".to_owned());
    // A process that serves may have the address.
    alone.metrics_listen = Some("off".to_owned());
    match running::start(&alone, Roles::DIRECTORY, Arc::new(GuardedClock::new())).await {
        Ok(running) => Ok((running.clients.directory.clone(), Some(running))),
        // A server holds the data folder: call it.
        Err(error) => Ok((Directory::new(server::on_data_folder(config).map_err(|_| error)?.wire()?), None)),
    }
}
