//! The state shared by all handlers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::StatusCode;
use ipnet::IpNet;
use tidings_domain::{Clock, Entropy, UnixMillis, new_uuid};
use tidings_runtime::{Clients, LogRepeats, Shutdown};

use crate::{
    budget::Budgets,
    cors::Cors,
    group_ids::GroupIds,
    identity::Identities,
    limits::Limits,
    realtime::{EventMemory, Sockets},
    unfinished::Unfinished,
    user_names::UserNames,
};

/// The operator's settings.
#[derive(Debug, Clone, Default)]
pub struct GatewayConfig {
    /// The base URL under which clients reach the gateway. Absent: the request's Host.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that browsers may call from; `*` for all.
    pub cors_origins: Vec<String>,
    /// The keys that sign links, the same at all gateways: the first one signs, a signature by any is valid. Empty: a
    /// random key, so links are valid only at this gateway and until it stops.
    pub link_keys: Vec<Vec<u8>>,
    /// Maximum number of clients that are logged in over a socket. Absent: as many as there are connections.
    pub sockets: Option<usize>,
    /// Maximum time over which connected clients of a stopping process are sent away. Absent: 5 seconds.
    pub drain_clients: Option<Duration>,
}

/// How long clients are sent away at most, unless the settings say so.
const DRAIN_CLIENTS: Duration = Duration::from_secs(5);

fn random_key(entropy: &dyn Entropy) -> Vec<u8> {
    let mut key = vec![0; 32];
    entropy.fill(&mut key);
    key
}

/// Reports whether the services behind the gateway answer, and if not why.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The state of all routes. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    clients: Clients,
    public_url: Option<String>,
    trusted_proxies: Vec<IpNet>,
    cors: Cors,
    link_keys: Vec<Vec<u8>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    identities: Identities,
    group_ids: GroupIds,
    user_names: UserNames,
    limits: Limits,
    budgets: Budgets,
    /// Refused requests, by route and status.
    log_repeats: LogRepeats<(String, StatusCode)>,
    /// Refused commands of connected clients, by wire, command and reason.
    command_repeats: LogRepeats<[&'static str; 3]>,
    sockets: Sockets,
    event_memory: EventMemory,
    ready: Ready,
    /// Triggered when the server accepts no more calls: long polls for events end then.
    stopping: Shutdown,
    /// What the server waits for then.
    unfinished: Unfinished,
    started: UnixMillis,
    requests: AtomicU64,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("public_url", &self.0.public_url).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway to the given services that is ready at once.
    pub fn new(clients: Clients, config: GatewayConfig, given: (Arc<dyn Clock>, Arc<dyn Entropy>)) -> Self {
        Self::with_ready(clients, config, given, Arc::new(|| Box::pin(async { Ok(()) })))
    }

    /// A gateway whose `/readyz` calls `ready`.
    pub fn with_ready(
        clients: Clients,
        config: GatewayConfig,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        ready: Ready,
    ) -> Self {
        Self(Arc::new(Inner {
            identities: Identities::new(clients.directory.clone(), clock.clone()),
            group_ids: GroupIds::new(clock.clone()),
            user_names: UserNames::new(clock.clone()),
            limits: Limits::new(clients.directory_internal.clone(), clock.clone()),
            budgets: Budgets::default(),
            log_repeats: LogRepeats::default(),
            command_repeats: LogRepeats::default(),
            sockets: Sockets::new(config.sockets.unwrap_or(usize::MAX), config.drain_clients.unwrap_or(DRAIN_CLIENTS)),
            event_memory: EventMemory::default(),
            clients,
            public_url: config.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            trusted_proxies: config.trusted_proxies,
            cors: Cors::new(config.cors_origins),
            link_keys: if config.link_keys.is_empty() { vec![random_key(&*entropy)] } else { config.link_keys },
            started: clock.now(),
            clock,
            entropy,
            ready,
            stopping: Shutdown::default(),
            unfinished: Unfinished::default(),
            requests: AtomicU64::new(0),
        }))
    }

    /// Clients of the services; a call needs a clone of its own.
    pub(crate) fn clients(&self) -> &Clients {
        &self.0.clients
    }

    pub(crate) fn stopping(&self) -> &Shutdown {
        &self.0.stopping
    }

    pub(crate) fn unfinished(&self) -> &Unfinished {
        &self.0.unfinished
    }

    pub(crate) fn identities(&self) -> &Identities {
        &self.0.identities
    }

    pub(crate) fn user_names(&self) -> &UserNames {
        &self.0.user_names
    }

    pub(crate) fn group_ids(&self) -> &GroupIds {
        &self.0.group_ids
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    pub(crate) fn log_repeats(&self) -> &LogRepeats<(String, StatusCode)> {
        &self.0.log_repeats
    }

    pub(crate) fn command_repeats(&self) -> &LogRepeats<[&'static str; 3]> {
        &self.0.command_repeats
    }

    pub(crate) fn sockets(&self) -> &Sockets {
        &self.0.sockets
    }

    pub(crate) fn event_memory(&self) -> &EventMemory {
        &self.0.event_memory
    }

    pub(crate) fn cors(&self) -> &Cors {
        &self.0.cors
    }

    /// What signs new links.
    pub(crate) fn link_key(&self) -> &[u8] {
        self.0.link_keys.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// Whose signatures are valid.
    pub(crate) fn link_keys(&self) -> &[Vec<u8>] {
        &self.0.link_keys
    }

    pub(crate) fn public_url(&self) -> Option<&str> {
        self.0.public_url.as_deref()
    }

    pub(crate) fn trusted_proxies(&self) -> &[IpNet] {
        &self.0.trusted_proxies
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    pub(crate) async fn ready(&self) -> Result<(), String> {
        (self.0.ready)().await
    }

    /// A random uuid (version 4).
    pub(crate) fn new_uuid(&self) -> String {
        new_uuid(&*self.0.entropy)
    }

    /// A random number above 0.
    pub(crate) fn new_number(&self) -> i64 {
        let mut bytes = [0; 8];
        self.0.entropy.fill(&mut bytes);
        (i64::from_le_bytes(bytes) & i64::MAX).max(1)
    }

    /// A request id, unique in this process.
    pub(crate) fn next_request_id(&self) -> String {
        format!("{:x}-{:x}", self.0.started.0, self.0.requests.fetch_add(1, Ordering::Relaxed))
    }
}
