//! Who may decode a picture now, and how much of the memory it has.

use std::{sync::Arc, thread};

use tidings_domain::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::MAX_MEMORY;

const MIB: u64 = 1024 * 1024;
/// Most bytes of pictures that wait to be decoded, and of what is left of them without what only describes them.
const MAX_BYTES: u64 = 64 * MIB;

/// What all pictures share that a process decodes at once: half of the machine's cores, and 256 MiB.
#[derive(Debug)]
pub(crate) struct Turns {
    cores: Arc<Semaphore>,
    /// In MiB; taken after a core, and before `memory`, so that nobody waits in a circle.
    bytes: Arc<Semaphore>,
    /// In MiB.
    memory: Arc<Semaphore>,
}

/// One picture's share, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Vec<OwnedSemaphorePermit>);

impl Turns {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mebibytes = |bytes: u64| Arc::new(Semaphore::new((bytes / MIB) as usize));
        Self {
            cores: Arc::new(Semaphore::new((cores / 2).max(1))),
            bytes: mebibytes(MAX_BYTES),
            memory: mebibytes(MAX_MEMORY),
        }
    }

    /// Waits until a picture of so many bytes may be read.
    pub(crate) async fn turn(&self, size: u64) -> Result<Turn, Error> {
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(Error::internal)?;
        let bytes = share(&self.bytes, size * 2, MAX_BYTES).await?;
        Ok(Turn(vec![core, bytes]))
    }
}

impl Turn {
    /// Waits until so much memory is free.
    pub(crate) async fn with_memory(mut self, turns: &Turns, memory: u64) -> Result<Self, Error> {
        self.0.push(share(&turns.memory, memory, MAX_MEMORY).await?);
        Ok(self)
    }

    /// Does the work on a thread of its own, which keeps the turn to its end whoever still waits. `None`: it panicked,
    /// as a decoder may that has met a broken picture.
    pub(crate) async fn spend<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Option<(Self, T)> {
        tokio::task::spawn_blocking(move || {
            let done = work();
            (self, done)
        })
        .await
        .ok()
    }
}

async fn share(of: &Arc<Semaphore>, bytes: u64, most: u64) -> Result<OwnedSemaphorePermit, Error> {
    let mebibytes = bytes.clamp(1, most).div_ceil(MIB);
    Arc::clone(of).acquire_many_owned(mebibytes as u32).await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[tokio::test]
    async fn pictures_at_the_same_time_share_the_memory() {
        let turns = Turns { cores: Arc::new(Semaphore::new(8)), ..Turns::new() };
        let first = turns.turn(32 * MIB).await.unwrap();
        let mut second = pin!(turns.turn(1));
        assert!(matches!(second.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        drop(first);
        let second = second.await.unwrap().with_memory(&turns, MAX_MEMORY).await.unwrap();
        let third = turns.turn(1).await.unwrap();
        let mut third = pin!(third.with_memory(&turns, 1));
        assert!(matches!(third.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        drop(second);
        third.await.unwrap();
    }

    #[tokio::test]
    async fn a_decoder_that_panics_gives_its_share_back() {
        let turns = Turns::new();
        let turn = turns.turn(1).await.unwrap();
        assert!(turn.spend(|| panic!("a broken picture")).await.is_none());
        turns.turn(u64::MAX / 4).await.unwrap().with_memory(&turns, u64::MAX).await.unwrap();
    }
}
