//! Which process works for an endpoint.

use std::{sync::LazyLock, time::Duration};

use tidings_domain::{AppId, Clock, Error};
use tidings_store::{Column, Db, GatherMany, Kind, ManyRows, on_tx, sqlx};

use super::delivery::Which;

/// Those that are its own or free. A lease until an implausible future time is ignored. PostgreSQL locks the rows in one
/// order, so that two processes do not wait for each other.
static TAKE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("endpoint_id", Kind::Int),
        ("owner", Kind::Text),
        ("ends_at", Kind::Int),
        ("lapsed_at", Kind::Int),
        ("plausible_at", Kind::Int),
    ];
    ManyRows::per_engine(
        &columns,
        "update endpoint set lease_owner = r.owner, lease_until = r.ends_at
         from r
         where endpoint.app_id = r.app_id and endpoint.endpoint_id = r.endpoint_id
           and (endpoint.lease_owner = r.owner or endpoint.lease_until <= r.lapsed_at
                or endpoint.lease_until > r.plausible_at)
         returning endpoint.app_id, endpoint.endpoint_id",
        "update endpoint set lease_owner = taken.owner, lease_until = taken.ends_at
         from (
             select e.app_id, e.endpoint_id, r.owner, r.ends_at
             from r join endpoint e on e.app_id = r.app_id and e.endpoint_id = r.endpoint_id
             where e.lease_owner = r.owner or e.lease_until <= r.lapsed_at or e.lease_until > r.plausible_at
             order by e.app_id, e.endpoint_id for no key update of e) taken
         where endpoint.app_id = taken.app_id and endpoint.endpoint_id = taken.endpoint_id
         returning endpoint.app_id, endpoint.endpoint_id",
    )
});

static RELEASE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &[("app_id", Kind::Int), ("endpoint_id", Kind::Int), ("owner", Kind::Text)],
        "update endpoint set lease_until = 0
         from r
         where endpoint.app_id = r.app_id and endpoint.endpoint_id = r.endpoint_id and endpoint.lease_owner = r.owner",
    )
});

static RELEASED: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &[("app_id", Kind::Int), ("endpoint_id", Kind::Int)],
        &["app_id", "endpoint_id"],
        "select e.app_id, e.endpoint_id from r
         join endpoint e on e.app_id = r.app_id and e.endpoint_id = r.endpoint_id
         where e.lease_until = 0",
        "",
    )
});

const RELEASE_ALL: &str = "update endpoint set lease_until = 0 where lease_owner = $1";

pub const ALL: &[&str] = &[RELEASE_ALL];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&TAKE, &RELEASE]
}

pub fn gathers() -> Vec<&'static GatherMany> {
    vec![&RELEASED]
}

/// Acquires, or renews, a lease for so long by the database's clock on each of these that no other process works for;
/// returns which.
pub async fn take(
    db: &Db,
    clock: &dyn Clock,
    owner: &str,
    term: Duration,
    wanted: &[Which],
) -> Result<Vec<Which>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.begin().await?;
    let now = tx.now(clock).await?;
    let [apps, ids] = keys(wanted);
    let each = |value: i64| Column::Int(vec![value; wanted.len()]);
    let owners = Column::Text(vec![Some(owner); wanted.len()]);
    let columns = [apps, ids, owners, each((now + term).0), each(now.0), each((now + term * 2).0)];
    let taken: Vec<(i64, i64)> = TAKE.fetch(&mut tx, &columns).await?;
    tx.commit().await?;
    Ok(taken.into_iter().map(|(app, id)| (AppId(app), id)).collect())
}

/// Releases these if they are its own, so that others need not wait until the leases are over.
pub async fn release(db: &Db, owner: &str, given: &[Which]) -> Result<(), Error> {
    if given.is_empty() {
        return Ok(());
    }
    let [apps, ids] = keys(given);
    let mut tx = db.begin().await?;
    RELEASE.execute(&mut tx, &[apps, ids, Column::Text(vec![Some(owner); given.len()])]).await?;
    tx.commit().await
}

/// Releases every endpoint of a process.
pub async fn release_all(db: &Db, owner: &str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |c| sqlx::query(RELEASE_ALL).bind(owner).execute(c).await.map(drop))?;
    tx.commit().await
}

/// Whether one of these was released.
pub async fn is_any_released(db: &Db, awaited: &[Which]) -> Result<bool, Error> {
    let released: Vec<(i64, i64)> = RELEASED.read(db, &keys(awaited)).await?;
    Ok(!released.is_empty())
}

fn keys(endpoints: &[Which]) -> [Column<'static>; 2] {
    let apps = endpoints.iter().map(|(app, _)| app.0).collect();
    [Column::Int(apps), Column::Int(endpoints.iter().map(|(_, id)| *id).collect())]
}

#[cfg(test)]
mod tests {
    use tidings_domain::SystemClock;
    use tidings_store::{Location, open};
    use tidings_testkit::fresh_database;

    use super::*;
    use crate::SCHEMA;

    const TERM: Duration = Duration::from_mins(1);
    const ADD: &str = "
        insert into endpoint (app_id, endpoint_id, dialect, url, secret, events, ordered, retry, timeout_ms, allow_private,
            paused, paused_because, created_at, cursor)
        select 1 + n % 10, n, 'agora', '', '', '', 0, 'durable', 1, 0, 0, '', 1, '' from generate_series(1, 1000) n";

    /// A database of two processes with a thousand endpoints.
    async fn filled() -> (Db, Vec<Which>) {
        let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
        execute(&db, ADD).await;
        (db, (1..=1000).map(|n| (AppId(1 + n % 10), n)).collect())
    }

    async fn execute(db: &Db, statement: &'static str) {
        let mut tx = db.begin().await.unwrap();
        on_tx!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }

    async fn taken(db: &Db, owner: &str, wanted: &[Which]) -> Vec<Which> {
        let mut taken = take(db, &SystemClock, owner, TERM, wanted).await.unwrap();
        taken.sort_unstable_by_key(|(_, id)| *id);
        taken
    }

    #[tokio::test]
    async fn an_endpoint_has_one_process_and_another_gets_it_once_it_is_released() {
        let (db, all) = filled().await;
        assert_eq!(taken(&db, "a", &all).await, all);
        assert!(taken(&db, "b", &all).await.is_empty());
        assert_eq!(taken(&db, "a", &all).await, all);
        assert!(!is_any_released(&db, &all).await.unwrap());

        release(&db, "a", &all[..400]).await.unwrap();
        assert!(is_any_released(&db, &all[399..]).await.unwrap());
        assert!(!is_any_released(&db, &all[400..]).await.unwrap());
        assert_eq!(taken(&db, "b", &all).await, &all[..400]);
        // What is another's is not released.
        release(&db, "a", &all).await.unwrap();
        assert_eq!(taken(&db, "a", &all).await, &all[400..]);
        release_all(&db, "b").await.unwrap();
        assert_eq!(taken(&db, "c", &all).await, &all[..400]);
    }

    #[tokio::test]
    async fn a_lease_that_is_over_or_ends_implausibly_late_holds_nothing() {
        let (db, all) = filled().await;
        taken(&db, "a", &all).await;
        execute(&db, "update endpoint set lease_until = 1 where endpoint_id <= 10").await;
        execute(&db, "update endpoint set lease_until = lease_until + 3600000 where endpoint_id > 990").await;
        assert_eq!(taken(&db, "b", &all).await, [&all[..10], &all[990..]].concat());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn processes_that_take_the_same_at_once_do_not_wait_for_each_other() {
        let (db, all) = filled().await;
        let backwards: Vec<Which> = all.iter().rev().copied().collect();
        for _ in 0..20 {
            let (a, b) = tokio::join!(taken(&db, "a", &all), taken(&db, "b", &backwards));
            assert_eq!(a.len() + b.len(), all.len());
            assert!(a.iter().all(|which| !b.contains(which)));
            tokio::try_join!(release_all(&db, "a"), release_all(&db, "b")).unwrap();
        }
    }
}
