//! Converts Tencent's elements to a message: a receiver's replacement of one (tencent.md 5, 6).
//!
//! Our messages have one body, a `MsgBody` may have several elements. Several texts are joined to one text, as clients
//! show them: in a row. Of any others the first that the neutral model supports is the message, else the first at all.
//! Unsupported elements (faces, relays, foreign custom elements) become a custom message with the element's name and
//! its keys as values.

use serde_json::value::RawValue;
use tidings_domain::{
    Body, Command, Content, Custom, File, Forward, Image, JsonText, Location, Media, Text, Video, Voice,
};

use super::dto;
use crate::{
    json::{Object, TextMap, entries},
    number::{Integer, Number},
};

/// Why a text is not a valid `MsgBody`, as distinguished by tencent.md 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotElements {
    /// 90002: not JSON, or without an element.
    Malformed,
    /// 90007: not an array.
    NotAnArray,
    /// 90010: an element lacks its type or its content, or what its type requires.
    Element,
}

impl NotElements {
    /// Tencent's error number.
    pub const fn code(self) -> i32 {
        match self {
            Self::Malformed => 90002,
            Self::NotAnArray => 90007,
            Self::Element => 90010,
        }
    }
}

/// Parses a `MsgBody`. The content has only a body: `CloudCustomData` is parsed elsewhere.
pub fn elements_back(json: &str) -> Result<Content, NotElements> {
    if !json.trim_start().starts_with('[') {
        let is_json = JsonText::parse(json).is_ok();
        return Err(if is_json { NotElements::NotAnArray } else { NotElements::Malformed });
    }
    let raws: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| NotElements::Malformed)?;
    let bodies: Vec<Read> = raws.into_iter().map(read).collect::<Result<_, _>>()?;
    let body = one_of(bodies).ok_or(NotElements::Malformed)?;
    Ok(Content { body, ext: None, config: None, verbatim: None })
}

/// A parsed element, and whether the neutral model supports it.
struct Read {
    body: Body,
    has_place: bool,
}

fn one_of(mut bodies: Vec<Read>) -> Option<Body> {
    let texts: Option<String> = bodies
        .iter()
        .map(|read| match &read.body {
            Body::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    if bodies.len() > 1
        && let Some(text) = texts
    {
        return Some(Body::Text(Text { text }));
    }
    let first = bodies.iter().position(|read| read.has_place).unwrap_or_default();
    (!bodies.is_empty()).then(|| bodies.swap_remove(first).body)
}

fn read(raw: &RawValue) -> Result<Read, NotElements> {
    let Object(dto): Object<dto::ElementIn<'_>> = decoded(raw)?;
    let content = dto.msg_content;
    let body = match dto.msg_type.as_str() {
        dto::TEXT => decoded(content).map(|Object(dto::Text { text })| Some(Body::Text(Text { text: text.into() }))),
        dto::IMAGE => decoded(content).map(|Object(dto)| image(dto)),
        dto::SOUND => decoded(content).map(|Object(dto)| Some(voice(dto))),
        dto::FILE => decoded(content).map(|Object(dto)| Some(file(dto))),
        dto::VIDEO => decoded(content).map(|Object(dto)| Some(video(dto))),
        dto::LOCATION => decoded(content).map(|Object(dto)| Some(location(dto))),
        dto::CUSTOM => decoded(content).map(|Object(dto)| ours(dto)),
        _ => Ok(None),
    }?;
    match body {
        Some(body) => Ok(Read { body, has_place: true }),
        None => Ok(Read { body: foreign(dto.msg_type, content)?, has_place: false }),
    }
}

fn decoded<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Result<T, NotElements> {
    serde_json::from_str(raw.get()).map_err(|_| NotElements::Element)
}

/// A custom element written by [`super::elements`].
fn ours(dto: dto::Custom<'_>) -> Option<Body> {
    if !dto.sound.is_empty() {
        return None;
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match &*dto.desc {
        dto::COMMAND_DESC => {
            let param = given(&dto.ext).map(|text| JsonText::parse(&text)).transpose().ok()?;
            Some(Body::Command(Command { action: dto.data.into_owned(), param }))
        }
        dto::CUSTOM_DESC => {
            let exts = given(&dto.ext).map(|text| serde_json::from_str::<TextMap<'_>>(&text)).transpose().ok()?;
            let exts = exts.unwrap_or_default().0.into_owned();
            Some(Body::Custom(Custom { event: given(&dto.data), exts }))
        }
        dto::FORWARD_DESC => Some(Body::Forward(Forward { text: dto.data.into_owned(), attachment: given(&dto.ext) })),
        _ => None,
    }
}

/// Any other element: texts unchanged, other values as their JSON.
fn foreign(msg_type: String, content: &RawValue) -> Result<Body, NotElements> {
    let text = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    let entries = entries(content.get()).map_err(|_| NotElements::Element)?;
    let exts = entries.into_iter().map(|(key, value)| (key, text(value))).collect();
    Ok(Body::Custom(Custom { event: Some(msg_type), exts }))
}

fn media(url: String, size: Option<Integer>) -> Media {
    Media { url, size: size.map(|Integer(bytes)| bytes).filter(|bytes| *bytes > 0), ..Media::default() }
}

/// 0 means unknown.
fn known(number: Option<Number>) -> Option<f64> {
    number.map(|Number(n)| n).filter(|n| *n > 0.0)
}

/// The original, or the first if none is marked as such. Without any it is not supported.
fn image(dto: dto::ImageIn) -> Option<Body> {
    let mut all = dto.image_info_array;
    let original = all.iter().position(|info| info.kind == Some(Integer(1))).unwrap_or_default();
    let info = (!all.is_empty()).then(|| all.swap_remove(original))?;
    let (width, height) = (known(info.width), known(info.height));
    Some(Body::Image(Image { media: media(info.url, info.size), width, height }))
}

fn voice(dto: dto::BytesIn) -> Body {
    Body::Voice(Voice { media: media(dto.url, dto.size), duration: known(dto.second) })
}

fn file(dto: dto::BytesIn) -> Body {
    let name = dto.file_name.filter(|name| !name.is_empty());
    Body::File(File { media: Media { name, ..media(dto.url, dto.size) } })
}

fn video(dto: dto::VideoIn) -> Body {
    let thumbnail = (!dto.thumb_url.is_empty()).then(|| media(dto.thumb_url, dto.thumb_size));
    Body::Video(Video {
        media: media(dto.video_url, dto.video_size),
        duration: known(dto.video_second),
        width: known(dto.thumb_width),
        height: known(dto.thumb_height),
        thumbnail,
    })
}

fn location(dto: dto::LocationIn) -> Body {
    let address = dto.desc.filter(|text| !text.is_empty());
    Body::Location(Location { latitude: dto.latitude.0, longitude: dto.longitude.0, address })
}
