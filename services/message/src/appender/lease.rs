//! The lease of a node number, under which message ids are minted.
//!
//! A lease runs out unless it is renewed, so a process that died gives its number back by itself. The holder says up
//! to which time it may mint, and its successor starts above that.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tidings_domain::{Clock, Entropy as _, Error, MsgId, MsgIdMinter, NODES, OsEntropy, Reason, UnixMillis};
use tidings_runtime::Shutdown;
use tidings_store::{Db, Engine};

use crate::store::lease::{self, NodeLease};

const TERM: Duration = Duration::from_secs(20);
const RENEW: Duration = Duration::from_secs(5);
/// How far ahead of the clock ids may run before the next renewal.
const AHEAD: Duration = Duration::from_secs(30);

/// A node number in our hands. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    holder: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    held: NodeLease,
    minter: MsgIdMinter,
}

impl Lease {
    /// Takes a free number and keeps it until shutdown.
    pub async fn acquire(db: Db, clock: Arc<dyn Clock>, shutdown: Shutdown) -> Result<Self, Error> {
        let mut chance = [0; 8];
        OsEntropy.fill(&mut chance);
        let holder = format!("{:016x}", u64::from_be_bytes(chance));
        let held = take_free(&db, &holder, clock.now()).await?;
        let floor = held.reached_at;
        let held = NodeLease { reached_at: clock.now().max(floor) + AHEAD, ..held };
        let minter = MsgIdMinter::new(held.node, floor);
        let lease = Self(Arc::new(Inner { db, clock, holder, state: Mutex::new(State { held, minter }) }));
        lease.renew().await?;
        tokio::spawn(lease.clone().keep(shutdown));
        Ok(lease)
    }

    /// Renews the lease when it is about to run out, as after a machine slept.
    pub async fn refresh(&self) -> Result<(), Error> {
        let runs_out = self.state().held.expires_at;
        if self.0.clock.now() + RENEW > runs_out { self.renew().await } else { Ok(()) }
    }

    /// Ids for one transaction; fails when the lease ran out.
    pub fn minting(&self) -> Result<Minting<'_>, Error> {
        let now = self.0.clock.now();
        let state = self.state();
        if now > state.held.expires_at {
            return Err(Error::new(Reason::Unavailable, "the node lease ran out"));
        }
        Ok(Minting { state, now })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn keep(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(RENEW) => {}
            }
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "the node lease could not be renewed");
            }
        }
    }

    async fn renew(&self) -> Result<(), Error> {
        let now = self.0.clock.now();
        let wanted = {
            let state = self.state();
            NodeLease {
                node: state.held.node,
                expires_at: now + TERM,
                reached_at: now.max(state.minter.reached()) + AHEAD,
            }
        };
        if !lease::take(&self.0.db, wanted, &self.0.holder, now).await? {
            return Err(Error::new(Reason::Unavailable, "another process holds our node number"));
        }
        self.state().held = wanted;
        Ok(())
    }
}

/// The right to mint, for as long as it takes to number a batch.
#[derive(Debug)]
pub struct Minting<'a> {
    state: MutexGuard<'a, State>,
    now: UnixMillis,
}

impl Minting<'_> {
    /// An id above `floor`.
    pub fn mint(&mut self, floor: MsgId) -> Result<MsgId, Error> {
        let id = self.state.minter.mint(self.now, floor);
        if self.state.minter.reached() > self.state.held.reached_at {
            return Err(Error::new(Reason::Overloaded, "ids run too far ahead of the clock"));
        }
        Ok(id)
    }
}

/// On SQLite the lock on the data folder makes this process the only one, so the last holder's lease is void.
async fn take_free(db: &Db, holder: &str, now: UnixMillis) -> Result<NodeLease, Error> {
    let taken = lease::all(db).await?;
    let alone = db.engine() == Engine::Sqlite;
    let last_of = |node: i64| taken.iter().find(|lease| lease.node == node);
    // The number that was used least lately first: its ids run ahead of the clock least.
    let mut nodes: Vec<i64> = (0..NODES).collect();
    nodes.sort_by_key(|node| last_of(*node).map_or(UnixMillis(0), |lease| lease.reached_at));
    for node in nodes {
        let last = last_of(node);
        let free_at = last.map_or(now, |lease| lease.expires_at);
        if free_at > now && !alone {
            continue;
        }
        let reached_at = last.map_or(now, |lease| lease.reached_at);
        let wanted = NodeLease { node, expires_at: now + TERM, reached_at };
        if lease::take(db, wanted, holder, now.max(free_at)).await? {
            return Ok(wanted);
        }
    }
    Err(Error::new(
        Reason::Unavailable,
        "all node numbers are taken; one is free again 20 seconds after its process ends",
    ))
}
