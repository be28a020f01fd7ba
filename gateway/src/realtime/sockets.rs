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
/// Rooms that a user enters or leaves over sockets: each is told to everybody there.
const ROOM_CHANGES: Pace = Pace { each: Duration::from_secs(1), burst: 60 };

/// The places.
pub(crate) struct Sockets {
    most: usize,
    taken: AtomicUsize,
    logins: PacedUsers,
    room_changes: PacedUsers,
}

/// A place, until it is dropped.
pub(super) struct Place(Gateway);

impl Sockets {
    /// With so many places.
    pub fn new(most: usize) -> Self {
        let (logins, room_changes) = (PacedUsers::new(LOGINS), PacedUsers::new(ROOM_CHANGES));
        Self { most, taken: AtomicUsize::new(0), logins, room_changes }
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
