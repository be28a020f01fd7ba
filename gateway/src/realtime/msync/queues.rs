//! The entries queued for a client, by conversation, until it acknowledges them.
//!
//! The client is notified once that a queue has entries, and fetches a page; the key of the page in its next request
//! acknowledges it. Keys that this session did not give, such as those of an earlier one, acknowledge nothing. Only an empty
//! page is called the last one: the client is notified again when something comes after that.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use tidings_dialects::agora::msync::Queue;
use tidings_domain::{ConversationId, MsgId};
use tokio::time::Instant;

/// Maximum number of entries of a page.
const PAGE: usize = 50;
/// A page ends when it has that many bytes: a connection keeps a buffer as large as its largest page.
const PAGE_BYTES: usize = 32 * 1024;
/// More events are taken only while less than that is queued; one read may exceed it.
const ENOUGH: usize = 1_000;
const ENOUGH_BYTES: usize = 4 * 1024 * 1024;
/// After this time without a request for a queue, the client is notified of it again.
const STALE: Duration = Duration::from_secs(20);

/// An entry for the client.
pub(super) struct Entry {
    /// The encoded entry.
    pub meta: Bytes,
    /// The message that counts as delivered with it, if it is one of others that is stored.
    pub delivers: Option<(ConversationId, MsgId)>,
}

/// All queues of one session.
#[derive(Default)]
pub(super) struct Queues {
    all: HashMap<Queue, One>,
    entries: usize,
    bytes: usize,
    last_key: u64,
}

#[derive(Default)]
struct One {
    entries: VecDeque<(u64, Entry)>,
    /// When the client was last notified of it or got a page of it.
    told_at: Option<Instant>,
    /// Whether the client has a page that it has not acknowledged.
    has_page: bool,
    /// The keys of pages that the client got, ascending: of the one that it acknowledged last, and of later ones.
    given: VecDeque<u64>,
}

/// The answer to a request for a queue.
#[derive(Default)]
pub(super) struct Pulled {
    /// The newest message that was acknowledged.
    pub delivered: Option<(ConversationId, MsgId)>,
    /// The next page and its key; `None`: there is nothing more.
    pub page: Option<(Vec<Bytes>, u64)>,
}

impl Queues {
    /// With keys above that one: a client that reconnects compares them with those that it had before.
    pub fn above(key: u64) -> Self {
        Self { last_key: key, ..Self::default() }
    }

    /// Whether more events may be added.
    pub fn has_room(&self) -> bool {
        is_room(self.entries, self.bytes)
    }

    /// The key of the entry that was added last.
    pub const fn last_key(&self) -> u64 {
        self.last_key
    }

    /// The key of the oldest entry; `None`: there is none.
    pub fn oldest(&self) -> Option<u64> {
        self.all.values().filter_map(|one| one.entries.front()).map(|(key, _)| *key).min()
    }

    /// Adds an entry.
    pub fn push(&mut self, queue: Queue, entry: Entry) {
        self.last_key += 1;
        self.entries += 1;
        self.bytes += entry.meta.len();
        self.all.entry(queue).or_default().entries.push_back((self.last_key, entry));
    }

    /// The queues that must be announced to the client, with the number of their entries.
    pub fn unannounced(&mut self) -> Vec<(Queue, usize)> {
        let now = Instant::now();
        let mut unannounced = Vec::new();
        for (queue, one) in &mut self.all {
            if one.told_at.is_none_or(|at| now.duration_since(at) > STALE) {
                one.told_at = Some(now);
                one.has_page = false;
                unannounced.push((queue.clone(), one.entries.len()));
            }
        }
        unannounced
    }

    /// Acknowledges a queue's entries up to `key`, if it is one of this session, and returns the next ones. A client that has
    /// a page and asks without its key gets nothing: it does so when it works on several queues.
    pub fn pull(&mut self, queue: &Queue, key: Option<u64>) -> Pulled {
        let Some(one) = self.all.get_mut(queue) else {
            return Pulled::default();
        };
        let mut pulled = Pulled::default();
        if let Some(key) = key.filter(|key| one.given.contains(key)) {
            while one.entries.front().is_some_and(|(place, _)| *place <= key) {
                let Some((_, entry)) = one.entries.pop_front() else { break };
                self.entries -= 1;
                self.bytes -= entry.meta.len();
                pulled.delivered = entry.delivers.or(pulled.delivered);
            }
            one.given.retain(|given| *given >= key);
            one.has_page = false;
        }
        if one.entries.is_empty() {
            self.all.remove(queue);
            return pulled;
        }
        if !one.has_page {
            pulled.page = page_of(&one.entries);
            one.has_page = true;
            one.told_at = Some(Instant::now());
            let given = pulled.page.as_ref().map(|(_, key)| *key);
            one.given.extend(given.filter(|key| one.given.back().is_none_or(|last| last < key)));
        }
        pulled
    }
}

/// Whether more entries may be queued in addition to these.
pub(super) const fn is_room(entries: usize, bytes: usize) -> bool {
    entries < ENOUGH && bytes < ENOUGH_BYTES
}

fn page_of(entries: &VecDeque<(u64, Entry)>) -> Option<(Vec<Bytes>, u64)> {
    let (mut metas, mut bytes, mut last) = (Vec::new(), 0, None);
    for (key, entry) in entries.iter().take(PAGE) {
        bytes += entry.meta.len();
        if bytes > PAGE_BYTES && last.is_some() {
            break;
        }
        metas.push(entry.meta.clone());
        last = Some(*key);
    }
    last.map(|key| (metas, key))
}

#[cfg(test)]
mod tests {
    use tidings_domain::UserId;

    use super::*;

    fn entry(id: i64) -> Entry {
        let delivers = Some((ConversationId::direct(UserId(16), UserId(32)), MsgId(id)));
        Entry { meta: Bytes::from(id.to_string()), delivers }
    }

    #[tokio::test]
    async fn a_client_is_told_once_and_only_an_empty_page_is_the_last() {
        let (mut queues, queue) = (Queues::above(100), Queue::of_user("omar"));
        for id in 1..=60 {
            queues.push(queue.clone(), entry(id));
        }
        assert_eq!(queues.unannounced(), [(queue.clone(), 60)]);
        assert!(queues.unannounced().is_empty());
        let first = queues.pull(&queue, None);
        let (metas, key) = first.page.unwrap();
        assert_eq!((metas.len(), key, first.delivered), (50, 150, None));
        // Requested again before the acknowledgement, while more arrives.
        queues.push(queue.clone(), entry(61));
        assert!(queues.pull(&queue, None).page.is_none() && queues.unannounced().is_empty());
        let second = queues.pull(&queue, Some(key));
        assert_eq!(second.delivered.unwrap().1, MsgId(50));
        let (metas, key) = second.page.unwrap();
        assert_eq!((metas.len(), key), (11, 161));
        let last = queues.pull(&queue, Some(key));
        assert_eq!((last.page.is_none(), last.delivered.unwrap().1), (true, MsgId(61)));
        assert_eq!((queues.entries, queues.bytes, queues.all.len()), (0, 0, 0));
        queues.push(queue.clone(), entry(62));
        assert_eq!(queues.unannounced(), [(queue, 1)]);
    }

    #[tokio::test]
    async fn only_keys_that_this_session_gave_acknowledge_anything() {
        let (mut queues, queue) = (Queues::above(100), Queue::of_user("omar"));
        for id in 1..=120 {
            queues.push(queue.clone(), entry(id));
        }
        // Before anything was fetched, as a reconnecting client requests it.
        let first = queues.pull(&queue, Some(u64::MAX));
        assert_eq!((first.delivered, first.page.unwrap().1), (None, 150));
        // Of an earlier session, within the page, and beyond it.
        for foreign in [7, 101, 149, 151, 220, u64::MAX] {
            let pulled = queues.pull(&queue, Some(foreign));
            assert_eq!((pulled.delivered, pulled.page.is_some(), queues.entries), (None, false, 120), "{foreign}");
        }
        assert_eq!(queues.pull(&queue, Some(150)).delivered.unwrap().1, MsgId(50));
    }

    #[tokio::test]
    async fn an_acknowledgement_is_repeated_and_holds_after_the_client_was_told_again() {
        let (mut queues, queue) = (Queues::above(100), Queue::of_user("omar"));
        for id in 1..=120 {
            queues.push(queue.clone(), entry(id));
        }
        assert_eq!(queues.unannounced().len(), 1);
        let key = queues.pull(&queue, None).page.unwrap().1;
        let one = queues.all.get_mut(&queue).unwrap();
        one.told_at = one.told_at.and_then(|told_at| told_at.checked_sub(STALE * 2));
        assert_eq!(queues.unannounced().len(), 1);
        let next = queues.pull(&queue, Some(key));
        assert_eq!((next.delivered.unwrap().1, next.page.unwrap().1), (MsgId(50), 200));
        // The client did not get the second page.
        let again = queues.pull(&queue, Some(key));
        assert_eq!((again.delivered, again.page.unwrap().1), (None, 200));
        assert_eq!(queues.pull(&queue, Some(200)).page.unwrap().1, 220);
        // One that was acknowledged before the last.
        assert!(queues.pull(&queue, Some(key)).page.is_none());
        assert_eq!(queues.pull(&queue, Some(220)).delivered.unwrap().1, MsgId(120));
    }

    #[test]
    fn a_client_that_does_not_fetch_is_told_again() {
        let (mut queues, queue) = (Queues::default(), Queue::of_group(17));
        queues.push(queue.clone(), entry(1));
        assert_eq!(queues.unannounced().len(), 1);
        let one = queues.all.get_mut(&queue).unwrap();
        one.told_at = one.told_at.and_then(|told_at| told_at.checked_sub(STALE * 2));
        assert_eq!(queues.unannounced().len(), 1);
    }

    #[test]
    fn nothing_is_added_when_much_waits() {
        let mut queues = Queues::default();
        for id in 0..ENOUGH as i64 {
            assert!(queues.has_room());
            queues.push(Queue::of_group(17), entry(id));
        }
        assert!(!queues.has_room());
    }
}
