//! Recalls a message.

use std::time::Duration;

use serde::Serialize;
use tidings_dialects::tencent::MsgKey;
use tidings_domain::{
    Actor, App, Caller, ConversationId, ConversationKind, Error, EventKind, GroupId, MsgId, Reason, RoomId, Target,
    UnixMillis, UserId, UserRef,
};
use tidings_runtime::Hint;
use tidings_store::Tx;

use super::access;
use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    store::{
        event::{self, NewEvent},
        file_use::{self, Released},
        head, listed,
        place::{self, LogPosition},
        read, recall_edit,
        which::Which,
    },
};

/// The message to recall, and the conditions.
#[derive(Debug, Clone)]
pub struct RecallCommand {
    pub msg_id: MsgId,
    /// The expected conversation.
    pub conversation: Option<ConversationId>,
    /// One of the two users of its conversation.
    pub party: Option<UserId>,
    /// The expected receiver.
    pub to: Option<Target>,
    /// The expected kind of conversation.
    pub kind: Option<ConversationKind>,
    /// `None` is unlimited.
    pub window: Option<Duration>,
    /// Whether the window also applies to those who may recall messages of others.
    pub window_for_all: bool,
    /// Who is shown as having recalled it.
    pub actor: Option<UserRef>,
    /// Whether messages past retention are recalled from the receivers' devices.
    pub past_storage: bool,
    /// Whether commands cannot be recalled.
    pub keeps_commands: bool,
    pub accept_unknown_names: bool,
    /// For the receivers' devices.
    pub notice: Notice,
}

/// The event's data for the devices.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Notice {
    /// The app's own text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub info: String,
    /// Whether the actor's own devices are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_sync: bool,
}

/// What the event stores.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    notice: &'a Notice,
    /// The message's receivers, as its row has them, which may be removed when the event is read. Empty: everybody
    /// there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<i64>,
}

impl Notice {
    fn body(&self, audience: &[UserId]) -> Result<Option<String>, Error> {
        if self.info.is_empty() && !self.no_sync && audience.is_empty() {
            return Ok(None);
        }
        let audience = audience.iter().map(|user| user.0).collect();
        serde_json::to_string(&Body { notice: self, audience }).map(Some).map_err(Error::internal)
    }
}

/// The recalled message.
#[derive(Debug, Clone, Copy)]
pub struct Recalled {
    /// False: it had already been recalled.
    pub recalled: bool,
    pub conversation: ConversationId,
    /// `None` where the message is past retention.
    pub sender: Option<UserId>,
    /// The user, group or room it was sent to.
    pub receiver: i64,
}

/// Why the caller may recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// Sent it.
    Sender,
    /// Administers the group, or is the app itself.
    Keeper,
}

/// The message with Tencent's `MsgKey` (decision 30). For a message past retention the number in the key is not
/// checked: that would only be possible until it is purged.
pub async fn of_key(deps: &Deps, app: &App, text: &str) -> Result<MsgId, Error> {
    let key = MsgKey::parse(text).ok_or_else(|| Error::invalid("msg_key", "must be seq_random_time"))?;
    let msg_id = key.msg_id();
    if is_past(app, msg_id, deps.clock.now()) {
        return Ok(msg_id);
    }
    match read::find(&deps.db, app.id, msg_id).await? {
        Some(message) if MsgKey::of(message.seq, msg_id, message.sent_at) != key => Err(access::not_found(msg_id)),
        // Reported as recalled before.
        _ => Ok(msg_id),
    }
}

/// Recalls the message once, with any number of concurrent calls. Repeating it is not an error for callers with the
/// right, even when the window is over.
pub async fn recall(deps: &Deps, (caller, app): (&Caller, &App), command: RecallCommand) -> Result<Recalled, Error> {
    let actor = actor(deps, (caller, app), &command).await?;
    let now = deps.clock.now();
    let found = place::place_of(&deps.db, caller.app, command.msg_id).await?;
    // Messages past retention do not exist for any caller, even if they are not purged yet.
    let Some(message) = found.filter(|_| !is_past(app, command.msg_id, now)) else {
        return past_storage(deps, (caller, app), actor, &command, now).await;
    };
    let is_of_others = |party| !message.recalled && message.conversation.peer_of(party).is_none();
    let is_elsewhere = command.conversation.is_some_and(|place| place != message.conversation)
        || command.party.is_some_and(is_of_others);
    if is_elsewhere || (command.keeps_commands && message.is_command) {
        return Err(access::not_found(command.msg_id));
    }
    access::check_visible(&deps.directory, caller, message.conversation, command.msg_id).await?;
    if access::viewer(caller).is_some_and(|user| message.is_not_for(user)) {
        return Err(access::not_found(command.msg_id));
    }
    let receiver = receiver(message.conversation, message.sender);
    check_to(deps, (caller, app), &command, message.conversation, receiver).await?;
    let right = right(deps, caller, &message).await?;
    let conversation = message.conversation;
    let done = |recalled| Recalled { recalled, conversation, sender: Some(message.sender), receiver };
    if message.recalled {
        return Ok(done(false));
    }
    if right == Right::Sender || command.window_for_all {
        check_window(&message, command.window, now)?;
    }
    Ok(done(write(deps, (caller, app), actor, &message, &command, now).await?))
}

/// Who is shown as having recalled it: the caller, or the user that the app itself names.
async fn actor(deps: &Deps, (caller, app): (&Caller, &App), command: &RecallCommand) -> Result<UserId, Error> {
    let Some(actor) = &command.actor else {
        return Ok(caller.actor.user());
    };
    if caller.actor != Actor::App {
        return Err(Error::not_permitted("only the app itself recalls in another's name"));
    }
    let intern = command.accept_unknown_names && app.policy.accept_unknown_names;
    let users = deps.directory.users((caller, app), std::slice::from_ref(actor), intern).await?;
    users.first().copied().ok_or_else(|| Error::internal("the directory returned no user"))
}

/// The user, group or room that a message of `sender` was sent to.
fn receiver(conversation: ConversationId, sender: UserId) -> i64 {
    conversation.peer_of(sender).map_or(conversation.key().0, |peer| peer.0)
}

/// Refuses a message with another receiver than the call names.
async fn check_to(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    command: &RecallCommand,
    conversation: ConversationId,
    receiver: i64,
) -> Result<(), Error> {
    let is_other_kind = command.kind.is_some_and(|kind| kind != conversation.kind());
    let is_right = match &command.to {
        None => true,
        Some(to) => target_id(deps, (caller, app), to).await? == Some((conversation.kind(), receiver)),
    };
    if is_other_kind || !is_right { Err(not_sent_there(command.msg_id)) } else { Ok(()) }
}

fn not_sent_there(msg_id: MsgId) -> Error {
    Error::new(Reason::NotSentThere, msg_id.to_string())
}

/// The receiver that a target names; `None` is a user who does not exist.
async fn target_id(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    to: &Target,
) -> Result<Option<(ConversationKind, i64)>, Error> {
    match to {
        Target::Group(group) => Ok(Some((ConversationKind::Group, group.0))),
        Target::Room(room) => Ok(Some((ConversationKind::Room, room.0))),
        Target::User(user) => match deps.directory.users((caller, app), std::slice::from_ref(user), false).await {
            Ok(users) => Ok(users.first().map(|user| (ConversationKind::Direct, user.0))),
            Err(error) if error.reason() == Reason::UserNotFound => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// Whether a message with that id is past the app's retention.
fn is_past(app: &App, msg_id: MsgId, now: UnixMillis) -> bool {
    let (retention, sent_at) = (app.policy.message_retention, msg_id.moment());
    retention > Duration::ZERO && sent_at < now && now - sent_at > retention
}

/// A message that is not in the log: if it is past the app's retention, only the event notifies the receivers' devices.
async fn past_storage(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    actor: UserId,
    command: &RecallCommand,
    now: UnixMillis,
) -> Result<Recalled, Error> {
    if !command.past_storage || !is_past(app, command.msg_id, now) || caller.actor != Actor::App {
        return Err(access::not_found(command.msg_id));
    }
    let to = command.to.as_ref().ok_or_else(|| not_sent_there(command.msg_id))?;
    let (kind, receiver) = target_id(deps, (caller, app), to).await?.ok_or_else(|| not_sent_there(command.msg_id))?;
    let conversation = match kind {
        ConversationKind::Direct => ConversationId::direct(actor, UserId(receiver)),
        ConversationKind::Group => ConversationId::Group(GroupId(receiver)),
        ConversationKind::Room => ConversationId::Room(RoomId(receiver)),
    };
    let origin = Origin::of(caller);
    let left = place::place_of(&deps.db, caller.app, command.msg_id).await?;
    let body = command.notice.body(left.as_ref().map_or(&[], |left| &left.audience))?;
    let mut tx = deps.db.begin().await?;
    if let Some(left) = left {
        // It is not purged yet: until then it must not be found.
        let which = Which { app: caller.app, conversation: left.conversation, msg_id: command.msg_id };
        take_out(&mut tx, which, now).await?;
    }
    let event = recalled_event(caller, actor, conversation, command.msg_id, now, body.as_deref(), &origin);
    event::append(&mut tx, &[event], std::iter::empty()).await?;
    tx.commit().await?;
    deps.bus.publish(Hint::Events(caller.app));
    Ok(Recalled { recalled: true, conversation, sender: None, receiver })
}

async fn right(deps: &Deps, caller: &Caller, message: &LogPosition) -> Result<Right, Error> {
    let user = match caller.actor {
        Actor::App | Actor::User(UserId::ADMIN) => return Ok(Right::Keeper),
        Actor::User(user) => user,
    };
    let membership = deps.directory.check_member(caller, message.conversation).await?;
    if membership.is_some_and(|membership| membership.is_admin()) {
        return Ok(Right::Keeper);
    }
    if message.sender == user { Ok(Right::Sender) } else { Err(Error::not_permitted("not your message")) }
}

fn check_window(message: &LogPosition, window: Option<Duration>, now: UnixMillis) -> Result<(), Error> {
    let age = now - message.sent_at;
    if window.is_some_and(|window| age > window) {
        return Err(Error::new(Reason::RecallWindowOver, format!("{} ms old", age.as_millis())));
    }
    Ok(())
}

/// One transaction; false when another one was first.
async fn write(
    deps: &Deps,
    (caller, app): (&Caller, &App),
    actor: UserId,
    message: &LogPosition,
    command: &RecallCommand,
    now: UnixMillis,
) -> Result<bool, Error> {
    let (msg_id, conversation) = (command.msg_id, message.conversation);
    let origin = Origin::of(caller);
    let body = command.notice.body(&message.audience)?;
    let mut tx = deps.db.begin().await?;
    let which = Which { app: caller.app, conversation, msg_id };
    if !take_out(&mut tx, which, now).await? {
        return Ok(false);
    }
    for (uuid, by_app) in file_use::remove(&mut tx, which).await? {
        if app.policy.recall_deletes_files {
            for user in let_go_for(caller, message.sender, by_app) {
                file_use::release(&mut tx, caller.app, &Released { uuid: uuid.clone(), user, since: now }).await?;
            }
        }
    }
    let event = recalled_event(caller, actor, conversation, msg_id, now, body.as_deref(), &origin);
    event::append(&mut tx, &[event], std::iter::empty()).await?;
    tx.commit().await?;
    deps.bus.publish(Hint::Events(caller.app));
    Ok(true)
}

/// Locks the conversation's head and removes the message from the counts; if the conversation was listed for it, it is
/// listed for the newest remaining one. False when it was removed before.
async fn take_out(tx: &mut Tx, which: Which, now: UnixMillis) -> Result<bool, Error> {
    let place = (which.app, which.conversation);
    let heads = head::lock(tx, &[place]).await?;
    if !recall_edit::recall(tx, which, now).await? {
        return Ok(false);
    }
    if heads.get(&place).is_some_and(|head| head.listed_msg_id == which.msg_id) {
        // If nothing is left it keeps its position.
        if let Some(newest) = listed::newest_in(tx, which.app, which.conversation, which.msg_id).await? {
            head::list_for(tx, place, newest).await?;
        }
    }
    Ok(true)
}

/// Whose files a recall releases: the sender's, and the app's own if the app itself sent the message in the sender's
/// name, and recalls it.
fn let_go_for(caller: &Caller, sender: UserId, by_app: bool) -> impl Iterator<Item = UserId> {
    let of_sender = Some(sender).filter(|sender| *sender != UserId::ADMIN);
    let of_app = (by_app && caller.is_app()).then_some(UserId::ADMIN);
    of_sender.into_iter().chain(of_app)
}

fn recalled_event<'a>(
    caller: &Caller,
    actor: UserId,
    conversation: ConversationId,
    msg_id: MsgId,
    made_at: UnixMillis,
    body: Option<&'a str>,
    origin: &'a Origin,
) -> NewEvent<'a> {
    let kind = EventKind::Recalled;
    NewEvent {
        app: caller.app,
        lane: lane(conversation),
        kind,
        made_at,
        conversation,
        msg_id,
        actor,
        body,
        reason: None,
        edits: 0,
        origin,
    }
}
