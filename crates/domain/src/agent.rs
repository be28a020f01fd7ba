//! The `User-Agent` of the program.

/// The `User-Agent` of every outgoing call, so that operators of other servers can identify it.
pub const USER_AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));
