//! Sends one content to one or many users, groups and rooms.

use std::{fmt::Write as _, time::Duration};

use super::places;
use crate::{
    Deps,
    appender::{Appender, Call, Online, Reply},
    content::StoredContent,
    origin::Origin,
    store::key::{self, Key, NewKey},
};
use sha2::{Digest as _, Sha256};
use tidings_domain::{App, Caller, Content, Draft, Error, Reason, UnixMillis};

/// How long an idempotency key holds (decision 2).
const KEY_HOLDS: Duration = Duration::from_hours(7 * 24);

/// Sends the draft, or gives the first answer of the same call. `request` is the canonical request without its keys.
pub async fn send(
    Deps { db, directory, .. }: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    draft: Draft,
    request: &[u8],
    now: UnixMillis,
) -> Result<Reply, Error> {
    let key = key(caller, app, &draft, request, now);
    // Before anything else, so that a repetition is answered alike whatever changed since: a user who is gone, a
    // policy. A repetition that overtakes its first call meets it in the appender.
    if let Some(new) = &key
        && let Some(answered) = key::find(db, &new.key, now).await?
    {
        return Reply::repeated(new, &answered);
    }
    let most = app.policy.max_recipients;
    if draft.targets.len() > most {
        return Err(Error::new(Reason::TooManyRecipients, most.to_string()));
    }
    let content = bounded(app, &draft.content, draft.targets.len())?;
    let (sender, places) = places::places(directory, (caller, app), &draft, now).await?;
    let online = draft.online_only.then(|| Online { origin: Origin::of(caller), body: content.to_json(draft.system) });
    let call = Call {
        app: caller.app,
        sender,
        places,
        countable: draft.content.countable(),
        system: draft.system,
        online,
        key,
        content,
        accepted_at: now,
    };
    appender.append(call).await
}

/// Bytes of one message as it is kept that every app may send; an app that allows more by policy may send more.
const MAX_CONTENT: usize = 128 * 1024;
/// Bytes of all messages of one call: what one transaction takes without holding up the others for long.
pub const MAX_CALL: usize = 16 * 1024 * 1024;

/// The content as it is kept, within the bounds that hold for every door.
pub fn bounded(app: &App, content: &Content, targets: usize) -> Result<StoredContent, Error> {
    let content = StoredContent::write(content)?;
    // Neutral fields beside the sender's own text: twice what the policy counts.
    let most = MAX_CONTENT.max(app.policy.max_content_bytes * 2 + app.policy.max_ext_bytes);
    let size = content.size();
    if size > most || size * targets > MAX_CALL {
        return Err(Error::new(Reason::MessageTooLarge, format!("{size} bytes for {targets}")));
    }
    Ok(content)
}

/// The key under which the call is remembered: the caller's own, else Lanying's transaction id (decision 23).
fn key(caller: &Caller, app: &App, draft: &Draft, request: &[u8], now: UnixMillis) -> Option<NewKey> {
    let (key, fingerprint, holds) = match (&draft.idempotency_key, draft.transaction_id) {
        (Some(key), _) => (format!("key:{key}"), fingerprint(request), KEY_HOLDS),
        (None, Some(id)) => (format!("transaction:{id}"), String::new(), app.policy.transaction_window),
        (None, None) => return None,
    };
    let scope = format!("{}/{}", caller.actor.user(), draft.call);
    Some(NewKey { key: Key { app: caller.app, scope, key }, fingerprint, expires_at: now + holds })
}

fn fingerprint(request: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(request) {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    hex
}
