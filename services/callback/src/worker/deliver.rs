//! Posts what is due, some at once, and writes down what came of it.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tidings_domain::{App, Error, UnixMillis};
use tokio::sync::{mpsc, watch};

use super::{
    AT_ONCE, Shared,
    breaker::Breaker,
    post::{self, Answer},
    schedule::judge,
};
use crate::{
    app::Core,
    model::{Attempt, Due, Endpoint, Outcome, State},
    store::{self, delivery},
};

/// Outcomes of one transaction.
const BATCH: usize = 256;
/// How long it rests when nothing is due.
const LOOK: Duration = Duration::from_secs(5);
/// What is counted of what waits at the start.
const COUNTED: i64 = 1_000_000;

/// Until a failure of ours.
pub async fn deliver(
    core: &Arc<Core>,
    present: &watch::Receiver<Arc<Endpoint>>,
    shared: &Shared,
    mut changes: watch::Receiver<()>,
) -> Result<(), Error> {
    let endpoint = &Arc::clone(&present.borrow());
    let which = (endpoint.app, endpoint.id);
    let app = Arc::new(core.deps.directory.app_of(endpoint.app).await?);
    let now = || core.deps.clock.now();
    let untried = delivery::waiting(&core.deps.db, which, now(), COUNTED).await?;
    shared.untried.store(untried, Ordering::SeqCst);
    shared.tried.notify_one();
    let (ended, mut outcomes) = mpsc::unbounded_channel();
    let (mut open, mut breaker) = (HashSet::new(), Breaker::default());
    loop {
        changes.mark_unchanged();
        let room = breaker.allows(now()).min(AT_ONCE.saturating_sub(open.len()));
        let mut more = false;
        if room > 0 {
            let limit = (room + open.len()) as i64;
            let due = delivery::due(&core.deps.db, which, endpoint.ordered, now(), limit).await?;
            more = due.len() as i64 == limit;
            let due: Vec<Due> = due.into_iter().filter(|due| !open.contains(&due.id)).take(room).collect();
            for due in due {
                open.insert(due.id);
                // With the keys that it has now.
                post(core, &present.borrow(), &app, due, ended.clone());
            }
        }
        let wake_at = wake_at(core, endpoint, &breaker, more).await?;
        tokio::select! {
            Some(ended) = outcomes.recv() => {
                let mut all = vec![ended];
                while all.len() < BATCH && let Ok(ended) = outcomes.try_recv() {
                    all.push(ended);
                }
                settle(core, endpoint, shared, &mut breaker, &mut open, all).await?;
            }
            () = shared.written.notified() => {}
            _ = changes.changed() => {}
            () = tokio::time::sleep(wake_at) => {}
        }
    }
}

/// How long until something may be due that nobody tells of.
async fn wake_at(core: &Core, endpoint: &Endpoint, breaker: &Breaker, more: bool) -> Result<Duration, Error> {
    let now = core.deps.clock.now();
    if let Some(until) = breaker.closed_until(now) {
        return Ok((until - now).min(LOOK));
    }
    if more {
        return Ok(LOOK);
    }
    let next = delivery::next_at(&core.deps.db, (endpoint.app, endpoint.id), now).await?;
    Ok(next.map_or(LOOK, |next| (next - now).min(LOOK)))
}

/// A try that has ended.
type Ended = (Due, Attempt, Answer);

fn post(core: &Arc<Core>, endpoint: &Arc<Endpoint>, app: &Arc<App>, due: Due, ended: mpsc::UnboundedSender<Ended>) {
    let (core, endpoint, app) = (Arc::clone(core), Arc::clone(endpoint), Arc::clone(app));
    tokio::spawn(async move {
        let begun = core.deps.clock.now();
        let answer = post::post(&core, &endpoint, &app, &due, begun).await;
        let ms = (core.deps.clock.now() - begun).as_millis() as i64;
        let attempt = Attempt { at: begun.0, ms, status: answer.status, answer: answer.text.clone() };
        // Whoever asked may be gone; then it is tried again.
        let _ = ended.send((due, attempt, answer));
    });
}

async fn settle(
    core: &Core,
    endpoint: &Endpoint,
    shared: &Shared,
    breaker: &mut Breaker,
    open: &mut HashSet<i64>,
    ended: Vec<Ended>,
) -> Result<(), Error> {
    let now: UnixMillis = core.deps.clock.now();
    let (mut outcomes, mut first, mut gone) = (Vec::with_capacity(ended.len()), 0, false);
    for (due, attempt, answer) in ended {
        let verdict = judge(&core.deps, endpoint.retry, &answer, due.tries, now);
        breaker.count(verdict.state == State::Delivered, now);
        gone |= answer.status == 410;
        first += i64::from(due.tries == 0);
        open.remove(&due.id);
        outcomes.push(Outcome { id: due.id, state: verdict.state, at: verdict.at, tries: due.tries + 1, attempt });
    }
    let mut tx = core.deps.db.begin().await?;
    delivery::settle(&mut tx, (endpoint.app, endpoint.id), &outcomes).await?;
    if gone {
        store::endpoint::pause(&mut tx, endpoint.app, endpoint.id, Some("it answered 410")).await?;
    }
    tx.commit().await?;
    if outcomes.iter().any(|outcome| outcome.state == State::Delivered) {
        shared.delivered_at.store(now.0, Ordering::SeqCst);
    }
    shared.untried.fetch_sub(first, Ordering::SeqCst);
    shared.tried.notify_one();
    if gone {
        core.tell();
    }
    Ok(())
}
