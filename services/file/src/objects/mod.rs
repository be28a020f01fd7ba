//! Where bytes are: a folder, or a bucket of a store that speaks S3.

use std::{
    fmt,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use http::Method;
use object_store::{
    GetOptions, GetRange, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    path::Path,
    signer::{SignedUrlOptions, Signer as _},
};
use tidings_domain::{AppId, Error, Reason};
use tidings_runtime::config;
use tokio::sync::Semaphore;

/// An object store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// Objects of this folder.
    Folder(PathBuf),
    Bucket(Arc<Bucket>),
}

/// A bucket takes parts of some megabytes alone, so uploads wait on disk until they are whole.
struct Bucket {
    signer: Arc<AmazonS3>,
    /// Where uploads wait.
    spool: PathBuf,
    /// Whoever sends a part holds one of these, since a part is in memory while it is sent.
    sending: Semaphore,
}

/// Parts that are sent at once.
const SENDING: usize = 4;
/// Bytes of one part; S3 takes 5 MiB or more, and 10,000 of them.
const PART: u64 = 8 * 1024 * 1024;
/// How much of a file is read at once.
const CHUNK: u64 = 256 * 1024;

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({})", self.store)
    }
}

/// One object of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object<'a> {
    /// The bytes themselves.
    File(AppId, &'a str),
    /// Their thumbnail.
    Thumbnail(AppId, &'a str),
}

impl Object<'_> {
    /// Spread over folders by the first digits of the uuid, which are random.
    fn path(self) -> Path {
        match self {
            Self::File(app, uuid) => Path::from(format!("{app}/{}/{uuid}", &uuid[..2])),
            Self::Thumbnail(app, uuid) => Path::from(format!("{app}/{}/{uuid}.thumb", &uuid[..2])),
        }
    }
}

impl Objects {
    /// Where the config says; `otherwise` is the folder when it does not.
    pub fn open(config: &config::Files, otherwise: PathBuf) -> Result<Self, Error> {
        let folder = config.folder.clone().unwrap_or(otherwise);
        std::fs::create_dir_all(&folder).map_err(|error| {
            Error::invalid("files.folder", format!("{} cannot be used: {error}", folder.display())).because(error)
        })?;
        match &config.s3_bucket {
            None => Self::folder(&folder),
            Some(bucket) => Self::bucket(config, bucket, folder),
        }
    }

    fn folder(folder: &FsPath) -> Result<Self, Error> {
        // Bytes and names are on disk when a write ends.
        let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), place: Place::Folder(folder.to_owned()) })
    }

    fn bucket(config: &config::Files, bucket: &str, spool: PathBuf) -> Result<Self, Error> {
        let required = |name: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| Error::invalid(&format!("files.{name}"), "is required with files.s3_bucket"))
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&config.s3_region)
            .with_virtual_hosted_style_request(config.s3_virtual_hosts)
            .with_access_key_id(required("s3_access_key_id", &config.s3_access_key_id)?)
            .with_secret_access_key(required("s3_secret_access_key", &config.s3_secret_access_key)?);
        if let Some(endpoint) = &config.s3_endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder
            .build()
            .map_err(|error| Error::invalid("files.s3_bucket", format!("cannot be used: {error}")).because(error))?;
        let store = Arc::new(store);
        let bucket = Bucket { signer: Arc::clone(&store), spool, sending: Semaphore::new(SENDING) };
        Ok(Self { store, place: Place::Bucket(Arc::new(bucket)) })
    }

    /// Begins to write an object, which is there once [`Writing::finish`] has ended, and not before.
    pub(crate) async fn write(&self, object: Object<'_>) -> Result<Writing, Error> {
        let path = object.path();
        Ok(match &self.place {
            Place::Folder(_) => Writing::Parts(self.store.put_multipart(&path).await.map_err(fault)?),
            Place::Bucket(bucket) => {
                let spool = bucket.spool.clone();
                // It has no name, so nothing is left of it after a crash.
                let file = off_thread(move || tempfile::tempfile_in(spool)).await?;
                let (store, bucket) = (Arc::clone(&self.store), Arc::clone(bucket));
                Writing::Spool(Spool { store, bucket, path, file: Arc::new(file), size: 0 })
            }
        })
    }

    /// A part of an object, in chunks.
    pub(crate) async fn read(
        &self,
        object: Object<'_>,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let found = self.store.get_opts(&object.path(), options).await.map_err(fault)?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => of_file(Arc::new(file), range).boxed(),
            GetResultPayload::Stream(chunks) => chunks.map(|chunk| chunk.map_err(fault)).boxed(),
        })
    }

    /// The whole of an object; only for those that are known to be small.
    pub(crate) async fn whole(&self, object: Object<'_>) -> Result<Bytes, Error> {
        self.store.get(&object.path()).await.map_err(fault)?.bytes().await.map_err(fault)
    }

    /// A URL under which the store itself gives the object out for a while, with these headers in its answer; `None`
    /// where it cannot.
    pub(crate) async fn link(
        &self,
        object: Object<'_>,
        life: Duration,
        headers: [(&'static str, String); 2],
    ) -> Result<Option<String>, Error> {
        let Place::Bucket(bucket) = &self.place else {
            return Ok(None);
        };
        let options = SignedUrlOptions::new().with_query(headers);
        let url = bucket.signer.signed_url_opts(Method::GET, &object.path(), life, &options).await.map_err(fault)?;
        Ok(Some(url.to_string()))
    }

    /// Removes an object and what a write that never ended left of it. What is not there is no error.
    pub(crate) async fn remove(&self, object: Object<'_>) -> Result<(), Error> {
        let path = object.path();
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(fault(error)),
        }
        let Place::Folder(folder) = &self.place else {
            return Ok(());
        };
        // The store calls an object so until it is whole.
        match tokio::fs::remove_file(folder.join(format!("{path}#1"))).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }
}

fn of_file(file: Arc<File>, range: Range<u64>) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let (from, length) = (range.start, CHUNK.min(range.end - range.start));
        let bytes = read_part(&file, from, length).await?;
        Ok(Some((bytes, (file, from + length..range.end))))
    })
}

async fn read_part(file: &Arc<File>, from: u64, length: u64) -> Result<Bytes, Error> {
    let file = Arc::clone(file);
    off_thread(move || {
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, from).map(|()| Bytes::from(bytes))
    })
    .await
}

/// Files block.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    done.map_err(|error| {
        let reason = if error.raw_os_error() == Some(NO_SPACE) { Reason::StorageFull } else { Reason::Internal };
        Error::new(reason, "").because(error)
    })
}

/// An object that is being written.
pub(crate) enum Writing {
    /// Into the store as it comes.
    Parts(Box<dyn MultipartUpload>),
    /// On disk until it is whole.
    Spool(Spool),
}

/// An upload that waits on disk.
pub(crate) struct Spool {
    store: Arc<dyn ObjectStore>,
    bucket: Arc<Bucket>,
    path: Path,
    file: Arc<File>,
    size: u64,
}

impl Writing {
    /// Appends bytes, and waits until they are taken.
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

    /// The object is there when this returns.
    pub(crate) async fn finish(self) -> Result<(), Error> {
        match self {
            Self::Parts(mut upload) => upload.complete().await.map(drop).map_err(fault),
            Self::Spool(spool) => spool.send().await,
        }
    }

    /// Leaves nothing behind.
    pub(crate) async fn abort(self) -> Result<(), Error> {
        match self {
            Self::Parts(mut upload) => upload.abort().await.map_err(fault),
            Self::Spool(_) => Ok(()),
        }
    }
}

impl Spool {
    async fn send(self) -> Result<(), Error> {
        let _turn = self.bucket.sending.acquire().await.map_err(Error::internal)?;
        if self.size <= PART {
            let bytes = read_part(&self.file, 0, self.size).await?;
            return self.store.put(&self.path, PutPayload::from(bytes)).await.map(drop).map_err(fault);
        }
        let mut upload = self.store.put_multipart(&self.path).await.map_err(fault)?;
        match self.send_parts(&mut *upload).await {
            Ok(()) => upload.complete().await.map(drop).map_err(fault),
            Err(error) => {
                upload.abort().await.map_err(fault)?;
                Err(error)
            }
        }
    }

    async fn send_parts(&self, upload: &mut dyn MultipartUpload) -> Result<(), Error> {
        let mut from = 0;
        while from < self.size {
            let length = PART.min(self.size - from);
            let bytes = read_part(&self.file, from, length).await?;
            upload.put_part(PutPayload::from(bytes)).await.map_err(fault)?;
            from += length;
        }
        Ok(())
    }
}

/// No space left on the device, as the operating system says it.
const NO_SPACE: i32 = 28;

fn fault(error: object_store::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.downcast_ref::<io::Error>().is_some_and(|io| io.raw_os_error() == Some(NO_SPACE)) {
            return Error::new(Reason::StorageFull, "").because(error);
        }
        cause = inner.source();
    }
    Error::internal(error)
}
