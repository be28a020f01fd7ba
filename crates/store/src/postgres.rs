//! A schema of a PostgreSQL server: every wait for it has a timeout, and no connection returns to the pool in an
//! unknown state.
//!
//! sqlx has no timeouts except for acquiring a connection, and takes a connection back whatever its state. So a
//! connection is [`Lent`]: the borrower sets its timeout, and however the use ends (answered, failed, timed out,
//! dropped halfway because the client disconnected) the connection is either known to be idle or closed.

use std::{future::Future, io, sync::Arc};

use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres,
    pool::{PoolConnection, PoolOptions},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tidings_domain::Error;
use tokio::{
    runtime::Handle,
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    commit_signal::CommitSignal,
    error::{commit_error, domain_error, is_lost_connection},
    invalidation::Invalidation,
    limits::{CALL, LIFE, LONG_READ, Limits, RESTED, TIDY, UNUSED, vanishing},
    pool_use::PoolUse,
    resting::Resting,
};

/// How often work is retried on another connection, when the server had closed the previous one. The first such
/// connection makes the pool drop all that are as old, so the second attempt nearly always has a new one.
const TRIES: u32 = 3;

/// One schema of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresDb {
    inner: Arc<Inner>,
    reads_long: bool,
}

#[derive(Debug)]
struct Inner {
    calls: Pool,
    long_reads: Pool,
    /// The connect options, without limits.
    options: PgConnectOptions,
}

#[derive(Debug)]
struct Pool {
    connections: PgPool,
    resting: Resting,
    limits: Limits,
    invalidation: Invalidation,
}

impl Pool {
    /// A working connection, and when it was opened.
    async fn connect(&self) -> sqlx::Result<(PoolConnection<Postgres>, Instant)> {
        match self.resting.standing(&self.invalidation).await {
            Some(rested) => Ok(rested),
            None => Ok((self.connections.acquire().await?, Instant::now())),
        }
    }
}

impl PostgresDb {
    /// The schema that `options` name; connects when first used.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        let pool = |limits: Limits| {
            let invalidation = Invalidation::default();
            let connections = pool_options(limits, invalidation.clone()).connect_lazy_with(limits.on(options.clone()));
            let resting = Resting::of(limits.connections);
            Pool { connections, resting, limits, invalidation }
        };
        let (calls, long_reads) = (pool(CALL), pool(LONG_READ));
        Self { inner: Arc::new(Inner { calls, long_reads, options }), reads_long: false }
    }

    /// The same schema for large reads, which have connections of their own. Transactions, which hold locks, are no
    /// longer than elsewhere.
    pub(crate) fn for_long_reads(&self) -> Self {
        Self { reads_long: true, ..self.clone() }
    }

    /// A connection outside the pools without a timeout, for migrations.
    pub(crate) async fn unlimited(&self) -> sqlx::Result<PgConnection> {
        let options = vanishing(self.inner.options.clone());
        by(Instant::now() + CALL.whole, PgConnection::connect_with(&options)).await
    }

    /// Begins work that may be retried as a whole: a statement outside of a transaction.
    #[doc(hidden)]
    pub fn reading(&self) -> Reading<'_> {
        Reading::of(if self.reads_long { &self.inner.long_reads } else { &self.inner.calls })
    }

    pub(crate) async fn begin(&self) -> sqlx::Result<PostgresTx> {
        let mut reading = Reading::of(&self.inner.calls);
        loop {
            match PostgresTx::begin(&mut reading).await {
                Err(error) if reading.goes_on_after(&error) => {}
                done => return done,
            }
        }
    }

    /// The state of its pools.
    pub(crate) fn pools(&self) -> Vec<PoolUse> {
        let Inner { calls, long_reads, .. } = &*self.inner;
        let state = |(name, pool): (_, &Pool)| {
            let rested = pool.resting.count();
            PoolUse::of(name, &pool.connections, rested)
        };
        [("calls", calls), ("long_reads", long_reads)].map(state).to_vec()
    }

    pub(crate) async fn closed(&self) {
        self.inner.calls.connections.close_event().await;
    }

    pub(crate) async fn close(&self) {
        let Inner { calls, long_reads, .. } = &*self.inner;
        for pool in [calls, long_reads] {
            pool.resting.close();
        }
        tokio::join!(calls.connections.close(), long_reads.connections.close());
    }
}

fn pool_options(limits: Limits, invalidation: Invalidation) -> PoolOptions<Postgres> {
    let options = PgPoolOptions::new().acquire_timeout(limits.acquire).max_connections(limits.connections);
    // Only a connection that was idle is checked: the check costs a round trip.
    let options = options.test_before_acquire(false).max_lifetime(LIFE).idle_timeout(UNUSED);
    options.before_acquire(move |connection, found| {
        let invalidation = invalidation.clone();
        Box::pin(async move {
            if invalidation.include(found.idle_for) {
                return Ok(false);
            }
            if found.idle_for < RESTED {
                return Ok(true);
            }
            let stands = matches!(timeout(TIDY, connection.ping()).await, Ok(Ok(())));
            if stands {
                return Ok(true);
            }
            invalidation.raise();
            // Closed without a terminate message, since the server may not respond.
            Err(io::Error::from(io::ErrorKind::ConnectionAborted).into())
        })
    })
}

/// A borrowed connection of the pool.
#[derive(Debug)]
pub struct Lent {
    /// None once it was abandoned.
    connection: Option<PoolConnection<Postgres>>,
    /// When it was made, or a little later.
    since: Instant,
    /// The permit for a connection.
    leave: Option<OwnedSemaphorePermit>,
    resting: Resting,
    invalidation: Invalidation,
    /// Whether a transaction may be open.
    is_open: bool,
    /// Whether every statement so far was answered.
    is_answered: bool,
}

impl Lent {
    /// The connection, unless it was abandoned.
    #[doc(hidden)]
    pub fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        self.is_answered = false;
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(io::Error::new(io::ErrorKind::NotConnected, "the connection was abandoned before").into()),
        }
    }

    /// Abandons the connection if it caused a failure.
    #[doc(hidden)]
    pub fn after<T>(&mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        if let Err(error) = &done
            && is_lost_connection(error)
        {
            self.invalidation.raise();
            self.give_up();
        }
        self.is_answered = true;
        done
    }

    /// Closes the connection without a terminate message and without waiting; the server then rolls back what was open.
    fn give_up(&mut self) {
        drop(self.connection.take().map(PoolConnection::detach));
    }

    async fn run(&mut self, until: Instant, statement: &'static str) -> sqlx::Result<()> {
        let connection = self.connection()?;
        let done = by(until, async { sqlx::raw_sql(statement).execute(connection).await.map(drop) }).await;
        self.after(done)
    }
}

impl Drop for Lent {
    /// Returns the connection in an idle state. What a dropped call was in the middle of is waited for, for a short
    /// time.
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return self.give_up() };
        let Some(mut connection) = self.connection.take() else { return };
        if self.is_answered && !self.is_open {
            match self.resting.push(connection, self.since) {
                None => return,
                Some(refused) => connection = refused,
            }
        }
        let (is_open, leave) = (self.is_open, self.leave.take());
        runtime.spawn(async move {
            // The permit is released once this one is idle.
            let _leave = leave;
            if is_open {
                let rollback = sqlx::raw_sql("rollback").execute(&mut *connection);
                if !matches!(timeout(TIDY, rollback).await, Ok(Ok(_))) {
                    return drop(connection.detach());
                }
            }
            // As dropping it would, but that has no timeout: reads what is still pending, and returns the connection
            // if it answers. The future owns it, so one that does not is closed.
            let _ = timeout(TIDY, connection.return_to_pool()).await;
        });
    }
}

/// A statement outside of a transaction, on one connection after another until one works.
#[doc(hidden)]
#[derive(Debug)]
pub struct Reading<'a> {
    pool: &'a Pool,
    until: Instant,
    tries: u32,
}

impl<'a> Reading<'a> {
    fn of(pool: &'a Pool) -> Self {
        Self { pool, until: Instant::now() + pool.limits.whole, tries: 0 }
    }

    /// When it times out.
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// The connection for the next attempt.
    pub async fn lend(&mut self) -> sqlx::Result<Lent> {
        self.tries += 1;
        let Pool { resting, limits, invalidation, .. } = self.pool;
        let until = self.until.min(Instant::now() + limits.acquire);
        let leave = by(until, resting.leave()).await?;
        let (connection, since) = match resting.fresh(invalidation) {
            Some(rested) => rested,
            // Boxed: it is large, and every future that queries the database would be as large, even if it does so
            // rarely.
            None => Box::pin(by(until, self.pool.connect())).await?,
        };
        let (resting, invalidation) = (resting.clone(), invalidation.clone());
        let connection = Some(connection);
        Ok(Lent { connection, since, leave: Some(leave), resting, invalidation, is_open: false, is_answered: true })
    }

    /// Whether another connection may succeed. Reads have no effect, nor does a transaction that did not begin.
    pub fn goes_on_after(&self, error: &sqlx::Error) -> bool {
        is_lost_connection(error) && self.tries < TRIES && Instant::now() < self.until
    }
}

/// A transaction. It is rolled back unless it is committed, even if it is dropped in the middle of a statement.
#[derive(Debug)]
pub struct PostgresTx {
    lent: Lent,
    until: Instant,
    pub(crate) after_commit: Vec<CommitSignal>,
}

impl PostgresTx {
    async fn begin(reading: &mut Reading<'_>) -> sqlx::Result<Self> {
        let mut lent = reading.lend().await?;
        lent.is_open = true;
        lent.run(reading.until, "begin").await?;
        Ok(Self { lent, until: reading.until, after_commit: Vec::new() })
    }

    /// When it times out.
    #[doc(hidden)]
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// See [`Lent::connection`].
    #[doc(hidden)]
    pub fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        self.lent.connection()
    }

    /// See [`Lent::after`].
    #[doc(hidden)]
    pub fn after<T>(&mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        self.lent.after(done)
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        self.lent.connection().map_err(domain_error)?;
        // It takes effect or not, but needs no rollback.
        self.lent.is_open = false;
        let committed = self.lent.run(self.until, "commit").await.map_err(commit_error);
        for signal in &self.after_commit {
            signal.send_replace(());
        }
        committed
    }
}

/// Abandons what is not done by then; the connection is then closed, whatever happens to the statement.
#[doc(hidden)]
pub async fn by<T>(until: Instant, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    match timeout_at(until, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time").into()),
    }
}
