//! Lists and replays deliveries.

use tidings_domain::{AppId, Error};
use tidings_proto::page_size;

use super::Core;
use crate::{
    model::Delivery,
    store::delivery::{self, DeliveryFilter},
};

/// The default page size.
const PAGE_SIZE: i32 = 100;
const MAX_PAGE_SIZE: i32 = 1000;
/// Maximum number of deliveries processed per transaction.
const STEP: i64 = 1000;

/// Newest first, and where the next page starts (`filter.before`); `None` on the last.
pub async fn list(
    core: &Core,
    app: AppId,
    filter: DeliveryFilter,
    size: i32,
) -> Result<(Vec<Delivery>, Option<i64>), Error> {
    let size = page_size(size, PAGE_SIZE, MAX_PAGE_SIZE)?;
    delivery::list(&core.deps.db, app, filter, size.into()).await
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
