//! Stores uploads.
//!
//! Before the first byte is written the object is recorded as unclaimed; the transaction that publishes the file
//! removes that record. So whatever happens in between, no description refers to missing bytes, and no bytes are
//! orphaned.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tidings_domain::{App, AppId, Error, Reason, StoredFile, Thumbnail, UserId, hex, new_uuid};
use tracing::Instrument as _;

use super::{Core, delete::discard, quota};
use crate::{
    kind,
    objects::{Object, Writing},
    store::{file, unclaimed},
    thumbnail::{Fit, Picture},
    video::Follower,
};

/// The timeout of an upload.
pub const LONGEST: Duration = Duration::from_hours(1);
/// The timeout of its next part.
const PATIENCE: Duration = Duration::from_mins(1);
/// Maximum bytes of an image that gets a thumbnail; it is read completely.
const LARGEST_PICTURE: u64 = 32 * 1024 * 1024;
/// How long an internal file is kept that its creator never recorded.
const UNNAMED: Duration = Duration::from_hours(7 * 24);
/// How many bytes are examined to detect the type.
const START: usize = 64;

/// The properties of a file that precede its bytes.
#[derive(Debug)]
pub struct Header {
    pub name: String,
    pub content_type: String,
    pub restricted: bool,
    /// The owner; [`UserId::ADMIN`] is the app itself.
    pub owner: UserId,
    /// For internal use: may be larger than the app's files, counts in no quota, has no thumbnail, and is removed
    /// unless it is kept.
    pub internal: bool,
    /// Its name; `None` is a random one.
    pub uuid: Option<String>,
}

/// The parts after the header.
#[derive(Debug)]
pub enum Part {
    Chunk(Bytes),
    /// The box that the thumbnail must fit into.
    Fit(Fit),
    /// As in the header, if it is only known after the bytes.
    Restricted,
    /// The end of the file.
    Done,
}

/// Stores a file. Ends on its own when the caller disconnects, since `parts` ends then.
pub async fn upload(
    core: Arc<Core>,
    app: Arc<App>,
    header: Header,
    parts: impl Stream<Item = Result<Part, Error>> + Send + Unpin + 'static,
) -> Result<StoredFile, Error> {
    let kept = async move { keep(&core, &app, header, parts).await };
    tokio::spawn(kept.in_current_span()).await.map_err(Error::internal)?
}

async fn keep(
    core: &Core,
    app: &App,
    header: Header,
    parts: impl Stream<Item = Result<Part, Error>> + Unpin,
) -> Result<StoredFile, Error> {
    let (internal, owner) = (header.internal, header.owner);
    if !internal {
        quota::check(core, app, owner).await?;
    }
    let uuid = match &header.uuid {
        Some(uuid) => not_used(core, app.id, uuid).await?,
        // Random, since everybody with the uuid of an unrestricted file can read it.
        None => new_uuid(&*core.deps.entropy),
    };
    let mut tx = core.deps.db.begin().await?;
    // The sweeper may run in another process.
    let now = tx.now(&*core.deps.clock).await?;
    if !unclaimed::insert(&mut tx, app.id, &uuid, now).await? {
        return Err(used());
    }
    tx.commit().await?;

    let taken = tokio::time::timeout(LONGEST, take_in(core, app, &uuid, header, parts)).await;
    let taken = taken.unwrap_or_else(|_| Err(Error::invalid("file", "took longer than an hour")));
    let file = match taken {
        Ok(file) => file,
        Err(error) => return Err(given_up(core, app.id, &uuid, error).await),
    };

    let mut tx = core.deps.db.begin().await?;
    if !unclaimed::delete(&mut tx, app.id, &uuid).await? {
        return Err(Error::internal("the bytes were removed before the file was published"));
    }
    file::insert(&mut tx, app.id, &file, internal).await?;
    // Last, since the app's count is locked until the commit.
    if !internal && let Err(error) = quota::count(&mut tx, app, owner, file.size, file.created_at).await {
        drop(tx);
        return Err(given_up(core, app.id, &uuid, error).await);
    }
    // If a failed commit did take effect, the sweeper finds out: the record exists or not.
    tx.commit().await?;
    Ok(file)
}

/// Removes what was written, now or later.
async fn given_up(core: &Core, app: AppId, uuid: &str, why: Error) -> Error {
    if let Err(error) = discard(core, app, uuid).await {
        tracing::warn!(%error, uuid, "what is left of an upload will be removed later");
    }
    why
}

/// A given name is used once: neither by a file, nor by an upload in progress, which its record shows.
async fn not_used(core: &Core, app: AppId, uuid: &str) -> Result<String, Error> {
    match file::find(&core.deps.db, app, uuid).await? {
        None => Ok(uuid.to_owned()),
        Some(_) => Err(used()),
    }
}

fn used() -> Error {
    Error::invalid("uuid", "was used before")
}

async fn take_in(
    core: &Core,
    app: &App,
    uuid: &str,
    header: Header,
    parts: impl Stream<Item = Result<Part, Error>> + Unpin,
) -> Result<StoredFile, Error> {
    let limit = if header.internal { u64::MAX } else { app.policy.max_file_bytes };
    let mut writing = core.deps.objects.write(Object::File(app.id, uuid)).await?;
    // Internal files may arrive slowly: only the total timeout applies.
    let patience = if header.internal { LONGEST } else { PATIENCE };
    let received = match receive(&mut writing, parts, limit, patience).await {
        Ok(received) => received,
        Err(error) => {
            if let Err(error) = writing.abort().await {
                tracing::warn!(%error, uuid, "what is left of an upload will be removed later");
            }
            return Err(error);
        }
    };
    writing.finish().await?;
    let content_type = kind::content_type(&received.start, &header.content_type);
    let created_at = core.deps.clock.now();
    let lifetime = if header.internal { UNNAMED } else { app.policy.file_lifetime };
    let mut file = StoredFile {
        uuid: uuid.to_owned(),
        name: header.name,
        content_type,
        size: received.size,
        sha256: received.sha256,
        restricted: header.restricted || received.restricted,
        secret: new_secret(core),
        thumbnail: None,
        dimensions: None,
        owner: Some(header.owner),
        created_at,
        expires_at: (!lifetime.is_zero()).then(|| created_at + lifetime),
    };
    if file.is_video() {
        file.dimensions = received.dimensions;
    }
    if !header.internal && file.is_picture() && file.size <= LARGEST_PICTURE {
        (file.dimensions, file.thumbnail) = look_at(core, app, &file, received.fit).await?;
    }
    Ok(file)
}

/// What was written.
struct Received {
    size: u64,
    sha256: String,
    start: Vec<u8>,
    fit: Fit,
    restricted: bool,
    /// Of a video, if the bytes are one.
    dimensions: Option<(u32, u32)>,
}

async fn receive(
    writing: &mut Writing,
    mut parts: impl Stream<Item = Result<Part, Error>> + Unpin,
    limit: u64,
    patience: Duration,
) -> Result<Received, Error> {
    let (mut size, mut hash, mut start) = (0, Sha256::new(), Vec::new());
    let (mut fit, mut restricted, mut video) = (Fit::DEFAULT, false, Follower::default());
    loop {
        let next = tokio::time::timeout(patience, parts.next()).await;
        let next = next.map_err(|_| Error::invalid("file", "paused for too long"))?;
        match next.transpose()? {
            Some(Part::Chunk(bytes)) => {
                size += bytes.len() as u64;
                if size > limit {
                    return Err(Error::new(Reason::FileTooLarge, ""));
                }
                start.extend(bytes.iter().take(START - start.len()));
                hash.update(&bytes);
                video.follow(&bytes);
                writing.append(bytes).await?;
            }
            Some(Part::Fit(wanted)) => fit = wanted,
            Some(Part::Restricted) => restricted = true,
            Some(Part::Done) => break,
            None => return Err(Error::invalid("file", "ended early")),
        }
    }
    Ok(Received { size, sha256: hex(&hash.finalize()), start, fit, restricted, dimensions: video.dimensions() })
}

/// An image's dimensions, and its thumbnail if it gets one. Decodes off the async threads, a few images at a time
/// within a shared memory budget; unreadable images have neither.
async fn look_at(
    core: &Core,
    app: &App,
    file: &StoredFile,
    fit: Fit,
) -> Result<(Option<(u32, u32)>, Option<Thumbnail>), Error> {
    let turn = core.pictures.turn(file.size).await?;
    let bytes = core.deps.objects.whole(Object::File(app.id, &file.uuid)).await?;
    let content_type = file.content_type.clone();
    let looked = turn.spend(move || Picture::of(&bytes, &content_type)).await;
    let Some((turn, Some(picture))) = looked else {
        return Ok((None, None));
    };
    let dimensions = Some(picture.dimensions());
    let memory = picture.memory(fit).filter(|_| file.is_large_picture());
    let Some(memory) = memory else {
        return Ok((dimensions, None));
    };
    let turn = turn.with_memory(&core.pictures, memory).await?;
    let Some((_turn, Some((bytes, content_type)))) = turn.spend(move || picture.thumbnail(fit)).await else {
        return Ok((dimensions, None));
    };
    let size = bytes.len() as u64;
    let mut writing = core.deps.objects.write(Object::Thumbnail(app.id, &file.uuid)).await?;
    writing.append(bytes.into()).await?;
    writing.finish().await?;
    Ok((dimensions, Some(Thumbnail { content_type: content_type.to_owned(), size })))
}

fn new_secret(core: &Core) -> String {
    let mut bytes = [0; 16];
    core.deps.entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
