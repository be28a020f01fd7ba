//! Removes messages past their app's retention, in small steps.
//!
//! Removed messages count as read by everybody. Ids contain the time of a message, so it is known whether one is past
//! retention even if it no longer exists.

use std::{sync::Arc, time::Duration};

use tidings_domain::{App, AppId, Error, MsgId, UnixMillis};
use tidings_runtime::{
    Task,
    metrics::{Purged, metrics},
};

use super::{export, released_files};
use crate::{
    Deps,
    store::{head, lane, purge},
};

const PAUSE: Duration = Duration::from_mins(1);
/// Messages per step.
const STEP: usize = 500;

/// Runs until shutdown.
pub fn spawn(deps: &Arc<Deps>) {
    let working = Arc::clone(deps);
    deps.tasks.run(Task::new("message.purge"), move || run(Arc::clone(&working)));
}

async fn run(deps: Arc<Deps>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        match every_app(&deps).await {
            Ok(()) => metrics().upkeep.purge_finished(Purged::Messages, deps.clock.now()),
            Err(error) => tracing::warn!(%error, "old messages could not be purged"),
        }
    }
}

/// An error with one app does not affect the others.
async fn every_app(deps: &Deps) -> Result<(), Error> {
    for app in deps.directory.apps().await? {
        if let Err(error) = purge(deps, &app).await {
            tracing::warn!(%error, app = %app.id, "old messages could not be purged");
        }
        if let Err(error) = export::look_after(deps, &app).await {
            tracing::warn!(%error, app = %app.id, "exports could not be maintained");
        }
        if let Err(error) = released_files::delete(deps, &app).await {
            tracing::warn!(%error, app = %app.id, "files of recalled messages could not be deleted");
        }
    }
    Ok(())
}

/// Returns how many messages of the app were removed.
pub async fn purge(deps: &Deps, app: &App) -> Result<usize, Error> {
    let kept_from = |retention: Duration| UnixMillis(deps.clock.now().0 - retention.as_millis() as i64);
    // Event data is kept no longer than messages are.
    let (messages, events) = (app.policy.message_retention, app.policy.event_retention);
    let of_events = [messages, events].into_iter().filter(|retention| !retention.is_zero()).min();
    if let Some(retention) = of_events {
        purge_events(deps, app.id, kept_from(retention)).await?;
    }
    if messages.is_zero() {
        return Ok(0);
    }
    let kept_from = kept_from(messages);
    let mut removed = 0;
    loop {
        let step = step(deps, app, MsgId::before(kept_from)).await?;
        removed += step;
        if step < STEP {
            return Ok(removed);
        }
        tokio::task::yield_now().await;
    }
}

/// One transaction.
async fn step(deps: &Deps, app: &App, up_to: MsgId) -> Result<usize, Error> {
    let oldest = purge::oldest(&deps.db, app.id, up_to, STEP as i64).await?;
    if oldest.count == 0 {
        return Ok(0);
    }
    let places: Vec<head::ConversationKey> = oldest.newest.keys().map(|conversation| (app.id, *conversation)).collect();
    let mut tx = deps.db.begin().await?;
    head::lock(&mut tx, &places).await?;
    lane::purged(&mut tx, app.id, &oldest.events).await?;
    purge::remove(&mut tx, app.id, &oldest.newest).await?;
    tx.commit().await?;
    metrics().upkeep.purged(Purged::Messages, oldest.count as u64);
    Ok(oldest.count)
}

/// Removes events other than messages.
async fn purge_events(deps: &Deps, app: AppId, until: UnixMillis) -> Result<(), Error> {
    for lane in lane::lanes(&deps.db, app).await? {
        if purge::first_events(&deps.db, app, lane.lane, until, 1).await?.is_none() {
            continue;
        }
        while let Some((last, count)) = purge::first_events(&deps.db, app, lane.lane, until, STEP as i64).await? {
            let mut tx = deps.db.begin().await?;
            lane::purged_events(&mut tx, app, lane.lane, last).await?;
            purge::remove_events(&mut tx, app, lane.lane, last).await?;
            tx.commit().await?;
            metrics().upkeep.purged(Purged::Events, count as u64);
            if count < STEP {
                break;
            }
        }
    }
    Ok(())
}
