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

use tidings_domain::Error;
use tidings_outbound::Outbound;

use crate::{Deps, thumbnail::Turns};

/// What the use-cases work with.
#[derive(Debug)]
pub struct Core {
    pub deps: Deps,
    /// Who may decode a picture.
    pub pictures: Turns,
    pub outbound: Outbound,
}

impl Core {
    pub fn new(deps: Deps) -> Result<Self, Error> {
        // No connection is used twice: whoever is asked rarely may have closed it.
        let outbound = Outbound::new(0)?;
        Ok(Self { deps, pictures: Turns::new(), outbound })
    }
}
