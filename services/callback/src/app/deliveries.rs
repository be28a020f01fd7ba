//! Shows deliveries, and has them made again.

use tidings_domain::{AppId, Error};

use super::Core;
use crate::{
    model::Delivery,
    store::delivery::{self, Wanted},
};

/// Deliveries of one page, unless the request says otherwise.
const LIMIT: i32 = 100;
const MAX_LIMIT: i32 = 1000;

/// The newest first.
pub async fn list(core: &Core, app: AppId, wanted: Wanted, limit: i32) -> Result<Vec<Delivery>, Error> {
    let limit = match limit {
        0 => LIMIT,
        1..=MAX_LIMIT => limit,
        _ => return Err(Error::invalid("limit", "must be from 1 to 1000")),
    };
    delivery::list(&core.deps.db, app, wanted, limit.into()).await
}

/// How many are delivered again.
pub async fn replay(core: &Core, app: AppId, wanted: Wanted) -> Result<i64, Error> {
    let mut tx = core.deps.db.begin().await?;
    let replayed = delivery::replay(&mut tx, app, wanted, core.deps.clock.now()).await?;
    tx.commit().await?;
    core.tell();
    Ok(replayed)
}
