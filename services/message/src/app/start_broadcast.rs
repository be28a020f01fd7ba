//! Accepts a broadcast: once it is on disk it will be carried out (agora.md 2.7).

use serde::{Deserialize, Serialize};
use tidings_domain::{
    Actor, App, Caller, Content, ConversationId, Delivery, Error, EventKind, MsgId, Reason, UnixMillis, UserId, UserRef,
};
use tidings_store::Tx;

use super::{
    once::{self, Once},
    send::within_limits,
};
use crate::{
    Deps,
    appender::{Appender, lane},
    origin::Origin,
    row_options::{self, Flags},
    screening,
    store::{
        broadcast::{self, Broadcast, Scope},
        event::{self, NewEvent},
        file_use,
        key::{self, Answered, NewKey},
    },
};

/// The receivers of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// With a stored message each.
    Kept(Scope),
    /// Everybody online; only the event is stored.
    Online,
}

/// The content and the receivers.
#[derive(Debug)]
pub struct StartBroadcastCommand {
    pub reach: Reach,
    pub sender: Option<UserRef>,
    pub content: Content,
    pub delivery: Delivery,
    pub accept_unknown_names: bool,
    pub call: String,
    pub idempotency_key: Option<String>,
}

/// The answer to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub id: i64,
    pub accepted_at: i64,
    pub committed_at: i64,
}

/// Accepts it, or returns the first answer of the same call. `request` is the canonical request without its key.
pub async fn start_broadcast(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    command: StartBroadcastCommand,
    request: &[u8],
) -> Result<Started, Error> {
    if caller.actor != Actor::App {
        return Err(Error::not_permitted("only the app itself broadcasts"));
    }
    let now = deps.clock.now();
    let once = Once::of(&command.call, command.idempotency_key.as_deref());
    let (key, earlier) = once::find_answer(&deps.db, (caller, app), once, request, now).await?;
    if let Some((new, answered)) = key.as_ref().zip(earlier.as_ref()) {
        return repeated(new, answered);
    }
    within_limits(app, &command.content, 1)?;
    let screen = deps.screens.screen(&deps.directory, app).await?;
    let content = within_limits(app, &screening::words(screen.as_deref(), command.content.clone())?, 1)?;
    let sender = sender(deps, (caller, app), &command).await?;
    let id = appender.mint().await?;
    let mut tx = deps.db.begin().await?;
    if let Some(new) = &key {
        let earlier = key::claim(&mut tx, std::slice::from_ref(new), now).await?;
        if let Some(answered) = earlier.get(&new.key) {
            return repeated(new, answered);
        }
    }
    let body = content.to_json(Flags::default());
    // Until its parts are in the log, nothing else references them.
    let files: Vec<_> = content.files().into_iter().map(|uuid| (caller.app, uuid)).collect();
    file_use::keep(&mut tx, &files).await?;
    let started = Started { id: id.0, accepted_at: now.0, committed_at: deps.clock.now().0 };
    match command.reach {
        Reach::Kept(scope) => {
            let delivery = row_options::write(&[], command.delivery)?;
            let broadcast = Broadcast { app: caller.app, id, scope, sender, body, delivery };
            broadcast::insert(&mut tx, &broadcast, now).await?;
        }
        Reach::Online => append_event(&mut tx, caller, sender, id, &body, now).await?,
    }
    if let Some(new) = &key {
        let reply = serde_json::to_string(&started).map_err(Error::internal)?;
        key::answer(&mut tx, &[(&new.key, reply)]).await?;
    }
    tx.commit().await?;
    Ok(started)
}

fn repeated(new: &NewKey, answered: &Answered) -> Result<Started, Error> {
    new.check_same(answered)?;
    serde_json::from_str(&answered.reply).map_err(Error::internal)
}

async fn sender(deps: &Deps, (caller, app): (&Caller, &App), command: &StartBroadcastCommand) -> Result<UserId, Error> {
    let Some(sender) = &command.sender else {
        return Ok(UserId::ADMIN);
    };
    let intern = command.accept_unknown_names && app.policy.accept_unknown_names;
    let users = deps.directory.users((caller, app), std::slice::from_ref(sender), intern).await?;
    users.first().copied().ok_or_else(|| Error::new(Reason::UserNotFound, ""))
}

/// One event for everybody, which belongs to no conversation: it is recorded under that of the app with itself.
async fn append_event(
    tx: &mut Tx,
    caller: &Caller,
    actor: UserId,
    msg_id: MsgId,
    body: &str,
    made_at: UnixMillis,
) -> Result<(), Error> {
    let conversation = ConversationId::direct(UserId::ADMIN, UserId::ADMIN);
    let event = NewEvent {
        app: caller.app,
        lane: lane(conversation),
        kind: EventKind::OnlineBroadcast,
        made_at,
        conversation,
        msg_id,
        actor,
        body: Some(body),
        reason: None,
        edits: 0,
        origin: &Origin::of(caller),
    };
    event::append(tx, &[event], std::iter::empty()).await
}
