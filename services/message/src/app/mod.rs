//! What the service does, one use-case a file.

pub mod access;
pub mod broadcast;
pub mod edit;
pub mod find;
pub mod forget_keys;
pub mod head;
pub mod once;
pub mod page;
pub mod places;
pub mod recall;
pub mod send;
pub mod unread;
