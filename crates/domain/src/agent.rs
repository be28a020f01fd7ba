//! How the program calls itself.

/// The `User-Agent` of every call that we make, so that whoever runs a server knows who asks.
pub const USER_AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));
