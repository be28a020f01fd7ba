//! Puts the events for a device into its queues.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tidings_domain::{ConversationId, Error, MsgId, Reason, UnixMillis};

use super::{
    entries::{entries_of, is_sent},
    missed::{is_pending, pending},
    offline::{Undelivered, undelivered},
    own::OwnActions,
    position::{Position, ReachedCursor},
    queues::Queues,
    saved::{save, saved},
};
use crate::realtime::{catch_up::CatchUp, client::Client, event::Event, hub::Entered};

/// A change is in the feed within this time; a request made within that time before a position may be announced twice.
const LATE_CHANGES: Duration = Duration::from_secs(10);
/// Conversations whose newest message is remembered.
const MOST_CONVERSATIONS: usize = 1_000;

/// The entries for one device, and its acknowledgements.
pub(super) struct Intake {
    pub queues: Queues,
    pub own: OwnActions,
    app_key: String,
    position: Position,
    /// The position up to which the feed was taken, while an event is held back.
    taken: Option<ReachedCursor>,
    /// The past events still to be read for the device, and their end: until then no new event is taken.
    past: Option<(CatchUp, ReachedCursor)>,
    /// What it began with: not delivered again when it arrives in the feed.
    first: HashSet<MsgId>,
    /// The newest message of each conversation that was for this session.
    newest: HashMap<ConversationId, MsgId>,
}

impl Intake {
    /// Nothing yet.
    pub fn new(app_key: &str, queues: Queues) -> Self {
        Self {
            queues,
            own: OwnActions::default(),
            app_key: app_key.to_owned(),
            position: Position::default(),
            taken: None,
            past: None,
            first: HashSet::new(),
            newest: HashMap::new(),
        }
    }

    /// The queues of the device: a known one continues at its position.
    pub async fn begin(&mut self, client: &Client, entered: &Entered) -> Result<(), Error> {
        let (now, saved) = (client.gateway.now(), saved(client).await?);
        let here = ReachedCursor { cursor: Arc::clone(&entered.cursor), at: now };
        let past = match &saved {
            Some(saved) => past(client, &saved.cursor, &entered.cursor).await?,
            None => None,
        };
        if let Some(past) = past {
            self.past = Some((past, here));
            self.read_past(client).await?;
        } else {
            self.taken = Some(here);
            for one in undelivered(client, &entered.cursor, &self.app_key).await? {
                let Undelivered { conversation, msg_id, queue, entry } = one;
                self.queues.push(queue, entry);
                self.first.insert(msg_id);
                self.saw(conversation, msg_id);
            }
        }
        let since = saved.map_or(UnixMillis(0), |saved| UnixMillis(saved.at.0 - LATE_CHANGES.as_millis() as i64));
        for (queue, entry) in pending(client, since, &self.app_key).await? {
            self.queues.push(queue, entry);
        }
        self.move_on();
        Ok(())
    }

    /// Whether events are taken: there is room, and everything before them was read.
    pub fn takes_events(&self) -> bool {
        self.past.is_none() && self.queues.has_room()
    }

    /// Reads more of the events from while the device was disconnected, as far as there is room.
    pub async fn read_past(&mut self, client: &Client) -> Result<(), Error> {
        while self.queues.has_room()
            && let Some((past, _)) = &mut self.past
        {
            if let Some(mut part) = past.next(&client.gateway, client.app()).await? {
                part.events.retain(|event| !event.event.change.as_ref().is_some_and(is_pending));
                self.take(part.events, client);
            } else {
                self.taken = self.past.take().map(|(_, upto)| upto);
                self.move_on();
            }
        }
        Ok(())
    }

    /// Everything up to that cursor of the feed was taken.
    pub fn came(&mut self, cursor: Arc<str>, client: &Client) {
        self.taken = Some(ReachedCursor { cursor, at: client.gateway.now() });
        self.move_on();
    }

    /// What was taken of the feed is in the queues, unless something is held back.
    pub fn move_on(&mut self) {
        if self.own.holds_nothing()
            && let Some(place) = self.taken.take()
        {
            self.position.came(place, self.queues.last_key());
        }
    }

    /// Events for the device, except those that it caused itself.
    pub fn take(&mut self, events: Vec<Arc<Event>>, client: &Client) {
        for event in events {
            let wire = &event.event.wire;
            let (msg_id, conversation) = (MsgId(wire.msg_id), event.event.conversation);
            if is_sent(&event) {
                if self.first.remove(&msg_id) {
                    continue;
                }
                let is_stored = event.event.of.is_some_and(|(seq, _)| seq > 0);
                conversation.filter(|_| is_stored).into_iter().for_each(|place| self.saw(place, msg_id));
            }
            if let Some(event) = self.own.pass(event, client.user) {
                let newest = conversation.and_then(|conversation| self.newest.get(&conversation));
                let has_all = newest.is_some_and(|newest| msg_id >= *newest);
                for (queue, entry) in entries_of(&event, client.user, has_all, &self.app_key) {
                    self.queues.push(queue, entry);
                }
            }
        }
    }

    fn saw(&mut self, conversation: ConversationId, msg_id: MsgId) {
        if self.newest.len() >= MOST_CONVERSATIONS {
            self.newest.clear();
        }
        let newest = self.newest.entry(conversation).or_insert(msg_id);
        *newest = msg_id.max(*newest);
    }

    /// Saves the position, if that is due.
    pub async fn save_if_due(&mut self, client: &Client) {
        self.position.acknowledged(self.queues.oldest());
        if let Some(place) = self.position.due() {
            save(client, &place).await;
        }
    }

    /// Saves the position at the end of the session.
    pub async fn save_last(&mut self, client: &Client) {
        self.position.acknowledged(self.queues.oldest());
        if let Some(place) = self.position.last() {
            save(client, &place).await;
        }
    }
}

/// Events since a cursor; `None`: the cursor is no longer valid.
async fn past(client: &Client, after: &str, upto: &str) -> Result<Option<CatchUp>, Error> {
    match CatchUp::open(&client.gateway, &client.caller, after, upto).await {
        Err(error) if error.reason() == Reason::InvalidArgument => Ok(None),
        past => past.map(Some),
    }
}
