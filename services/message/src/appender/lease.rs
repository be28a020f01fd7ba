//! The lease of a node number, under which message ids are minted.
//!
//! A lease expires unless it is renewed, so the number of a process that died becomes free automatically. The holder
//! records up to which time it may mint, and its successor starts above that. A holder that lost its number takes
//! another one.
//!
//! The duration of a lease is measured by the database's clock there, and by a steady clock here, so wrong clocks do
//! not matter. Ids do contain a time: none is minted while the clock is distrusted, nor far
//! ahead of it.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tidings_domain::{
    Clock, Entropy as _, Error, MsgId, MsgIdMinter, NODES, OsEntropy, Reason, TimeReference, UnixMillis,
};
use tidings_runtime::{Task, Tasks};
use tidings_store::{Db, Engine};

use crate::store::lease::{self, NodeLease, TERM};

const RENEW: Duration = Duration::from_secs(5);
/// How far ahead of the clock ids may be.
const AHEAD: Duration = Duration::from_secs(30);
/// How far ahead of the clock a conversation may raise the ids of a node: as far as two processes may differ. One that
/// is further ahead gets its ids elsewhere (see [`super::import`]).
pub const LIFT: Duration = Duration::from_secs(10);

/// A leased node number. Cheap to clone.
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
    /// When it expires, by [`Clock::elapsed`].
    runs_out: Duration,
    minter: MsgIdMinter,
    /// Another process has taken the number.
    is_lost: bool,
}

impl Lease {
    /// Takes a free number and renews it until shutdown.
    pub async fn acquire(db: Db, clock: Arc<dyn Clock>, tasks: &Tasks) -> Result<Self, Error> {
        let mut chance = [0; 8];
        OsEntropy.fill(&mut chance);
        let holder = format!("{:016x}", u64::from_be_bytes(chance));
        if db.engine() == Engine::Sqlite
            && let Some(last_run) = lease::last_run(&db).await?
        {
            clock.compare(TimeReference::LastRun(last_run));
        }
        let state = Mutex::new(take_free(&db, &*clock, &holder).await?);
        let lease = Self(Arc::new(Inner { db, clock, holder, state }));
        let kept = lease.clone();
        tasks.run(Task::new("message.lease").needed_to_send(), move || kept.clone().keep());
        let asked = lease.clone();
        tasks.conditions().ask(move || {
            let minting = asked.minting(asked.0.clock.now());
            minting.err().map(|error| error.subject().to_owned())
        });
        Ok(lease)
    }

    /// Renews the lease when it is about to expire, for example after the machine slept, or when the clock was set
    /// forward beyond what may be minted, and takes another number when it was set back below what was minted under
    /// this one.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.check_clock()?;
        let (held, runs_out, is_lost, reached) = {
            let state = self.state();
            (state.held, state.runs_out, state.is_lost, state.minter.reached())
        };
        let now = self.0.clock.now();
        if reached > now + AHEAD {
            return self.take_another(held.node, "the clock was set back below the ids of this process").await;
        }
        let runs_out = self.0.clock.elapsed() + RENEW > runs_out || now + LIFT > held.reached_at;
        if is_lost || runs_out { self.renew().await } else { Ok(()) }
    }

    /// Ids for one transaction at the time `now`; fails when the lease has expired, and while the clock is distrusted.
    pub fn minting(&self, now: UnixMillis) -> Result<Minting<'_>, Error> {
        self.check_clock()?;
        let state = self.state();
        if state.is_lost {
            return Err(Error::new(Reason::Unavailable, "another process has the node number of this one"));
        }
        if self.0.clock.elapsed() > state.runs_out {
            return Err(Error::new(Reason::Unavailable, "the node lease has expired"));
        }
        Ok(Minting { state, now })
    }

    /// An id that no message has, for other uses.
    pub async fn mint(&self) -> Result<MsgId, Error> {
        self.refresh().await?;
        self.minting(self.0.clock.now())?.mint(MsgId::ZERO)
    }

    fn check_clock(&self) -> Result<(), Error> {
        self.0.clock.doubt().map_or(Ok(()), |why| Err(Error::new(Reason::Unavailable, why)))
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
        let (now, runs_out) = (self.0.clock.now(), self.0.clock.elapsed() + TERM);
        let (lease, is_lost) = {
            let state = self.state();
            // Minted ids are never further ahead than allowed, so this does not lift itself.
            let reached_at = (now + AHEAD).max(state.minter.reached());
            (NodeLease { node: state.held.node, reached_at }, state.is_lost)
        };
        if is_lost || !lease::renew(&self.0.db, &*self.0.clock, lease, &self.0.holder).await? {
            return self.take_another(lease.node, "another process has the node number of this one").await;
        }
        let mut state = self.state();
        // Its loss may have been detected meanwhile.
        if state.held.node == lease.node && !state.is_lost {
            (state.held, state.runs_out) = (lease, runs_out);
        }
        Ok(())
    }

    /// Another process has the number, since it was not renewed in time, or it is no longer usable.
    async fn take_another(&self, lost: i64, why: &str) -> Result<(), Error> {
        {
            let mut state = self.state();
            if state.held.node != lost {
                return Ok(());
            }
            if !state.is_lost {
                tracing::error!(node = lost, why, "this process takes another node number");
            }
            state.is_lost = true;
        }
        let taken = take_free(&self.0.db, &*self.0.clock, &self.0.holder).await?;
        tracing::info!(node = taken.held.node, "another node number was taken");
        *self.state() = taken;
        Ok(())
    }
}

/// The right to mint, while a batch is numbered.
#[derive(Debug)]
pub struct Minting<'a> {
    state: MutexGuard<'a, State>,
    now: UnixMillis,
}

impl Minting<'_> {
    /// An id above `floor`.
    pub fn mint(&mut self, floor: MsgId) -> Result<MsgId, Error> {
        let limit = self.state.held.reached_at.min(self.now + AHEAD);
        let id = self.state.minter.mint(self.now, floor, limit);
        id.ok_or_else(|| Error::new(Reason::Overloaded, "ids run too far ahead of the clock"))
    }
}

/// A free number, and a minter above everything minted under it.
async fn take_free(db: &Db, clock: &dyn Clock, holder: &str) -> Result<State, Error> {
    let known = lease::all(db, clock).await?;
    // The number with the lowest recorded time first: its ids run ahead of the clock least.
    let mut nodes: Vec<(i64, Option<UnixMillis>)> = (0..NODES)
        .filter_map(|node| match known.iter().find(|(lease, _)| lease.node == node) {
            None => Some((node, None)),
            Some((lease, is_free)) => is_free.then_some((node, Some(lease.reached_at))),
        })
        .collect();
    nodes.sort_by_key(|(_, reached_at)| *reached_at);
    for (node, reached_at) in nodes {
        let (now, runs_out) = (clock.now(), clock.elapsed() + TERM);
        let floor = floor(reached_at, now);
        let held = NodeLease { node, reached_at: now.max(floor) + AHEAD };
        if lease::take(db, clock, held, holder).await? {
            return Ok(State { held, runs_out, minter: MsgIdMinter::new(node, floor), is_lost: false });
        }
    }
    Err(Error::new(
        Reason::Unavailable,
        "all node numbers are taken; one is free again 20 seconds after its process ends",
    ))
}

/// The lower bound of the ids. A number whose last holder's time was far ahead of now, which then applies to all others
/// too or it would not be taken, starts now: its minted ids are of an earlier or of that later time.
fn floor(reached_at: Option<UnixMillis>, now: UnixMillis) -> UnixMillis {
    let last = reached_at.filter(|reached_at| *reached_at <= now + AHEAD + LIFT);
    last.map_or(now, |reached_at| reached_at.min(now + AHEAD))
}

#[cfg(test)]
mod tests {
    use tidings_domain::ManualClock;
    use tidings_store::{Location, on_tx, open, sqlx};
    use tidings_testkit::fresh_database;

    use super::*;
    use crate::SCHEMA;

    const START: UnixMillis = UnixMillis(1_790_000_000_000);
    const TEN_YEARS: Duration = Duration::from_hours(10 * 365 * 24);
    /// The actions of another process that finds an expired lease.
    const STEAL: &str = "update node_lease set holder = 'other', expires_at = $2, reached_at = $3 where node = $1";

    async fn steal(db: &Db, node: i64, expires_at: UnixMillis, reached_at: UnixMillis) {
        let mut tx = db.begin().await.unwrap();
        on_tx!(&mut tx, |c| sqlx::query(STEAL)
            .bind(node)
            .bind(expires_at.0)
            .bind(reached_at.0)
            .execute(c)
            .await
            .map(drop))
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn postgres() -> Db {
        open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap()
    }

    async fn acquire(db: &Db, clock: &Arc<ManualClock>, tasks: &Tasks) -> Lease {
        Lease::acquire(db.clone(), Arc::<ManualClock>::clone(clock), tasks).await.unwrap()
    }

    fn mint(lease: &Lease, clock: &ManualClock) -> MsgId {
        lease.minting(clock.now()).unwrap().mint(MsgId::ZERO).unwrap()
    }

    #[tokio::test]
    async fn a_process_that_lost_its_number_takes_another_one_and_is_not_ready_meanwhile() {
        let db = postgres().await;
        let (clock, tasks) = (Arc::new(ManualClock::new(START)), Tasks::default());
        let lease = acquire(&db, &clock, &tasks).await;
        let first = lease.state().held.node;
        assert_eq!(tasks.conditions().first(), None);

        // The process was suspended, and its number was taken.
        clock.advance(TERM * 2);
        assert_eq!(tasks.conditions().first().as_deref(), Some("the node lease has expired"));
        let theirs = db.now(&*clock).await.unwrap() + TERM;
        steal(&db, first, theirs, clock.now()).await;
        // All others are taken too.
        for node in (0..NODES).filter(|node| *node != first) {
            let wanted = NodeLease { node, reached_at: clock.now() };
            assert!(lease::take(&db, &*clock, wanted, "other").await.unwrap());
        }
        assert_eq!(lease.refresh().await.unwrap_err().reason(), Reason::Unavailable);
        assert_eq!(lease.minting(clock.now()).unwrap_err().reason(), Reason::Unavailable);
        let why = tasks.conditions().first().unwrap();
        assert_eq!(why, "another process has the node number of this one");

        // Even its former number continues above the ids that the other holder minted.
        let reached = clock.now() + AHEAD;
        steal(&db, first, UnixMillis(0), reached).await;
        lease.refresh().await.unwrap();
        assert_eq!(tasks.conditions().first(), None);
        assert_eq!(lease.state().held.node, first);
        assert!(mint(&lease, &clock).moment() >= reached);
    }

    #[tokio::test]
    async fn a_number_that_ran_out_at_another_process_is_not_renewed_by_its_former_holder() {
        let db = postgres().await;
        let (clock, tasks) = (Arc::new(ManualClock::new(START)), Tasks::default());
        let lease = acquire(&db, &clock, &tasks).await;
        let first = lease.state().held.node;
        steal(&db, first, UnixMillis(0), clock.now()).await;
        clock.advance(TERM);
        lease.refresh().await.unwrap();
        assert_ne!(lease.state().held.node, first);
    }

    #[tokio::test]
    async fn how_long_a_lease_lasts_does_not_depend_on_anybodys_time() {
        let db = postgres().await;
        // Each has a different time, and their leases end at the same time.
        let clocks = [START, UnixMillis(0), START + TEN_YEARS].map(|at| Arc::new(ManualClock::new(at)));
        let mut held = Vec::new();
        for clock in &clocks {
            let lease = acquire(&db, clock, &Tasks::default()).await;
            held.push(lease.state().held.node);
        }
        held.sort_unstable();
        held.dedup();
        assert_eq!(held.len(), 3);
        let ends = "select expires_at from node_lease";
        let ends: Vec<(i64,)> = tidings_store::on_db!(&db, |c| sqlx::query_as(ends).fetch_all(c).await).unwrap();
        let now = db.now(&*clocks[0]).await.unwrap();
        assert!(ends.iter().all(|(end,)| (now.0..=(now + TERM).0).contains(end)), "{ends:?} at {now}");
    }

    #[tokio::test]
    async fn a_lease_until_an_impossible_time_holds_nothing() {
        let db = postgres().await;
        let clock = Arc::new(ManualClock::new(START));
        for node in 0..NODES {
            let wanted = NodeLease { node, reached_at: clock.now() + TEN_YEARS };
            assert!(lease::take(&db, &*clock, wanted, "other").await.unwrap());
            steal(&db, node, db.now(&*clock).await.unwrap() + TEN_YEARS, START + TEN_YEARS).await;
        }
        let lease = acquire(&db, &clock, &Tasks::default()).await;
        // And the times of ids are those of now.
        assert_eq!(mint(&lease, &clock).moment(), START);
        let reached = lease.state().held.reached_at;
        assert_eq!(reached, START + AHEAD);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_for_good_leads_to_another_number_and_ids_of_then() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let lease = acquire(&db, &clock, &Tasks::default()).await;
        let first = lease.state().held.node;
        let before = mint(&lease, &clock);
        // Moving forward needs no change.
        clock.set(START + Duration::from_hours(1));
        lease.refresh().await.unwrap();
        assert_eq!(mint(&lease, &clock).moment(), clock.now());
        let back = UnixMillis(START.0 - 3_600_000);
        clock.set(back);
        // Not with the number that has minted later ids.
        assert!(lease.minting(back).unwrap().mint(MsgId::ZERO).is_err());
        lease.refresh().await.unwrap();
        assert_ne!(lease.state().held.node, first);
        assert_eq!(mint(&lease, &clock).moment(), back);
        assert!(mint(&lease, &clock) < before);
        // Its successor respects that.
        let successor = acquire(&db, &clock, &Tasks::default()).await;
        assert_eq!(mint(&successor, &clock).moment(), back);
    }
}
