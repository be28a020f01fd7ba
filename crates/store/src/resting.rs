//! Recently used connections, for the next caller.
//!
//! sqlx's pool checks every returned connection, at a round trip for each statement outside of a transaction. One whose
//! last statement was answered needs no such check, so it is kept here instead: the next caller gets the most recently
//! used one. One that was idle for long is checked then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{Connection as _, Postgres, pool::PoolConnection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use crate::{
    invalidation::Invalidation,
    limits::{LIFE, RESTED, TIDY},
};

/// The connections of one pool. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Resting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// As many as there are connections, so that the holder of a permit never waits for one in the pool.
    leave: Arc<Semaphore>,
    /// The most recently used one is the last.
    connections: Mutex<Vec<Rested>>,
}

#[derive(Debug)]
struct Rested {
    connection: PoolConnection<Postgres>,
    /// When the connection was made.
    made: Instant,
    /// When it was returned.
    since: Instant,
}

impl Resting {
    pub(crate) fn of(connections: u32) -> Self {
        let leave = Arc::new(Semaphore::new(connections as usize));
        Self(Arc::new(Inner { leave, connections: Mutex::default() }))
    }

    /// Waits until one more connection may be used.
    pub(crate) async fn leave(&self) -> sqlx::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.0.leave).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)
    }

    /// The most recently used connection, if it was used recently.
    pub(crate) fn fresh(&self, invalidation: &Invalidation) -> Option<(PoolConnection<Postgres>, Instant)> {
        let is_fresh = |rested: &mut Rested| rested.is_believed(invalidation) && rested.since.elapsed() < RESTED;
        self.connections().pop_if(is_fresh).map(|rested| (rested.connection, rested.made))
    }

    /// The most recently used connection that is still valid. Others are closed.
    pub(crate) async fn standing(&self, invalidation: &Invalidation) -> Option<(PoolConnection<Postgres>, Instant)> {
        loop {
            let mut rested = self.connections().pop()?;
            if rested.is_believed(invalidation) {
                let stands = timeout(TIDY, rested.connection.ping()).await;
                if matches!(stands, Ok(Ok(()))) {
                    return Some((rested.connection, rested.made));
                }
                invalidation.raise();
            }
            // Without a terminate message, since the server may not respond.
            drop(rested.connection.detach());
        }
    }

    /// Keeps an idle connection; returns it to the pool once that is being closed, which waits for it.
    pub(crate) fn push(&self, connection: PoolConnection<Postgres>, made: Instant) -> Option<PoolConnection<Postgres>> {
        let mut connections = self.connections();
        if self.0.leave.is_closed() {
            return Some(connection);
        }
        connections.push(Rested { connection, made, since: Instant::now() });
        None
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.connections().len()
    }

    /// Returns all to the pool, and keeps none from now on.
    pub(crate) fn close(&self) {
        self.0.leave.close();
        self.connections().clear();
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Rested>> {
        self.0.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rested {
    /// Whether it is not too old, and no other that was idle as long was found broken.
    fn is_believed(&self, invalidation: &Invalidation) -> bool {
        self.made.elapsed() < LIFE && !invalidation.include(self.since.elapsed())
    }
}
