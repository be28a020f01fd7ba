//! The feeds that this gateway follows: of each app that has a session here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tidings_domain::{App, AppId, Error, SessionEnd, UserId};

use super::{
    app_feed::AppFeed,
    client::Client,
    reporter::Reporter,
    session::{Inbox, Session, Signal},
};
use crate::Gateway;

type Feeds = HashMap<AppId, Arc<AppFeed>>;

/// The followed feeds.
#[derive(Default)]
pub(crate) struct Hub {
    feeds: Arc<Mutex<Feeds>>,
    sessions: AtomicU64,
    reporter: Arc<Reporter>,
}

/// A session in its app's feed, until it is dropped.
pub(crate) struct Entered {
    feed: Arc<AppFeed>,
    session: Arc<Session>,
    /// Present if the session has started.
    reporter: Option<Arc<Reporter>>,
    /// How the session ended, once it is known.
    pub how: SessionEnd,
    pub inbox: Inbox,
    /// The feed's cursor when the session entered: what happened up to there is to be read, if it is asked for.
    pub cursor: Arc<str>,
}

impl Hub {
    /// Starts a session of a user: it gets what happens from now on.
    pub async fn enter(&self, gateway: &Gateway, client: &Client) -> Result<Entered, Error> {
        let id = self.sessions.fetch_add(1, Ordering::Relaxed);
        let (session, inbox) = Session::new(id, client.user, client.shown.clone(), gateway.now());
        let feed = self.join(gateway, client.app(), &session).await?;
        // Removed again if it cannot enter.
        let (reporter, how, cursor) = (None, SessionEnd::Closed, Arc::from(""));
        let mut entered = Entered { feed, session, reporter, how, inbox, cursor };
        entered.cursor = entered.feed.enter(gateway, &client.caller, &entered.session).await?;
        self.reporter.started(client, &entered.session);
        entered.reporter = Some(Arc::clone(&self.reporter));
        Ok(entered)
    }

    /// Hands the sessions of a user here something passing.
    pub fn signal(&self, app: AppId, user: UserId, signal: Signal) {
        if let Some(feed) = self.feeds().get(&app) {
            feed.signal(user, &Arc::new(signal));
        }
    }

    async fn join(&self, gateway: &Gateway, app: &App, session: &Arc<Session>) -> Result<Arc<AppFeed>, Error> {
        let feed = {
            let mut feeds = self.feeds();
            let feed = feeds.get(&app.id).filter(|feed| feed.add(session)).cloned();
            feed.unwrap_or_else(|| {
                let (known, id) = (Arc::clone(&self.feeds), app.id);
                let feed = AppFeed::start(gateway.clone(), app.clone(), move |feed| forget(&known, id, feed));
                feed.add(session);
                feeds.insert(app.id, Arc::clone(&feed));
                feed
            })
        };
        feed.started().await.inspect_err(|_| feed.remove(session))?;
        Ok(feed)
    }

    fn feeds(&self) -> MutexGuard<'_, Feeds> {
        locked(&self.feeds)
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
        self.feed.remove(&self.session);
        if let Some(reporter) = &self.reporter {
            reporter.ended(&self.session, self.how);
        }
    }
}
