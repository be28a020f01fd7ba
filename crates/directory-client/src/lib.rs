//! The client of the directory for the other services, with a short-lived cache of what is needed for every call.
//!
//! An app's record, and who may write where, is used for 1 second at most, so a change in the directory (a disabled
//! app, a new policy, a deleted or disabled user) takes effect everywhere within that time. The id behind a name is
//! used for 5 seconds, but only while the record has the same version of the app's users. Refusals are never cached,
//! nor is the fact that somebody is not in a group.

mod access;
mod cached;
mod changes;
mod current;

pub use cached::DirectoryCache;
pub use current::{UserPlace, UserPlaces};

use tidings_domain::{Actor, Caller};
use tidings_runtime::context;
use tonic::Request;

/// A service makes these calls with its own authority: it has checked what the caller may do.
fn as_app<T>(caller: &Caller, message: T) -> Request<T> {
    context::request(&Caller { actor: Actor::App, ..caller.clone() }, message)
}
