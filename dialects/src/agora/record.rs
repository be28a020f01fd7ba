//! A message in exports and histories (agora.md 4).

use std::collections::HashMap;

use serde_json::value::RawValue;
use tidings_domain::{Body, Content, ConversationId, Message, StoredFile, UserId};

use super::{
    body::{body_from, forward_exts},
    dto, ext_from,
    recall::chat_type,
};
use crate::json::{entries, text_of};

/// Usernames by id. Users without one are shown by id.
#[derive(Debug, Default)]
pub struct Names(HashMap<UserId, String>);

impl Names {
    /// From users and their names; an empty name means none.
    pub fn new(names: impl IntoIterator<Item = (UserId, String)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Adds users with their names.
    pub fn extend(&mut self, names: impl IntoIterator<Item = (UserId, String)>) {
        self.0.extend(names);
    }

    /// Whether a user was added, with a name or without.
    pub fn knows(&self, user: UserId) -> bool {
        self.0.contains_key(&user)
    }

    /// How many users were added.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The user as shown in answers: the folded name (agora.md 1.2).
    pub fn of(&self, user: UserId) -> String {
        match self.0.get(&user) {
            Some(name) if !name.is_empty() => name.to_ascii_lowercase(),
            _ if user == UserId::ADMIN => "admin".to_owned(),
            _ => user.to_string(),
        }
    }
}

/// The fields that only histories have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RecordExtras<'a> {
    /// The viewer; `None` is the export.
    pub reader: Option<UserId>,
    /// The delivery status.
    pub status: Option<&'a str>,
    /// When it was edited.
    pub edited: Option<i64>,
}

/// The descriptions of a message's files, if they are ours.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageFiles<'a> {
    /// The file itself.
    pub file: Option<&'a StoredFile>,
    /// The cover that is shown before a video plays.
    pub thumbnail: Option<&'a StoredFile>,
}

/// One line of an export. `exts_array` is the format of `customExts` (agora.md 14). The descriptions of its files
/// supply fields that the body lacks (decision 21).
pub fn record(message: &Message, names: &Names, exts_array: bool, files: MessageFiles<'_>) -> String {
    record_of(message, names, body_and_ext(&message.content, exts_array, files), RecordExtras::default())
}

/// The same with the additional fields of histories.
pub(super) fn record_with(message: &Message, names: &Names, exts_array: bool, extras: RecordExtras<'_>) -> String {
    record_of(message, names, body_and_ext(&message.content, exts_array, MessageFiles::default()), extras)
}

fn record_of(
    message: &Message,
    names: &Names,
    (body, ext): (Box<RawValue>, Box<RawValue>),
    extras: RecordExtras<'_>,
) -> String {
    let (from, to) = (names.of(message.sender), receiver(message, names));
    let direction = match extras.reader {
        Some(reader) if reader != message.sender => "incoming",
        _ => "outgoing",
    };
    text_of(&dto::Record {
        msg_id: message.msg_id.to_string(),
        timestamp: message.sent_at.0,
        direction,
        from: &from,
        to: &to,
        chat_type: chat_type(message.conversation.kind()),
        payload: dto::Payload { bodies: [&body], ext: &ext, from: &from, to: &to },
        status: extras.status,
        edited: extras.edited,
    })
}

/// The parts of a payload: the body with its `type`, and `ext`, which is empty rather than absent.
pub(super) fn body_and_ext(
    content: &Content,
    exts_array: bool,
    files: MessageFiles<'_>,
) -> (Box<RawValue>, Box<RawValue>) {
    let ext = ext_from(content).unwrap_or_else(|| "{}".to_owned());
    (raw(exported_body(content, exts_array, files)), raw(ext))
}

fn receiver(message: &Message, names: &Names) -> String {
    match message.conversation {
        ConversationId::Direct(low, _) => names.of(message.conversation.peer_of(message.sender).unwrap_or(low)),
        ConversationId::Group(group) => group.to_string(),
        ConversationId::Room(room) => room.to_string(),
    }
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("bodies and exts are kept as valid JSON")
}

/// The body as it was sent, with `type`, and with the keys that exports write differently: numbers for degrees,
/// `thumb`, and both forms of a custom message's values.
fn exported_body(content: &Content, exts_array: bool, files: MessageFiles<'_>) -> String {
    let (kind, json) = body_from(content);
    let mut out = String::with_capacity(json.len() + 32);
    out.push('{');
    let mut fields = BodyFileFields::default();
    for (key, value) in entries(&json).unwrap_or_default() {
        fields.note(&key);
        match key.as_str() {
            dto::KIND | dto::CUSTOM_EXTS_V2 => {}
            dto::CUSTOM_EXTS if kind == "custom" => {}
            dto::LAT | dto::LNG if kind == "loc" => push(&mut out, &key, &degrees(value)),
            dto::THUMBNAIL if kind == "video" => push(&mut out, dto::THUMB, value.get()),
            _ => push(&mut out, &key, value.get()),
        }
    }
    match &content.body {
        Body::Custom(custom) => push_exts(&mut out, &custom.exts, exts_array),
        Body::Forward(forward) => push_exts(&mut out, &forward_exts(forward), exts_array),
        _ => {}
    }
    // A file referenced only by its uuid has a URL anyway (decision 38).
    if let Some(media) = content.body.media().filter(|_| !fields.url) {
        push(&mut out, dto::URL, &text_of(&media.url));
    }
    if let Some(file) = files.file {
        push_file(&mut out, fields, file);
    }
    if let Some(thumbnail) = files.thumbnail.filter(|thumbnail| thumbnail.restricted && !fields.thumb_secret) {
        push(&mut out, dto::THUMB_SECRET, &text_of(&thumbnail.secret));
    }
    push(&mut out, dto::KIND, &text_of(kind));
    out.push('}');
    out
}

/// A body's fields about its file.
#[derive(Debug, Clone, Copy, Default)]
struct BodyFileFields {
    url: bool,
    length: bool,
    name: bool,
    dimensions: bool,
    secret: bool,
    thumb_secret: bool,
}

impl BodyFileFields {
    fn note(&mut self, key: &str) {
        match key {
            dto::URL => self.url = true,
            dto::FILE_LENGTH => self.length = true,
            dto::FILENAME => self.name = true,
            dto::SIZE => self.dimensions = true,
            dto::SECRET => self.secret = true,
            dto::THUMB_SECRET => self.thumb_secret = true,
            _ => {}
        }
    }
}

fn push_file(out: &mut String, fields: BodyFileFields, file: &StoredFile) {
    if !fields.length {
        push(out, dto::FILE_LENGTH, &file.size.to_string());
    }
    if !fields.name && !file.name.is_empty() {
        push(out, dto::FILENAME, &text_of(&file.name));
    }
    // The reader of the record is the app, and could not fetch the file without it.
    if file.restricted && !fields.secret {
        push(out, dto::SECRET, &text_of(&file.secret));
    }
    if let Some((width, height)) = file.dimensions.filter(|_| !fields.dimensions) {
        push(out, dto::SIZE, &format!("{{\"height\":{height},\"width\":{width}}}"));
    }
}

fn push(out: &mut String, key: &str, value: &str) {
    if out.len() > 1 {
        out.push(',');
    }
    out.extend([&text_of(key), ":", value]);
}

fn push_exts(out: &mut String, exts: &[(String, String)], as_array: bool) {
    let pairs: Vec<String> = exts.iter().map(|(key, value)| format!("{}:{}", text_of(key), text_of(value))).collect();
    let object = format!("{{{}}}", pairs.join(","));
    if as_array {
        push(
            out,
            dto::CUSTOM_EXTS,
            &format!("[{}]", pairs.iter().map(|pair| format!("{{{pair}}}")).collect::<Vec<_>>().join(",")),
        );
    } else {
        push(out, dto::CUSTOM_EXTS, &object);
    }
    push(out, dto::CUSTOM_EXTS_V2, &object);
}

/// Degrees as a JSON number, if the text is one: `+1` and `01` are not.
fn degrees(value: &RawValue) -> String {
    let text = value.get().trim_matches('"');
    if serde_json::from_str::<serde_json::Number>(text).is_ok() { text.to_owned() } else { value.get().to_owned() }
}

#[cfg(test)]
mod tests {
    use tidings_domain::{GroupId, MsgId, Policy, UnixMillis};

    use super::*;
    use crate::agora::{Addressing, draft};

    fn line(kind_and_body: &str, exts_array: bool) -> String {
        line_with(kind_and_body, exts_array, MessageFiles::default())
    }

    fn line_with(kind_and_body: &str, exts_array: bool, files: MessageFiles<'_>) -> String {
        let request = format!(r#"{{"from":"nora","to":["omar"],{kind_and_body}}}"#);
        let content = draft(request.as_bytes(), &Policy::default(), Addressing::Users).unwrap().content;
        let conversation = ConversationId::direct(UserId(16), UserId(32));
        let by_nora = (UserId(16), UnixMillis(1_752_588_123_456));
        let message = Message { seq: 1, countable: true, ..Message::plain(conversation, MsgId(7), by_nora, content) };
        let names = Names::new([(UserId(16), "Nora".to_owned()), (UserId(32), "omar".to_owned())]);
        record(&message, &names, exts_array, files)
    }

    fn body(kind_and_body: &str, exts_array: bool) -> String {
        let line: serde_json::Value = serde_json::from_str(&line(kind_and_body, exts_array)).unwrap();
        line["payload"]["bodies"][0].to_string()
    }

    #[test]
    fn a_record_has_the_keys_of_agora_4() {
        insta::assert_snapshot!(
            line(r#""type":"txt","body":{"msg":"lunch?"},"ext":{"k":"v"}"#, false),
            @r#"{"msg_id":"7","timestamp":1752588123456,"direction":"outgoing","from":"nora","to":"omar","chat_type":"chat","payload":{"bodies":[{"msg":"lunch?","type":"txt"}],"ext":{"k":"v"},"from":"nora","to":"omar"}}"#
        );
    }

    #[test]
    fn our_own_file_tells_what_the_body_does_not_decision_21() {
        let file = StoredFile {
            uuid: String::new(),
            name: "cat.png".to_owned(),
            content_type: "image/png".to_owned(),
            size: 128_827,
            sha256: String::new(),
            restricted: false,
            secret: String::new(),
            thumbnail: None,
            dimensions: Some((640, 360)),
            owner: None,
            created_at: UnixMillis(0),
            expires_at: None,
        };
        let bodies = |sent: &str| {
            let line: serde_json::Value =
                serde_json::from_str(&line_with(sent, false, MessageFiles { file: Some(&file), thumbnail: None }))
                    .unwrap();
            line["payload"]["bodies"][0].to_string()
        };
        assert_eq!(
            bodies(r#""type":"img","body":{"url":"u"}"#),
            r#"{"file_length":128827,"filename":"cat.png","size":{"height":360,"width":640},"type":"img","url":"u"}"#
        );
        let restricted = StoredFile { restricted: true, secret: "s3".to_owned(), ..file.clone() };
        let secret = |sent: &str, file: &StoredFile| {
            let line: serde_json::Value =
                serde_json::from_str(&line_with(sent, false, MessageFiles { file: Some(file), thumbnail: None }))
                    .unwrap();
            line["payload"]["bodies"][0]["secret"].clone()
        };
        let video = r#""type":"video","body":{"url":"u"}"#;
        assert_eq!(secret(video, &restricted), "s3");
        assert_eq!(secret(r#""type":"video","body":{"url":"u","secret":"own"}"#, &restricted), "own");
        assert!(secret(video, &file).is_null(), "a file that anybody may read needs none");
        let video = |sent: &str, thumbnail: &StoredFile| {
            let files = MessageFiles { file: Some(&restricted), thumbnail: Some(thumbnail) };
            let line: serde_json::Value = serde_json::from_str(&line_with(sent, false, files)).unwrap();
            line["payload"]["bodies"][0].clone()
        };
        let sent = r#""type":"video","body":{"url":"u","thumb":"t"}"#;
        let thumbnail = StoredFile { secret: "s4".to_owned(), ..restricted.clone() };
        let shown = video(sent, &thumbnail);
        assert_eq!((&shown["secret"], &shown["thumb_secret"]), (&"s3".into(), &"s4".into()));
        assert_eq!(shown["size"], serde_json::json!({"height": 360, "width": 640}));
        let own = r#""type":"video","body":{"url":"u","thumb":"t","thumb_secret":"own"}"#;
        assert_eq!(video(own, &thumbnail)["thumb_secret"], "own");
        assert!(video(sent, &file)["thumb_secret"].is_null());
        let fields = r#"{"file_length":1,"filename":"dog.png","size":{"height":2,"width":3},"type":"img","url":"u"}"#;
        assert_eq!(bodies(&format!(r#""type":"img","body":{fields}"#)), fields);
    }

    #[test]
    fn degrees_are_numbers_in_exports_agora_4() {
        let sent = r#""type":"loc","body":{"lat":"52.5163","lng":"13.3777","addr":"Pariser Platz"}"#;
        assert_eq!(body(sent, false), r#"{"addr":"Pariser Platz","lat":52.5163,"lng":13.3777,"type":"loc"}"#);
    }

    #[test]
    fn custom_values_are_an_object_or_an_array_beside_the_newer_key_agora_14() {
        let sent = r#""type":"custom","body":{"customEvent":"gift","customExts":{"kind":"rose","count":"3"}}"#;
        let object = r#"{"customEvent":"gift","customExts":{"count":"3","kind":"rose"},"type":"custom","v2:customExts":{"count":"3","kind":"rose"}}"#;
        let array = r#"{"customEvent":"gift","customExts":[{"kind":"rose"},{"count":"3"}],"type":"custom","v2:customExts":{"count":"3","kind":"rose"}}"#;
        assert_eq!((body(sent, false), body(sent, true)), (object.to_owned(), array.to_owned()));
    }

    #[test]
    fn the_seeds_name_of_a_thumbnail_shows_as_thumb_and_unknown_keys_stay_agora_14() {
        let sent = r#""type":"video","body":{"url":"u","thumbnail":"t","odd":[1.0]}"#;
        assert_eq!(body(sent, false), r#"{"odd":[1.0],"thumb":"t","type":"video","url":"u"}"#);
    }

    #[test]
    fn groups_show_by_id_and_users_without_a_name_too() {
        let names = Names::default();
        assert_eq!((names.of(UserId(0)), names.of(UserId(48))), ("admin".to_owned(), "48".to_owned()));
        assert_eq!(GroupId(17).to_string(), "17");
    }
}
