//! The gRPC API.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tidings_domain::{Actor, App, Caller, Error, UserId};
use tidings_proto::{
    error_from_status,
    internal::{self, file_internal_service_server::FileInternalService},
    pb::{self, download_response, file_service_server::FileService, upload_request},
    required, span, status_from_error as to_status,
};
use tidings_runtime::context;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    app::{
        Core, delete, download, fetch,
        find::{self, describe, find},
        lifetime, link, sweep,
        upload::{self, Header, Part},
        withdraw::{self, Outcome},
    },
    thumbnail::Fit,
};

/// Maximum bytes of one chunk.
const MAX_CHUNK: usize = 1024 * 1024;
/// Maximum bytes of a name.
const MAX_NAME: usize = 255;
/// Maximum number of files per call.
const MOST_UUIDS: usize = 1000;
/// Maximum pixels of a thumbnail's side.
const MAX_SIDE: u32 = 4096;

/// The file service.
#[derive(Debug, Clone)]
pub struct FileGrpc {
    core: Arc<Core>,
}

impl FileGrpc {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Who reads a file. Only the app itself may skip the secret (`trusted`).
    async fn reader<T>(&self, request: &Request<T>, trusted: bool) -> Result<Caller, Status> {
        let (caller, _) = self.core.deps.directory.caller(request).await.map_err(to_status)?;
        if trusted && caller.actor != Actor::App {
            return Err(to_status(Error::not_permitted("only the app itself reads files without their secrets")));
        }
        Ok(caller)
    }

    /// The same, refused to users.
    async fn own_app<T>(&self, request: &Request<T>) -> Result<Arc<App>, Status> {
        let (caller, app) = self.core.deps.directory.caller(request).await.map_err(to_status)?;
        if user(&caller).is_some() {
            return Err(to_status(Error::not_permitted("only the app itself fetches, keeps and removes files")));
        }
        Ok(app)
    }

    async fn taken_in(
        &self,
        (caller, is_account): (&Caller, bool),
        app: Arc<App>,
        mut parts: Streaming<pb::UploadRequest>,
    ) -> Result<pb::FileInfo, Error> {
        let first = parts.message().await.map_err(error_from_status)?.and_then(|first| first.part);
        let Some(upload_request::Part::Header(header)) = first else {
            return Err(Error::invalid("header", "must come first"));
        };
        let header = header_of(header, caller)?;
        if header.internal && is_account {
            // It may be larger than the app's files.
            return Err(context::needs_service_key("internal"));
        }
        let parts = parts.map(|part| part.map_err(error_from_status)?.try_into());
        Ok(upload::upload(Arc::clone(&self.core), app, header, parts).await?.into())
    }

    async fn given_out(
        &self,
        caller: &Caller,
        request: pb::DownloadRequest,
    ) -> Result<BoxStream<'static, Result<pb::DownloadResponse, Status>>, Error> {
        let (file, bytes) = download::download(&self.core, caller.app, download_of(request, caller)?).await?;
        let reply = |part| pb::DownloadResponse { part: Some(part) };
        let info = stream::iter([Ok(reply(download_response::Part::Info(file.into())))]);
        let chunks = bytes.map(move |chunk| match chunk {
            Ok(bytes) => Ok(reply(download_response::Part::Chunk(bytes))),
            Err(error) => Err(to_status(error)),
        });
        Ok(info.chain(chunks).boxed())
    }
}

#[tonic::async_trait]
impl FileService for FileGrpc {
    type DownloadStream = BoxStream<'static, Result<pb::DownloadResponse, Status>>;

    #[tracing::instrument(level = "debug", name = "file.upload", skip_all)]
    async fn upload(&self, request: Request<Streaming<pb::UploadRequest>>) -> Result<Response<pb::FileInfo>, Status> {
        let (caller, app) = self.core.deps.directory.caller(&request).await.map_err(to_status)?;
        let by = (&caller, context::is_account(&request));
        let file = self.taken_in(by, app, request.into_inner()).await.map_err(to_status)?;
        Ok(Response::new(file))
    }

    #[tracing::instrument(level = "debug", name = "file.fetch", skip_all)]
    async fn fetch(&self, request: Request<pb::FetchRequest>) -> Result<Response<pb::FileInfo>, Status> {
        let app = self.own_app(&request).await?;
        let pb::FetchRequest { url, name } = request.into_inner();
        check_name(&name).map_err(to_status)?;
        let file = fetch::fetch(Arc::clone(&self.core), app, &url, &name).await.map_err(to_status)?;
        Ok(Response::new(file.into()))
    }

    #[tracing::instrument(level = "debug", name = "file.download", skip_all)]
    async fn download(&self, request: Request<pb::DownloadRequest>) -> Result<Response<Self::DownloadStream>, Status> {
        let trusted = request.get_ref().file.as_ref().is_some_and(|file| file.trusted);
        let caller = self.reader(&request, trusted).await?;
        let stream = self.given_out(&caller, request.into_inner()).await.map_err(to_status)?;
        Ok(Response::new(stream))
    }

    #[tracing::instrument(level = "debug", name = "file.link", skip_all)]
    async fn link(&self, request: Request<pb::LinkRequest>) -> Result<Response<pb::LinkResponse>, Status> {
        let trusted = request.get_ref().file.as_ref().is_some_and(|file| file.trusted);
        let caller = self.reader(&request, trusted).await?;
        let query = link_of(request.into_inner(), &caller).map_err(to_status)?;
        let url = link::link(&self.core, caller.app, query).await.map_err(to_status)?;
        Ok(Response::new(pb::LinkResponse { url: url.unwrap_or_default() }))
    }

    #[tracing::instrument(level = "debug", name = "file.stat", skip_all)]
    async fn stat(&self, request: Request<pb::StatRequest>) -> Result<Response<pb::FileInfo>, Status> {
        let trusted = request.get_ref().file.as_ref().is_some_and(|file| file.trusted);
        let caller = self.reader(&request, trusted).await?;
        let file = required("file", request.into_inner().file).map_err(to_status)?;
        let found = find(&self.core, caller.app, &file_query(file, &caller)).await.map_err(to_status)?;
        Ok(Response::new(found.into()))
    }

    #[tracing::instrument(level = "debug", name = "file.set_lifetime", skip_all)]
    async fn set_lifetime(&self, request: Request<pb::SetLifetimeRequest>) -> Result<Response<pb::FileInfo>, Status> {
        let (caller, app) = self.core.deps.directory.caller(&request).await.map_err(to_status)?;
        let user = user(&caller);
        if user.is_some() && !app.policy.users_set_file_lifetime {
            return Err(to_status(Error::not_permitted("users do not set how long files are kept")));
        }
        let pb::SetLifetimeRequest { file, for_ever } = request.into_inner();
        // No bytes are returned, so the owner need not know the secret.
        let file = required("file", file).map_err(to_status)?;
        let query = find::FileQuery { uuid: file.uuid, secret: file.share_secret, trusted: true };
        let set = lifetime::set(&self.core, &app, user, &query, for_ever).await.map_err(to_status)?;
        Ok(Response::new(set.into()))
    }

    #[tracing::instrument(level = "debug", name = "file.delete_file", skip_all)]
    async fn delete_file(&self, request: Request<pb::DeleteFileRequest>) -> Result<Response<pb::FileInfo>, Status> {
        let app = self.own_app(&request).await?;
        let file = required("file", request.into_inner().file).map_err(to_status)?;
        let query = find::FileQuery::of(file, true);
        let deleted = delete::delete(&self.core, app.id, &query).await.map_err(to_status)?;
        Ok(Response::new(deleted.into()))
    }

    #[tracing::instrument(level = "debug", name = "file.sweep", skip_all)]
    async fn sweep(&self, _: Request<pb::SweepRequest>) -> Result<Response<pb::SweepResponse>, Status> {
        let removed = sweep::sweep(&self.core).await.map_err(to_status)?;
        Ok(Response::new(pb::SweepResponse { removed: removed as i64 }))
    }
}

#[tonic::async_trait]
impl FileInternalService for FileGrpc {
    #[tracing::instrument(level = "debug", name = "file.describe", skip_all)]
    async fn describe(
        &self,
        request: Request<internal::DescribeRequest>,
    ) -> Result<Response<internal::DescribeResponse>, Status> {
        let app = self.own_app(&request).await?;
        let uuids = request.into_inner().uuids;
        if uuids.len() > MOST_UUIDS {
            return Err(to_status(Error::invalid("uuids", "must be at most 1000")));
        }
        let files = describe(&self.core, app.id, &uuids).await.map_err(to_status)?;
        Ok(Response::new(internal::DescribeResponse { files: files.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "file.withdraw", skip_all)]
    async fn withdraw(&self, request: Request<internal::WithdrawRequest>) -> Result<Response<pb::FileInfo>, Status> {
        let app = self.own_app(&request).await?;
        let internal::WithdrawRequest { uuid, owner_id } = request.into_inner();
        let file = withdraw::withdraw(&self.core, app.id, UserId(owner_id), &uuid).await.map_err(to_status)?;
        Ok(Response::new(file.into()))
    }

    #[tracing::instrument(level = "debug", name = "file.settle", skip_all)]
    async fn settle(
        &self,
        request: Request<internal::SettleRequest>,
    ) -> Result<Response<internal::SettleResponse>, Status> {
        let app = self.own_app(&request).await?;
        let internal::SettleRequest { uuid, restore, owner_id } = request.into_inner();
        let outcome = if restore { Outcome::Restored } else { Outcome::Removed };
        let settled = withdraw::settle(&self.core, app.id, UserId(owner_id), &uuid, outcome).await;
        Ok(Response::new(internal::SettleResponse { settled: settled.map_err(to_status)? }))
    }
}

/// The user of the call; `None` is the app itself.
fn user(caller: &Caller) -> Option<UserId> {
    (!caller.is_app()).then_some(caller.actor.user())
}

impl find::FileQuery {
    fn of(wire: pb::FileRef, trusted: bool) -> Self {
        Self { uuid: wire.uuid, secret: wire.share_secret, trusted }
    }
}

/// Only the app itself can vouch for who may read: the flag is ignored for users.
fn file_query(wire: pb::FileRef, caller: &Caller) -> find::FileQuery {
    let trusted = wire.trusted && user(caller).is_none();
    find::FileQuery::of(wire, trusted)
}

fn download_of(wire: pb::DownloadRequest, caller: &Caller) -> Result<download::DownloadQuery, Error> {
    let number = |field: &str, value: i64| {
        u64::try_from(value).map_err(|error| Error::invalid(field, "must not be negative").because(error))
    };
    let length = number("length", wire.length)?;
    Ok(download::DownloadQuery {
        file: file_query(required("file", wire.file)?, caller),
        thumbnail: wire.thumbnail,
        offset: number("offset", wire.offset)?,
        length: (length > 0).then_some(length),
    })
}

fn link_of(wire: pb::LinkRequest, caller: &Caller) -> Result<link::LinkQuery, Error> {
    let life = required("life", span("life", wire.life)?)?;
    if !(Duration::from_secs(1)..=Duration::from_hours(7 * 24)).contains(&life) {
        return Err(Error::invalid("life", "must be from 1 second to 7 days"));
    }
    Ok(link::LinkQuery {
        file: file_query(required("file", wire.file)?, caller),
        thumbnail: wire.thumbnail,
        life,
        content_type: wire.content_type,
        content_disposition: wire.content_disposition,
    })
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.len() > MAX_NAME {
        return Err(Error::invalid("name", "must have at most 255 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "must have no control characters"));
    }
    Ok(())
}

/// Only random ones, since a uuid must not be guessable.
fn checked_uuid(uuid: String) -> Result<Option<String>, Error> {
    if uuid.is_empty() {
        return Ok(None);
    }
    let is_right = uuid::Uuid::try_parse(&uuid)
        .is_ok_and(|parsed| parsed.get_version_num() == 4 && parsed.hyphenated().to_string() == uuid);
    if is_right { Ok(Some(uuid)) } else { Err(Error::invalid("uuid", "must be a version 4 UUID in lower case")) }
}

/// Fields that only the app itself sets are refused to users: internal, owner and name.
fn header_of(wire: pb::UploadHeader, caller: &Caller) -> Result<Header, Error> {
    check_name(&wire.name)?;
    if user(caller).is_some() && (wire.internal || wire.owner_user_id != 0 || !wire.uuid.is_empty()) {
        return Err(Error::not_permitted("only the app itself names files, and says whose they are"));
    }
    let owner = if wire.owner_user_id == 0 { caller.actor.user() } else { UserId(wire.owner_user_id) };
    Ok(Header {
        name: wire.name,
        content_type: wire.content_type,
        restricted: wire.restricted,
        owner,
        internal: wire.internal,
        uuid: checked_uuid(wire.uuid)?,
    })
}

impl TryFrom<pb::UploadRequest> for Part {
    type Error = Error;

    fn try_from(wire: pb::UploadRequest) -> Result<Self, Error> {
        match required("part", wire.part)? {
            upload_request::Part::Header(_) => Err(Error::invalid("header", "must come first and once")),
            upload_request::Part::Chunk(bytes) if bytes.len() > MAX_CHUNK => {
                Err(Error::invalid("chunk", "must have at most 1 MiB"))
            }
            upload_request::Part::Chunk(bytes) => Ok(Self::Chunk(bytes)),
            upload_request::Part::Thumbnail(size) => Ok(Self::Fit(size.try_into()?)),
            upload_request::Part::Done(_) => Ok(Self::Done),
            upload_request::Part::Restricted(_) => Ok(Self::Restricted),
        }
    }
}

impl TryFrom<pb::ThumbnailSize> for Fit {
    type Error = Error;

    fn try_from(wire: pb::ThumbnailSize) -> Result<Self, Error> {
        let side = |field: &str, pixels: i32| match u32::try_from(pixels) {
            Ok(side) if (1..=MAX_SIDE).contains(&side) => Ok(side),
            _ => Err(Error::invalid(field, "must be from 1 to 4096")),
        };
        Ok(Self { width: side("width", wire.width)?, height: side("height", wire.height)? })
    }
}
