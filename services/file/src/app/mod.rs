//! The use-cases, one a file.

pub mod delete;
pub mod download;
pub mod fetch;
pub mod find;
pub mod lifetime;
pub mod link;
pub mod quota;
pub mod sweep;
pub mod upload;
pub mod withdraw;

use std::thread;

use tidings_domain::Error;
use tidings_outbound::Outbound;
use tokio::sync::Semaphore;

use crate::Deps;

/// What the use-cases work with.
#[derive(Debug)]
pub struct Core {
    pub deps: Deps,
    /// Whoever decodes a picture holds one of these: half of the machine at most, so that nothing else slows down.
    pub decoding: Semaphore,
    pub outbound: Outbound,
}

impl Core {
    pub fn new(deps: Deps) -> Result<Self, Error> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        // No connection is used twice: whoever is asked rarely may have closed it.
        let outbound = Outbound::new(0)?;
        Ok(Self { deps, decoding: Semaphore::new((cores / 2).max(1)), outbound })
    }
}
