//! An S3-compatible store, for the shape that keeps its files in one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{OnceLock, mpsc},
    thread,
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A bucket and its credentials.
#[derive(Debug)]
pub struct Bucket {
    /// The address of the store, as `http://host:port`.
    pub endpoint: String,
    folder: TempDir,
}

const NAME: &str = "files";
const KEY: &str = "AKIDTEST";
const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

impl Bucket {
    /// The bucket that all tests of this binary share.
    ///
    /// # Panics
    /// When the store does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Bucket> = OnceLock::new();
        SHARED.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            fs::create_dir(folder.path().join(NAME)).expect("a bucket is a folder");
            let endpoint = serve(folder.path().to_owned());
            Self { endpoint, folder }
        })
    }

    /// The settings for using it, as environment variables.
    pub fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("ENDPOINT", self.endpoint.as_str()),
            ("BUCKET", NAME),
            ("ACCESS_KEY_ID", KEY),
            ("SECRET_ACCESS_KEY", SECRET),
        ];
        settings.map(|(name, value)| (format!("TIDINGS_FILES_S3_{name}"), value.to_owned())).to_vec()
    }

    /// The store's folder with the objects of the bucket.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }
}

/// Serves in a separate thread, so that it outlives the runtime of the test that started it.
fn serve(folder: PathBuf) -> String {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(accept(&folder, tell));
    });
    told.recv().expect("the store starts")
}

async fn accept(folder: &Path, tell: mpsc::Sender<String>) {
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).expect("the folder is there"));
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tell.send(format!("http://{address}")).expect("the test waits");
    loop {
        let (stream, _) = listener.accept().await.expect("connections can be accepted");
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move { drop(connection.await) });
    }
}
