//! The event feed, for its followers.
//!
//! Numbers of a lane are assigned in commit order and without gaps, under a lock that is held until the commit:
//! whatever is committed later has a higher number. So reading each lane up to its current end misses nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use tidings_domain::{App, AppId, Error, EventKind, Reason};
use tidings_runtime::{Hint, fault};
use tidings_store::Scale;
use tokio::{sync::mpsc, time::Instant};
use tracing::Instrument as _;

use crate::{
    Deps,
    app::fetch_changes,
    store::{
        export::{self, Positions},
        feed::{self, Event, LaneRange, Part},
        lane::{self, Lane},
    },
};

/// The maximum delay until events are seen whose hint was lost, as that of every other process is without a bus between
/// them.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a follower gets the current cursor without any matching event.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// The minimum time between two reads: what is committed meanwhile is read at once.
const GATHER: Duration = Duration::from_millis(3);

/// A follower's request.
#[derive(Debug)]
pub struct FeedQuery {
    pub after: After,
    /// `None`: all.
    pub kinds: Option<Vec<EventKind>>,
    pub follow: bool,
    pub batch: usize,
}

/// Where to start.
#[derive(Debug)]
pub enum After {
    Beginning,
    Now,
    Cursor(Positions),
    /// At the first remaining event after it.
    Left(Positions),
}

/// The prefix of a cursor that allows events after it to be missing.
const LEFT: char = '~';

impl After {
    /// Parses a cursor: `lane:number` and so on.
    pub fn read(text: &str) -> Result<Self, Error> {
        match text {
            "" => return Ok(Self::Beginning),
            "now" => return Ok(Self::Now),
            _ => {}
        }
        match text.strip_prefix(LEFT) {
            Some(text) => Ok(Self::Left(positions(text)?)),
            None => Ok(Self::Cursor(positions(text)?)),
        }
    }
}

/// Maximum length of a cursor in bytes: a position for every possible lane.
const MAX_CURSOR: usize = 2048;

/// Each lane once, with numbers in the only spelling that [`cursor`] writes.
fn positions(text: &str) -> Result<Positions, Error> {
    let number = |text: &str| {
        let digits = text.bytes().all(|c| c.is_ascii_digit());
        if digits { text.parse::<i64>().ok() } else { None }
    };
    let mut positions = BTreeMap::new();
    let mut add = |part: &str| {
        let (lane, at) = part.split_once(':')?;
        positions.insert(number(lane)?, number(at)?).is_none().then_some(())
    };
    if text.len() > MAX_CURSOR || text.split('.').any(|part| add(part).is_none()) {
        return Err(Error::invalid("after", "is not a cursor"));
    }
    Ok(Positions(positions))
}

/// A cursor as text.
pub fn cursor(positions: &Positions) -> String {
    if positions.0.is_empty() {
        return "0:0".to_owned();
    }
    let parts: Vec<String> = positions.0.iter().map(|(lane, number)| format!("{lane}:{number}")).collect();
    parts.join(".")
}

/// A batch of events, and the cursor after them.
#[derive(Debug)]
pub struct Batch {
    /// Each with its lane.
    pub events: Vec<(i64, Event)>,
    pub positions: Positions,
}

/// The feed in batches. The first one may be empty: it contains the start cursor.
pub fn follow(deps: Arc<Deps>, app: Arc<App>, query: FeedQuery) -> impl Stream<Item = Result<Batch, Error>> + Send {
    let (batches, receiver) = mpsc::channel(1);
    let read = async move {
        if let Err(error) = send(&deps, app.id, query, &batches).await {
            let _ = batches.send(Err(error)).await;
        }
    };
    tokio::spawn(read.in_current_span());
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

/// Ends when the reader disconnects, or when there is nothing more for one who does not follow.
async fn send(
    deps: &Deps,
    app: AppId,
    query: FeedQuery,
    batches: &mpsc::Sender<Result<Batch, Error>>,
) -> Result<(), Error> {
    let mut hints = deps.bus.subscribe(Hint::Events(app));
    if !query.follow || matches!(query.after, After::Now) {
        fetch_changes::catch_up(deps).await;
    }
    let mut positions = match &query.after {
        After::Beginning => Positions::default(),
        After::Now => export::positions(&deps.db, app).await?,
        After::Cursor(positions) | After::Left(positions) => positions.clone(),
    };
    let lanes = lane::lanes(&deps.db, app).await?;
    let kept = match query.after {
        After::Cursor(_) | After::Now => RetentionCheck::new(&query, &[]),
        // Events that were already removed do not count as missed.
        After::Beginning | After::Left(_) => RetentionCheck::new(&query, &lanes),
    };
    kept.check(&lanes, &positions)?;
    let first = Batch { events: Vec::new(), positions: positions.clone() };
    if batches.send(Ok(first)).await.is_err() {
        return Ok(());
    }
    let (mut reported, mut reported_at) = (positions.clone(), Instant::now());
    loop {
        let read_at = Instant::now();
        hints.mark_seen();
        let lanes = lane::lanes(&deps.db, app).await?;
        kept.check(&lanes, &positions)?;
        let upto = Positions(lanes.iter().map(|lane| (lane.lane, lane.last)).collect());
        let before = positions.clone();
        // One for messages and one for the rest: however large the former are, some of the latter fit.
        let (mut events, mut scales) = (Vec::new(), [Scale::default(), Scale::default()]);
        let mut damaged = None;
        for (lane, last) in in_turn(&upto, &positions) {
            let after = positions.0.get(&lane).copied().unwrap_or(0);
            if last > after && events.len() < query.batch && scales.iter().all(|scale| !scale.is_full()) {
                let part = Part { app, lane, after, upto: last };
                match lane_events(deps, part, &query, (&mut events, &mut scales)).await {
                    Ok(reached) => _ = positions.0.insert(lane, reached),
                    // It holds up its own lane; the others are read first.
                    Err(error) if error.reason() == Reason::DataDamaged => damaged = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(error) = damaged
            && positions == before
        {
            return Err(error);
        }
        if positions != before {
            // What was purged during the read is missing from it.
            kept.check(&lane::lanes(&deps.db, app).await?, &before)?;
        }
        // Reports progress now and then when nothing matches.
        let is_due = !events.is_empty() || reported_at.elapsed() >= REPORT_INTERVAL && reported != positions;
        if is_due {
            (reported, reported_at) = (positions.clone(), Instant::now());
            let batch = Batch { events, positions: positions.clone() };
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        if upto.0.iter().any(|(lane, last)| !positions.cover(*lane, *last)) {
            continue;
        }
        if !query.follow {
            // Where it ended, also when nothing of it matched.
            let _ = batches.send(Ok(Batch { events: Vec::new(), positions })).await;
            return Ok(());
        }
        tokio::select! {
            () = deps.tasks.shutdown().triggered() => return Ok(()),
            () = batches.closed() => return Ok(()),
            () = hints.hinted() => tokio::time::sleep_until(read_at + GATHER).await,
            () = pause() => {}
        }
    }
}

async fn pause() {
    if fault::is_without("message.looks") {
        return std::future::pending().await;
    }
    tokio::time::sleep(PAUSE).await;
}

/// The lanes, starting with another one each time, so that a busy one does not delay the others.
fn in_turn(upto: &Positions, reached: &Positions) -> Vec<(i64, i64)> {
    let mut lanes: Vec<(i64, i64)> = upto.0.iter().map(|(lane, last)| (*lane, *last)).collect();
    let first = reached.0.values().sum::<i64>().unsigned_abs() as usize % lanes.len().max(1);
    lanes.rotate_left(first);
    lanes
}

/// Detects events that retention removed before the follower read them.
struct RetentionCheck {
    /// Whether the follower requested messages, and whether other events.
    wants: (bool, bool),
    /// What was removed before the start, by lane.
    gone: BTreeMap<i64, Lane>,
}

impl FeedQuery {
    fn wants(&self, kind: EventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

impl RetentionCheck {
    fn new(query: &FeedQuery, gone: &[Lane]) -> Self {
        let other = EventKind::all().any(|kind| kind != EventKind::Sent && query.wants(kind));
        Self {
            wants: (query.wants(EventKind::Sent), other),
            gone: gone.iter().map(|lane| (lane.lane, *lane)).collect(),
        }
    }

    /// Refuses to continue if matching events after the positions were removed, and returns the cursor for what is
    /// left.
    fn check(&self, lanes: &[Lane], positions: &Positions) -> Result<(), Error> {
        for lane in lanes {
            let reached = positions.0.get(&lane.lane).copied().unwrap_or(0);
            let gone = self.gone.get(&lane.lane).copied().unwrap_or_default();
            let misses_sent = self.wants.0 && lane.purged > reached.max(gone.purged);
            let misses_other = self.wants.1 && lane.purged_events > reached.max(gone.purged_events);
            if misses_sent || misses_other {
                return Err(Error::new(Reason::EventsExpired, format!("{LEFT}{}", cursor(positions))));
            }
        }
        Ok(())
    }
}

/// Reads as many events of one lane as fit into a batch; returns the position up to which that is complete.
async fn lane_events(
    deps: &Deps,
    part: Part,
    query: &FeedQuery,
    (events, [of_sent, of_other]): (&mut Vec<(i64, Event)>, &mut [Scale; 2]),
) -> Result<i64, Error> {
    let limit = (query.batch - events.len()) as i64;
    let nothing = LaneRange { events: Vec::new(), reached: part.upto };
    let sent = if query.wants(EventKind::Sent) { feed::sent(&deps.db, part, limit, of_sent).await? } else { nothing };
    let other = feed::other(&deps.db, Part { upto: sent.reached, ..part }, limit, of_other).await?;
    let reached = other.reached;
    let read = sent.events.into_iter().chain(other.events);
    let mut read: Vec<Event> = read.filter(|event| event.event_no <= reached).collect();
    read.retain(|event| query.wants(event.kind()));
    read.sort_unstable_by_key(|event| event.event_no);
    let reached = if read.len() as i64 > limit {
        read.truncate(limit as usize);
        read.last().map_or(reached, |last| last.event_no)
    } else {
        reached
    };
    events.extend(read.into_iter().map(|event| (part.lane, event)));
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for positions in [BTreeMap::new(), BTreeMap::from([(0, 7), (3, 1)])] {
            let After::Cursor(read) = After::read(&cursor(&Positions(positions.clone()))).unwrap() else {
                panic!("a cursor");
            };
            let known: BTreeMap<i64, i64> = read.0.into_iter().filter(|(_, number)| *number > 0).collect();
            assert_eq!(known, positions);
        }
        let left = format!("{LEFT}{LEFT}1:1");
        let deep = LEFT.to_string().repeat(1_000_000);
        for wrong in ["x", "1", "1:x", "1:1,2:2", "1:1.", "+1:1", "1:-1", "1:1.1:2", &left, &deep] {
            assert!(After::read(wrong).is_err(), "{wrong}");
        }
    }
}
