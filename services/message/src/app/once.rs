//! The keys under which a call has one effect (decisions 2 and 23).

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tidings_domain::{App, Caller, UnixMillis, hex};

use crate::store::key::{Key, NewKey};

/// How long an idempotency key holds (decision 2).
const KEY_HOLDS: Duration = Duration::from_hours(7 * 24);

/// What makes a call the same as an earlier one.
#[derive(Debug, Clone, Copy)]
pub struct Once<'a> {
    /// The name of the public call; keys of different calls never meet.
    pub call: &'a str,
    /// The caller's own key; wins over the other.
    pub idempotency_key: Option<&'a str>,
    /// Lanying's.
    pub transaction_id: Option<i64>,
}

/// The key under which the call is remembered. `request` is the canonical request without its keys.
pub fn key(caller: &Caller, app: &App, once: Once<'_>, request: &[u8], now: UnixMillis) -> Option<NewKey> {
    let (key, fingerprint, holds) = match (once.idempotency_key, once.transaction_id) {
        (Some(key), _) => (format!("key:{key}"), fingerprint(request), KEY_HOLDS),
        (None, Some(id)) => (format!("transaction:{id}"), String::new(), app.policy.transaction_window),
        (None, None) => return None,
    };
    let scope = format!("{}/{}", caller.actor.user(), once.call);
    Some(NewKey { key: Key { app: caller.app, scope, key }, fingerprint, expires_at: now + holds })
}

fn fingerprint(request: &[u8]) -> String {
    hex(&Sha256::digest(request))
}
