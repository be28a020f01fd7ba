//! Devices that are online.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Db, Engine, GatherMany, Tx, on_db, on_tx};

use super::keyed;
use crate::model::Session;

const LIST: &str = "
    select device_sn, platform, opened_at, expires_at from user_session
    where app_id = $1 and user_id = $2 and expires_at > $3 order by device_sn";

const UPSERT: &str = "
    insert into user_session (app_id, user_id, device_sn, opened_at, expires_at, platform)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, user_id, device_sn) do update set
        opened_at = excluded.opened_at, expires_at = excluded.expires_at, platform = excluded.platform";

const SWEEP: &str = "delete from user_session where app_id = $1 and user_id = $2 and expires_at <= $3";
const END: &str = "delete from user_session where app_id = $1 and user_id = $2 and device_sn = $3";
const END_ALL: &str = "delete from user_session where app_id = $1 and user_id = $2";

/// The live sessions of several users, at most 16 of each.
static LIVE_OF: LazyLock<GatherMany> = LazyLock::new(|| {
    let out = ["user_id", "device_sn", "platform", "opened_at", "expires_at"];
    let columns = out.map(|name| format!("s.{name}")).join(", ");
    let is_it = "s.app_id = r.app_id and s.user_id = r.user_id and s.expires_at > r.now";
    let sqlite = format!("select {columns} from r cross join user_session s where {is_it}");
    let postgres =
        format!("select {columns} from r cross join lateral (select * from user_session s where {is_it} limit 16) s");
    GatherMany::per_engine(&keyed::USER_NOW, &out, &sqlite, &postgres)
});

pub(crate) const ALL: &[&str] = &[LIST, UPSERT, SWEEP, END, END_ALL];

pub(crate) fn all(engine: Engine) -> Vec<String> {
    LIVE_OF.texts(engine)
}

type SessionRow = (i64, String, i64, i64);

fn sessions(rows: Vec<SessionRow>) -> Vec<Session> {
    let session = |(device_sn, platform, opened_at, expires_at)| {
        Session::reported(device_sn, platform, UnixMillis(opened_at), UnixMillis(expires_at))
    };
    rows.into_iter().map(session).collect()
}

/// The sessions that are live at `now`, by their devices' numbers.
pub(crate) async fn live(db: &Db, app: AppId, user: UserId, now: UnixMillis) -> Result<Vec<Session>, Error> {
    let rows: Vec<SessionRow> =
        on_db!(db, |c| sqlx::query_as(LIST).bind(app.0).bind(user.0).bind(now.0).fetch_all(c).await)?;
    Ok(sessions(rows))
}

/// The live sessions of these users, with their users, in any order.
pub(crate) async fn live_of(
    db: &Db,
    app: AppId,
    users: &[UserId],
    now: UnixMillis,
) -> Result<Vec<(UserId, Session)>, Error> {
    Ok(of_users(LIVE_OF.read(db, &keyed::user_rows_now(app, users, now)).await?))
}

/// The same inside a transaction.
pub(crate) async fn live_of_in(
    tx: &mut Tx,
    app: AppId,
    users: &[UserId],
    now: UnixMillis,
) -> Result<Vec<(UserId, Session)>, Error> {
    Ok(of_users(LIVE_OF.fetch(tx, &keyed::user_rows_now(app, users, now)).await?))
}

fn of_users(found: Vec<(i64, i64, String, i64, i64)>) -> Vec<(UserId, Session)> {
    let session = |(user, device_sn, platform, opened_at, expires_at)| {
        (UserId(user), Session::reported(device_sn, platform, UnixMillis(opened_at), UnixMillis(expires_at)))
    };
    found.into_iter().map(session).collect()
}

/// Those of one user, inside a transaction.
pub(crate) async fn live_in(tx: &mut Tx, app: AppId, user: UserId, now: UnixMillis) -> Result<Vec<Session>, Error> {
    let rows: Vec<SessionRow> =
        on_tx!(tx, |c| sqlx::query_as(LIST).bind(app.0).bind(user.0).bind(now.0).fetch_all(c).await)?;
    Ok(sessions(rows))
}

/// Writes a session, replacing the previous one of its device.
pub(crate) async fn upsert(tx: &mut Tx, app: AppId, user: UserId, session: &Session) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(UPSERT)
        .bind(app.0)
        .bind(user.0)
        .bind(session.device_sn)
        .bind(session.opened_at.0)
        .bind(session.expires_at.map_or(0, |end| end.0))
        .bind(&session.platform)
        .execute(c)
        .await
        .map(drop))
}

/// Deletes expired sessions.
pub(crate) async fn sweep(tx: &mut Tx, app: AppId, user: UserId, now: UnixMillis) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(SWEEP).bind(app.0).bind(user.0).bind(now.0).execute(c).await.map(drop))
}

/// Ends one device's session.
pub(crate) async fn end(tx: &mut Tx, app: AppId, user: UserId, device_sn: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(END).bind(app.0).bind(user.0).bind(device_sn).execute(c).await.map(drop))
}

/// Ends every session of the user.
pub(crate) async fn end_all(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(END_ALL).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
