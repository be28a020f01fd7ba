//! The use-cases, one per file.

pub mod clear;
pub mod delete;
pub mod delete_all;
pub mod list;
pub mod list_pinned;
pub mod log;
pub mod mark;
pub mod pin;
pub mod report_reads;
pub mod view;
