//! What happened in a user's conversations between two cursors of the feed: for a device that comes back.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures_util::{Stream, stream};
use tidings_domain::{AppId, Caller, ConversationId, Error, EventKind, GroupKind, MsgId, UserId};
use tidings_store::Scale;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::{access, events::After};
use crate::{
    Deps,
    appender::lane,
    store::{
        export::Positions,
        feed::Event,
        read,
        since::{self, MOST, Since},
    },
};

/// Conversations that are read at once.
const STEP: usize = 500;
/// Of these, as many with news are read at once: they have up to [`MOST`] messages each.
const BUSY_STEP: usize = 10;

/// A range of the feed.
#[derive(Debug)]
pub struct UserEventsQuery {
    pub user: UserId,
    pub after: Positions,
    pub upto: Positions,
    /// Only this conversation, above a message.
    pub only: Option<(ConversationId, MsgId)>,
}

/// A part of the answer.
#[derive(Debug, Default)]
pub struct Found {
    /// Each with its lane; those of one conversation in order.
    pub events: Vec<(i64, Event)>,
    /// Of these more happened than is read.
    pub incomplete: Vec<ConversationId>,
}

impl UserEventsQuery {
    /// From cursors of the feed.
    pub fn new(user: UserId, after: &str, upto: &str) -> Result<Self, Error> {
        Ok(Self { user, after: positions("after", after)?, upto: positions("upto", upto)?, only: None })
    }
}

fn positions(field: &'static str, cursor: &str) -> Result<Positions, Error> {
    match After::read(cursor) {
        Ok(After::Cursor(positions) | After::Left(positions)) => Ok(positions),
        Ok(After::Beginning | After::Now) | Err(_) => Err(Error::invalid(field, "is not a cursor")),
    }
}

/// The events in parts.
pub fn user_events(
    deps: Arc<Deps>,
    caller: Caller,
    query: UserEventsQuery,
) -> impl Stream<Item = Result<Found, Error>> + Send {
    let (parts, receiver) = mpsc::channel(1);
    let read = async move {
        if let Err(error) = send(&deps, &caller, &query, &parts).await {
            let _ = parts.send(Err(error)).await;
        }
    };
    tokio::spawn(read.in_current_span());
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

/// Ends early when the reader has gone.
async fn send(
    deps: &Deps,
    caller: &Caller,
    query: &UserEventsQuery,
    parts: &mpsc::Sender<Result<Found, Error>>,
) -> Result<(), Error> {
    let asked = conversations(deps, caller, query).await?;
    for step in asked.chunks(STEP) {
        let busy = since::with_messages(&deps.db, caller.app, step).await?;
        let incomplete: Vec<ConversationId> =
            busy.iter().filter(|(_, more)| *more).map(|(since, _)| since.conversation).collect();
        let mut events = events(others(deps, caller.app, query.user, step).await?);
        let mut incomplete: Vec<ConversationId> = incomplete.into_iter().chain(too_many(&events)).collect();
        incomplete.sort_unstable();
        incomplete.dedup();
        for some in busy.chunks(BUSY_STEP) {
            let (mut scale, some): (_, Vec<Since>) = (Scale::default(), some.iter().map(|(since, _)| *since).collect());
            let sent = since::sent(&deps.db, caller.app, query.user, &some, &mut scale).await?;
            if scale.is_full() {
                incomplete.extend(some.iter().map(|since| since.conversation));
            }
            events.extend(self::events(sent));
        }
        events.sort_unstable_by_key(|(lane, event)| (*lane, event.event_no));
        if (!events.is_empty() || !incomplete.is_empty()) && parts.send(Ok(Found { events, incomplete })).await.is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}

fn events(found: Vec<Event>) -> Vec<(i64, Event)> {
    found.into_iter().map(|event| (lane(event.conversation()), event)).collect()
}

/// What happened besides messages. Whoever was not online then gets nothing of messages to those who were.
async fn others(deps: &Deps, app: AppId, user: UserId, asked: &[Since]) -> Result<Vec<Event>, Error> {
    let mut scale = Scale::default();
    let mut found = since::other(&deps.db, app, asked, lane, &mut scale).await?;
    let is_meant = |kind| !matches!(kind, EventKind::Online | EventKind::OnlineBroadcast | EventKind::Refused);
    // What is on a user's device is news for the other party only.
    let is_own = |event: &Event| event.kind() == EventKind::Delivered && event.actor() == user;
    found.retain(|event| is_meant(event.kind()) && !is_own(event));
    Ok(found)
}

/// The conversations of which as many events were read as are read at most.
fn too_many(events: &[(i64, Event)]) -> Vec<ConversationId> {
    let mut counts: HashMap<ConversationId, usize> = HashMap::new();
    for (_, event) in events {
        *counts.entry(event.conversation()).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count >= MOST).map(|(conversation, _)| conversation).collect()
}

/// The user's conversations with what is asked of each: those whose lane has gone on.
async fn conversations(deps: &Deps, caller: &Caller, query: &UserEventsQuery) -> Result<Vec<Since>, Error> {
    let of = |positions: &Positions, lane| positions.0.get(&lane).copied().unwrap_or(0);
    let since = |(conversation, floor)| {
        let lane = lane(conversation);
        Since { conversation, floor, after: of(&query.after, lane), upto: of(&query.upto, lane) }
    };
    if let Some((conversation, above)) = query.only {
        let floor = access::floor(&deps.directory, caller, conversation).await?;
        return Ok(vec![since((conversation, floor.max(above)))]);
    }
    let direct = read::conversations(&deps.db, caller.app, query.user).await?;
    let direct = direct.into_iter().map(|listed| listed.conversation);
    // Contacts have become so even if they have written nothing; of threads members see the whole history.
    let contacts = deps.directory.contacts(caller, query.user).await?;
    let contacts = contacts.into_iter().map(|contact| ConversationId::direct(query.user, contact));
    let threads = deps.directory.threads(caller, query.user).await?;
    let all: BTreeSet<ConversationId> = direct.chain(contacts).chain(threads).collect();
    let mut floors: Vec<(ConversationId, MsgId)> =
        all.into_iter().map(|conversation| (conversation, MsgId::ZERO)).collect();
    for kind in [GroupKind::Group, GroupKind::Room] {
        let joined = deps.directory.joined(caller, query.user, kind).await?;
        floors.extend(joined.iter().map(|membership| (membership.conversation(), membership.floor())));
    }
    Ok(floors.into_iter().map(since).filter(|since| since.upto > since.after).collect())
}
