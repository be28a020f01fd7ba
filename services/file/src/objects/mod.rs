//! The object store: a folder, or a bucket of an S3-compatible store.

mod listing;
mod reading;
mod writing;

use std::{
    fmt, io,
    ops::Range,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use http::{HeaderValue, Method};
use object_store::{
    ClientOptions, GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt as _,
    aws::AmazonS3Builder,
    local::LocalFileSystem,
    path::Path,
    signer::{SignedUrlOptions, Signer as _},
};
use tidings_domain::{AppId, Error, Reason, USER_AGENT};
use tidings_outbound::NO_CERTIFICATES;
use tidings_runtime::config;

pub(crate) use self::{listing::StoredObject, writing::Writing};
use self::{
    reading::{Downloads, of_file, of_store},
    writing::{Bucket, Spool},
};

/// An object store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    place: Backend,
    downloads: Arc<Downloads>,
}

#[derive(Clone)]
enum Backend {
    /// Objects of this folder.
    Folder(PathBuf),
    Bucket(Arc<Bucket>),
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({})", self.store)
    }
}

/// The parts of a file.
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
    /// The configured store; `otherwise` is the default folder.
    pub fn open(config: &config::Files, otherwise: PathBuf) -> Result<Self, Error> {
        let folder = config.folder.clone().unwrap_or(otherwise);
        // Whether a folder is writable shows at the first write.
        let usable = std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder));
        usable.map_err(|error| {
            let remedy = "give it to the user that runs tidings, or name another with TIDINGS_FILES_FOLDER";
            Error::invalid("files.folder", format!("{} cannot be used: {error}; {remedy}", folder.display()))
        })?;
        match &config.s3_bucket {
            None => Self::folder(&folder),
            Some(bucket) => Self::bucket(config, bucket, folder),
        }
    }

    /// The store as it is, for commands that only read it: no folder is created. `None`: there is no folder.
    pub fn existing(config: &config::Files, otherwise: PathBuf) -> Result<Option<Self>, Error> {
        let folder = config.folder.clone().unwrap_or(otherwise);
        match &config.s3_bucket {
            Some(bucket) => Self::bucket(config, bucket, folder).map(Some),
            None if folder.is_dir() => Self::folder(&folder).map(Some),
            None => Ok(None),
        }
    }

    /// Whether it is this folder.
    pub fn is_in(&self, folder: &FsPath) -> bool {
        let real = |folder: &FsPath| folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        matches!(&self.place, Backend::Folder(own) if real(own) == real(folder))
    }

    fn folder(folder: &FsPath) -> Result<Self, Error> {
        // Bytes and names are on disk when a write ends.
        let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?.with_fsync(true);
        Ok(Self::at(Arc::new(store), Backend::Folder(folder.to_owned())))
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
            builder = builder.with_endpoint(endpoint);
        }
        let is_plain = config.s3_endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        if !is_plain && !tidings_outbound::has_certificates() {
            return Err(Error::invalid("files.s3_endpoint", format!("cannot be used: {NO_CERTIFICATES}")));
        }
        // A store that is called over plain HTTP has no certificate.
        let client = ClientOptions::new().with_allow_http(is_plain).with_no_system_certificates(is_plain);
        let client = client.with_user_agent(HeaderValue::from_static(USER_AGENT));
        builder = builder.with_client_options(client);
        let store = builder.build().map_err(|error| {
            Error::invalid("files.s3_bucket", format!("{bucket} cannot be used: {}", with_causes(&error)))
        })?;
        let store = Arc::new(store);
        let bucket = Bucket::new(Arc::clone(&store), spool);
        Ok(Self::at(store, Backend::Bucket(Arc::new(bucket))))
    }

    /// Lists the objects with an unused prefix: this checks that the store answers, has the bucket and accepts the key.
    /// A folder was created when it was opened.
    pub async fn check(&self) -> Result<(), Error> {
        let Backend::Bucket(_) = &self.place else {
            return Ok(());
        };
        let prefix = Path::from("tidings-start");
        let mut listed = self.store.list(Some(&prefix));
        let asked = tokio::time::timeout(CHECK, listed.next()).await;
        let refuse = |words: &str| Err(Error::invalid("files.s3_bucket", format!("cannot be used: {words}")));
        let words = match asked {
            Ok(None | Some(Ok(_))) => return Ok(()),
            Ok(Some(Err(error))) => with_causes(&error),
            Err(_) => {
                return refuse("the store does not answer in time; correct files.s3_endpoint, or start the store");
            }
        };
        if let Some(code) = WRONG_KEY.into_iter().find(|code| words.contains(code)) {
            return refuse(&format!(
                "the store says {code}; correct files.s3_access_key_id, its secret and the region"
            ));
        }
        if words.contains("NoSuchBucket") {
            return refuse("the store has no such bucket; make it, or correct the name");
        }
        if words.contains("AccessDenied") {
            return Ok(());
        }
        refuse(&format!("{words}; correct files.s3_endpoint, or start the store"))
    }

    fn at(store: Arc<dyn ObjectStore>, place: Backend) -> Self {
        Self { store, place, downloads: Arc::default() }
    }

    /// Begins to write an object, which exists once [`Writing::finish`] has ended, and not before.
    pub(crate) async fn write(&self, object: Object<'_>) -> Result<Writing, Error> {
        let path = object.path();
        Ok(match &self.place {
            Backend::Folder(_) => Writing::Parts(self.store.put_multipart(&path).await.map_err(fault)?),
            Backend::Bucket(bucket) => {
                let spool = bucket.spool.clone();
                // It has no name, so nothing is left of it after a crash.
                let file = off_thread(move || tempfile::tempfile_in(spool)).await?;
                Writing::Spool(Spool::new(Arc::clone(&self.store), Arc::clone(bucket), path, file))
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
            self.check_there(object).await?;
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let found = self.store.get_opts(&object.path(), options).await.map_err(|error| lost(object, error))?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => of_file(&self.downloads, file, range).boxed(),
            GetResultPayload::Stream(chunks) => of_store(&self.downloads, chunks).boxed(),
        })
    }

    /// A whole object; only for those that are known to be small.
    pub(crate) async fn whole(&self, object: Object<'_>) -> Result<Bytes, Error> {
        self.store.get(&object.path()).await.map_err(fault)?.bytes().await.map_err(fault)
    }

    /// The size of an object; `None` if it does not exist.
    pub(crate) async fn size(&self, object: Object<'_>) -> Result<Option<u64>, Error> {
        match self.store.head(&object.path()).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    /// Checks that the object exists: it may have been removed from the folder or bucket by others.
    pub(crate) async fn check_there(&self, object: Object<'_>) -> Result<(), Error> {
        self.store.head(&object.path()).await.map(drop).map_err(|error| lost(object, error))
    }

    /// A temporary URL at the store itself, with these headers in its response; `None` if the store does not support
    /// it.
    pub(crate) async fn link(
        &self,
        object: Object<'_>,
        life: Duration,
        headers: [(&'static str, String); 2],
    ) -> Result<Option<String>, Error> {
        let Backend::Bucket(bucket) = &self.place else {
            return Ok(None);
        };
        let options = SignedUrlOptions::new().with_query(headers);
        let url = bucket.signer.signed_url_opts(Method::GET, &object.path(), life, &options).await.map_err(fault)?;
        Ok(Some(url.to_string()))
    }

    /// Removes an object and the remains of an unfinished write. A missing one is not an error.
    pub(crate) async fn remove(&self, object: Object<'_>) -> Result<(), Error> {
        let path = object.path();
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(fault(error)),
        }
        let Backend::Folder(folder) = &self.place else {
            return Ok(());
        };
        // The store's name for an incomplete object.
        match tokio::fs::remove_file(folder.join(format!("{path}#1"))).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::new(reason_of_disk(&error), "").because(error))
            }
            _ => Ok(()),
        }
    }
}

/// An object that is described, but missing, is reported to readers as a file that does not exist.
fn lost(object: Object<'_>, error: object_store::Error) -> Error {
    if !matches!(error, object_store::Error::NotFound { .. }) {
        return fault(error);
    }
    tracing::warn!(object = %object.path(), "the bytes of a file are missing from the store");
    Error::new(Reason::FileNotFound, "")
}

/// A store's answer to an unknown key. It also answers 403 to a key without the permission to list, which is not
/// required here.
const WRONG_KEY: [&str; 3] = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed"];
/// How long a store may take to answer at the start.
const CHECK: Duration = Duration::from_secs(10);

/// The error with its whole chain of sources, each once.
fn with_causes(error: &object_store::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !words.contains(&said) {
            words = format!("{words}: {said}");
        }
        cause = inner.source();
    }
    words
}

/// File operations block.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    done.map_err(|error| Error::new(reason_of_disk(&error), "").because(error))
}

/// The operating system's errors for a full disk, or an exceeded disk quota.
const FULL: [i32; 2] = [28, 122];
/// The same for one that fails, was mounted read-only after a failure, or for too many open files.
const FAILING: [i32; 5] = [5, 6, 23, 24, 30];

fn reason_of_disk(error: &io::Error) -> Reason {
    match error.raw_os_error() {
        Some(code) if FULL.contains(&code) => Reason::StorageFull,
        Some(code) if FAILING.contains(&code) => Reason::Unavailable,
        _ => Reason::Internal,
    }
}

fn fault(error: object_store::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        let reason = inner.downcast_ref().map_or(Reason::Internal, reason_of_disk);
        if reason != Reason::Internal {
            return Error::new(reason, "").because(error);
        }
        cause = inner.source();
    }
    Error::internal(error)
}
