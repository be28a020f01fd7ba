//! The client of the directory for the other services, with a short-lived cache of what is needed for every call.
//!
//! An answer is used for 5 seconds at most, so a change in the directory (a disabled app, a new policy, a deleted user)
//! takes effect everywhere within that time, and a change of who may speak where within 1 second. Refusals are never
//! cached, nor is the fact that somebody is not in a group.

mod access;
mod cached;
mod current;

pub use cached::DirectoryCache;

use tidings_domain::{Actor, Caller};
use tidings_runtime::context;
use tonic::Request;

/// A service makes these calls with its own authority: it has checked what the caller may do.
fn as_app<T>(caller: &Caller, message: T) -> Request<T> {
    context::request(&Caller { actor: Actor::App, ..caller.clone() }, message)
}
