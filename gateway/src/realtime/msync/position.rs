//! Up to where in the event feed the device has everything.
//!
//! A cursor is reached when every entry that came up to it was acknowledged, whatever the order of the queues. What was
//! reached is saved now and then, and at the session's end: after a crash a device gets again what it had since.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::Instant;

/// How often it is saved at most.
const EVERY: Duration = Duration::from_secs(30);

/// The position of one device.
#[derive(Default)]
pub(super) struct Position {
    /// Cursors that are not reached, each with the last key that came up to it.
    ahead: VecDeque<(u64, Arc<str>)>,
    reached: Option<Arc<str>>,
    saved_at: Option<Instant>,
}

impl Position {
    /// Everything up to a cursor has come; `last_key` is the last entry's.
    pub fn came(&mut self, cursor: Arc<str>, last_key: u64) {
        match self.ahead.back_mut() {
            // As many as there are entries.
            Some((key, known)) if *key == last_key => *known = cursor,
            _ => self.ahead.push_back((last_key, cursor)),
        }
    }

    /// Entries from that key on are not acknowledged; `None`: all are.
    pub fn acknowledged(&mut self, oldest: Option<u64>) {
        while self.ahead.front().is_some_and(|(key, _)| oldest.is_none_or(|oldest| *key < oldest)) {
            self.reached = self.ahead.pop_front().map(|(_, cursor)| cursor);
        }
    }

    /// What is to be saved now.
    pub fn due(&mut self) -> Option<Arc<str>> {
        if self.saved_at.is_some_and(|at| at.elapsed() < EVERY) {
            return None;
        }
        let due = self.last()?;
        self.saved_at = Some(Instant::now());
        Some(due)
    }

    /// What is to be saved at the end.
    pub fn last(&mut self) -> Option<Arc<str>> {
        self.reached.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cursor_is_reached_when_all_before_it_is_acknowledged_and_saved_now_and_then() {
        let mut position = Position::default();
        position.came("a".into(), 3);
        position.came("b".into(), 5);
        position.came("c".into(), 5);
        position.acknowledged(Some(3));
        assert_eq!(position.due(), None);
        position.acknowledged(Some(4));
        assert_eq!(position.due().as_deref(), Some("a"));
        position.acknowledged(None);
        assert_eq!(position.due(), None, "too soon");
        assert_eq!(position.last().as_deref(), Some("c"));
        assert_eq!(position.last(), None);
    }
}
