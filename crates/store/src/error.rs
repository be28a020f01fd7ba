//! From database errors to domain errors.

use std::error::Error as _;

use tidings_domain::{Error, Reason};

/// SQLite's primary codes (the low byte of the extended ones).
mod sqlite {
    pub const BUSY: i64 = 5;
    pub const LOCKED: i64 = 6;
    pub const IOERR: i64 = 10;
    pub const FULL: i64 = 13;
}

/// The domain's word for what the database said. Callers turn expected conflicts into their own errors before.
pub fn domain_error(error: sqlx::Error) -> Error {
    let reason = match &error {
        sqlx::Error::Database(fault) => reason_of_code(fault.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Reason::Unavailable
        }
        _ => Reason::Internal,
    };
    Error::new(reason, "").because(error)
}

/// Whether two transactions got in each other's way, so that the same one may succeed when tried again: deadlocks,
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
            sqlite::BUSY | sqlite::LOCKED | sqlite::IOERR => Reason::Unavailable,
            _ => Reason::Internal,
        };
    }
    match &code[..2] {
        "53" if code == "53100" => Reason::StorageFull,
        // Out of connections or memory, shutting down, connection lost, read-only standby.
        "53" | "57" | "08" => Reason::Unavailable,
        _ if code == "25006" => Reason::Unavailable,
        _ => Reason::Internal,
    }
}
