//! Users' settings of push notifications.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, Error, UserId, UserMutes};
use tidings_store::{Db, Engine, Gather, GatherMany, Tx, on_tx, row};

use super::keyed;
use crate::model::people::PushSettings;

/// With the user's mutes, since the two are read together for every sender.
static WITH_MUTES: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select
        p.display_style, p.no_disturbing, p.no_disturbing_start, p.no_disturbing_end, p.notifier_name, p.device_token,
        coalesce(m.direct_until, 0) as direct_until, coalesce(m.group_until, 0) as group_until,
        coalesce(m.room_until, 0) as room_until
    from app_user u
    left join user_push p on p.app_id = u.app_id and p.user_id = u.user_id
    left join user_mute m on m.app_id = u.app_id and m.user_id = u.user_id
    where u.app_id = $1 and u.user_id = $2";
    Gather::new(WithMutesRow::COLUMNS, query)
});

/// One primary key lookup per row; see `store::users`.
static OF_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = "
    p.user_id, p.display_style, p.no_disturbing, p.no_disturbing_start, p.no_disturbing_end, p.notifier_name,
        p.device_token";
    let is_it = "p.app_id = r.app_id and p.user_id = r.user_id";
    let sqlite = format!("select {columns} from r cross join user_push p where {is_it}");
    let postgres =
        format!("select {columns} from r cross join lateral (select * from user_push p where {is_it} limit 1) p");
    GatherMany::per_engine(&keyed::USER, PushRow::COLUMNS, &sqlite, &postgres)
});

/// Null fields are unchanged, empty texts are removed.
const CHANGE: &str = "
    insert into user_push (
        app_id, user_id, display_style, no_disturbing, no_disturbing_start, no_disturbing_end, notifier_name,
        device_token)
    values ($1, $2, $3, $4, $5, $6, nullif($7, ''), nullif($8, ''))
    on conflict (app_id, user_id) do update set
        display_style = coalesce($3, user_push.display_style),
        no_disturbing = coalesce($4, user_push.no_disturbing),
        no_disturbing_start = coalesce($5, user_push.no_disturbing_start),
        no_disturbing_end = coalesce($6, user_push.no_disturbing_end),
        notifier_name = nullif(coalesce($7, user_push.notifier_name), ''),
        device_token = nullif(coalesce($8, user_push.device_token), '')";

const FORGET: &str = "delete from user_push where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = vec![CHANGE.to_owned(), FORGET.to_owned(), WITH_MUTES.text(engine)];
    [fixed, OF_MANY.texts(engine)].concat()
}

row! {
    struct WithMutesRow {
        display_style: Option<i64>,
        no_disturbing: Option<i64>,
        no_disturbing_start: Option<i64>,
        no_disturbing_end: Option<i64>,
        notifier_name: Option<String>,
        device_token: Option<String>,
        direct_until: i64,
        group_until: i64,
        room_until: i64,
    }
}

row! {
    struct PushRow {
        user_id: i64,
        display_style: Option<i64>,
        no_disturbing: Option<i64>,
        no_disturbing_start: Option<i64>,
        no_disturbing_end: Option<i64>,
        notifier_name: Option<String>,
        device_token: Option<String>,
    }
}

/// Push settings and mutes of an existing user.
pub(crate) async fn with_mutes(db: &Db, app: AppId, user: UserId) -> Result<(PushSettings, UserMutes), Error> {
    let rows: Vec<WithMutesRow> = WITH_MUTES.read(db, &[app.0, user.0]).await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok((PushSettings::default(), UserMutes::NONE));
    };
    let push = PushSettings {
        display_style: row.display_style,
        no_disturbing: row.no_disturbing.map(|flag| flag != 0),
        no_disturbing_start: row.no_disturbing_start,
        no_disturbing_end: row.no_disturbing_end,
        notifier_name: row.notifier_name,
        device_token: row.device_token,
    };
    Ok((push, UserMutes::from_millis([row.direct_until, row.group_until, row.room_until])))
}

/// The settings of those users who have any.
pub(crate) async fn of_many(db: &Db, app: AppId, users: &[UserId]) -> Result<HashMap<UserId, PushSettings>, Error> {
    let found: Vec<PushRow> = OF_MANY.read(db, &keyed::user_rows(app, users)).await?;
    Ok(found.into_iter().map(settings).collect())
}

/// One user's settings inside a transaction.
pub(crate) async fn find_in(tx: &mut Tx, app: AppId, user: UserId) -> Result<PushSettings, Error> {
    let found: Vec<PushRow> = OF_MANY.fetch(tx, &keyed::user_rows(app, &[user])).await?;
    Ok(found.into_iter().next().map(settings).map(|(_, push)| push).unwrap_or_default())
}

/// Changes what the change has, for a locked user.
pub(crate) async fn change(tx: &mut Tx, app: AppId, user: UserId, change: &PushSettings) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(CHANGE)
        .bind(app.0)
        .bind(user.0)
        .bind(change.display_style)
        .bind(change.no_disturbing.map(i64::from))
        .bind(change.no_disturbing_start)
        .bind(change.no_disturbing_end)
        .bind(change.notifier_name.as_deref())
        .bind(change.device_token.as_deref())
        .execute(c)
        .await
        .map(drop))
}

pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}

fn settings(row: PushRow) -> (UserId, PushSettings) {
    let push = PushSettings {
        display_style: row.display_style,
        no_disturbing: row.no_disturbing.map(|flag| flag != 0),
        no_disturbing_start: row.no_disturbing_start,
        no_disturbing_end: row.no_disturbing_end,
        notifier_name: row.notifier_name,
        device_token: row.device_token,
    };
    (UserId(row.user_id), push)
}
