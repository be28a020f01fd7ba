//! Up to where in the event feed each device of a user has everything.

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Db, Tx, on_db, on_tx, sqlx};

const FIND: &str = "
    select cursor, reached_at from device_position where app_id = $1 and user_id = $2 and device = $3";

/// Of two connections of a device, that counts which got further.
const SAVE: &str = "
    insert into device_position (app_id, user_id, device, cursor, reached_at, saved_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, user_id, device) do update
    set cursor = excluded.cursor, reached_at = excluded.reached_at, saved_at = excluded.saved_at
    where excluded.reached_at >= device_position.reached_at";

/// Of a user 16 devices are remembered.
const FORGET: &str = "
    delete from device_position where app_id = $1 and user_id = $2 and device in
        (select d.device from device_position d where d.app_id = $1 and d.user_id = $2
         order by d.saved_at desc, d.device limit 1000 offset 16)";

pub const ALL: &[&str] = &[FIND, SAVE, FORGET];

/// The cursor, and when it was reached.
pub async fn find(db: &Db, (app, user): (AppId, UserId), device: &str) -> Result<Option<(String, UnixMillis)>, Error> {
    let row: Option<(String, i64)> =
        on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(user.0).bind(device).fetch_optional(c).await)?;
    Ok(row.map(|(cursor, at)| (cursor, UnixMillis(at))))
}

/// Saves it, unless one is there that was reached later.
pub async fn save(
    tx: &mut Tx,
    (app, user): (AppId, UserId),
    device: &str,
    (cursor, reached_at): (&str, UnixMillis),
    now: UnixMillis,
) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(SAVE)
        .bind(app.0)
        .bind(user.0)
        .bind(device)
        .bind(cursor)
        .bind(reached_at.0)
        .bind(now.0)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets the devices of a user that were not saved for the longest, beyond 16.
pub async fn forget(tx: &mut Tx, (app, user): (AppId, UserId)) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))?;
    Ok(())
}
