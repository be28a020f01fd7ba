//! Whether a process can do its work, as text.

mod command;
mod process;

use std::{
    net::SocketAddr,
    time::{Duration, UNIX_EPOCH},
};

use futures_util::future::{join_all, select_ok};
use tidings_domain::{Clock as _, Error, SystemClock, UnixMillis};
use tidings_runtime::{
    Certificates, Conditions, Config, Connector, Health, Protocol, Shutdown, config::Addresses, metrics,
};
use tidings_store::Db;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Request, metadata::MetadataMap};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

pub use self::command::{ReadyOptions, ready};
use self::process::{Process, processes};
use crate::in_full::in_full;

const PATIENCE: Duration = Duration::from_secs(2);
/// The interval between two checks of what a process needs.
const WHILE_READY: Duration = Duration::from_secs(2);
/// The interval while something is missing.
const WHILE_NOT_READY: Duration = Duration::from_millis(500);

/// A reason why a process cannot do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// The reason as text, with the addresses of the installation.
    pub why: String,
    /// Whether it persists until the configuration is changed.
    pub is_configured: bool,
}

/// Checks what a process needs: its databases and the services that it calls.
#[derive(Clone)]
pub struct Readiness {
    pub databases: Vec<Db>,
    /// Names and addresses.
    pub peers: Vec<(&'static str, Addresses)>,
    pub service_key: String,
    pub connector: Connector,
    /// Why it cannot send messages, if so.
    pub conditions: Conditions,
    pub shutdown: Shutdown,
}

impl Readiness {
    /// Succeeds if all of them answer and messages can be sent; otherwise the first problem.
    pub async fn check(&self) -> Result<(), NotReady> {
        if self.shutdown.is_draining() {
            return Err(NotReady { why: STOPPING.to_owned(), is_configured: false });
        }
        self.answers().await?;
        self.conditions.first().map_or(Ok(()), |why| Err(NotReady { why: read_only(&why), is_configured: false }))
    }

    async fn answers(&self) -> Result<(), NotReady> {
        for db in &self.databases {
            let answered = tokio::time::timeout(PATIENCE, db.ping()).await;
            let why = match answered {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => format!("the database does not answer: {error}"),
                Err(_) => "the database does not answer in time".to_owned(),
            };
            return Err(NotReady { why, is_configured: false });
        }
        for (name, url) in &self.peers {
            any(url, Some(&self.service_key), &self.connector).await.map(drop).map_err(|silence| match silence {
                Unready::RefusesKey => NotReady {
                    why: format!("the {name} service at {url} refuses the service key of this process"),
                    is_configured: true,
                },
                Unready::Because(why) => {
                    NotReady { why: format!("the {name} service at {url} is not ready: {why}"), is_configured: false }
                }
            })?;
        }
        Ok(())
    }

    /// Reports the state over the health service and in the log, until `shutdown`.
    pub async fn watch(self, health: Option<Health>) {
        let mut said: Option<Result<(), NotReady>> = None;
        loop {
            let found = tokio::select! {
                found = self.check() => found,
                // Watchers are notified at once.
                () = self.shutdown.draining() => break,
            };
            metrics().upkeep.ready(found.is_ok());
            if said.as_ref() != Some(&found) {
                match &found {
                    Ok(()) => tracing::info!("ready"),
                    Err(NotReady { why, is_configured: true }) => tracing::error!(why, "not ready"),
                    Err(NotReady { why, is_configured: false }) => tracing::warn!(why, "not ready"),
                }
                if let Some(health) = &health {
                    health.set(found.is_ok()).await;
                }
            }
            let pause = if found.is_ok() { WHILE_READY } else { WHILE_NOT_READY };
            said = Some(found);
            tokio::select! {
                () = self.shutdown.draining() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        metrics().upkeep.ready(false);
        if let Some(health) = &health {
            health.set(false).await;
        }
        // The process treats the end of a part as a failure.
        self.shutdown.triggered().await;
    }
}

/// Why a process is not ready while it shuts down.
const STOPPING: &str = "the process is stopping";

/// The state of a process that serves reads while it refuses sends.
fn read_only(why: &str) -> String {
    format!("read-only, messages can be read and not sent: {why}")
}

/// Why a service does not count as ready.
enum Unready {
    RefusesKey,
    Because(String),
}

impl Unready {
    fn words(self) -> String {
        match self {
            Self::RefusesKey => "it refuses the service key".to_owned(),
            Self::Because(why) => why,
        }
    }
}

/// The gRPC health service at one of the addresses reports that it serves, and accepts `service_key` if one is given.
/// Returns the time that its clock shows, in whole seconds, if it says so.
pub async fn peer(
    addresses: &Addresses,
    service_key: Option<&str>,
    connector: &Connector,
) -> Result<Option<UnixMillis>, String> {
    any(addresses, service_key, connector).await.map_err(Unready::words)
}

/// What a process at this address answers: the time that its clock shows, if it says so.
pub type Answer = (SocketAddr, Result<Option<UnixMillis>, String>);

/// What each process at an address answers, by the process's own address. `Err`: the name has none.
pub async fn each(url: &str, service_key: Option<&str>, connector: &Connector) -> Result<Vec<Answer>, String> {
    let processes = processes(url).await?;
    let asked = processes.iter().map(|process| async move {
        let answer = ask(process, service_key, connector).await;
        (process.address(), answer.map_err(Unready::words))
    });
    Ok(join_all(asked).await)
}

/// How many processes are behind addresses; an address whose name does not resolve counts as one.
pub async fn count(addresses: &Addresses) -> usize {
    let found = join_all(addresses.iter().map(processes)).await;
    found.iter().map(|found| found.as_ref().map_or(1, Vec::len)).sum()
}

/// Whether a process of ours serves its metrics there.
pub async fn serves_metrics(address: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, ask).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| String::from_utf8_lossy(&answer).contains("# HELP tidings_")))
}

/// One ready process is enough. If none is ready, the error of the last one is returned.
async fn any(
    addresses: &Addresses,
    service_key: Option<&str>,
    connector: &Connector,
) -> Result<Option<UnixMillis>, Unready> {
    let found = join_all(addresses.iter().map(processes)).await;
    let asked = found.into_iter().flat_map(|found| match found {
        Ok(processes) => processes.into_iter().map(Ok).collect(),
        Err(why) => vec![Err(why)],
    });
    let asked = asked
        .map(|process| Box::pin(async move { ask(&process.map_err(Unready::Because)?, service_key, connector).await }));
    select_ok(asked).await.map(|(clock, _)| clock)
}

async fn ask(
    process: &Process,
    service_key: Option<&str>,
    connector: &Connector,
) -> Result<Option<UnixMillis>, Unready> {
    let because = |why: &str| Unready::Because(why.to_owned());
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(key) = service_key {
        let bearer = format!("Bearer {key}").parse().map_err(|_| because("the service key is not visible ASCII"))?;
        request.metadata_mut().insert("authorization", bearer);
    }
    let (status, clock) = match process.check(connector, request).await.map_err(Unready::Because)? {
        Ok(answer) => (answer.get_ref().status(), shown_time(answer.metadata())),
        Err(status) if tidings_proto::is_refused_service_key(&status) => return Err(Unready::RefusesKey),
        Err(status) => return Err(because(status.message())),
    };
    match status {
        ServingStatus::Serving => Ok(clock),
        other => Err(because(&other.as_str_name().to_ascii_lowercase())),
    }
}

/// The `date` of an answer.
fn shown_time(metadata: &MetadataMap) -> Option<UnixMillis> {
    let date = httpdate::parse_http_date(metadata.get("date")?.to_str().ok()?).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(UnixMillis)
}

/// The gateway at `url` reports that it serves.
pub async fn gateway(url: &str, connector: &Connector) -> Result<(), String> {
    let processes = processes(url).await?;
    let ask = async {
        let connecting = processes.iter().map(|process| Box::pin(process.connect(connector, Protocol::Http1)));
        let (mut stream, _) = select_ok(connecting).await?;
        let host = processes[0].host();
        stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
        stream.flush().await?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE * 4, ask).await.map_err(|_| "no answer in time".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(answer.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

/// The process of this machine at the configured address: the gateway if there is one, else the services.
pub async fn here(config: &Config) -> Result<(), String> {
    let connector = connector(config).map_err(|error| error.to_string())?;
    let rest = reachable(&config.listen);
    if TcpStream::connect(&rest).await.is_ok() {
        return gateway(&at(config, &rest), &connector).await;
    }
    let grpc = at(config, &reachable(config.grpc_address()));
    peer(&Addresses::read(&grpc), None, &connector).await.map(drop)
}

/// Connections as that configuration makes them, also to a process whose certificate has expired.
pub fn connector(config: &Config) -> Result<Connector, Error> {
    Ok(Certificates::load_also_expired(&config.tls)?.connector())
}

/// What whoever runs a process that is ready should know: with these certificates it would not start again.
pub fn warning(config: &Config) -> Option<String> {
    Certificates::load(&config.tls, SystemClock.now()).err().map(|error| in_full(&error))
}

/// The URL of a listener of that configuration.
pub fn at(config: &Config, address: &str) -> String {
    format!("{}://{address}", if config.tls.certificate.is_some() { "https" } else { "http" })
}

/// A listening address as it is called from the same machine.
pub fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => address.to_owned(),
    }
}

/// Whether [`peer`] succeeds.
pub async fn is_ready(url: &str) -> bool {
    peer(&Addresses::read(url), None, &Connector::plain()).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_called_on_loopback() {
        for (listens, called) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.0.0.7:8080", "10.0.0.7:8080"),
            ("localhost:0", "localhost:0"),
        ] {
            assert_eq!(reachable(listens), called);
        }
    }
}
