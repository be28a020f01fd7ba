//! Limits how many users one address registers without a token (decision 44).
//!
//! Names are counted, including taken ones, so that names cannot be enumerated by trying. Each process counts for
//! itself.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tidings_domain::{App, AppId, Error, Reason, UnixMillis};

use crate::{network::network, windows::Windows};

/// The window of the policy value `open_registrations_per_hour`.
const WINDOW: Duration = Duration::from_hours(1);

/// App and network.
type Key = (AppId, String);

/// The counts.
pub(crate) struct Registrations(Mutex<Windows<Key>>);

impl Registrations {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Windows::of(WINDOW)))
    }

    /// Admits all of them, or refuses them and counts none.
    pub(crate) fn take(&self, app: &App, address: &str, users: usize, now: UnixMillis) -> Result<(), Error> {
        let most = app.policy.open_registrations_per_hour;
        if most == 0 {
            return Ok(());
        }
        let key = (app.id, network(address));
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if u64::from(counts.count(&key, now)) + users as u64 > most {
            return Err(Error::new(Reason::TooManyRegistrations, ""));
        }
        counts.add(key, now, users as u32);
        Ok(())
    }
}
