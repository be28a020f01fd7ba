//! Walks through an hour and compresses its messages into one file, which streams to the file service as it grows.

use std::{mem, time::Instant};

use bytes::Bytes;
use futures_util::{future, stream};
use tidings_dialects::agora::export_time;
use tidings_domain::{ConversationId, Error, MsgId};
use tidings_proto::{
    error_from_status,
    pb::{self, upload_request},
};
use tidings_runtime::context;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Hour, Positions,
    lines::{Gzip, Lines, gzip},
};
use crate::{
    Deps,
    appender::Appender,
    store::{
        export::{self, Row},
        stray,
    },
};

/// Messages in memory at once.
const PAGE: i64 = 500;
/// Bytes of one message to the file service.
const CHUNK: usize = 256 * 1024;

/// The result of an hour.
pub struct Packed {
    /// Rows up to the positions, whether they are in the file or not.
    pub rows: i64,
    /// `None`: there were no messages for it.
    pub file: Option<File>,
}

/// A file that was made and is not recorded yet.
pub struct File {
    pub info: pb::FileInfo,
    pub messages: i64,
    pub first: MsgId,
    pub last: MsgId,
}

/// Packs the rows above the positions `sealed` and not above `upto`. While messages are being appended it pauses for as
/// long as it works, so that they are not delayed.
pub async fn pack(
    deps: &Deps,
    appender: &Appender,
    hour: &Hour,
    sealed: &Positions,
    upto: &Positions,
) -> Result<Packed, Error> {
    let (first, last) = hour.ids();
    let mut walk =
        Walk { deps, hour, sealed, upto, lines: Lines::new(deps, &hour.app), rows: 0, file: None, gzip: None };
    let page = |after| export::rows(&deps.db, hour.app.id, (after, last), PAGE);
    let mut rows = page(first).await?;
    while let Some(newest) = rows.last() {
        let (begun, after) = (Instant::now(), newest.msg_id);
        let (added, following) = future::join(walk.add_those_sent_then(rows), page(after)).await;
        added?;
        rows = following?;
        if appender.is_busy() {
            tokio::time::sleep(begun.elapsed()).await;
        }
    }
    let mut after = (hour.start, MsgId::ZERO);
    loop {
        let rows = export::strays(&deps.db, hour.app.id, after, hour.end(), PAGE).await?;
        let Some(newest) = rows.last() else {
            break;
        };
        after = (newest.sent_at, newest.msg_id);
        walk.add(rows).await?;
    }
    let file = match walk.file {
        Some(growing) => Some(growing.finish(walk.gzip.unwrap_or_else(gzip)).await?),
        None => None,
    };
    Ok(Packed { rows: walk.rows, file })
}

/// The position reached so far.
struct Walk<'a> {
    deps: &'a Deps,
    hour: &'a Hour,
    sealed: &'a Positions,
    upto: &'a Positions,
    lines: Lines<'a>,
    rows: i64,
    file: Option<OpenPart>,
    gzip: Option<Gzip>,
}

impl Walk<'_> {
    /// Leaves out messages recorded as sent at another time than their id says.
    async fn add_those_sent_then(&mut self, mut rows: Vec<Row>) -> Result<(), Error> {
        let doubtful = rows.iter().filter(|row| !row.msg_id.is_of_minute(row.sent_at));
        let doubtful: Vec<(ConversationId, MsgId)> = doubtful.map(|row| (row.conversation, row.msg_id)).collect();
        if !doubtful.is_empty() {
            let strays = stray::among(&self.deps.db, self.hour.app.id, &doubtful).await?;
            let is_covered = |row: &Row| self.upto.cover(row.place.0, row.place.1);
            let mut left_out = 0;
            rows.retain(|row| {
                let leaves = strays.contains(&row.msg_id);
                left_out += i64::from(leaves && is_covered(row));
                !leaves
            });
            self.rows += left_out;
        }
        self.add(rows).await
    }

    async fn add(&mut self, mut rows: Vec<Row>) -> Result<(), Error> {
        let policy = &self.hour.app.policy;
        let covered = |positions: &Positions, row: &Row| positions.cover(row.place.0, row.place.1);
        rows.retain(|row| covered(self.upto, row));
        self.rows += rows.len() as i64;
        rows.retain(|row| !covered(self.sealed, row) && (policy.export_recalled || !row.recalled));
        if rows.is_empty() {
            return Ok(());
        }
        let growing = self.file.get_or_insert_with(|| OpenPart::start(self.deps, self.hour));
        growing.count(&rows);
        let mut gzip = self.lines.pack(self.gzip.take().unwrap_or_else(gzip), rows).await?;
        growing.send(&mut gzip).await?;
        self.gzip = Some(gzip);
        Ok(())
    }
}

/// A file in progress.
struct OpenPart {
    messages: i64,
    first: MsgId,
    last: MsgId,
    sender: mpsc::Sender<pb::UploadRequest>,
    upload: JoinHandle<Result<pb::FileInfo, Error>>,
}

impl OpenPart {
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
        Self { messages: 0, first: MsgId::ZERO, last: MsgId::ZERO, sender, upload }
    }

    fn count(&mut self, rows: &[Row]) {
        for msg_id in rows.iter().map(|row| row.msg_id) {
            self.first = if self.messages == 0 { msg_id } else { self.first.min(msg_id) };
            self.last = self.last.max(msg_id);
            self.messages += 1;
        }
    }

    /// Sends the compressed bytes, once there are enough.
    async fn send(&mut self, gzip: &mut Gzip) -> Result<(), Error> {
        if gzip.get_ref().len() < CHUNK {
            return Ok(());
        }
        let bytes = mem::take(gzip.get_mut());
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
        // The file service ended first, and returns the reason.
        let ended = (&mut self.upload).await.map_err(Error::internal)?;
        Err(ended.err().unwrap_or_else(|| Error::internal("the file service received fewer bytes than were sent")))
    }

    async fn finish(mut self, gzip: Gzip) -> Result<File, Error> {
        let bytes = gzip.finish().map_err(Error::internal)?;
        self.send_all(bytes.into()).await?;
        self.send_part(upload_request::Part::Done(pb::UploadDone {})).await?;
        let Self { messages, first, last, upload, .. } = self;
        Ok(File { info: upload.await.map_err(Error::internal)??, messages, first, last })
    }
}
