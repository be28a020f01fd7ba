//! How content is stored in a row: JSON text, so that U+0000 and every digit survive on both engines (decision 11).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_domain::{
    Body, Command, Content, Custom, Dialect, Error, Ext, File, Forward, Image, JsonText, Location, Media, StoredFile,
    Text, Verbatim, Video, Voice, decoded_len, uuids_in,
};

use crate::row_options::Flags;

/// The columns of one message's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContent {
    pub body: String,
    pub ext: Option<String>,
    pub config: Option<String>,
    pub verbatim: Option<String>,
}

impl StoredContent {
    /// For a row.
    pub fn write(content: &Content) -> Result<Self, Error> {
        let ext = content.ext.as_ref().map(|ext| match ext {
            Ext::Object(json) => Ok(json.as_str().to_owned()),
            Ext::Text(text) => json(text),
        });
        let verbatim = content.verbatim.as_ref().map(|verbatim| match verbatim.dialect {
            Dialect::Agora => format!("{{\"agora\":{}}}", verbatim.json),
            Dialect::Lanying => format!("{{\"lanying\":{}}}", verbatim.json),
        });
        Ok(Self {
            body: json(&StoredBody::from(&content.body))?,
            ext: ext.transpose()?,
            config: content.config.as_ref().map(json).transpose()?,
            verbatim,
        })
    }

    /// The uuids of files that it may reference, anywhere in it.
    pub fn files(&self) -> BTreeSet<String> {
        let beside = [&self.ext, &self.config, &self.verbatim];
        let texts = beside.into_iter().flatten().chain([&self.body]);
        texts.flat_map(|text| uuids_in(text)).collect()
    }

    /// The uuids of our files in it: its attachment, and the cover that is shown before a video plays.
    pub fn attachments(&self) -> Result<Vec<String>, Error> {
        if !StoredFile::may_be_in(&self.body) {
            return Ok(Vec::new());
        }
        let body = parse::<StoredBody>(&self.body)?.into_body()?;
        let brought = [body.media(), body.thumbnail()].into_iter().flatten();
        Ok(brought.filter_map(|media| StoredFile::uuid_in(&media.url)).map(str::to_owned).collect())
    }

    /// The same with escapes decoded, which is what limits count (decision 40).
    pub fn decoded_size(&self) -> usize {
        let beside = [&self.ext, &self.config, &self.verbatim];
        decoded_len(&self.body) + beside.into_iter().flatten().map(|text| decoded_len(text)).sum::<usize>()
    }

    /// Bytes of all columns.
    pub fn size(&self) -> usize {
        let beside = [&self.ext, &self.config, &self.verbatim];
        self.body.len() + beside.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// As one JSON object with the columns' names, for an event. Of the flags it contains whether it is a system
    /// notification, and whether the app itself made the call.
    pub fn to_json(&self, flags: Flags) -> String {
        let by_app = if flags.by_app { ",\"by_app\":true" } else { "" };
        let mut json = format!("{{\"system\":{}{by_app},\"body\":{}", flags.system, self.body);
        for (name, column) in [("ext", &self.ext), ("config", &self.config), ("verbatim", &self.verbatim)] {
            if let Some(column) = column {
                // Every column is JSON itself.
                json.extend([",\"", name, "\":", column]);
            }
        }
        json.push('}');
        json
    }

    /// The same of a message that has no row, with what its row would have of its receivers (`row_options`).
    pub fn to_json_with(&self, flags: Flags, delivery: Option<&str>) -> String {
        let mut json = self.to_json(flags);
        if let Some(delivery) = delivery {
            json.pop();
            json.extend([",\"delivery\":", delivery, "}"]);
        }
        json
    }

    /// Those options.
    pub fn delivery_in(json: &str) -> Result<Option<String>, Error> {
        let columns: Columns<'_> = parse(json)?;
        Ok(columns.delivery.map(|raw| raw.get().to_owned()))
    }

    /// The inverse of [`Self::to_json`].
    pub fn of_json(json: &str) -> Result<(Self, Flags), Error> {
        let columns: Columns<'_> = parse(json)?;
        let owned = |column: Option<&RawValue>| column.map(|raw| raw.get().to_owned());
        let Columns { system, by_app, body, ext, config, verbatim, .. } = columns;
        let content =
            Self { body: body.get().to_owned(), ext: owned(ext), config: owned(config), verbatim: owned(verbatim) };
        Ok((content, Flags { system, by_app, ..Flags::default() }))
    }

    /// From a row.
    pub fn read(self) -> Result<Content, Error> {
        let ext = self.ext.map(|text| {
            if text.starts_with('{') { json_text(&text).map(Ext::Object) } else { parse(&text).map(Ext::Text) }
        });
        let verbatim = self.verbatim.map(|text| {
            Ok::<_, Error>(match parse::<StoredVerbatim>(&text)? {
                StoredVerbatim::Agora(raw) => Verbatim { dialect: Dialect::Agora, json: JsonText::from_raw(&raw) },
                StoredVerbatim::Lanying(raw) => Verbatim { dialect: Dialect::Lanying, json: JsonText::from_raw(&raw) },
            })
        });
        Ok(Content {
            body: parse::<StoredBody>(&self.body)?.into_body()?,
            ext: ext.transpose()?,
            config: self.config.map(|text| parse(&text)).transpose()?,
            verbatim: verbatim.transpose()?,
        })
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::internal)
}

fn json_text(text: &str) -> Result<JsonText, Error> {
    JsonText::parse(text).map_err(Error::internal)
}

#[derive(Deserialize)]
struct Columns<'a> {
    system: bool,
    /// Absent if it was written before callers were recorded.
    #[serde(default)]
    by_app: bool,
    #[serde(borrow)]
    body: &'a RawValue,
    #[serde(borrow)]
    ext: Option<&'a RawValue>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    #[serde(borrow)]
    verbatim: Option<&'a RawValue>,
    #[serde(borrow)]
    delivery: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredVerbatim {
    Agora(Box<RawValue>),
    Lanying(Box<RawValue>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredBody {
    Text(String),
    Image {
        #[serde(flatten)]
        media: StoredMedia,
        #[serde(skip_serializing_if = "Option::is_none")]
        width: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        height: Option<f64>,
    },
    Voice {
        #[serde(flatten)]
        media: StoredMedia,
        #[serde(skip_serializing_if = "Option::is_none")]
        duration: Option<f64>,
    },
    Video {
        #[serde(flatten)]
        media: StoredMedia,
        #[serde(skip_serializing_if = "Option::is_none")]
        duration: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        width: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        height: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thumbnail: Option<StoredMedia>,
    },
    File(StoredMedia),
    Location {
        latitude: String,
        longitude: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    Command {
        action: String,
        /// JSON as a string, so that its digits are not parsed.
        #[serde(skip_serializing_if = "Option::is_none")]
        param: Option<String>,
    },
    Custom {
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<String>,
        exts: Vec<(String, String)>,
    },
    Forward {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        attachment: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredMedia {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<&Media> for StoredMedia {
    fn from(media: &Media) -> Self {
        Self { url: media.url.clone(), name: media.name.clone(), size: media.size, secret: media.secret.clone() }
    }
}

impl From<StoredMedia> for Media {
    fn from(media: StoredMedia) -> Self {
        Self { url: media.url, name: media.name, size: media.size, secret: media.secret }
    }
}

impl From<&Body> for StoredBody {
    fn from(body: &Body) -> Self {
        match body {
            Body::Text(text) => Self::Text(text.text.clone()),
            Body::Image(image) => {
                Self::Image { media: (&image.media).into(), width: image.width, height: image.height }
            }
            Body::Voice(voice) => Self::Voice { media: (&voice.media).into(), duration: voice.duration },
            Body::Video(video) => Self::Video {
                media: (&video.media).into(),
                duration: video.duration,
                width: video.width,
                height: video.height,
                thumbnail: video.thumbnail.as_ref().map(Into::into),
            },
            Body::File(file) => Self::File((&file.media).into()),
            Body::Location(place) => Self::Location {
                latitude: place.latitude.clone(),
                longitude: place.longitude.clone(),
                address: place.address.clone(),
            },
            Body::Command(command) => Self::Command {
                action: command.action.clone(),
                param: command.param.as_ref().map(|json| json.as_str().to_owned()),
            },
            Body::Custom(custom) => Self::Custom { event: custom.event.clone(), exts: custom.exts.clone() },
            Body::Forward(forward) => {
                Self::Forward { text: forward.text.clone(), attachment: forward.attachment.clone() }
            }
        }
    }
}

impl StoredBody {
    fn into_body(self) -> Result<Body, Error> {
        Ok(match self {
            Self::Text(text) => Body::Text(Text { text }),
            Self::Image { media, width, height } => Body::Image(Image { media: media.into(), width, height }),
            Self::Voice { media, duration } => Body::Voice(Voice { media: media.into(), duration }),
            Self::Video { media, duration, width, height, thumbnail } => {
                let thumbnail = thumbnail.map(Into::into);
                Body::Video(Video { media: media.into(), duration, width, height, thumbnail })
            }
            Self::File(media) => Body::File(File { media: media.into() }),
            Self::Location { latitude, longitude, address } => {
                Body::Location(Location { latitude, longitude, address })
            }
            Self::Command { action, param } => {
                Body::Command(Command { action, param: param.map(|text| json_text(&text)).transpose()? })
            }
            Self::Custom { event, exts } => Body::Custom(Custom { event, exts }),
            Self::Forward { text, attachment } => Body::Forward(Forward { text, attachment }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media() -> Media {
        Media { url: "u".into(), name: Some("\0n".into()), size: Some(1 << 60), secret: Some("s".into()) }
    }

    #[test]
    fn every_body_comes_back_as_it_went_in() {
        let bodies = [
            Body::Text(Text { text: "a\0\u{1F600}".into() }),
            Body::Image(Image { media: media(), width: Some(828.0), height: None }),
            Body::Voice(Voice { media: media(), duration: Some(1.5) }),
            Body::Video(Video { media: media(), thumbnail: Some(media()), ..Video::default() }),
            Body::File(File { media: media() }),
            Body::Location(Location { latitude: "52.50".into(), longitude: "1".into(), address: None }),
            Body::Command(Command {
                action: "a".into(),
                param: Some(JsonText::parse("12345678901234567890123").unwrap()),
            }),
            Body::Custom(Custom { event: None, exts: vec![("b".into(), "1".into()), ("a".into(), "2".into())] }),
            Body::Forward(Forward { text: "f".into(), attachment: Some("{ }".into()) }),
        ];
        for body in bodies {
            let content = Content {
                body,
                ext: Some(Ext::Text("{ \"not\" : \"an object to us\" }".into())),
                config: Some("c\0".into()),
                verbatim: Some(Verbatim {
                    dialect: Dialect::Agora,
                    json: JsonText::parse("{\"n\":900719925474099312345}").unwrap(),
                }),
            };
            let stored = StoredContent::write(&content).unwrap();
            for (system, by_app) in [(true, false), (false, true), (true, true)] {
                let flags = Flags { system, by_app, ..Flags::default() };
                assert_eq!(StoredContent::of_json(&stored.to_json(flags)).unwrap(), (stored.clone(), flags));
                for delivery in [None, Some("{\"audience\":[16]}")] {
                    let json = stored.to_json_with(flags, delivery);
                    assert_eq!(StoredContent::of_json(&json).unwrap(), (stored.clone(), flags));
                    assert_eq!(StoredContent::delivery_in(&json).unwrap().as_deref(), delivery);
                }
            }
            assert_eq!(stored.read().unwrap(), content);
        }
    }

    #[test]
    fn an_ext_object_keeps_its_digits_decision_11() {
        let ext = JsonText::parse("{\"n\":1.10e400,\"u\":\"\\u0000\"}").unwrap();
        let content = Content { ext: Some(Ext::Object(ext)), ..Content::text("x") };
        assert_eq!(StoredContent::write(&content).unwrap().read().unwrap(), content);
    }
}
