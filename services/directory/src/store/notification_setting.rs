//! When users want to be notified of messages. A user has at most [`MAX_SETTINGS`] rows.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, Tx, on_tx, row};

use crate::model::notification::{NotificationMode, NotificationSetting, NotificationTarget};

/// How many conversations a user may have settings for.
pub(crate) const MAX_SETTINGS: i64 = 1_000;

/// One primary key lookup per row; see `store::users`.
static OF_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = ["app_id", "user_id", "target_id", "kind"].map(|name| (name, Kind::Int));
    let shown = "s.target_id, s.kind, s.mode, s.quiet_hours, s.quiet_until, s.language";
    let is_it = "s.app_id = r.app_id and s.user_id = r.user_id and s.target_id = r.target_id and s.kind = r.kind";
    let sqlite = format!("select {shown} from r cross join notification_setting s where {is_it}");
    let postgres = format!(
        "select {shown} from r cross join lateral (select * from notification_setting s where {is_it} limit 1) s"
    );
    GatherMany::per_engine(&columns, SettingRow::COLUMNS, &sqlite, &postgres)
});

/// Those with a mode for one conversation. $3 is the key of the last one, id and kind in one number. Names are looked up one by
/// one; see `store::users`.
static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select
        s.target_id, s.kind, s.mode,
        (select u.username from app_user u where u.app_id = s.app_id and u.user_id = s.target_id) as username
    from notification_setting s
    where s.app_id = $1 and s.user_id = $2 and s.kind > 0 and s.mode > 0 and s.target_id * 4 + s.kind > $3
    order by s.target_id, s.kind limit $4";
    Gather::new(ListRow::COLUMNS, query)
});

const COUNT: &str = "select count(*) from notification_setting where app_id = $1 and user_id = $2";
const SET: &str = "
    insert into notification_setting (
        app_id, user_id, target_id, kind, mode, quiet_hours, quiet_until, language)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (app_id, user_id, target_id, kind) do update set
        mode = excluded.mode, quiet_hours = excluded.quiet_hours, quiet_until = excluded.quiet_until,
        language = excluded.language";
const REMOVE: &str = "
    delete from notification_setting where app_id = $1 and user_id = $2 and target_id = $3 and kind = $4";
const FORGET: &str = "delete from notification_setting where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [COUNT, SET, REMOVE, FORGET].map(str::to_owned).to_vec();
    [fixed, vec![LIST.text(engine)], OF_MANY.texts(engine)].concat()
}

row! {
    struct SettingRow {
        target_id: i64,
        kind: i64,
        mode: i64,
        quiet_hours: String,
        quiet_until: i64,
        language: String,
    }
}

row! {
    struct ListRow {
        target_id: i64,
        kind: i64,
        mode: i64,
        username: Option<String>,
    }
}

/// A conversation for which a mode is set, with the name of the other user.
pub(crate) struct Listed {
    pub(crate) target: NotificationTarget,
    pub(crate) mode: NotificationMode,
    pub(crate) username: String,
}

impl Listed {
    /// Where the next page starts.
    pub(crate) const fn key(&self) -> i64 {
        let (target_id, kind) = self.target.key();
        target_id * 4 + kind
    }
}

type Settings = Vec<(NotificationTarget, NotificationSetting)>;

fn rows(app: AppId, user: UserId, targets: &[NotificationTarget]) -> [Column<'static>; 4] {
    let (ids, kinds) = targets.iter().map(|target| target.key()).unzip();
    [
        Column::Int(vec![app.0; targets.len()]),
        Column::Int(vec![user.0; targets.len()]),
        Column::Int(ids),
        Column::Int(kinds),
    ]
}

fn settings(found: Vec<SettingRow>) -> Settings {
    let setting = |row: SettingRow| {
        let setting = NotificationSetting {
            mode: NotificationMode::of_number(row.mode),
            quiet_hours: row.quiet_hours,
            quiet_until: (row.quiet_until > 0).then_some(UnixMillis(row.quiet_until)),
            language: row.language,
        };
        (NotificationTarget::of_key(row.target_id, row.kind), setting)
    };
    found.into_iter().map(setting).collect()
}

/// The settings that are there, in any order.
pub(crate) async fn of_many(
    db: &Db,
    app: AppId,
    user: UserId,
    targets: &[NotificationTarget],
) -> Result<Settings, Error> {
    Ok(settings(OF_MANY.read(db, &rows(app, user, targets)).await?))
}

/// The setting of a locked user.
pub(crate) async fn find_in(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    target: NotificationTarget,
) -> Result<Option<NotificationSetting>, Error> {
    let found = OF_MANY.fetch(tx, &rows(app, user, &[target])).await?;
    Ok(settings(found).into_iter().next().map(|(_, setting)| setting))
}

/// How many settings a locked user has.
pub(crate) async fn count(tx: &mut Tx, app: AppId, user: UserId) -> Result<i64, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(COUNT).bind(app.0).bind(user.0).fetch_one(c).await)
}

/// Sets it for a locked user; one that says nothing is removed.
pub(crate) async fn set(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    target: NotificationTarget,
    setting: &NotificationSetting,
) -> Result<(), Error> {
    let (target_id, kind) = target.key();
    if *setting == NotificationSetting::default() {
        return on_tx!(tx, |c| sqlx::query(REMOVE)
            .bind(app.0)
            .bind(user.0)
            .bind(target_id)
            .bind(kind)
            .execute(c)
            .await
            .map(drop));
    }
    on_tx!(tx, |c| sqlx::query(SET)
        .bind(app.0)
        .bind(user.0)
        .bind(target_id)
        .bind(kind)
        .bind(setting.mode.number())
        .bind(&setting.quiet_hours)
        .bind(setting.quiet_until.map_or(0, |until| until.0))
        .bind(&setting.language)
        .execute(c)
        .await
        .map(drop))
}

/// Those with a mode for one conversation, above `after`.
pub(crate) async fn list(db: &Db, app: AppId, user: UserId, after: i64, limit: i64) -> Result<Vec<Listed>, Error> {
    let found: Vec<ListRow> = LIST.read(db, &[app.0, user.0, after, limit]).await?;
    let listed = |row: ListRow| {
        let target = NotificationTarget::of_key(row.target_id, row.kind);
        let username = row.username.filter(|_| matches!(target, NotificationTarget::User(_))).unwrap_or_default();
        Listed { target, mode: NotificationMode::of_number(row.mode), username }
    };
    Ok(found.into_iter().map(listed).collect())
}

pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
