//! Removes the sessions of gateways that died.
//!
//! An expired lease means that a gateway died only if it could have been renewed. So a process sweeps when it has
//! reached the database itself for a while without interruption: after an outage, and after its own start, gateways that are
//! there have renewed their leases by then.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Error, SessionEnd};
use tidings_runtime::{Task, Tasks};
use tokio::time::sleep;

use super::{Core, reach::Reach, report_sessions::LEASE};
use crate::{
    model::Connected,
    store::{self, connected_session::SessionKey},
};

/// For how long the database must have been reached: gateways try again within this time.
const REACHED: Duration = LEASE.saturating_add(Duration::from_secs(4));
/// How often leases are checked.
const LOOK: Duration = Duration::from_secs(1);
/// The pause after a failure.
const REST: Duration = Duration::from_secs(5);
/// Gateways, and sessions of a gateway, that are swept at once.
const GATEWAYS: i64 = 8;
const STEP: i64 = 500;

/// Runs until shutdown.
pub(crate) fn spawn(core: &Arc<Core>, tasks: &Tasks) {
    let working = Arc::clone(core);
    tasks.run(Task::new("directory.sweep_sessions"), move || sweep_always(Arc::clone(&working)));
}

async fn sweep_always(core: Arc<Core>) {
    let mut reach = Reach::default();
    loop {
        sleep(LOOK).await;
        if let Err(error) = core.sweep_sessions(&mut reach).await {
            reach.lost();
            tracing::warn!(%error, "sessions of stopped gateways could not be removed yet");
            sleep(REST).await;
        }
    }
}

impl Core {
    /// Removes the sessions of gateways without a lease, if the database has been reached for long enough.
    async fn sweep_sessions(&self, reach: &mut Reach) -> Result<(), Error> {
        if !self.may_sweep(reach).await? {
            return Ok(());
        }
        let now = self.db.now(&*self.clock).await?;
        for gateway in store::gateway_lease::lapsed(&self.db, now, GATEWAYS).await? {
            while self.sweep_some(gateway).await? {
                if !self.may_sweep(reach).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn may_sweep(&self, reach: &mut Reach) -> Result<bool, Error> {
        let now = self.db.now(&*self.clock).await?;
        Ok(reach.reached(self.clock.elapsed(), now) >= REACHED)
    }

    /// False: there is nothing left to sweep.
    async fn sweep_some(&self, gateway: i64) -> Result<bool, Error> {
        let some = store::connected_session::of_gateway(&self.db, gateway, STEP).await?;
        let with_events = self.with_presence_events(some.iter().map(|session| session.app).collect()).await;
        let mut tx = self.db.begin().await?;
        let now = tx.now(&*self.clock).await?;
        let until = store::gateway_lease::lock(&mut tx, gateway).await?;
        if until.is_none_or(|until| until > now) {
            // Swept by another process, or renewed.
            return Ok(false);
        }
        if some.is_empty() {
            // Stays if a report was in progress.
            store::gateway_lease::remove(&mut tx, gateway).await?;
            tx.commit().await?;
            return Ok(false);
        }
        store::users::queue(&mut tx, &some.iter().map(|session| (session.app, session.user)).collect()).await?;
        let key = |session: &Connected| {
            let Connected { app, user, gateway, id, .. } = *session;
            SessionKey { app, user, gateway, id }
        };
        let ended = store::connected_session::end(&mut tx, some.iter().map(key).collect()).await?;
        let ended = ended.into_iter().map(|session| (session, SessionEnd::TimedOut, None)).collect();
        self.record_connections(&mut tx, Vec::new(), ended, &with_events).await?;
        tx.commit().await?;
        Ok(true)
    }
}
