//! The use-cases, one per file.

pub mod clear;
pub mod delete;
pub mod delete_all;
pub mod device_position;
pub mod list;
pub mod list_pinned;
pub mod list_pinned_messages;
pub mod list_readers;
pub mod log;
pub mod mark;
pub mod mark_conversations;
pub mod pin;
pub mod pin_message;
pub mod report;
pub mod report_pins;
pub mod report_reads;
pub mod select;
pub mod turns;
pub mod view;
