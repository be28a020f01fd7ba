//! The bodies of messages (agora.md 2).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;

use crate::{
    json::{Object, TextMap, is_empty_array},
    number::{Decimal, Integer, Number},
};

/// An object, absent, `null` or the empty array that PHP writes for an object without keys.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    if raw.get() == "null" || is_empty_array(raw) {
        return Ok(None);
    }
    serde_json::from_str(raw.get()).map(|Object(value)| Some(value)).map_err(D::Error::custom)
}

/// The keys of bodies that exports write differently than they were sent.
pub const LAT: &str = "lat";
pub const LNG: &str = "lng";
pub const URL: &str = "url";
pub const SECRET: &str = "secret";
pub const FILE_LENGTH: &str = "file_length";
pub const MSG: &str = "msg";
pub const FILENAME: &str = "filename";
pub const SIZE: &str = "size";
pub const THUMB: &str = "thumb";
pub const THUMBNAIL: &str = "thumbnail";
pub const THUMB_SECRET: &str = "thumb_secret";
pub const CUSTOM_EXTS: &str = "customExts";
pub const CUSTOM_EXTS_V2: &str = "v2:customExts";

/// The key that `msg` has in addition to a `body`.
pub const KIND: &str = "type";

#[derive(Deserialize)]
pub struct Kind {
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Text<'a> {
    pub msg: Cow<'a, str>,
}

/// The bodies of img, audio, video and file; the order is the one of the vendor's samples.
#[derive(Serialize, Deserialize, Default)]
pub struct Media<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb: Option<Cow<'a, str>>,
    /// The seed's name for `thumb`.
    #[serde(skip_serializing)]
    pub thumbnail: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb_secret: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_length: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Cow<'a, str>>,
    pub url: Option<Cow<'a, str>>,
    /// What the vendor's server SDK sends with `secret` instead of a `url`.
    #[serde(skip_serializing)]
    pub uuid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
}

#[derive(Serialize, Deserialize)]
pub struct Size {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
}

#[derive(Deserialize)]
pub struct LocationIn {
    pub lat: Decimal,
    pub lng: Decimal,
    pub addr: String,
}

#[derive(Serialize)]
pub struct LocationOut<'a> {
    pub lat: &'a str,
    pub lng: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
pub struct Command<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
pub struct Custom<'a> {
    #[serde(rename = "customEvent", skip_serializing_if = "Option::is_none")]
    pub event: Option<Cow<'a, str>>,
    #[serde(rename = "customExts", skip_serializing_if = "Option::is_none")]
    pub exts: Option<TextMap<'a>>,
}

/// The names of a forward's two texts, shown as a custom message's exts.
pub const FORWARD: &str = "forward";
pub const FORWARD_TEXT: &str = "text";
pub const FORWARD_ATTACHMENT: &str = "attachment";

/// The form of an ext that is not an object (decision 11).
#[derive(Serialize)]
pub struct WrappedExt<'a> {
    pub ext: &'a str,
}
