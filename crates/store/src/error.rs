//! Maps database errors to domain errors.

use std::{error::Error as _, io};

use tidings_domain::{Error, Reason};

/// SQLite's primary codes (the low byte of the extended ones).
mod sqlite {
    pub const BUSY: i64 = 5;
    pub const LOCKED: i64 = 6;
    pub const NOMEM: i64 = 7;
    pub const READONLY: i64 = 8;
    pub const IOERR: i64 = 10;
    pub const CORRUPT: i64 = 11;
    pub const FULL: i64 = 13;
    pub const CANTOPEN: i64 = 14;
    pub const PROTOCOL: i64 = 15;
    pub const NOTADB: i64 = 26;
}

/// The domain error for a database error. Callers map expected conflicts to their own errors before.
pub fn domain_error(error: sqlx::Error) -> Error {
    Error::new(reason(&error), "").because(error)
}

pub(crate) fn reason(error: &sqlx::Error) -> Reason {
    match error {
        sqlx::Error::Database(fault) => reason_of_code(fault.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Reason::Unavailable,
        _ => Reason::Internal,
    }
}

/// The connection was lost during a commit.
#[derive(Debug)]
struct OutcomeUnknown(sqlx::Error);

impl std::fmt::Display for OutcomeUnknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "whether the transaction was committed is not known: {}", self.0)
    }
}

impl std::error::Error for OutcomeUnknown {}

/// As [`domain_error`], for a commit: one without an answer may have taken effect.
pub(crate) fn commit_error(error: sqlx::Error) -> Error {
    if is_lost_connection(&error) {
        return Error::new(Reason::Unavailable, "").because(OutcomeUnknown(error));
    }
    domain_error(error)
}

/// The state of a transaction whose connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostTransaction {
    /// Before its commit was sent, so it had no effect.
    Undone,
    /// During its commit: whether it took effect shows only in the data.
    Unknown,
}

/// Whether the server aborted a transaction, as when it restarts, so that the same one may succeed on another
/// connection. None for one that did not answer in time: it has waited long enough.
pub fn lost(error: &Error) -> Option<LostTransaction> {
    let source = error.source()?;
    let (cause, lost) = match source.downcast_ref::<OutcomeUnknown>() {
        Some(OutcomeUnknown(cause)) => (cause, LostTransaction::Unknown),
        None => (source.downcast_ref()?, LostTransaction::Undone),
    };
    (is_lost_connection(cause) && !is_timeout(cause)).then_some(lost)
}

/// Whether the connection is unusable.
pub(crate) fn is_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(fault) => fault.code().is_some_and(|code| {
            // Shut down, terminated, crashed, cannot connect, idle for too long; cut off in an idle transaction; lost.
            matches!(&*code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04") || code.starts_with("08")
        }),
        _ => false,
    }
}

/// Whether it did not answer in time.
pub(crate) fn is_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(cause) if cause.kind() == io::ErrorKind::TimedOut)
}

/// Whether two transactions conflicted, so that the same one may succeed when tried again: deadlocks,
/// serialization failures, and unique violations between concurrent writers.
pub fn is_conflict(error: &Error) -> bool {
    let Some(sqlx::Error::Database(fault)) = error.source().and_then(|source| source.downcast_ref()) else {
        return false;
    };
    fault.is_unique_violation() || matches!(fault.code().as_deref(), Some("40001" | "40P01"))
}

fn reason_of_code(code: &str) -> Reason {
    // PostgreSQL's codes have five characters, SQLite's are decimal numbers of up to four.
    if code.len() < 5 {
        return match code.parse::<i64>().unwrap_or_default() & 0xff {
            sqlite::FULL => Reason::StorageFull,
            sqlite::CORRUPT | sqlite::NOTADB => Reason::DataDamaged,
            // The file is locked by others, or the disk fails: it may also have been mounted read-only, or have no
            // files left to open.
            sqlite::BUSY
            | sqlite::LOCKED
            | sqlite::NOMEM
            | sqlite::READONLY
            | sqlite::IOERR
            | sqlite::CANTOPEN
            | sqlite::PROTOCOL => Reason::Unavailable,
            _ => Reason::Internal,
        };
    }
    match &code[..2] {
        "53" if code == "53100" => Reason::StorageFull,
        // Damaged tables and indexes.
        "XX" if matches!(code, "XX001" | "XX002") => Reason::DataDamaged,
        // Out of connections or memory, shutting down, connection lost, a failing disk. Of conflicting transactions one
        // must be tried again.
        "53" | "57" | "08" | "58" | "40" => Reason::Unavailable,
        // A standby; a transaction that was idle for too long; a lock timeout.
        _ if matches!(code, "25006" | "25P03" | "25P04" | "55P03") => Reason::Unavailable,
        _ => Reason::Internal,
    }
}
