//! A fair queue with few concurrent slots, so that one client's crowd does not block others.
//!
//! Logins go before registrations, and registrations by apps before those without a token; every eighth turn goes to
//! the last lane, so that none starves. Within a lane apps take turns, and within an app addresses. The number of
//! waiters is bounded per address, app and lane, and any beyond it are refused at once, at no cost.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_domain::{AppId, Error, Reason};
use tokio::sync::oneshot;

/// Waiting in one lane.
const IN_LANE: usize = 256;
/// Every time after this many turns, one goes to the last lane with a waiter.
const LAST_TURN: u32 = 8;

/// The kind of work; the first has the highest priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A password is compared.
    Login,
    /// An app registers a user, or a password is changed.
    Registration,
    /// A registration without a token.
    OpenRegistration,
}

const LANES: usize = 3;

impl Lane {
    /// How many of one address of an app may wait, and of the app. All calls of an app's own server may have the same
    /// address.
    const fn bounds(self) -> (usize, usize) {
        match self {
            Self::Login => (32, 128),
            Self::Registration => (128, 128),
            Self::OpenRegistration => (16, 64),
        }
    }
}

/// The key of a waiter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) lane: Lane,
    pub(crate) app: AppId,
    /// The client's network.
    pub(crate) from: String,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Mutex<State>>);

struct State {
    /// Free slots.
    free: usize,
    turns: u32,
    lanes: [Waiting; LANES],
}

/// Signals the waiter.
type Call = oneshot::Sender<Turn>;

/// The waiters of one app: addresses in the order of their turns.
type Addresses = VecDeque<(String, VecDeque<Call>)>;

/// One lane: apps in the order of their turns.
#[derive(Default)]
struct Waiting(VecDeque<(AppId, Addresses)>);

/// The right to compute, until it is dropped.
pub(crate) struct Turn(Queue);

impl Queue {
    /// A queue with that many slots.
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: at_once, turns: 0, lanes: Default::default() })))
    }

    /// Waits for a turn, or is refused at once.
    pub(crate) async fn turn(&self, claim: Claim) -> Result<Turn, Error> {
        let called = self.join(claim)?;
        called.await.map_err(Error::internal)
    }

    fn join(&self, claim: Claim) -> Result<oneshot::Receiver<Turn>, Error> {
        let (call, called) = oneshot::channel();
        self.lock().lanes[claim.lane as usize].push(claim, call)?;
        self.call_next();
        Ok(called)
    }

    /// Assigns free slots to the next waiters. The slot of a waiter that disconnected is freed when it is dropped here,
    /// with no lock held.
    fn call_next(&self) {
        loop {
            let mut state = self.lock();
            if state.free == 0 {
                return;
            }
            let Some(call) = state.next() else { return };
            state.free -= 1;
            drop(state);
            drop(call.send(Turn(self.clone())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.call_next();
    }
}

impl State {
    fn next(&mut self) -> Option<Call> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(LAST_TURN) {
            self.lanes.iter_mut().rev().find_map(Waiting::pop)
        } else {
            self.lanes.iter_mut().find_map(Waiting::pop)
        }
    }
}

impl Waiting {
    fn push(&mut self, claim: Claim, call: Call) -> Result<(), Error> {
        if self.is_full(&claim) {
            // Some may have disconnected.
            self.forget_gone();
            if self.is_full(&claim) {
                return Err(Error::new(Reason::Overloaded, ""));
            }
        }
        let Claim { app, from, .. } = claim;
        let addresses = place(&mut self.0, app);
        place(addresses, from).push_back(call);
        Ok(())
    }

    fn is_full(&self, claim: &Claim) -> bool {
        let (most_of_address, most_of_app) = claim.lane.bounds();
        let of = |addresses: &Addresses| addresses.iter().map(|(_, calls)| calls.len()).sum();
        let in_lane: usize = self.0.iter().map(|(_, addresses)| -> usize { of(addresses) }).sum();
        let addresses = self.0.iter().find(|(other, _)| *other == claim.app).map(|(_, addresses)| addresses);
        let of_app: usize = addresses.map_or(0, of);
        let calls = addresses.and_then(|addresses| addresses.iter().find(|(other, _)| *other == claim.from));
        let of_address = calls.map_or(0, |(_, calls)| calls.len());
        in_lane >= IN_LANE || of_app >= most_of_app || of_address >= most_of_address
    }

    /// The app whose turn it is moves to the end, and so does its address.
    fn pop(&mut self) -> Option<Call> {
        loop {
            let (app, mut addresses) = self.0.pop_front()?;
            let next = addresses.pop_front().and_then(|(from, mut calls)| {
                let call = calls.pop_front();
                if !calls.is_empty() {
                    addresses.push_back((from, calls));
                }
                call
            });
            if !addresses.is_empty() {
                self.0.push_back((app, addresses));
            }
            if next.is_some() {
                return next;
            }
        }
    }

    fn forget_gone(&mut self) {
        for (_, addresses) in &mut self.0 {
            for (_, calls) in addresses.iter_mut() {
                calls.retain(|call| !call.is_closed());
            }
            addresses.retain(|(_, calls)| !calls.is_empty());
        }
        self.0.retain(|(_, addresses)| !addresses.is_empty());
    }
}

/// The entry of that key, added at the end if there was none.
fn place<K: PartialEq, V: Default>(entries: &mut VecDeque<(K, V)>, key: K) -> &mut V {
    let at = entries.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
        entries.push_back((key, V::default()));
        entries.len() - 1
    });
    &mut entries[at].1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(lane: Lane, app: i64, from: &str) -> Claim {
        Claim { lane, app: AppId(app), from: from.to_owned() }
    }

    /// The waiters, by name.
    struct Crowd(Vec<(String, oneshot::Receiver<Turn>)>);

    impl Crowd {
        fn join(&mut self, queue: &Queue, name: &str, claim: Claim) -> bool {
            queue.join(claim).is_ok_and(|called| {
                self.0.push((name.to_owned(), called));
                true
            })
        }

        /// The order in which they are called, when each turn ends before the next.
        fn order(mut self, first: Turn) -> Vec<String> {
            let (mut order, mut turn) = (Vec::new(), Some(first));
            loop {
                drop(turn.take());
                let called = self.0.iter_mut().position(|(_, called)| match called.try_recv() {
                    Ok(given) => {
                        turn = Some(given);
                        true
                    }
                    Err(_) => false,
                });
                let Some(at) = called else { return order };
                order.push(self.0.remove(at).0);
            }
        }
    }

    fn busy() -> (Queue, Turn) {
        let queue = Queue::new(1);
        let turn = queue.join(claim(Lane::Login, 9, "")).unwrap().try_recv().unwrap();
        (queue, turn)
    }

    #[test]
    fn a_login_goes_before_four_hundred_registrations_of_another_app() {
        let (queue, turn) = busy();
        let mut crowd = Crowd(Vec::new());
        let flood = (0..400).filter(|n| {
            let from = format!("192.0.2.{}", n % 200);
            crowd.join(&queue, "flood", claim(Lane::OpenRegistration, 1, &from))
        });
        assert_eq!(flood.count(), 64, "the rest is refused at once");
        assert!(crowd.join(&queue, "registration", claim(Lane::OpenRegistration, 2, "198.51.100.1")));
        assert!(crowd.join(&queue, "login", claim(Lane::Login, 2, "198.51.100.1")));
        let order = crowd.order(turn);
        assert_eq!(order[..3], ["login", "flood", "registration"]);
        assert_eq!(order.len(), 64 + 2);
    }

    #[test]
    fn apps_take_turns_and_in_each_its_addresses() {
        let (queue, turn) = busy();
        let mut crowd = Crowd(Vec::new());
        for (name, app, from) in
            [("a1", 1, "x"), ("a2", 1, "x"), ("a3", 1, "x"), ("b1", 1, "y"), ("c1", 2, "x"), ("c2", 2, "x")]
        {
            assert!(crowd.join(&queue, name, claim(Lane::Login, app, from)));
        }
        assert_eq!(crowd.order(turn), ["a1", "c1", "b1", "c2", "a2", "a3"]);
    }

    #[test]
    fn every_eighth_turn_is_the_last_lanes() {
        let (queue, turn) = busy();
        let mut crowd = Crowd(Vec::new());
        for n in 0..12 {
            assert!(crowd.join(&queue, "login", claim(Lane::Login, n, "x")));
        }
        assert!(crowd.join(&queue, "open", claim(Lane::OpenRegistration, 1, "x")));
        assert!(crowd.join(&queue, "own", claim(Lane::Registration, 1, "x")));
        let order = crowd.order(turn);
        let at = |name: &str| order.iter().position(|called| called == name).unwrap();
        assert!(at("open") < LAST_TURN as usize, "{order:?}");
        assert_eq!(at("own"), 13, "after the logins, before nobody: {order:?}");
    }

    #[test]
    fn one_address_fills_its_own_share_alone_and_whoever_goes_away_makes_room() {
        let (queue, turn) = busy();
        let mut crowd = Crowd(Vec::new());
        for _ in 0..32 {
            assert!(crowd.join(&queue, "x", claim(Lane::Login, 1, "x")));
        }
        let refused = queue.join(claim(Lane::Login, 1, "x")).err().unwrap();
        assert_eq!(refused.reason(), Reason::Overloaded);
        assert!(queue.join(claim(Lane::Registration, 1, "x")).is_ok(), "another lane");
        assert!(crowd.join(&queue, "y", claim(Lane::Login, 1, "y")));
        crowd.0.remove(0);
        assert!(crowd.join(&queue, "x", claim(Lane::Login, 1, "x")));
        assert_eq!(crowd.order(turn).len(), 32 + 1, "who went away is passed over");
    }

    #[tokio::test]
    async fn a_turn_that_nobody_takes_goes_on() {
        let (queue, turn) = busy();
        let called = queue.join(claim(Lane::Login, 1, "x")).unwrap();
        drop(turn);
        // It was given a turn, and disconnected with it.
        drop(called);
        drop(queue.turn(claim(Lane::Login, 2, "y")).await.unwrap());
    }
}
