//! Presence notifications that are due to subscribers.
//!
//! A row exists from a change of a presence until some time after its notification: changes meanwhile wait. Only who
//! has locked the user, or queued for them, reads it in a transaction or writes it.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, CommitSignal, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx};
use tokio::sync::watch;

use super::keyed;

static FIRST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select app_id, user_id, due_at from presence_due where due_at >= $1 order by due_at limit cast($2 as bigint)";
    Gather::new(&["app_id", "user_id", "due_at"], query)
});

/// One primary key lookup per row; see `store::users`.
static OF_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    let out = ["user_id", "due_at", "pending", "gone"];
    let columns = out.map(|name| format!("d.{name}")).join(", ");
    let is_it = "d.app_id = r.app_id and d.user_id = r.user_id";
    let sqlite = format!("select {columns} from r cross join presence_due d where {is_it}");
    let postgres =
        format!("select {columns} from r cross join lateral (select * from presence_due d where {is_it} limit 1) d");
    GatherMany::per_engine(&keyed::USER, &out, &sqlite, &postgres)
});

static PUT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("due_at", Kind::Int),
        ("pending", Kind::Int),
        ("gone", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into presence_due (app_id, user_id, due_at, pending, gone)
        select r.app_id, r.user_id, r.due_at, r.pending, r.gone from r where true
        on conflict (app_id, user_id) do update set
            due_at = excluded.due_at, pending = excluded.pending, gone = excluded.gone",
    )
});

static REMOVE: LazyLock<ManyRows> = LazyLock::new(|| {
    let sqlite = "delete from presence_due where (app_id, user_id) in (select app_id, user_id from r)";
    let postgres = "delete from presence_due d using r where d.app_id = r.app_id and d.user_id = r.user_id";
    ManyRows::per_engine(&keyed::USER, sqlite, postgres)
});

const FORGET: &str = "delete from presence_due where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let single = vec![FORGET.to_owned(), FIRST.text(engine)];
    [single, OF_MANY.texts(engine), PUT.texts(engine), REMOVE.texts(engine)].concat()
}

/// Notified when this process committed that something is due: of the process, as that of `store::change`.
static MARKED: LazyLock<CommitSignal> = LazyLock::new(|| watch::Sender::new(()));

/// Changes whenever this process committed that something is due.
pub(crate) fn marked() -> watch::Receiver<()> {
    MARKED.subscribe()
}

/// A user whose presence notification is due, or was sent recently.
#[derive(Debug, Clone)]
pub(crate) struct PresenceDue {
    pub(crate) user: UserId,
    pub(crate) due_at: UnixMillis,
    /// False: nothing has changed since the notification.
    pub(crate) is_pending: bool,
    /// Devices that have disconnected since.
    pub(crate) gone: Vec<String>,
}

/// Users of all apps whose rows are due first, each with the time.
pub(crate) async fn first(db: &Db, limit: i64) -> Result<Vec<(AppId, UserId, UnixMillis)>, Error> {
    let rows: Vec<(i64, i64, i64)> = FIRST.read(db, &[0, limit]).await?;
    Ok(rows.into_iter().map(|(app, user, at)| (AppId(app), UserId(user), UnixMillis(at))).collect())
}

/// The rows of those of `users` who have one.
pub(crate) async fn of_many(tx: &mut Tx, app: AppId, users: &[UserId]) -> Result<Vec<PresenceDue>, Error> {
    let rows: Vec<(i64, i64, i64, String)> = OF_MANY.fetch(tx, &keyed::user_rows(app, users)).await?;
    let due = |(user, due_at, pending, gone): (i64, i64, i64, String)| {
        let gone = serde_json::from_str(&gone).map_err(Error::internal)?;
        Ok(PresenceDue { user: UserId(user), due_at: UnixMillis(due_at), is_pending: pending != 0, gone })
    };
    rows.into_iter().map(due).collect()
}

/// Writes rows.
pub(crate) async fn put(tx: &mut Tx, app: AppId, rows: &[PresenceDue]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let gone = rows.iter().map(|row| serde_json::to_string(&row.gone)).collect::<Result<Vec<_>, _>>();
    let gone = gone.map_err(Error::internal)?;
    let columns = [
        Column::Int(vec![app.0; rows.len()]),
        Column::Int(rows.iter().map(|row| row.user.0).collect()),
        Column::Int(rows.iter().map(|row| row.due_at.0).collect()),
        Column::Int(rows.iter().map(|row| i64::from(row.is_pending)).collect()),
        Column::Text(gone.iter().map(|names| Some(names.as_str())).collect()),
    ];
    PUT.execute(tx, &columns).await?;
    if rows.iter().any(|row| row.is_pending) {
        tx.signal_after_commit(&MARKED);
    }
    Ok(())
}

/// Removes the rows of these users.
pub(crate) async fn remove(tx: &mut Tx, app: AppId, users: &[UserId]) -> Result<(), Error> {
    if users.is_empty() {
        return Ok(());
    }
    REMOVE.execute(tx, &keyed::user_rows(app, users)).await
}

pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
