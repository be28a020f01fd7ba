//! What every process needs around its services: config, telemetry, the wire between services, serving, shutdown.

mod admitted;
mod breaker;
mod conditions;
pub mod config;
mod connections;
pub mod context;
mod data_folder;
mod directory_cache;
pub mod fault;
mod guard;
mod log_lines;
mod log_throttle;
mod open_files;
mod paced;
pub mod rights;
mod seal;
mod serve;
mod service_keys;
mod shutdown;
mod tasks;
pub mod telemetry;
mod wire;

pub use admitted::Admitted;
pub use conditions::Conditions;
pub use config::Config;
pub use connections::{Bounds, Connection, Connections};
pub use data_folder::{DataFolder, keep_private, write_private};
pub use directory_cache::DirectoryCache;
pub use open_files::most_connections;
pub use paced::{Pace, Paced};
pub use seal::DataKey;
pub use serve::{GrpcServer, Health, accept, bind};
pub use service_keys::ServiceKeys;
pub use shutdown::Shutdown;
pub use tasks::{Task, Tasks};
pub use wire::{Clients, Wire};
