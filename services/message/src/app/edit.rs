//! Edits a message.

use tidings_domain::{
    Actor, App, Caller, ConversationId, Error, EventKind, Message, MsgId, Reason, UnixMillis, UserId,
};
use tidings_runtime::Hint;
use tidings_store::Tx;

use super::{
    access, edit_answer,
    once::{self, Once},
    send::within_limits,
};
use crate::{
    Deps,
    appender::lane,
    edited::{Change, edited},
    origin::Origin,
    row_options::Flags,
    screening,
    store::{
        event::{self, NewEvent},
        file_use::{self, FileUse},
        head,
        key::{self, Answered, NewKey},
        place, read, recall_edit,
        which::Which,
    },
};

/// The message, and the change.
#[derive(Debug)]
pub struct EditCommand {
    pub msg_id: MsgId,
    /// The expected conversation.
    pub conversation: Option<ConversationId>,
    /// The expected sender; `None` is the calling user, or for the app itself any.
    pub sender: Option<UserId>,
    pub change: Change,
    /// How often a message may be edited; `None` is unlimited.
    pub most_edits: Option<i32>,
    /// The name of the public call.
    pub call: String,
    /// As in a send.
    pub idempotency_key: Option<String>,
    pub transaction_id: Option<i64>,
}

impl EditCommand {
    fn once(&self) -> Once<'_> {
        let idempotency_key = self.idempotency_key.as_deref();
        Once { call: &self.call, idempotency_key, transaction_id: self.transaction_id }
    }
}

/// Edits the message, once per key, and returns it after the edit. `request` is the canonical request without its keys.
pub async fn edit(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    command: EditCommand,
    request: &[u8],
) -> Result<Message, Error> {
    let now = deps.clock.now();
    let (key, earlier) = once::find_answer(&deps.db, (caller, app), command.once(), request, now).await?;
    if let Some((new, answered)) = key.as_ref().zip(earlier.as_ref()) {
        return repeated(deps, caller, command.msg_id, new, answered).await;
    }
    let not_found = || access::not_found(command.msg_id);
    let found = place::place_of(&deps.db, caller.app, command.msg_id).await?;
    let place = found.filter(|found| command.conversation.is_none_or(|place| place == found.conversation));
    let place = place.filter(|found| !found.recalled).ok_or_else(not_found)?;
    access::check_visible(&deps.directory, caller, place.conversation, command.msg_id).await?;
    if access::viewer(caller).is_some_and(|user| place.is_not_for(user)) {
        return Err(not_found());
    }
    check_sender(caller, command.sender, place.sender)?;
    check_mutes(deps, (caller, app), place.conversation, now).await?;
    let screen = deps.screens.screen(&deps.directory, app).await?;

    let mut tx = deps.db.begin().await?;
    if let Some(new) = &key {
        let earlier = key::claim(&mut tx, std::slice::from_ref(new), now).await?;
        if let Some(answered) = earlier.get(&new.key) {
            drop(tx);
            return repeated(deps, caller, command.msg_id, new, answered).await;
        }
    }
    head::lock(&mut tx, &[(caller.app, place.conversation)]).await?;
    // It may have been recalled or edited since.
    let message = read::find_in(&mut tx, caller.app, command.msg_id).await?.ok_or_else(not_found)?;
    if command.most_edits.is_some_and(|most| message.edits >= most) {
        return Err(Error::new(Reason::EditsExhausted, command.msg_id.to_string()));
    }
    let content = screening::words(screen.as_deref(), edited(message.content, command.change)?)?;
    let message = Message { content, edited_at: Some(now), edits: message.edits + 1, ..message };
    if let Some(new) = &key {
        key::answer(&mut tx, &[(&new.key, edit_answer::write(&message)?)]).await?;
    }
    write(tx, (caller, app), &message, now).await?;
    deps.bus.publish(Hint::Events(caller.app));
    Ok(message)
}

/// Refuses users who may not send there: what they cannot send, they cannot put into an old message either.
async fn check_mutes(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    conversation: ConversationId,
    now: UnixMillis,
) -> Result<(), Error> {
    let Actor::User(user) = caller.actor else {
        return Ok(());
    };
    if user != UserId::ADMIN && deps.directory.mutes((caller, app), user).await?.holds(conversation.kind(), now) {
        return Err(Error::new(Reason::UserMuted, user.to_string()));
    }
    Ok(())
}

/// The answer to a repetition: the first answer, whatever happened to the message since.
async fn repeated(
    deps: &Deps,
    caller: &Caller,
    msg_id: MsgId,
    new: &NewKey,
    answered: &Answered,
) -> Result<Message, Error> {
    new.check_same(answered)?;
    if let Some(message) = edit_answer::read(&answered.reply)? {
        return Ok(message);
    }
    read::find(&deps.db, caller.app, msg_id).await?.ok_or_else(|| access::not_found(msg_id))
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
    let stored = within_limits(app, &message.content, 1)?;
    let body = stored.to_json(Flags { system, ..Flags::default() });
    let event = NewEvent {
        app: caller.app,
        lane: lane(conversation),
        kind: EventKind::Edited,
        made_at: now,
        conversation,
        msg_id,
        actor: caller.actor.user(),
        body: Some(&body),
        reason: None,
        edits: message.edits,
        origin: &Origin::of(caller),
    };
    let which = Which { app: caller.app, conversation, msg_id };
    recall_edit::edit(&mut tx, which, &stored, now).await?;
    file_use::remove(&mut tx, which).await?;
    let (app, by_app) = (caller.app, caller.is_app());
    let uses = stored.files().into_iter().map(|uuid| FileUse { app, conversation, msg_id, by_app, uuid });
    file_use::add(&mut tx, &uses.collect::<Vec<_>>()).await?;
    event::append(&mut tx, &[event], std::iter::empty()).await?;
    tx.commit().await
}
