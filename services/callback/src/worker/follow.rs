//! Turns the event feed into deliveries.

use std::time::Duration;

use tidings_domain::{AppId, Caller, Error, Reason};
use tidings_proto::{error_from_status, moment_or_zero, pb};
use tidings_runtime::{
    context,
    metrics::{Follower, metrics},
};
use tokio::time::timeout;

use super::{AT_ONCE, Shared};
use crate::{
    app::Core,
    kinds::kinds,
    model::Endpoint,
    render::render,
    store::{self, delivery},
};

/// Events that become deliveries per transaction.
const BATCH: i32 = 1000;
/// How long it waits for more events while nothing can be posted.
const TOGETHER: Duration = Duration::from_millis(200);
/// While more than this many are untried, reading the feed pauses: events are kept in the log anyway.
const MOST: i64 = 2000;
/// How often it checks for room without a signal.
const LOOK: Duration = Duration::from_secs(2);

/// Until the feed is interrupted.
pub async fn follow(core: &Core, endpoint: &Endpoint, shared: &Shared) -> Result<(), Error> {
    let deps = &core.deps;
    let (which, caller) = ((endpoint.app, endpoint.id), Caller::of_app(endpoint.app));
    // The current cursor: this may not be the first time.
    let endpoint = core.endpoint(endpoint.app, endpoint.id).await?;
    let kinds = match endpoint.events.as_slice() {
        [] => kinds(endpoint.dialect).map(str::to_owned).collect(),
        chosen => chosen.to_vec(),
    };
    let request = pb::EventsRequest { after: endpoint.cursor.clone(), kinds, follow: true, batch: BATCH };
    let feed = deps.message.clone().events(context::request(&caller, request)).await.map_err(error_from_status)?;
    let mut feed = feed.into_inner();
    let mut cursor = endpoint.cursor.clone();
    // How many may be written before the untried ones are counted again.
    let mut room = 0;
    while let Some(reply) = match feed.message().await.map_err(error_from_status) {
        Err(error) if error.reason() == Reason::EventsExpired => return overtaken(core, which, &cursor, &error).await,
        reply => reply?,
    } {
        if reply.cursor == cursor {
            continue;
        }
        if room <= 0 {
            room = self::room(core, which, shared).await?;
        }
        if is_stuck(core, which, shared).await? {
            // Nothing can be posted now: written together, they need less of the shared resources.
            tokio::time::sleep(TOGETHER).await;
        }
        // An app that was changed meanwhile is shown under its new name.
        let app = deps.directory.app_of(endpoint.app).await?;
        let newest = reply.events.iter().map(|event| moment_or_zero(event.at)).max();
        let new = render(deps, &app, &endpoint, reply.events).await?;
        let mut tx = deps.db.begin().await?;
        if !store::endpoint::advance(&mut tx, which.0, which.1, &cursor, &reply.cursor).await? {
            return Ok(());
        }
        if !new.is_empty() {
            let count = new.len() as i64;
            let last = store::endpoint::count(&mut tx, which.0, "delivery", count).await?;
            delivery::insert(&mut tx, which, last - count + 1, deps.clock.now(), &new).await?;
        }
        tx.commit().await?;
        if let Some(newest) = newest {
            metrics().feed.taken(Follower::Callback, deps.clock.now() - newest);
        }
        cursor = reply.cursor;
        if !new.is_empty() {
            room -= new.len() as i64;
            shared.written.notify_one();
        }
    }
    Ok(())
}

/// Waits until fewer than [`MOST`] are untried, and returns how many may be added. The database is queried: a separate
/// counter could drift, and the feed would stall.
async fn room(core: &Core, which: (AppId, i64), shared: &Shared) -> Result<i64, Error> {
    loop {
        let untried = delivery::untried(&core.deps.db, which, MOST).await?;
        if untried < MOST {
            return Ok(MOST - untried);
        }
        // There is no signal for attempts of other processes.
        let _ = timeout(LOOK, shared.tried.notified()).await;
    }
}

/// Whether more is queued than can be posted at once, and nothing of it is delivered.
async fn is_stuck(core: &Core, which: (AppId, i64), shared: &Shared) -> Result<bool, Error> {
    let most = AT_ONCE as i64;
    Ok(shared.is_silent(core.deps.clock.elapsed()) && delivery::untried(&core.deps.db, which, most).await? == most)
}

/// Events that the endpoint had not received were removed, since it was paused or unavailable for longer than they are
/// kept. The operator has to know: it is paused, and continues with what is left when it is resumed.
async fn overtaken(core: &Core, (app, id): (AppId, i64), cursor: &str, error: &Error) -> Result<(), Error> {
    tracing::error!(%app, endpoint = id, "events that an endpoint had not received are no longer kept");
    let mut tx = core.deps.db.begin().await?;
    // A cursor to what is left: nothing that is kept is skipped, whenever it is resumed.
    if store::endpoint::advance(&mut tx, app, id, cursor, error.subject()).await? {
        let since = format!("{OVERTAKEN}; the last cursor was {cursor}");
        store::endpoint::pause(&mut tx, app, id, Some(&since)).await?;
    }
    tx.commit().await?;
    core.wake();
    Ok(())
}

/// Why an endpoint that lost events is paused.
const OVERTAKEN: &str =
    "events that it had not received are no longer kept; resuming continues with the remaining ones";
