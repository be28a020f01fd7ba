//! A message's content on the wire. Files are URLs in both forms.

use tidings_domain::{Body, Content, JsonText, Location, Media, Video};

use super::{
    ext::{ext_object, key_values, text_entry},
    pb::message_body::{
        self as wire,
        content::{Size, SubType, Type},
    },
};
use crate::{
    agora::{
        Refusal,
        body::{self, body_from, forward_exts},
        dto,
    },
    json::{entries, text_of},
    pairs::JsonPairs,
};

/// The content as the vendor's clients read it.
pub fn wire_content(content: &Content) -> wire::Content {
    let mut out = neutral(&content.body);
    add_extras(&mut out, &body_from(content).1);
    out
}

fn of_kind(kind: Type) -> wire::Content {
    wire::Content { kind: Some(kind.into()), ..wire::Content::default() }
}

fn neutral(body: &Body) -> wire::Content {
    match body {
        Body::Text(text) => wire::Content { text: Some(text.text.clone()), ..of_kind(Type::Text) },
        Body::Image(image) => {
            // Our own files have their thumbnail under the same URL.
            let (thumbnail_remote_path, thumbnail_secret_key) =
                (Some(image.media.url.clone()), image.media.secret.clone());
            let (size, file) = (size(image.width, image.height), with_file(Type::Image, &image.media));
            wire::Content { size, thumbnail_remote_path, thumbnail_secret_key, ..file }
        }
        Body::Voice(voice) => {
            wire::Content { duration: voice.duration.map(seconds), ..with_file(Type::Voice, &voice.media) }
        }
        Body::Video(video) => of_video(video),
        Body::File(file) => with_file(Type::File, &file.media),
        Body::Location(place) => of_place(place),
        Body::Command(command) => {
            let params = command.param.as_ref().map_or_else(Vec::new, |param| key_values(param.as_str()));
            wire::Content { action: Some(command.action.clone()), params, ..of_kind(Type::Command) }
        }
        Body::Custom(custom) => of_custom(custom.event.clone(), &custom.exts),
        Body::Forward(forward) => of_custom(Some(dto::FORWARD.to_owned()), &forward_exts(forward)),
    }
}

fn with_file(kind: Type, media: &Media) -> wire::Content {
    wire::Content {
        display_name: media.name.clone(),
        thumbnail_display_name: media.name.clone(),
        remote_path: Some(media.url.clone()),
        secret_key: media.secret.clone(),
        file_length: media.size.map(|bytes| i32::try_from(bytes).unwrap_or(i32::MAX)),
        ..of_kind(kind)
    }
}

fn of_video(video: &Video) -> wire::Content {
    let thumbnail = video.thumbnail.as_ref();
    wire::Content {
        duration: video.duration.map(seconds),
        size: size(video.width, video.height),
        thumbnail_remote_path: thumbnail.map(|file| file.url.clone()),
        thumbnail_secret_key: thumbnail.and_then(|file| file.secret.clone()),
        thumbnail_size: size(video.width, video.height),
        ..with_file(Type::Video, &video.media)
    }
}

fn of_place(place: &Location) -> wire::Content {
    wire::Content {
        latitude: place.latitude.parse().ok(),
        longitude: place.longitude.parse().ok(),
        address: place.address.clone(),
        ..of_kind(Type::Location)
    }
}

fn of_custom(event: Option<String>, exts: &[(String, String)]) -> wire::Content {
    let custom_exts = exts.iter().map(|(key, value)| text_entry(key.clone(), value.clone())).collect();
    wire::Content { custom_event: event, custom_exts, ..of_kind(Type::Custom) }
}

fn size(width: Option<f64>, height: Option<f64>) -> Option<Size> {
    (width.is_some() || height.is_some()).then_some(Size { width, height })
}

/// Whole seconds, as the wire has them: none is cut off.
fn seconds(duration: f64) -> i32 {
    duration.ceil() as i32
}

/// What only the body as it was sent says: combined messages, animated pictures and names of buildings.
fn add_extras(out: &mut wire::Content, sent: &str) {
    let all = entries(sent).unwrap_or_default();
    let value = |name: &str| all.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.get());
    let text = |name: &str| value(name).and_then(|json| serde_json::from_str::<String>(json).ok());
    let number = |name: &str| value(name).and_then(|json| json.parse().ok());
    match (out.kind(), text(dto::SUB_TYPE).as_deref()) {
        (Type::Text, Some(dto::SUB_COMBINE)) => {
            out.sub_type = Some(SubType::Combine.into());
            (out.title, out.summary) = (text(dto::TITLE), text(dto::SUMMARY));
            (out.remote_path, out.secret_key) = (text(dto::URL), text(dto::SECRET));
            (out.display_name, out.file_length) = (text(dto::FILENAME), number(dto::FILE_LENGTH));
            out.combine_level = number(dto::COMBINE_LEVEL);
        }
        (Type::Image, Some(dto::SUB_GIF)) => out.sub_type = Some(SubType::Gif.into()),
        (Type::Location, _) => out.building_name = text(dto::BUILDING_NAME),
        _ => {}
    }
}

/// The content of a message that a client sent; `ext` is its list of entries as a JSON object, if it has any.
pub fn content_from(wire: &wire::Content, ext: Option<JsonText>) -> Result<Content, Refusal> {
    let (kind, json) = sent_body(wire);
    let json = JsonText::parse(&json).map_err(|_| Refusal::invalid_request_body("the content is not valid"))?;
    body::content(kind, json, ext, false)
}

/// `type` and `body` as a server would send them.
fn sent_body(wire: &wire::Content) -> (&'static str, String) {
    let is_combined = wire.sub_type.is_some() && wire.sub_type() == SubType::Combine;
    let mut out = JsonPairs::default();
    match wire.kind() {
        Type::Text | Type::Combine if is_combined || wire.kind() == Type::Combine => {
            out.text(dto::MSG, wire.text.as_deref().or(Some("")));
            out.text(dto::SUB_TYPE, Some(dto::SUB_COMBINE));
            out.text(dto::TITLE, wire.title.as_deref());
            out.text(dto::SUMMARY, wire.summary.as_deref());
            out.number(dto::COMBINE_LEVEL, wire.combine_level);
            add_file(&mut out, wire);
            return ("txt", out.object());
        }
        Type::Text | Type::Combine => out.text(dto::MSG, wire.text.as_deref().or(Some(""))),
        Type::Location => {
            out.number(dto::LAT, wire.latitude.or(Some(0.0)));
            out.number(dto::LNG, wire.longitude.or(Some(0.0)));
            out.text(dto::ADDR, wire.address.as_deref().or(Some("")));
            out.text(dto::BUILDING_NAME, wire.building_name.as_deref());
        }
        Type::Command => {
            out.text(dto::ACTION, wire.action.as_deref().or(Some("")));
            if !wire.params.is_empty() {
                out.raw(dto::PARAM, &ext_object(&wire.params));
            }
        }
        Type::Custom => {
            out.text(dto::CUSTOM_EVENT, wire.custom_event.as_deref());
            out.raw(dto::CUSTOM_EXTS, &texts_of(&wire.custom_exts));
        }
        Type::Image | Type::Video | Type::Voice | Type::File => {
            add_file(&mut out, wire);
            out.number(dto::LENGTH, wire.duration.filter(|_| wire.kind() != Type::File));
            if let Some(Size { width, height }) = &wire.size {
                let mut size = JsonPairs::default();
                size.number(dto::WIDTH, *width);
                size.number(dto::HEIGHT, *height);
                out.raw(dto::SIZE, &size.object());
            }
            if wire.kind() == Type::Video {
                out.text(dto::THUMB, wire.thumbnail_remote_path.as_deref());
                out.text(dto::THUMB_SECRET, wire.thumbnail_secret_key.as_deref());
            }
            if wire.kind() == Type::Image && wire.sub_type() == SubType::Gif {
                out.text(dto::SUB_TYPE, Some(dto::SUB_GIF));
            }
        }
    }
    let kind = match wire.kind() {
        Type::Text | Type::Combine => "txt",
        Type::Image => "img",
        Type::Video => "video",
        Type::Location => "loc",
        Type::Voice => "audio",
        Type::File => "file",
        Type::Command => "cmd",
        Type::Custom => "custom",
    };
    (kind, out.object())
}

fn add_file(out: &mut JsonPairs, wire: &wire::Content) {
    out.text(dto::FILENAME, wire.display_name.as_deref());
    out.text(dto::URL, wire.remote_path.as_deref());
    out.text(dto::SECRET, wire.secret_key.as_deref().filter(|secret| !secret.is_empty()));
    out.number(dto::FILE_LENGTH, wire.file_length);
}

/// A custom message's values are texts: anything else becomes its JSON text.
fn texts_of(exts: &[super::pb::KeyValue]) -> String {
    let object = ext_object(exts);
    let mut out = JsonPairs::default();
    for (key, value) in entries(&object).unwrap_or_default() {
        let is_text = value.get().starts_with('"');
        out.raw(&key, &if is_text { value.get().to_owned() } else { text_of(value.get()) });
    }
    out.object()
}
