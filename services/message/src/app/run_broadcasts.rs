//! Carries out accepted broadcasts in the background.
//!
//! Each part of a broadcast has a key of its own, so it does not matter how often, or in how many processes at once, one
//! is started: every message is sent once. Leases only avoid duplicate work; correctness does not depend on them. One
//! that can never be carried out, because its app or its sender was deleted, ends as failed, with the reason recorded.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tidings_domain::{
    App, AppId, Caller, Content, ConversationId, Draft, Error, MsgId, Reason, RoomId, Target, UnixMillis, UserRef,
};
use tidings_runtime::Task;
use tokio::sync::Notify;

use super::{broadcast, send};
use crate::{
    Deps,
    appender::Appender,
    content::StoredContent,
    row_options,
    screening::ModerationScope,
    store::{
        broadcast::{self as store, Broadcast, Scope},
        place,
    },
};

/// How often it checks without a signal.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a process renews its lease on a broadcast.
const KEEP: Duration = Duration::from_secs(2);
/// Rooms per transaction.
const ROOMS: i32 = 100;

/// Runs until shutdown; `started` signals that there is something to do.
pub fn spawn(deps: &Arc<Deps>, appender: &Appender, started: &Arc<Notify>) {
    let (working, appender, started) = (Arc::clone(deps), appender.clone(), Arc::clone(started));
    deps.tasks.run(Task::new("message.broadcasts"), move || {
        run(Arc::clone(&working), appender.clone(), Arc::clone(&started))
    });
}

async fn run(deps: Arc<Deps>, appender: Appender, started: Arc<Notify>) {
    loop {
        match next(&deps, &appender).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a broadcast is not completed yet"),
        }
        tokio::select! {
            () = started.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Carries out one broadcast; false when there is none to do.
async fn next(deps: &Deps, appender: &Appender) -> Result<bool, Error> {
    let Some(broadcast) = store::open(&deps.db, &*deps.clock).await? else {
        return Ok(false);
    };
    let which = (broadcast.app, broadcast.id);
    let Some(held) = store::take(&deps.db, &*deps.clock, which).await? else {
        return Ok(true);
    };
    let done = tokio::select! {
        done = carry_out(deps, appender, &broadcast) => done,
        never = keep(deps, which, held) => match never {},
    };
    let failed = match done {
        Ok(()) => None,
        Err(error) => Some(for_good(deps, &broadcast, error).await?),
    };
    if let Some(because) = &failed {
        tracing::warn!(app = %broadcast.app, broadcast = broadcast.id.0, because, "a broadcast failed permanently");
    }
    store::done(&deps.db, which, deps.clock.now(), failed.as_deref()).await?;
    Ok(true)
}

/// Renews the lease for as long as it is polled.
async fn keep(deps: &Deps, which: (AppId, MsgId), mut held: UnixMillis) -> Infallible {
    loop {
        tokio::time::sleep(KEEP).await;
        match store::keep(&deps.db, &*deps.clock, which, held).await {
            Ok(Some(until)) => held = until,
            // Two at once do no harm.
            Ok(None) => return std::future::pending().await,
            Err(error) => tracing::debug!(%error, "the lease of a broadcast could not be renewed"),
        }
    }
}

/// Why it can never be carried out, or the error itself if a retry may succeed.
async fn for_good(deps: &Deps, broadcast: &Broadcast, error: Error) -> Result<String, Error> {
    let reason = error.reason();
    if reason == Reason::UserNotFound {
        // A receiver who left since the list was made is not in the next one.
        let sender = [UserRef::Id(broadcast.sender)];
        let app = deps.directory.app_of(broadcast.app).await?;
        let found = deps.directory.users((&Caller::of_app(broadcast.app), &app), &sender, false).await;
        return match found {
            Err(gone) if gone.reason() == Reason::UserNotFound => Ok(format!("its sender is gone: {gone}")),
            _ => Err(error),
        };
    }
    let is_ours = matches!(reason, Reason::Internal | Reason::DataDamaged);
    if reason.is_transient() || is_ours { Err(error) } else { Ok(error.to_string()) }
}

async fn carry_out(deps: &Deps, appender: &Appender, broadcast: &Broadcast) -> Result<(), Error> {
    let app = deps.directory.app_of(broadcast.app).await?;
    let caller = Caller::of_app(broadcast.app);
    let (content, _) = StoredContent::of_json(&broadcast.body)?;
    match broadcast.scope {
        Scope::Users => {
            let command = broadcast::BroadcastCommand {
                sender: Some(UserRef::Id(broadcast.sender)),
                content: content.read()?,
                system: false,
                call: CALL.to_owned(),
                idempotency_key: Some(broadcast.id.to_string()),
            };
            broadcast::broadcast(deps, appender, (&caller, &app), &command, ModerationScope::Nothing, &[])
                .await
                .map(drop)
        }
        Scope::Rooms => to_rooms(deps, appender, (&caller, &app), broadcast, &content.read()?).await,
    }
}

/// The name of the call, in the scope of the parts' keys.
const CALL: &str = "broadcast";

/// One message for each room that has members and messages.
async fn to_rooms(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    broadcast: &Broadcast,
    content: &Content,
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let (rooms, next) = deps.directory.rooms_with_members(caller, after, ROOMS).await?;
        let mut targets = Vec::with_capacity(rooms.len());
        for room in rooms {
            if place::head(&deps.db, caller.app, ConversationId::Room(RoomId(room))).await?.is_some() {
                targets.push(Target::Room(RoomId(room)));
            }
        }
        if !targets.is_empty() {
            let (_, delivery) = row_options::read(broadcast.delivery.as_deref())?;
            let draft = Draft {
                sender: Some(UserRef::Id(broadcast.sender)),
                delivery,
                idempotency_key: Some(format!("{}/rooms/{after}", broadcast.id)),
                ..Draft::new(CALL, targets, content.clone())
            };
            send::send(deps, appender, (caller, app), draft, ModerationScope::Nothing, &[]).await?;
        }
        if next == 0 {
            return Ok(());
        }
        after = next;
    }
}
