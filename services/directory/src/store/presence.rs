//! What devices say about their users' presence.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, GatherMany, Kind, ManyRows, Tx, on_tx};

use super::keyed;

/// How many devices of a user have a status.
pub(crate) const MAX_DEVICES: i64 = 16;

/// One range of the primary key per row; see `store::users`.
static OF_MANY: LazyLock<GatherMany> = LazyLock::new(|| {
    let out = ["user_id", "resource", "status", "updated_at", "ext"];
    let columns = out.map(|name| format!("p.{name}")).join(", ");
    let is_it = "p.app_id = r.app_id and p.user_id = r.user_id";
    let sqlite = format!("select {columns} from r cross join presence p where {is_it}");
    let postgres =
        format!("select {columns} from r cross join lateral (select * from presence p where {is_it} limit 16) p");
    GatherMany::per_engine(&keyed::USER, &out, &sqlite, &postgres)
});

/// What devices said.
static FORGET_DEVICES: LazyLock<ManyRows> = LazyLock::new(|| {
    let key = [("app_id", Kind::Int), ("user_id", Kind::Int), ("resource", Kind::Text)];
    let sqlite = "
    delete from presence where (app_id, user_id, resource) in (select app_id, user_id, resource from r)";
    let postgres = "
    delete from presence p using r
    where p.app_id = r.app_id and p.user_id = r.user_id and p.resource = r.resource";
    ManyRows::per_engine(&key, sqlite, postgres)
});

const PUBLISH: &str = "
    insert into presence (app_id, user_id, resource, status, updated_at, ext) values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, user_id, resource) do update set
        status = excluded.status, updated_at = excluded.updated_at, ext = excluded.ext";

/// Deletes all but the newest.
const TRIM: &str = "
    delete from presence where app_id = $1 and user_id = $2 and resource in (
        select resource from presence where app_id = $1 and user_id = $2
        order by updated_at desc, resource desc limit 16 offset $3)";

const FORGET: &str = "delete from presence where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = [PUBLISH, TRIM, FORGET].map(str::to_owned).to_vec();
    [fixed, OF_MANY.texts(engine), FORGET_DEVICES.texts(engine)].concat()
}

/// A device's status.
#[derive(Debug)]
pub(crate) struct DevicePresence {
    pub(crate) user: UserId,
    pub(crate) resource: String,
    pub(crate) status: String,
    pub(crate) updated_at: UnixMillis,
    pub(crate) ext: String,
}

/// What the devices of these users published, in any order.
pub(crate) async fn of_many(db: &Db, app: AppId, users: &[UserId]) -> Result<Vec<DevicePresence>, Error> {
    Ok(devices(OF_MANY.read(db, &keyed::user_rows(app, users)).await?))
}

/// The same inside a transaction.
pub(crate) async fn of_many_in(tx: &mut Tx, app: AppId, users: &[UserId]) -> Result<Vec<DevicePresence>, Error> {
    Ok(devices(OF_MANY.fetch(tx, &keyed::user_rows(app, users)).await?))
}

fn devices(found: Vec<(i64, String, String, i64, String)>) -> Vec<DevicePresence> {
    let device = |(user, resource, status, updated_at, ext)| DevicePresence {
        user: UserId(user),
        resource,
        status,
        updated_at: UnixMillis(updated_at),
        ext,
    };
    found.into_iter().map(device).collect()
}

/// Removes what these devices of users said.
pub(crate) async fn forget_devices(tx: &mut Tx, app: AppId, devices: &[(UserId, String)]) -> Result<(), Error> {
    if devices.is_empty() {
        return Ok(());
    }
    let rows = [
        Column::Int(vec![app.0; devices.len()]),
        Column::Int(devices.iter().map(|(user, _)| user.0).collect()),
        Column::Text(devices.iter().map(|(_, resource)| Some(resource.as_str())).collect()),
    ];
    FORGET_DEVICES.execute(tx, &rows).await
}

/// Writes a device's status, for a locked user, and removes the oldest ones beyond [`MAX_DEVICES`].
pub(crate) async fn publish(tx: &mut Tx, app: AppId, device: &DevicePresence) -> Result<(), Error> {
    let user = device.user.0;
    on_tx!(&mut *tx, |c| sqlx::query(PUBLISH)
        .bind(app.0)
        .bind(user)
        .bind(&device.resource)
        .bind(&device.status)
        .bind(device.updated_at.0)
        .bind(&device.ext)
        .execute(c)
        .await
        .map(drop))?;
    on_tx!(tx, |c| sqlx::query(TRIM).bind(app.0).bind(user).bind(MAX_DEVICES).execute(c).await.map(drop))
}

pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
