//! The shapes in which Tidings runs, started for tests.

use std::{
    fs,
    path::Path,
    sync::{Arc, OnceLock, mpsc},
};

use futures_util::future::join_all;
use tempfile::TempDir;
use tidings::{Roles, Running};
use tidings_domain::{Clock, SystemClock};
use tidings_proto::pb::{
    callback_service_client::CallbackServiceClient, conversation_service_client::ConversationServiceClient,
    directory_service_client::DirectoryServiceClient, file_service_client::FileServiceClient,
    message_service_client::MessageServiceClient,
};
use tidings_runtime::Config;
use tokio::sync::OnceCell;
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use crate::{
    Bucket, Reply, TlsClient, fresh_database,
    process::{Process, name_tls_backend},
    split::Split,
};

/// How Tidings runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything in one process, on SQLite.
    Sqlite,
    /// Everything in one process, on PostgreSQL.
    Postgres,
    /// A process for each role, on PostgreSQL and an S3-compatible store, with the command lines of docker-compose.yml.
    Split,
}

/// A running Tidings.
#[derive(Debug)]
pub struct Suite {
    rest: Vec<String>,
    // Not channels: those belong to the runtime of the test that opens them.
    directory: Endpoint,
    messages: Vec<Endpoint>,
    conversation: Endpoint,
    file: Endpoint,
    callback: Endpoint,
    door: Endpoint,
    service_key: String,
    /// Where each process serves its metrics.
    metrics: Vec<String>,
    /// Absent: it speaks plain text.
    tls: Option<TlsClient>,
    // Dropped in this order: processes before the folder.
    _stop: Option<StopOnDrop>,
    split: Option<Split>,
    folder: TempDir,
}

static SHARED: [OnceCell<Arc<Suite>>; 3] = [OnceCell::const_new(), OnceCell::const_new(), OnceCell::const_new()];

impl Suite {
    /// The suite that all tests of this binary share. It ends with the test process.
    pub async fn shared(shape: Shape) -> Arc<Self> {
        SHARED[shape as usize].get_or_init(|| async move { Arc::new(Self::start(shape).await) }).await.clone()
    }

    /// A separate suite, on the machine's clock.
    pub async fn start(shape: Shape) -> Self {
        match shape {
            Shape::Sqlite => Self::all_in_one(None, Arc::new(SystemClock)),
            Shape::Postgres => Self::all_in_one(Some(fresh_database().await), Arc::new(SystemClock)),
            Shape::Split => Self::split(1).await,
        }
    }

    /// Everything in this process, on SQLite or the given PostgreSQL database, on the given clock.
    ///
    /// # Panics
    /// When it does not start.
    pub fn all_in_one(database: Option<String>, clock: Arc<dyn Clock>) -> Self {
        Self::all_in_one_with(database, clock, |_| ())
    }

    /// The same with other settings.
    ///
    /// # Panics
    /// When it does not start.
    pub fn all_in_one_with(database: Option<String>, clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        name_tls_backend();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config {
            data: folder.path().to_owned(),
            listen: "127.0.0.1:0".into(),
            grpc_listen: Some("127.0.0.1:0".into()),
            metrics_listen: Some("127.0.0.1:0".into()),
            ..Config::default()
        };
        config.database.url = database;
        change(&mut config);
        let (running, stop) = in_background(config, clock);
        let grpc = endpoint(&running.grpc);
        Self {
            rest: vec![format!("http://{}", running.rest)],
            directory: grpc.clone(),
            messages: vec![grpc.clone()],
            conversation: grpc.clone(),
            file: grpc.clone(),
            callback: grpc.clone(),
            door: grpc,
            service_key: running.service_key,
            metrics: vec![running.metrics],
            tls: None,
            _stop: Some(stop),
            split: None,
            folder,
        }
    }

    /// A process for each role, and `copies` of the message service, of the callback service and of the gateway.
    ///
    /// # Panics
    /// When a process does not become ready.
    pub async fn split(copies: usize) -> Self {
        Self::split_with(copies, &[]).await
    }

    /// The same with other settings, as environment variables.
    ///
    /// # Panics
    /// When a process does not become ready.
    pub async fn split_with(copies: usize, others: &[(&str, &str)]) -> Self {
        Self::split_by(async |settings| Split::start(settings, copies).await, others).await
    }

    /// `copies` processes of each role, each of which knows all those that it calls.
    ///
    /// # Panics
    /// When a process does not become ready.
    pub async fn replicated(copies: usize, others: &[(&str, &str)]) -> Self {
        Self::split_by(async |settings| Split::replicated(settings, copies).await, others).await
    }

    async fn split_by(start: impl AsyncFnOnce(Vec<(String, String)>) -> Split, others: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let service_key = "0123456789abcdef0123456789abcdef".to_owned();
        let mut settings = vec![
            ("TIDINGS_DATABASE_URL".to_owned(), fresh_database().await),
            ("TIDINGS_SERVICE_KEY".to_owned(), service_key.clone()),
            ("TIDINGS_DATA_KEY".to_owned(), "5a".repeat(32)),
            ("TIDINGS_DATA".to_owned(), folder.path().display().to_string()),
            ("TIDINGS_TELEMETRY_LOG".to_owned(), "warn".to_owned()),
        ];
        settings.extend(Bucket::shared().settings());
        settings.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let split = start(settings).await;
        let endpoints = |role| split.addresses(role).iter().map(|it| endpoint(it)).collect::<Vec<_>>();
        Self {
            rest: split.addresses("gateway").iter().map(|address| format!("http://{address}")).collect(),
            directory: endpoints("directory").remove(0),
            messages: endpoints("message"),
            conversation: endpoints("conversation").remove(0),
            file: endpoints("file").remove(0),
            callback: endpoints("callback").remove(0),
            door: endpoint(&split.door()),
            service_key,
            metrics: split.metrics(),
            tls: None,
            _stop: None,
            split: Some(split),
            folder,
        }
    }

    /// The same, called by a client of TLS, as its settings say.
    #[must_use]
    pub fn over_tls(mut self, client: TlsClient) -> Self {
        self.rest = self.rest.iter().map(|url| url.replacen("http://", "https://", 1)).collect();
        self.tls = Some(client);
        self
    }

    /// A client of REST.
    pub fn http(&self) -> reqwest::Client {
        self.tls.as_ref().map_or_else(reqwest::Client::new, TlsClient::http)
    }

    fn open(&self, endpoint: &Endpoint) -> Channel {
        self.tls.as_ref().map_or_else(|| endpoint.connect_lazy(), |client| client.grpc(endpoint))
    }

    /// Kills copy `copy` of a role of the split shape as a crash would, starts it again at the same address and waits
    /// until it is ready.
    ///
    /// # Panics
    /// When it does not become ready, and on other shapes.
    pub async fn crash(&self, role: &str, copy: usize) {
        self.split.as_ref().expect("only the split shape has processes").crash(role, copy).await;
    }

    /// Stops copy `copy` of a role of the split shape as an operator does, starts it again at the same address and waits
    /// until it is ready.
    ///
    /// # Panics
    /// When it ends with an error or does not become ready, and on other shapes.
    pub async fn restart(&self, role: &str, copy: usize) {
        self.split.as_ref().expect("only the split shape has processes").restart(role, copy).await;
    }

    /// Sends a signal, such as `STOP`, to a process of the split shape.
    ///
    /// # Panics
    /// On other shapes.
    pub fn signal(&self, role: &str, copy: usize, signal: &str) {
        self.split.as_ref().expect("only the split shape has processes").signal(role, copy, signal);
    }

    /// The addresses of a role's processes in the split shape, as `host:port`.
    ///
    /// # Panics
    /// On other shapes.
    pub fn addresses(&self, role: &str) -> Vec<String> {
        self.split.as_ref().expect("only the split shape has processes").addresses(role)
    }

    /// Starts one more process of a role of the split shape, unknown to the others, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready, and on other shapes.
    pub async fn launch(&self, role: &str, address: &str) -> Process {
        self.split.as_ref().expect("only the split shape has processes").one_more(role, address).await
    }

    /// The service key.
    pub fn service_key(&self) -> &str {
        &self.service_key
    }

    /// What every process serves at `/metrics`.
    ///
    /// # Panics
    /// When one does not answer.
    pub async fn metrics(&self) -> Vec<Reply> {
        let get = |address: &String| Reply::to(reqwest::Client::new().get(format!("http://{address}/metrics")));
        join_all(self.metrics.iter().map(get)).await
    }

    /// Everything that the processes of the split shape have logged.
    ///
    /// # Panics
    /// On other shapes.
    pub fn logged(&self) -> String {
        self.split.as_ref().expect("only the split shape has processes").logged()
    }

    /// The objects of files, on shapes that store them in their own folder.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn files_on_disk(&self) -> Vec<String> {
        files_under(&self.folder.path().join("files"))
    }

    /// The address of REST, as `http://host:port`.
    pub fn url(&self) -> String {
        self.rest[0].clone()
    }

    /// The address of each gateway.
    pub fn urls(&self) -> &[String] {
        &self.rest
    }

    /// A gRPC request with the service key and without an app.
    ///
    /// # Panics
    /// Never: the key is visible ASCII.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let key = format!("Bearer {}", self.service_key).parse().expect("visible ASCII");
        request.metadata_mut().insert("authorization", key);
        request
    }

    /// The directory over gRPC.
    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.open(&self.directory))
    }

    /// The log over gRPC.
    pub fn messages(&self) -> MessageServiceClient<Channel> {
        self.messages_of(0)
    }

    /// The log over gRPC, through that copy of the message service.
    pub fn messages_of(&self, copy: usize) -> MessageServiceClient<Channel> {
        MessageServiceClient::new(self.open(&self.messages[copy])).max_decoding_message_size(64 * 1024 * 1024)
    }

    /// Conversations over gRPC.
    pub fn conversations(&self) -> ConversationServiceClient<Channel> {
        ConversationServiceClient::new(self.open(&self.conversation))
    }

    /// Files over gRPC.
    pub fn files(&self) -> FileServiceClient<Channel> {
        FileServiceClient::new(self.open(&self.file))
    }

    /// Callbacks over gRPC.
    pub fn callbacks(&self) -> CallbackServiceClient<Channel> {
        CallbackServiceClient::new(self.open(&self.callback)).max_decoding_message_size(64 * 1024 * 1024)
    }

    /// A raw gRPC channel to the service with that name, such as `GroupService` or `FileInternalService`.
    ///
    /// # Panics
    /// When there is none.
    pub fn channel_to(&self, service: &str) -> Channel {
        let at = match service.replace("Internal", "").as_str() {
            "DirectoryService" | "GroupService" => &self.directory,
            "MessageService" => &self.messages[0],
            "ConversationService" => &self.conversation,
            "FileService" => &self.file,
            "CallbackService" => &self.callback,
            "RealtimeService" => &self.door,
            _ => panic!("no service {service}"),
        };
        self.open(at)
    }

    /// A raw gRPC channel to the door: the address of all public services.
    pub fn door(&self) -> Channel {
        self.open(&self.door)
    }

    /// Where the door is, as `host:port`.
    ///
    /// # Panics
    /// When there is none.
    pub fn door_address(&self) -> String {
        self.door.uri().authority().expect("an address").to_string()
    }

    /// A raw gRPC channel to the message service (in the all-in-one: to every service).
    pub fn channel(&self) -> Channel {
        self.open(&self.messages[0])
    }
}

/// The paths of all files below a folder, sorted.
///
/// # Panics
/// When it cannot be read.
pub fn files_under(folder: &Path) -> Vec<String> {
    let mut folders = vec![folder.to_owned()];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { paths.push(path.display().to_string()) }
        }
    }
    paths.sort();
    paths
}

fn endpoint(address: &str) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).expect("an address")
}

/// Addresses of a process that runs in a separate thread, so that it outlives the runtime of the test that started
/// it.
struct Addresses {
    rest: String,
    grpc: String,
    metrics: String,
    service_key: String,
}

#[derive(Debug)]
struct StopOnDrop(Option<tokio::sync::oneshot::Sender<()>>, Option<std::thread::JoinHandle<()>>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        drop(self.0.take());
        if let Some(thread) = self.1.take() {
            let _ = thread.join();
        }
    }
}

fn in_background(config: Config, clock: Arc<dyn Clock>) -> (Addresses, StopOnDrop) {
    static LOG: OnceLock<()> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = tidings_runtime::config::Telemetry { log: "warn".into(), ..Default::default() };
        std::mem::forget(tidings_runtime::telemetry::start(&log, "test"));
    });
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let running: Running = tidings::start(&config, Roles::ALL, clock).await.expect("it starts");
            let addresses = Addresses {
                rest: running.rest.expect("REST listens").to_string(),
                grpc: running.grpc.expect("gRPC listens").to_string(),
                metrics: running.metrics.expect("metrics are served").to_string(),
                service_key: running.service_key.clone(),
            };
            tell.send(addresses).expect("the test waits");
            let _ = stopped.await;
            running.stop();
            running.finish().await.expect("it stops");
        });
    });
    let addresses = told.recv().expect("it starts");
    (addresses, StopOnDrop(Some(stop), Some(thread)))
}
