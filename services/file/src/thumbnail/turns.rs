//! Limits concurrent image decoding and its memory.

use std::{sync::Arc, thread};

use tidings_domain::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::MAX_MEMORY;

const MIB: u64 = 1024 * 1024;
/// Maximum bytes of images that wait to be decoded, and of their copies without metadata.
const MAX_BYTES: u64 = 64 * MIB;

/// The limits of all images that a process decodes at once: half of the machine's cores, and 256 MiB.
#[derive(Debug)]
pub(crate) struct Turns {
    cores: Arc<Semaphore>,
    /// In MiB; acquired after a core, and before `memory`, so that there is no deadlock.
    bytes: Arc<Semaphore>,
    /// In MiB.
    memory: Arc<Semaphore>,
}

/// One image's share, until it is dropped.
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

    /// Waits until an image of that many bytes may be read.
    pub(crate) async fn turn(&self, size: u64) -> Result<Turn, Error> {
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(Error::internal)?;
        let bytes = share(&self.bytes, size * 2, MAX_BYTES).await?;
        Ok(Turn(vec![core, bytes]))
    }
}

impl Turn {
    /// Waits until that much memory is available.
    pub(crate) async fn with_memory(mut self, turns: &Turns, memory: u64) -> Result<Self, Error> {
        self.0.push(share(&turns.memory, memory, MAX_MEMORY).await?);
        Ok(self)
    }

    /// Does the work on a separate thread, which holds the turn until it is finished even if the caller stops waiting.
    /// `None`: it panicked, as a decoder may on a broken image.
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
