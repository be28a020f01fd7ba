//! Clients that are connected to a gateway. They count while its lease does.

use std::{sync::LazyLock, time::Duration};

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx, row};

use super::keyed;
use crate::model::{Connected, Session};

const KEY: [(&str, Kind); 4] =
    [("app_id", Kind::Int), ("user_id", Kind::Int), ("gateway_id", Kind::Int), ("session_id", Kind::Int)];

/// How far clocks of gateways may be apart. A session that is reported again, as its gateway's lease had lapsed, may be
/// older than what it finds.
const APART: Duration = Duration::from_secs(5);

/// Sessions of one user that are read.
const MOST: i64 = 1_000;

/// Returns those that are new.
static START: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("gateway_id", Kind::Int),
        ("session_id", Kind::Int),
        ("device_sn", Kind::Int),
        ("resource", Kind::Text),
        ("platform", Kind::Text),
        ("opened_at", Kind::Int),
        ("is_single", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into connected_session (
            app_id, user_id, gateway_id, session_id, device_sn, resource, platform, opened_at, is_single)
        select r.app_id, r.user_id, r.gateway_id, r.session_id, r.device_sn, r.resource, r.platform, r.opened_at,
            r.is_single
        from r where true
        on conflict (app_id, user_id, gateway_id, session_id) do nothing
        returning session_id",
    )
});

/// Returns those that were there.
static END: LazyLock<ManyRows> = LazyLock::new(|| {
    let sqlite = "
    delete from connected_session
    where (app_id, user_id, gateway_id, session_id) in (select app_id, user_id, gateway_id, session_id from r)
    returning app_id, user_id, gateway_id, session_id, device_sn, resource, platform, opened_at, is_single";
    let postgres = "
    delete from connected_session s using r
    where s.app_id = r.app_id and s.user_id = r.user_id and s.gateway_id = r.gateway_id
        and s.session_id = r.session_id
    returning s.app_id, s.user_id, s.gateway_id, s.session_id, s.device_sn, s.resource, s.platform, s.opened_at,
        s.is_single";
    ManyRows::per_engine(&KEY, sqlite, postgres)
});

/// Of several users, at most 100 of each. See `store::users`.
static LIVE_OF: LazyLock<GatherMany> = LazyLock::new(|| {
    let out = ["user_id", "device_sn", "resource", "platform", "opened_at"];
    let columns = out.map(|name| format!("s.{name}")).join(", ");
    let is_it = "s.app_id = r.app_id and s.user_id = r.user_id and exists (
        select 1 from gateway_lease l where l.gateway_id = s.gateway_id and l.expires_at > r.now)";
    let sqlite = format!("select {columns} from r cross join connected_session s where {is_it}");
    let postgres = format!(
        "select {columns} from r cross join lateral (select * from connected_session s where {is_it} limit 100) s"
    );
    GatherMany::per_engine(&keyed::USER_NOW, &out, &sqlite, &postgres)
});

/// Those that sessions of the same devices replace: at other gateways, since each gateway ends its own.
static REPLACED: LazyLock<GatherMany> = LazyLock::new(|| {
    let keys = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("gateway_id", Kind::Int),
        ("resource", Kind::Text),
        ("latest", Kind::Int),
    ];
    let out = ["app_id", "user_id", "gateway_id", "session_id"];
    let query = "
    select s.app_id, s.user_id, s.gateway_id, s.session_id
    from r cross join connected_session s
    where s.app_id = r.app_id and s.user_id = r.user_id and s.gateway_id <> r.gateway_id
        and s.resource = r.resource and s.is_single = 1 and s.opened_at <= r.latest";
    GatherMany::new(&keys, &out, query, "")
});

static OF_GATEWAY: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select app_id, user_id, gateway_id, session_id, device_sn, resource, platform, opened_at, is_single
    from connected_session where gateway_id = $1 order by session_id limit cast($2 as bigint)";
    Gather::new(ConnectedRow::COLUMNS, query)
});

const OF_USER: &str = "
    select app_id, user_id, gateway_id, session_id, device_sn, resource, platform, opened_at, is_single
    from connected_session where app_id = $1 and user_id = $2 order by gateway_id, session_id
    limit cast($3 as bigint)";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let many = [START.texts(engine), END.texts(engine), LIVE_OF.texts(engine), REPLACED.texts(engine)];
    [vec![OF_USER.to_owned(), OF_GATEWAY.text(engine)], many.concat()].concat()
}

row! {
    struct ConnectedRow {
        app_id: i64,
        user_id: i64,
        gateway_id: i64,
        session_id: i64,
        device_sn: i64,
        resource: String,
        platform: String,
        opened_at: i64,
        is_single: i64,
    }
}

impl From<ConnectedRow> for Connected {
    fn from(row: ConnectedRow) -> Self {
        Self {
            app: AppId(row.app_id),
            user: UserId(row.user_id),
            gateway: row.gateway_id,
            id: row.session_id,
            device_sn: row.device_sn,
            resource: row.resource,
            platform: row.platform,
            opened_at: UnixMillis(row.opened_at),
            is_single: row.is_single != 0,
        }
    }
}

/// Writes sessions of one gateway; returns the ids of those that were not there.
pub(crate) async fn start(tx: &mut Tx, sessions: &[Connected]) -> Result<Vec<i64>, Error> {
    if sessions.is_empty() {
        return Ok(Vec::new());
    }
    let int = |value: fn(&Connected) -> i64| Column::Int(sessions.iter().map(value).collect());
    let rows = [
        int(|session| session.app.0),
        int(|session| session.user.0),
        int(|session| session.gateway),
        int(|session| session.id),
        int(|session| session.device_sn),
        Column::Text(sessions.iter().map(|session| Some(session.resource.as_str())).collect()),
        Column::Text(sessions.iter().map(|session| Some(session.platform.as_str())).collect()),
        int(|session| session.opened_at.0),
        int(|session| session.is_single.into()),
    ];
    let new: Vec<(i64,)> = START.fetch(tx, &rows).await?;
    Ok(new.into_iter().map(|(id,)| id).collect())
}

/// The key of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionKey {
    pub(crate) app: AppId,
    pub(crate) user: UserId,
    pub(crate) gateway: i64,
    pub(crate) id: i64,
}

/// Those at other gateways whose place these sessions take: of which only one of a device may be open.
pub(crate) async fn replaced_by(
    tx: &mut Tx,
    sessions: impl Iterator<Item = &Connected>,
) -> Result<Vec<SessionKey>, Error> {
    let sessions: Vec<&Connected> = sessions.filter(|session| session.is_single).collect();
    if sessions.is_empty() {
        return Ok(Vec::new());
    }
    let int = |value: fn(&Connected) -> i64| Column::Int(sessions.iter().map(|session| value(session)).collect());
    let rows = [
        int(|session| session.app.0),
        int(|session| session.user.0),
        int(|session| session.gateway),
        Column::Text(sessions.iter().map(|session| Some(session.resource.as_str())).collect()),
        int(|session| (session.opened_at + APART).0),
    ];
    let found: Vec<(i64, i64, i64, i64)> = REPLACED.fetch(tx, &rows).await?;
    let key = |(app, user, gateway, id)| SessionKey { app: AppId(app), user: UserId(user), gateway, id };
    Ok(found.into_iter().map(key).collect())
}

/// Removes sessions; returns those that were there.
pub(crate) async fn end(tx: &mut Tx, mut keys: Vec<SessionKey>) -> Result<Vec<Connected>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    keys.sort_unstable();
    let int = |value: fn(&SessionKey) -> i64| Column::Int(keys.iter().map(value).collect());
    let rows = [int(|key| key.app.0), int(|key| key.user.0), int(|key| key.gateway), int(|key| key.id)];
    let ended: Vec<ConnectedRow> = END.fetch(tx, &rows).await?;
    Ok(ended.into_iter().map(Into::into).collect())
}

/// Those of a user, whether their gateways have a lease or not.
pub(crate) async fn of_user(tx: &mut Tx, app: AppId, user: UserId) -> Result<Vec<Connected>, Error> {
    let rows: Vec<ConnectedRow> =
        on_tx!(tx, |c| sqlx::query_as(OF_USER).bind(app.0).bind(user.0).bind(MOST).fetch_all(c).await)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Some of a gateway.
pub(crate) async fn of_gateway(db: &Db, gateway: i64, limit: i64) -> Result<Vec<Connected>, Error> {
    let rows: Vec<ConnectedRow> = OF_GATEWAY.read(db, &[gateway, limit]).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Those of these users whose gateways have a lease, in any order. `now` is the time of the database.
pub(crate) async fn live_of(
    db: &Db,
    app: AppId,
    users: &[UserId],
    now: UnixMillis,
) -> Result<Vec<(UserId, Session)>, Error> {
    Ok(sessions(LIVE_OF.read(db, &keyed::user_rows_now(app, users, now)).await?))
}

/// The same inside a transaction.
pub(crate) async fn live_of_in(
    tx: &mut Tx,
    app: AppId,
    users: &[UserId],
    now: UnixMillis,
) -> Result<Vec<(UserId, Session)>, Error> {
    Ok(sessions(LIVE_OF.fetch(tx, &keyed::user_rows_now(app, users, now)).await?))
}

fn sessions(found: Vec<(i64, i64, String, String, i64)>) -> Vec<(UserId, Session)> {
    let session = |(user, device_sn, resource, platform, opened_at)| {
        let opened_at = UnixMillis(opened_at);
        (UserId(user), Session { device_sn, resource, platform, opened_at, expires_at: None })
    };
    found.into_iter().map(session).collect()
}
