//! Message content.

use tidings_domain::{
    Body, Command, Content, Custom, Dialect, Error, Ext, File, Forward, Image, JsonText, Location, Media, Text,
    Verbatim, Video, Voice,
};

use super::required;
use crate::pb::{self, content::Body as WireBody};

impl From<Content> for pb::Content {
    fn from(content: Content) -> Self {
        Self {
            ext: content.ext.map(Into::into),
            config: content.config,
            verbatim: content.verbatim.map(Into::into),
            body: Some(content.body.into()),
        }
    }
}

impl TryFrom<pb::Content> for Content {
    type Error = Error;

    fn try_from(wire: pb::Content) -> Result<Self, Error> {
        Ok(Self {
            body: required("content.body", wire.body)?.try_into()?,
            ext: wire.ext.map(TryInto::try_into).transpose()?,
            config: wire.config,
            verbatim: wire.verbatim.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<Ext> for pb::Ext {
    fn from(ext: Ext) -> Self {
        let ext = match ext {
            Ext::Object(json) => pb::ext::Ext::JsonObject(json.as_str().to_owned()),
            Ext::Text(text) => pb::ext::Ext::Text(text),
        };
        Self { ext: Some(ext) }
    }
}

impl TryFrom<pb::Ext> for Ext {
    type Error = Error;

    fn try_from(wire: pb::Ext) -> Result<Self, Error> {
        match required("content.ext", wire.ext)? {
            pb::ext::Ext::Text(text) => Ok(Self::Text(text)),
            pb::ext::Ext::JsonObject(text) => {
                let json = json("content.ext.json_object", &text)?;
                if json.is_object() {
                    return Ok(Self::Object(json));
                }
                Err(Error::invalid("content.ext.json_object", "must be a JSON object"))
            }
        }
    }
}

impl From<Verbatim> for pb::Verbatim {
    fn from(verbatim: Verbatim) -> Self {
        let dialect = match verbatim.dialect {
            Dialect::Agora => "agora",
            Dialect::Lanying => "lanying",
        };
        Self { dialect: dialect.to_owned(), json: verbatim.json.as_str().to_owned() }
    }
}

impl TryFrom<pb::Verbatim> for Verbatim {
    type Error = Error;

    fn try_from(wire: pb::Verbatim) -> Result<Self, Error> {
        let dialect = match wire.dialect.as_str() {
            "agora" => Dialect::Agora,
            "lanying" => Dialect::Lanying,
            _ => return Err(Error::invalid("content.verbatim.dialect", "must be agora or lanying")),
        };
        Ok(Self { dialect, json: json("content.verbatim.json", &wire.json)? })
    }
}

fn json(field: &str, text: &str) -> Result<JsonText, Error> {
    JsonText::parse(text).map_err(|error| Error::invalid(field, "is not JSON").because(error))
}

impl From<Body> for WireBody {
    fn from(body: Body) -> Self {
        match body {
            Body::Text(text) => Self::Text(pb::Text { text: text.text }),
            Body::Image(image) => {
                Self::Image(pb::Image { media: Some(image.media.into()), width: image.width, height: image.height })
            }
            Body::Voice(voice) => Self::Voice(pb::Voice { media: Some(voice.media.into()), duration: voice.duration }),
            Body::Video(video) => Self::Video(pb::Video {
                media: Some(video.media.into()),
                duration: video.duration,
                width: video.width,
                height: video.height,
                thumbnail: video.thumbnail.map(Into::into),
            }),
            Body::File(file) => Self::File(pb::File { media: Some(file.media.into()) }),
            Body::Location(place) => Self::Location(pb::Location {
                latitude: place.latitude,
                longitude: place.longitude,
                address: place.address,
            }),
            Body::Command(command) => Self::Command(pb::Command {
                action: command.action,
                param_json: command.param.map(|json| json.as_str().to_owned()),
            }),
            Body::Custom(custom) => Self::Custom(pb::Custom {
                event: custom.event,
                exts: custom.exts.into_iter().map(|(key, value)| pb::CustomExt { key, value }).collect(),
            }),
            Body::Forward(forward) => Self::Forward(pb::Forward { text: forward.text, attachment: forward.attachment }),
        }
    }
}

impl TryFrom<WireBody> for Body {
    type Error = Error;

    fn try_from(wire: WireBody) -> Result<Self, Error> {
        Ok(match wire {
            WireBody::Text(text) => Self::Text(Text { text: text.text }),
            WireBody::Image(image) => Self::Image(Image {
                media: required("content.image.media", image.media)?.into(),
                width: image.width,
                height: image.height,
            }),
            WireBody::Voice(voice) => Self::Voice(Voice {
                media: required("content.voice.media", voice.media)?.into(),
                duration: voice.duration,
            }),
            WireBody::Video(video) => Self::Video(Video {
                media: required("content.video.media", video.media)?.into(),
                duration: video.duration,
                width: video.width,
                height: video.height,
                thumbnail: video.thumbnail.map(Into::into),
            }),
            WireBody::File(file) => Self::File(File { media: required("content.file.media", file.media)?.into() }),
            WireBody::Location(place) => Self::Location(Location {
                latitude: place.latitude,
                longitude: place.longitude,
                address: place.address,
            }),
            WireBody::Command(command) => Self::Command(Command {
                action: command.action,
                param: command.param_json.map(|text| json("content.command.param_json", &text)).transpose()?,
            }),
            WireBody::Custom(custom) => Self::Custom(Custom {
                event: custom.event,
                exts: custom.exts.into_iter().map(|ext| (ext.key, ext.value)).collect(),
            }),
            WireBody::Forward(forward) => Self::Forward(Forward { text: forward.text, attachment: forward.attachment }),
        })
    }
}

impl From<Media> for pb::Media {
    fn from(media: Media) -> Self {
        Self { url: media.url, name: media.name, size: media.size, secret: media.secret }
    }
}

impl From<pb::Media> for Media {
    fn from(wire: pb::Media) -> Self {
        Self { url: wire.url, name: wire.name, size: wire.size, secret: wire.secret }
    }
}
