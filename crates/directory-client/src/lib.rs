//! Asks the directory on behalf of the other services, and remembers for a moment what is asked for at every call.
//!
//! An answer is used for 5 seconds at most, so a change in the directory (a disabled app, a new policy, a deleted user) is
//! seen everywhere within that time, and who may speak where within 1 second. Refusals are never kept, nor is that
//! somebody is not in a group.

mod access;
mod cached;
mod current;

pub use cached::DirectoryCache;

use tidings_domain::{Actor, Caller};
use tidings_runtime::context;
use tonic::Request;

/// What a service needs to know for a call it asks for itself: it has judged what the caller may do.
fn as_app<T>(caller: &Caller, message: T) -> Request<T> {
    context::request(&Caller { actor: Actor::App, ..caller.clone() }, message)
}
