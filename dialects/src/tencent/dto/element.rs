//! The elements of messages (tencent.md 5).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::or_default;

/// The names of the elements (tencent.md 5).
pub const TEXT: &str = "TIMTextElem";
pub const LOCATION: &str = "TIMLocationElem";
pub const CUSTOM: &str = "TIMCustomElem";
pub const SOUND: &str = "TIMSoundElem";
pub const IMAGE: &str = "TIMImageElem";
pub const FILE: &str = "TIMFileElem";
pub const VIDEO: &str = "TIMVideoFileElem";

/// The values of `Desc` in our own custom elements.
pub const COMMAND_DESC: &str = "command";
pub const CUSTOM_DESC: &str = "custom";
pub const FORWARD_DESC: &str = "forward";

/// The keys of other custom elements.
pub const CUSTOM_KEYS: [&str; 4] = ["Data", "Desc", "Ext", "Sound"];

/// tencent.md 5.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Element<'a> {
    pub msg_type: &'static str,
    pub msg_content: ElementContent<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum ElementContent<'a> {
    Text(Text<'a>),
    Location(Location<'a>),
    Custom(Custom<'a>),
    Sound(Sound<'a>),
    Image(Image<'a>),
    File(File<'a>),
    Video(Video<'a>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Text<'a> {
    pub text: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Location<'a> {
    pub desc: &'a str,
    pub latitude: &'a RawValue,
    pub longitude: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Custom<'a> {
    #[serde(default, deserialize_with = "or_default")]
    pub data: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub desc: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub ext: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub sound: Cow<'a, str>,
}

/// The underscore is used here and in files, not in videos.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sound<'a> {
    pub url: &'a str,
    #[serde(rename = "UUID")]
    pub uuid: &'a str,
    pub size: u64,
    pub second: u32,
    #[serde(rename = "Download_Flag")]
    pub download_flag: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image<'a> {
    #[serde(rename = "UUID")]
    pub uuid: &'a str,
    pub image_format: u8,
    pub image_info_array: [ImageInfo<'a>; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageInfo<'a> {
    #[serde(rename = "Type")]
    pub kind: u8,
    pub size: u64,
    pub width: u32,
    pub height: u32,
    #[serde(rename = "URL")]
    pub url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct File<'a> {
    pub url: &'a str,
    #[serde(rename = "UUID")]
    pub uuid: &'a str,
    pub file_size: u64,
    pub file_name: &'a str,
    #[serde(rename = "Download_Flag")]
    pub download_flag: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Video<'a> {
    pub video_url: &'a str,
    #[serde(rename = "VideoUUID")]
    pub video_uuid: &'a str,
    pub video_size: u64,
    pub video_second: u32,
    pub video_format: &'a str,
    pub video_download_flag: u8,
    pub thumb_url: &'a str,
    #[serde(rename = "ThumbUUID")]
    pub thumb_uuid: &'a str,
    pub thumb_size: u64,
    pub thumb_width: u32,
    pub thumb_height: u32,
    pub thumb_format: &'a str,
    pub thumb_download_flag: u8,
}
