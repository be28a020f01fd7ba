//! The entries of a JSON object, as written.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use tidings_domain::JsonText;

/// The object without one of its keys; the other keys and values are unchanged.
pub fn without_key(object: &RawValue, key: &str) -> Result<JsonText, serde_json::Error> {
    let entries: Entries<'_> = serde_json::from_str(object.get())?;
    let mut kept = String::with_capacity(object.get().len());
    kept.push('{');
    for (name, value) in &entries.0 {
        if serde_json::from_str::<String>(name.get())? == key {
            continue;
        }
        if kept.len() > 1 {
            kept.push(',');
        }
        kept.push_str(name.get());
        kept.push(':');
        kept.push_str(value.get());
    }
    kept.push('}');
    JsonText::parse(&kept)
}

/// The keys of an object, decoded, and its values as written, in their order.
pub fn entries(object: &str) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    written_entries(object)?.into_iter().map(|(name, value)| Ok((serde_json::from_str(name.get())?, value))).collect()
}

/// The same with the keys as written.
pub fn written_entries(object: &str) -> Result<Vec<(&RawValue, &RawValue)>, serde_json::Error> {
    serde_json::from_str::<Entries<'_>>(object).map(|entries| entries.0)
}

struct Entries<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}
