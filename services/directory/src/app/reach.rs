//! For how long this process has reached its database without interruption.

use std::time::Duration;

use tidings_domain::UnixMillis;

/// Readings that are further apart than this are an interruption: leases may have expired because they could not be
/// renewed.
const GAP: Duration = Duration::from_secs(4);

/// Readings of the database, by the process's time and by that of the database: a machine that was suspended may notice it
/// by the latter only.
#[derive(Debug, Default)]
pub(super) struct Reach {
    since: Duration,
    last: Option<(Duration, UnixMillis)>,
}

impl Reach {
    /// The database answered at `elapsed`, when it showed `now`. Returns for how long it has done so.
    pub(super) fn reached(&mut self, elapsed: Duration, now: UnixMillis) -> Duration {
        let goes_on = self.last.is_some_and(|(last, shown)| elapsed.saturating_sub(last) <= GAP && now - shown <= GAP);
        if !goes_on {
            self.since = elapsed;
        }
        self.last = Some((elapsed, now));
        elapsed.saturating_sub(self.since)
    }

    /// The database did not answer.
    pub(super) fn lost(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(reach: &mut Reach, second: u64, shown: i64) -> u64 {
        reach.reached(Duration::from_secs(second), UnixMillis(shown * 1_000)).as_secs()
    }

    #[test]
    fn it_counts_from_the_first_answer_after_an_interruption() {
        let mut reach = Reach::default();
        assert_eq!([at(&mut reach, 7, 107), at(&mut reach, 8, 108), at(&mut reach, 12, 112)], [0, 1, 5]);
        reach.lost();
        assert_eq!([at(&mut reach, 13, 113), at(&mut reach, 14, 114)], [0, 1]);
    }

    #[test]
    fn a_pause_of_the_process_or_of_the_machine_interrupts_it() {
        let mut reach = Reach::default();
        assert_eq!([at(&mut reach, 0, 100), at(&mut reach, 3, 103), at(&mut reach, 8, 108)], [0, 3, 0]);
        // The process did not notice that the machine was suspended.
        assert_eq!([at(&mut reach, 9, 109), at(&mut reach, 10, 700), at(&mut reach, 11, 701)], [1, 0, 1]);
    }
}
