//! The limit on open files, which also counts connections.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that are reserved: databases, uploads, calls to peers.
const RESERVE: u64 = 256;

/// Raises the limit as far as the system allows, and returns how many client connections fit in addition to the
/// process's own files.
pub fn most_connections() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
    }
    let open = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let reserve = RESERVE.max(open / 4).min(open / 2);
    usize::try_from(open - reserve).unwrap_or(usize::MAX)
}
