//! Converts a message to Tencent's elements (tencent.md 5). Our messages are always one element.
//!
//! Forwards are custom elements rather than `TIMRelayElem`: both of their texts are the sending client's own, and a
//! relay must list the forwarded messages with numbers that those texts do not contain. Commands and custom messages
//! are custom elements too; `Desc` says which of the three it is, so that [`super::elements_back`] restores it.

use serde_json::value::RawValue;
use tidings_domain::{
    Body, Command, Content, Custom, Ext, File, Forward, Image, JsonText, Location, Media, Video, Voice,
};

use super::dto::{self, Element, ElementContent};
use crate::json::{TextMap, text_of};

/// `Download_Flag`: the file is fetched by its URL (tencent.md 5).
const BY_URL: u8 = 2;
/// `ImageFormat` of an image that is none of the four formats that have a number.
const OTHER_FORMAT: u8 = 255;

/// `MsgBody`, which is an array even with one element (tencent.md 4), as JSON text.
pub fn elements(content: &Content) -> String {
    text_of(&[element(&content.body)])
}

/// `CloudCustomData`: the message's `ext` text; `None` if it has none (decision 31).
pub fn cloud_custom_data(content: &Content) -> Option<&str> {
    let text = match content.ext.as_ref()? {
        Ext::Object(json) => json.as_str(),
        Ext::Text(text) => text,
    };
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn element(body: &Body) -> Element<'_> {
    let (msg_type, msg_content) = match body {
        Body::Text(text) => (dto::TEXT, ElementContent::Text(dto::Text { text: (&text.text).into() })),
        Body::Image(image) => (dto::IMAGE, ElementContent::Image(image_of(image))),
        Body::Voice(voice) => (dto::SOUND, ElementContent::Sound(sound_of(voice))),
        Body::Video(video) => (dto::VIDEO, ElementContent::Video(video_of(video))),
        Body::File(file) => (dto::FILE, ElementContent::File(file_of(file))),
        Body::Location(place) => (dto::LOCATION, ElementContent::Location(place_of(place))),
        Body::Command(command) => (dto::CUSTOM, ElementContent::Custom(command_of(command))),
        Body::Custom(custom) => (dto::CUSTOM, ElementContent::Custom(custom_of(custom))),
        Body::Forward(forward) => (dto::CUSTOM, ElementContent::Custom(forward_of(forward))),
    };
    Element { msg_type, msg_content }
}

/// The same image three times: original, large, thumbnail. Receivers look for one of the three.
fn image_of(image: &Image) -> dto::Image<'_> {
    let info = |kind| dto::ImageInfo {
        kind,
        size: bytes(&image.media),
        width: whole(image.width),
        height: whole(image.height),
        url: &image.media.url,
    };
    dto::Image {
        uuid: uuid_in(&image.media.url),
        image_format: image_format(extension(&image.media)),
        image_info_array: [info(1), info(2), info(3)],
    }
}

fn sound_of(voice: &Voice) -> dto::Sound<'_> {
    dto::Sound {
        url: &voice.media.url,
        uuid: uuid_in(&voice.media.url),
        size: bytes(&voice.media),
        second: whole(voice.duration),
        download_flag: BY_URL,
    }
}

fn file_of(file: &File) -> dto::File<'_> {
    dto::File {
        url: &file.media.url,
        uuid: uuid_in(&file.media.url),
        file_size: bytes(&file.media),
        file_name: file.media.name.as_deref().unwrap_or_default(),
        download_flag: BY_URL,
    }
}

/// The cover is assumed to have the dimensions of the video, since only those are known.
fn video_of(video: &Video) -> dto::Video<'_> {
    let thumb = video.thumbnail.as_ref();
    let thumb_url = thumb.map(|thumb| thumb.url.as_str()).unwrap_or_default();
    dto::Video {
        video_url: &video.media.url,
        video_uuid: uuid_in(&video.media.url),
        video_size: bytes(&video.media),
        video_second: whole(video.duration),
        video_format: extension(&video.media),
        video_download_flag: BY_URL,
        thumb_url,
        thumb_uuid: uuid_in(thumb_url),
        thumb_size: thumb.map(bytes).unwrap_or_default(),
        thumb_width: whole(video.width),
        thumb_height: whole(video.height),
        thumb_format: thumb.map(extension).unwrap_or_default(),
        thumb_download_flag: BY_URL,
    }
}

fn place_of(place: &Location) -> dto::Location<'_> {
    dto::Location {
        desc: place.address.as_deref().unwrap_or_default(),
        latitude: degrees(&place.latitude),
        longitude: degrees(&place.longitude),
    }
}

/// The digits as written, if they are a JSON number; an unknown location is at 0, since receivers read
/// numbers.
fn degrees(text: &str) -> &RawValue {
    let is_number = serde_json::from_str::<serde_json::Number>(text).is_ok();
    serde_json::from_str(if is_number { text } else { "0" }).expect("a number is JSON")
}

/// The action with its parameter. The message's `ext` is in `CloudCustomData` already (decision 31).
fn command_of(command: &Command) -> dto::Custom<'_> {
    let param = command.param.as_ref().map(JsonText::as_str).unwrap_or_default();
    our_custom(&command.action, dto::COMMAND_DESC, param)
}

fn custom_of(custom: &Custom) -> dto::Custom<'_> {
    let event = custom.event.as_deref().unwrap_or_default();
    if event == dto::CUSTOM {
        return foreign_custom(custom);
    }
    let exts = if custom.exts.is_empty() { String::new() } else { text_of(&TextMap((&custom.exts).into())) };
    dto::Custom { ext: exts.into(), ..our_custom(event, dto::CUSTOM_DESC, "") }
}

/// A receiver's replacement of a message, as stored by [`super::elements_back`].
fn foreign_custom(custom: &Custom) -> dto::Custom<'_> {
    let [data, desc, ext, sound] = dto::CUSTOM_KEYS.map(|expected| {
        let found = custom.exts.iter().find(|(key, _)| key == expected);
        found.map(|(_, value)| value.as_str()).unwrap_or_default().into()
    });
    dto::Custom { data, desc, ext, sound }
}

fn forward_of(forward: &Forward) -> dto::Custom<'_> {
    our_custom(&forward.text, dto::FORWARD_DESC, forward.attachment.as_deref().unwrap_or_default())
}

fn our_custom<'a>(data: &'a str, desc: &'static str, ext: &'a str) -> dto::Custom<'a> {
    dto::Custom { data: data.into(), desc: desc.into(), ext: ext.into(), sound: "".into() }
}

/// 0 if it is unknown.
fn bytes(media: &Media) -> u64 {
    media.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
}

/// Pixels and seconds in the vendor's format: whole, never negative, 0 if unknown.
fn whole(number: Option<f64>) -> u32 {
    number.unwrap_or_default().round() as u32
}

/// The uuid at the end of our own file's URL; else empty.
fn uuid_in(url: &str) -> &str {
    let last = path(url).rsplit('/').next().unwrap_or_default();
    if is_uuid(last) { last } else { "" }
}

fn is_uuid(text: &str) -> bool {
    let is_right =
        |(at, c): (usize, u8)| if matches!(at, 8 | 13 | 18 | 23) { c == b'-' } else { c.is_ascii_hexdigit() };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// The URL without its query and fragment.
fn path(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// The extension of the name, or else of the URL: `mp4`; empty if neither has one.
fn extension(media: &Media) -> &str {
    let of_name = media.name.as_deref().and_then(last_part);
    of_name.or_else(|| last_part(path(&media.url))).unwrap_or_default()
}

fn last_part(name: &str) -> Option<&str> {
    let file = name.rsplit('/').next()?;
    let (_, extension) = file.rsplit_once('.')?;
    let is_plain = !extension.is_empty() && extension.bytes().all(|c| c.is_ascii_alphanumeric());
    is_plain.then_some(extension)
}

fn image_format(extension: &str) -> u8 {
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => 1,
        "gif" => 2,
        "png" => 3,
        "bmp" => 4,
        _ => OTHER_FORMAT,
    }
}
