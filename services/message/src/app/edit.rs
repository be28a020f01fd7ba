//! Changes what a message says.

use tidings_domain::{Actor, App, Caller, ConversationId, Error, Message, MsgId, Reason, UnixMillis, UserId};
use tidings_store::Tx;

use super::{access, send::bounded};
use crate::{
    Deps,
    appender::lane,
    edited::{Change, edited},
    origin::Origin,
    store::{
        change::{self, Which},
        event::{self, EventKind, NewEvent},
        head, read,
    },
};

/// Which message, and what becomes of it.
#[derive(Debug)]
pub struct Wanted {
    pub msg_id: MsgId,
    /// Where the message must be.
    pub conversation: Option<ConversationId>,
    /// Who must have sent it; `None` is the calling user, or with the app itself anybody.
    pub sender: Option<UserId>,
    pub change: Change,
    /// How often a message may be edited; `None` is without limit.
    pub most_edits: Option<i32>,
}

/// Edits the message and gives it as it is now.
pub async fn edit(deps: &Deps, (caller, app): (&Caller, &App), wanted: Wanted) -> Result<Message, Error> {
    let not_found = || access::not_found(wanted.msg_id);
    let found = read::place_of(&deps.db, caller.app, wanted.msg_id).await?;
    let place = found.filter(|found| wanted.conversation.is_none_or(|place| place == found.conversation));
    let place = place.filter(|found| !found.recalled).ok_or_else(not_found)?;
    access::check_visible(&deps.directory, caller, place.conversation, wanted.msg_id).await?;
    check_sender(caller, wanted.sender, place.sender)?;

    let now = deps.clock.now();
    let mut tx = deps.db.begin().await?;
    head::lock(&mut tx, &[(caller.app, place.conversation)]).await?;
    // It may have been recalled or edited since.
    let message = read::find_in(&mut tx, caller.app, wanted.msg_id).await?.ok_or_else(not_found)?;
    if wanted.most_edits.is_some_and(|most| message.edits >= most) {
        return Err(Error::new(Reason::EditsExhausted, wanted.msg_id.to_string()));
    }
    let content = edited(message.content, wanted.change)?;
    let message = Message { content, edited_at: Some(now), edits: message.edits + 1, ..message };
    write(tx, (caller, app), &message, now).await?;
    Ok(message)
}

fn check_sender(caller: &Caller, named: Option<UserId>, sender: UserId) -> Result<(), Error> {
    let may = match caller.actor {
        Actor::App => named.is_none_or(|named| named == sender),
        Actor::User(user) => user == sender && named.is_none_or(|named| named == user),
    };
    if may { Ok(()) } else { Err(Error::not_permitted("not the sender's message")) }
}

/// The rest of the transaction.
async fn write(mut tx: Tx, (caller, app): (&Caller, &App), message: &Message, now: UnixMillis) -> Result<(), Error> {
    let Message { conversation, msg_id, system, .. } = *message;
    let stored = bounded(app, &message.content, 1)?;
    let body = stored.to_json(system);
    let event = NewEvent {
        app: caller.app,
        lane: lane(conversation),
        kind: EventKind::Edited,
        made_at: now,
        conversation,
        msg_id,
        actor: caller.actor.user(),
        body: Some(&body),
        origin: &Origin::of(caller),
    };
    change::edit(&mut tx, Which { app: caller.app, conversation, msg_id }, &stored, now).await?;
    event::append(&mut tx, &[event], std::iter::empty()).await?;
    tx.commit().await
}
