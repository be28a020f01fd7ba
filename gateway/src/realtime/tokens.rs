//! The token of a session, and those that renew it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidings_domain::{Hidden, UnixMillis};

/// A token that was checked.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub token: Hidden<String>,
    /// `None`: never.
    pub ends_at: Option<UnixMillis>,
}

/// The tokens of one session.
#[derive(Debug)]
pub(crate) struct Tokens(Mutex<Both>);

#[derive(Debug)]
struct Both {
    current: Checked,
    /// The user has it, maybe on another device: it counts when the current one has ended, since it may end before that.
    next: Option<Checked>,
}

impl Checked {
    pub fn new(token: &str, ends_at: Option<UnixMillis>) -> Self {
        Self { token: Hidden::new(token.to_owned()), ends_at }
    }

    fn ends(&self) -> UnixMillis {
        self.ends_at.unwrap_or(UnixMillis(i64::MAX))
    }

    /// Whether it has ended at that moment.
    pub fn has_ended(&self, now: UnixMillis) -> bool {
        self.ends() <= now
    }
}

impl Tokens {
    pub const fn new(token: Checked) -> Self {
        Self(Mutex::new(Both { current: token, next: None }))
    }

    /// The one that counts at that moment.
    pub fn current(&self, now: UnixMillis) -> Checked {
        let mut both = self.both();
        if both.current.has_ended(now)
            && let Some(next) = both.next.take()
        {
            both.current = next;
        }
        both.current.clone()
    }

    /// The client of the session has a new one.
    pub fn replace(&self, token: Checked) {
        self.both().current = token;
    }

    /// Its user has another one, which is kept if it ends later than those that are known.
    pub fn renew(&self, token: &Checked) {
        let mut both = self.both();
        let last = both.next.as_ref().map_or(both.current.ends(), Checked::ends);
        if token.ends() > last {
            both.next = Some(token.clone());
        }
    }

    fn both(&self) -> MutexGuard<'_, Both> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(name: &str, at_ms: i64) -> Checked {
        Checked::new(name, Some(UnixMillis(at_ms)))
    }

    fn current(tokens: &Tokens, at_ms: i64) -> String {
        tokens.current(UnixMillis(at_ms)).token.expose().clone()
    }

    #[test]
    fn a_session_goes_on_with_the_last_token_of_its_user_when_its_own_has_ended() {
        let tokens = Tokens::new(until("own", 100));
        tokens.renew(&until("shorter", 90));
        tokens.renew(&until("longest", 300));
        tokens.renew(&until("longer", 200));
        assert_eq!((current(&tokens, 99), current(&tokens, 100)), ("own".to_owned(), "longest".to_owned()));
        assert!(tokens.current(UnixMillis(300)).has_ended(UnixMillis(300)));
        tokens.renew(&Checked::new("endless", None));
        assert!(!tokens.current(UnixMillis(400)).has_ended(UnixMillis(i64::MAX - 1)));
    }

    #[test]
    fn what_its_client_brings_counts_at_once() {
        let tokens = Tokens::new(until("own", 100));
        tokens.replace(until("new", 50));
        assert_eq!(current(&tokens, 10), "new");
    }
}
