//! Changes on their way to the event feed, which the message service owns and fetches them for.

use std::sync::LazyLock;

use tidings_domain::{Caller, Change, Error, UnixMillis};
use tidings_runtime::telemetry;
use tidings_store::{Column, CommitSignal, Db, Engine, Gather, Kind, ManyRows, Scale, Tx, row};
use tokio::sync::watch;

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

static OLDEST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select change_id, app_id, made_at, actor_id, kind, address, platform, trace, detail
    from change order by change_id limit cast($1 as bigint)";
    Gather::new(RecordedRow::COLUMNS, query)
});

static REMOVE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::per_engine(
        &[("change_id", Kind::Int)],
        "delete from change where change_id in (select change_id from r)",
        "delete from change using r where change.change_id = r.change_id",
    )
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    [ADD.texts(engine), vec![OLDEST.text(engine)], REMOVE.texts(engine)].concat()
}

/// Notified when this process committed changes. Of the process, like its metrics: a hint at nothing only makes those who
/// wait look once more.
static ADDED: LazyLock<CommitSignal> = LazyLock::new(|| watch::Sender::new(()));

/// Changes whenever this process committed changes.
pub(crate) fn added() -> watch::Receiver<()> {
    ADDED.subscribe()
}

row! {
    /// A change that is not in the feed yet.
    #[derive(Debug)]
    pub(crate) struct RecordedRow {
        pub(crate) change_id: i64,
        pub(crate) app_id: i64,
        pub(crate) made_at: i64,
        pub(crate) actor_id: i64,
        pub(crate) kind: String,
        pub(crate) address: String,
        pub(crate) platform: String,
        pub(crate) trace: String,
        pub(crate) detail: String,
    }
}

/// The oldest ones, up to `limit`, fewer if they are large.
pub(crate) async fn oldest(db: &Db, limit: i64) -> Result<Vec<RecordedRow>, Error> {
    let mut rows: Vec<RecordedRow> = OLDEST.read(db, &[limit]).await?;
    let mut scale = Scale::default();
    let fitting = rows.iter().take_while(|row| scale.takes(row.detail.len())).count();
    rows.truncate(fitting);
    Ok(rows)
}

/// Removes changes that are in the feed; some may already be removed.
pub(crate) async fn remove(tx: &mut Tx, changes: &[i64]) -> Result<(), Error> {
    REMOVE.execute(tx, &[Column::Int(changes.to_vec())]).await
}

/// Adds changes that `caller` made, in the transaction that makes them, while it holds the lock of the group or the user
/// that changes: so the order of the ids is the order of the changes of one group. Changes without a user are ignored.
pub(crate) async fn add(tx: &mut Tx, caller: &Caller, now: UnixMillis, changes: &[Change]) -> Result<(), Error> {
    add_each(tx, now, changes.iter().map(|change| (caller, change.clone()))).await
}

/// The same for changes that several callers made.
pub(crate) async fn add_each<'a>(
    tx: &mut Tx,
    now: UnixMillis,
    changes: impl Iterator<Item = (&'a Caller, Change)>,
) -> Result<(), Error> {
    let parts = |(caller, change): (&'a Caller, Change)| change.parts().into_iter().map(move |part| (caller, part));
    let (callers, changes): (Vec<&Caller>, Vec<Change>) = changes.flat_map(parts).unzip();
    if changes.is_empty() {
        return Ok(());
    }
    let count = changes.len();
    let details = changes.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
    let address = |caller: &&Caller| caller.address.map(|address| address.to_string()).unwrap_or_default();
    let addresses: Vec<String> = callers.iter().map(address).collect();
    let trace = telemetry::traceparent().unwrap_or_default();
    let columns = [
        Column::Int(callers.iter().map(|caller| caller.app.0).collect()),
        Column::Int(vec![now.0; count]),
        Column::Int(callers.iter().map(|caller| caller.actor.user().0).collect()),
        Column::Text(changes.iter().map(|change| Some(change.name())).collect()),
        Column::Text(addresses.iter().map(|address| Some(address.as_str())).collect()),
        Column::Text(callers.iter().map(|caller| Some(caller.platform.name())).collect()),
        Column::Text(vec![Some(trace.as_str()); count]),
        Column::Text(details.iter().map(|detail| Some(detail.as_str())).collect()),
    ];
    ADD.execute(tx, &columns).await?;
    tx.signal_after_commit(&ADDED);
    Ok(())
}
