//! Walks through an hour and packs its messages into one file, which streams to the file service as it grows.

use std::{collections::HashSet, io::Write as _, mem, time::Instant};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use futures_util::{future, stream};
use tidings_dialect::agora::{Names, export_time, record};
use tidings_domain::{ConversationId, Delivery, Error, Message, MsgId, UserId};
use tidings_proto::{
    error_from_status,
    pb::{self, upload_request},
};
use tidings_runtime::context;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Hour, Positions};
use crate::{
    Deps,
    appender::Appender,
    store::export::{self, Row},
};

/// Messages that are in memory at once.
const PAGE: i64 = 500;
/// Bytes of one message to the file service.
const CHUNK: usize = 256 * 1024;
/// Names that are remembered.
const NAMES: usize = 50_000;

/// What an hour came to.
pub struct Packed {
    /// Rows up to the positions, whether they went into the file or not.
    pub rows: i64,
    /// `None`: there was nothing to put into it.
    pub file: Option<File>,
}

/// A file that was made and is not written down.
pub struct File {
    pub info: pb::FileInfo,
    pub messages: i64,
    pub first: MsgId,
    pub last: MsgId,
}

/// Packs what lies above the positions `sealed` and not above `upto`. While messages are being appended it rests for as
/// long as it works, so that they are not held up.
pub async fn pack(
    deps: &Deps,
    appender: &Appender,
    hour: &Hour,
    sealed: &Positions,
    upto: &Positions,
) -> Result<Packed, Error> {
    let (first, last) = hour.ids();
    let mut walk = Walk { deps, hour, sealed, upto, names: Names::default(), rows: 0, file: None };
    let page = |after| export::rows(&deps.db, hour.app.id, (after, last), PAGE);
    let mut rows = page(first).await?;
    while let Some(newest) = rows.last() {
        let (begun, after) = (Instant::now(), newest.msg_id);
        let (added, following) = future::join(walk.add(rows), page(after)).await;
        added?;
        rows = following?;
        if appender.is_busy() {
            tokio::time::sleep(begun.elapsed()).await;
        }
    }
    let file = match walk.file {
        Some(growing) => Some(growing.finish().await?),
        None => None,
    };
    Ok(Packed { rows: walk.rows, file })
}

/// How far it got.
struct Walk<'a> {
    deps: &'a Deps,
    hour: &'a Hour,
    sealed: &'a Positions,
    upto: &'a Positions,
    names: Names,
    rows: i64,
    file: Option<Growing>,
}

impl Walk<'_> {
    async fn add(&mut self, mut rows: Vec<Row>) -> Result<(), Error> {
        let policy = &self.hour.app.policy;
        let covered = |positions: &Positions, row: &Row| positions.cover(row.place.0, row.place.1);
        rows.retain(|row| covered(self.upto, row));
        self.rows += rows.len() as i64;
        rows.retain(|row| !covered(self.sealed, row) && (policy.export_recalled || !row.recalled));
        if rows.is_empty() {
            return Ok(());
        }
        self.look_up(&rows).await?;
        let mut growing = self.file.take().unwrap_or_else(|| Growing::start(self.deps, self.hour));
        let (names, exts_array) = (mem::take(&mut self.names), policy.agora_custom_exts_array);
        // Takes the processor for some milliseconds.
        let added =
            tokio::task::spawn_blocking(move || growing.add(rows, &names, exts_array).map(|()| (growing, names)));
        let (mut growing, names) = added.await.map_err(Error::internal)??;
        growing.send().await?;
        (self.file, self.names) = (Some(growing), names);
        Ok(())
    }

    /// Learns the names of everybody in the messages.
    async fn look_up(&mut self, rows: &[Row]) -> Result<(), Error> {
        if self.names.len() > NAMES {
            self.names = Names::default();
        }
        let people = rows.iter().flat_map(|row| match row.conversation {
            ConversationId::Direct(low, high) => [row.sender, low, high],
            ConversationId::Group(_) | ConversationId::Room(_) => [row.sender; 3],
        });
        let unknown: HashSet<UserId> = people.filter(|user| !self.names.knows(*user)).collect();
        let unknown: Vec<UserId> = unknown.into_iter().collect();
        for users in unknown.chunks(1000) {
            let names = self.deps.directory.user_names(&self.hour.caller(), users).await?;
            self.names.extend(users.iter().copied().zip(names));
        }
        Ok(())
    }
}

/// A file in the making.
struct Growing {
    gzip: GzEncoder<Vec<u8>>,
    messages: i64,
    first: MsgId,
    last: MsgId,
    sender: mpsc::Sender<pb::UploadRequest>,
    upload: JoinHandle<Result<pb::FileInfo, Error>>,
}

impl Growing {
    fn start(deps: &Deps, hour: &Hour) -> Self {
        let (sender, receiver) = mpsc::channel(2);
        let header = pb::UploadHeader {
            name: format!("{}.gz", export_time(hour.start, hour.app.policy.export_utc_offset_minutes)),
            content_type: "application/gzip".to_owned(),
            internal: true,
            ..pb::UploadHeader::default()
        };
        let header = pb::UploadRequest { part: Some(upload_request::Part::Header(header)) };
        let parts = stream::unfold((Some(header), receiver), |(header, mut receiver)| async move {
            let part = match header {
                Some(header) => header,
                None => receiver.recv().await?,
            };
            Some((part, (None, receiver)))
        });
        let (mut files, request) = (deps.files.clone(), context::request(&hour.caller(), parts));
        let upload =
            tokio::spawn(async move { Ok(files.upload(request).await.map_err(error_from_status)?.into_inner()) });
        // The same bytes whenever and wherever it is made: no time, no name, no operating system.
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(3));
        Self { gzip, messages: 0, first: MsgId::ZERO, last: MsgId::ZERO, sender, upload }
    }

    fn add(&mut self, rows: Vec<Row>, names: &Names, exts_array: bool) -> Result<(), Error> {
        let mut lines = String::new();
        for row in rows {
            if self.messages == 0 {
                self.first = row.msg_id;
            }
            self.messages += 1;
            self.last = row.msg_id;
            lines.push_str(&record(&message(row)?, names, exts_array));
            lines.push('\n');
        }
        self.gzip.write_all(lines.as_bytes()).map_err(Error::internal)
    }

    /// Sends what is packed, once there is something worth it.
    async fn send(&mut self) -> Result<(), Error> {
        if self.gzip.get_ref().len() < CHUNK {
            return Ok(());
        }
        let bytes = mem::take(self.gzip.get_mut());
        self.send_all(bytes.into()).await
    }

    async fn send_all(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(CHUNK.min(bytes.len()));
            self.send_part(upload_request::Part::Chunk(chunk)).await?;
        }
        Ok(())
    }

    async fn send_part(&mut self, part: upload_request::Part) -> Result<(), Error> {
        if self.sender.send(pb::UploadRequest { part: Some(part) }).await.is_ok() {
            return Ok(());
        }
        // The file service ended first, and says why.
        let ended = (&mut self.upload).await.map_err(Error::internal)?;
        Err(ended.err().unwrap_or_else(|| Error::internal("the file service took less than it was given")))
    }

    async fn finish(mut self) -> Result<File, Error> {
        self.gzip.try_finish().map_err(Error::internal)?;
        let bytes = mem::take(self.gzip.get_mut());
        self.send_all(bytes.into()).await?;
        self.send_part(upload_request::Part::Done(pb::UploadDone {})).await?;
        let Self { messages, first, last, upload, .. } = self;
        Ok(File { info: upload.await.map_err(Error::internal)??, messages, first, last })
    }
}

/// As a record shows it; what no record shows is left empty.
fn message(row: Row) -> Result<Message, Error> {
    Ok(Message {
        conversation: row.conversation,
        msg_id: row.msg_id,
        seq: 0,
        sender: row.sender,
        sent_at: row.sent_at,
        content: row.content()?,
        countable: false,
        system: false,
        edited_at: None,
        edits: 0,
        audience: Vec::new(),
        delivery: Delivery::default(),
        imported: false,
    })
}
