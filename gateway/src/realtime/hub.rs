//! The feeds that this gateway follows: of each app that has a session here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tidings_domain::{App, AppId, Caller, Error, Reason, SessionEnd, UserId};

use tokio::{sync::Semaphore, time::timeout};

use super::{
    app_feed::AppFeed,
    client::Client,
    reporter::Reporter,
    session::{Inbox, Session, Signal},
};
use crate::Gateway;

/// How long a session waits until the directory knows it. Without that it starts anyway, since what arrives for its
/// user matters more.
const KNOWN: Duration = Duration::from_secs(3);

/// Sessions that enter at once: the others wait here, not for a connection of the directory's database.
const ENTRIES: usize = 16;

type Feeds = HashMap<AppId, Arc<AppFeed>>;

/// The followed feeds.
pub(crate) struct Hub {
    feeds: Arc<Mutex<Feeds>>,
    sessions: AtomicU64,
    reporter: Arc<Reporter>,
    entries: Semaphore,
}

impl Default for Hub {
    fn default() -> Self {
        let (feeds, sessions, reporter) = (Arc::default(), AtomicU64::default(), Arc::default());
        Self { feeds, sessions, reporter, entries: Semaphore::new(ENTRIES) }
    }
}

/// A session in its app's feed, or several with one inbox, until it is dropped.
pub(crate) struct Entered {
    feed: Arc<AppFeed>,
    sessions: Vec<Arc<Session>>,
    /// Present if the session of a device has started.
    reporter: Option<Arc<Reporter>>,
    /// How the session ended, once it is known.
    pub how: SessionEnd,
    pub inbox: Inbox,
    /// The feed's cursor when the session entered: events up to there are read from the log, if requested.
    pub cursor: Arc<str>,
}

impl Hub {
    /// Starts a session of a user: it gets events from now on. The directory knows it then, so a connected user is
    /// online, and a kick ends the session.
    pub async fn enter(&self, gateway: &Gateway, client: &Client) -> Result<Entered, Error> {
        let device = Some(client.shown.clone());
        let (session, inbox) = Session::new(self.next_id(), client.user, device, gateway.now());
        let caller = (client.app(), &client.caller);
        let mut entered = self.enter_with(gateway, caller, (vec![Arc::clone(&session)], inbox)).await?;
        let known = self.reporter.started(client, &session);
        entered.reporter = Some(Arc::clone(&self.reporter));
        if !matches!(timeout(KNOWN, known).await, Ok(Ok(()))) {
            session.starts_unknown();
        }
        Ok(entered)
    }

    /// Starts a session for each of an app's users, at least one, with one inbox for all of them. They are not devices
    /// of the users, who are not online for them.
    pub async fn enter_all(
        &self,
        gateway: &Gateway,
        (app, caller): (&App, &Caller),
        users: &[UserId],
    ) -> Result<Entered, Error> {
        let first = users.first().copied().unwrap_or(UserId::ADMIN);
        let (session, inbox) = Session::new(self.next_id(), first, None, gateway.now());
        let others = users.iter().skip(1).map(|user| session.sibling(self.next_id(), *user));
        let sessions = others.collect::<Vec<_>>().into_iter().chain([session]).collect();
        self.enter_with(gateway, (app, caller), (sessions, inbox)).await
    }

    async fn enter_with(
        &self,
        gateway: &Gateway,
        (app, caller): (&App, &Caller),
        (sessions, inbox): (Vec<Arc<Session>>, Inbox),
    ) -> Result<Entered, Error> {
        let feed = self.join(gateway, app, &sessions).await?;
        // Removed again if it cannot enter.
        let (reporter, how, cursor) = (None, SessionEnd::Closed, Arc::from(""));
        let mut entered = Entered { feed, sessions, reporter, how, inbox, cursor };
        let _turn = self.entries.acquire().await.map_err(Error::internal)?;
        entered.cursor = entered.feed.enter(gateway, caller, &entered.sessions).await?;
        Ok(entered)
    }

    fn next_id(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands the sessions of a user here a transient signal.
    pub fn signal(&self, app: AppId, user: UserId, signal: Signal) {
        if let Some(feed) = self.feeds().get(&app) {
            feed.signal(user, &Arc::new(signal));
        }
    }

    async fn join(&self, gateway: &Gateway, app: &App, sessions: &[Arc<Session>]) -> Result<Arc<AppFeed>, Error> {
        if gateway.stopping().is_triggered() {
            return Err(Error::new(Reason::Unavailable, "the server restarts"));
        }
        let add = |feed: &Arc<AppFeed>| sessions.iter().all(|session| feed.add(session));
        let feed = {
            let mut feeds = self.feeds();
            let feed = feeds.get(&app.id).filter(|feed| add(feed)).cloned();
            feed.unwrap_or_else(|| {
                let (known, id) = (Arc::clone(&self.feeds), app.id);
                let number = self.reporter.number(gateway);
                let feed = AppFeed::start(gateway.clone(), number, app.clone(), move |feed| forget(&known, id, feed));
                add(&feed);
                feeds.insert(app.id, Arc::clone(&feed));
                feed
            })
        };
        feed.started().await.inspect_err(|_| sessions.iter().for_each(|session| feed.remove(session)))?;
        Ok(feed)
    }

    fn feeds(&self) -> MutexGuard<'_, Feeds> {
        locked(&self.feeds)
    }
}

impl Entered {
    /// What tells its sessions of events.
    pub(super) fn feed(&self) -> Arc<AppFeed> {
        Arc::clone(&self.feed)
    }

    /// Has its sessions reported again: the directory may have removed them, although they continue.
    pub fn report_again(&self) {
        if let Some(reporter) = &self.reporter {
            self.sessions.iter().for_each(|session| reporter.again(session));
        }
    }
}

/// Forgets a feed that has ended.
fn forget(feeds: &Mutex<Feeds>, app: AppId, feed: &Arc<AppFeed>) {
    let mut feeds = locked(feeds);
    if feeds.get(&app).is_some_and(|known| Arc::ptr_eq(known, feed)) {
        feeds.remove(&app);
    }
}

fn locked(feeds: &Mutex<Feeds>) -> MutexGuard<'_, Feeds> {
    feeds.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.sessions.iter().for_each(|session| self.feed.remove(session));
        if let Some(reporter) = &self.reporter {
            self.sessions.iter().for_each(|session| reporter.ended(session, self.how));
        }
    }
}
