//! The directory that a command calls: the running server's, or one opened on the data itself when no server is known to
//! run on it.

use std::{fs, sync::Arc};

use tidings_domain::Error;
use tidings_proto::pb::directory_service_client::DirectoryServiceClient;
use tidings_runtime::{Certificates, Config, GuardedClock, Wire};
use tidings_store::{Location, SchemaState};

use crate::{
    Roles, Running,
    running::{self, location},
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
    if server::holds_data_folder(config) {
        return Ok((Directory::new(beside(config).await?), None));
    }
    let mut alone = config.clone();
    alone.grpc_listen = Some("127.0.0.1:0".to_owned());
    // A process that serves may have the address.
    alone.metrics_listen = Some("off".to_owned());
    alone.database.skip_migrations |= !is_new(config).await?;
    let certificates = Certificates::load_also_expired(&config.tls)?;
    let started = running::start_with(&alone, certificates, Roles::DIRECTORY, Arc::new(GuardedClock::new()));
    let running = started.await?;
    Ok((running.clients.directory.clone(), Some(running)))
}

/// The server that holds the data folder.
async fn beside(config: &Config) -> Result<Wire, Error> {
    let wire = async { server::on_data_folder(config)?.ready_wire().await };
    wire.await.map_err(|error| {
        let folder = config.data.display();
        Error::invalid("data", format!("folder {folder} is in use by another tidings process, and {error}"))
    })
}

/// Whether the directory has no tables yet, so that they may be made. Those that are there stay as they are: an older
/// server may be at work on them.
async fn is_new(config: &Config) -> Result<bool, Error> {
    let (schema, location) = (&tidings_directory::SCHEMA, location(config));
    if let Location::Folder(folder) = &location {
        let file = folder.join(format!("{}.sqlite", schema.name));
        if fs::metadata(file).map_or(0, |found| found.len()) == 0 {
            return Ok(true);
        }
    }
    let db = tidings_store::open(&location, schema, false).await?;
    let standing = schema.standing(&db).await;
    db.close().await;
    match standing? {
        SchemaState::UpToDate => Ok(false),
        SchemaState::Behind(steps) if steps == schema.sqlite.len() => Ok(true),
        SchemaState::Behind(steps) => {
            let rule = format!(
                "has tables of {} that lack {steps} migrations of this version, and this command leaves them as they are: \
                 if a server of an older version runs, use that version's commands, or name it with --server; else run \
                 `tidings migrate`, or start this version's server",
                schema.name
            );
            Err(Error::invalid("the database", rule))
        }
        SchemaState::Ahead(steps) => {
            let rule = format!(
                "has tables of {} that are {steps} migrations ahead of this version: update this program, or name a \
                 running server with --server",
                schema.name
            );
            Err(Error::invalid("the database", rule))
        }
    }
}
