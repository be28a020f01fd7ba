//! Finds free ids under the number that no process leases.
//!
//! A millisecond has 128 of them for each app. When they are used up, later milliseconds are tried; if an id
//! must stay in its minute, and the minute is used up to its end, earlier ones.

use std::collections::{BTreeMap, HashSet};

use quick_cache::sync::Cache;
use tidings_domain::{AppId, Error, MsgId, UnixMillis};
use tidings_store::Tx;

use crate::store::import;

/// Maximum number of remembered exhausted milliseconds.
const USED_UP: usize = 10_000;
/// Maximum number of milliseconds looked up at once: increasing while none has a free id.
const MOST: i64 = 512;
const MINUTE: i64 = 60_000;

/// The allowed times of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdPlacement {
    /// Any time from the requested one on.
    Anywhere,
    /// The minute of the requested time; a later one only once all of its 7.7 million ids are used.
    InItsMinute,
}

/// Known exhausted ranges. Hints that avoid lookups.
#[derive(Debug)]
pub(super) struct FreeHints {
    /// From the first time up to the second, no id is free.
    up_to: Cache<(AppId, UnixMillis), UnixMillis>,
    /// Above this time no id is free in the minute that starts with the first.
    down_to: Cache<(AppId, UnixMillis), UnixMillis>,
}

impl FreeHints {
    pub(super) fn new() -> Self {
        Self { up_to: Cache::new(USED_UP), down_to: Cache::new(USED_UP) }
    }

    fn up(&self, app: AppId, moment: i64) -> i64 {
        self.up_to.get(&(app, UnixMillis(moment))).map_or(moment, |next| next.0)
    }
}

/// The highest used id of every millisecond that was looked up in a transaction.
pub(super) struct Free<'a> {
    hints: &'a FreeHints,
    left: BTreeMap<(AppId, UnixMillis), MsgId>,
}

/// A millisecond, and where to continue from there.
#[derive(Debug, Clone, Copy)]
enum SearchPosition {
    Up(i64),
    Down(i64),
}

impl<'a> Free<'a> {
    pub(super) const fn new(hints: &'a FreeHints) -> Self {
        Self { hints, left: BTreeMap::new() }
    }

    /// Looks up milliseconds that will be needed.
    pub(super) async fn look_up(
        &mut self,
        tx: &mut Tx,
        moments: impl Iterator<Item = (AppId, UnixMillis)>,
    ) -> Result<(), Error> {
        let hinted = moments.map(|(app, moment)| (app, UnixMillis(self.hints.up(app, moment.0))));
        let unknown: HashSet<_> = hinted.filter(|moment| !self.left.contains_key(moment)).collect();
        let ranges: Vec<_> = unknown
            .into_iter()
            .map(|(app, moment)| {
                let (low, high) = MsgId::imports_of(moment);
                (app, low, high)
            })
            .collect();
        for (app, low, newest) in import::newest(tx, &ranges).await? {
            self.left.insert((app, low.moment()), newest.max(MsgId(low.0 - 1)));
        }
        Ok(())
    }

    /// A free id of that millisecond, or of the nearest one that has any. Ids that are requested in sequence for the
    /// same millisecond increase while they are of it or of later ones.
    pub(super) async fn take(
        &mut self,
        tx: &mut Tx,
        app: AppId,
        from: UnixMillis,
        stays: IdPlacement,
    ) -> Result<MsgId, Error> {
        let (mut walk, mut ahead) = (Walk::begin(self.hints, app, from.0, stays), 1);
        loop {
            let moment = walk.moment();
            if !self.left.contains_key(&(app, moment)) {
                self.look_up(tx, walk.next(ahead).map(|moment| (app, moment))).await?;
                ahead = (ahead * 2).min(MOST);
            }
            let last = MsgId::imports_of(moment).1;
            // Milliseconds that were skipped by a hint were not looked up.
            let newest = self.left.entry((app, moment)).or_insert(last);
            if *newest < last {
                newest.0 += 1;
                return Ok(*newest);
            }
            walk.step();
        }
    }
}

/// From one millisecond to the next.
struct Walk<'a> {
    hints: &'a FreeHints,
    app: AppId,
    from: i64,
    stays: IdPlacement,
    place: SearchPosition,
}

impl<'a> Walk<'a> {
    fn begin(hints: &'a FreeHints, app: AppId, from: i64, stays: IdPlacement) -> Self {
        let mut walk = Self { hints, app, from, stays, place: SearchPosition::Up(from) };
        let down = hints.down_to.get(&(app, UnixMillis(walk.minute()))).map(|down| down.0);
        match (stays, down) {
            (IdPlacement::InItsMinute, Some(down)) if from > down => walk.go_down(down),
            _ => walk.go_up(hints.up(app, from)),
        }
        walk
    }

    const fn moment(&self) -> UnixMillis {
        match self.place {
            SearchPosition::Up(moment) | SearchPosition::Down(moment) => UnixMillis(moment),
        }
    }

    /// The first millisecond of the minute.
    const fn minute(&self) -> i64 {
        self.from - self.from.rem_euclid(MINUTE)
    }

    /// The next milliseconds.
    fn next(&self, count: i64) -> impl Iterator<Item = UnixMillis> + use<> {
        let (first, last) = match self.place {
            SearchPosition::Up(moment) if self.stays == IdPlacement::Anywhere => (moment, moment + count),
            SearchPosition::Up(moment) => (moment, (moment + count).min(self.minute() + MINUTE)),
            SearchPosition::Down(moment) => ((moment - count + 1).max(self.minute()), moment + 1),
        };
        (first..last).map(UnixMillis)
    }

    fn step(&mut self) {
        match self.place {
            SearchPosition::Up(moment) => {
                let next = self.hints.up(self.app, moment + 1);
                self.hints.up_to.insert((self.app, UnixMillis(self.from)), UnixMillis(next));
                self.go_up(next);
            }
            SearchPosition::Down(moment) => self.go_down(moment - 1),
        }
    }

    fn go_up(&mut self, moment: i64) {
        if self.stays == IdPlacement::InItsMinute && moment >= self.minute() + MINUTE {
            // Everything from the requested time to the end of the minute is used up.
            return self.go_down(self.from - 1);
        }
        self.place = SearchPosition::Up(moment);
    }

    fn go_down(&mut self, moment: i64) {
        let minute = self.minute();
        self.hints.down_to.insert((self.app, UnixMillis(minute)), UnixMillis(moment));
        if moment >= minute {
            self.place = SearchPosition::Down(moment);
            return;
        }
        // The whole minute is used up.
        (self.from, self.stays) = (minute + MINUTE, IdPlacement::Anywhere);
        self.place = SearchPosition::Up(self.hints.up(self.app, self.from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: AppId = AppId(7);
    const MINUTE_BEGINS: i64 = 1_790_000_000_000 - 1_790_000_000_000 % MINUTE;

    /// Every millisecond that is tried, if each turns out to be used up.
    fn walked(hints: &FreeHints, from: i64, stays: IdPlacement, steps: usize) -> Vec<i64> {
        let mut walk = Walk::begin(hints, APP, MINUTE_BEGINS + from, stays);
        let step = |_| {
            let moment = walk.moment().0 - MINUTE_BEGINS;
            walk.step();
            moment
        };
        (0..steps).map(step).collect()
    }

    #[test]
    fn ids_go_up_to_the_end_of_the_minute_then_down_and_only_then_beyond_it() {
        let last = MINUTE - 1;
        assert_eq!(
            walked(&FreeHints::new(), last - 1, IdPlacement::InItsMinute, 5),
            [last - 1, last, last - 2, last - 3, last - 4]
        );
        let hints = FreeHints::new();
        let all = walked(&hints, 1, IdPlacement::InItsMinute, 60_002);
        assert_eq!(all[..2], [1, 2]);
        assert_eq!(all[59_998..], [last, 0, MINUTE, MINUTE + 1]);
        assert_eq!(all[..60_000].iter().collect::<HashSet<_>>().len(), 60_000);
        // The result is remembered.
        assert_eq!(walked(&hints, 30_000, IdPlacement::InItsMinute, 1), [MINUTE + 2]);
    }

    #[test]
    fn others_go_up_alone() {
        let hints = FreeHints::new();
        assert_eq!(walked(&hints, MINUTE - 1, IdPlacement::Anywhere, 3), [MINUTE - 1, MINUTE, MINUTE + 1]);
        assert_eq!(walked(&hints, MINUTE - 1, IdPlacement::Anywhere, 1), [MINUTE + 2]);
        assert_eq!(walked(&hints, MINUTE - 1, IdPlacement::InItsMinute, 1), [MINUTE - 2]);
    }

    #[test]
    fn moments_that_are_looked_up_together_stay_in_the_minute() {
        let hints = FreeHints::new();
        let next = |from: i64, stays| -> Vec<i64> {
            let walk = Walk::begin(&hints, APP, MINUTE_BEGINS + from, stays);
            walk.next(4).map(|moment| moment.0 - MINUTE_BEGINS).collect()
        };
        assert_eq!(next(MINUTE - 2, IdPlacement::InItsMinute), [MINUTE - 2, MINUTE - 1]);
        assert_eq!(next(MINUTE - 2, IdPlacement::Anywhere), [MINUTE - 2, MINUTE - 1, MINUTE, MINUTE + 1]);
    }
}
