//! Accepted broadcasts, carried out in the background.

use std::time::Duration;

use tidings_domain::{AppId, Clock, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Db, Engine, Tx, on_db, on_tx, sqlx};

/// The lease time of a broadcast. By the database's clock.
pub const LEASE: Duration = Duration::from_secs(8);

/// The receivers of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every registered user.
    Users,
    /// Every room that has messages.
    Rooms,
}

impl Scope {
    /// The column's value.
    const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Rooms => "rooms",
        }
    }
}

/// One broadcast.
#[derive(Debug)]
pub struct Broadcast {
    pub app: AppId,
    pub id: MsgId,
    pub scope: Scope,
    pub sender: UserId,
    /// The content as in an event; see `StoredContent::to_json`.
    pub body: String,
    /// See [`crate::row_options`].
    pub delivery: Option<String>,
}

const INSERT: &str = "
    insert into broadcast (app_id, broadcast_id, scope, sender_id, body, delivery, made_at, leased_until)
    values ($1, $2, $3, $4, $5, $6, $7, 0)";

const OPEN: &str = "
    select app_id, broadcast_id, scope, sender_id, body, delivery
    from broadcast where done_at is null and leased_until <= $1 order by leased_until limit 1";

/// One with a lease until an implausible future time.
const IMPOSSIBLE: &str = "
    select app_id, broadcast_id, scope, sender_id, body, delivery
    from broadcast where done_at is null and leased_until > $1 order by leased_until limit 1";

const TAKE: &str = "
    update broadcast set leased_until = $5
    where app_id = $1 and broadcast_id = $2 and done_at is null and (leased_until <= $3 or leased_until > $4)";

const KEEP: &str = "
    update broadcast set leased_until = $4
    where app_id = $1 and broadcast_id = $2 and done_at is null and leased_until = $3";

const DONE: &str = "
    update broadcast set done_at = $3, failed_because = $4 where app_id = $1 and broadcast_id = $2";

pub const ALL: &[&str] = &[INSERT, OPEN, IMPOSSIBLE, TAKE, KEEP, DONE];

/// Accepts it.
pub async fn insert(tx: &mut Tx, broadcast: &Broadcast, made_at: UnixMillis) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(broadcast.app.0)
        .bind(broadcast.id.0)
        .bind(broadcast.scope.name())
        .bind(broadcast.sender.0)
        .bind(&broadcast.body)
        .bind(&broadcast.delivery)
        .bind(made_at.0)
        .execute(c)
        .await
        .map(drop))
}

type OpenRow = (i64, i64, String, i64, String, Option<String>);

/// Before which time leases are expired, and after which they are implausible. On SQLite no other process exists.
async fn bounds(db: &Db, clock: &dyn Clock) -> Result<(UnixMillis, UnixMillis), Error> {
    match db.engine() {
        Engine::Sqlite => Ok((UnixMillis(i64::MAX), UnixMillis(i64::MAX))),
        Engine::Postgres => {
            let now = db.now(clock).await?;
            Ok((now, now + LEASE * 2))
        }
    }
}

/// One without a worker.
pub async fn open(db: &Db, clock: &dyn Clock) -> Result<Option<Broadcast>, Error> {
    let (over, impossible) = bounds(db, clock).await?;
    let mut row: Option<OpenRow> = on_db!(db, |c| sqlx::query_as(OPEN).bind(over.0).fetch_optional(c).await)?;
    if row.is_none() {
        row = on_db!(db, |c| sqlx::query_as(IMPOSSIBLE).bind(impossible.0).fetch_optional(c).await)?;
    }
    row.map(|(app, id, scope, sender, body, delivery)| {
        let scope = [Scope::Users, Scope::Rooms].into_iter().find(|known| known.name() == scope);
        let scope = scope.ok_or_else(|| Error::internal("a broadcast of unknown scope"))?;
        Ok(Broadcast { app: AppId(app), id: MsgId(id), scope, sender: UserId(sender), body, delivery })
    })
    .transpose()
}

/// Acquires a lease, and returns its end; `None` when another process was first.
pub async fn take(db: &Db, clock: &dyn Clock, (app, id): (AppId, MsgId)) -> Result<Option<UnixMillis>, Error> {
    let (over, impossible) = bounds(db, clock).await?;
    let mut tx = db.begin().await?;
    let until = tx.now(clock).await? + LEASE;
    let taken = on_tx!(&mut tx, |c| sqlx::query(TAKE)
        .bind(app.0)
        .bind(id.0)
        .bind(over.0)
        .bind(impossible.0)
        .bind(until.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok((taken == 1).then_some(until))
}

/// Renews the lease that ends at `held`, and returns its new end; `None` when it is done, or another process has it.
pub async fn keep(
    db: &Db,
    clock: &dyn Clock,
    (app, id): (AppId, MsgId),
    held: UnixMillis,
) -> Result<Option<UnixMillis>, Error> {
    let mut tx = db.begin().await?;
    let until = tx.now(clock).await? + LEASE;
    let kept = on_tx!(&mut tx, |c| sqlx::query(KEEP)
        .bind(app.0)
        .bind(id.0)
        .bind(held.0)
        .bind(until.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok((kept == 1).then_some(until))
}

/// It was carried out, or has failed permanently.
pub async fn done(
    db: &Db,
    (app, id): (AppId, MsgId),
    now: UnixMillis,
    failed_because: Option<&str>,
) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |c| sqlx::query(DONE)
        .bind(app.0)
        .bind(id.0)
        .bind(now.0)
        .bind(failed_because)
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}
