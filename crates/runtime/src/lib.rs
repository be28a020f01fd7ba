//! What every process needs around its services: config, telemetry, the wire between services, serving, shutdown.

pub mod config;
pub mod context;
mod data_folder;
mod directory_cache;
mod guard;
mod log_lines;
mod seal;
mod serve;
mod shutdown;
pub mod telemetry;
mod wire;

pub use config::Config;
pub use data_folder::{DataFolder, write_private};
pub use directory_cache::DirectoryCache;
pub use seal::DataKey;
pub use serve::{GrpcServer, bind};
pub use shutdown::Shutdown;
pub use wire::{Clients, Wire};
