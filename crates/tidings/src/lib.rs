//! The one binary: every role of Tidings in one process, or one role a process.

mod admin;
pub mod cli;
mod demo;
mod doctor;
mod export;
mod keys;
mod migrate;
mod ready;
mod roles;
mod running;

pub use cli::{Cli, run};
pub use ready::is_ready;
pub use roles::Roles;
pub use running::{Running, start};
