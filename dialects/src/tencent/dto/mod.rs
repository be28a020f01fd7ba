//! The wire names of the Tencent dialect. Fields are documented in tencent.md.

mod answer;
mod contact;
mod element;
mod element_in;
mod group;
mod message;
mod state;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

pub use answer::*;
pub use contact::*;
pub use element::*;
pub use element_in::*;
pub use group::*;
pub use message::*;
pub use state::*;

/// A value of another type, and `null`, count as absent.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// The same, where absent is a value too.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    lenient(deserializer).map(Option::unwrap_or_default)
}
