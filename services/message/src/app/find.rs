//! Finds messages by their ids.

use tidings_domain::{Caller, ConversationId, Error, Message, MsgId, Reason};

use super::access;
use crate::{
    Deps,
    store::{excluded, place, read, which::Which},
};

/// Maximum number of messages per call.
const MOST: usize = 1_000;

/// One message.
pub async fn find(deps: &Deps, caller: &Caller, msg_id: MsgId) -> Result<Message, Error> {
    let found = read::find(&deps.db, caller.app, msg_id).await?;
    let message = found.ok_or_else(|| access::not_found(msg_id))?;
    check(deps, caller, &message).await?;
    Ok(message)
}

/// Several messages; those that the caller cannot see are left out. Also returns the ids that did not fit into the
/// answer.
pub async fn find_many<'a>(
    deps: &Deps,
    caller: &Caller,
    ids: &'a [MsgId],
) -> Result<(Vec<Message>, &'a [MsgId]), Error> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::invalid("msg_ids", "must be from 1 to 1000"));
    }
    let mut seen = Vec::with_capacity(ids.len());
    let (found, left) = read::find_many(&deps.db, caller.app, ids).await?;
    for message in found {
        match check(deps, caller, &message).await {
            Ok(()) => seen.push(message),
            Err(error) if error.reason() == Reason::MessageNotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok((seen, left))
}

/// The conversation of a message that the caller can read. A recalled one, and one that they cannot see, is reported as
/// one that does not exist.
pub async fn readable(
    Deps { db, directory, .. }: &Deps,
    caller: &Caller,
    msg_id: MsgId,
) -> Result<ConversationId, Error> {
    let not_found = || access::not_found(msg_id);
    let found = place::place_of(db, caller.app, msg_id).await?;
    let place = found.filter(|place| !place.recalled).ok_or_else(not_found)?;
    access::check_visible(directory, caller, place.conversation, msg_id).await?;
    if let Some(viewer) = access::viewer(caller) {
        let which = Which { app: caller.app, conversation: place.conversation, msg_id };
        if place.is_not_for(viewer) || excluded::is_excluded(db, viewer, which).await? {
            return Err(not_found());
        }
    }
    Ok(place.conversation)
}

/// Refuses what the caller cannot see, with the error for what does not exist.
async fn check(Deps { db, directory, .. }: &Deps, caller: &Caller, message: &Message) -> Result<(), Error> {
    access::check_visible(directory, caller, message.conversation, message.msg_id).await?;
    let Some(viewer) = access::viewer(caller) else {
        return Ok(());
    };
    let is_for_others = !message.audience.is_empty() && message.sender != viewer && !message.audience.contains(&viewer);
    let which = Which { app: caller.app, conversation: message.conversation, msg_id: message.msg_id };
    if is_for_others || excluded::is_excluded(db, viewer, which).await? {
        return Err(access::not_found(message.msg_id));
    }
    Ok(())
}
