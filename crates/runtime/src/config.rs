//! Configuration: one TOML file, environment variables over it, `_FILE` for secrets.
//!
//! Every key of the file can be set as `TIDINGS_<SECTION>_<KEY>`; with `_FILE` at the end the value is read from that
//! file. No secret has a default. Unknown or invalid settings are errors that name their place.

mod addresses;
mod check;
mod environment;
mod file;
mod load;
mod tls;

pub use addresses::Addresses;
pub use check::service_key;
pub use environment::CREDENTIALS;
pub(crate) use tls::Named;
pub use tls::Tls;

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::Deserialize;

use crate::Bounds;

/// The whole configuration.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data folder: SQLite files, keys, `demo.env`.
    pub data: PathBuf,
    /// The address of the REST listener. Port 0 picks a free one.
    pub listen: String,
    /// The address of the gRPC listener. Port 0 picks a free one. Absent: [`GRPC_LISTEN`], and none for a gateway alone.
    pub grpc_listen: Option<String>,
    /// Where `/metrics` is served, for operators; `off`: nowhere. Port 0 picks a free one. Absent: `127.0.0.1:9464` for all
    /// roles in one process, unless somebody else listens there, and nowhere for a single role.
    pub metrics_listen: Option<String>,
    /// The base URL under which clients reach the gateway, without a trailing slash. Absent: the request's Host.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that browsers may call from; `*` for all. Empty: none.
    pub cors_origins: Vec<String>,
    /// What internal services send as `authorization: Bearer`. Absent: the data folder's `service.key`.
    pub service_key: Option<String>,
    /// A second key that services accept and do not send, so that `service_key` can be replaced while processes run.
    pub service_key_previous: Option<String>,
    /// 32 bytes as 64 hex digits that encrypt secrets at rest. Absent: the data folder's `data.key`.
    pub data_key: Option<String>,
    /// Where data is stored.
    pub database: Database,
    /// The addresses of the other services, when each runs in a process of its own.
    pub peers: Peers,
    /// Hints between processes.
    pub bus: BusConfig,
    /// Certificates and keys.
    pub tls: Tls,
    /// Where files are stored.
    pub files: Files,
    /// Logs and traces.
    pub telemetry: Telemetry,
    /// The writers of the log.
    pub appender: Appender,
    /// Callbacks to apps' servers.
    pub callbacks: Callbacks,
    /// Limits that protect the process.
    pub limits: Limits,
    /// Milliseconds between the stop signal, from which on the process is not ready, and closing its listeners.
    /// Absent: a second for a single role, nothing for all of them in one process.
    pub drain_delay_ms: Option<u64>,
    /// Maximum number of milliseconds over which connected clients of a stopping process are sent away.
    pub drain_clients_ms: u64,
}

/// Where data is stored.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// A `postgres://` URL. Absent: SQLite files in the data folder.
    pub url: Option<String>,
    /// Whether migrations are skipped at start, because `tidings migrate` runs them.
    pub skip_migrations: bool,
}

/// Addresses of services, each as `http://host:port` or `https://host:port`, one or several.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Peers {
    /// The directory.
    pub directory: Option<Addresses>,
    /// The message service.
    pub message: Option<Addresses>,
    /// The conversation service.
    pub conversation: Option<Addresses>,
    /// The file service.
    pub file: Option<Addresses>,
    /// The callback service.
    pub callback: Option<Addresses>,
}

impl Peers {
    /// The configured ones.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Addresses)> {
        let all = [
            ("directory", &self.directory),
            ("message", &self.message),
            ("conversation", &self.conversation),
            ("file", &self.file),
            ("callback", &self.callback),
        ];
        all.into_iter().filter_map(|(name, addresses)| Some((name, addresses.as_ref()?)))
    }
}

/// Hints between processes.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// A NATS server, as `nats://user:password@host:4222` or `tls://...`. Absent: there are no hints between processes.
    pub url: Option<String>,
    /// What the subjects of this installation begin with.
    pub prefix: String,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self { url: None, prefix: "tidings".to_owned() }
    }
}

/// Where files are stored.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// A folder. With a bucket: where unfinished uploads are kept. Absent: `files` in the data folder.
    pub folder: Option<PathBuf>,
    /// A bucket of an S3-compatible store. Absent: the folder.
    pub s3_bucket: Option<String>,
    /// The URL of the store, such as `https://minio.example:9000`. Absent: Amazon's of the region.
    pub s3_endpoint: Option<String>,
    /// The region that requests are signed for.
    pub s3_region: String,
    /// The access key id.
    pub s3_access_key_id: Option<String>,
    /// The secret access key.
    pub s3_secret_access_key: Option<String>,
    /// Whether the bucket is in the host name rather than in the path.
    pub s3_virtual_hosts: bool,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            folder: None,
            s3_bucket: None,
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_access_key_id: None,
            s3_secret_access_key: None,
            s3_virtual_hosts: false,
        }
    }
}

/// Logs and traces.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Which lines to log, as a tracing filter: `info`, `warn,tidings_message=debug`.
    pub log: String,
    /// The format of log lines.
    pub log_format: LogFormat,
    /// An OTLP/gRPC collector, such as `http://127.0.0.1:4317`. Absent: spans are not exported.
    pub otlp_endpoint: Option<String>,
    /// Seconds between two exports of metrics to the same collector. 0: metrics are not exported.
    pub otlp_metrics_seconds: u64,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For humans.
    Text,
    /// For log collectors.
    Json,
}

/// The writers of the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Appender {
    /// Maximum number of queued messages; further calls are refused as overload.
    pub queue: usize,
    /// Maximum number of messages in one transaction, unless a single call has more.
    pub batch: usize,
    /// Concurrent writers. SQLite always has one.
    pub writers: usize,
}

/// Where gRPC listens unless the configuration says so.
pub const GRPC_LISTEN: &str = "127.0.0.1:9090";

impl Config {
    /// Where gRPC listens in a process that serves it.
    pub fn grpc_address(&self) -> &str {
        self.grpc_listen.as_deref().unwrap_or(GRPC_LISTEN)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            listen: "127.0.0.1:8080".to_owned(),
            grpc_listen: None,
            metrics_listen: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            service_key: None,
            service_key_previous: None,
            data_key: None,
            database: Database::default(),
            peers: Peers::default(),
            bus: BusConfig::default(),
            tls: Tls::default(),
            files: Files::default(),
            telemetry: Telemetry::default(),
            appender: Appender::default(),
            callbacks: Callbacks::default(),
            limits: Limits::default(),
            drain_delay_ms: None,
            drain_clients_ms: 5_000,
        }
    }
}

/// Callbacks to apps' servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Callbacks {
    /// The intervals between the attempts of a delivery, in seconds; there is one attempt more than intervals.
    pub retry_after_seconds: Vec<u64>,
}

impl Default for Callbacks {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self { retry_after_seconds: vec![5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR] }
    }
}

impl Callbacks {
    /// The same as durations.
    pub fn schedule(&self) -> Vec<Duration> {
        self.retry_after_seconds.iter().map(|seconds| Duration::from_secs(*seconds)).collect()
    }
}

/// Limits that protect the process, independent of the apps' own limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Maximum number of client connections. Less if the system lets the process open fewer files.
    pub connections: usize,
    /// Maximum per IPv4 address or IPv6 /64 network, unless it is one of `trusted_proxies`.
    pub connections_per_address: usize,
    /// Maximum number of clients that are logged in over a socket. Absent: three quarters of `connections`.
    pub sockets: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, connections_per_address: 1024, sockets: None }
    }
}

impl Limits {
    /// The limits on connections, `most` in total.
    pub fn bounds(&self, most: usize) -> Bounds {
        Bounds { total: self.connections.min(most), per_address: self.connections_per_address }
    }

    /// The limit on clients that are logged in over a socket, of `connections` in total. The others are for REST.
    pub fn most_sockets(&self, connections: usize) -> usize {
        self.sockets.unwrap_or(connections - connections / 4)
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".to_owned(), log_format: LogFormat::Text, otlp_endpoint: None, otlp_metrics_seconds: 0 }
    }
}

impl Default for Appender {
    fn default() -> Self {
        Self { queue: 8192, batch: 1024, writers: 1 }
    }
}

/// Every key that the environment may set.
const KEYS: [&str; 45] = [
    "data",
    "listen",
    "grpc_listen",
    "metrics_listen",
    "public_url",
    "trusted_proxies",
    "cors_origins",
    "service_key",
    "service_key_previous",
    "data_key",
    "drain_delay_ms",
    "drain_clients_ms",
    "database.url",
    "database.skip_migrations",
    "peers.directory",
    "peers.message",
    "peers.conversation",
    "peers.file",
    "peers.callback",
    "bus.url",
    "bus.prefix",
    "tls.certificate",
    "tls.key",
    "tls.client_ca",
    "tls.peer_ca",
    "tls.peer_certificate",
    "tls.peer_key",
    "files.folder",
    "files.s3_bucket",
    "files.s3_endpoint",
    "files.s3_region",
    "files.s3_access_key_id",
    "files.s3_secret_access_key",
    "files.s3_virtual_hosts",
    "telemetry.log",
    "telemetry.log_format",
    "telemetry.otlp_endpoint",
    "telemetry.otlp_metrics_seconds",
    "appender.queue",
    "appender.batch",
    "appender.writers",
    "callbacks.retry_after_seconds",
    "limits.connections",
    "limits.connections_per_address",
    "limits.sockets",
];

/// Those of them that are numbers, booleans and lists.
const TYPED: [&str; 14] = [
    "trusted_proxies",
    "cors_origins",
    "drain_delay_ms",
    "drain_clients_ms",
    "database.skip_migrations",
    "files.s3_virtual_hosts",
    "telemetry.otlp_metrics_seconds",
    "appender.queue",
    "appender.batch",
    "appender.writers",
    "callbacks.retry_after_seconds",
    "limits.connections",
    "limits.connections_per_address",
    "limits.sockets",
];

/// Those of them that are booleans.
const FLAGS: [&str; 2] = ["database.skip_migrations", "files.s3_virtual_hosts"];

/// The environment variable that sets a key.
fn variable(key: &str) -> String {
    format!("TIDINGS_{}", key.replace('.', "_").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_docs() {
        let page = include_str!("../../../docs/config.md");
        for key in KEYS {
            let row = format!("| `{key}` | `{}` |", variable(key));
            assert!(page.contains(&row), "docs/config.md lacks {key}");
        }
    }
}
