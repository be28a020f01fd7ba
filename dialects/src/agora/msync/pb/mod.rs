//! The messages of MSync with the vendor's field numbers, as its published client SDKs print them at run time
//! (`connection.root.toJSON()`).
//!
//! Every field is optional: clients compare with absent, and a zero that was set is written. Names are the vendor's, except that
//! `type` is `kind` here.

#![expect(missing_docs, reason = "the names are the vendor's own, and the contract says what they mean")]

mod message;
mod notice;
mod session;

pub use message::*;
pub use notice::*;
pub use session::*;
