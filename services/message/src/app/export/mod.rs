//! The files with the messages of one hour (agora.md 4, decision 21).
//!
//! An hour has the messages that were sent in it. Those are the ones with ids of that hour, since an id contains the
//! minute in which its message was sent; the few exceptions are recorded in the table `stray`. It is sealed by its
//! first export after it has closed: the positions of the app's event lanes are read, then the hour is walked in the
//! order of ids, and messages above those positions are left out. Whatever is committed to the hour later (an import,
//! or a send that took very long) is above them, and becomes part of the next part, up to the positions of that time.
//! So a message is in exactly one part. Whether there may be anything new is known from the number of rows of the hour.
//!
//! A file is made before it is recorded, so the file service removes it after a week unless requested to keep it;
//! a later call that finds a part recorded but not kept requests it again.

mod conversation;
mod lines;
mod pack;

use std::{sync::Arc, time::Duration};

use tidings_dialects::agora::Manifest;
use tidings_domain::{Actor, App, BEGINNING, Caller, Error, MsgId, Reason, UnixMillis};
use tidings_runtime::metrics;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::files;
use crate::{
    Deps,
    appender::Appender,
    store::{
        export::{self, Key, Part, Positions},
        stray,
    },
};
pub use conversation::conversation;
use pack::{Packed, pack};

const HOUR: Duration = Duration::from_hours(1);
/// How long after its end an hour closes: ids are minted shortly before they are committed.
const GRACE: Duration = Duration::from_secs(10);
/// After how long clients should retry while files are being made.
const AGAIN: Duration = Duration::from_secs(5);
/// Files that are processed at once.
const STEP: i64 = 100;

/// Makes exports, one at a time.
#[derive(Debug)]
pub struct Exporter {
    deps: Arc<Deps>,
    /// Sends have priority.
    appender: Appender,
    making: Mutex<()>,
}

/// The state of an hour.
#[derive(Debug)]
pub enum Outcome {
    There(Vec<Part>),
    /// Retry after this time.
    Later(Duration),
}

/// An hour of an app.
#[derive(Debug, Clone)]
struct Hour {
    app: Arc<App>,
    start: UnixMillis,
}

impl Hour {
    fn end(&self) -> UnixMillis {
        self.start + HOUR
    }

    /// Its ids are above the first and up to the second.
    fn ids(&self) -> (MsgId, MsgId) {
        (MsgId::before(self.start), MsgId::before(self.end()))
    }

    fn key(&self, part: &Part) -> Key {
        (self.app.id, self.start, part.part)
    }

    fn caller(&self) -> Caller {
        Caller::of_app(self.app.id)
    }
}

impl Exporter {
    pub fn new(deps: Arc<Deps>, appender: Appender) -> Self {
        Self { deps, appender, making: Mutex::default() }
    }

    /// The files of the hour that starts at `start`; made now if they do not exist, for which the call waits so long.
    pub async fn export(
        self: &Arc<Self>,
        caller: &Caller,
        app: Arc<App>,
        start: UnixMillis,
        wait: Duration,
    ) -> Result<Outcome, Error> {
        if caller.actor != Actor::App {
            return Err(Error::not_permitted("only the app itself exports"));
        }
        if start.0 % 60_000 != 0 {
            return Err(Error::invalid("hour", "must be a whole minute"));
        }
        if start < BEGINNING {
            // No message is older.
            return Err(Error::new(Reason::ExportExpired, ""));
        }
        let hour = Hour { app, start };
        let (now, closes) = (self.deps.clock.now(), hour.end() + GRACE);
        if now < closes {
            return Ok(Outcome::Later(closes - now));
        }
        let (parts, rows) = self.look(&hour, now).await?;
        if is_whole(&parts, rows) {
            return Ok(Outcome::There(parts));
        }
        if parts.is_empty() && rows == 0 {
            return Err(Error::new(Reason::ExportEmpty, ""));
        }
        // Continues when the caller stops waiting.
        let exporter = Arc::clone(self);
        let making = async move {
            let made = exporter.make(&hour).await;
            if let Err(error) = &made {
                // The caller may have disconnected.
                tracing::warn!(%error, app = %hour.app.id, hour = hour.start.0, "an export could not be made");
            }
            made
        };
        let making = tokio::spawn(making.in_current_span());
        match tokio::time::timeout(wait, making).await {
            Ok(made) => made.map_err(Error::internal)?.map(Outcome::There),
            Err(_) => Ok(Outcome::Later(AGAIN)),
        }
    }

    /// The sealed parts, and the current number of messages. Past the app's retention there is nothing, and once
    /// purging has begun, nothing that was not sealed before.
    async fn look(&self, hour: &Hour, now: UnixMillis) -> Result<(Vec<Part>, i64), Error> {
        let retention = hour.app.policy.message_retention;
        let kept_from = UnixMillis(now.0 - retention.as_millis() as i64);
        let parts = export::parts(&self.deps.db, hour.app.id, hour.start).await?;
        let is_past = if parts.is_empty() { hour.start < kept_from } else { hour.end() <= kept_from };
        if parts.iter().any(|part| part.gone) || !retention.is_zero() && is_past {
            return Err(Error::new(Reason::ExportExpired, ""));
        }
        let rows = export::count(&self.deps.db, hour.app.id, hour.ids()).await?;
        let strays = stray::count(&self.deps.db, hour.app.id, (hour.start, hour.end())).await?;
        Ok((parts, rows + strays))
    }

    /// Seals what is not sealed yet.
    async fn make(&self, hour: &Hour) -> Result<Vec<Part>, Error> {
        let _turn = self.making.lock().await;
        let (deps, app) = (&*self.deps, hour.app.id);
        // Another call may have made it meanwhile.
        let (mut parts, rows) = self.look(hour, deps.clock.now()).await?;
        for part in parts.iter_mut().filter(|part| !part.kept) {
            keep(deps, hour, part).await?;
        }
        if is_whole(&parts, rows) {
            return Ok(parts);
        }
        let sealed = parts.last().map(|part| part.positions.clone()).unwrap_or_default();
        let upto = export::positions(&deps.db, app).await?;
        let Packed { rows, file } = pack(deps, &self.appender, hour, &sealed, &upto).await?;
        let Some(file) = file else {
            if let Some(last) = parts.last() {
                export::seen(&deps.db, hour.key(last), rows).await?;
                return Ok(parts);
            }
            return Err(Error::new(Reason::ExportEmpty, ""));
        };
        let mut part = Part {
            part: parts.len() as i64 + 1,
            seq: 0,
            file_uuid: file.info.uuid,
            bytes: file.info.size,
            messages: file.messages,
            first: file.first,
            last: file.last,
            sha256: file.info.sha256,
            previous: String::new(),
            digest: String::new(),
            sealed_at: deps.clock.now(),
            positions: upto,
            rows_seen: rows,
            kept: false,
            gone: false,
        };
        if !seal(deps, hour, &mut part).await? {
            // Another process was faster. Its file has the same messages, or the next call sorts it out.
            files::delete(deps, &hour.caller(), &part.file_uuid).await?;
            return export::parts(&deps.db, app, hour.start).await;
        }
        keep(deps, hour, &mut part).await?;
        metrics().upkeep.exported(part.messages.unsigned_abs(), part.bytes.unsigned_abs());
        parts.push(part);
        Ok(parts)
    }
}

/// Nothing was added to the hour since it was sealed, and nothing is left to do.
fn is_whole(parts: &[Part], rows: i64) -> bool {
    parts.last().is_some_and(|last| last.rows_seen == rows) && parts.iter().all(|part| part.kept)
}

/// Records a part as the newest link of the app's chain; false when the hour has such a part.
async fn seal(deps: &Deps, hour: &Hour, part: &mut Part) -> Result<bool, Error> {
    loop {
        let mut tx = deps.db.begin().await?;
        let (seq, previous) = export::last(&mut tx, hour.app.id).await?.unwrap_or_default();
        (part.seq, part.previous) = (seq + 1, previous);
        part.digest = digest(hour, part);
        if export::insert(&mut tx, hour.app.id, hour.start, part).await? {
            tx.commit().await?;
            return Ok(true);
        }
        drop(tx);
        let sealed = export::parts(&deps.db, hour.app.id, hour.start).await?;
        if sealed.iter().any(|other| other.part == part.part) {
            return Ok(false);
        }
    }
}

/// See `ExportPart.digest` in message.proto.
fn digest(hour: &Hour, part: &Part) -> String {
    let manifest = Manifest {
        part: part.part as i32,
        seq: part.seq,
        messages: part.messages,
        bytes: part.bytes,
        first: part.first,
        last: part.last,
        sha256: part.sha256.clone(),
        previous: part.previous.clone(),
        digest: String::new(),
        sealed_at: part.sealed_at,
    };
    manifest.chained(&hour.app.uuid, hour.start)
}

async fn keep(deps: &Deps, hour: &Hour, part: &mut Part) -> Result<(), Error> {
    if !keep_file(deps, &hour.caller(), hour.key(part), &part.file_uuid).await? {
        return Err(Error::new(Reason::ExportExpired, ""));
    }
    part.kept = true;
    Ok(())
}

/// False when the file is gone: it was not requested in time to keep it.
async fn keep_file(deps: &Deps, caller: &Caller, key: Key, uuid: &str) -> Result<bool, Error> {
    if files::keep(deps, caller, uuid).await? {
        return export::kept(&deps.db, key).await.map(|()| true);
    }
    tracing::error!(uuid, "the file of an export is gone");
    export::gone(&deps.db, key).await.map(|()| false)
}

/// Completes what a crash interrupted, and removes the files of hours that are completely past the app's retention.
pub async fn look_after(deps: &Deps, app: &App) -> Result<(), Error> {
    let caller = Caller::of_app(app.id);
    for (key, uuid) in export::unkept(&deps.db, app.id, STEP).await? {
        keep_file(deps, &caller, key, &uuid).await?;
    }
    let retention = app.policy.message_retention;
    if retention.is_zero() {
        return Ok(());
    }
    let by = UnixMillis(deps.clock.now().0 - (retention + HOUR).as_millis() as i64);
    loop {
        let old = export::old(&deps.db, app.id, by, STEP).await?;
        let count = old.len();
        for (key, uuid) in old {
            files::delete(deps, &caller, &uuid).await?;
            export::gone(&deps.db, key).await?;
        }
        if count < STEP as usize {
            return Ok(());
        }
    }
}
