//! The use-cases, one per file.

pub mod access;
pub mod broadcast;
pub mod edit;
mod edit_answer;
pub mod events;
pub mod exclude;
pub mod export;
pub mod fetch_changes;
pub mod files;
pub mod find;
pub mod forget_keys;
pub mod head;
pub mod import;
pub mod locate;
pub mod once;
pub mod page;
pub mod places;
pub mod purge;
pub mod read_history;
pub mod recall;
pub mod released_files;
pub mod report_reads;
pub mod run_broadcasts;
pub mod send;
pub mod start_broadcast;
pub mod unread;
