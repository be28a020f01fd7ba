//! The JSON frames of `/tidings/ws`, each one text message. docs/realtime.md and docs/realtime.schema.json describe them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_dialects::agora::{Addressing, Refusal};
use tidings_domain::{ConversationId, Error, Hidden, MsgId, Reason, Sent, UserId, decimal_id};

use crate::realtime::command_line::OTHER;

/// A frame from a client.
#[derive(Debug)]
pub(super) enum ClientFrame<'a> {
    /// The first one.
    Auth(Auth<'a>),
    /// Sends a message; the body is that of the REST call.
    Send { id: Cow<'a, str>, addressing: Addressing, message: &'a RawValue, idempotency_key: Option<String> },
    /// The user has read everything up to a message.
    Read { id: Cow<'a, str>, msg_id: MsgId },
    /// The device has everything up to a message.
    Delivered { id: Cow<'a, str>, msg_id: MsgId },
    /// Requests a pong.
    Ping,
}

/// Who connects.
#[derive(Debug)]
pub(super) struct Auth<'a> {
    /// `org#app`.
    pub app: Cow<'a, str>,
    pub token: Hidden<Cow<'a, str>>,
    /// The client's name for its device; may be empty.
    pub device: Cow<'a, str>,
    /// The kind of the device.
    pub platform: Cow<'a, str>,
    /// Where it continues; absent: from now on.
    pub cursor: Option<Cow<'a, str>>,
}

/// Unknown keys are ignored.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    app: Option<Cow<'a, str>>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    device: Option<Cow<'a, str>>,
    #[serde(borrow)]
    platform: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cursor: Option<Cow<'a, str>>,
    #[serde(borrow)]
    chat_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    msg_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    idempotency_key: Option<Cow<'a, str>>,
}

/// The types of frames from clients.
pub(super) const AUTH: &str = "auth";
pub(super) const SEND: &str = "send";
pub(super) const READ: &str = "read";
pub(super) const DELIVERED: &str = "delivered";
pub(super) const PING: &str = "ping";

/// Maximum length of a frame's id.
const MAX_ID: usize = 64;
/// Maximum length of a device's name.
const MAX_DEVICE: usize = 32;
/// Maximum length of the name of a device's kind, and what it is for clients that do not say.
const MAX_PLATFORM: usize = 32;
const PLATFORM: &str = "web";
/// Maximum length of an idempotency key.
const MAX_KEY: usize = 255;

/// A frame that cannot be carried out, with its id if it has one.
pub(super) struct BadFrame {
    pub id: Option<String>,
    /// Its type, if that is one.
    pub command: &'static str,
    pub error: Box<Error>,
}

impl BadFrame {
    /// One that is refused before its type and its id are looked at.
    pub fn of(error: Error) -> Self {
        Self { id: None, command: OTHER, error: Box::new(error) }
    }
}

/// Parses a frame.
pub(super) fn parse(text: &str) -> Result<ClientFrame<'_>, BadFrame> {
    let frame: Frame<'_> = serde_json::from_str(text).map_err(|cause| {
        BadFrame::of(Error::invalid("frame", format!("is not a JSON object of this protocol: {cause}")))
    })?;
    let id = frame.id.as_deref().filter(|id| id.len() <= MAX_ID).map(str::to_owned);
    let kind = frame.kind.as_deref();
    let command = [AUTH, SEND, READ, DELIVERED, PING].into_iter().find(|known| kind == Some(*known));
    checked(frame).map_err(|error| BadFrame { id, command: command.unwrap_or(OTHER), error: Box::new(error) })
}

fn checked(frame: Frame<'_>) -> Result<ClientFrame<'_>, Error> {
    let kind = required("type", frame.kind.as_deref())?.to_owned();
    if kind == PING {
        return Ok(ClientFrame::Ping);
    }
    if kind == AUTH {
        let device = frame.device.unwrap_or_default();
        if device.len() > MAX_DEVICE {
            return Err(Error::invalid("device", format!("must be at most {MAX_DEVICE} bytes")));
        }
        let platform = frame.platform.filter(|platform| !platform.is_empty()).unwrap_or(Cow::Borrowed(PLATFORM));
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if platform.len() > MAX_PLATFORM || !platform.bytes().all(is_word) {
            return Err(Error::invalid("platform", format!("must be at most {MAX_PLATFORM} of a-z A-Z 0-9 -")));
        }
        required("app", frame.app.as_deref())?;
        required("token", frame.token.as_deref())?;
        let (app, token) = (frame.app.unwrap_or_default(), Hidden::new(frame.token.unwrap_or_default()));
        return Ok(ClientFrame::Auth(Auth { app, token, device, platform, cursor: frame.cursor }));
    }
    required("id", frame.id.as_deref())?;
    let id = frame.id.unwrap_or_default();
    if id.len() > MAX_ID {
        return Err(Error::invalid("id", format!("must be at most {MAX_ID} bytes")));
    }
    match kind.as_str() {
        SEND => {
            let addressing = match required("chat_type", frame.chat_type.as_deref())? {
                "chat" => Addressing::Users,
                "groupchat" => Addressing::Groups,
                "chatroom" => Addressing::Rooms,
                _ => return Err(Error::invalid("chat_type", "must be chat, groupchat or chatroom")),
            };
            let message = frame.message.ok_or_else(|| Error::invalid("message", "is required"))?;
            let idempotency_key = frame.idempotency_key.map(key).transpose()?;
            Ok(ClientFrame::Send { id, addressing, message, idempotency_key })
        }
        READ => Ok(ClientFrame::Read { id, msg_id: msg_id(frame.msg_id.as_deref())? }),
        DELIVERED => Ok(ClientFrame::Delivered { id, msg_id: msg_id(frame.msg_id.as_deref())? }),
        _ => Err(Error::invalid("type", "must be auth, send, read, delivered or ping")),
    }
}

fn required<'a>(field: &'static str, value: Option<&'a str>) -> Result<&'a str, Error> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| Error::invalid(field, "is required"))
}

fn msg_id(text: Option<&str>) -> Result<MsgId, Error> {
    let id = decimal_id(required("msg_id", text)?);
    id.map(MsgId).ok_or_else(|| Error::invalid("msg_id", "must be a message id"))
}

fn key(key: Cow<'_, str>) -> Result<String, Error> {
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid("idempotency_key", "must be 1 to 255 visible ASCII characters"));
    }
    Ok(key.into_owned())
}

/// A frame to a client.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerFrame<'a> {
    /// The answer to `auth`: events follow.
    Ready {
        user: &'a str,
        /// Where to continue after this frame.
        cursor: Option<&'a str>,
        heartbeat_seconds: u64,
    },
    /// More happened in these conversations than is delivered: clients must read their histories.
    Missed {
        conversations: Vec<Conversation>,
    },
    /// The messages of a `send`, committed.
    Sent {
        id: &'a str,
        messages: Vec<SentMessage<'a>>,
        timestamp: i64,
    },
    /// A `read` or `delivered` was executed.
    Done {
        id: &'a str,
    },
    Pong {},
    /// A frame was refused.
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        error: &'a str,
        error_description: &'a str,
        /// From docs/errors.md.
        reason: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
    },
    /// The server closes the connection.
    Closing {
        reason: &'a str,
        cursor: Option<&'a str>,
        /// When to connect again, if that helps.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// A message that was sent.
#[derive(Serialize)]
pub(super) struct SentMessage<'a> {
    /// The receiver's name, or the group's or room's id.
    to: Cow<'a, str>,
    msg_id: String,
}

/// A conversation as its user names it.
#[derive(Serialize)]
pub(super) struct Conversation {
    chat_type: &'static str,
    to: String,
}

impl<'a> SentMessage<'a> {
    pub fn of(sent: &'a Sent) -> Self {
        let to = match sent.conversation {
            ConversationId::Direct(..) => Cow::Owned(sent.username.to_ascii_lowercase()),
            ConversationId::Group(_) | ConversationId::Room(_) => Cow::Owned(sent.receiver.to_string()),
        };
        Self { to, msg_id: sent.msg_id.to_string() }
    }
}

impl Conversation {
    /// With the name of the other party in direct ones.
    pub fn of(conversation: ConversationId, user: UserId, name: impl Fn(UserId) -> String) -> Self {
        match conversation {
            ConversationId::Direct(low, _) => {
                Self { chat_type: "chat", to: name(conversation.peer_of(user).unwrap_or(low)) }
            }
            ConversationId::Group(group) => Self { chat_type: "groupchat", to: group.to_string() },
            ConversationId::Room(room) => Self { chat_type: "chatroom", to: room.to_string() },
        }
    }
}

/// Names rooms of which messages were dropped.
pub(super) fn missed_rooms(missed: &[(ConversationId, UserId)]) -> String {
    let conversations = missed.iter().map(|(room, user)| Conversation::of(*room, *user, |_| String::new()));
    text_of(&ServerFrame::Missed { conversations: conversations.collect() })
}

/// A frame as text.
pub(super) fn text_of(frame: &ServerFrame<'_>) -> String {
    serde_json::to_string(frame).expect("frames are JSON")
}

/// How many of the first events have at most that many bytes together; at least one, if there is one.
pub(super) fn fitting(events: &[&str], most: usize) -> usize {
    let sums = events.iter().scan(0, |sum, event| {
        *sum += event.len();
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= most).count().max(1).min(events.len())
}

/// What happened: events as JSON, and where to continue after them. Made for each client, so the events are not parsed
/// again.
pub(super) fn events(events: &[&str], cursor: Option<&str>) -> String {
    let cursor = serde_json::to_string(&cursor).expect("a cursor is a text");
    let length = events.iter().map(|event| event.len() + 1).sum::<usize>() + cursor.len() + 40;
    let mut text = String::with_capacity(length);
    text.push_str(r#"{"type":"events","events":["#);
    for (place, event) in events.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(event);
    }
    text.extend([r#"],"cursor":"#, &cursor, "}"]);
    text
}

/// The refusal of a frame.
pub(super) fn error(id: Option<&str>, refusal: &Refusal) -> String {
    let retry_after_seconds = refusal.retry_after.map(|wait| wait.as_millis().div_ceil(1000).max(1) as u64);
    text_of(&ServerFrame::Error {
        id,
        error: refusal.error,
        error_description: &refusal.description,
        reason: refusal.reason.words().name,
        retry_after_seconds,
    })
}

/// The refusal of a frame that cannot be read.
pub(super) fn bad(frame: &BadFrame) -> String {
    let refusal = match frame.error.reason() {
        Reason::InvalidArgument => Refusal::illegal_argument(frame.error.to_string()),
        _ => Refusal::from(&*frame.error),
    };
    error(frame.id.as_deref(), &refusal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use tidings_domain::GroupId;

    use super::*;

    fn refusal(text: &str) -> String {
        parse(text).map(|frame| format!("{frame:?}")).expect_err("refused").error.to_string()
    }

    #[test]
    fn debug_shows_no_token() {
        let auth = parse(r#"{"type":"auth","app":"acme#chat","token":"s3cret","device":"web"}"#);
        let shown = auth.map(|frame| format!("{frame:?}")).ok().expect("a frame");
        assert!(shown.contains("acme#chat") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_frame_names_what_is_wrong_with_it() {
        for (text, field) in [
            ("[]", "frame"),
            ("{}", "type"),
            (r#"{"type":"dance","id":"1"}"#, "type"),
            (r#"{"type":"auth","token":"t"}"#, "app"),
            (r#"{"type":"auth","app":"a#b"}"#, "token"),
            (r#"{"type":"auth","app":"a#b","token":"t","platform":"a/b"}"#, "platform"),
            (r#"{"type":"send","chat_type":"chat","message":{}}"#, "id"),
            (r#"{"type":"send","id":"1","chat_type":"mail","message":{}}"#, "chat_type"),
            (r#"{"type":"send","id":"1","chat_type":"chat"}"#, "message"),
            (r#"{"type":"read","id":"1","msg_id":"x"}"#, "msg_id"),
            (r#"{"type":"read","id":"1"}"#, "msg_id"),
            (r#"{"type":"send","id":"1","chat_type":"chat","message":{},"idempotency_key":""}"#, "idempotency_key"),
        ] {
            assert!(refusal(text).contains(field), "{text}: {}", refusal(text));
        }
        assert!(matches!(parse(r#"{"type":"ping","more":1}"#), Ok(ClientFrame::Ping)));
    }

    #[test]
    fn a_frame_takes_what_fits_and_one_event_at_least() {
        let events = ["1234", "123", "12", "12345678"];
        let counts = [7, 8, 9, 100, 3].map(|most| fitting(&events, most));
        assert_eq!(counts, [2, 2, 3, 4, 1]);
        assert_eq!((fitting(&events[3..], 1), fitting(&[], 1)), (1, 0));
    }

    #[test]
    fn frames_are_as_documented() {
        let ready = ServerFrame::Ready { user: "nora", cursor: Some("0:1"), heartbeat_seconds: 30 };
        assert_eq!(text_of(&ready), r#"{"type":"ready","user":"nora","cursor":"0:1","heartbeat_seconds":30}"#);
        assert_eq!(text_of(&ServerFrame::Pong {}), r#"{"type":"pong"}"#);
        let two = r#"{"type":"events","events":[{"id":"1"},{"id":"2"}],"cursor":"0:2"}"#;
        assert_eq!(events(&[r#"{"id":"1"}"#, r#"{"id":"2"}"#], Some("0:2")), two);
        assert_eq!(events(&[], None), r#"{"type":"events","events":[],"cursor":null}"#);
        let refusal = Refusal::illegal_argument("msg_id is required");
        let expected = r#"{"type":"error","id":"7","error":"illegal_argument","error_description":"msg_id is required","reason":"INVALID_ARGUMENT"}"#;
        assert_eq!(error(Some("7"), &refusal), expected);
    }

    /// The server's frames according to the schema: `type`, the keys, and which of them are required.
    fn listed() -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
        let schema: Value = serde_json::from_str(include_str!("../../../../docs/realtime.schema.json")).unwrap();
        let frames = schema["$defs"]["server"]["oneOf"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let frame = |frame: &Value| {
            let properties = frame["properties"].as_object().unwrap();
            let required = frame["required"].as_array().unwrap().iter().map(text).collect();
            (text(&properties["type"]["const"]), properties.keys().cloned().collect(), required)
        };
        frames.map(frame).collect()
    }

    #[test]
    fn the_schema_has_every_key_of_every_frame_of_the_server() {
        let place = ConversationId::Group(GroupId(17));
        let (nora, cursor) = (UserId(16), Some("0:1"));
        let sent = SentMessage { to: "omar".into(), msg_id: "1".to_owned() };
        let missed = vec![Conversation::of(place, nora, |user| user.to_string())];
        let (error, error_description, reason) = ("illegal_argument", "id is required", "INVALID_ARGUMENT");
        let frames = [
            text_of(&ServerFrame::Ready { user: "nora", cursor, heartbeat_seconds: 30 }),
            events(&[], cursor),
            text_of(&ServerFrame::Missed { conversations: missed }),
            text_of(&ServerFrame::Sent { id: "1", messages: vec![sent], timestamp: 1 }),
            text_of(&ServerFrame::Done { id: "1" }),
            text_of(&ServerFrame::Pong {}),
            text_of(&ServerFrame::Error {
                id: Some("1"),
                error,
                error_description,
                reason,
                retry_after_seconds: Some(1),
            }),
            text_of(&ServerFrame::Closing { reason: "restart", cursor, retry_after_ms: Some(1_000) }),
        ];
        let listed = listed();
        assert_eq!(listed.len(), frames.len());
        for ((kind, keys, required), frame) in listed.into_iter().zip(frames) {
            let frame: Value = serde_json::from_str(&frame).unwrap();
            let there: BTreeSet<String> = frame.as_object().unwrap().keys().cloned().collect();
            assert_eq!((frame["type"].as_str(), &there), (Some(kind.as_str()), &keys));
            assert!(required.is_subset(&there), "{kind}");
        }
    }
}
