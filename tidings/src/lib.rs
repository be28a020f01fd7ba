//! The one binary: every role of Tidings in one process, or one role per process.

mod admin;
mod app_name;
mod backup;
mod callback_admin;
mod callback_lines;
pub mod cli;
mod copy;
mod deleted_apps;
mod demo;
mod directory;
mod doctor;
mod door;
mod explain;
mod export;
mod hook_admin;
mod in_app;
mod in_full;
mod key_admin;
mod keys;
mod lines;
mod message_admin;
mod metrics;
mod migrate;
mod ready;
mod restore;
mod roles;
mod running;
mod server;
mod stores;
mod verify;
mod watch_clock;
mod words_admin;

pub use cli::{Cli, run};
pub use ready::is_ready;
pub use roles::Roles;
pub use running::{Running, start};
