//! Converts a message's `type`, `body` and `ext` to and from the neutral content (agora.md 2.2, decision 11).
//!
//! What is parsed can be written again. Where our own serialization of the neutral fields differs, token for token,
//! from the client's text, that text is stored too and returned verbatim.

use std::borrow::Cow;

use serde::Deserialize;
use tidings_domain::{
    Body, Command, Content, Custom, Dialect, Ext, File, Forward, Image, JsonText, Location, Media, StoredFile, Text,
    Verbatim, Video, Voice,
};

use super::{Refusal, dto};
use crate::{
    json::{TextMap, entries, object_in, raw, text_of},
    number::{Integer, Number},
    reading::{Unreadable, read_object},
};

/// Maximum entries of `customExts`.
const MAX_CUSTOM_EXTS: usize = 16;
/// Maximum length of `customEvent` in bytes.
const MAX_CUSTOM_EVENT: usize = 32;

/// Parses a body of the given type. A missing required key, a wrong JSON type and an unknown type are all
/// `invalid_request_body`: the contract has no other words for them. The detail follows those words.
pub(super) fn content(kind: &str, json: JsonText, ext: Option<JsonText>, strict: bool) -> Result<Content, Refusal> {
    let body = read(kind, json.as_str(), strict)?;
    if strict && let Some(keys) = what_the_seed_requires(&body) {
        return Err(Refusal::invalid_request_body(format!("body: {keys} are required of {kind}")));
    }
    let exact = written(&body).1 == json.as_str();
    let verbatim = (!exact).then(|| Verbatim { dialect: Dialect::Agora, json: with_one_text(json) });
    Ok(Content { body, ext: ext.map(Ext::Object), config: None, verbatim })
}

/// The object with only the last value of `msg`: readers that take the first value would otherwise show what no word
/// filter has checked. Everything else is unchanged.
fn with_one_text(json: JsonText) -> JsonText {
    let Ok(all) = entries(json.as_str()) else {
        return json;
    };
    let texts = all.iter().enumerate().filter(|(_, (key, _))| key == dto::MSG);
    let texts: Vec<usize> = texts.map(|(at, _)| at).collect();
    let [passed_over @ .., _] = &texts[..] else {
        return json;
    };
    if passed_over.is_empty() {
        return json;
    }
    let kept = all.iter().enumerate().filter(|(at, _)| !passed_over.contains(at));
    let kept: Vec<String> = kept.map(|(_, (key, value))| format!("{}:{value}", text_of(key))).collect();
    JsonText::parse(&format!("{{{}}}", kept.join(","))).expect("entries of an object make an object")
}

/// `type` and `body` as JSON text; exactly as sent when this dialect sent it.
pub fn body_from(content: &Content) -> (&'static str, String) {
    let (kind, json) = written(&content.body);
    match &content.verbatim {
        Some(verbatim) if verbatim.dialect == Dialect::Agora => (kind, verbatim.json.as_str().to_owned()),
        _ => (kind, json),
    }
}

/// The same content with its file at another URL, where it needs no secret. The size is added if it was missing.
pub fn moved(mut content: Content, url: &str, bytes: i64) -> Content {
    if let Some(media) = content.body.media_mut() {
        url.clone_into(&mut media.url);
        media.secret = None;
        media.size.get_or_insert(bytes);
    }
    content.verbatim = content.verbatim.and_then(|verbatim| moved_verbatim(verbatim, url, bytes));
    content
}

/// What was sent stays verbatim except for these keys.
fn moved_verbatim(verbatim: Verbatim, url: &str, bytes: i64) -> Option<Verbatim> {
    let sent = entries(verbatim.json.as_str()).ok()?;
    let size = (!sent.iter().any(|(key, _)| key == dto::FILE_LENGTH)).then(|| (dto::FILE_LENGTH, bytes.to_string()));
    let kept = sent.iter().filter(|(key, _)| key != dto::URL && key != dto::SECRET);
    let kept = kept.map(|(key, value)| (key.as_str(), value.to_string()));
    let all: Vec<String> = kept
        .chain([(dto::URL, text_of(url))])
        .chain(size)
        .map(|(key, value)| format!("{}:{value}", text_of(key)))
        .collect();
    let json = JsonText::parse(&format!("{{{}}}", all.join(","))).ok()?;
    Some(Verbatim { json, ..verbatim })
}

/// `ext` as the text of a JSON object. Text that is not an object is wrapped (decision 11).
pub fn ext_from(content: &Content) -> Option<String> {
    match content.ext.as_ref()? {
        Ext::Object(json) => Some(json.as_str().to_owned()),
        Ext::Text(text) => match object_in(text) {
            Some(json) => Some(json.as_str().to_owned()),
            None => Some(text_of(&dto::WrappedExt { ext: text })),
        },
    }
}

/// The seed requires more of media than the newer documents (decision 20): the first required key that the body lacks.
fn what_the_seed_requires(body: &Body) -> Option<&'static str> {
    let (has_all, keys) = match body {
        Body::Image(image) => {
            (image.media.name.is_some() && image.width.is_some() && image.height.is_some(), "filename and size")
        }
        Body::Voice(voice) => (voice.media.name.is_some() && voice.duration.is_some(), "filename and length"),
        Body::Video(video) => (
            video.thumbnail.is_some() && video.duration.is_some() && video.media.size.is_some(),
            "thumb, length and file_length",
        ),
        _ => (true, ""),
    };
    (!has_all).then_some(keys)
}

fn decoded<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Refusal> {
    read_object(json).map_err(|why| unreadable("body", why))
}

/// An error inside a field of the request.
pub(super) fn unreadable(field: &str, why: Unreadable) -> Refusal {
    Refusal::invalid_request_body(format!("{field}: {}", why.words()))
}

fn lacks(key: &str) -> Refusal {
    Refusal::invalid_request_body(format!("body: {key} is required"))
}

fn read(kind: &str, json: &str, strict: bool) -> Result<Body, Refusal> {
    match kind {
        "txt" => decoded(json).map(|dto::Text { msg }| Body::Text(Text { text: msg.into_owned() })),
        "img" => decoded(json).and_then(|dto| image(dto, strict)),
        "audio" => decoded(json).and_then(|dto| voice(dto, strict)),
        "video" => decoded(json).and_then(|dto| video(dto, strict)),
        "file" => decoded(json).and_then(|dto| file(dto, strict)),
        "loc" => decoded(json).map(location),
        "cmd" => decoded(json).and_then(|dto| command(dto, strict)),
        "custom" => decoded(json).and_then(custom),
        _ => Err(Refusal::invalid_request_body(format!("type must be one of {KINDS}"))),
    }
}

/// The values of `type`.
const KINDS: &str = "txt, img, audio, video, file, loc, cmd, custom";

fn media(dto: &mut dto::Media<'_>, strict: bool) -> Result<Media, Refusal> {
    let given = dto.url.take().filter(|url| !url.is_empty()).map(Cow::into_owned);
    let by_uuid = || match (&dto.uuid, &dto.secret) {
        (Some(uuid), Some(_)) if !strict => StoredFile::path_of(uuid),
        _ => None,
    };
    let Some(url) = given.or_else(by_uuid) else {
        return Err(lacks(if strict { "url" } else { "url, or uuid and secret of a file," }));
    };
    Ok(Media {
        url,
        name: dto.filename.take().map(Cow::into_owned),
        size: dto.file_length.map(|Integer(bytes)| bytes),
        secret: dto.secret.take().map(Cow::into_owned),
    })
}

fn pixels(size: Option<dto::Size>) -> (Option<f64>, Option<f64>) {
    size.map_or((None, None), |size| (size.width.map(|Number(n)| n), size.height.map(|Number(n)| n)))
}

fn image(mut dto: dto::Media<'_>, strict: bool) -> Result<Body, Refusal> {
    let media = media(&mut dto, strict)?;
    let (width, height) = pixels(dto.size);
    Ok(Body::Image(Image { media, width, height }))
}

fn voice(mut dto: dto::Media<'_>, strict: bool) -> Result<Body, Refusal> {
    let media = media(&mut dto, strict)?;
    Ok(Body::Voice(Voice { media, duration: dto.length.map(|Number(seconds)| seconds) }))
}

fn video(mut dto: dto::Media<'_>, strict: bool) -> Result<Body, Refusal> {
    let media = media(&mut dto, strict)?;
    let (width, height) = pixels(dto.size);
    let thumbnail = dto.thumb.or(dto.thumbnail).filter(|url| !url.is_empty()).map(|url| Media {
        url: url.into_owned(),
        secret: dto.thumb_secret.map(Cow::into_owned),
        ..Media::default()
    });
    Ok(Body::Video(Video { media, duration: dto.length.map(|Number(seconds)| seconds), width, height, thumbnail }))
}

/// A file referenced only by its uuid needs no name: we know it.
fn file(mut dto: dto::Media<'_>, strict: bool) -> Result<Body, Refusal> {
    let media = media(&mut dto, strict)?;
    if media.name.is_none() && !StoredFile::is_path(&media.url) {
        return Err(lacks("filename"));
    }
    Ok(Body::File(File { media }))
}

fn location(dto: dto::LocationIn) -> Body {
    Body::Location(Location { latitude: dto.lat.0, longitude: dto.lng.0, address: Some(dto.addr) })
}

fn command(dto: dto::Command<'_>, strict: bool) -> Result<Body, Refusal> {
    if strict && dto.action.is_none() {
        return Err(lacks("action"));
    }
    let action = dto.action.unwrap_or_default().into_owned();
    Ok(Body::Command(Command { action, param: dto.param.map(JsonText::from_raw) }))
}

fn custom(dto: dto::Custom<'_>) -> Result<Body, Refusal> {
    let exts = dto.exts.unwrap_or_default().0.into_owned();
    if exts.len() > MAX_CUSTOM_EXTS {
        return Err(Refusal::invalid_request_body(format!(
            "body: customExts must not have more than {MAX_CUSTOM_EXTS}"
        )));
    }
    if dto.event.as_deref().is_some_and(|event| !is_event(event)) {
        let rule = format!("must be 1 to {MAX_CUSTOM_EVENT} of a-z A-Z 0-9 - _ / .");
        return Err(Refusal::invalid_request_body(format!("body: customEvent {rule}")));
    }
    Ok(Body::Custom(Custom { event: dto.event.map(Cow::into_owned), exts }))
}

fn is_event(event: &str) -> bool {
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'/' | b'.');
    !event.is_empty() && event.len() <= MAX_CUSTOM_EVENT && event.bytes().all(legal)
}

/// Our own serialization of a body.
fn written(body: &Body) -> (&'static str, String) {
    match body {
        Body::Text(text) => ("txt", text_of(&dto::Text { msg: (&text.text).into() })),
        Body::Image(image) => {
            let size = size_of(image.width, image.height);
            ("img", text_of(&dto::Media { size, ..media_of(&image.media) }))
        }
        Body::Voice(voice) => {
            ("audio", text_of(&dto::Media { length: voice.duration.map(Number), ..media_of(&voice.media) }))
        }
        Body::Video(video) => ("video", text_of(&video_of(video))),
        Body::File(file) => ("file", text_of(&media_of(&file.media))),
        Body::Location(place) => {
            let Location { latitude, longitude, address } = place;
            ("loc", text_of(&dto::LocationOut { lat: latitude, lng: longitude, addr: address.as_deref() }))
        }
        Body::Command(command) => {
            let param = command.param.as_ref().map(raw);
            ("cmd", text_of(&dto::Command { action: Some((&command.action).into()), param }))
        }
        Body::Custom(custom) => ("custom", text_of(&custom_of(custom.event.as_deref(), &custom.exts))),
        Body::Forward(forward) => ("custom", text_of(&custom_of(Some(dto::FORWARD), &forward_exts(forward)))),
    }
}

fn media_of(media: &Media) -> dto::Media<'_> {
    dto::Media {
        filename: media.name.as_deref().map(Cow::from),
        file_length: media.size.map(Integer),
        secret: media.secret.as_deref().map(Cow::from),
        url: Some(Cow::from(&media.url)),
        ..dto::Media::default()
    }
}

fn video_of(video: &Video) -> dto::Media<'_> {
    let thumbnail = video.thumbnail.as_ref();
    dto::Media {
        thumb: thumbnail.map(|thumb| Cow::from(&thumb.url)),
        thumb_secret: thumbnail.and_then(|thumb| thumb.secret.as_deref()).map(Cow::from),
        length: video.duration.map(Number),
        size: size_of(video.width, video.height),
        ..media_of(&video.media)
    }
}

fn size_of(width: Option<f64>, height: Option<f64>) -> Option<dto::Size> {
    (width.is_some() || height.is_some()).then(|| dto::Size { width: width.map(Number), height: height.map(Number) })
}

fn custom_of<'a>(event: Option<&'a str>, exts: &'a [(String, String)]) -> dto::Custom<'a> {
    let exts = (!exts.is_empty()).then_some(TextMap(Cow::Borrowed(exts)));
    dto::Custom { event: event.map(Cow::from), exts }
}

pub(super) fn forward_exts(forward: &Forward) -> Vec<(String, String)> {
    let mut exts = vec![(dto::FORWARD_TEXT.to_owned(), forward.text.clone())];
    if let Some(attachment) = &forward.attachment {
        exts.push((dto::FORWARD_ATTACHMENT.to_owned(), attachment.clone()));
    }
    exts
}
