//! The keys that make a call idempotent (decisions 2 and 23).

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tidings_domain::{App, Caller, Error, UnixMillis, hex};
use tidings_store::{Db, Tx};

use crate::store::key::{self, Answered, Key, NewKey};

/// How long an idempotency key is remembered (decision 2), and a report of another service recognized.
const KEY_HOLDS: Duration = Duration::from_hours(7 * 24);

/// What makes a call a repetition of an earlier one.
#[derive(Debug, Clone, Copy)]
pub struct Once<'a> {
    /// The name of the public call; keys of different calls never collide.
    pub call: &'a str,
    /// The caller's own key; takes precedence over the other.
    pub idempotency_key: Option<&'a str>,
    /// Lanying's.
    pub transaction_id: Option<i64>,
}

impl<'a> Once<'a> {
    /// Of a call that has no other key than the caller's own.
    pub const fn of(call: &'a str, idempotency_key: Option<&'a str>) -> Self {
        Self { call, idempotency_key, transaction_id: None }
    }
}

/// The key under which the call is recorded. `request` is the canonical request without its keys.
fn key(caller: &Caller, app: &App, once: Once<'_>, request: &[u8], now: UnixMillis) -> Option<NewKey> {
    let (key, fingerprint, holds) = match (once.idempotency_key, once.transaction_id) {
        (Some(key), _) => (format!("key:{key}"), fingerprint(request), KEY_HOLDS),
        (None, Some(id)) => (format!("transaction:{id}"), String::new(), app.policy.transaction_window),
        (None, None) => return None,
    };
    let scope = format!("{}/{}", caller.actor.user(), once.call);
    Some(NewKey { key: Key { app: caller.app, scope, key }, fingerprint, expires_at: now + holds })
}

/// The key of the call, and its earlier answer under that key. Must be looked up before any other check, so that a
/// repetition gets the same answer even if a user was deleted or a policy changed since.
pub async fn find_answer(
    db: &Db,
    (caller, app): (&Caller, &App),
    once: Once<'_>,
    request: &[u8],
    now: UnixMillis,
) -> Result<(Option<NewKey>, Option<Answered>), Error> {
    let Some(new) = key(caller, app, once, request, now) else {
        return Ok((None, None));
    };
    let answered = key::find(db, &new.key, now).await?;
    Ok((Some(new), answered))
}

/// Those of the reports that are new, in their order; their keys, which are distinct, are remembered with the transaction.
pub async fn keep_new<T>(
    tx: &mut Tx,
    mut reports: Vec<T>,
    key_of: impl Fn(&T) -> Key,
    now: UnixMillis,
) -> Result<Vec<T>, Error> {
    let new = |report: &T| NewKey { key: key_of(report), fingerprint: String::new(), expires_at: now + KEY_HOLDS };
    let mut keys: Vec<NewKey> = reports.iter().map(new).collect();
    keys.sort_by(|one, other| one.key.cmp(&other.key));
    let known = key::claim(tx, &keys, now).await?;
    reports.retain(|report| !known.contains_key(&key_of(report)));
    if !reports.is_empty() {
        let claimed = keys.iter().map(|new| &new.key).filter(|key| !known.contains_key(key));
        let answers: Vec<_> = claimed.map(|key| (key, String::new())).collect();
        key::answer(tx, &answers).await?;
    }
    Ok(reports)
}

fn fingerprint(request: &[u8]) -> String {
    hex(&Sha256::digest(request))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tidings_domain::{Actor, AppId, UserId};

    use super::*;

    /// Joins caller, call and key unambiguously: no two combinations have the same text.
    #[test]
    fn caller_call_and_key_do_not_run_into_each_other() {
        let mut seen: HashMap<(String, String), String> = HashMap::new();
        for user in [1, 11, 112] {
            for call in ["send", "1/send", "2/send", "12/send"] {
                for (idempotency_key, transaction_id) in
                    [(Some("7"), None), (Some("transaction:7"), None), (Some("key:7"), None), (None, Some(7))]
                {
                    let caller = Caller { actor: Actor::User(UserId(user)), ..Caller::of_app(AppId(1)) };
                    let once = Once { call, idempotency_key, transaction_id };
                    let what = format!("{user} {once:?}");
                    let made = key(&caller, &App::example(), once, b"", UnixMillis(0)).expect("a key");
                    if let Some(other) = seen.insert((made.key.scope, made.key.key), what.clone()) {
                        panic!("{what} and {other} have one key");
                    }
                }
            }
        }
    }
}
