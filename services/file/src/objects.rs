//! Where bytes are: a folder, through the same interface as any object store.

use std::{
    fmt,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{
    GetOptions, GetRange, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload,
    local::LocalFileSystem, path::Path,
};
use tidings_domain::{AppId, Error, Reason};

/// An object store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

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
    /// A folder, which is made where it is missing. Bytes are on disk when a write ends.
    pub fn folder(folder: &FsPath) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::internal)?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: folder.to_owned() })
    }

    /// Begins to write an object, which is there once [`Writing::finish`] was called, and not before.
    pub(crate) async fn write(&self, object: Object<'_>) -> Result<Writing, Error> {
        Ok(Writing(self.store.put_multipart(&object.path()).await.map_err(fault)?))
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

    /// Removes an object and what a write that never ended left of it. What is not there is no error.
    pub(crate) async fn remove(&self, object: Object<'_>) -> Result<(), Error> {
        let path = object.path();
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(fault(error)),
        }
        // The store calls an object so until it is whole.
        match tokio::fs::remove_file(self.folder.join(format!("{path}#1"))).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }
}

/// How much of a file is read at once.
const CHUNK: u64 = 256 * 1024;

fn of_file(file: Arc<File>, range: Range<u64>) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let (from, length) = (range.start, CHUNK.min(range.end - range.start));
        let reading = Arc::clone(&file);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; length as usize];
            reading.read_exact_at(&mut bytes, from).map(|()| bytes)
        });
        let bytes = read.await.map_err(Error::internal)?.map_err(Error::internal)?;
        Ok(Some((Bytes::from(bytes), (file, from + length..range.end))))
    })
}

/// An object that is being written.
pub(crate) struct Writing(Box<dyn MultipartUpload>);

impl Writing {
    /// Appends bytes, and waits until the store has taken them.
    pub(crate) async fn append(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.0.put_part(PutPayload::from(bytes)).await.map_err(fault)
    }

    /// The object is there when this returns.
    pub(crate) async fn finish(mut self) -> Result<(), Error> {
        self.0.complete().await.map(drop).map_err(fault)
    }

    /// Leaves nothing behind.
    pub(crate) async fn abort(mut self) -> Result<(), Error> {
        self.0.abort().await.map_err(fault)
    }
}

/// No space left on the device, as the operating system says it.
const NO_SPACE: i32 = 28;

fn fault(error: object_store::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some_and(|io| io.raw_os_error() == Some(NO_SPACE)) {
            return Error::new(Reason::StorageFull, "").because(error);
        }
        cause = inner.source();
    }
    Error::internal(error)
}
