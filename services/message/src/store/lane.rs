//! Event numbers.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, Error};
use tidings_store::{Column, Kind, ManyRows, Tx};

static TAKE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &[("app_id", Kind::Int), ("lane", Kind::Int), ("taken", Kind::Int)],
        "insert into event_lane (app_id, lane, last_no)
         select app_id, lane, taken from r where true order by app_id, lane
         on conflict (app_id, lane) do update set last_no = event_lane.last_no + excluded.last_no
         returning app_id, lane, last_no",
    )
});

pub fn many() -> Vec<&'static ManyRows> {
    vec![&TAKE]
}

/// Takes `wanted` numbers of each lane and gives the first of them. Holds the lanes until the transaction ends, so it
/// comes late in one.
pub async fn take(tx: &mut Tx, wanted: &BTreeMap<(AppId, i64), i64>) -> Result<BTreeMap<(AppId, i64), i64>, Error> {
    let rows = [
        Column::Int(wanted.keys().map(|(app, _)| app.0).collect()),
        Column::Int(wanted.keys().map(|(_, lane)| *lane).collect()),
        Column::Int(wanted.values().copied().collect()),
    ];
    let last: Vec<(i64, i64, i64)> = TAKE.fetch(tx, &rows).await?;
    let firsts = last.into_iter().map(|(app, lane, last_no)| {
        let place = (AppId(app), lane);
        (place, last_no - wanted.get(&place).copied().unwrap_or_default() + 1)
    });
    Ok(firsts.collect())
}
