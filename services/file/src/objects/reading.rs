//! Reads objects, a chunk at a time.
//!
//! A chunk is copied on its way out: into a message, out of it at the gateway, into what is written to the client. With
//! a slow client it stays in all of those. So downloads hold a few times the size of their chunks, and with many
//! downloads at once the chunks are small. No chunk is read before the previous one was taken.

use std::{
    fs::File,
    ops::Range,
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use tidings_domain::Error;
use tokio::sync::Semaphore;

use super::{fault, off_thread};

/// Total bytes of the chunks of all downloads of a process, until they have the size [`LEAST`].
const HELD: u64 = 4 * 1024 * 1024;
/// Chunk size with few downloads; larger ones are no faster.
const MOST: u64 = 256 * 1024;
/// Chunk size with many downloads; smaller ones would cost more in calls than they save.
const LEAST: u64 = 16 * 1024;
/// Concurrent file reads. Each has a thread with its own memory.
const READING: usize = 16;

/// All downloads of the process.
pub(super) struct Downloads {
    running: AtomicU64,
    /// A file read holds one of these permits. Only tasks wait for one: a permit assigned to a future of a client that
    /// has stopped reading, which is not polled then, would be lost to all others.
    reading: Arc<Semaphore>,
}

impl Default for Downloads {
    fn default() -> Self {
        Self { running: AtomicU64::new(0), reading: Arc::new(Semaphore::new(READING)) }
    }
}

/// One of them, until it is dropped.
struct Download(Arc<Downloads>);

impl Download {
    fn begin(downloads: &Arc<Downloads>) -> Self {
        downloads.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(downloads))
    }

    /// The size of its next chunk.
    fn chunk(&self) -> u64 {
        (HELD / self.0.running.load(Ordering::Relaxed)).clamp(LEAST, MOST)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The bytes of a file in the folder.
pub(super) fn of_file(
    downloads: &Arc<Downloads>,
    file: File,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
    let begun = (Download::begin(downloads), Arc::new(file), range);
    stream::try_unfold(begun, |(download, file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let (from, length) = (range.start, download.chunk().min(range.end - range.start));
        let bytes = read(&download, &file, from, length).await?;
        Ok(Some((bytes, (download, file, from + length..range.end))))
    })
}

/// Ends on its own, whether or not a caller still waits for the bytes.
async fn read(download: &Download, file: &Arc<File>, from: u64, length: u64) -> Result<Bytes, Error> {
    let (reading, file) = (Arc::clone(&download.0.reading), Arc::clone(file));
    let read = async move {
        let _turn = reading.acquire_owned().await.map_err(Error::internal)?;
        // Allocated here, since otherwise each of many threads would keep its allocation for its next read.
        let mut bytes = vec![0; length as usize];
        off_thread(move || file.read_exact_at(&mut bytes, from).map(|()| Bytes::from(bytes))).await
    };
    tokio::spawn(read).await.map_err(Error::internal)?
}

/// The bytes sent by a store. They arrive in any size, and are passed on in chunks.
pub(super) fn of_store(
    downloads: &Arc<Downloads>,
    received: BoxStream<'static, object_store::Result<Bytes>>,
) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
    let begun = (Download::begin(downloads), received, Bytes::new());
    stream::try_unfold(begun, |(download, mut received, mut rest)| async move {
        while rest.is_empty() {
            match received.next().await {
                Some(bytes) => rest = bytes.map_err(fault)?,
                None => return Ok(None),
            }
        }
        let length = rest.len().min(download.chunk() as usize);
        Ok(Some((rest.split_to(length), (download, received, rest))))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(size: usize) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&(0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>()).unwrap();
        file
    }

    #[tokio::test]
    async fn a_file_comes_whole_however_many_are_read() {
        let downloads = Arc::<Downloads>::default();
        let expected: Vec<u8> = (7..600_000).map(|at| (at % 251) as u8).collect();
        let all = (0..40).map(|_| {
            let expected = &expected;
            let mut chunks = Box::pin(of_file(&downloads, file(700_000), 7..600_000));
            async move {
                let mut got = Vec::new();
                while let Some(chunk) = chunks.next().await {
                    got.extend_from_slice(&chunk.unwrap());
                }
                assert!(got == *expected);
            }
        });
        futures_util::future::join_all(all).await;
        assert_eq!(downloads.running.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn chunks_are_large_for_few_and_small_for_many() {
        let downloads = Arc::<Downloads>::default();
        let mut first = Box::pin(of_file(&downloads, file(1_000_000), 0..1_000_000));
        let others: Vec<_> = (1..16).map(|_| Download::begin(&downloads)).collect();
        assert_eq!(first.next().await.unwrap().unwrap().len() as u64, MOST);
        let more: Vec<_> = (16..64).map(|_| Download::begin(&downloads)).collect();
        assert_eq!(first.next().await.unwrap().unwrap().len() as u64, HELD / 64);
        let most: Vec<_> = (64..2000).map(|_| Download::begin(&downloads)).collect();
        assert_eq!(first.next().await.unwrap().unwrap().len() as u64, LEAST);
        drop((others, more, most));
        assert_eq!(first.next().await.unwrap().unwrap().len() as u64, MOST);
    }

    #[tokio::test]
    async fn downloads_that_nobody_takes_any_more_hold_up_no_other() {
        let downloads = Arc::<Downloads>::default();
        let mut stalled: Vec<_> = (0..4 * READING).map(|_| Box::pin(of_file(&downloads, file(100), 0..100))).collect();
        for download in &mut stalled {
            // It requests a chunk, as a server does for a client, and is never polled again.
            assert!(futures_util::FutureExt::now_or_never(download.next()).is_none());
        }
        let mut other = Box::pin(of_file(&downloads, file(100), 0..100));
        assert_eq!(other.next().await.unwrap().unwrap().len(), 100);
    }

    #[tokio::test]
    async fn what_a_store_sends_is_given_on_in_chunks() {
        let downloads = Arc::<Downloads>::default();
        let received = stream::iter([Ok(Bytes::new()), Ok(Bytes::from(vec![1; 300_000])), Ok(Bytes::from(vec![2; 5]))]);
        let chunks: Vec<_> = of_store(&downloads, received.boxed()).collect().await;
        let sizes: Vec<_> = chunks.iter().map(|chunk| chunk.as_ref().unwrap().len()).collect();
        assert_eq!(sizes, [MOST as usize, 300_000 - MOST as usize, 5]);
    }
}
