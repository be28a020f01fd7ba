//! Hints between processes over NATS.
//!
//! Nothing depends on the broker: what it loses, repeats, delays or reorders is found by polling
//! (docs/internals/bus.md). A process starts, sends and is ready without it.

mod connectivity;
mod link;
mod nats_bus;
mod outbox;
mod settings;
mod wire;

pub use nats_bus::NatsBus;
pub use settings::Settings;
pub use wire::Topic;
