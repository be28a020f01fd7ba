//! Lists and replays deliveries.

use tidings_domain::{AppId, Error};

use super::Core;
use crate::{
    model::Delivery,
    store::delivery::{self, DeliveryFilter},
};

/// The default page size.
const LIMIT: i32 = 100;
const MAX_LIMIT: i32 = 1000;
/// Maximum number of deliveries processed per transaction.
const STEP: i64 = 1000;

/// Newest first.
pub async fn list(core: &Core, app: AppId, filter: DeliveryFilter, limit: i32) -> Result<Vec<Delivery>, Error> {
    let limit = match limit {
        0 => LIMIT,
        1..=MAX_LIMIT => limit,
        _ => return Err(Error::invalid("limit", "must be from 1 to 1000")),
    };
    delivery::list(&core.deps.db, app, filter, limit.into()).await
}

/// Returns how many are delivered again. This happens in steps, each committed: an interrupted call keeps its progress,
/// and can be repeated.
pub async fn replay(core: &Core, app: AppId, filter: DeliveryFilter) -> Result<i64, Error> {
    let db = &core.deps.db;
    // Deliveries written meanwhile are new, and are delivered anyway.
    let last = if filter.delivery == 0 { delivery::newest(db, app).await? } else { filter.delivery };
    let (mut after, mut replayed) = (filter.delivery.max(1) - 1, 0);
    while let Some(end) = delivery::end_of_step(db, app, (after, last), STEP).await? {
        let mut tx = db.begin().await?;
        replayed += delivery::replay(&mut tx, app, (after, end), filter, core.deps.clock.now()).await?;
        tx.commit().await?;
        after = end;
    }
    core.wake();
    Ok(replayed)
}
