//! Starts the roles of one process and runs them to the end.
//!
//! Local roles are called in process, remote ones over TCP; there is no other difference between the deployments.

use std::{future::Future, net::SocketAddr, path::Path, pin::Pin, sync::Arc, time::Duration};

use tidings_callback::CallbackGrpc;
use tidings_conversation::ConversationGrpc;
use tidings_directory::Directory;
use tidings_directory_client::DirectoryCache;
use tidings_domain::{Clock, Error, OsEntropy};
use tidings_file::{FileGrpc, Objects};
use tidings_gateway::{Accounts, Gateway, GatewayConfig, Realtime};
use tidings_message::MessageGrpc;
use tidings_proto::{
    internal::{
        conversation_internal_service_client::ConversationInternalServiceClient,
        conversation_internal_service_server::ConversationInternalServiceServer,
        directory_internal_service_server::DirectoryInternalServiceServer,
        file_internal_service_client::FileInternalServiceClient,
        file_internal_service_server::FileInternalServiceServer,
        message_internal_service_client::MessageInternalServiceClient,
        message_internal_service_server::MessageInternalServiceServer,
    },
    pb::{
        callback_service_server::CallbackServiceServer, conversation_service_server::ConversationServiceServer,
        directory_service_server::DirectoryServiceServer, file_service_client::FileServiceClient,
        file_service_server::FileServiceServer, group_service_server::GroupServiceServer,
        message_service_client::MessageServiceClient, message_service_server::MessageServiceServer,
        realtime_service_server::RealtimeServiceServer,
    },
};
use tidings_runtime::{
    Bounds, Bus, Certificates, Clients, Config, Connector, DataFolder, GrpcServer, MetricsExport, Pair, Protocol,
    ServiceKeys, Task, Tasks, Wire, bind, config::Addresses, keep_private, low_space, most_connections, serve_metrics,
};
use tidings_store::{Db, Location, Schema};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    Roles, bus,
    deleted_apps::{self, ServiceRows},
    door::{self, Wires},
    keys, metrics,
    ready::{NotReady, Readiness},
    watch_clock,
};

/// How long open calls may take after the stop signal.
const DRAIN: Duration = Duration::from_secs(8);
/// The same for a gateway after its connected clients were sent away: their ends are reported.
const AFTER_CLIENTS: Duration = Duration::from_secs(3);
/// The minimum time for background tasks once no call is open any more.
const LAST: Duration = Duration::from_secs(1);
/// How long an idle client connection may stay open after the listener is closed. A request in flight on it is
/// answered.
const LINGER: Duration = Duration::from_secs(1);
/// The time between the stop signal and closing the listeners of a role: meanwhile its clients see that it is not
/// ready, and switch to another process of the role.
const DRAIN_DELAY: Duration = Duration::from_secs(1);
/// Enough for a call with 600 recipients and the largest content that an app may allow; more than all words that an app
/// may list.
const MAX_REQUEST: usize = 8 * 1024 * 1024;

/// A running process.
pub struct Running {
    /// The address of the REST listener.
    pub rest: Option<SocketAddr>,
    /// The address of the gRPC listener.
    pub grpc: Option<SocketAddr>,
    /// The address of the listener for `/metrics`.
    pub metrics: Option<SocketAddr>,
    /// Whether REST and gRPC speak TLS.
    pub is_tls: bool,
    /// What internal services send as `authorization: Bearer`.
    pub service_key: String,
    /// Clients of every service, local or remote.
    pub clients: Clients,
    background: Tasks,
    tasks: JoinSet<Result<(), Error>>,
    databases: Vec<Db>,
    folder: Option<DataFolder>,
    drain_delay: Duration,
    drain: Duration,
}

/// Starts the roles. When this returns, every listener is bound and every table exists.
pub async fn start(config: &Config, roles: Roles, clock: Arc<dyn Clock>) -> Result<Running, Error> {
    let certificates = Certificates::load(&config.tls, clock.now())?;
    start_with(config, certificates, roles, clock).await
}

/// The same with certificates that were read before.
pub async fn start_with(
    config: &Config,
    certificates: Certificates,
    roles: Roles,
    clock: Arc<dyn Clock>,
) -> Result<Running, Error> {
    let metrics_export = MetricsExport::configured(&config.telemetry, roles.name, Arc::clone(&clock))?;
    let folder = data_folder(config, roles)?;
    let keys = keys::service_keys(config, folder.as_ref())?;
    let tasks = Tasks::default();
    let bus = bus::start(config, roles, &tasks)?;
    let mut starting = Starting {
        config,
        folder: folder.as_ref(),
        clock: Arc::clone(&clock),
        tasks,
        bus,
        keys: keys.clone(),
        connector: certificates.connector(),
        roles,
        databases: Vec::new(),
        measured: Vec::new(),
        kept: Vec::new(),
    };

    if roles.keeps_data() && config.database.url.is_none() {
        let data = config.data.clone();
        starting.tasks.conditions().ask(move || low_space(&data));
    }
    let directory = if roles.directory { Some(starting.directory().await?) } else { None };
    let directory_here = directory.as_ref().map(|(directory, _)| directory.wire());
    let directory_wire = starting.wire("directory", config.peers.directory.as_ref(), directory_here)?;
    let groups = directory.as_ref().map(|(_, groups)| Wire::local(groups.clone()));
    let group_wire = starting.wire("directory", config.peers.directory.as_ref(), groups)?;
    let cache = DirectoryCache::new(directory_wire.clone(), group_wire.clone(), Arc::clone(&clock));
    let file = if roles.file { Some(starting.file(cache.clone()).await?) } else { None };
    let file_wire = starting.patient_wire("file", config.peers.file.as_ref(), file.as_ref().map(Pair::wire))?;
    let message = if roles.message { Some(starting.message(cache.clone(), file_wire.clone()).await?) } else { None };
    let message_wire = starting.wire("message", config.peers.message.as_ref(), message.as_ref().map(Pair::wire))?;
    let conversation =
        if roles.conversation { Some(starting.conversation(cache.clone(), message_wire.clone()).await?) } else { None };
    let conversation_peers = config.peers.conversation.as_ref();
    let conversation_wire = starting.wire("conversation", conversation_peers, conversation.as_ref().map(Pair::wire))?;
    let callback = if roles.callback {
        let log = (message_wire.clone(), conversation_wire.clone());
        Some(starting.callback(cache.clone(), log).await?)
    } else {
        None
    };
    let callback_wire = starting.wire("callback", config.peers.callback.as_ref(), callback.clone().map(Wire::local))?;
    let passed = Wires {
        directory: directory_wire.clone(),
        group: group_wire.clone(),
        message: message_wire.clone(),
        conversation: conversation_wire.clone(),
        file: file_wire.clone(),
        callback: config.peers.callback.as_ref().map(|_| callback_wire.clone()),
    };
    let clients = Clients::new(directory_wire, group_wire, message_wire, conversation_wire, file_wire, callback_wire);

    let Starting { tasks: background, databases, measured, kept, .. } = starting;
    deleted_apps::spawn(&background, cache.clone(), kept);
    watch_clock::spawn(&background, &databases, &clock);
    watch_certificates(&background, &certificates, &clock);
    let shutdown = background.shutdown().clone();
    let mut tasks = JoinSet::new();
    let mut running = Running {
        rest: None,
        grpc: None,
        metrics: None,
        is_tls: certificates.are_served(),
        service_key: keys.shown().to_owned(),
        clients: clients.clone(),
        background: background.clone(),
        tasks: JoinSet::new(),
        databases: databases.clone(),
        folder,
        drain_delay: drain_delay(config, roles),
        drain: DRAIN.max(Duration::from_millis(config.drain_clients_ms) + AFTER_CLIENTS),
    };
    let serves_grpc = roles.serves_grpc() || door::is_open(config, roles);
    // If both are served, each gets half of the available connections.
    let bounds = config.limits.bounds(most_connections() / if roles.gateway && serves_grpc { 2 } else { 1 });
    let readiness = Readiness {
        databases: databases.clone(),
        peers: called(config, roles),
        service_key: keys.shown().to_owned(),
        connector: certificates.connector(),
        conditions: background.conditions().clone(),
        shutdown: shutdown.clone(),
    };
    if let Some(export) = metrics_export {
        metrics::export(export, &background, &measured);
    }
    if let Some(listener) = metrics::listener(config, roles).await? {
        running.metrics = Some(listener.local_addr().map_err(Error::internal)?);
        let stop = shutdown.clone();
        let numbers = move || metrics::text(&measured);
        tasks.spawn(async move {
            serve_metrics(listener, numbers, stop).await;
            Ok(())
        });
    }
    let gateway = roles.gateway.then(|| gateway((config, bounds), &keys, clients, clock, readiness.clone()));
    let mut health = None;
    if serves_grpc {
        let listener = bind("grpc_listen", config.grpc_address()).await?;
        running.grpc = Some(listener.local_addr().map_err(Error::internal)?);
        let mut server = GrpcServer::default();
        server.accept_through(certificates.acceptor(Protocol::Http2));
        if let Some((directory, groups)) = directory {
            server.add(directory.public).await;
            server.add(directory.internal).await;
            server.add(groups).await;
        }
        if let Some(message) = message {
            server.add(message.public).await;
            server.add(message.internal).await;
        }
        if let Some(conversation) = conversation {
            server.add(conversation.public).await;
            server.add(conversation.internal).await;
        }
        if let Some(file) = file {
            server.add(file.public).await;
            server.add(file.internal).await;
        }
        if let Some(callback) = callback {
            server.add(callback).await;
        }
        if let Some(gateway) = &gateway {
            if !roles.serves_grpc() {
                door::pass(&mut server, passed, gateway).await;
            }
            server.add(RealtimeServiceServer::new(Realtime::new(gateway.clone(), cache))).await;
            server.admit_accounts(Accounts::new(gateway.clone()));
        }
        health = Some(server.health());
        let (keys, shutdown) = (keys.clone(), shutdown.clone());
        tasks.spawn(async move { server.serve(listener, keys, bounds, shutdown).await });
    }
    if let Some(gateway) = gateway {
        let listener = bind("listen", &config.listen).await?;
        let acceptor = certificates.acceptor(Protocol::Http1);
        running.rest = Some(listener.local_addr().map_err(Error::internal)?);
        let (stop, drain_delay) = (shutdown.clone(), drain_delay(config, roles));
        tasks.spawn(async move {
            tidings_gateway::serve((listener, acceptor), gateway, bounds, stop, drain_delay.min(LINGER)).await;
            Ok(())
        });
    }
    if let Some(health) = &health {
        health.set(readiness.check().await.is_ok()).await;
    }
    tasks.spawn(async move {
        readiness.watch(health).await;
        Ok(())
    });
    running.tasks = tasks;
    Ok(running)
}

/// Reads the files of certificates again when they change.
fn watch_certificates(tasks: &Tasks, certificates: &Certificates, clock: &Arc<dyn Clock>) {
    if certificates.are_configured() {
        let (certificates, clock) = (certificates.clone(), Arc::clone(clock));
        tasks.run(Task::new("watch of certificates"), move || certificates.clone().follow_files(Arc::clone(&clock)));
    }
}

/// The services that the roles call remotely, as far as the config names them.
pub fn called(config: &Config, roles: Roles) -> Vec<(&'static str, Addresses)> {
    let named = |name| config.peers.all().find(|(known, _)| *known == name);
    roles.calls().filter_map(named).map(|(name, addresses)| (name, addresses.clone())).collect()
}

/// How long the process keeps serving after the stop signal. Nobody takes over from a process with every role.
fn drain_delay(config: &Config, roles: Roles) -> Duration {
    let otherwise = if roles == Roles::ALL { Duration::ZERO } else { DRAIN_DELAY };
    config.drain_delay_ms.map_or(otherwise, Duration::from_millis)
}

/// Placeholder for a peer that this process never calls.
const UNUSED: &str = "http://127.0.0.1:1";

type DirectoryPair = Pair<DirectoryServiceServer<Directory>, DirectoryInternalServiceServer<Directory>>;
type FilePair = Pair<FileServiceServer<FileGrpc>, FileInternalServiceServer<FileGrpc>>;
type MessagePair = Pair<MessageServiceServer<MessageGrpc>, MessageInternalServiceServer<MessageGrpc>>;
type ConversationPair =
    Pair<ConversationServiceServer<ConversationGrpc>, ConversationInternalServiceServer<ConversationGrpc>>;

/// What is needed to start a role.
struct Starting<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
    folder: Option<&'a DataFolder>,
    tasks: Tasks,
    bus: Arc<dyn Bus>,
    keys: ServiceKeys,
    connector: Connector,
    roles: Roles,
    databases: Vec<Db>,
    /// The same with their names, for the numbers.
    measured: Vec<(&'static str, Db)>,
    /// What is removed with an app.
    kept: ServiceRows,
}

impl Starting<'_> {
    async fn open(&mut self, schema: &Schema) -> Result<Db, Error> {
        let migrate = !self.config.database.skip_migrations;
        // None where a server stores the data.
        let file = self.folder.filter(|_| self.config.database.url.is_none());
        let file = file.map(|folder| (folder, format!("{}.sqlite", schema.name)));
        if let Some((folder, name)) = &file {
            folder.check_database(name)?;
        }
        let db = tidings_store::open(&location(self.config), schema, migrate).await?;
        if let Some((folder, name)) = &file {
            folder.note_database(name)?;
        }
        if let Some(source) = tidings_store::table_copy::begun(&db).await? {
            let words = format!("holds an incomplete copy: run `tidings copy` from {source} again");
            return Err(Error::invalid("database.url", words));
        }
        if !migrate {
            schema.check(&db).await?;
        }
        let upkeep = db.clone();
        self.tasks.run(Task::new("upkeep of a database"), move || upkeep.clone().upkeep());
        watch_clock::compare(&db, &*self.clock).await;
        self.databases.push(db.clone());
        self.measured.push((schema.name, db.clone()));
        Ok(db)
    }

    async fn directory(&mut self) -> Result<(DirectoryPair, GroupServiceServer<Directory>), Error> {
        let db = self.open(&tidings_directory::SCHEMA).await?;
        let data_key = keys::data_key(self.config, self.folder, &tidings_directory::sealed(&db).await?)?;
        self.kept.push((db.clone(), tidings_directory::app_rows()));
        let entropy = Arc::new(OsEntropy);
        let tasks = self.tasks.clone();
        let (clock, bus) = (Arc::clone(&self.clock), Arc::clone(&self.bus));
        let deps = tidings_directory::Deps { db, clock, entropy, bus, tasks, data_key };
        let directory = tidings_directory::build(deps)?;
        let service = Pair {
            public: DirectoryServiceServer::new(directory.clone()).max_decoding_message_size(MAX_REQUEST),
            internal: DirectoryInternalServiceServer::new(directory.clone()),
        };
        Ok((service, GroupServiceServer::new(directory)))
    }

    async fn file(&mut self, directory: DirectoryCache) -> Result<FilePair, Error> {
        tidings_outbound::name_tls_backend();
        if let Some(folder) = &self.config.files.folder {
            keep_private("files.folder", folder)?;
        }
        let objects = Objects::open(&self.config.files, self.config.data.join("files"))?;
        objects.check().await?;
        let service = tidings_file::build(tidings_file::Deps {
            db: self.open(&tidings_file::SCHEMA).await?,
            objects,
            directory,
            clock: Arc::clone(&self.clock),
            entropy: Arc::new(OsEntropy),
            tasks: self.tasks.clone(),
        })?;
        Ok(Pair { internal: FileInternalServiceServer::new(service.clone()), public: FileServiceServer::new(service) })
    }

    async fn message(&mut self, directory: DirectoryCache, file: Wire) -> Result<MessagePair, Error> {
        let db = self.open(&tidings_message::SCHEMA).await?;
        self.kept.push((db.clone(), tidings_message::app_rows()));
        let deps = tidings_message::Deps {
            db,
            directory,
            files_internal: FileInternalServiceClient::new(file.clone()).max_decoding_message_size(MAX_REQUEST),
            files: FileServiceClient::new(file),
            screens: Arc::new(tidings_message::Screens::new()?),
            clock: Arc::clone(&self.clock),
            bus: Arc::clone(&self.bus),
            appender: self.config.appender.clone(),
            tasks: self.tasks.clone(),
        };
        let service = tidings_message::build(deps).await?;
        let internal = MessageInternalServiceServer::new(service.clone()).max_decoding_message_size(MAX_REQUEST);
        Ok(Pair { internal, public: MessageServiceServer::new(service).max_decoding_message_size(MAX_REQUEST) })
    }

    async fn conversation(&mut self, directory: DirectoryCache, message: Wire) -> Result<ConversationPair, Error> {
        let db = self.open(&tidings_conversation::SCHEMA).await?;
        self.kept.push((db.clone(), tidings_conversation::app_rows()));
        let service = tidings_conversation::build(tidings_conversation::Deps {
            db,
            directory,
            message_internal: MessageInternalServiceClient::new(message.clone()),
            message: MessageServiceClient::new(message),
            clock: Arc::clone(&self.clock),
            read: Arc::default(),
            delivered: Arc::default(),
            pinned: Arc::default(),
            tasks: self.tasks.clone(),
        });
        let internal = ConversationInternalServiceServer::new(service.clone());
        Ok(Pair { internal, public: ConversationServiceServer::new(service) })
    }

    async fn callback(
        &mut self,
        directory: DirectoryCache,
        (message, conversation): (Wire, Wire),
    ) -> Result<CallbackServiceServer<CallbackGrpc>, Error> {
        let db = self.open(&tidings_callback::SCHEMA).await?;
        let data_key = keys::data_key(self.config, self.folder, &tidings_callback::sealed(&db).await?)?;
        let service = tidings_callback::build(tidings_callback::Deps {
            db,
            directory,
            message: MessageServiceClient::new(message).max_decoding_message_size(MAX_REQUEST),
            conversation: ConversationInternalServiceClient::new(conversation),
            clock: Arc::clone(&self.clock),
            entropy: Arc::new(OsEntropy),
            data_key,
            schedule: self.config.callbacks.schedule(),
            tasks: self.tasks.clone(),
        })?;
        Ok(CallbackServiceServer::new(service))
    }

    /// A channel to the service in this process, else to the peer.
    fn wire(&self, name: &str, peer: Option<&Addresses>, here: Option<Wire>) -> Result<Wire, Error> {
        self.wire_by(Wire::remote, name, peer, here)
    }

    /// The same for calls that carry whole files.
    fn patient_wire(&self, name: &str, peer: Option<&Addresses>, here: Option<Wire>) -> Result<Wire, Error> {
        self.wire_by(Wire::remote_patient, name, peer, here)
    }

    fn wire_by(
        &self,
        remote: fn(&Addresses, &str, &Connector) -> Result<Wire, Error>,
        name: &str,
        peer: Option<&Addresses>,
        here: Option<Wire>,
    ) -> Result<Wire, Error> {
        match (here, peer) {
            (Some(wire), _) => Ok(wire),
            (None, Some(addresses)) => remote(addresses, self.keys.shown(), &self.connector),
            (None, None) if !self.roles.calls().any(|called| called == name) => {
                remote(&Addresses::read(UNUSED), self.keys.shown(), &self.connector)
            }
            (None, None) => {
                let (role, variable) = (self.roles.name, name.to_ascii_uppercase());
                let rule = format!(
                    "is required by `tidings {role}`: set TIDINGS_PEERS_{variable} to where the {name} service \
                     listens, as http://host:port, or several of them with commas between"
                );
                Err(Error::invalid(&format!("peers.{name}"), rule))
            }
        }
    }
}

fn data_folder(config: &Config, roles: Roles) -> Result<Option<DataFolder>, Error> {
    let own_keys = config.service_key.is_some() && (config.data_key.is_some() || !(roles.directory || roles.callback));
    let elsewhere = config.database.url.is_some() || !roles.keeps_data();
    if own_keys && elsewhere && roles != Roles::ALL {
        return Ok(None);
    }
    DataFolder::lock(&config.data).map(Some)
}

/// The configured location of the data.
pub fn location(config: &Config) -> Location {
    match &config.database.url {
        Some(url) => Location::Postgres(url.clone()),
        None => Location::Folder(config.data.clone()),
    }
}

fn gateway(
    (config, bounds): (&Config, Bounds),
    keys: &ServiceKeys,
    clients: Clients,
    clock: Arc<dyn Clock>,
    needs: Readiness,
) -> Gateway {
    let settings = GatewayConfig {
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        link_keys: keys.accepted().map(|key| key.as_bytes().to_owned()).collect(),
        sockets: Some(config.limits.most_sockets(bounds.total)),
        drain_clients: Some(Duration::from_millis(config.drain_clients_ms)),
    };
    let ready = Arc::new(move || {
        let needs = needs.clone();
        let check: Pin<Box<dyn Future<Output = Result<(), String>> + Send>> =
            Box::pin(async move { needs.check().await.map_err(|NotReady { why, .. }| why) });
        check
    });
    Gateway::with_ready(clients, settings, (clock, Arc::new(OsEntropy)), ready)
}

impl Running {
    /// Its data folder, if it has one.
    pub fn data_folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(DataFolder::path)
    }

    /// Stops on Ctrl-C and SIGTERM.
    pub fn stop_on_signals(&self) -> Result<(), Error> {
        self.background.shutdown().on_signals(self.drain_delay).map_err(Error::internal)
    }

    /// Signals everything to stop.
    pub fn stop(&self) {
        self.background.shutdown().trigger();
    }

    /// Runs until the stop signal or the failure of a part, then drains open calls.
    pub async fn finish(mut self) -> Result<(), Error> {
        let mut outcome = Ok(());
        tokio::select! {
            () = self.background.shutdown().triggered() => {}
            Some(ended) = self.tasks.join_next() => outcome = ended.unwrap_or_else(|fault| Err(Error::internal(fault))),
        }
        self.background.shutdown().trigger();
        let by = Instant::now() + self.drain;
        let drain = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout_at(by, drain).await.is_err() {
            tracing::warn!("some calls did not end in time and were aborted");
            self.tasks.abort_all();
        }
        // Since when open calls are being drained.
        self.background.finish(by.saturating_duration_since(Instant::now()).max(LAST)).await;
        for db in &self.databases {
            // A hanging connection must not keep the process alive.
            let _ = tokio::time::timeout(Duration::from_secs(2), db.close()).await;
        }
        outcome
    }
}
