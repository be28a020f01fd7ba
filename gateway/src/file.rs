//! Files over HTTP, for every dialect: uploads from forms, downloads with safe headers.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
        CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tidings_domain::{Caller, Error, Reason, StoredFile};
use tidings_proto::{
    duration,
    pb::{self, upload_request},
};
use tidings_runtime::context;
use tokio::sync::mpsc;

use crate::{
    Gateway,
    download::Download,
    form_part::PartName,
    range::{self, Requested},
    reply::{refused, with_reason},
    request::{BODY_TIME, discard_body, header},
};

/// How long a client may pause within its upload.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum bytes of a form without its file.
const MAX_BESIDE: u64 = 64 * 1024;
/// Maximum bytes of a form that are read and discarded once its file was refused: a client that is still sending does
/// not see an answer.
const MAX_DISCARDED: u64 = 16 * 1024 * 1024;
/// Maximum bytes that the form parser may buffer without progress: a preamble, the head of a part.
const MAX_UNREAD: u64 = 256 * 1024;
/// The memory of a form while it is read: the parser's buffer, and a chunk in each queue slot.
const FORM: usize = 256 * 1024;
/// After that many bytes the parser's progress is checked before it gets more.
const BURST: u64 = 128 * 1024;
/// Chunks on their way to the file service.
const IN_FLIGHT: usize = 1;

/// The properties of an upload that are not in its form.
#[derive(Debug, Default)]
pub(crate) struct UploadOptions {
    pub restricted: bool,
    /// The file's name, if it was given before.
    pub uuid: String,
    /// The owner, if the app itself calls on their behalf; 0 is the caller.
    pub owner: i64,
    /// Width and height of the thumbnail's box, if given.
    pub thumbnail: (Option<i32>, Option<i32>),
}

/// How a dialect reads a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// The name of the part with the file.
    pub file: &'static str,
    /// The names of the parts with the thumbnail's width and height, if the dialect has them.
    pub dimensions: Option<(&'static str, &'static str)>,
    /// A form field that is the thumbnail's width or height.
    pub side: fn(&str) -> Option<i32>,
    /// The names of the parts that say whether the file is restricted.
    pub restricts: &'static [&'static str],
    /// One of these parts.
    pub restricted: fn(&str) -> Result<bool, String>,
}

/// Why nothing was stored.
#[derive(Debug)]
pub(crate) enum UploadError {
    /// There is no form, or none with a file.
    NoFile,
    Refused(Error),
}

/// Side of a thumbnail's box if only the other one is given, in pixels (agora.md 3.1).
const DEFAULT_SIDE: i32 = 170;

type Parts = mpsc::Sender<pb::UploadRequest>;

/// Streams the file of a form to the file service: only a few chunks are in memory.
pub(crate) async fn upload(
    gateway: &Gateway,
    caller: &Caller,
    content_type: &str,
    body: Body,
    (form, options): (Form, UploadOptions),
    max_bytes: u64,
) -> Result<StoredFile, UploadError> {
    let share = gateway.budgets().uploads.share();
    if let Err(error) = share.grow_to(FORM) {
        discard_body(body).await;
        return Err(UploadError::Refused(error));
    }
    let Ok(boundary) = multer::parse_boundary(content_type) else {
        return Err(UploadError::NoFile);
    };
    let limit = SizeLimit::new().whole_stream(max_bytes.saturating_add(MAX_DISCARDED));
    let unread = Unread::default();
    let parts =
        Multipart::with_constraints(patient(body, unread.clone()), boundary, Constraints::new().size_limit(limit));
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let stream = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    let mut client = gateway.clients().file.clone();
    let call = client.upload(context::request(caller, stream));
    // The sender belongs to the reading future, so that the call ends with it.
    let (read, answer) = future::join(read_form((parts, unread), sender, form, options), call).await;
    read?;
    let info = answer.map_err(|status| UploadError::Refused(refused(status)))?.into_inner();
    StoredFile::try_from(info).map_err(UploadError::Refused)
}

/// Bytes that the parser was given since its last progress.
#[derive(Debug, Clone, Default)]
struct Unread(Arc<AtomicU64>);

impl Unread {
    /// The next bytes of a part's data.
    async fn chunk(&self, field: &mut Field<'static>) -> Result<Option<Bytes>, UploadError> {
        let chunk = field.chunk().await.map_err(broken)?;
        self.0.store(0, Ordering::Relaxed);
        Ok(chunk)
    }

    /// The next part.
    async fn field(&self, parts: &mut Multipart<'static>) -> Result<Option<Field<'static>>, UploadError> {
        let field = parts.next_field().await.map_err(broken)?;
        self.0.store(0, Ordering::Relaxed);
        Ok(field)
    }
}

/// The body, which ends with an error when its sender pauses for too long, or the parser makes no progress. The parser
/// takes all that it can get before it parses, so it is stopped from time to time.
fn patient(body: Body, unread: Unread) -> impl futures_util::Stream<Item = Result<Bytes, Error>> + Send {
    stream::unfold(Some((body.into_data_stream(), unread)), |state| async move {
        let (mut stream, unread): (BodyDataStream, Unread) = state?;
        if unread.0.load(Ordering::Relaxed) >= BURST {
            tokio::task::yield_now().await;
        }
        if unread.0.load(Ordering::Relaxed) > MAX_UNREAD {
            return Some((Err(Error::invalid("body", "lacks a part where one is expected")), None));
        }
        match tokio::time::timeout(PATIENCE, stream.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => {
                unread.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Some((Ok(bytes), Some((stream, unread))))
            }
            Ok(Some(Err(cause))) => Some((Err(Error::invalid("body", "ended early").because(cause)), None)),
            Err(_) => Some((Err(Error::invalid("body", "paused for 30 seconds")), None)),
        }
    })
}

fn broken(error: multer::Error) -> UploadError {
    UploadError::Refused(match error {
        multer::Error::StreamSizeExceeded { .. } => Error::new(Reason::FileTooLarge, ""),
        error => Error::invalid("body", format!("is not a complete form: {error}")),
    })
}

/// Sends the file, then the thumbnail's size, then the end. Ends without the latter when the form is invalid; when the
/// service ended first, its answer says why.
async fn read_form(
    (mut parts, unread): (Multipart<'static>, Unread),
    sender: Parts,
    form: Form,
    mut options: UploadOptions,
) -> Result<(), UploadError> {
    let mut found = false;
    while let Some(field) = unread.field(&mut parts).await? {
        let part = PartName::of(field.headers()).map_err(UploadError::Refused)?;
        match part.name.as_str() {
            name if name == form.file && !found => {
                found = true;
                if !send_file((field, &unread), &part.file_name, &sender, &mut options).await? {
                    return Ok(());
                }
            }
            name if form.dimensions.is_some_and(|dimensions| name == dimensions.0) => {
                keep_first(&mut options.thumbnail.0, short((field, &unread)).await?.as_deref().and_then(form.side));
            }
            name if form.dimensions.is_some_and(|dimensions| name == dimensions.1) => {
                keep_first(&mut options.thumbnail.1, short((field, &unread)).await?.as_deref().and_then(form.side));
            }
            name if form.restricts.contains(&name) => {
                let said = short((field, &unread)).await?;
                let read = (form.restricted)(said.as_deref().unwrap_or("a long text"));
                let refused = |text| UploadError::Refused(Error::new(Reason::InvalidArgument, text));
                options.restricted |= read.map_err(refused)?;
            }
            _ => drain((field, &unread), MAX_BESIDE).await?,
        }
    }
    if !found {
        return Err(UploadError::NoFile);
    }
    if let (width, height @ Some(_)) | (width @ Some(_), height) = options.thumbnail {
        let size = pb::ThumbnailSize { width: width.unwrap_or(DEFAULT_SIDE), height: height.unwrap_or(DEFAULT_SIDE) };
        send(&sender, upload_request::Part::Thumbnail(size)).await;
    }
    if options.restricted {
        // A part after the file may have said so.
        send(&sender, upload_request::Part::Restricted(pb::UploadRestricted {})).await;
    }
    send(&sender, upload_request::Part::Done(pb::UploadDone {})).await;
    Ok(())
}

/// Headers come first and take precedence over form fields (agora.md 3.1).
fn keep_first(side: &mut Option<i32>, read: Option<i32>) {
    *side = side.or(read);
}

async fn send(sender: &Parts, part: upload_request::Part) -> bool {
    sender.send(pb::UploadRequest { part: Some(part) }).await.is_ok()
}

/// The part that is being read.
type Reading<'a> = (Field<'static>, &'a Unread);

/// False when the service accepts no more.
async fn send_file(
    (mut field, unread): Reading<'_>,
    name: &str,
    sender: &Parts,
    options: &mut UploadOptions,
) -> Result<bool, UploadError> {
    let header = pb::UploadHeader {
        name: StoredFile::name_of(name),
        content_type: header(field.headers(), CONTENT_TYPE.as_str()).unwrap_or_default().to_owned(),
        restricted: options.restricted,
        uuid: mem::take(&mut options.uuid),
        owner_user_id: options.owner,
        ..pb::UploadHeader::default()
    };
    let mut query = send(sender, upload_request::Part::Header(header)).await;
    while query {
        match unread.chunk(&mut field).await? {
            None => return Ok(true),
            Some(bytes) => query = send_chunk(sender, bytes).await,
        }
    }
    // Errors in the rest no longer matter.
    let _ = tokio::time::timeout(BODY_TIME, drain((field, unread), MAX_DISCARDED)).await;
    Ok(false)
}

/// Maximum bytes of one message to the file service.
const MAX_CHUNK: usize = 64 * 1024;

async fn send_chunk(sender: &Parts, mut bytes: Bytes) -> bool {
    while !bytes.is_empty() {
        let chunk = bytes.split_to(MAX_CHUNK.min(bytes.len()));
        if !send(sender, upload_request::Part::Chunk(chunk)).await {
            return false;
        }
    }
    true
}

/// The text of a part; `None` if it is longer than any meaningful value.
async fn short((mut field, unread): Reading<'_>) -> Result<Option<String>, UploadError> {
    let mut text = Vec::new();
    while let Some(bytes) = unread.chunk(&mut field).await? {
        text.extend(bytes);
        if text.len() > 64 {
            drain((field, unread), MAX_BESIDE).await?;
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// Reads on and discards everything.
async fn drain((mut field, unread): Reading<'_>, most: u64) -> Result<(), UploadError> {
    let mut read = 0;
    while let Some(bytes) = unread.chunk(&mut field).await? {
        read += bytes.len() as u64;
        if read > most {
            return Err(UploadError::Refused(Error::new(Reason::FileTooLarge, "")));
        }
    }
    Ok(())
}

/// The file of a download request.
#[derive(Debug, Default)]
pub(crate) struct FileQuery {
    pub uuid: String,
    pub secret: String,
    /// The caller has checked who may read; for our own files too.
    pub trusted: bool,
    pub thumbnail: bool,
    /// The client may be redirected to the store.
    pub redirect: bool,
}

/// How long the store's own URL of a file is valid.
const LINK_LIFE: Duration = Duration::from_mins(30);

/// The store's own URL of a file, if redirects are allowed and the store supports them. Reports missing files.
pub(crate) async fn address(gateway: &Gateway, caller: &Caller, query: &FileQuery) -> Result<Option<String>, Error> {
    let (file, info) = stat(gateway, caller, query).await?;
    if info.shown(query.thumbnail).is_none() {
        return Err(Error::new(Reason::FileNotFound, info.uuid));
    }
    if query.redirect { link(gateway, caller, &file, &info, query.thumbnail).await } else { Ok(None) }
}

async fn stat(gateway: &Gateway, caller: &Caller, query: &FileQuery) -> Result<(pb::FileRef, StoredFile), Error> {
    let file = pb::FileRef { uuid: query.uuid.clone(), share_secret: query.secret.clone(), trusted: query.trusted };
    let request = context::request(caller, pb::StatRequest { file: Some(file.clone()) });
    let info = gateway.clients().file.clone().stat(request).await.map_err(refused)?;
    Ok((file, StoredFile::try_from(info.into_inner())?))
}

/// Streams a file or the requested range, or answers without a body if the client has it already.
pub(crate) async fn download(
    gateway: &Gateway,
    caller: &Caller,
    (method, headers): (&Method, &HeaderMap),
    query: FileQuery,
) -> Result<Response, Error> {
    let (file, info) = stat(gateway, caller, &query).await?;
    let shown = info.shown(query.thumbnail).ok_or_else(|| Error::new(Reason::FileNotFound, info.uuid.clone()))?;
    // The store's URL is signed only for this method.
    if query.redirect
        && method == Method::GET
        && let Some(url) = link(gateway, caller, &file, &info, query.thumbnail).await?
    {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(LOCATION, HeaderValue::try_from(url).map_err(Error::internal)?);
        return Ok(response);
    }
    let tag = format!("\"{}{}\"", &info.sha256[..32.min(info.sha256.len())], if shown.is_file { "" } else { "-t" });
    let requested = range::requested(method, headers, &tag, info.created_at, shown.size);
    let (status, range) = match &requested {
        Requested::Known => (StatusCode::NOT_MODIFIED, 0..0),
        Requested::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
        Requested::Whole => (StatusCode::OK, 0..shown.size),
        Requested::Part(range) => (StatusCode::PARTIAL_CONTENT, range.clone()),
    };
    let length = range.end - range.start;
    let body = if matches!(requested, Requested::Known | Requested::Nothing) {
        Body::empty()
    } else {
        // Reading one byte checks for a HEAD request that the bytes exist.
        let wanted_length = if method == Method::HEAD { length.min(1) } else { length };
        let request = pb::DownloadRequest {
            file: Some(file),
            offset: range.start as i64,
            length: wanted_length as i64,
            thumbnail: query.thumbnail,
        };
        let download = Download::begin(gateway, caller, request).await?;
        if method == Method::HEAD || length == 0 { Body::empty() } else { download.into_body() }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let answer = response.headers_mut();
    let text = |text: &str| HeaderValue::from_str(text).map_err(Error::internal);
    answer.insert(ETAG, text(&tag)?);
    answer.insert(LAST_MODIFIED, text(&range::last_modified(info.created_at))?);
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Headers select the thumbnail, and authorize access to restricted files.
    answer.insert(VARY, HeaderValue::from_static("thumbnail, share-secret, authorization"));
    let caching = if info.restricted { "private, no-cache" } else { "private, max-age=300" };
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    match requested {
        Requested::Known => return Ok(response),
        Requested::Nothing => {
            answer.insert(CONTENT_RANGE, text(&format!("bytes */{}", shown.size))?);
            return Ok(with_reason(response, Reason::RangeNotSatisfiable, ""));
        }
        Requested::Part(range) => {
            answer.insert(CONTENT_RANGE, text(&format!("bytes {}-{}/{}", range.start, range.end - 1, shown.size))?);
        }
        Requested::Whole => {}
    }
    answer.insert(CONTENT_LENGTH, length.into());
    describe(answer, &info.name, shown.content_type)?;
    Ok(response)
}

/// The store's own URL, if it has one.
async fn link(
    gateway: &Gateway,
    caller: &Caller,
    file: &pb::FileRef,
    info: &StoredFile,
    thumbnail: bool,
) -> Result<Option<String>, Error> {
    let content_type = info.shown(thumbnail).map_or("", |shown| shown.content_type);
    let request = pb::LinkRequest {
        file: Some(file.clone()),
        thumbnail,
        life: Some(duration(LINK_LIFE)),
        content_type: content_type.to_owned(),
        content_disposition: disposition(is_shown(content_type), &info.name),
    };
    let reply = gateway.clients().file.clone().link(context::request(caller, request)).await;
    Ok(Some(reply.map_err(refused)?.into_inner().url).filter(|url| !url.is_empty()))
}

/// Name and type of the bytes, so that no browser executes them: it shows images, audio and video, and saves
/// everything else.
pub(crate) fn describe(headers: &mut HeaderMap, name: &str, content_type: &str) -> Result<(), Error> {
    let text = |text: &str| HeaderValue::from_str(text).map_err(Error::internal);
    headers.insert(CONTENT_TYPE, text(content_type)?);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(CONTENT_DISPOSITION, text(&disposition(is_shown(content_type), name))?);
    Ok(())
}

fn is_shown(content_type: &str) -> bool {
    // An image type is only stored if the bytes are one; of images only SVG can contain scripts.
    (content_type.starts_with("image/") && !content_type.contains("xml"))
        || content_type.starts_with("audio/")
        || content_type.starts_with("video/")
}

/// RFC 6266: an ASCII name for old clients, and the name itself if it is not ASCII.
fn disposition(is_shown: bool, name: &str) -> String {
    let kind = if is_shown { "inline" } else { "attachment" };
    if name.is_empty() {
        return kind.to_owned();
    }
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | ';');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("{kind}; filename=\"{plain}\"");
    }
    let escaped: String = name.bytes().map(escaped).collect();
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{escaped}")
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_rfc_6266_says() {
        assert_eq!(disposition(true, ""), "inline");
        assert_eq!(disposition(false, "plan 2.pdf"), "attachment; filename=\"plan 2.pdf\"");
        assert_eq!(
            disposition(false, "Plän\"; x.html"),
            "attachment; filename=\"Pl_n__ x.html\"; filename*=UTF-8''Pl%C3%A4n%22%3B%20x.html"
        );
    }

    #[test]
    fn a_browser_runs_nothing() {
        let saved = |content_type: &str| {
            let mut headers = HeaderMap::new();
            describe(&mut headers, "a", content_type).unwrap();
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            headers[CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment")
        };
        assert!(["text/html", "image/svg+xml", "application/pdf", "text/plain"].into_iter().all(saved));
        assert!(!["image/png", "image/avif", "video/mp4", "audio/amr"].into_iter().any(saved));
    }
}
