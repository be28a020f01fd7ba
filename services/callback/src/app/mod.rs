//! The use-cases.

pub mod deliveries;
pub mod endpoints;

use tidings_domain::{AppId, Error, Reason};
use tidings_outbound::Outbound;
use tidings_runtime::DataKey;
use tokio::sync::watch;

use crate::{Deps, model::Endpoint, store};

/// Idle connections to one server that are kept open.
const IDLE: usize = 64;

/// What the use-cases and the workers work with.
#[derive(Debug)]
pub struct Core {
    pub deps: Deps,
    pub key: DataKey,
    pub outbound: Outbound,
    /// Signalled when endpoints were added, changed or removed, or deliveries are due again.
    changed: watch::Sender<()>,
}

impl Core {
    pub fn new(deps: Deps, changed: watch::Sender<()>) -> Result<Self, Error> {
        Ok(Self { key: DataKey::new(&deps.data_key), outbound: Outbound::new(IDLE)?, deps, changed })
    }

    /// Wakes the workers.
    pub fn wake(&self) {
        self.changed.send_replace(());
    }

    /// An endpoint of the app.
    pub async fn endpoint(&self, app: AppId, id: i64) -> Result<Endpoint, Error> {
        let endpoints = store::endpoint::list(&self.deps.db, &self.key, Some(app)).await?;
        let found = endpoints.into_iter().find(|endpoint| endpoint.id == id);
        found.ok_or_else(|| Error::new(Reason::EndpointNotFound, id.to_string()))
    }
}
