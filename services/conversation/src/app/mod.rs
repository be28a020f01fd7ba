//! What the service does, one use-case a file.

pub mod access;
pub mod delete;
pub mod list;
pub mod list_pinned;
pub mod log;
pub mod mark;
pub mod pin;
pub mod view;
