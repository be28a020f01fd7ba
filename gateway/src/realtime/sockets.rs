//! The places of clients that are logged in over a socket, and how often a user may take one.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tidings_domain::{AppId, Error, Reason, UserId};

use super::{
    client::Client,
    pace::{Pace, PacedUsers},
    tokens::{Checked, Tokens},
};
use crate::Gateway;

/// Logins of a user at this gateway: each writes rows and events, and may have callbacks.
const LOGINS: Pace = Pace { each: Duration::from_secs(1), burst: 120 };
/// How long it takes to send a client of a stopping process away.
const DRAINED_EACH: Duration = Duration::from_millis(2);
/// How long after them the ends of their sessions may take to be reported.
const REPORTING: Duration = Duration::from_secs(2);
/// Rooms that a user enters or leaves over sockets: each is told to everybody there.
const ROOM_CHANGES: Pace = Pace { each: Duration::from_secs(1), burst: 60 };

type TokensByUser = HashMap<(AppId, UserId), Vec<Arc<Tokens>>>;

/// The places.
pub(crate) struct Sockets {
    most: usize,
    longest_drain: Duration,
    taken: AtomicUsize,
    /// Of those who have a place.
    tokens: Mutex<TokensByUser>,
    logins: PacedUsers,
    room_changes: PacedUsers,
}

/// A place, until it is dropped.
pub(super) struct Place {
    gateway: Gateway,
    user: (AppId, UserId),
    tokens: Arc<Tokens>,
}

impl Sockets {
    /// With so many places. The clients of a stopping process are sent away within `longest_drain`.
    pub fn new(most: usize, longest_drain: Duration) -> Self {
        let (logins, room_changes) = (PacedUsers::new(LOGINS), PacedUsers::new(ROOM_CHANGES));
        let (taken, tokens) = (AtomicUsize::new(0), Mutex::default());
        Self { most, longest_drain, taken, tokens, logins, room_changes }
    }

    /// Over which time the clients of a stopping process are sent away: evenly, so that they do not connect to another all at
    /// once.
    pub(super) fn drain(&self) -> Duration {
        let clients = self.taken.load(Ordering::Relaxed) as u32;
        (DRAINED_EACH * clients).min(self.longest_drain)
    }

    pub(super) const fn longest_drain(&self) -> Duration {
        self.longest_drain
    }

    /// How long after the stop clients may take to go, and their ends to be reported.
    pub fn longest_stop(&self) -> Duration {
        self.longest_drain + REPORTING
    }

    /// Whether no place is left.
    pub fn is_full(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= self.most
    }

    /// A user has a token that may end later than those of their sessions here.
    pub fn renew(&self, app: AppId, user: UserId, token: &Checked) {
        for tokens in self.tokens().get(&(app, user)).into_iter().flatten() {
            tokens.renew(token);
        }
    }

    fn tokens(&self) -> MutexGuard<'_, TokensByUser> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a user may enter or leave another room.
    pub(super) fn check_room_change(&self, app: AppId, user: UserId) -> Result<(), Error> {
        self.room_changes.take(app, user).map_err(|_| Error::new(Reason::RateReached, ""))
    }
}

impl Place {
    /// For a client that has logged in, if there is one.
    pub fn take(client: &Client) -> Result<Self, Error> {
        let (sockets, user) = (client.gateway.sockets(), (client.caller.app, client.user));
        sockets.logins.take(user.0, user.1).map_err(|_| Error::new(Reason::RateReached, ""))?;
        let one_more = |taken: usize| (taken < sockets.most).then_some(taken + 1);
        match sockets.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => {
                let tokens = Arc::clone(&client.tokens);
                sockets.tokens().entry(user).or_default().push(Arc::clone(&tokens));
                Ok(Self { gateway: client.gateway.clone(), user, tokens })
            }
            Err(_) => Err(Error::new(Reason::Overloaded, "")),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sockets = self.gateway.sockets();
        sockets.taken.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Occupied(mut of_user) = sockets.tokens().entry(self.user) {
            of_user.get_mut().retain(|tokens| !Arc::ptr_eq(tokens, &self.tokens));
            if of_user.get().is_empty() {
                of_user.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_clients_there_are_the_longer_they_are_sent_away_up_to_a_limit() {
        let sockets = Sockets::new(10_000, Duration::from_secs(8));
        for (clients, drain) in [(0, 0), (100, 200), (3_000, 6_000), (9_000, 8_000)] {
            sockets.taken.store(clients, Ordering::Relaxed);
            assert_eq!(sockets.drain(), Duration::from_millis(drain));
        }
    }
}
