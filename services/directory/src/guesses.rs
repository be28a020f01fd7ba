//! Limits wrong guesses of passwords and client secrets.
//!
//! For a pair of target and address a guess is counted before it is checked, and the count is reset when it was right,
//! so that concurrent guesses have no advantage over sequential ones. For the address alone only wrong guesses count,
//! so that many users may log in at once from one place. Memory is bounded: beyond the bound the oldest counts are
//! dropped. Each process counts for itself.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidings_domain::{AppId, Error, Reason, UnixMillis, UserId, UserRef};

use crate::{network::network, windows::Windows};

const WINDOW: Duration = Duration::from_mins(15);
/// Wrong guesses per window of one secret from one address.
const PER_PAIR: u32 = 10;
/// Wrong guesses per window from one address.
const PER_ADDRESS: u32 = 100;
/// What is guessed. Users count by the name in the request, whether they exist or not, otherwise the limit would reveal
/// which do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// The password of the user with that id.
    Id(UserId),
    /// The password of the user with that folded name.
    Name(String),
    /// The app's client secret.
    Client,
}

impl From<&UserRef> for Target {
    fn from(user: &UserRef) -> Self {
        match user {
            UserRef::Id(id) => Self::Id(*id),
            UserRef::Name(name) => Self::Name(name.folded().to_owned()),
        }
    }
}

/// One guess: its target and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guess {
    app: AppId,
    target: Target,
    from: String,
}

impl Guess {
    /// A guess from that address.
    pub(crate) fn new(app: AppId, target: Target, address: &str) -> Self {
        Self { app, target, from: network(address) }
    }

    /// The app.
    pub(crate) const fn app(&self) -> AppId {
        self.app
    }

    /// The client's address.
    pub(crate) fn network(&self) -> &str {
        &self.from
    }

    fn pair(&self) -> (AppId, Target, String) {
        (self.app, self.target.clone(), self.from.clone())
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
        Self(Mutex::new(Counts { pairs: Windows::of(WINDOW), addresses: Windows::of(WINDOW) }))
    }

    /// Admits a guess to be checked, or refuses it without counting.
    pub(crate) fn attempt(&self, guess: &Guess, now: UnixMillis) -> Result<(), Error> {
        let mut counts = self.lock();
        let of_pair = counts.pairs.count(&guess.pair(), now);
        let of_address = counts.addresses.count(&guess.address(), now);
        if of_pair >= PER_PAIR || of_address >= PER_ADDRESS {
            return Err(Error::new(Reason::TooManyGuesses, ""));
        }
        counts.pairs.add(guess.pair(), now, 1);
        Ok(())
    }

    /// The guess was right: its pair's count is reset.
    pub(crate) fn right(&self, guess: &Guess) {
        self.lock().pairs.forget(&guess.pair());
    }

    /// The guess was wrong.
    pub(crate) fn wrong(&self, guess: &Guess, now: UnixMillis) {
        self.lock().addresses.add(guess.address(), now, 1);
    }

    /// The guess could not be checked, because of an internal error.
    pub(crate) fn unchecked(&self, guess: &Guess) {
        self.lock().pairs.take_back(&guess.pair());
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn guess(user: i64, from: &str) -> Guess {
        Guess::new(AppId(1), Target::Id(UserId(user)), from)
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
}
