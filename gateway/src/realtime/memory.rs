//! The memory of events that wait for clients of this process.
//!
//! All sessions share an event, so it counts once, until the last of them has it. When too much is held, the sessions for
//! which most waits are ended: their clients come back and continue from their cursors.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    app_feed::AppFeed,
    session::{Ending, Session},
};

/// Bytes of events that may be held.
const MOST: usize = 96 * 1024 * 1024;
/// An event takes so many times the bytes it came with: itself, and as JSON.
const FORMS: usize = 2;
/// Sessions for which less waits are not ended for it.
const LITTLE: usize = 64 * 1024;

/// The events that are held, and the feeds whose sessions they are for.
#[derive(Default)]
pub(crate) struct EventMemory {
    held: Arc<AtomicUsize>,
    feeds: Mutex<Vec<Weak<AppFeed>>>,
}

/// The memory of one event, until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Held {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl EventMemory {
    /// Holds an event that came with so many bytes.
    pub(super) fn hold(&self, bytes: usize) -> Held {
        let bytes = bytes * FORMS;
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Held { all: Arc::clone(&self.held), bytes }
    }

    /// The sessions of a feed count from now on.
    pub(super) fn add(&self, feed: &Arc<AppFeed>) {
        let mut feeds = self.feeds();
        feeds.retain(|feed| feed.strong_count() > 0);
        feeds.push(Arc::downgrade(feed));
    }

    /// Ends the sessions for which most waits, if too much is held.
    pub(super) fn relieve(&self) {
        let excess = self.held.load(Ordering::Relaxed).saturating_sub(MOST);
        if excess == 0 {
            return;
        }
        let feeds: Vec<Arc<AppFeed>> = self.feeds().iter().filter_map(Weak::upgrade).collect();
        let sessions = feeds.iter().flat_map(|feed| feed.waiting_for_more_than(LITTLE)).collect();
        let ended = end_heaviest(sessions, excess);
        if ended > 0 {
            let held = MOST + excess;
            tracing::warn!(held, ended, "too many events wait for clients: the slowest are disconnected");
        }
    }

    fn feeds(&self) -> MutexGuard<'_, Vec<Weak<AppFeed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends sessions until as much is released; returns how many. Where they share events it is less, and the next response of
/// a feed ends more of them.
fn end_heaviest(mut sessions: Vec<Arc<Session>>, excess: usize) -> usize {
    sessions.sort_by_cached_key(|session| std::cmp::Reverse(session.waiting_bytes()));
    let (mut released, mut ended) = (0, 0);
    for session in sessions {
        if released >= excess {
            break;
        }
        released += session.waiting_bytes() * FORMS;
        ended += 1;
        session.end(Ending::TooSlow);
    }
    ended
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::{UnixMillis, UserId};

    use super::*;
    use crate::realtime::{event::Batch, event::Event, session::Item};

    #[test]
    fn an_event_counts_until_the_last_session_has_it() {
        let memory = EventMemory::default();
        let event = Arc::new(memory.hold(1_000));
        let other = Arc::clone(&event);
        assert_eq!(memory.held.load(Ordering::Relaxed), 2_000);
        drop(event);
        assert_eq!(memory.held.load(Ordering::Relaxed), 2_000);
        drop(other);
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn the_sessions_for_which_most_waits_are_ended_until_enough_is_released() {
        let open = |id| Session::new(id, UserId(16), None, UnixMillis(0));
        let [(little, mut stays), (most, mut ends), (much, mut ends_too)] = [open(1), open(2), open(3)];
        for (session, bytes) in [(&little, 10), (&most, 30_000), (&much, 20_000)] {
            let mut batch = Batch::new(&Arc::from("0:1"));
            batch.events = vec![Arc::new(Event::example_of(bytes))];
            session.push(batch);
        }
        // Whoever is not ended stays in the feed.
        let sessions = [&little, &much, &most].map(Arc::clone).to_vec();
        assert_eq!(end_heaviest(sessions, 70_000), 2);
        assert!(matches!(ends.next(true).await, Err(Ending::TooSlow)));
        assert!(matches!(ends_too.next(true).await, Err(Ending::TooSlow)));
        assert!(matches!(stays.next(true).await, Ok(Item::Batch(_))));
    }
}
