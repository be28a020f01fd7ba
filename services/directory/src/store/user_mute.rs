//! Where users are muted. Only users who are, or were, muted somewhere have a row.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId, UserMutes};
use tidings_store::{Db, Engine, Gather, Tx, on_tx, row};

static FIND: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select direct_until, group_until, room_until from user_mute where app_id = $1 and user_id = $2";
    Gather::new(&["direct_until", "group_until", "room_until"], query)
});

/// Those who are muted somewhere at $4. The range of the key bounds what is read; a user's row is removed when the last
/// mute is lifted, and stays when it runs out. Names are looked up one by one; see `store::users`.
static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select
        m.user_id,
        (select u.username from app_user u where u.app_id = m.app_id and u.user_id = m.user_id) as username,
        m.direct_until, m.group_until, m.room_until
    from user_mute m
    where m.app_id = $1 and m.user_id > $2
        and (m.direct_until < 0 or m.direct_until > $4 or m.group_until < 0 or m.group_until > $4
            or m.room_until < 0 or m.room_until > $4)
    order by m.user_id limit $3";
    Gather::new(ListRow::COLUMNS, query)
});

const FIND_IN: &str = "
    select direct_until, group_until, room_until from user_mute where app_id = $1 and user_id = $2";
const SET: &str = "
    insert into user_mute (app_id, user_id, direct_until, group_until, room_until) values ($1, $2, $3, $4, $5)
    on conflict (app_id, user_id) do update set
        direct_until = excluded.direct_until, group_until = excluded.group_until, room_until = excluded.room_until";
const FORGET: &str = "delete from user_mute where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [FIND_IN, SET, FORGET].map(str::to_owned).to_vec();
    [fixed, vec![FIND.text(engine), LIST.text(engine)]].concat()
}

row! {
    struct ListRow {
        user_id: i64,
        username: Option<String>,
        direct_until: i64,
        group_until: i64,
        room_until: i64,
    }
}

/// The user's mutes, including expired ones.
pub(crate) async fn find(db: &Db, app: AppId, user: UserId) -> Result<UserMutes, Error> {
    let rows: Vec<(i64, i64, i64)> = FIND.read(db, &[app.0, user.0]).await?;
    Ok(rows.first().map_or(UserMutes::NONE, |&(direct, group, room)| UserMutes::from_millis([direct, group, room])))
}

/// The same for a locked user.
pub(crate) async fn find_in(tx: &mut Tx, app: AppId, user: UserId) -> Result<UserMutes, Error> {
    let row: Option<(i64, i64, i64)> =
        on_tx!(tx, |c| sqlx::query_as(FIND_IN).bind(app.0).bind(user.0).fetch_optional(c).await)?;
    Ok(row.map_or(UserMutes::NONE, |(direct, group, room)| UserMutes::from_millis([direct, group, room])))
}

/// Replaces the mutes of a locked user.
pub(crate) async fn set(tx: &mut Tx, app: AppId, user: UserId, mutes: UserMutes) -> Result<(), Error> {
    if mutes == UserMutes::NONE {
        return forget(tx, app, user).await;
    }
    let [direct, group, room] = mutes.millis();
    on_tx!(tx, |c| sqlx::query(SET)
        .bind(app.0)
        .bind(user.0)
        .bind(direct)
        .bind(group)
        .bind(room)
        .execute(c)
        .await
        .map(drop))
}

/// Users above `after` who are muted somewhere at `now`, with their names, by ascending id.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    after: i64,
    limit: i64,
    now: UnixMillis,
) -> Result<Vec<(UserId, String, UserMutes)>, Error> {
    let rows: Vec<ListRow> = LIST.read(db, &[app.0, after, limit, now.0]).await?;
    let muted = |row: ListRow| {
        let mutes = UserMutes::from_millis([row.direct_until, row.group_until, row.room_until]);
        (UserId(row.user_id), row.username.unwrap_or_default(), mutes)
    };
    Ok(rows.into_iter().map(muted).collect())
}

pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
