//! The content of a message, independent of vendors.
//!
//! Neutral fields hold what every dialect can show. Where they cannot reproduce a dialect's own text verbatim
//! (odd escapes, unknown keys, key order), [`Verbatim`] keeps that text too (decision 11).

use crate::JsonText;

/// The content of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The kind and its fields.
    pub body: Body,
    /// The app's own data.
    pub ext: Option<Ext>,
    /// Text that client SDKs store with a message (lanying.md 4).
    pub config: Option<String>,
    /// What the writing dialect must get back verbatim.
    pub verbatim: Option<Verbatim>,
}

impl Content {
    /// A plain text without anything else.
    pub fn text(text: impl Into<String>) -> Self {
        Self { body: Body::Text(Text { text: text.into() }), ext: None, config: None, verbatim: None }
    }

    /// Whether it counts as unread: commands do not (decision 5).
    pub const fn countable(&self) -> bool {
        !matches!(self.body, Body::Command(_))
    }
}

/// The app's own data attached to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ext {
    /// A JSON object.
    Object(JsonText),
    /// Any text, kept verbatim, even if it happens to be JSON.
    Text(String),
}

/// The dialect that wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Agora Chat and Easemob.
    Agora,
    /// Lanying IM.
    Lanying,
}

/// A body in the format of the dialect that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbatim {
    /// Which dialect wrote it.
    pub dialect: Dialect,
    /// Its JSON.
    pub json: JsonText,
}

/// The kinds of message.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Plain text.
    Text(Text),
    /// An image.
    Image(Image),
    /// A voice recording.
    Voice(Voice),
    /// A video.
    Video(Video),
    /// Any other file.
    File(File),
    /// A location.
    Location(Location),
    /// A signal between the app's own clients.
    Command(Command),
    /// A kind that the app defines.
    Custom(Custom),
    /// Messages forwarded as one.
    Forward(Forward),
}

/// The names of the kinds, as of [`Body::name`].
pub const BODY_NAMES: [&str; 9] =
    ["text", "image", "voice", "video", "file", "location", "command", "custom", "forward"];

impl Body {
    /// The name of its kind, one of [`BODY_NAMES`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Voice(_) => "voice",
            Self::Video(_) => "video",
            Self::File(_) => "file",
            Self::Location(_) => "location",
            Self::Command(_) => "command",
            Self::Custom(_) => "custom",
            Self::Forward(_) => "forward",
        }
    }

    /// The file that it references, without thumbnails.
    pub const fn media(&self) -> Option<&Media> {
        match self {
            Self::Image(image) => Some(&image.media),
            Self::Voice(voice) => Some(&voice.media),
            Self::Video(video) => Some(&video.media),
            Self::File(file) => Some(&file.media),
            Self::Text(_) | Self::Location(_) | Self::Command(_) | Self::Custom(_) | Self::Forward(_) => None,
        }
    }

    /// The cover that is shown before a video plays.
    pub const fn thumbnail(&self) -> Option<&Media> {
        match self {
            Self::Video(video) => video.thumbnail.as_ref(),
            _ => None,
        }
    }

    /// A mutable reference to [`Self::media`].
    pub const fn media_mut(&mut self) -> Option<&mut Media> {
        match self {
            Self::Image(image) => Some(&mut image.media),
            Self::Voice(voice) => Some(&mut voice.media),
            Self::Video(video) => Some(&mut video.media),
            Self::File(file) => Some(&mut file.media),
            Self::Text(_) | Self::Location(_) | Self::Command(_) | Self::Custom(_) | Self::Forward(_) => None,
        }
    }
}

/// Plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
}

/// A file stored elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media {
    /// The URL to fetch it from.
    pub url: String,
    /// The display name.
    pub name: Option<String>,
    /// Bytes.
    pub size: Option<i64>,
    /// The share secret of a restricted file.
    pub secret: Option<String>,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Image {
    /// The file.
    pub media: Media,
    /// Pixels; some clients write fractions.
    pub width: Option<f64>,
    /// Pixels.
    pub height: Option<f64>,
}

/// A voice recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Voice {
    /// The file.
    pub media: Media,
    /// Seconds.
    pub duration: Option<f64>,
}

/// A video.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Video {
    /// The file.
    pub media: Media,
    /// Seconds.
    pub duration: Option<f64>,
    /// Pixels.
    pub width: Option<f64>,
    /// Pixels.
    pub height: Option<f64>,
    /// The picture to show before playback.
    pub thumbnail: Option<Media>,
}

/// Any other file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// The file.
    pub media: Media,
}

/// A location. Degrees are decimal text, so that no digit is lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// Degrees.
    pub latitude: String,
    /// Degrees.
    pub longitude: String,
    /// The address as text.
    pub address: Option<String>,
}

/// A signal between the app's own clients.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The action to perform.
    pub action: String,
    /// Any JSON value.
    pub param: Option<JsonText>,
}

/// A kind that the app defines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Custom {
    /// Its name.
    pub event: Option<String>,
    /// Its values, in the order given.
    pub exts: Vec<(String, String)>,
}

/// Messages forwarded as one; both texts are the sending client's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forward {
    /// What to show.
    pub text: String,
    /// What is forwarded.
    pub attachment: Option<String>,
}
