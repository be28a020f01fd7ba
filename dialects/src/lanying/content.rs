//! Converts a message's content type, `content`, `attachment`, `config` and `ext` to and from the neutral content
//! (lanying.md 4, decisions 11 and 25).
//!
//! `config` and `ext` are stored unchanged. `content` and `attachment` are parsed into neutral fields; where our own
//! serialization of those differs from the client's texts, these are stored too and returned verbatim.

use std::borrow::Cow;

use serde_json::value::RawValue;
use tidings_domain::{
    Body, Command, Content, Custom, Dialect, Ext, File, Forward, Image, JsonText, Location, Media, Text, Verbatim,
    Video, Voice,
};

use super::{Refusal, dto};
use crate::{
    json::{TextMap, object_in, text_of},
    number::{Decimal, Integer, Number},
};

/// The fields of a message in this dialect; empty texts are absent, except `content`.
#[derive(Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    /// `TEXT`, `IMAGE`, ...
    pub ctype: &'static str,
    /// `content`
    pub content: Cow<'a, str>,
    /// `attachment`
    pub attachment: Option<Cow<'a, str>>,
    /// `config`
    pub config: Option<Cow<'a, str>>,
    /// `ext`
    pub ext: Option<Cow<'a, str>>,
}

/// The texts of a request.
pub(super) struct Written {
    pub content_type: i64,
    pub content: Option<String>,
    pub attachment: Option<String>,
    pub config: Option<String>,
    pub ext: Option<String>,
}

/// Parses the texts of a request.
pub(super) fn content(written: Written) -> Result<Content, Refusal> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let needs_content = matches!(written.content_type, 0 | 6);
    if needs_content && written.content.is_none() {
        return Err(Refusal::bad_parameter("content", "is required"));
    }
    let text = written.content.unwrap_or_default();
    let attachment = given(written.attachment);
    let body = body(written.content_type, &text, attachment.as_deref())?;
    let verbatim = verbatim(&body, &text, attachment.as_deref());
    Ok(Content { body, ext: given(written.ext).map(Ext::Text), config: given(written.config), verbatim })
}

/// The texts of a message; exactly as sent when this dialect sent it.
pub fn fields_of(content: &Content) -> Fields<'_> {
    let (ctype, text, attachment) = shown(&content.body);
    let (text, attachment) = match &content.verbatim {
        Some(verbatim) if verbatim.dialect == Dialect::Lanying => kept(verbatim).unwrap_or((text, attachment)),
        _ => (text, attachment),
    };
    Fields {
        ctype,
        content: text,
        attachment,
        config: content.config.as_deref().map(Cow::from),
        ext: content.ext.as_ref().map(ext_text),
    }
}

fn verbatim(body: &Body, text: &str, attachment: Option<&str>) -> Option<Verbatim> {
    let (_, our_text, our_attachment) = shown(body);
    if our_text == text && our_attachment.as_deref() == attachment {
        return None;
    }
    let json = text_of(&dto::Verbatim { content: text.into(), attachment: attachment.map(Cow::from) });
    let json = JsonText::parse(&json).expect("what serde_json wrote is JSON");
    Some(Verbatim { dialect: Dialect::Lanying, json })
}

/// `None` for a text that is not ours, which an internal service may have stored.
fn kept(verbatim: &Verbatim) -> Option<(Cow<'_, str>, Option<Cow<'_, str>>)> {
    let dto: dto::Verbatim<'_> = serde_json::from_str(verbatim.json.as_str()).ok()?;
    Some((dto.content, dto.attachment))
}

/// An object whose only key is `ext` with a text that is not an object represents that text.
fn ext_text(ext: &Ext) -> Cow<'_, str> {
    let json = match ext {
        Ext::Text(text) => return Cow::from(text),
        Ext::Object(json) => json.as_str(),
    };
    match serde_json::from_str::<dto::WrappedExt>(json) {
        Ok(wrapped) if object_in(&wrapped.ext).is_none() => Cow::from(wrapped.ext),
        _ => Cow::from(json),
    }
}

fn body(content_type: i64, text: &str, attachment: Option<&str>) -> Result<Body, Refusal> {
    let text = || text.to_owned();
    match content_type {
        0 => Ok(Body::Text(Text { text: text() })),
        1 => media(attachment).map(|(media, dto)| Body::Image(image(media, &dto))),
        2 => media(attachment)
            .map(|(media, dto)| Body::Voice(Voice { media, duration: dto.duration.map(|Number(n)| n) })),
        3 => media(attachment).map(|(media, dto)| Body::Video(video(media, &dto))),
        4 => media(attachment).map(|(media, _)| Body::File(File { media })),
        5 => location(attachment).map(Body::Location),
        6 => Ok(Body::Command(Command {
            action: text(),
            param: attachment.and_then(|attachment| JsonText::parse(attachment).ok()),
        })),
        7 => Ok(Body::Forward(Forward { text: text(), attachment: attachment.map(str::to_owned) })),
        8 => Err(Refusal::bad_parameter("content_type", "8 is only for clients")),
        9..=12 => Err(Refusal::bad_parameter("content_type", "from 9 to 12 goes with /message/send alone")),
        _ => Err(Refusal::bad_parameter("content_type", "must be from 0 to 12")),
    }
}

/// The text itself must be present and be an object with a URL (decision 25): an image without one is invalid.
fn media(attachment: Option<&str>) -> Result<(Media, dto::Media<'static>), Refusal> {
    let Some(attachment) = attachment else {
        return Err(Refusal::bad_parameter("attachment", "is required for content types 1 to 4"));
    };
    let mut dto: dto::Media<'static> = object("attachment", attachment)?;
    let url = dto.url.take().filter(|url| !url.trim().is_empty());
    let url = url.ok_or_else(|| Refusal::bad_parameter("attachment", "must have a url for content types 1 to 4"))?;
    let media = Media {
        url: url.into_owned(),
        name: dto.name.take().map(Cow::into_owned),
        size: dto.size.map(|Integer(bytes)| bytes),
        secret: dto.secret.take().map(Cow::into_owned),
    };
    Ok((media, dto))
}

fn object<T: serde::de::DeserializeOwned>(field: &str, text: &str) -> Result<T, Refusal> {
    if !text.trim_start().starts_with('{') {
        return Err(Refusal::bad_parameter(field, "must be a JSON object as text"));
    }
    serde_json::from_str(text).map_err(|error| Refusal::bad_parameter(field, format!("is not usable: {error}")))
}

fn image(media: Media, dto: &dto::Media<'_>) -> Image {
    Image { media, width: dto.width.map(|Number(n)| n), height: dto.height.map(|Number(n)| n) }
}

fn video(media: Media, dto: &dto::Media<'_>) -> Video {
    let Image { media, width, height } = image(media, dto);
    Video { media, duration: dto.duration.map(|Number(n)| n), width, height, thumbnail: None }
}

/// The coordinates are in the attachment; without one the location is unknown, which the contract does not forbid.
fn location(attachment: Option<&str>) -> Result<Location, Refusal> {
    let Some(attachment) = attachment else {
        return Ok(Location::default());
    };
    let dto: dto::LocationIn = object("attachment", attachment)?;
    let degrees = |decimal: Option<Decimal>| decimal.map(|Decimal(text)| text).unwrap_or_default();
    Ok(Location { latitude: degrees(dto.lat), longitude: degrees(dto.lon), address: dto.addr })
}

type Shown<'a> = (&'static str, Cow<'a, str>, Option<Cow<'a, str>>);

/// Our own serialization of a body: `ctype`, `content`, `attachment`.
fn shown(body: &Body) -> Shown<'_> {
    let nothing = Cow::Borrowed("");
    match body {
        Body::Text(text) => ("TEXT", Cow::from(&text.text), None),
        Body::Image(image) => {
            let sides = (image.width.map(Number), image.height.map(Number));
            ("IMAGE", nothing, Some(attached(&image.media, None, sides)))
        }
        Body::Voice(voice) => ("AUDIO", nothing, Some(attached(&voice.media, voice.duration, (None, None)))),
        Body::Video(video) => {
            let sides = (video.width.map(Number), video.height.map(Number));
            ("VIDEO", nothing, Some(attached(&video.media, video.duration, sides)))
        }
        Body::File(file) => ("FILE", nothing, Some(attached(&file.media, None, (None, None)))),
        Body::Location(place) => ("LOCATION", nothing, place_of(place).map(Cow::from)),
        Body::Command(command) => {
            let param = command.param.as_ref().map(|json| Cow::from(json.as_str()));
            ("COMMAND", Cow::from(&command.action), param)
        }
        Body::Custom(custom) => custom_of(custom),
        Body::Forward(forward) => ("FORWARD", Cow::from(&forward.text), forward.attachment.as_deref().map(Cow::from)),
    }
}

fn attached(
    media: &Media,
    duration: Option<f64>,
    (width, height): (Option<Number>, Option<Number>),
) -> Cow<'static, str> {
    Cow::from(text_of(&dto::Media {
        url: Some(Cow::from(&media.url)),
        name: media.name.as_deref().map(Cow::from),
        size: media.size.map(Integer),
        duration: duration.map(Number),
        width,
        height,
        secret: media.secret.as_deref().map(Cow::from),
    }))
}

/// Degrees are numbers if their text is a JSON number, else texts.
fn place_of(place: &Location) -> Option<String> {
    if place.latitude.is_empty() && place.longitude.is_empty() && place.address.is_none() {
        return None;
    }
    let degrees = |text: &str| {
        let quoted = || RawValue::from_string(text_of(text)).expect("a quoted text is JSON");
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return RawValue::from_string(text.to_owned()).unwrap_or_else(|_| quoted());
        }
        quoted()
    };
    let (lat, lon) = (degrees(&place.latitude), degrees(&place.longitude));
    Some(text_of(&dto::LocationOut { lat: &lat, lon: &lon, addr: place.address.as_deref() }))
}

/// A custom message is shown as a command: its event with its values as an object.
fn custom_of(custom: &Custom) -> Shown<'_> {
    let exts = (!custom.exts.is_empty()).then(|| text_of(&TextMap(Cow::Borrowed(&custom.exts))));
    ("COMMAND", Cow::from(custom.event.as_deref().unwrap_or_default()), exts.map(Cow::from))
}
