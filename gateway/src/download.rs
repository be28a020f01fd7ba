//! Streams a file to a client. When the file service process dies or stops, another one continues from the same
//! offset.

use axum::body::{Body, Bytes};
use futures_util::stream;
use tidings_domain::{Caller, Error, Reason};
use tidings_proto::{
    error_from_status,
    pb::{self, download_response::Part, file_service_client::FileServiceClient},
};
use tidings_runtime::{Wire, context};
use tonic::Streaming;

use crate::{Gateway, reply::refused};

/// Processes that may fail in a row without a byte in between.
const MOST_FAILURES: usize = 3;

/// A file, or a range of it.
pub(crate) struct Download {
    files: FileServiceClient<Wire>,
    caller: Caller,
    /// The remaining range.
    rest: pb::DownloadRequest,
    chunks: Streaming<pb::DownloadResponse>,
    failures: usize,
}

impl Download {
    /// Starts it. The length must be given, since the rest is requested again after a failure.
    pub async fn begin(gateway: &Gateway, caller: &Caller, wanted: pb::DownloadRequest) -> Result<Self, Error> {
        let mut files = gateway.clients().file.clone();
        let chunks = files.download(context::request(caller, wanted.clone())).await.map_err(refused)?.into_inner();
        Ok(Self { files, caller: caller.clone(), rest: wanted, chunks, failures: 0 })
    }

    /// All of it.
    pub fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(Some(self), |download| async move {
            let mut download = download?;
            match download.next().await {
                Ok(bytes) => Some((Ok(bytes?), Some(download))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    /// The next bytes; `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while self.rest.length > 0 {
            match self.chunks.message().await {
                Ok(Some(pb::DownloadResponse { part: Some(Part::Chunk(bytes)) })) => {
                    let length = bytes.len() as i64;
                    self.rest.offset += length;
                    self.rest.length -= length;
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                // The description of the file was sent before.
                Ok(Some(_)) => {}
                Ok(None) => self.resume(Error::new(Reason::Unavailable, "")).await?,
                Err(status) => self.resume(error_from_status(status)).await?,
            }
        }
        Ok(None)
    }

    async fn resume(&mut self, why: Error) -> Result<(), Error> {
        self.failures += 1;
        if why.reason() != Reason::Unavailable || self.failures > MOST_FAILURES {
            return Err(why);
        }
        tracing::debug!(%why, offset = self.rest.offset, "a download continues at another process");
        let again = self.files.download(context::request(&self.caller, self.rest.clone())).await;
        self.chunks = again.map_err(refused)?.into_inner();
        Ok(())
    }
}
