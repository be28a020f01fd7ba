//! Writes objects: directly into the store, or first to disk.

use std::{fs::File, os::unix::fs::FileExt as _, path::PathBuf, sync::Arc};

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, aws::AmazonS3, path::Path};
use tidings_domain::{Error, Reason};
use tokio::sync::{Semaphore, oneshot};

use super::{fault, off_thread};

/// Concurrent part uploads.
const SENDING: usize = 4;
/// The size of one part; S3 requires 5 MiB or more, and at most 10,000 parts.
const PART: u64 = 8 * 1024 * 1024;

/// A bucket only accepts parts of several megabytes, so uploads are buffered on disk until they are complete.
pub(super) struct Bucket {
    pub(super) signer: Arc<AmazonS3>,
    /// Where uploads are buffered.
    pub(super) spool: PathBuf,
    /// Held while a part is sent, since it is in memory then.
    sending: Semaphore,
}

impl Bucket {
    pub(super) fn new(signer: Arc<AmazonS3>, spool: PathBuf) -> Self {
        Self { signer, spool, sending: Semaphore::new(SENDING) }
    }
}

/// An object that is being written.
pub(crate) enum Writing {
    /// Directly into the store.
    Parts(Box<dyn MultipartUpload>),
    /// On disk until it is complete.
    Spool(Spool),
}

/// An upload buffered on disk.
pub(crate) struct Spool {
    store: Arc<dyn ObjectStore>,
    bucket: Arc<Bucket>,
    path: Path,
    file: Arc<File>,
    size: u64,
}

impl Writing {
    /// Appends bytes, and waits until they are accepted.
    pub(crate) async fn append(&mut self, bytes: Bytes) -> Result<(), Error> {
        match self {
            Self::Parts(upload) => upload.put_part(PutPayload::from(bytes)).await.map_err(fault),
            Self::Spool(spool) => {
                let (file, at) = (Arc::clone(&spool.file), spool.size);
                spool.size += bytes.len() as u64;
                off_thread(move || file.write_all_at(&bytes, at)).await
            }
        }
    }

    /// The object exists when this returns.
    pub(crate) async fn finish(self) -> Result<(), Error> {
        match self {
            Self::Parts(mut upload) => upload.complete().await.map(drop).map_err(fault),
            Self::Spool(spool) => spool.send().await,
        }
    }

    /// Leaves no remains.
    pub(crate) async fn abort(self) -> Result<(), Error> {
        match self {
            Self::Parts(mut upload) => upload.abort().await.map_err(fault),
            Self::Spool(_) => Ok(()),
        }
    }
}

impl Spool {
    pub(super) fn new(store: Arc<dyn ObjectStore>, bucket: Arc<Bucket>, path: Path, file: File) -> Self {
        Self { store, bucket, path, file: Arc::new(file), size: 0 }
    }

    async fn send(self) -> Result<(), Error> {
        let _turn = self.bucket.sending.acquire().await.map_err(Error::internal)?;
        if self.size <= PART {
            let bytes = read_part(&self.file, 0, self.size).await?;
            return self.store.put(&self.path, PutPayload::from(bytes)).await.map(drop).map_err(fault);
        }
        let upload = self.store.put_multipart(&self.path).await.map_err(fault)?;
        send_or_abort(upload, self.file, self.size).await
    }
}

/// Leaves no parts behind, whether sending them fails or the caller stops waiting, as with an upload that takes too
/// long. So it runs as a separate task, and ends early when `_waiting` is dropped.
async fn send_or_abort(mut upload: Box<dyn MultipartUpload>, file: Arc<File>, size: u64) -> Result<(), Error> {
    let (_waiting, left) = oneshot::channel::<()>();
    let sent = tokio::spawn(async move {
        let sent = tokio::select! {
            sent = send_parts(&mut *upload, &file, size) => sent,
            _ = left => Err(Error::new(Reason::Internal, "the upload was abandoned")),
        };
        if sent.is_err()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "the parts of an upload stay in the bucket");
        }
        sent
    });
    sent.await.map_err(Error::internal)?
}

async fn send_parts(upload: &mut dyn MultipartUpload, file: &Arc<File>, size: u64) -> Result<(), Error> {
    let mut from = 0;
    while from < size {
        let length = PART.min(size - from);
        let bytes = read_part(file, from, length).await?;
        upload.put_part(PutPayload::from(bytes)).await.map_err(fault)?;
        from += length;
    }
    upload.complete().await.map(drop).map_err(fault)
}

async fn read_part(file: &Arc<File>, from: u64, length: u64) -> Result<Bytes, Error> {
    let file = Arc::clone(file);
    off_thread(move || {
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, from).map(|()| Bytes::from(bytes))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::Mutex,
        task::{Context, Poll, Waker},
    };

    use futures_util::FutureExt as _;
    use object_store::{PutResult, UploadPart};
    use tokio::sync::Notify;

    use super::*;

    /// The outcome of a part.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Part {
        Sent,
        DiskFull,
        Stuck,
    }

    #[derive(Debug, Default)]
    struct Seen {
        calls: Mutex<Vec<&'static str>>,
        aborted: Notify,
    }

    #[derive(Debug)]
    struct Fake {
        part: Part,
        seen: Arc<Seen>,
    }

    #[tonic::async_trait]
    impl MultipartUpload for Fake {
        fn put_part(&mut self, _: PutPayload) -> UploadPart {
            self.seen.calls.lock().unwrap().push("part");
            let part = self.part;
            async move {
                match part {
                    Part::Sent => Ok(()),
                    Part::DiskFull => Err(failed(io::Error::from_raw_os_error(super::super::FULL[0]))),
                    Part::Stuck => std::future::pending().await,
                }
            }
            .boxed()
        }

        async fn complete(&mut self) -> object_store::Result<PutResult> {
            self.seen.calls.lock().unwrap().push("complete");
            Ok(PutResult { e_tag: None, version: None, extensions: http::Extensions::default() })
        }

        async fn abort(&mut self) -> object_store::Result<()> {
            self.seen.calls.lock().unwrap().push("abort");
            self.seen.aborted.notify_one();
            Err(failed(io::Error::other("no abort")))
        }
    }

    fn failed(error: io::Error) -> object_store::Error {
        object_store::Error::Generic { store: "fake", source: Box::new(error) }
    }

    /// Sends two parts.
    fn sending(part: Part) -> (Arc<Seen>, impl Future<Output = Result<(), Error>>) {
        let seen = Arc::<Seen>::default();
        let file = tempfile::tempfile().unwrap();
        file.set_len(PART + 1).unwrap();
        let fake = Box::new(Fake { part, seen: Arc::clone(&seen) });
        (seen, send_or_abort(fake, Arc::new(file), PART + 1))
    }

    #[tokio::test]
    async fn an_upload_is_sent_in_parts_and_completed() {
        let (seen, sending) = sending(Part::Sent);
        sending.await.unwrap();
        assert_eq!(*seen.calls.lock().unwrap(), ["part", "part", "complete"]);
    }

    #[tokio::test]
    async fn the_first_error_is_told_when_the_abort_fails_too() {
        let (seen, sending) = sending(Part::DiskFull);
        assert_eq!(sending.await.unwrap_err().reason(), Reason::StorageFull);
        assert_eq!(*seen.calls.lock().unwrap(), ["part", "abort"]);
    }

    #[tokio::test]
    async fn an_upload_is_aborted_when_nobody_waits_for_it_any_more() {
        let (seen, sending) = sending(Part::Stuck);
        let mut sending = Box::pin(sending);
        assert!(matches!(sending.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        drop(sending);
        seen.aborted.notified().await;
        assert_eq!(seen.calls.lock().unwrap().last(), Some(&"abort"));
    }
}
