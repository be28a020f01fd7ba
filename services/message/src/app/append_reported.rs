//! Appends what other services report to the event feed, once.

use tidings_domain::{AppId, Error};
use tidings_runtime::Hint;

use super::once;
use crate::{
    Deps,
    store::{
        event::{self, NewEvent},
        key::Key,
    },
};

/// Appends the events whose keys are new, in their order. The keys are distinct.
pub async fn append_reported(deps: &Deps, app: AppId, reports: Vec<(Key, NewEvent<'_>)>) -> Result<(), Error> {
    if reports.is_empty() {
        return Ok(());
    }
    let mut tx = deps.db.begin().await?;
    let new = once::keep_new(&mut tx, reports, |(key, _)| key.clone(), deps.clock.now()).await?;
    if new.is_empty() {
        return Ok(());
    }
    let events: Vec<NewEvent<'_>> = new.into_iter().map(|(_, event)| event).collect();
    event::append(&mut tx, &events, std::iter::empty()).await?;
    tx.commit().await?;
    deps.bus.publish(Hint::Events(app));
    Ok(())
}
