//! Changes on their way to the event feed, which the message service owns and fetches them for.

use std::sync::LazyLock;

use tidings_domain::{Caller, Change, Error, UnixMillis};
use tidings_runtime::telemetry;
use tidings_store::{Column, Engine, Kind, ManyRows, Tx};

static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("made_at", Kind::Int),
        ("actor_id", Kind::Int),
        ("kind", Kind::Text),
        ("address", Kind::Text),
        ("platform", Kind::Text),
        ("trace", Kind::Text),
        ("detail", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into change (app_id, made_at, actor_id, kind, address, platform, trace, detail)
        select r.app_id, r.made_at, r.actor_id, r.kind, r.address, r.platform, r.trace, r.detail from r",
    )
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    ADD.texts(engine)
}

/// Adds changes that `caller` made, in the transaction that makes them, while it holds the lock of the group or the user
/// that changes: so the order of the ids is the order of the changes of one group. Changes of nobody are ignored.
pub(crate) async fn add(tx: &mut Tx, caller: &Caller, now: UnixMillis, changes: &[Change]) -> Result<(), Error> {
    let changes: Vec<Change> = changes.iter().cloned().flat_map(Change::parts).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let count = changes.len();
    let details = changes.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
    let address = caller.address.map(|address| address.to_string()).unwrap_or_default();
    let trace = telemetry::traceparent().unwrap_or_default();
    let columns = [
        Column::Int(vec![caller.app.0; count]),
        Column::Int(vec![now.0; count]),
        Column::Int(vec![caller.actor.user().0; count]),
        Column::Text(changes.iter().map(|change| Some(change.name())).collect()),
        Column::Text(vec![Some(address.as_str()); count]),
        Column::Text(vec![Some(caller.platform.name()); count]),
        Column::Text(vec![Some(trace.as_str()); count]),
        Column::Text(details.iter().map(|detail| Some(detail.as_str())).collect()),
    ];
    ADD.execute(tx, &columns).await
}
