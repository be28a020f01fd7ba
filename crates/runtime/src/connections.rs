//! Limits on open connections, in total and per client address.
//!
//! A new connection is admitted as long as an older one is idle: at a limit the connection that has been idle for the
//! longest time is closed for it. So a client that opens many idle connections does not keep others out.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};

/// The limits on connections.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// In total.
    pub total: usize,
    /// Per IPv4 address, or per IPv6 /64 network.
    pub per_address: usize,
}

/// The open connections of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: Bounds,
    started: Instant,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    slots: HashMap<u64, Arc<Slot>>,
    per_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Slot {
    address: IpAddr,
    /// Since when it is idle, in milliseconds after the start, plus 1; 0 while it is busy.
    idle_since: AtomicU64,
    is_upgraded: AtomicBool,
    closing: Notify,
}

/// The slot of one open connection, until it is dropped. A new one is idle.
#[derive(Debug)]
pub struct Connection {
    all: Connections,
    number: u64,
    slot: Arc<Slot>,
}

impl Connections {
    /// No connection is open yet.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Inner { bounds, started: Instant::now(), open: Mutex::default() }))
    }

    /// A slot for a connection from `address`, if there is one. The limit per address does not apply to a `trusted`
    /// proxy, which brings many clients.
    pub fn admit(&self, address: IpAddr, trusted: bool) -> Option<Connection> {
        let address = network(address);
        let mut open = self.open();
        let of_address = open.per_address.get(&address).copied().unwrap_or(0);
        if !trusted && of_address >= self.0.bounds.per_address {
            open.close_idle(|slot| slot.address == address)?;
        } else if open.slots.len() >= self.0.bounds.total {
            open.close_idle(|_| true)?;
        }
        let (idle_since, is_upgraded) = (AtomicU64::new(self.now()), AtomicBool::new(false));
        let slot = Slot { address, idle_since, is_upgraded, closing: Notify::new() };
        Some(open.insert(self, Arc::new(slot)))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.0.started.elapsed().as_millis() as u64 + 1
    }
}

impl Open {
    fn insert(&mut self, all: &Connections, slot: Arc<Slot>) -> Connection {
        let number = self.next;
        self.next += 1;
        *self.per_address.entry(slot.address).or_default() += 1;
        self.slots.insert(number, Arc::clone(&slot));
        Connection { all: all.clone(), number, slot }
    }

    /// Closes the connection that has been idle for the longest time. `None`: all are busy.
    fn close_idle(&mut self, of: impl Fn(&Slot) -> bool) -> Option<()> {
        let idle = self.slots.iter().filter(|(_, slot)| of(slot)).filter_map(|(number, slot)| {
            let since = slot.idle_since.load(Ordering::Relaxed);
            (since != 0).then_some((since, *number))
        });
        let (_, number) = idle.min()?;
        self.remove(number)?.closing.notify_one();
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Slot>> {
        let slot = self.slots.remove(&number)?;
        if let Some(of_address) = self.per_address.get_mut(&slot.address) {
            *of_address -= 1;
            if *of_address == 0 {
                self.per_address.remove(&slot.address);
            }
        }
        Some(slot)
    }
}

impl Connection {
    /// Marks it as busy: it is not closed for another one.
    pub fn set_busy(&self) {
        self.slot.idle_since.store(0, Ordering::Relaxed);
    }

    /// Marks it as idle.
    pub fn set_idle(&self) {
        self.slot.idle_since.store(self.all.now(), Ordering::Relaxed);
    }

    /// Whether it is idle.
    pub fn is_idle(&self) -> bool {
        self.slot.idle_since.load(Ordering::Relaxed) != 0
    }

    /// Marks it as upgraded to another protocol: it has no more requests.
    pub fn set_upgraded(&self) {
        self.slot.is_upgraded.store(true, Ordering::Relaxed);
    }

    /// Whether it was upgraded.
    pub fn is_upgraded(&self) -> bool {
        self.slot.is_upgraded.load(Ordering::Relaxed)
    }

    /// Completes when it must close, because its slot was given to another one.
    pub async fn closing(&self) {
        self.slot.closing.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().remove(self.number);
    }
}

/// Addresses that one client can have many of count as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn connections(total: usize, per_address: usize) -> Connections {
        Connections::new(Bounds { total, per_address })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn busy(connections: &Connections, from: &str) -> Option<Connection> {
        let connection = connections.admit(address(from), false)?;
        connection.set_busy();
        Some(connection)
    }

    #[tokio::test]
    async fn busy_connections_of_one_address_keep_out_that_address_alone() {
        let all = connections(10, 2);
        let held = (busy(&all, "192.0.2.1"), busy(&all, "192.0.2.1"));
        assert!(busy(&all, "192.0.2.1").is_none() && busy(&all, "192.0.2.2").is_some());
        drop(held);
        assert!(busy(&all, "192.0.2.1").is_some());
    }

    #[tokio::test]
    async fn at_a_bound_the_longest_idle_one_makes_room() {
        let all = connections(2, 2);
        let first = all.admit(address("192.0.2.1"), false).unwrap();
        let second = all.admit(address("192.0.2.1"), false).unwrap();
        let third = busy(&all, "192.0.2.2").unwrap();
        assert!(first.closing().now_or_never().is_some() && second.closing().now_or_never().is_none());
        // A closed connection frees its slot only once.
        drop(first);
        second.set_busy();
        assert!(busy(&all, "192.0.2.3").is_none());
        drop(third);
        assert!(busy(&all, "192.0.2.3").is_some());
    }

    #[tokio::test]
    async fn a_trusted_proxy_is_held_to_the_bound_of_the_process_alone() {
        let all = connections(3, 1);
        let proxy = || all.admit(address("192.0.2.1"), true).inspect(Connection::set_busy);
        let held = [proxy(), proxy(), proxy()];
        assert!(held.iter().all(Option::is_some) && proxy().is_none());
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_mapped_ipv4_is_ipv4() {
        assert_eq!(network(address("2001:db8::1")), network(address("2001:db8::ffff:1")));
        assert_ne!(network(address("2001:db8::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
