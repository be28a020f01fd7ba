//! The position in the event feed up to which the device has everything.
//!
//! A cursor is reached when every entry up to it was acknowledged, regardless of the order of the queues. A
//! reached cursor is saved occasionally, and at the session's end: after a crash a device gets later entries again.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tidings_domain::UnixMillis;
use tokio::time::Instant;

/// The minimum time between two saves.
const EVERY: Duration = Duration::from_secs(30);

/// A cursor of the event feed, and when everything up to it had arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReachedCursor {
    pub cursor: Arc<str>,
    pub at: UnixMillis,
}

/// The position of one device.
#[derive(Default)]
pub(super) struct Position {
    /// Cursors that are not reached, each with the last key that came up to it.
    ahead: VecDeque<(u64, ReachedCursor)>,
    reached: Option<ReachedCursor>,
    saved_at: Option<Instant>,
}

impl Position {
    /// Everything up to a cursor has arrived; `last_key` is the last entry's.
    pub fn came(&mut self, place: ReachedCursor, last_key: u64) {
        match self.ahead.back_mut() {
            // As many as there are entries.
            Some((key, known)) if *key == last_key => *known = place,
            _ => self.ahead.push_back((last_key, place)),
        }
    }

    /// Entries from that key on are not acknowledged; `None`: all are.
    pub fn acknowledged(&mut self, oldest: Option<u64>) {
        while self.ahead.front().is_some_and(|(key, _)| oldest.is_none_or(|oldest| *key < oldest)) {
            self.reached = self.ahead.pop_front().map(|(_, place)| place);
        }
    }

    /// The position to save now.
    pub fn due(&mut self) -> Option<ReachedCursor> {
        if self.saved_at.is_some_and(|at| at.elapsed() < EVERY) {
            return None;
        }
        let due = self.last()?;
        self.saved_at = Some(Instant::now());
        Some(due)
    }

    /// The position to save at the end.
    pub fn last(&mut self) -> Option<ReachedCursor> {
        self.reached.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cursor_is_reached_when_all_before_it_is_acknowledged_and_saved_now_and_then() {
        let place = |cursor: &str| ReachedCursor { cursor: cursor.into(), at: UnixMillis(0) };
        let mut position = Position::default();
        position.came(place("a"), 3);
        position.came(place("b"), 5);
        position.came(place("c"), 5);
        position.acknowledged(Some(3));
        assert_eq!(position.due(), None);
        position.acknowledged(Some(4));
        assert_eq!(position.due(), Some(place("a")));
        position.acknowledged(None);
        assert_eq!(position.due(), None, "too soon");
        assert_eq!(position.last(), Some(place("c")));
        assert_eq!(position.last(), None);
    }
}
