//! Serves the metrics of the process, and reads gauges at each scrape.

use tidings_domain::Error;
use tidings_runtime::{
    Config, MetricsExport, Task, Tasks, bind,
    metrics::{PoolState, metrics},
};
use tidings_store::{Db, PoolUse};
use tokio::net::TcpListener;

use crate::Roles;

/// Where a process with every role serves them unless it is configured.
pub const DEFAULT: &str = "127.0.0.1:9464";
/// The value of `metrics_listen` that serves them nowhere.
pub const OFF: &str = "off";

/// The listener for `/metrics`, if there is one. The process also starts if the default address is taken.
pub async fn listener(config: &Config, roles: Roles) -> Result<Option<TcpListener>, Error> {
    match config.metrics_listen.as_deref() {
        Some(OFF) => Ok(None),
        Some(address) => bind("metrics_listen", address).await.map(Some),
        None if roles == Roles::ALL => {
            let bound = bind("metrics_listen", DEFAULT).await;
            Ok(bound.inspect_err(|error| tracing::info!(%error, "metrics are not served")).ok())
        }
        None => Ok(None),
    }
}

/// All numbers as text, of a process with these databases.
pub fn text(databases: &[(&'static str, Db)]) -> String {
    for (name, db) in databases {
        let state = |PoolUse { name, used, idle, most }| PoolState { name, used, idle, most };
        let pools: Vec<PoolState> = db.pools().into_iter().map(state).collect();
        metrics().database.set(name, &pools, db.wal_bytes());
    }
    metrics().text()
}

/// Exports them until the process stops, and once more when no call is open any more.
pub fn export(export: MetricsExport, tasks: &Tasks, measured: &[(&'static str, Db)]) {
    let (closing, measured) = (tasks.closing().clone(), measured.to_vec());
    tasks.run(Task::new("export of metrics").ends_itself(), move || {
        let measured = measured.clone();
        export.clone().run(move || text(&measured), closing.clone())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_nothing_listens_beyond_loopback() {
        let config = Config::default();
        assert_eq!(config.metrics_listen, None);
        for address in [config.listen.as_str(), config.grpc_address(), DEFAULT] {
            let address: std::net::SocketAddr = address.parse().expect("an address");
            assert!(address.ip().is_loopback(), "{address}");
        }
    }

    #[tokio::test]
    async fn a_single_role_serves_them_where_it_is_configured_and_nowhere_else() {
        let mut config = Config::default();
        assert!(listener(&config, Roles::MESSAGE).await.expect("nothing to bind").is_none());
        config.metrics_listen = Some("127.0.0.1:0".to_owned());
        let bound = listener(&config, Roles::MESSAGE).await.expect("a free port").expect("a listener");
        config.metrics_listen = Some(bound.local_addr().expect("an address").to_string());
        let error = listener(&config, Roles::ALL).await.expect_err("it is taken").to_string();
        assert!(error.starts_with("metrics_listen cannot be 127.0.0.1:"), "{error}");
        config.metrics_listen = Some(OFF.to_owned());
        assert!(listener(&config, Roles::ALL).await.expect("nothing to bind").is_none());
    }
}
