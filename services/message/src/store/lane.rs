//! Event numbers.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, Error};
use tidings_store::{Column, Kind, ManyRows, Tx};

static TAKE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &[("app_id", Kind::Int), ("lane", Kind::Int), ("taken", Kind::Int)],
        "insert into event_lane (app_id, lane, last_no)
         select app_id, lane, taken from r where true order by app_id, lane
         on conflict (app_id, lane) do update set last_no = event_lane.last_no + excluded.last_no",
    )
});

pub fn many() -> Vec<&'static ManyRows> {
    vec![&TAKE]
}

/// Takes `wanted` numbers of each lane. Holds the lanes until the transaction ends, so it comes late in one.
pub async fn take(tx: &mut Tx, wanted: &BTreeMap<(AppId, i64), i64>) -> Result<(), Error> {
    let rows = [
        Column::Int(wanted.keys().map(|(app, _)| app.0).collect()),
        Column::Int(wanted.keys().map(|(_, lane)| *lane).collect()),
        Column::Int(wanted.values().copied().collect()),
    ];
    TAKE.execute(tx, &rows).await
}
