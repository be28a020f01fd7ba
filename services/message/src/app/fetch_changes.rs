//! Fetches the directory's changes into the event feed, in the background.
//!
//! Every process of this service does so. A change is recognized by its idempotency key, so one that is fetched again,
//! by another process or after a crash before it was removed, adds nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_domain::{AppId, Change, ChangeKind, Error, EventKind, MsgId, Platform, UnixMillis, UserId};
use tidings_proto::internal::RecordedChange;
use tidings_runtime::{Hint, Task};
use tidings_store::Tx;
use tokio::time::{sleep, timeout};

use super::once;
use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    store::{
        event::{self, NewEvent},
        file_use::{self, Released},
        key::Key,
    },
};

/// How long the directory waits for a change.
const WAIT: Duration = Duration::from_secs(2);
/// As many as the directory gives at once.
const MANY: usize = 500;
/// The pause after an answer without new changes: what bounds the calls, should the directory not wait.
const PAUSE: Duration = Duration::from_millis(50);
/// The pause after a failure; twice as long after each further one.
const REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(8);
/// How often a lasting failure is logged.
const LOG_PAUSE: Duration = Duration::from_mins(1);
/// How long a reader waits for them.
const CATCH_UP: Duration = Duration::from_secs(1);
/// The scope of the keys.
const SCOPE: &str = "change";

/// Runs until shutdown.
pub fn spawn(deps: &Arc<Deps>) {
    let working = Arc::clone(deps);
    deps.tasks.run(Task::new("message.fetch_changes"), move || run(Arc::clone(&working)));
}

async fn run(deps: Arc<Deps>) {
    let mut rest = REST;
    let mut logged_at = None;
    loop {
        match fetch(&deps, WAIT).await {
            Ok(fetched) => {
                (rest, logged_at) = (REST, None);
                if !fetched {
                    sleep(PAUSE).await;
                }
            }
            Err(error) => {
                let now = deps.clock.elapsed();
                if logged_at.is_none_or(|logged_at| now.saturating_sub(logged_at) >= LOG_PAUSE) {
                    logged_at = Some(now);
                    tracing::warn!(%error, "changes of users and groups cannot be put into the event feed yet");
                }
                sleep(rest).await;
                rest = (rest * 2).min(LONGEST_REST);
            }
        }
    }
}

/// Fetches what was committed before the call, so that who reads the feed to its end, or starts at its end, finds there
/// what they did before. Gives up after a while: then it comes later, as always.
pub async fn catch_up(deps: &Deps) {
    let all = async { while matches!(fetch(deps, Duration::ZERO).await, Ok(true)) {} };
    _ = timeout(CATCH_UP, all).await;
}

/// Fetches some, and waits for the first; false if there is no more to be expected at once.
async fn fetch(deps: &Deps, wait: Duration) -> Result<bool, Error> {
    let fetched = deps.directory.take_changes(wait).await?;
    let mut changes = Vec::with_capacity(fetched.len());
    let mut unknown = None;
    for recorded in fetched {
        match read(recorded) {
            Ok(change) => changes.push(change),
            // Of a newer directory. What comes after it waits too, so that the order stays.
            Err(error) => {
                unknown = Some(error);
                break;
            }
        }
    }
    if let (true, Some(error)) = (changes.is_empty(), unknown) {
        return Err(error);
    }
    if changes.is_empty() {
        return Ok(false);
    }
    let added = append(deps, &changes).await?;
    deps.directory.remove_changes(changes.iter().map(|change| change.id).collect()).await?;
    // Those that were known are another process's work, which it is about to remove.
    Ok(added > 0 || changes.len() >= MANY)
}

/// A change as the directory recorded it.
struct Recorded {
    id: i64,
    app: AppId,
    made_at: UnixMillis,
    actor: UserId,
    kind: ChangeKind,
    change: Change,
    /// The change as it is stored.
    json: String,
    origin: Origin,
}

impl Recorded {
    /// With the time, since a directory that was restored from a backup gives its numbers again.
    fn key(&self) -> Key {
        Key { app: self.app, scope: SCOPE.to_owned(), key: format!("{:019}/{}", self.id, self.made_at.0) }
    }
}

fn read(recorded: RecordedChange) -> Result<Recorded, Error> {
    let unknown = || Error::internal(format!("a change of the unknown kind {}", recorded.kind));
    let kind = ChangeKind::of_name(&recorded.kind).ok_or_else(unknown)?;
    let change: Change = serde_json::from_str(&recorded.detail).map_err(Error::internal)?;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Recorded {
        id: recorded.change_id,
        app: AppId(recorded.app_id),
        made_at: UnixMillis(recorded.made_at_ms),
        actor: UserId(recorded.actor_id),
        kind,
        change,
        json: recorded.detail,
        origin: Origin {
            address: given(recorded.address),
            platform: Platform::of_name(&recorded.platform)?.name(),
            trace: given(recorded.trace),
        },
    })
}

/// Adds an event for each that is not in the feed yet, in their order, all in one transaction; returns how many.
async fn append(deps: &Deps, changes: &[Recorded]) -> Result<usize, Error> {
    let now = deps.clock.now();
    let mut tx = deps.db.begin().await?;
    let fresh = once::keep_new(&mut tx, changes.iter().collect(), |change: &&Recorded| change.key(), now).await?;
    if fresh.is_empty() {
        return Ok(0);
    }
    release_files(&mut tx, &fresh, now).await?;
    let events: Vec<NewEvent<'_>> = fresh.into_iter().map(event).collect();
    event::append(&mut tx, &events, std::iter::empty()).await?;
    tx.commit().await?;
    let apps: HashSet<AppId> = changes.iter().map(|change| change.app).collect();
    for app in apps {
        deps.bus.publish(Hint::Events(app));
    }
    Ok(events.len())
}

/// Releases the files that groups share no longer: they are removed as after a recall, once nothing shows them. In
/// ascending order, so that processes do not deadlock.
async fn release_files(tx: &mut Tx, changes: &[&Recorded], now: UnixMillis) -> Result<(), Error> {
    let unshared = changes.iter().filter_map(|recorded| match &recorded.change {
        Change::FileShared { uuid, owner, is_shared: false, .. } => Some((recorded.app, uuid, *owner)),
        _ => None,
    });
    let mut unshared: Vec<_> = unshared.collect();
    unshared.sort_unstable();
    for (app, uuid, user) in unshared {
        file_use::release(tx, app, &Released { uuid: uuid.clone(), user, since: now }).await?;
    }
    Ok(())
}

fn event(recorded: &Recorded) -> NewEvent<'_> {
    let place = recorded.change.place();
    NewEvent {
        app: recorded.app,
        lane: lane(place),
        kind: EventKind::Changed(recorded.kind),
        made_at: recorded.made_at,
        conversation: place,
        msg_id: MsgId::ZERO,
        actor: recorded.actor,
        body: Some(&recorded.json),
        reason: None,
        edits: 0,
        origin: &recorded.origin,
    }
}
