//! The use-cases, one per file.

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

use tidings_domain::Error;
use tidings_outbound::Outbound;

use crate::{Deps, thumbnail::Turns};

/// The dependencies of the use-cases.
#[derive(Debug)]
pub struct Core {
    pub deps: Deps,
    /// Limits concurrent image decoding.
    pub pictures: Turns,
    pub outbound: Outbound,
}

impl Core {
    pub fn new(deps: Deps) -> Result<Self, Error> {
        // No connection is reused: after long pauses the server may have closed it.
        let outbound = Outbound::new(0)?;
        Ok(Self { deps, pictures: Turns::new(), outbound })
    }
}
