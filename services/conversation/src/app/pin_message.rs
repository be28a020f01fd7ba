//! Pins a message for everybody in its conversation, or unpins it.

use tidings_domain::{Actor, Caller, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_runtime::telemetry;

use super::log;
use crate::{
    Deps,
    store::{
        pin_report::{self, PinReport},
        pinned_message as store,
    },
};

/// Maximum number of pinned messages of a conversation.
pub(super) const MOST: i64 = 20;

/// False when nothing changed. `user` is the operator.
pub async fn pin_message(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    (conversation, msg_id): (ConversationId, MsgId),
    pinned: bool,
) -> Result<bool, Error> {
    conversation.check_party(user)?;
    let operator = Caller { actor: Actor::User(user), ..caller.clone() };
    deps.directory.check_member(&operator, conversation).await?;
    if !pinned {
        if !log::is_visible(&deps.message_internal, &operator, conversation, msg_id).await? {
            return Ok(false);
        }
        return unpin(deps, &operator, (conversation, msg_id), user).await;
    }
    log::find(&deps.message, &operator, conversation, msg_id).await?;
    if let Some(changed) = pin(deps, &operator, (conversation, msg_id), user).await? {
        return Ok(changed);
    }
    forget_missing(deps, caller, conversation).await?;
    let changed = pin(deps, &operator, (conversation, msg_id), user).await?;
    changed.ok_or_else(|| Error::invalid("msg_id", "cannot be pinned: at most 20 messages of a conversation can be"))
}

/// `None`: there are too many.
async fn pin(
    deps: &Deps,
    caller: &Caller,
    (conversation, msg_id): (ConversationId, MsgId),
    user: UserId,
) -> Result<Option<bool>, Error> {
    let (now, mut tx) = (deps.clock.now(), deps.db.begin().await?);
    let number = store::next(&mut tx, caller.app, conversation).await?;
    if !store::pin(&mut tx, caller.app, conversation, msg_id, (number, user, now)).await? {
        return Ok(Some(false));
    }
    if store::count(&mut tx, caller.app, conversation).await? > MOST {
        return Ok(None);
    }
    let report = report(caller, (conversation, msg_id), user, (number, true, now));
    pin_report::add(&mut tx, &report).await?;
    tx.commit().await?;
    deps.pinned.notify_one();
    Ok(Some(true))
}

async fn unpin(
    deps: &Deps,
    caller: &Caller,
    (conversation, msg_id): (ConversationId, MsgId),
    user: UserId,
) -> Result<bool, Error> {
    let (now, mut tx) = (deps.clock.now(), deps.db.begin().await?);
    let number = store::next(&mut tx, caller.app, conversation).await?;
    if !store::unpin(&mut tx, caller.app, conversation, msg_id).await? {
        return Ok(false);
    }
    let report = report(caller, (conversation, msg_id), user, (number, false, now));
    pin_report::add(&mut tx, &report).await?;
    tx.commit().await?;
    deps.pinned.notify_one();
    Ok(true)
}

/// For the event feed, in the same transaction.
fn report(
    caller: &Caller,
    (conversation, msg_id): (ConversationId, MsgId),
    operator: UserId,
    (number, pinned, at): (i64, bool, UnixMillis),
) -> PinReport {
    PinReport {
        app: caller.app,
        conversation,
        number,
        msg_id,
        operator,
        pinned,
        at,
        address: caller.address.map(|address| address.to_string()).unwrap_or_default(),
        platform: caller.platform.name().to_owned(),
        trace: telemetry::traceparent().unwrap_or_default(),
    }
}

/// Unpins what was recalled or is past retention.
async fn forget_missing(deps: &Deps, caller: &Caller, conversation: ConversationId) -> Result<(), Error> {
    let pinned = store::page(&deps.db, caller.app, conversation, i64::MAX, MOST).await?;
    let ids: Vec<MsgId> = pinned.iter().map(|pinned| pinned.msg_id).collect();
    let existing = log::existing(&deps.message, caller, &ids).await?;
    let mut tx = deps.db.begin().await?;
    for gone in ids.into_iter().filter(|id| !existing.contains(id)) {
        store::unpin(&mut tx, caller.app, conversation, gone).await?;
    }
    tx.commit().await
}
