//! Elements that another server wrote (tencent.md 5).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{lenient, or_default};
use crate::number::{Decimal, Integer, Number};

/// An element written by another server.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ElementIn<'a> {
    pub msg_type: String,
    #[serde(borrow)]
    pub msg_content: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocationIn {
    pub latitude: Decimal,
    pub longitude: Decimal,
    #[serde(default, deserialize_with = "lenient")]
    pub desc: Option<String>,
}

/// The common keys of audio and files; old SDKs send no `Url` (tencent.md 5).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BytesIn {
    #[serde(default, deserialize_with = "or_default")]
    pub url: String,
    #[serde(alias = "FileSize", default, deserialize_with = "lenient")]
    pub size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub second: Option<Number>,
    #[serde(default, deserialize_with = "lenient")]
    pub file_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageIn {
    #[serde(default, deserialize_with = "or_default")]
    pub image_info_array: Vec<ImageInfoIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageInfoIn {
    #[serde(rename = "Type", default, deserialize_with = "lenient")]
    pub kind: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub width: Option<Number>,
    #[serde(default, deserialize_with = "lenient")]
    pub height: Option<Number>,
    #[serde(rename = "URL", default, deserialize_with = "or_default")]
    pub url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VideoIn {
    #[serde(default, deserialize_with = "or_default")]
    pub video_url: String,
    #[serde(default, deserialize_with = "lenient")]
    pub video_size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub video_second: Option<Number>,
    #[serde(default, deserialize_with = "or_default")]
    pub thumb_url: String,
    #[serde(default, deserialize_with = "lenient")]
    pub thumb_size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub thumb_width: Option<Number>,
    #[serde(default, deserialize_with = "lenient")]
    pub thumb_height: Option<Number>,
}
