//! The shapes in which Tidings runs, started for tests.

use std::{
    fs,
    path::Path,
    sync::{Arc, OnceLock, mpsc},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tidings::{Roles, Running};
use tidings_domain::{Clock, SystemClock};
use tidings_proto::pb::{
    conversation_service_client::ConversationServiceClient, directory_service_client::DirectoryServiceClient,
    message_service_client::MessageServiceClient,
};
use tidings_runtime::Config;
use tokio::sync::OnceCell;
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use crate::{Process, free_address, fresh_database};

/// How Tidings runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything in one process, on SQLite.
    Sqlite,
    /// Everything in one process, on PostgreSQL.
    Postgres,
    /// A process for each role, on PostgreSQL, with the command lines of docker-compose.yml.
    Split,
}

/// A running Tidings.
#[derive(Debug)]
pub struct Suite {
    rest: Vec<String>,
    // Not channels: those live and die with the runtime of the test that opens them.
    directory: Endpoint,
    message: Endpoint,
    conversation: Endpoint,
    service_key: String,
    // Dropped in this order: processes before the folder.
    _stop: Option<StopOnDrop>,
    _processes: Vec<Process>,
    _folder: TempDir,
}

static SHARED: [OnceCell<Arc<Suite>>; 3] = [OnceCell::const_new(), OnceCell::const_new(), OnceCell::const_new()];

impl Suite {
    /// The suite that all tests of this binary share. It ends with the test process.
    pub async fn shared(shape: Shape) -> Arc<Self> {
        SHARED[shape as usize].get_or_init(|| async move { Arc::new(Self::start(shape).await) }).await.clone()
    }

    /// A suite of one's own, on the machine's clock.
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
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config {
            data: folder.path().to_owned(),
            listen: "127.0.0.1:0".into(),
            grpc_listen: "127.0.0.1:0".into(),
            ..Config::default()
        };
        config.database.url = database;
        let (running, stop) = in_background(config, clock);
        let grpc = endpoint(&running.grpc);
        Self {
            rest: vec![format!("http://{}", running.rest)],
            directory: grpc.clone(),
            message: grpc.clone(),
            conversation: grpc,
            service_key: running.service_key,
            _stop: Some(stop),
            _processes: Vec::new(),
            _folder: folder,
        }
    }

    /// A process for each role, and `copies` of the message service and of the gateway.
    ///
    /// # Panics
    /// When a process does not become ready.
    pub async fn split(copies: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let service_key = "0123456789abcdef0123456789abcdef".to_owned();
        let settings = vec![
            ("TIDINGS_DATABASE_URL".to_owned(), fresh_database().await),
            ("TIDINGS_SERVICE_KEY".to_owned(), service_key.clone()),
            ("TIDINGS_DATA_KEY".to_owned(), "5a".repeat(32)),
            ("TIDINGS_DATA".to_owned(), folder.path().display().to_string()),
            ("TIDINGS_TELEMETRY_LOG".to_owned(), "warn".to_owned()),
        ];
        let mut split = Split { settings, processes: Vec::new() };
        split.migrate();
        let directory = split.service("directory").await;
        split.peer("DIRECTORY", &directory);
        let message = split.service("message").await;
        split.peer("MESSAGE", &message);
        let conversation = split.service("conversation").await;
        split.peer("CONVERSATION", &conversation);
        let mut rest = vec![split.gateway().await];
        for _ in 1..copies {
            let other = split.service("message").await;
            split.peer("MESSAGE", &other);
            rest.push(split.gateway().await);
        }
        Self {
            rest,
            directory: endpoint(&directory),
            message: endpoint(&message),
            conversation: endpoint(&conversation),
            service_key,
            _stop: None,
            _processes: split.processes,
            _folder: folder,
        }
    }

    /// Where REST is, as `http://host:port`.
    pub fn url(&self) -> String {
        self.rest[0].clone()
    }

    /// Where each gateway is.
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
        DirectoryServiceClient::new(self.directory.connect_lazy())
    }

    /// The log over gRPC.
    pub fn messages(&self) -> MessageServiceClient<Channel> {
        MessageServiceClient::new(self.message.connect_lazy()).max_decoding_message_size(64 * 1024 * 1024)
    }

    /// Conversations over gRPC.
    pub fn conversations(&self) -> ConversationServiceClient<Channel> {
        ConversationServiceClient::new(self.conversation.connect_lazy())
    }

    /// A raw gRPC channel to the message service (in the all-in-one: to every service).
    pub fn channel(&self) -> Channel {
        self.message.connect_lazy()
    }
}

fn endpoint(address: &str) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).expect("an address")
}

/// Processes in the making.
struct Split {
    settings: Vec<(String, String)>,
    processes: Vec<Process>,
}

impl Split {
    fn migrate(&self) {
        let mut command = std::process::Command::new(crate::tidings_binary());
        command.args(compose_command("migrate")).envs(self.settings.iter().cloned());
        let done = command.output().expect("the program can be started");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn peer(&mut self, name: &str, address: &str) {
        let name = format!("TIDINGS_PEERS_{name}");
        self.settings.retain(|(setting, _)| *setting != name);
        self.settings.push((name, format!("http://{address}")));
    }

    /// Starts a gRPC role and waits until it is ready.
    async fn service(&mut self, role: &str) -> String {
        let address = free_address();
        self.processes.push(Process::start(&listening_at(compose_command(role), &address), &self.settings));
        wait_until(&format!("the {role} service to be ready"), async || {
            tidings::is_ready(&format!("http://{address}")).await
        })
        .await;
        address
    }

    /// Starts a gateway and waits until it is ready.
    async fn gateway(&mut self) -> String {
        let address = free_address();
        self.processes.push(Process::start(&listening_at(compose_command("gateway"), &address), &self.settings));
        let url = format!("http://{address}");
        wait_until("the gateway to be ready", async || {
            reqwest::get(format!("{url}/readyz")).await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        url
    }
}

/// The command line of a container, from docker-compose.yml.
fn compose_command(service: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker-compose.yml");
    let text = fs::read_to_string(path).expect("docker-compose.yml is there");
    let mut lines = text.lines().skip_while(|line| *line != format!("  {service}:")).skip(1);
    let own = lines.by_ref().take_while(|line| line.starts_with("   ") || line.trim().is_empty());
    let command = own.filter_map(|line| line.trim().strip_prefix("command:")).next();
    let command = command.unwrap_or_else(|| panic!("{service} has no command in docker-compose.yml"));
    serde_json::from_str(command.trim()).expect("a command is a JSON array on one line")
}

/// The same command line on loopback.
fn listening_at(mut command: Vec<String>, address: &str) -> Vec<String> {
    let at = command.iter().position(|word| word.ends_with("listen")).expect("a service has a listen option");
    address.clone_into(&mut command[at + 1]);
    command
}

/// Waits for something to become true, for at most a minute.
async fn wait_until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !check().await {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Addresses of a process that runs in a thread of its own, so that it outlives the runtime of the test that started
/// it.
struct Addresses {
    rest: String,
    grpc: String,
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
        drop(tidings_runtime::telemetry::start(&log, "test"));
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
