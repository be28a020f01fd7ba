//! The places of clients that are logged in over a socket, and how often a user may take one.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tidings_domain::{AppId, Error, Reason, UserId};

use super::pace::{Pace, PacedUsers};
use crate::Gateway;

/// Logins of a user at this gateway: each writes rows and events, and may have callbacks.
const LOGINS: Pace = Pace { each: Duration::from_secs(1), burst: 120 };
/// How long it takes to send a client of a stopping process away.
const DRAINED_EACH: Duration = Duration::from_millis(2);
/// How long after them the ends of their sessions may take to be reported.
const REPORTING: Duration = Duration::from_secs(2);
/// Rooms that a user enters or leaves over sockets: each is told to everybody there.
const ROOM_CHANGES: Pace = Pace { each: Duration::from_secs(1), burst: 60 };

/// The places.
pub(crate) struct Sockets {
    most: usize,
    longest_drain: Duration,
    taken: AtomicUsize,
    logins: PacedUsers,
    room_changes: PacedUsers,
}

/// A place, until it is dropped.
pub(super) struct Place(Gateway);

impl Sockets {
    /// With so many places. The clients of a stopping process are sent away within `longest_drain`.
    pub fn new(most: usize, longest_drain: Duration) -> Self {
        let (logins, room_changes) = (PacedUsers::new(LOGINS), PacedUsers::new(ROOM_CHANGES));
        Self { most, longest_drain, taken: AtomicUsize::new(0), logins, room_changes }
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

    /// Whether a user may enter or leave another room.
    pub(super) fn check_room_change(&self, app: AppId, user: UserId) -> Result<(), Error> {
        self.room_changes.take(app, user).map_err(|_| Error::new(Reason::RateReached, ""))
    }
}

impl Place {
    /// For a user who has logged in, if there is one.
    pub fn take(gateway: &Gateway, app: AppId, user: UserId) -> Result<Self, Error> {
        let sockets = gateway.sockets();
        sockets.logins.take(app, user).map_err(|_| Error::new(Reason::RateReached, ""))?;
        let one_more = |taken: usize| (taken < sockets.most).then_some(taken + 1);
        match sockets.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Self(gateway.clone())),
            Err(_) => Err(Error::new(Reason::Overloaded, "")),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.sockets().taken.fetch_sub(1, Ordering::Relaxed);
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
