//! Event numbers: the last assigned ones, and which are no longer kept.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, Error};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

static TAKE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &[("app_id", Kind::Int), ("lane", Kind::Int), ("taken", Kind::Int)],
        "insert into event_lane (app_id, lane, last_no)
         select app_id, lane, taken from r where true order by app_id, lane
         on conflict (app_id, lane) do update set last_no = event_lane.last_no + excluded.last_no",
    )
});

const LANES: &str = "
    select lane, last_no, purged_no, purged_event_no from event_lane where app_id = $1 and lane >= 0 order by lane";

/// Locks the lane, like [`TAKE`].
const PURGED: &str = "
    update event_lane set purged_no = $3 where app_id = $1 and lane = $2 and purged_no < $3";
const PURGED_EVENTS: &str = "
    update event_lane set purged_event_no = $3 where app_id = $1 and lane = $2 and purged_event_no < $3";

pub const ALL: &[&str] = &[LANES, PURGED, PURGED_EVENTS];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&TAKE]
}

/// Takes `wanted` numbers of each lane. Locks the lanes until the transaction ends, so it is used late in one.
pub async fn take(tx: &mut Tx, count: &BTreeMap<(AppId, i64), i64>) -> Result<(), Error> {
    let rows = [
        Column::Int(count.keys().map(|(app, _)| app.0).collect()),
        Column::Int(count.keys().map(|(_, lane)| *lane).collect()),
        Column::Int(count.values().copied().collect()),
    ];
    TAKE.execute(tx, &rows).await
}

/// The state of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lane {
    pub lane: i64,
    /// The last number that was assigned.
    pub last: i64,
    /// Up to here messages may have been removed.
    pub purged: i64,
    /// Up to here other events were removed.
    pub purged_events: i64,
}

/// The lanes of an app that have events.
pub async fn lanes(db: &Db, app: AppId) -> Result<Vec<Lane>, Error> {
    let rows: Vec<(i64, i64, i64, i64)> = on_db!(db, |c| sqlx::query_as(LANES).bind(app.0).fetch_all(c).await)?;
    let lanes = rows.into_iter().map(|(lane, last, purged, purged_events)| Lane { lane, last, purged, purged_events });
    Ok(lanes.collect())
}

/// Records that messages up to these numbers, by lane, are no longer kept.
pub async fn purged(tx: &mut Tx, app: AppId, up_to: &BTreeMap<i64, i64>) -> Result<(), Error> {
    for (lane, last) in up_to {
        on_tx!(&mut *tx, |c| sqlx::query(PURGED).bind(app.0).bind(lane).bind(last).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// The same for other events, in one lane.
pub async fn purged_events(tx: &mut Tx, app: AppId, lane: i64, last: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(PURGED_EVENTS).bind(app.0).bind(lane).bind(last).execute(c).await.map(drop))
}
