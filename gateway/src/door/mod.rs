//! The address of internal services: every public gRPC service behind one address, for the service key and for service
//! accounts, whatever the shape of the installation.

mod accounts;
mod body;
mod costs;
mod key;
mod passed;

pub use self::{accounts::Accounts, passed::Passed};
