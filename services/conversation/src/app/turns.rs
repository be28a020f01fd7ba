//! Serves apps in turn, so that one that cannot be served does not block the others.

use std::{collections::HashMap, time::Duration};

use tidings_domain::AppId;
use tokio::time::Instant;

/// How long an app rests that was refused; twice as long after each further time.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);

/// The turns of apps, by ascending number, again and again.
#[derive(Debug)]
pub struct Turns {
    /// The app that was served last.
    after: AppId,
    /// A failure ended the round before, so this one did not begin with the first app.
    is_rest_of_round: bool,
    refused: HashMap<AppId, Refused>,
}

#[derive(Debug)]
struct Refused {
    until: Instant,
    rest: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        Self { after: AppId(i64::MIN), is_rest_of_round: false, refused: HashMap::new() }
    }
}

impl Turns {
    /// It is the turn of the first app after this one.
    pub const fn after(&self) -> AppId {
        self.after
    }

    /// The turn of an app begins; false: it rests.
    pub fn begin(&mut self, app: AppId, now: Instant) -> bool {
        self.after = app;
        self.refused.get(&app).is_none_or(|refused| refused.until <= now)
    }

    /// The app was served.
    pub fn served(&mut self, app: AppId) {
        self.refused.remove(&app);
    }

    /// The app was refused, and rests.
    pub fn refused(&mut self, app: AppId, now: Instant) {
        let rest = self.refused.get(&app).map_or(REST, |refused| (refused.rest * 2).min(LONGEST_REST));
        self.refused.insert(app, Refused { until: now + rest, rest });
    }

    /// No app can be served now. The next round begins with the app after the last one.
    pub const fn interrupted(&mut self) {
        self.is_rest_of_round = true;
    }

    /// There are no more apps; true: the first ones have not had their turn in this round.
    pub fn end(&mut self, now: Instant) -> bool {
        self.after = AppId(i64::MIN);
        // Apps with nothing more to report are not visited again.
        self.refused.retain(|_, refused| refused.until + LONGEST_REST > now);
        std::mem::take(&mut self.is_rest_of_round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_was_refused_rests_and_the_others_do_not() {
        let (mut turns, start) = (Turns::default(), Instant::now());
        assert!(turns.begin(AppId(1), start));
        turns.refused(AppId(1), start);
        assert_eq!(turns.after(), AppId(1));
        assert!(turns.begin(AppId(2), start));
        assert!(!turns.end(start));
        assert!(!turns.begin(AppId(1), start) && turns.begin(AppId(1), start + REST));
        turns.refused(AppId(1), start);
        assert!(!turns.begin(AppId(1), start + REST) && turns.begin(AppId(1), start + REST * 2));
        turns.served(AppId(1));
        assert!(turns.begin(AppId(1), start));
    }

    #[test]
    fn after_an_interruption_the_next_app_is_first_and_then_comes_a_whole_round() {
        let (mut turns, start) = (Turns::default(), Instant::now());
        turns.begin(AppId(1), start);
        turns.interrupted();
        assert_eq!(turns.after(), AppId(1));
        assert!(turns.end(start));
        assert_eq!(turns.after(), AppId(i64::MIN));
        assert!(!turns.end(start));
    }
}
