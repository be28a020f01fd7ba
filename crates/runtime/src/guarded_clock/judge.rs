//! Decides whether to trust the wall clock. Pure: all times are passed in, in milliseconds.

use tidings_domain::{BEGINNING, TimeReference};

/// How far the wall clock may be from its expected value, and from the database's, before it is distrusted.
const BOUND: i64 = 5_000;
/// A smaller difference is corrected at this fraction of the elapsed time.
const FOLLOW: i64 = 10;
/// Readings of a steadily running clock differ by no more than this.
const STEADY: i64 = 1_000;
/// A clock that was set is trusted again when it has run steadily for so long and the database's clock agrees.
const CONFIRMED: i64 = 10_000;
/// The same without a database clock.
const UNCONFIRMED: i64 = 60_000;
/// The database's clock is considered right, and ours wrong, once it has differed for this long: it may have been set
/// too.
const CONTRADICTED: i64 = 10_000;
/// After a longer outage the clock is watched for a while at the start.
const LONGEST_PAUSE: i64 = 30 * 24 * 3_600_000;

/// A change in the wall clock's state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Doubted(String),
    /// Trusted again; the time was changed by that much.
    Explained {
        by: i64,
    },
}

/// A state, and since when it lasts by the steady clock.
#[derive(Debug, Clone, Copy)]
struct Since {
    offset: i64,
    at: i64,
}

#[derive(Debug)]
enum ClockTrust {
    Believed,
    /// It was trusted, and its value now does not follow from that.
    Jumped,
    /// It was not trusted since the process started.
    Unproven,
    /// The database's clock differs, though ours was not set.
    Contradicted,
}

/// The state of the wall clock. An offset is what is added to the steady clock.
#[derive(Debug)]
pub(super) struct Judge {
    offset: i64,
    looked_at: i64,
    standing: ClockTrust,
    /// The offset of the wall clock.
    wall: Since,
    /// The offset of the database's clock, and when it was last queried.
    database: Option<(Since, i64)>,
    /// When the installation last ran, in milliseconds since 1970.
    last_run: Option<i64>,
}

impl Judge {
    pub(super) fn new(steady: i64, wall: i64) -> Self {
        let since = Since { offset: wall - steady, at: steady };
        let standing = if wall < BEGINNING.0 { ClockTrust::Unproven } else { ClockTrust::Believed };
        Self { offset: since.offset, looked_at: steady, standing, wall: since, database: None, last_run: None }
    }

    pub(super) const fn offset(&self) -> i64 {
        self.offset
    }

    /// Why the time cannot be relied on.
    pub(super) fn doubt(&self) -> Option<String> {
        let jump = ahead(self.wall.offset - self.offset);
        match &self.standing {
            ClockTrust::Believed => None,
            ClockTrust::Jumped => Some(format!("the clock of this machine jumped: it is {jump} what it must show")),
            ClockTrust::Unproven | ClockTrust::Contradicted => Some(match (&self.database, self.last_run) {
                (Some((database, _)), _) => {
                    let apart = ahead(self.wall.offset - database.offset);
                    format!("the clock of this machine is wrong: it is {apart} the database's")
                }
                (None, Some(last_run)) => {
                    let apart = ahead(self.wall.offset + self.looked_at - last_run);
                    format!("the clock of this machine may be wrong: it is {apart} when this installation last ran")
                }
                (None, None) => "the clock of this machine is wrong: it shows a time before 2010".to_owned(),
            }),
        }
    }

    /// Reads the wall clock.
    pub(super) fn look(&mut self, steady: i64, wall: i64) -> Option<Change> {
        let offset = wall - steady;
        if (offset - self.wall.offset).abs() > STEADY {
            self.wall = Since { offset, at: steady };
        }
        let passed = (steady - self.looked_at).max(0);
        self.looked_at = steady;
        let before = self.offset;
        let apart = offset - self.offset;
        let fits = apart.abs() <= BOUND;
        let standing = match self.standing {
            ClockTrust::Believed if !fits => ClockTrust::Jumped,
            ClockTrust::Believed if self.is_contradicted(steady) => ClockTrust::Contradicted,
            ClockTrust::Believed => {
                // A difference within the allowed correction is corrected at once.
                let most = passed / FOLLOW + 1;
                self.offset += apart.clamp(-most, most);
                return None;
            }
            ClockTrust::Jumped if fits && self.agrees() != Some(false) => ClockTrust::Believed,
            ClockTrust::Contradicted if self.agrees() == Some(true) => ClockTrust::Believed,
            ClockTrust::Unproven if self.is_plausible(wall) => ClockTrust::Believed,
            _ if wall >= BEGINNING.0 && self.is_proven(steady) => ClockTrust::Believed,
            _ => return None,
        };
        self.standing = standing;
        if matches!(self.standing, ClockTrust::Believed) {
            if !fits {
                self.offset = offset;
            }
            return Some(Change::Explained { by: self.offset - before });
        }
        self.doubt().map(Change::Doubted)
    }

    /// Compares the clock with a time reference.
    pub(super) fn compare(&mut self, steady: i64, wall: i64, witness: TimeReference) -> Option<Change> {
        let is_first = match witness {
            TimeReference::Database(now) => {
                let offset = now.0 - steady;
                let since = match self.database {
                    Some((since, _)) if (offset - since.offset).abs() <= STEADY => since,
                    _ => Since { offset, at: steady },
                };
                self.database.replace((since, steady)).is_none()
            }
            TimeReference::LastRun(at) => self.last_run.replace(at.0).is_none(),
        };
        // Nothing was known before, so the wall clock's value at the start was not verified.
        let believed = matches!(self.standing, ClockTrust::Believed | ClockTrust::Unproven);
        if is_first && believed && !self.is_plausible(wall) {
            self.standing = ClockTrust::Unproven;
            // The database's clock is shared by all processes; without it, the time continues from where it was.
            match (self.database, self.last_run) {
                (Some((database, _)), _) => self.offset = database.offset,
                (None, Some(last_run)) => self.offset = last_run - steady,
                (None, None) => {}
            }
            self.wall = Since { offset: wall - steady, at: steady };
            self.looked_at = steady;
            return self.doubt().map(Change::Doubted);
        }
        self.look(steady, wall)
    }

    /// Whether the database's clock agrees; `None` when it was not queried.
    fn agrees(&self) -> Option<bool> {
        self.database.map(|(database, _)| (database.offset - self.wall.offset).abs() <= BOUND)
    }

    fn is_contradicted(&self, steady: i64) -> bool {
        self.agrees() == Some(false) && self.database.is_some_and(|(database, _)| steady - database.at >= CONTRADICTED)
    }

    /// Whether nothing known contradicts the wall clock at a start.
    fn is_plausible(&self, wall: i64) -> bool {
        let follows = |last_run: i64| (-BOUND..=LONGEST_PAUSE).contains(&(wall - last_run));
        let fits = match (self.agrees(), self.last_run) {
            (Some(agrees), _) => agrees,
            (None, Some(last_run)) => follows(last_run),
            (None, None) => true,
        };
        fits && wall >= BEGINNING.0
    }

    /// Whether a clock that was set is trusted again: it has run steadily since, and the database's, queried since,
    /// agrees.
    fn is_proven(&self, steady: i64) -> bool {
        let steadily_for = steady - self.wall.at;
        match (self.agrees(), self.database) {
            (Some(agrees), Some((_, asked_at))) => {
                agrees && steadily_for >= CONFIRMED && asked_at >= self.wall.at + CONFIRMED / 2
            }
            _ => steadily_for >= UNCONFIRMED,
        }
    }
}

/// The reason as text.
fn ahead(ms: i64) -> String {
    let seconds = (ms.unsigned_abs() + 500) / 1000;
    if ms < 0 { format!("{seconds} seconds behind") } else { format!("{seconds} seconds ahead of") }
}

#[cfg(test)]
mod tests {
    use tidings_domain::UnixMillis;

    use super::*;

    const START: i64 = 1_790_000_000_000;
    const TEN_YEARS: i64 = 10 * 365 * 24 * 3_600_000;
    const HOUR: i64 = 3_600_000;

    /// A simulated machine with its two clocks, and a database's.
    struct Machine {
        judge: Judge,
        steady: i64,
        /// The error of the wall clock, and of the database's, if there is one.
        wrong: i64,
        database: Option<i64>,
        /// The largest error with which messages could be sent.
        worst: i64,
    }

    impl Machine {
        fn new(wrong: i64, database: Option<i64>) -> Self {
            let mut machine = Self { judge: Judge::new(0, START + wrong), steady: 0, wrong, database, worst: 0 };
            machine.ask();
            machine
        }

        fn ask(&mut self) {
            if let Some(database) = self.database {
                let now = TimeReference::Database(UnixMillis(START + self.steady + database));
                self.judge.compare(self.steady, START + self.steady + self.wrong, now);
            }
        }

        /// Reads the clock every quarter of a second, and queries the database each second.
        fn run(&mut self, ms: i64) {
            for step in 1..=ms / 250 {
                self.steady += 250;
                if step % 4 == 0 {
                    self.ask();
                }
                self.judge.look(self.steady, START + self.steady + self.wrong);
                if self.judge.doubt().is_none() {
                    self.worst = self.worst.max((self.error()).abs());
                }
            }
        }

        /// The error of the reported time.
        fn error(&self) -> i64 {
            self.judge.offset() - START
        }

        fn believes(&mut self) -> bool {
            self.judge.look(self.steady, START + self.steady + self.wrong);
            self.judge.doubt().is_none()
        }
    }

    #[test]
    fn a_glitch_has_no_effect_and_is_refused_while_it_lasts() {
        for database in [None, Some(0)] {
            for jump in [TEN_YEARS, -TEN_YEARS, HOUR, -HOUR, 6_000, -6_000] {
                let mut machine = Machine::new(0, database);
                machine.run(5_000);
                machine.wrong = jump;
                assert!(!machine.believes(), "{jump}");
                machine.run(3_000);
                assert!(!machine.believes(), "{jump}");
                assert_eq!(machine.error(), 0);
                machine.wrong = 0;
                assert!(machine.believes(), "{jump}");
                machine.run(60_000);
                assert_eq!((machine.error(), machine.worst), (0, 0));
            }
        }
    }

    #[test]
    fn small_corrections_are_followed_slowly() {
        let mut machine = Machine::new(0, None);
        machine.wrong = 4_000;
        machine.run(1_000);
        assert!((90..=110).contains(&machine.error()), "{}", machine.error());
        machine.run(60_000);
        assert_eq!((machine.error(), machine.believes()), (4_000, true));
    }

    #[test]
    fn a_clock_that_keeps_jumping_a_little_leads_nobody_far() {
        let mut machine = Machine::new(0, None);
        for _ in 0..40 {
            machine.wrong += 4_000;
            machine.run(250);
        }
        // Ten seconds have passed.
        assert!(machine.error() <= 1_100, "{}", machine.error());
    }

    #[test]
    fn a_lasting_correction_is_accepted_without_a_database_after_a_minute() {
        let mut machine = Machine::new(0, None);
        machine.wrong = -HOUR;
        machine.run(59_000);
        assert_eq!((machine.believes(), machine.error()), (false, 0));
        machine.run(2_000);
        assert_eq!((machine.believes(), machine.error()), (true, -HOUR));
    }

    #[test]
    fn with_a_database_it_is_accepted_soon_where_that_agrees_and_never_where_not() {
        // The machine and the database were wrong together.
        let mut machine = Machine::new(HOUR, Some(HOUR));
        assert!(machine.believes());
        (machine.wrong, machine.database) = (0, Some(0));
        machine.run(12_000);
        assert_eq!((machine.believes(), machine.error()), (true, 0));

        machine.wrong = HOUR;
        machine.run(10 * 60_000);
        assert_eq!((machine.believes(), machine.error()), (false, 0));
    }

    #[test]
    fn a_start_with_a_wrong_clock_goes_by_the_databases_and_sends_nothing() {
        let mut machine = Machine::new(TEN_YEARS, Some(0));
        assert_eq!((machine.believes(), machine.error()), (false, 0));
        let why = machine.judge.doubt().expect("a reason");
        assert_eq!(why, "the clock of this machine is wrong: it is 315360000 seconds ahead of the database's");
        machine.run(3_000);
        machine.wrong = 0;
        assert_eq!((machine.believes(), machine.error(), machine.worst), (true, 0, 0));
    }

    #[test]
    fn a_start_long_after_the_last_run_or_before_it_waits_until_the_clock_has_run_steadily() {
        let hour_before = TimeReference::LastRun(UnixMillis(START - HOUR));
        for wrong in [TEN_YEARS, -2 * HOUR] {
            let mut machine = Machine::new(wrong, None);
            machine.judge.compare(0, START + wrong, hour_before);
            assert!(!machine.believes(), "{wrong}");
            assert_eq!(machine.error(), -HOUR);
            machine.run(3_000);
            machine.wrong = 0;
            assert!(machine.believes(), "{wrong}");
            assert_eq!((machine.error(), machine.worst), (0, 0));
        }
        // The new time is right.
        let mut machine = Machine::new(0, None);
        machine.judge.compare(0, START, TimeReference::LastRun(UnixMillis(START - TEN_YEARS)));
        machine.run(59_000);
        assert!(!machine.believes());
        machine.run(2_000);
        assert!(machine.believes());
        // A long pause, such as a holiday, is not a problem.
        let mut machine = Machine::new(0, None);
        machine.judge.compare(0, START, TimeReference::LastRun(UnixMillis(START - LONGEST_PAUSE)));
        assert!(machine.believes());
    }

    #[test]
    fn a_glitch_of_the_databases_clock_stops_nobody_and_a_lasting_difference_does() {
        let mut machine = Machine::new(0, Some(0));
        machine.database = Some(TEN_YEARS);
        machine.run(3_000);
        machine.database = Some(0);
        machine.run(60_000);
        assert_eq!((machine.believes(), machine.worst), (true, 0));
        machine.database = Some(-HOUR);
        machine.run(12_000);
        assert!(!machine.believes());
        machine.database = Some(0);
        machine.run(2_000);
        assert!(machine.believes());
    }

    #[test]
    fn a_machine_that_begins_in_1970_waits_for_its_clock() {
        let mut machine = Machine::new(-START, None);
        machine.run(120_000);
        assert!(!machine.believes());
        machine.wrong = 0;
        assert!(machine.believes());
        assert_eq!(machine.error(), 0);
    }
}
