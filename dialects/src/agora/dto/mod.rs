//! The wire names of the Agora dialect. Fields are documented in agora.md.

mod body;
mod callback;
mod channel;
mod contact;
mod envelope;
mod event;
mod file;
mod group;
mod msync;
mod msync_notice;
mod people;
mod reaction;
mod reading;
mod realtime;
mod recall;
mod record;
mod send;
mod sharing;
mod thread;
mod user;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub use body::*;
pub use callback::*;
pub use channel::*;
pub use contact::*;
pub use envelope::*;
pub use event::*;
pub use file::*;
pub use group::*;
pub use msync::*;
pub use msync_notice::*;
pub use people::*;
pub use reaction::*;
pub use reading::*;
pub use realtime::*;
pub use recall::*;
pub use record::*;
pub use send::*;
pub use sharing::*;
pub use thread::*;
pub use user::*;

/// Distinguishes `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}
