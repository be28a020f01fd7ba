//! Whether a process can do its work, in words.

use std::time::Duration;

use tidings_runtime::config::Peers;
use tidings_store::Db;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

const PATIENCE: Duration = Duration::from_secs(2);

/// Every database and peer answers, or the first that does not.
pub async fn all(databases: &[Db], peers: &Peers) -> Result<(), String> {
    for db in databases {
        let answered = tokio::time::timeout(PATIENCE, db.ping()).await;
        match answered {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(format!("the database does not answer: {error}")),
            Err(_) => return Err("the database does not answer in time".to_owned()),
        }
    }
    for (name, url) in peers.all() {
        peer(url).await.map_err(|why| format!("the {name} service at {url} is not ready: {why}"))?;
    }
    Ok(())
}

/// The gRPC health service at `url` says that it serves.
pub async fn peer(url: &str) -> Result<(), String> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| "no http:// address".to_owned())?;
    let channel = endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect().await;
    let channel = channel.map_err(|_| "no connection".to_owned())?;
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    let status = answer.map_err(|status| status.message().to_owned())?.into_inner().status();
    match status {
        ServingStatus::Serving => Ok(()),
        other => Err(other.as_str_name().to_ascii_lowercase()),
    }
}

/// The gateway at `url` says that it serves.
pub async fn gateway(url: &str) -> Result<(), String> {
    let address = url.strip_prefix("http://").ok_or("no http:// address")?.trim_end_matches('/');
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
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

/// Whether [`peer`] says so.
pub async fn is_ready(url: &str) -> bool {
    peer(url).await.is_ok()
}
