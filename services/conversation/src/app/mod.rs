//! What the service does, one use-case a file.

pub mod delete;
pub mod list;
pub mod log;
pub mod mark;
pub mod view;
