//! The system as a whole: properties across processes, crashes and engines, seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod blocked_log;
mod callback_faults;
mod callbacks;
mod changes;
mod citations;
mod clocks;
mod crates;
mod data_folder;
mod database;
mod deleted_apps;
mod docs;
mod durability;
mod files;
mod full_disk;
mod groups;
mod grpc;
mod hostile;
mod hung_peer;
mod idempotency;
mod image;
mod imports;
mod kept;
mod large_groups;
mod log;
mod lost_files;
mod nginx;
mod order;
mod outside_reader;
mod overload;
mod pages;
mod pins;
mod protos;
mod reads;
mod recall;
mod rights;
mod rolling;
mod screening_commands;
mod service_key;
mod start;
mod statements;
mod supervision;
mod telemetry;
mod tour;
mod unread;
