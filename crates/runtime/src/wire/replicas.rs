//! The processes of a peer, found by name and address, and the choice of one for each call.
//!
//! The best is one that reports that it serves, then the one with the fewest calls of ours. Names are resolved again
//! while they are used, so processes can be added and removed without a restart here.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use http::{
    HeaderValue, Uri,
    uri::{Authority, Scheme},
};
use tidings_domain::Error;
use tokio::{
    net::lookup_host,
    time::{Instant, timeout, timeout_at},
};

use super::{
    callers::Callers,
    link::{Link, Target},
    replica::{InFlight, PATIENCE, Reachability, Replica},
};
use crate::{Connector, config::Addresses};

/// How long resolved addresses are used, and how long they are while none of them answers.
const FRESH: Duration = Duration::from_secs(5);
const FRESH_WHILE_DOWN: Duration = Duration::from_millis(500);
/// The timeout of a lookup.
const LOOKUP: Duration = Duration::from_secs(2);
/// Maximum number of calls waiting for a process to become available; others are refused. Each holds its request in
/// memory.
const MOST_WAITING: usize = 1000;

/// See the module.
#[derive(Debug)]
pub(super) struct Replicas {
    hosts: Vec<Host>,
    authorization: HeaderValue,
    connector: Connector,
    members: RwLock<Arc<[Arc<Replica>]>>,
    lookup: Mutex<Lookup>,
    callers: Arc<Callers>,
    /// Which one is considered first, so that equals take turns.
    turn: AtomicUsize,
    waiting: AtomicUsize,
}

/// One configured address.
#[derive(Debug)]
struct Host {
    name: String,
    port: u16,
    scheme: Scheme,
    authority: Authority,
    /// What the name last resolved to.
    known: Mutex<Vec<SocketAddr>>,
}

#[derive(Debug)]
struct Lookup {
    is_running: bool,
    was_done: bool,
    /// When names are resolved again; `None`: there are only literal addresses.
    next: Option<Instant>,
    /// Since when nothing was found.
    empty_since: Option<Instant>,
}

/// A process that takes a call, which lasts until this is dropped.
#[derive(Debug)]
pub(super) struct Picked {
    pub link: Link,
    /// Which connection it is.
    pub id: Id,
    pub call: InFlight,
}

/// A connection, among those of a peer.
pub(super) type Id = (SocketAddr, u64);

enum Choice {
    Picked(Picked),
    /// There may be one before then.
    Hope(Instant),
    None,
}

impl Replicas {
    pub fn new(addresses: &Addresses, authorization: HeaderValue, connector: Connector) -> Result<Self, Error> {
        let hosts = addresses.iter().map(Host::read).collect::<Result<Vec<_>, _>>()?;
        let now = Instant::now();
        Ok(Self {
            hosts,
            authorization,
            connector,
            members: RwLock::new(Arc::from([])),
            lookup: Mutex::new(Lookup { is_running: false, was_done: false, next: Some(now), empty_since: None }),
            callers: Arc::new(Callers::new(now)),
            turn: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// A process, not over the connections `tried`. Waits for one while one may become available, until `until` at
    /// most.
    pub async fn pick(self: &Arc<Self>, tried: &[Id], until: Instant) -> Option<Picked> {
        match self.choose(tried) {
            Choice::Picked(picked) => return Some(picked),
            Choice::None => return None,
            Choice::Hope(_) => {}
        }
        let _waiting = Waiting::begin(&self.waiting)?;
        loop {
            let mut changed = self.callers.subscribe();
            match self.choose(tried) {
                Choice::Picked(picked) => return Some(picked),
                // The result is visible above.
                Choice::Hope(hope) if Instant::now() < until => {
                    let _ = timeout_at(hope.min(until), changed.changed()).await;
                }
                Choice::Hope(_) | Choice::None => return None,
            }
        }
    }

    fn choose(self: &Arc<Self>, tried: &[Id]) -> Choice {
        let now = Instant::now();
        self.callers.ask(now);
        // Before the members are read: a lookup that ends in between has already stored its processes, or still counts
        // as pending.
        let looked_up = self.look_up(now, false);
        let members = Arc::clone(&self.members.read().unwrap_or_else(PoisonError::into_inner));
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let (mut best, mut hope): (Option<(_, &Arc<Replica>, Link, Id)>, _) = (None, looked_up);
        for place in 0..members.len() {
            let replica = &members[first.wrapping_add(place) % members.len()];
            match replica.standing(&self.callers, now) {
                Reachability::Up(link, number) => {
                    let id = (replica.target.address, number);
                    let load = replica.load();
                    if !tried.contains(&id) && best.as_ref().is_none_or(|(least, ..)| load < *least) {
                        best = Some((load, replica, link, id));
                    }
                }
                Reachability::Hope(until) => hope = hope.max(Some(until)),
                Reachability::Down => {}
            }
        }
        if let Some((_, replica, link, id)) = best {
            return Choice::Picked(Picked { link, id, call: replica.begin() });
        }
        hope.max(self.look_up(now, true)).map_or(Choice::None, Choice::Hope)
    }

    /// Ensures that names are resolved periodically. Returns until when that may add a process.
    fn look_up(self: &Arc<Self>, now: Instant, is_down: bool) -> Option<Instant> {
        let mut lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        let next = lookup.next?;
        // While none answers, names are resolved sooner.
        let due = if is_down && lookup.was_done { next.min(next - FRESH + FRESH_WHILE_DOWN) } else { next };
        if now >= due && !lookup.is_running {
            lookup.is_running = true;
            let all = Arc::downgrade(self);
            let looking = Looking(all.clone());
            let found = join_all(self.hosts.iter().map(Host::find_later));
            tokio::spawn(async move {
                let found = found.await;
                if let Some(all) = all.upgrade() {
                    all.found(found);
                }
                drop(looking);
            });
        }
        match lookup.empty_since {
            _ if !lookup.was_done => Some(now + PATIENCE),
            Some(since) if now < since + PATIENCE => Some(since + PATIENCE),
            _ => None,
        }
    }

    fn found(&self, found: Vec<Option<Vec<SocketAddr>>>) {
        let mut targets: HashMap<SocketAddr, &Host> = HashMap::new();
        for (host, found) in self.hosts.iter().zip(found) {
            let mut known = host.known.lock().unwrap_or_else(PoisonError::into_inner);
            // Without a name server the known processes are kept.
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                *known = found;
            }
            for address in known.iter() {
                targets.entry(*address).or_insert(host);
            }
        }
        let now = Instant::now();
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let mut kept: Vec<Arc<Replica>> =
            members.iter().filter(|it| targets.remove(&it.target.address).is_some()).cloned().collect();
        kept.extend(targets.into_iter().map(|(address, host)| {
            Arc::new(Replica::new(Target {
                address,
                scheme: host.scheme.clone(),
                authority: host.authority.clone(),
                authorization: self.authorization.clone(),
                connector: self.connector.clone(),
            }))
        }));
        let is_empty = kept.is_empty();
        *members = kept.into();
        drop(members);
        let mut lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        lookup.was_done = true;
        lookup.next = self.hosts.iter().any(Host::is_name).then(|| now + FRESH);
        lookup.empty_since = if is_empty { lookup.empty_since.or(Some(now)) } else { None };
    }
}

/// A lookup has ended, even if it panicked.
struct Looking(std::sync::Weak<Replicas>);

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(all) = self.0.upgrade() {
            all.lookup.lock().unwrap_or_else(PoisonError::into_inner).is_running = false;
            all.callers.notify();
        }
    }
}

impl Host {
    fn read(url: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid("peers", format!("has no http:// or https:// address: {url}"));
        let uri: Uri = url.parse().map_err(|error| wrong().because(error))?;
        let (scheme, authority) = (uri.scheme().ok_or_else(wrong)?.clone(), uri.authority().ok_or_else(wrong)?.clone());
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let usual = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(usual);
        Ok(Self { name, port, scheme, authority, known: Mutex::default() })
    }

    /// Whether its addresses may change.
    fn is_name(&self) -> bool {
        self.name.parse::<IpAddr>().is_err()
    }

    /// Its addresses; `None`: they could not be resolved.
    fn find_later(&self) -> impl Future<Output = Option<Vec<SocketAddr>>> + Send + use<> {
        let place = (self.name.clone(), self.port);
        async move {
            let found = timeout(LOOKUP, lookup_host(place)).await.ok()?.ok()?;
            Some(found.collect())
        }
    }
}

/// A call that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    /// `None`: too many calls wait.
    fn begin(count: &'a AtomicUsize) -> Option<Self> {
        let waiting = Self(count);
        (waiting.0.fetch_add(1, Ordering::Relaxed) < MOST_WAITING).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn there_is_hope_until_the_first_look_up_is_over() {
        for _ in 0..200 {
            let addresses = Addresses::read("http://127.0.0.1:1");
            let replicas = Arc::new(
                Replicas::new(&addresses, HeaderValue::from_static(""), Connector::plain()).expect("an address"),
            );
            while replicas.members.read().expect("nobody panics").is_empty() {
                assert!(matches!(replicas.choose(&[]), Choice::Hope(_)));
            }
        }
    }
}
