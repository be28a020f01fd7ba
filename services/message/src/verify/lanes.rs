//! The numbers of the event feed: gap-free in each lane, over messages and the rest.

use tidings_domain::{AppId, Error, Finding};
use tidings_store::Db;

use super::{Checked, Report, seqs::shown, settled};
use crate::store::{
    lane::{self, Lane},
    verify,
};

/// Findings of one lane, at most.
const MOST: usize = 20;

/// Checks every lane of an app, up to its last number as it is now.
pub async fn check(db: &Db, app: AppId, checked: &mut Checked, report: Report<'_>) -> Result<(), Error> {
    for known in lane::lanes(db, app).await? {
        let name = format!("lane {}", known.lane);
        let look = async || {
            let now = lane::lanes(db, app).await?.into_iter().find(|now| now.lane == known.lane);
            match now {
                Some(now) => one(db, app, now, checked.has_purged).await,
                None => Ok(Vec::new()),
            }
        };
        settled((app, &name), look, &mut *report).await?;
        checked.events += known.last.unsigned_abs();
    }
    Ok(())
}

/// The numbers of one table in ascending order, page by page.
struct Numbers<'a> {
    db: &'a Db,
    of: (AppId, i64, bool),
    page: std::vec::IntoIter<i64>,
    last: i64,
    next: Option<i64>,
}

impl<'a> Numbers<'a> {
    async fn begin(db: &'a Db, of: (AppId, i64, bool)) -> Result<Self, Error> {
        let mut numbers = Self { db, of, page: Vec::new().into_iter(), last: i64::MIN, next: None };
        numbers.step().await?;
        Ok(numbers)
    }

    async fn step(&mut self) -> Result<(), Error> {
        if self.page.len() == 0 {
            let (app, lane, of_messages) = self.of;
            self.page = verify::numbers(self.db, app, lane, of_messages, self.last).await?.into_iter();
        }
        self.next = self.page.next();
        self.last = self.next.unwrap_or(self.last);
        Ok(())
    }
}

/// Where messages were purged, numbers of imports may be missing anywhere: they are late, and the first to go.
async fn one(db: &Db, app: AppId, lane: Lane, has_purged: bool) -> Result<Vec<Finding>, Error> {
    let mut sent = Numbers::begin(db, (app, lane.lane, true)).await?;
    let mut other = Numbers::begin(db, (app, lane.lane, false)).await?;
    let (mut found, mut expected) = (Vec::new(), 1);
    let purged = if has_purged { lane.last } else { lane.purged.max(lane.purged_events) };
    let mut add = |kind, what| {
        if found.len() < MOST {
            found.push(Finding::of_app(app, kind, format!("lane {}", lane.lane), what));
        }
    };
    loop {
        let number = match (sent.next, other.next) {
            (Some(one), Some(two)) if one == two => {
                add("event_twice", format!("event {one} is a message and something else"));
                other.step().await?;
                continue;
            }
            (Some(one), Some(two)) if one < two => one,
            (_, Some(two)) => two,
            (Some(one), None) => one,
            (None, None) => break,
        };
        if number > lane.last {
            break;
        }
        if number > expected && number - 1 > purged {
            add("event_gap", format!("event {} missing", shown((expected.max(purged + 1), number - 1))));
        }
        expected = number + 1;
        if sent.next == Some(number) { sent.step().await? } else { other.step().await? }
    }
    // A number above the lane's last would be given again.
    let above = [sent.next, other.next].into_iter().flatten().min();
    if let Some(above) = above.filter(|above| *above > lane.last)
        && lane::lanes(db, app).await?.iter().any(|now| now.lane == lane.lane && now.last < above)
    {
        add("event_gap", format!("event {above} is there, but the lane ends at {}", lane.last));
    }
    if expected <= lane.last && lane.last > purged {
        add("event_gap", format!("event {} missing", shown((expected.max(purged + 1), lane.last))));
    }
    Ok(found)
}
