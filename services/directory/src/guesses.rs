//! Limits wrong guesses of passwords and client secrets.
//!
//! For its pair of target and address a guess is counted before it is checked, and forgotten when it was right, so
//! that many guesses at once get no further than one after another. For the address alone only wrong ones count, so
//! that many users may log in at once from one place. Memory is bounded: beyond the bound the oldest counts are forgotten. Each
//! process counts for itself.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidings_domain::{AppId, Error, Reason, UnixMillis, UserId};

const WINDOW: Duration = Duration::from_mins(15);
/// Wrong guesses in a window of one secret from one address.
const PER_PAIR: u32 = 10;
/// Wrong guesses in a window from one address.
const PER_ADDRESS: u32 = 100;
/// Counts of each kind that are kept.
const KEPT: usize = 65_536;

/// What is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A user's password.
    User(UserId),
    /// The app's client secret.
    Client,
    /// A user that does not exist: counts for the address alone.
    Nobody,
}

/// One guess: of what, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guess {
    app: AppId,
    target: Target,
    from: String,
}

impl Guess {
    /// IPv6 addresses are counted by their /64, since one caller commands all of it.
    pub(crate) fn new(app: AppId, target: Target, address: &str) -> Self {
        let from = match address.parse() {
            Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => format!("{:x?}", &v6.segments()[..4]),
            Ok(ip) => ip.to_canonical().to_string(),
            Err(_) => address.chars().take(64).collect(),
        };
        Self { app, target, from }
    }

    fn pair(&self) -> (AppId, Target, String) {
        (self.app, self.target, self.from.clone())
    }

    fn address(&self) -> (AppId, String) {
        (self.app, self.from.clone())
    }
}

/// The counts.
pub(crate) struct Guesses(Mutex<Counts>);

struct Counts {
    pairs: Windows<(AppId, Target, String)>,
    addresses: Windows<(AppId, String)>,
}

impl Guesses {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Counts { pairs: Windows::new(), addresses: Windows::new() }))
    }

    /// Lets a guess be checked, or refuses it without counting.
    pub(crate) fn attempt(&self, guess: &Guess, now: UnixMillis) -> Result<(), Error> {
        let mut counts = self.lock();
        let of_pair = counts.pairs.count(&guess.pair(), now);
        let of_address = counts.addresses.count(&guess.address(), now);
        if of_pair >= PER_PAIR || of_address >= PER_ADDRESS {
            return Err(Error::new(Reason::TooManyGuesses, ""));
        }
        if guess.target != Target::Nobody {
            counts.pairs.add(guess.pair(), now);
        }
        Ok(())
    }

    /// The guess was right: its pair starts afresh.
    pub(crate) fn right(&self, guess: &Guess) {
        self.lock().pairs.forget(&guess.pair());
    }

    /// The guess was wrong.
    pub(crate) fn wrong(&self, guess: &Guess, now: UnixMillis) {
        self.lock().addresses.add(guess.address(), now);
    }

    /// The guess could not be checked, by a fault of ours.
    pub(crate) fn unchecked(&self, guess: &Guess) {
        self.lock().pairs.take_back(&guess.pair());
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts in windows that start with their first attempt.
struct Windows<K> {
    counts: HashMap<K, (UnixMillis, u32)>,
    /// Oldest first. May name windows that are gone by now.
    started: VecDeque<(K, UnixMillis)>,
}

impl<K: Hash + Eq + Clone> Windows<K> {
    fn new() -> Self {
        Self { counts: HashMap::new(), started: VecDeque::new() }
    }

    fn count(&mut self, key: &K, now: UnixMillis) -> u32 {
        while self.started.front().is_some_and(|(_, start)| now - *start >= WINDOW) {
            self.forget_oldest();
        }
        self.counts.get(key).map_or(0, |(_, count)| *count)
    }

    fn add(&mut self, key: K, now: UnixMillis) {
        if let Some((_, count)) = self.counts.get_mut(&key) {
            *count += 1;
            return;
        }
        while self.started.len() >= KEPT {
            self.forget_oldest();
        }
        self.started.push_back((key.clone(), now));
        self.counts.insert(key, (now, 1));
    }

    fn take_back(&mut self, key: &K) {
        if let Some((_, count)) = self.counts.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }

    fn forget(&mut self, key: &K) {
        self.counts.remove(key);
    }

    fn forget_oldest(&mut self) {
        let Some((key, start)) = self.started.pop_front() else { return };
        if self.counts.get(&key).is_some_and(|(current, _)| *current == start) {
            self.counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn guess(user: i64, from: &str) -> Guess {
        Guess::new(AppId(1), Target::User(UserId(user)), from)
    }

    #[test]
    fn ten_wrong_guesses_of_one_user_from_one_address_are_the_limit() {
        let guesses = Guesses::new();
        for _ in 0..10 {
            guesses.attempt(&guess(1, "192.0.2.1"), NOW).unwrap();
        }
        let refused = guesses.attempt(&guess(1, "192.0.2.1"), NOW).unwrap_err();
        assert_eq!(refused.reason(), Reason::TooManyGuesses);
        guesses.attempt(&guess(2, "192.0.2.1"), NOW).unwrap();
        guesses.attempt(&guess(1, "192.0.2.2"), NOW).unwrap();
        guesses.attempt(&guess(1, "192.0.2.1"), NOW + WINDOW).unwrap();
    }

    #[test]
    fn a_hundred_wrong_guesses_from_one_address_are_the_limit() {
        let guesses = Guesses::new();
        for user in 0..100 {
            guesses.attempt(&guess(user, "192.0.2.1"), NOW).unwrap();
            guesses.wrong(&guess(user, "192.0.2.1"), NOW);
        }
        assert!(guesses.attempt(&guess(100, "192.0.2.1"), NOW).is_err());
    }

    #[test]
    fn right_guesses_have_no_limit() {
        let guesses = Guesses::new();
        for _ in 0..200 {
            guesses.attempt(&guess(1, "192.0.2.1"), NOW).unwrap();
            guesses.right(&guess(1, "192.0.2.1"));
        }
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        assert_eq!(guess(1, "2001:db8::1"), guess(1, "2001:db8::2:3"));
        assert_ne!(guess(1, "2001:db8::1"), guess(1, "2001:db8:0:1::1"));
        assert_eq!(guess(1, "::ffff:192.0.2.1"), guess(1, "192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut windows = Windows::new();
        for key in 0..KEPT + 10 {
            windows.add(key, NOW);
        }
        assert_eq!((windows.counts.len(), windows.started.len()), (KEPT, KEPT));
        assert_eq!(windows.count(&0, NOW), 0);
    }
}
