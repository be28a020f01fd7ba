//! Who is subscribed to whose presence.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx, row};

use super::keyed;
use crate::model::people::PresenceSubscription;

const KEY: [(&str, Kind); 3] = [("app_id", Kind::Int), ("user_id", Kind::Int), ("target_id", Kind::Int)];

static SUBSCRIBE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = ["app_id", "user_id", "target_id", "expires_at"].map(|name| (name, Kind::Int));
    ManyRows::new(
        &columns,
        "insert into presence_subscription (app_id, user_id, target_id, expires_at)
        select r.app_id, r.user_id, r.target_id, r.expires_at from r where true
        on conflict (app_id, user_id, target_id) do update set expires_at = excluded.expires_at",
    )
});

static UNSUBSCRIBE: LazyLock<ManyRows> = LazyLock::new(|| {
    let sqlite = "
    delete from presence_subscription
    where (app_id, user_id, target_id) in (select app_id, user_id, target_id from r)";
    let postgres = "
    delete from presence_subscription s using r
    where s.app_id = r.app_id and s.user_id = r.user_id and s.target_id = r.target_id";
    ManyRows::per_engine(&KEY, sqlite, postgres)
});

/// One primary key lookup per row; see `store::users`.
static TO_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("user_id", Kind::Int), ("target_id", Kind::Int), ("now", Kind::Int)];
    let is_it = "s.app_id = r.app_id and s.user_id = r.user_id and s.target_id = r.target_id and s.expires_at > r.now";
    let select = "select s.target_id, s.expires_at from r";
    let sqlite = format!("{select} cross join presence_subscription s where {is_it}");
    let postgres =
        format!("{select} cross join lateral (select * from presence_subscription s where {is_it} limit 1) s");
    GatherMany::per_engine(&columns, &["target_id", "expires_at"], &sqlite, &postgres)
});

/// How many subscribers a user may have (agora.md 9). Concurrent subscriptions may exceed it slightly.
pub(crate) const MAX_SUBSCRIBERS: i64 = 3_000;

/// How many subscribers each of the rows' users has in addition to the row's own. Those whose subscription has expired
/// are not read, so these are about [`MAX_SUBSCRIBERS`] at most.
static SUBSCRIBERS: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = ["app_id", "target_id", "user_id", "now"].map(|name| (name, Kind::Int));
    let query = "
    select r.target_id, (
        select count(*) from presence_subscription s
        where s.app_id = r.app_id and s.target_id = r.target_id and s.expires_at > r.now
            and s.user_id <> r.user_id) as subscribers
    from r";
    GatherMany::new(&columns, &["target_id", "subscribers"], query, "")
});

/// Who is subscribed to each of several users; see `store::users`.
static OF_TARGETS: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = ["app_id", "target_id", "now"].map(|name| (name, Kind::Int));
    let is_it = "s.app_id = r.app_id and s.target_id = r.target_id and s.expires_at > r.now";
    let select = "select s.target_id, s.user_id from r";
    let sqlite = format!("{select} cross join presence_subscription s where {is_it}");
    let postgres =
        format!("{select} cross join lateral (select * from presence_subscription s where {is_it} limit 4000) s");
    GatherMany::per_engine(&columns, &["target_id", "user_id"], &sqlite, &postgres)
});

/// Those that have subscribers; see `store::users`.
static SUBSCRIBED: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = ["app_id", "target_id", "now"].map(|name| (name, Kind::Int));
    let is_it = "s.app_id = r.app_id and s.target_id = r.target_id and s.expires_at > r.now";
    let sqlite =
        format!("select r.target_id from r where exists (select 1 from presence_subscription s where {is_it})");
    let postgres = format!(
        "select r.target_id from r cross join lateral (select 1 from presence_subscription s where {is_it} limit 1) s"
    );
    GatherMany::per_engine(&columns, &["target_id"], &sqlite, &postgres)
});

/// Names are looked up one by one; see `store::users`.
static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select
        s.target_id,
        (select u.username from app_user u where u.app_id = s.app_id and u.user_id = s.target_id) as username,
        s.expires_at
    from presence_subscription s
    where s.app_id = $1 and s.user_id = $2 and s.target_id > $3 and s.expires_at > $5
    order by s.target_id limit $4";
    Gather::new(ListRow::COLUMNS, query)
});

static COUNT: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select count(*) as total from presence_subscription where app_id = $1 and user_id = $2 and expires_at > $3";
    Gather::new(&["total"], query)
});

/// A user's expired subscriptions.
const SWEEP: &str = "delete from presence_subscription where app_id = $1 and user_id = $2 and expires_at <= $3";
const FORGET_OWN: &str = "delete from presence_subscription where app_id = $1 and user_id = $2";
const FORGET_TARGET: &str = "delete from presence_subscription where app_id = $1 and target_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [SWEEP, FORGET_OWN, FORGET_TARGET].map(str::to_owned).to_vec();
    [
        fixed,
        vec![LIST.text(engine), COUNT.text(engine)],
        SUBSCRIBE.texts(engine),
        UNSUBSCRIBE.texts(engine),
        TO_MANY.texts(engine),
        SUBSCRIBERS.texts(engine),
        OF_TARGETS.texts(engine),
        SUBSCRIBED.texts(engine),
    ]
    .concat()
}

row! {
    struct ListRow {
        target_id: i64,
        username: Option<String>,
        expires_at: i64,
    }
}

/// Subscribes the user, or moves the end of their subscriptions.
pub(crate) async fn subscribe(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    targets: &[UserId],
    expires_at: UnixMillis,
) -> Result<(), Error> {
    let count = targets.len();
    let [apps, users, targets] = keyed::pair_rows(app, user, targets);
    SUBSCRIBE.execute(tx, &[apps, users, targets, Column::Int(vec![expires_at.0; count])]).await
}

pub(crate) async fn unsubscribe(tx: &mut Tx, app: AppId, user: UserId, targets: &[UserId]) -> Result<(), Error> {
    UNSUBSCRIBE.execute(tx, &keyed::pair_rows(app, user, targets)).await
}

/// Deletes the user's expired subscriptions.
pub(crate) async fn sweep(tx: &mut Tx, app: AppId, user: UserId, now: UnixMillis) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(SWEEP).bind(app.0).bind(user.0).bind(now.0).execute(c).await.map(drop))
}

/// Until when the user is subscribed to those of `targets` to whom they are.
pub(crate) async fn to_many(
    db: &Db,
    app: AppId,
    user: UserId,
    targets: &[UserId],
    now: UnixMillis,
) -> Result<HashMap<UserId, UnixMillis>, Error> {
    let count = targets.len();
    let [apps, users, targets] = keyed::pair_rows(app, user, targets);
    let found: Vec<(i64, i64)> = TO_MANY.read(db, &[apps, users, targets, Column::Int(vec![now.0; count])]).await?;
    Ok(found.into_iter().map(|(target, end)| (UserId(target), UnixMillis(end))).collect())
}

/// Those of `targets` who have the maximum number of subscribers without the user.
pub(crate) async fn crowded(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    targets: &[UserId],
    now: UnixMillis,
) -> Result<Vec<UserId>, Error> {
    let count = targets.len();
    let [apps, users, targets] = keyed::pair_rows(app, user, targets);
    let found: Vec<(i64, i64)> =
        SUBSCRIBERS.fetch(tx, &[apps, targets, users, Column::Int(vec![now.0; count])]).await?;
    let is_crowded = |subscribers: i64| subscribers >= MAX_SUBSCRIBERS;
    Ok(found.into_iter().filter(|(_, count)| is_crowded(*count)).map(|(target, _)| UserId(target)).collect())
}

/// Those of `targets` that have subscribers.
pub(crate) async fn subscribed(
    tx: &mut Tx,
    app: AppId,
    targets: &[UserId],
    now: UnixMillis,
) -> Result<HashSet<UserId>, Error> {
    let found: Vec<(i64,)> = SUBSCRIBED.fetch(tx, &keyed::user_rows_now(app, targets, now)).await?;
    Ok(found.into_iter().map(|(target,)| UserId(target)).collect())
}

/// How many are subscribed to each of `targets`.
pub(crate) async fn counts(
    db: &Db,
    app: AppId,
    targets: &[UserId],
    now: UnixMillis,
) -> Result<HashMap<UserId, i64>, Error> {
    let nobody = Column::Int(vec![UserId::ADMIN.0; targets.len()]);
    let [apps, targets, nows] = keyed::user_rows_now(app, targets, now);
    let found: Vec<(i64, i64)> = SUBSCRIBERS.read(db, &[apps, targets, nobody, nows]).await?;
    Ok(found.into_iter().map(|(target, count)| (UserId(target), count)).collect())
}

/// The subscribers of each of `targets` that has any.
pub(crate) async fn subscribers(
    tx: &mut Tx,
    app: AppId,
    targets: &[UserId],
    now: UnixMillis,
) -> Result<HashMap<UserId, Vec<UserId>>, Error> {
    let found: Vec<(i64, i64)> = OF_TARGETS.fetch(tx, &keyed::user_rows_now(app, targets, now)).await?;
    let mut subscribers: HashMap<UserId, Vec<UserId>> = HashMap::new();
    for (target, user) in found {
        subscribers.entry(UserId(target)).or_default().push(UserId(user));
    }
    Ok(subscribers)
}

/// The user's subscriptions above `after`, by ascending id.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    user: UserId,
    (after, limit): (i64, i64),
    now: UnixMillis,
) -> Result<Vec<PresenceSubscription>, Error> {
    let rows: Vec<ListRow> = LIST.read(db, &[app.0, user.0, after, limit, now.0]).await?;
    let subscription = |row: ListRow| PresenceSubscription {
        target: UserId(row.target_id),
        username: row.username.unwrap_or_default(),
        expires_at: UnixMillis(row.expires_at),
    };
    Ok(rows.into_iter().map(subscription).collect())
}

/// How many subscriptions the user has.
pub(crate) async fn count(db: &Db, app: AppId, user: UserId, now: UnixMillis) -> Result<i64, Error> {
    let rows: Vec<(i64,)> = COUNT.read(db, &[app.0, user.0, now.0]).await?;
    Ok(rows.first().map_or(0, |(total,)| *total))
}

/// Deletes the user's subscriptions, and those to them.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    for statement in [FORGET_OWN, FORGET_TARGET] {
        on_tx!(&mut *tx, |c| sqlx::query(statement).bind(app.0).bind(user.0).execute(c).await.map(drop))?;
    }
    Ok(())
}
