//! Follows the feed of one app and hands its events to the sessions they concern.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tidings_domain::{App, Caller, Change, ConversationId, Error, MsgId, Reason, UnixMillis, UserId};
use tidings_proto::{error_from_status, moment_or_zero, pb};
use tidings_runtime::{
    context,
    metrics::{Follower, metrics},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use tonic::Streaming;

use super::{
    SPREAD,
    event::{Batch, Joined, read, rendered},
    kick::kick,
    older::Older,
    recipients::recipients,
    serve::share,
    session::{Ending, Session, Signal},
    table::Table,
};
use crate::{Gateway, agora::feed::FeedEvent, membership, reply::refused};

/// How long a feed is followed after its last session has ended, so that one client that reconnects does not restart
/// it.
const LINGER: Duration = Duration::from_secs(30);
/// How long sessions of an app that is gone have to find that themselves, and to tell their clients.
const LAST_CHECK: Duration = Duration::from_secs(6);
/// The pause before a broken feed is opened again, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Maximum number of events per read.
const BATCH: i32 = 500;
/// Sessions of a user's devices. A new one takes the place of the oldest.
const MOST_SESSIONS: usize = 64;
/// How long a session waits for the feed to start.
const START: Duration = Duration::from_secs(10);
/// How long after the others sessions may stay when the process stops: they end by themselves, those that are stuck with the
/// feed.
const STUCK: Duration = Duration::from_millis(500);

/// The feed of one app.
pub(super) struct AppFeed {
    app: App,
    /// The number of the gateway, as the directory knows it.
    number: i64,
    state: Mutex<State>,
    /// Held while events are distributed: their receivers are decided at the beginning, and a user who enters meanwhile
    /// would miss them.
    turn: tokio::sync::Mutex<()>,
    started: watch::Sender<bool>,
    is_interrupted: AtomicBool,
    /// The last session has gone.
    emptied: Notify,
}

struct State {
    table: Table,
    /// After the events that were handed out.
    cursor: Arc<str>,
    /// It takes no more sessions.
    has_ended: bool,
    /// Since when it has no session.
    idle_since: Instant,
}

impl AppFeed {
    /// Follows the feed from now on; `ended` is called when it stops.
    pub fn start(
        gateway: Gateway,
        number: i64,
        app: App,
        ended: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> Arc<Self> {
        let state =
            State { table: Table::default(), cursor: Arc::from(""), has_ended: false, idle_since: Instant::now() };
        let feed = Arc::new(Self {
            app,
            number,
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
            started: watch::Sender::new(false),
            is_interrupted: AtomicBool::new(false),
            emptied: Notify::default(),
        });
        gateway.event_memory().add(&feed);
        let followed = Arc::clone(&feed);
        let unfinished = gateway.unfinished().begin();
        tokio::spawn(async move {
            let _unfinished = unfinished;
            let within = tokio::select! {
                () = followed.follow(&gateway) => SPREAD.max(gateway.sockets().drain()),
                () = followed.last_sessions(&gateway) => Duration::ZERO,
            };
            followed.end(within);
            ended(&followed);
        });
        feed
    }

    /// Adds a session; false: the feed has ended.
    pub fn add(&self, session: &Arc<Session>) -> bool {
        let mut state = self.state();
        if state.has_ended {
            return false;
        }
        let is_same = |known: &&Arc<Session>| known.replaces().is_some() && known.replaces() == session.replaces();
        for replaced in state.table.of_user(session.user).filter(is_same) {
            let reason = session.device.as_ref().map(|device| Arc::clone(&device.reason));
            replaced.end(Ending::Replaced(reason.unwrap_or_default()));
        }
        if session.device.is_some() {
            end_oldest(&state.table, session.user);
        }
        state.table.add(session);
        true
    }

    /// Removes a session.
    pub fn remove(&self, session: &Session) {
        let mut state = self.state();
        state.table.remove(session);
        if state.table.is_empty() {
            state.idle_since = Instant::now();
            self.emptied.notify_waiters();
        }
    }

    /// Waits until the feed has a position.
    pub async fn started(&self) -> Result<(), Error> {
        let mut started = self.started.subscribe();
        let waited = timeout(START, started.wait_for(|started| *started)).await;
        match waited {
            Ok(Ok(_)) if !self.state().has_ended => Ok(()),
            _ => Err(Error::new(Reason::Unavailable, "")),
        }
    }

    /// The users of sessions with one inbox enter their groups and rooms. Returns the cursor up to which the sessions have
    /// to read what happened; everything after it is handed to them.
    pub async fn enter(
        &self,
        gateway: &Gateway,
        caller: &Caller,
        sessions: &[Arc<Session>],
    ) -> Result<Arc<str>, Error> {
        let mut groups = Vec::with_capacity(sessions.len());
        for session in sessions {
            groups.push(membership::all_of(gateway, caller, session.user).await?);
        }
        let _turn = self.turn.lock().await;
        let mut state = self.state();
        for (session, groups) in sessions.iter().zip(groups) {
            state.table.enter(session, groups);
        }
        if let Some(first) = sessions.first() {
            first.mark_entered();
        }
        Ok(Arc::clone(&state.cursor))
    }

    /// Hands a user's sessions a signal.
    pub fn signal(&self, user: UserId, signal: &Arc<Signal>) {
        self.state().table.of_user(user).for_each(|session| session.signal(signal));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the process has stopped and its sessions have ended.
    async fn last_sessions(&self, gateway: &Gateway) {
        gateway.stopping().triggered().await;
        let emptied = async {
            loop {
                let emptied = self.emptied.notified();
                if self.state().table.is_empty() {
                    return;
                }
                emptied.await;
            }
        };
        let _ = timeout(gateway.sockets().longest_drain() + STUCK, emptied).await;
    }

    /// Until it has had no session for a while.
    async fn follow(&self, gateway: &Gateway) {
        let (mut after, mut pause) = ("now".to_owned(), PAUSE);
        loop {
            match self.follow_once(gateway, &mut after, &mut pause).await {
                Ok(()) => return,
                Err(error) => match error.reason() {
                    Reason::AppNotFound | Reason::AppDisabled => {
                        tracing::debug!(%error, app = %self.app.id, "the event feed is followed no more");
                        sleep(LAST_CHECK).await;
                        return;
                    }
                    Reason::EventsExpired | Reason::InvalidArgument => {
                        // Cannot be for a gateway that follows, unless it stood still for as long as events are kept, or
                        // the feed is another one now. Clients have to read what they missed.
                        tracing::warn!(%error, app = %self.app.id, "the event feed does not go on from where it was");
                        return;
                    }
                    reason if reason.is_transient() => {
                        tracing::debug!(%error, app = %self.app.id, "the event feed is opened again");
                    }
                    // Whatever it is, it would be the same for clients that connect again.
                    _ => {
                        tracing::error!(%error, app = %self.app.id, "the event feed cannot be read, and is opened again");
                    }
                },
            }
            if self.is_unused() {
                return;
            }
            metrics().feed.interrupted(Follower::Realtime);
            self.is_interrupted.store(true, Ordering::Relaxed);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Ends when it is no longer used.
    async fn follow_once(&self, gateway: &Gateway, after: &mut String, pause: &mut Duration) -> Result<(), Error> {
        let mut replies = self.open(gateway, after).await?;
        loop {
            let reply = tokio::select! {
                reply = replies.message() => reply.map_err(error_from_status)?,
                () = sleep(LINGER) => {
                    if self.is_unused() {
                        return Ok(());
                    }
                    continue;
                }
            };
            let Some(reply) = reply else {
                return Err(Error::new(Reason::Unavailable, "the feed has ended"));
            };
            let newest = reply.events.iter().map(|event| moment_or_zero(event.at)).max();
            self.hand_out(gateway, reply.events, &reply.cursor).await?;
            gateway.event_memory().relieve();
            if let Some(newest) = newest {
                metrics().feed.taken(Follower::Realtime, gateway.now() - newest);
            }
            after.clone_from(&reply.cursor);
            *pause = PAUSE;
            self.is_interrupted.store(false, Ordering::Relaxed);
            self.started.send_replace(true);
            if self.is_unused() {
                return Ok(());
            }
        }
    }

    async fn open(&self, gateway: &Gateway, after: &str) -> Result<Streaming<pb::EventsResponse>, Error> {
        let request = pb::EventsRequest { after: after.to_owned(), kinds: Vec::new(), follow: true, batch: BATCH };
        let request = context::request(&Caller::of_app(self.app.id), request);
        Ok(gateway.clients().message.clone().events(request).await.map_err(refused)?.into_inner())
    }

    /// Hands events to the sessions they concern. Lookups are made only for those.
    async fn hand_out(&self, gateway: &Gateway, events: Vec<pb::Event>, cursor: &str) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let events = read(events);
        let (events, candidates) = {
            let state = self.state();
            for event in &events {
                kick(&state.table, self.number, event);
            }
            let concerns = |event: &FeedEvent| {
                let is_membership = event.change.as_ref().is_some_and(is_membership);
                is_membership || state.table.sessions(&recipients(event)).next().is_some()
            };
            let events: Vec<FeedEvent> = events.into_iter().filter(concerns).collect();
            let candidates = Older::candidates(&state.table, &events);
            (events, candidates)
        };
        let older = Older::read(gateway, &Caller::of_app(self.app.id), candidates).await?;
        let events = rendered(gateway, &self.app, events).await?;
        let cursor: Arc<str> = Arc::from(cursor);
        let mut state = self.state();
        let mut batches: HashMap<u64, (Arc<Session>, Batch)> = HashMap::new();
        let mut joined: HashMap<(u64, ConversationId), (Arc<Session>, UnixMillis)> = HashMap::new();
        for event in &events {
            let FeedEvent { change, conversation, wire, .. } = &event.event;
            if let (Some(change), Some(place)) = (change, conversation) {
                for user in change.new_members() {
                    if let Some(group) = change.group() {
                        let is_thread = group.parent != 0;
                        let joined = if is_thread { MsgId::ZERO } else { MsgId::before(moment_or_zero(wire.at)) };
                        state.table.join(user, group.id, joined);
                    }
                    for session in state.table.of_user(user) {
                        joined.insert((session.id, *place), (Arc::clone(session), moment_or_zero(wire.at)));
                    }
                }
            }
            for session in state.table.sessions(&event.recipients()) {
                // Its messages are read from the log, in order, with those from before the change was known here.
                let is_read = change.is_none() && conversation.is_some_and(|it| joined.contains_key(&(session.id, it)));
                if !is_read && !older.hides(&state.table, &event.event, session.user) {
                    let new = || (Arc::clone(session), Batch::new(&cursor));
                    batches.entry(session.inbox).or_insert_with(new).1.add(event, session.user);
                }
            }
            if let Some(change) = change {
                leave(&mut state.table, change);
            }
        }
        for ((_, conversation), (session, since)) in joined {
            let joined = Joined { user: session.user, conversation, since, upto: Arc::clone(&cursor) };
            let inbox = session.inbox;
            let new = || (session, Batch::new(&cursor));
            batches.entry(inbox).or_insert_with(new).1.joined.push(joined);
        }
        for (session, batch) in batches.into_values() {
            session.push(batch);
        }
        state.cursor = cursor;
        Ok(())
    }

    /// Whether it does not tell what happens now: neither of users who are disabled or disconnected.
    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }

    /// The sessions for which more than so many bytes wait.
    pub fn waiting_for_more_than(&self, bytes: usize) -> Vec<Arc<Session>> {
        let state = self.state();
        let waiting = state.table.all().filter(|session| session.waiting_bytes() > bytes && !session.has_ended());
        waiting.cloned().collect()
    }

    fn is_unused(&self) -> bool {
        let mut state = self.state();
        let is_unused = state.table.is_empty() && state.idle_since.elapsed() >= LINGER;
        state.has_ended |= is_unused;
        is_unused
    }

    /// Takes no more sessions, and ends those that it has within that time, so that their clients do not come back all at
    /// once.
    fn end(&self, within: Duration) {
        let mut sessions: Vec<Arc<Session>> = {
            let mut state = self.state();
            state.has_ended = true;
            state.table.all().cloned().collect()
        };
        self.started.send_replace(true);
        if within.is_zero() {
            return sessions.iter().for_each(|session| session.end(Ending::FeedLost));
        }
        let (began, share) = (Instant::now(), |session: &Arc<Session>| share(session.user));
        sessions.sort_unstable_by(|one, other| share(one).total_cmp(&share(other)));
        tokio::spawn(async move {
            for session in sessions {
                sleep_until(began + within.mul_f64(share(&session))).await;
                session.end(Ending::FeedLost);
            }
        });
    }
}

/// Makes room for another device of a user who has as many sessions as they may.
fn end_oldest(table: &Table, user: UserId) {
    let devices = || table.of_user(user).filter(|session| session.device.is_some());
    let too_many = (devices().count() + 1).saturating_sub(MOST_SESSIONS);
    if too_many > 0 {
        let mut sessions: Vec<&Arc<Session>> = devices().collect();
        sessions.sort_unstable_by_key(|session| session.id);
        // Some of them may have ended and be about to go.
        sessions.iter().take(too_many).for_each(|session| session.end(Ending::Replaced(Arc::default())));
    }
}

/// Whether a change affects who gets later events, or concerns users whom it does not name.
const fn is_membership(change: &Change) -> bool {
    matches!(
        change,
        Change::GroupCreated { .. }
            | Change::GroupDestroyed { .. }
            | Change::MembersJoined { .. }
            | Change::MembersLeft { .. }
            | Change::Applied { .. }
            | Change::InvitationDeclined { .. }
    )
}

/// Former members get no further events.
fn leave(table: &mut Table, change: &Change) {
    match change {
        Change::GroupDestroyed { group, .. } => table.end(group.id),
        Change::MembersLeft { group, users, .. } => {
            for user in users {
                table.leave(*user, group.id);
            }
        }
        _ => {}
    }
}
