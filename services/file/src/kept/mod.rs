//! Commands on all files: checking them, and copying them to another store.

mod copy;
mod describe;
mod verify;

pub use copy::{Copied, copy};
pub use describe::describe;
pub use verify::{Checked, verify, verify_objects};

/// Files of a page.
const PAGE: i64 = 500;
