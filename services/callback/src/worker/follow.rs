//! Turns the event feed into deliveries.

use std::sync::atomic::Ordering;

use tidings_domain::{Caller, Error};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::context;

use super::Shared;
use crate::{
    app::{Core, endpoints::EVENTS},
    model::Endpoint,
    render::render,
    store,
};

/// Events that become deliveries in one transaction.
const BATCH: i32 = 1000;
/// While more than so many are untried, the feed waits: it is kept in the log anyway.
const MOST: i64 = 2000;

/// Until the feed breaks off.
pub async fn follow(core: &Core, endpoint: &Endpoint, shared: &Shared) -> Result<(), Error> {
    let deps = &core.deps;
    let (which, caller) = ((endpoint.app, endpoint.id), Caller::of_app(endpoint.app));
    // As it stands now: this may not be the first time.
    let endpoint = core.endpoint(endpoint.app, endpoint.id).await?;
    let kinds = if endpoint.events.is_empty() {
        EVENTS.iter().map(|event| (*event).to_owned()).collect()
    } else {
        endpoint.events.clone()
    };
    let request = pb::EventsRequest { after: endpoint.cursor.clone(), kinds, follow: true, batch: BATCH };
    let feed = deps.message.clone().events(context::request(&caller, request)).await.map_err(error_from_status)?;
    let mut feed = feed.into_inner();
    let mut cursor = endpoint.cursor.clone();
    while let Some(reply) = feed.message().await.map_err(error_from_status)? {
        if reply.cursor == cursor {
            continue;
        }
        shared.room(MOST).await;
        // An app that was changed meanwhile is told under its new name.
        let app = deps.directory.app_of(endpoint.app).await?;
        let new = render(deps, &app, &endpoint, reply.events).await?;
        let mut tx = deps.db.begin().await?;
        if !store::endpoint::advance(&mut tx, which.0, which.1, &reply.cursor).await? {
            return Ok(());
        }
        if !new.is_empty() {
            let count = new.len() as i64;
            let last = store::endpoint::count(&mut tx, which.0, "delivery", count).await?;
            store::delivery::insert(&mut tx, which, last - count + 1, deps.clock.now(), &new).await?;
        }
        tx.commit().await?;
        cursor = reply.cursor;
        if !new.is_empty() {
            shared.untried.fetch_add(new.len() as i64, Ordering::SeqCst);
            shared.written.notify_one();
        }
    }
    Ok(())
}
