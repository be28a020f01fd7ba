//! The lease of a node number, under which message ids are minted.
//!
//! A lease runs out unless it is renewed, so a process that died gives its number back by itself. The holder says up
//! to which time it may mint, and its successor starts above that. A holder that lost its number takes another one.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tidings_domain::{Clock, Entropy as _, Error, MsgId, MsgIdMinter, NODES, OsEntropy, Reason, UnixMillis};
use tidings_runtime::{Task, Tasks};
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
    /// Another process has taken the number.
    is_lost: bool,
}

impl Lease {
    /// Takes a free number and keeps it until shutdown.
    pub async fn acquire(db: Db, clock: Arc<dyn Clock>, tasks: &Tasks) -> Result<Self, Error> {
        let mut chance = [0; 8];
        OsEntropy.fill(&mut chance);
        let holder = format!("{:016x}", u64::from_be_bytes(chance));
        let state = Mutex::new(take_free(&db, &holder, clock.now()).await?);
        let lease = Self(Arc::new(Inner { db, clock, holder, state }));
        let kept = lease.clone();
        tasks.run(Task::new("message.lease").needed_to_send(), move || kept.clone().keep());
        let asked = lease.clone();
        tasks.conditions().ask(move || asked.minting().err().map(|error| error.subject().to_owned()));
        Ok(lease)
    }

    /// Renews the lease when it is about to run out, as after a machine slept.
    pub async fn refresh(&self) -> Result<(), Error> {
        let (runs_out, is_lost) = {
            let state = self.state();
            (state.held.expires_at, state.is_lost)
        };
        if is_lost || self.0.clock.now() + RENEW > runs_out { self.renew().await } else { Ok(()) }
    }

    /// Ids for one transaction; fails when the lease ran out.
    pub fn minting(&self) -> Result<Minting<'_>, Error> {
        let now = self.0.clock.now();
        let state = self.state();
        if state.is_lost {
            return Err(Error::new(Reason::Unavailable, "another process has the node number of this one"));
        }
        if now > state.held.expires_at {
            return Err(Error::new(Reason::Unavailable, "the node lease ran out"));
        }
        Ok(Minting { state, now })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn keep(self) {
        loop {
            tokio::time::sleep(RENEW).await;
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "the node lease could not be renewed");
            }
        }
    }

    async fn renew(&self) -> Result<(), Error> {
        let now = self.0.clock.now();
        let (wanted, is_lost) = {
            let state = self.state();
            let reached_at = now.max(state.minter.reached()) + AHEAD;
            (NodeLease { node: state.held.node, expires_at: now + TERM, reached_at }, state.is_lost)
        };
        if is_lost || !lease::renew(&self.0.db, wanted, &self.0.holder).await? {
            return self.take_another(wanted.node, now).await;
        }
        let mut state = self.state();
        // Somebody else may have found meanwhile that it was lost.
        if state.held.node == wanted.node && !state.is_lost {
            state.held = wanted;
        }
        Ok(())
    }

    /// Another process has the number: it was not renewed in time, since this one or its database stood still.
    async fn take_another(&self, lost: i64, now: UnixMillis) -> Result<(), Error> {
        {
            let mut state = self.state();
            if state.held.node != lost {
                return Ok(());
            }
            if !state.is_lost {
                tracing::error!(node = lost, "another process has the node number of this one, which takes another");
            }
            state.is_lost = true;
        }
        let taken = take_free(&self.0.db, &self.0.holder, now).await?;
        tracing::info!(node = taken.held.node, "another node number was taken");
        *self.state() = taken;
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

/// A number that nobody holds, and a minter above whatever was minted under it. On SQLite the lock on the data folder
/// makes this process the only one, so the last holder's lease is void.
async fn take_free(db: &Db, holder: &str, now: UnixMillis) -> Result<State, Error> {
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
        let floor = last.map_or(now, |lease| lease.reached_at);
        let wanted = NodeLease { node, expires_at: now + TERM, reached_at: now.max(floor) + AHEAD };
        if lease::take(db, wanted, holder, now.max(free_at)).await? {
            return Ok(State { held: wanted, minter: MsgIdMinter::new(node, floor), is_lost: false });
        }
    }
    Err(Error::new(
        Reason::Unavailable,
        "all node numbers are taken; one is free again 20 seconds after its process ends",
    ))
}

#[cfg(test)]
mod tests {
    use tidings_domain::ManualClock;
    use tidings_store::{Location, on_tx, open, sqlx};
    use tidings_testkit::fresh_database;

    use super::*;
    use crate::SCHEMA;

    const START: UnixMillis = UnixMillis(1_790_000_000_000);
    /// What another process does that finds a lease run out.
    const STEAL: &str = "update node_lease set holder = 'other', expires_at = $2, reached_at = $3 where node = $1";

    async fn steal(db: &Db, node: i64, expires_at: UnixMillis) {
        let mut tx = db.begin().await.unwrap();
        let reached = expires_at + AHEAD;
        on_tx!(&mut tx, |c| sqlx::query(STEAL)
            .bind(node)
            .bind(expires_at.0)
            .bind(reached.0)
            .execute(c)
            .await
            .map(drop))
        .unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_lost_its_number_takes_another_one_and_is_not_ready_meanwhile() {
        let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
        let (clock, tasks) = (Arc::new(ManualClock::new(START)), Tasks::default());
        let lease = Lease::acquire(db.clone(), Arc::<ManualClock>::clone(&clock), &tasks).await.unwrap();
        let first = lease.state().held.node;
        assert_eq!(tasks.conditions().first(), None);

        // The process stood still, and its number was taken.
        clock.advance(TERM * 2);
        assert_eq!(tasks.conditions().first().as_deref(), Some("the node lease ran out"));
        steal(&db, first, clock.now() + TERM).await;
        // All others are taken too.
        let others: Vec<i64> = (0..NODES).filter(|node| *node != first).collect();
        for node in &others {
            assert!(
                lease::take(
                    &db,
                    NodeLease { node: *node, expires_at: clock.now() + TERM, reached_at: clock.now() },
                    "other",
                    clock.now()
                )
                .await
                .unwrap()
            );
        }
        assert_eq!(lease.refresh().await.unwrap_err().reason(), Reason::Unavailable);
        assert_eq!(lease.minting().unwrap_err().reason(), Reason::Unavailable);
        let why = tasks.conditions().first().unwrap();
        assert_eq!(why, "another process has the node number of this one");

        // Even the number that it had comes back with the ids in mind that the other one has given.
        clock.advance(TERM);
        let reached = clock.now() + AHEAD;
        lease.refresh().await.unwrap();
        assert_eq!(tasks.conditions().first(), None);
        let second = lease.state().held.node;
        let id = lease.minting().unwrap().mint(MsgId::ZERO).unwrap();
        assert!(second != first || id.moment() >= reached, "{id:?}");
    }

    #[tokio::test]
    async fn a_number_that_ran_out_at_another_process_is_not_renewed_by_its_former_holder() {
        let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
        let (clock, tasks) = (Arc::new(ManualClock::new(START)), Tasks::default());
        let lease = Lease::acquire(db.clone(), Arc::<ManualClock>::clone(&clock), &tasks).await.unwrap();
        let first = lease.state().held.node;
        clock.advance(TERM * 2);
        steal(&db, first, clock.now()).await;
        clock.advance(TERM);
        lease.refresh().await.unwrap();
        assert_ne!(lease.state().held.node, first);
    }
}
