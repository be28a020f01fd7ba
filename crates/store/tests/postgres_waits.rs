//! PostgreSQL that hangs, freezes, restarts or loses its client halfway: every wait ends, and the pool recovers by
//! itself.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/testkit/src/proxy.rs"]
mod proxy;

use std::{
    env,
    future::Future,
    sync::atomic::{AtomicU32, Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use proxy::Proxy;
use tidings_domain::{Error, Reason};
use tidings_store::{
    Db, Gather, Location, LostTransaction, Schema, Tx, lost, on_db, on_tx, open,
    sqlx::{self, AssertSqlSafe, Connection as _, PgConnection},
};

const SCHEMA: Schema =
    Schema { name: "notes", sqlite: &[], postgres: &["create table note (id bigint primary key, body text not null)"] };

/// Far beyond every limit: what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(1);

struct World {
    url: String,
    admin: PgConnection,
}

impl World {
    /// An empty database.
    async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = env::var("TIDINGS_TEST_POSTGRES").expect("run the tests with `cargo xtask test`");
        let name = format!("waits_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&server).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut admin).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        Self { admin: PgConnection::connect(&url).await.unwrap(), url }
    }

    async fn open(&self) -> Db {
        open(&Location::Postgres(self.url.clone()), &SCHEMA, true).await.unwrap()
    }

    /// The same through a proxy that can freeze.
    async fn open_behind_proxy(&self) -> (Db, Proxy) {
        let (proxy, url) = Proxy::before(&self.url).await;
        (open(&Location::Postgres(url), &SCHEMA, true).await.unwrap(), proxy)
    }

    /// Ends every other connection to the database, as a restart does.
    async fn cut_all(&mut self) -> i64 {
        const CUT: &str = "
            select count(*) filter (where pg_terminate_backend(pid, 10000)) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
        sqlx::query_scalar(CUT).fetch_one(&mut self.admin).await.unwrap()
    }

    async fn in_transaction(&mut self) -> i64 {
        const OPEN: &str = "
            select count(*) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'";
        sqlx::query_scalar(OPEN).fetch_one(&mut self.admin).await.unwrap()
    }
}

async fn write(tx: &mut Tx, id: i64) -> Result<(), Error> {
    const WRITE: &str = "
        insert into note (id, body) values ($1, 'x') on conflict (id) do update set body = note.body || 'x'";
    on_tx!(tx, |c| sqlx::query(WRITE).bind(id).execute(c).await.map(drop))
}

async fn store(db: &Db, id: i64) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    write(&mut tx, id).await?;
    tx.commit().await
}

async fn count(db: &Db) -> Result<i64, Error> {
    on_db!(db, |c| sqlx::query_scalar("select count(*) from note").fetch_one(c).await)
}

/// Polls a future until it has waited so many times, and drops it there, as a client that disconnects does.
async fn abandon(after: u32, work: impl Future) {
    let mut work = Box::pin(work);
    let mut left = after;
    std::future::poll_fn(|cx| {
        if work.as_mut().poll(cx).is_ready() || left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

#[tokio::test]
async fn a_silent_holder_of_locks_loses_them_and_others_go_on() {
    let world = World::new().await;
    let (hung, other) = (world.open().await, world.open().await);
    let mut silent = hung.begin().await.unwrap();
    write(&mut silent, 1).await.unwrap();
    within("who waits for a silent holder", store(&other, 1)).await.unwrap();
    let error = write(&mut silent, 2).await.unwrap_err();
    assert_eq!((error.reason(), lost(&error)), (Reason::Unavailable, Some(LostTransaction::Undone)));
    let error = silent.commit().await.unwrap_err();
    assert_eq!(error.reason(), Reason::Unavailable);
    assert_eq!(count(&hung).await.unwrap(), 1);
}

#[tokio::test]
async fn a_lock_that_is_never_given_is_refused_as_unavailable() {
    let mut world = World::new().await;
    let db = world.open().await;
    store(&db, 1).await.unwrap();
    // A holder that is not silent, but keeps the lock.
    let mut holder = world.admin.begin().await.unwrap();
    sqlx::query("update tidings_notes.note set body = 'mine'").execute(&mut *holder).await.unwrap();
    let error = within("who waits for a lock", store(&db, 1)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::Unavailable);
    holder.rollback().await.unwrap();
    store(&db, 1).await.unwrap();
}

#[tokio::test]
async fn calls_to_a_frozen_database_end_and_it_heals() {
    let world = World::new().await;
    let (db, proxy) = world.open_behind_proxy().await;
    let notes = Gather::new(&["id"], "select id from note order by id");
    within("warming up", warm_up(&db)).await;
    let mut open = db.begin().await.unwrap();
    write(&mut open, 100).await.unwrap();

    proxy.freeze();
    let gathered = async { notes.read::<(i64,)>(&db, &[]).await.map(drop) };
    let ended = within("a call to a frozen database", async {
        let calls = futures_util::future::join_all((0..30).map(|id| store(&db, id)));
        let reads = futures_util::future::join_all((0..10).map(|_| count(&db)));
        let (calls, reads, gathered, commit, ping) = tokio::join!(calls, reads, gathered, open.commit(), db.ping());
        assert_eq!(lost(commit.as_ref().unwrap_err()), None, "it has waited long enough");
        let mut ended: Vec<Result<(), Error>> = calls;
        ended.extend(reads.into_iter().map(|read| read.map(drop)));
        ended.extend([gathered, commit, ping]);
        ended
    })
    .await;
    for end in ended {
        assert_eq!(end.unwrap_err().reason(), Reason::Unavailable);
    }

    // What was frozen stays frozen, as behind a router that forgot the connections; new ones work.
    proxy.heal();
    let healed = Instant::now();
    while store(&db, 200).await.is_err() {
        assert!(healed.elapsed() < PATIENCE, "it does not heal");
    }
    within("the healed pool", warm_up(&db)).await;
}

/// Uses every connection at once.
async fn warm_up(db: &Db) {
    let sleep = || async { on_db!(db, |c| sqlx::query("select pg_sleep(0.05)").execute(c).await.map(drop)) };
    for done in futures_util::future::join_all((0..10).map(|_| sleep())).await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_restart_fails_no_read_and_no_transaction_that_begins() {
    let mut world = World::new().await;
    let db = world.open().await;
    let notes = Gather::new(&["id"], "select id from note order by id");
    for round in 0..5 {
        warm_up(&db).await;
        assert!(world.cut_all().await >= 10, "every connection was used");
        let reads = futures_util::future::join_all((0..10).map(|_| count(&db)));
        let gathers = futures_util::future::join_all((0..10).map(|_| notes.read::<(i64,)>(&db, &[])));
        let writes = futures_util::future::join_all((0..10).map(|id| store(&db, 10 * round + id)));
        let (reads, gathers, writes) = tokio::join!(reads, gathers, writes);
        assert!(reads.into_iter().all(|read| read.is_ok()));
        assert!(gathers.into_iter().all(|read| read.is_ok()));
        assert!(writes.into_iter().all(|write| write.is_ok()));
    }
    assert_eq!(count(&db).await.unwrap(), 50);
}

#[tokio::test]
async fn what_is_cut_off_in_the_middle_says_whether_it_may_have_taken_place() {
    let mut world = World::new().await;
    let db = world.open().await;
    let mut tx = db.begin().await.unwrap();
    write(&mut tx, 1).await.unwrap();
    world.cut_all().await;
    let error = write(&mut tx, 2).await.unwrap_err();
    assert_eq!((error.reason(), lost(&error)), (Reason::Unavailable, Some(LostTransaction::Undone)));

    let mut tx = db.begin().await.unwrap();
    write(&mut tx, 1).await.unwrap();
    world.cut_all().await;
    let error = tx.commit().await.unwrap_err();
    assert_eq!((error.reason(), lost(&error)), (Reason::Unavailable, Some(LostTransaction::Unknown)));
    assert_eq!(count(&db).await.unwrap(), 0);
}

#[tokio::test]
async fn abandoned_calls_leave_no_transaction_open() {
    let mut world = World::new().await;
    let db = world.open().await;
    for after in 0..40 {
        abandon(after % 8, store(&db, i64::from(after))).await;
        abandon(after % 3, db.begin()).await;
        abandon(after % 3, count(&db)).await;
    }
    // Their connections are idle, or closed.
    let patience = Instant::now() + PATIENCE;
    loop {
        warm_up(&db).await;
        if world.in_transaction().await == 0 {
            break;
        }
        assert!(Instant::now() < patience, "a transaction stays open");
    }
    // A forgotten open transaction would see its own writes: so check through another connection.
    let before = count(&db).await.unwrap();
    sqlx::query("insert into tidings_notes.note values (1000, '')").execute(&mut world.admin).await.unwrap();
    assert_eq!(count(&db).await.unwrap(), before + 1);
}
