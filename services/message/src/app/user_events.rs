//! Events of a user's conversations between two cursors of the feed, for a reconnecting device.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures_util::{Stream, stream};
use tidings_directory_client::UserPlace;
use tidings_domain::{AppId, Caller, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Db, Scale};
use tokio::sync::{Semaphore, mpsc};
use tracing::Instrument as _;

use super::{access, events::After};
use crate::{
    Deps,
    appender::lane,
    store::{
        self,
        export::Positions,
        feed::{Event, EventData, Other},
        lane::Lane,
        listed,
        notices::{self, Ends},
        since::{self, Since},
    },
};

/// Conversations that are read at once.
const STEP: usize = 500;
/// Of these, as many with new events are read at once: they have up to 200 messages and as many notices each.
const BUSY_STEP: usize = 10;
/// As many without are one part of the answer: they have up to 200 marks each.
const QUIET_STEP: usize = 50;

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

/// Readers of the past whose queries run at once. When thousands of devices come back together, the others wait here and not
/// for a connection of the database, where senders would wait behind them.
static READERS: Semaphore = Semaphore::const_new(4);

async fn in_turn<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let _turn = READERS.acquire().await.map_err(Error::internal)?;
    work.await
}

/// Ends early when the reader has disconnected.
async fn send(
    deps: &Deps,
    caller: &Caller,
    query: &UserEventsQuery,
    parts: &mpsc::Sender<Result<Found, Error>>,
) -> Result<(), Error> {
    let mut asked = in_turn(conversations(deps, caller, query)).await?;
    let is_from_beginning = query.after.0.values().all(|number| *number == 0);
    if query.only.is_none() && !is_from_beginning {
        for some in in_turn(lost(deps, caller.app, &asked)).await?.chunks(STEP) {
            if parts.send(Ok(Found { incomplete: some.to_vec(), ..Found::default() })).await.is_err() {
                return Ok(());
            }
        }
    }
    asked.retain(|since| since.upto > since.after);
    let reader = Reader { db: &deps.db, app: caller.app, user: query.user };
    for step in asked.chunks(STEP) {
        let (ends, marks) = in_turn(reader.overview(step)).await?;
        let mut marks = by_conversation(marks);
        let is_busy = |ends: &&Ends| ends.has_notices || ends.messages.is_some();
        let (busy, quiet): (Vec<Ends>, Vec<Ends>) = ends.iter().partition(is_busy);
        for some in busy.chunks(BUSY_STEP) {
            let mut found = in_turn(reader.read(some)).await?;
            found.add_marks(some, &mut marks);
            if !found.is_empty() && parts.send(Ok(found.in_order())).await.is_err() {
                return Ok(());
            }
        }
        for some in quiet.chunks(QUIET_STEP) {
            let mut found = Found::default();
            found.add_marks(some, &mut marks);
            if !found.is_empty() && parts.send(Ok(found.in_order())).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn by_conversation(events: Vec<Event>) -> HashMap<ConversationId, Vec<Event>> {
    let mut found: HashMap<ConversationId, Vec<Event>> = HashMap::new();
    for event in events {
        found.entry(event.conversation()).or_default().push(event);
    }
    found
}

impl Found {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.incomplete.is_empty()
    }

    fn add(&mut self, events: Vec<Event>) {
        self.events.extend(events.into_iter().map(|event| (lane(event.conversation()), event)));
    }

    /// The marks of these conversations, which are read beforehand.
    fn add_marks(&mut self, of: &[Ends], marks: &mut HashMap<ConversationId, Vec<Event>>) {
        for ends in of {
            self.add(marks.remove(&ends.since.conversation).unwrap_or_default());
            self.incomplete.extend(ends.is_full.then_some(ends.since.conversation));
        }
    }

    fn in_order(mut self) -> Self {
        self.events.sort_unstable_by_key(|(lane, event)| (*lane, event.event_no));
        self.incomplete.sort_unstable();
        self.incomplete.dedup();
        self
    }
}

/// Reads for one user.
struct Reader<'a> {
    db: &'a Db,
    app: AppId,
    user: UserId,
}

impl Reader<'_> {
    /// What there is in some conversations, and the marks in them.
    async fn overview(&self, some: &[Since]) -> Result<(Vec<Ends>, Vec<Event>), Error> {
        let ends = notices::ends(self.db, self.app, self.user, some).await?;
        let marks = notices::marks(self.db, self.app, self.user, &ends).await?;
        Ok((ends, marks))
    }

    /// Notices and messages of some conversations.
    async fn read(&self, some: &[Ends]) -> Result<Found, Error> {
        let mut found = Found::default();
        let mut scale = Scale::default();
        let notices = notices::notices(self.db, self.app, self.user, some, lane, &mut scale).await?;
        if scale.is_full() {
            found.incomplete.extend(some.iter().map(|ends| ends.since.conversation));
        }
        let asked = self.since_entered(some, &notices).await?;
        found.add(notices);
        if asked.is_empty() {
            return Ok(found);
        }
        let below: HashMap<ConversationId, i64> =
            some.iter().filter_map(|ends| Some((ends.since.conversation, ends.messages?))).collect();
        let is_full = |since: &Since| below.get(&since.conversation).map(|event_no| *event_no > since.after);
        found.incomplete.extend(asked.iter().filter(|since| is_full(since) == Some(true)).map(|it| it.conversation));
        let unknown: Vec<Since> = asked.iter().copied().filter(|since| is_full(since).is_none()).collect();
        found.incomplete.extend(since::full(self.db, self.app, &unknown).await?);
        let mut scale = Scale::default();
        found.add(since::sent(self.db, self.app, self.user, &asked, &mut scale).await?);
        if scale.is_full() {
            found.incomplete.extend(asked.iter().map(|since| since.conversation));
        }
        Ok(found)
    }

    /// What is read of those with messages. If the user joined meanwhile, that is everything since then: some of it
    /// may be in the feed before that change, and before the cursor of a client that got neither.
    async fn since_entered(&self, some: &[Ends], notices: &[Event]) -> Result<Vec<Since>, Error> {
        let mut floors: HashMap<ConversationId, MsgId> = HashMap::new();
        for event in notices {
            if let EventData::Other(Other { change: Some(change), made_at, conversation, .. }) = &event.happened
                && change.new_members().contains(&self.user)
            {
                let floor = floors.entry(*conversation).or_insert(MsgId::ZERO);
                *floor = MsgId::before(*made_at).max(*floor);
            }
        }
        let (entered, others): (Vec<&Ends>, Vec<&Ends>) =
            some.iter().partition(|ends| floors.contains_key(&ends.since.conversation));
        let others = others.into_iter().filter(|ends| ends.messages.is_some());
        let mut asked: Vec<Since> = others.map(|ends| ends.since).collect();
        let mut entered: Vec<Since> = entered.into_iter().map(|ends| ends.since).collect();
        if entered.is_empty() {
            return Ok(asked);
        }
        for since in &mut entered {
            since.floor = since.floor.max(floors[&since.conversation]);
        }
        let first = since::first(self.db, self.app, &entered).await?;
        asked.extend(entered.into_iter().filter_map(|since| {
            let first = first.get(&since.conversation)?;
            Some(Since { after: since.after.min(first - 1), ..since })
        }));
        Ok(asked)
    }
}

/// The user's conversations with what to read of each.
async fn conversations(deps: &Deps, caller: &Caller, query: &UserEventsQuery) -> Result<Vec<Since>, Error> {
    let of = |positions: &Positions, lane| positions.0.get(&lane).copied().unwrap_or(0);
    let since = |conversation, floor, changes_from| {
        let lane = lane(conversation);
        Since { conversation, floor, changes_from, after: of(&query.after, lane), upto: of(&query.upto, lane) }
    };
    if let Some((conversation, above)) = query.only {
        let floor = access::floor(&deps.directory, caller, conversation).await?;
        // Changes are in the feed from when the user became a member.
        let since = since(conversation, floor.max(above), None);
        let first = since::first(&deps.db, caller.app, &[since]).await?.into_values();
        return Ok(first.map(|first| Since { after: since.after.max(first - 1), ..since }).collect());
    }
    let (direct, joined) =
        tokio::try_join!(listed::direct(&deps.db, caller.app, query.user), deps.directory.places(caller, query.user))?;
    // Contacts have become so even if they have written nothing.
    let contacts = joined.contacts.into_iter().map(|contact| ConversationId::direct(query.user, contact));
    let direct: BTreeSet<ConversationId> = direct.into_iter().chain(contacts).collect();
    let direct = direct.into_iter().map(|conversation| since(conversation, MsgId::ZERO, Some(UnixMillis(0))));
    // Of threads members see the whole history, and every change.
    let of_member = |it: &UserPlace| {
        since(it.conversation, it.floor, Some(if it.is_thread { UnixMillis(0) } else { it.joined_at }))
    };
    Ok(direct.chain(joined.places.iter().map(of_member)).collect())
}

/// Those in lanes of which something after the cursor is not kept any more, or whose numbers the cursor is ahead of: then the
/// database was restored, and numbers that the device has seen mean other events now.
async fn lost(deps: &Deps, app: AppId, asked: &[Since]) -> Result<Vec<ConversationId>, Error> {
    let lanes = store::lane::lanes(&deps.db, app).await?;
    let lanes: HashMap<i64, Lane> = lanes.into_iter().map(|lane| (lane.lane, lane)).collect();
    let is_lost = |since: &&Since| {
        let lane = lanes.get(&lane(since.conversation)).copied().unwrap_or_default();
        since.after > lane.last || since.after < lane.purged.max(lane.purged_events)
    };
    Ok(asked.iter().filter(is_lost).map(|since| since.conversation).collect())
}
