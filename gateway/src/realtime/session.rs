//! One connected client of any wire format.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use tidings_domain::{UnixMillis, UserId};
use tidings_runtime::metrics;
use tokio::sync::{mpsc, watch};

use super::{
    device::Device,
    event::Batch,
    waiting::{Amount, Waiting},
};

/// Events that wait for a client. One that takes them more slowly is disconnected, and continues from its cursor.
const MOST_WAITING: Amount = Amount { events: 2_000, bytes: 4 * 1024 * 1024 };
/// A signal counts as one event.
const SIGNAL: Amount = Amount { events: 1, bytes: 0 };

/// Why a session ends before its client closes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client reads too slowly.
    TooSlow,
    /// The feed of its app cannot be followed.
    FeedLost,
    /// A new session of the same device has taken its place; what that one's client says.
    Replaced(Arc<str>),
    /// The app, or the user, ended the session.
    Kicked,
    /// The user's password was changed.
    PasswordChanged,
    /// The user was disabled.
    Disabled,
    /// The user was deleted.
    Deleted,
}

/// A transient signal for clients that are connected now; nothing depends on it.
pub(crate) struct Signal {
    /// The name of the other party in the direct conversation that it is about.
    pub peer: String,
    /// As an entry of an MSync queue.
    pub msync: Bytes,
}

/// What the feed has for a session.
pub(crate) enum Item {
    /// Boxed, since a channel has room for many items from the start.
    Batch(Box<Batch>),
    Signal(Arc<Signal>),
    /// Everything before it is in what the session reads of the past.
    Entered,
}

/// The side of the feed.
pub(crate) struct Session {
    pub id: u64,
    /// Sessions of several users may have one inbox: the id of its first.
    pub inbox: u64,
    pub user: UserId,
    /// Absent: it belongs to an internal service rather than a device.
    pub device: Option<Device>,
    pub opened_at: UnixMillis,
    /// It started although the directory did not know it: a kick may not name it.
    is_unknown: AtomicBool,
    items: mpsc::UnboundedSender<Item>,
    waiting: Arc<Waiting>,
    ending: watch::Sender<Option<Ending>>,
    token_check: watch::Sender<Option<Ending>>,
}

/// The side of the client.
pub(crate) struct Inbox {
    items: mpsc::UnboundedReceiver<Item>,
    waiting: Arc<Waiting>,
    ending: watch::Receiver<Option<Ending>>,
    token_check: watch::Receiver<Option<Ending>>,
}

/// Whether the client's token may have become invalid.
pub(crate) struct TokenChecks(watch::Receiver<Option<Ending>>);

impl Session {
    pub fn new(id: u64, user: UserId, device: Option<Device>, opened_at: UnixMillis) -> (Arc<Self>, Inbox) {
        let (items, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let ((ending, ended), (token_check, checked)) = (watch::channel(None), watch::channel(None));
        let inbox = Inbox { items: receiver, waiting: Arc::clone(&waiting), ending: ended, token_check: checked };
        let is_unknown = AtomicBool::default();
        (
            Arc::new(Self { id, inbox: id, user, device, opened_at, is_unknown, items, waiting, ending, token_check }),
            inbox,
        )
    }

    /// A session of another user with the same inbox.
    pub fn sibling(&self, id: u64, user: UserId) -> Arc<Self> {
        let (items, waiting) = (self.items.clone(), Arc::clone(&self.waiting));
        let (ending, token_check) = (self.ending.clone(), self.token_check.clone());
        let (inbox, opened_at, is_unknown) = (self.inbox, self.opened_at, AtomicBool::default());
        Arc::new(Self { id, inbox, user, device: None, opened_at, is_unknown, items, waiting, ending, token_check })
    }

    /// The name of a device of which only one session is open.
    pub fn replaces(&self) -> Option<&str> {
        self.device.as_ref().map(|device| &*device.replaces).filter(|name| !name.is_empty())
    }

    /// Hands it events, or ends it if too many wait already. Of those that come when many do, room messages of low level are
    /// dropped.
    pub fn push(&self, mut batch: Batch) {
        if self.waiting.is_over_half(MOST_WAITING) {
            metrics().realtime.dropped.inc_by(batch.drop_low() as u64);
        }
        let more = batch.amount();
        let before = self.waiting.add(more);
        // One event alone may be larger.
        let has_too_much = before.bytes > 0 && before.bytes + more.bytes > MOST_WAITING.bytes;
        if has_too_much || before.events + more.events > MOST_WAITING.events {
            self.end(Ending::TooSlow);
        } else {
            let _ = self.items.send(Item::Batch(Box::new(batch)));
        }
    }

    /// Hands it a signal; dropped if much waits already.
    pub fn signal(&self, signal: &Arc<Signal>) {
        if self.waiting.add(SIGNAL).events < MOST_WAITING.events / 2 {
            let _ = self.items.send(Item::Signal(Arc::clone(signal)));
        } else {
            self.waiting.take(SIGNAL);
        }
    }

    /// The bytes of events that wait for its client.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    /// Whether it has ended, and is about to go.
    pub fn has_ended(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// Marks the present position of the feed among its events.
    pub fn mark_entered(&self) {
        let _ = self.items.send(Item::Entered);
    }

    /// Ends it; the first reason is kept.
    pub fn end(&self, why: Ending) {
        self.ending.send_if_modified(|ending| {
            let is_first = ending.is_none();
            ending.get_or_insert(why);
            is_first
        });
    }

    /// It starts although the directory does not know it.
    pub fn starts_unknown(&self) {
        self.is_unknown.store(true, Ordering::Relaxed);
    }

    /// Whether it started without the directory.
    pub fn is_unknown(&self) -> bool {
        self.is_unknown.load(Ordering::Relaxed)
    }

    /// Has its token checked: the session ends for that reason if the token is no longer valid.
    pub fn check_token(&self, why: Ending) {
        self.token_check.send_replace(Some(why));
    }
}

impl TokenChecks {
    /// Waits for a request to check the token; returns the reason. Cancel safe.
    pub async fn raised(&mut self) -> Ending {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await;
            }
            if let Some(why) = &*self.0.borrow_and_update() {
                return why.clone();
            }
        }
    }
}

impl Inbox {
    /// The requests to check the token, including an earlier one.
    pub fn token_checks(&self) -> TokenChecks {
        TokenChecks(self.token_check.clone())
    }

    /// The next item, or why there are no more. Without `takes_items` it only waits for the end.
    pub async fn next(&mut self, takes_items: bool) -> Result<Item, Ending> {
        tokio::select! {
            biased;
            why = ended(&mut self.ending) => Err(why),
            item = self.items.recv(), if takes_items => {
                let item = item.ok_or(Ending::FeedLost)?;
                match &item {
                    Item::Batch(batch) => self.waiting.take(batch.amount()),
                    Item::Signal(_) => self.waiting.take(SIGNAL),
                    Item::Entered => {}
                }
                Ok(item)
            }
        }
    }

    /// Why the session ends, when it does.
    pub fn ending(&self) -> impl Future<Output = Ending> + Send + use<> {
        let mut ending = self.ending.clone();
        async move { ended(&mut ending).await }
    }

    /// Discards what was handed out before the session entered its groups.
    pub async fn skip_to_entered(&mut self) -> Result<(), Ending> {
        while !matches!(self.next(true).await?, Item::Entered) {}
        Ok(())
    }
}

async fn ended(ending: &mut watch::Receiver<Option<Ending>>) -> Ending {
    match ending.wait_for(Option::is_some).await {
        Ok(ending) => ending.clone().unwrap_or(Ending::FeedLost),
        Err(_) => Ending::FeedLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(events: usize) -> Batch {
        let event = Arc::new(super::super::event::Event::example());
        let mut batch = Batch::new(&Arc::from("0:1"));
        batch.events = vec![event; events];
        batch
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_ended_and_what_waits_for_it_is_bounded() {
        let (session, mut inbox) = Session::new(1, UserId(16), None, UnixMillis(0));
        for _ in 0..MOST_WAITING.events {
            session.push(batch(1));
        }
        assert!(matches!(inbox.next(true).await, Ok(Item::Batch(_))));
        session.push(batch(1));
        assert!(matches!(inbox.next(true).await, Ok(Item::Batch(_))));
        session.push(batch(2));
        assert!(matches!(inbox.next(true).await, Err(Ending::TooSlow)));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_too_but_for_one_event() {
        let (session, mut inbox) = Session::new(1, UserId(16), None, UnixMillis(0));
        let large = |bytes| {
            let mut batch = Batch::new(&Arc::from("0:1"));
            batch.events = vec![Arc::new(super::super::event::Event::example_of(bytes))];
            batch
        };
        session.push(large(2 * MOST_WAITING.bytes));
        assert!(matches!(inbox.next(true).await, Ok(Item::Batch(_))));
        for _ in 0..4 {
            session.push(large(MOST_WAITING.bytes / 4));
        }
        assert!(matches!(inbox.next(true).await, Ok(Item::Batch(_))));
        session.push(large(MOST_WAITING.bytes / 2));
        assert!(matches!(inbox.next(true).await, Err(Ending::TooSlow)));
    }

    #[tokio::test]
    async fn a_slow_client_misses_room_messages_of_low_level_first_and_is_told_of_which_rooms() {
        use tidings_domain::{ConversationId, RoomId};

        use super::super::event::Event;
        let (session, mut inbox) = Session::new(1, UserId(16), None, UnixMillis(0));
        let low = Arc::new(Event::example_of_low_level(RoomId(33)));
        let mixed = || {
            let mut batch = Batch::new(&Arc::from("0:2"));
            for event in [&low, &Arc::new(Event::example()), &low] {
                batch.add(event, UserId(16));
            }
            batch
        };
        session.push(mixed());
        session.push(batch(MOST_WAITING.events / 2));
        session.push(mixed());
        let mut next = async || match inbox.next(true).await {
            Ok(Item::Batch(batch)) => batch,
            _ => panic!("a batch"),
        };
        let first = next().await;
        assert_eq!((first.events.len(), first.missed.len()), (3, 0));
        next().await;
        let last = next().await;
        assert_eq!((last.events.len(), &last.users[..]), (1, &[(0, UserId(16))][..]));
        assert_eq!(last.missed, [(ConversationId::Room(RoomId(33)), UserId(16))]);
    }

    #[tokio::test]
    async fn what_came_before_a_session_entered_is_skipped() {
        let (session, mut inbox) = Session::new(1, UserId(16), None, UnixMillis(0));
        session.push(batch(3));
        session.mark_entered();
        session.push(batch(2));
        inbox.skip_to_entered().await.unwrap();
        let Ok(Item::Batch(batch)) = inbox.next(true).await else { panic!("the batch after it") };
        assert_eq!(batch.events.len(), 2);
    }
}
