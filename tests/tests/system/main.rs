//! The system as a whole: what holds across processes, crashes and engines, seen from outside.

mod data_folder;
mod durability;
mod grpc;
mod idempotency;
mod log;
mod order;
mod unread;
