//! The address of internal services: every public gRPC service behind one address, for the service key and for service
//! accounts, in every deployment.

mod accounts;
mod body;
mod costs;
mod key;
mod passed;

pub use self::{accounts::Accounts, passed::Passed};
