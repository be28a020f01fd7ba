//! Adds and removes reactions to messages.

use sha2::{Digest as _, Sha256};
use tidings_domain::{
    Actor, Caller, ConversationId, ConversationKind, Error, EventKind, MsgId, Reason, UnixMillis, UserId,
};
use tidings_runtime::Hint;
use tidings_store::Tx;

use super::{access, find};
use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    reacted::Reacted,
    store::{
        event::{self, NewEvent},
        head,
        reaction::{self, Reaction},
        which::Which,
    },
};

/// Maximum number of different reactions to a message.
const MOST_KINDS: usize = 20;
/// Maximum length of a reaction in characters.
const MOST_CHARS: usize = 128;

/// A user's reaction to a message.
#[derive(Debug)]
pub struct ReactCommand {
    pub msg_id: MsgId,
    pub user: UserId,
    pub text: String,
}

/// A reaction after a call that adds it.
#[derive(Debug)]
pub struct Added {
    pub conversation: ConversationId,
    pub reaction: Reaction,
    /// False: the user had added it before.
    pub added: bool,
}

/// The id of a reaction: the same for the same text on the same message.
pub fn id_of(msg_id: MsgId, text: &str) -> i64 {
    let hash = Sha256::new().chain_update(msg_id.0.to_be_bytes()).chain_update(text).finalize();
    let bytes = hash.first_chunk().copied().unwrap_or_default();
    (u64::from_be_bytes(bytes) >> 1).cast_signed()
}

/// Adds a reaction. Adding it again changes nothing.
pub async fn add(deps: &Deps, caller: &Caller, command: ReactCommand) -> Result<Added, Error> {
    check_text(&command.text)?;
    let conversation = place(deps, caller, &command).await?;
    let which = Which { app: caller.app, conversation, msg_id: command.msg_id };
    let (id, now) = (id_of(command.msg_id, &command.text), deps.clock.now());
    let mut tx = deps.db.begin().await?;
    head::lock_existing(&mut tx, (caller.app, conversation)).await?;
    let kinds = reaction::kinds(&mut tx, which).await?;
    let earlier = kinds.iter().find(|kind| kind.id == id);
    if earlier.is_none() && kinds.len() >= MOST_KINDS {
        return Err(Error::new(Reason::ReactionsExhausted, command.msg_id.to_string()));
    }
    let new = (id, command.text.as_str(), earlier);
    let Some(reaction) = reaction::add(&mut tx, which, command.user, new, now).await? else {
        // Recalled or purged since it was found, or added before.
        let reaction = earlier.cloned().ok_or_else(|| access::not_found(command.msg_id))?;
        return Ok(Added { conversation, reaction, added: false });
    };
    let reacted = Reacted { id, text: command.text, users: reaction.users, by_app: caller.is_app() };
    finish(deps, tx, caller, which, command.user, (EventKind::Reacted, now, &reacted)).await?;
    Ok(Added { conversation, reaction, added: true })
}

/// Removes a user's reaction; false if they had not added it.
pub async fn remove(deps: &Deps, caller: &Caller, command: ReactCommand) -> Result<bool, Error> {
    check_text(&command.text)?;
    let conversation = place(deps, caller, &command).await?;
    let which = Which { app: caller.app, conversation, msg_id: command.msg_id };
    let (id, now) = (id_of(command.msg_id, &command.text), deps.clock.now());
    let mut tx = deps.db.begin().await?;
    head::lock_existing(&mut tx, (caller.app, conversation)).await?;
    let kinds = reaction::kinds(&mut tx, which).await?;
    let Some(earlier) = kinds.into_iter().find(|kind| kind.id == id) else {
        return Ok(false);
    };
    if !reaction::remove(&mut tx, which, command.user, id).await? {
        return Ok(false);
    }
    let reacted = Reacted { id, text: command.text, users: earlier.users - 1, by_app: caller.is_app() };
    finish(deps, tx, caller, which, command.user, (EventKind::Unreacted, now, &reacted)).await?;
    Ok(true)
}

/// Letters, digits, emoji and anything else that is shown; PostgreSQL cannot store U+0000.
fn check_text(text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    if !(1..=MOST_CHARS).contains(&length) {
        return Err(Error::invalid("reaction", "must be from 1 to 128 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid("reaction", "must not contain control characters"));
    }
    Ok(())
}

/// The message's conversation, which the user must be able to read.
async fn place(deps: &Deps, caller: &Caller, command: &ReactCommand) -> Result<ConversationId, Error> {
    if command.user == UserId::ADMIN {
        return Err(Error::invalid("user_id", "is required: the app itself has no reactions"));
    }
    let user = Caller { actor: Actor::User(command.user), ..caller.clone() };
    let conversation = find::readable(deps, &user, command.msg_id).await?;
    match conversation.kind() {
        ConversationKind::Direct | ConversationKind::Group => Ok(conversation),
        ConversationKind::Room => Err(Error::invalid("msg_id", "is in a room, whose messages have no reactions")),
    }
}

/// The event, and the end of the transaction.
async fn finish(
    deps: &Deps,
    mut tx: Tx,
    caller: &Caller,
    which: Which,
    user: UserId,
    (kind, made_at, reacted): (EventKind, UnixMillis, &Reacted),
) -> Result<(), Error> {
    let (body, origin) = (reacted.write()?, Origin::of(caller));
    let event = NewEvent {
        app: caller.app,
        lane: lane(which.conversation),
        kind,
        made_at,
        conversation: which.conversation,
        msg_id: which.msg_id,
        actor: user,
        body: Some(&body),
        reason: None,
        edits: 0,
        origin: &origin,
    };
    event::append(&mut tx, &[event], std::iter::empty()).await?;
    tx.commit().await?;
    deps.bus.publish(Hint::Events(caller.app));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_keeps_its_id_and_shares_it_with_no_other() {
        let id = id_of(MsgId(7), "+1");
        assert_eq!(id, id_of(MsgId(7), "+1"));
        assert!(id > 0);
        assert_ne!(id, id_of(MsgId(8), "+1"));
        assert_ne!(id, id_of(MsgId(7), "-1"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(check_text(&"\u{1f44d}".repeat(128)).is_ok());
        for wrong in [String::new(), "a".repeat(129), "a\0".to_owned(), "\n".to_owned()] {
            assert!(check_text(&wrong).is_err(), "{wrong:?}");
        }
    }
}
