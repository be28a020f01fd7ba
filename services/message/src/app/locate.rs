//! Returns the conversation of a message, even if the message was removed: acknowledgements of removed messages are
//! valid.

use tidings_domain::{App, Caller, ConversationId, Error, MsgId};

use super::access;
use crate::{Deps, store::place};

/// `None`: it is past the app's retention, and `claimed`, the caller's conversation, is not given.
pub async fn locate(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    msg_id: MsgId,
    claimed: Option<ConversationId>,
) -> Result<Option<ConversationId>, Error> {
    let Deps { db, directory, .. } = deps;
    if let Some(place) = place::place_of(db, caller.app, msg_id).await? {
        access::check_visible(directory, caller, place.conversation, msg_id).await?;
        if access::viewer(caller).is_some_and(|user| place.is_not_for(user)) {
            return Err(access::not_found(msg_id));
        }
        return Ok(Some(place.conversation));
    }
    // A purge only leaves its conversation's mark: everything up to there was removed, including this one.
    if let Some(conversation) = claimed {
        access::check_visible(directory, caller, conversation, msg_id).await?;
        let is_purged = msg_id > MsgId::ZERO && msg_id <= place::purged(db, caller.app, conversation).await?;
        return if is_purged { Ok(Some(conversation)) } else { Err(access::not_found(msg_id)) };
    }
    let (retention, now) = (app.policy.message_retention, deps.clock.now());
    let sent_at = msg_id.moment();
    let is_past = !retention.is_zero() && msg_id > MsgId::ZERO && sent_at < now && now - sent_at > retention;
    if is_past { Ok(None) } else { Err(access::not_found(msg_id)) }
}
