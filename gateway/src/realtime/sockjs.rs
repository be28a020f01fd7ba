//! SockJS, in which web SDKs before 4.13 wrap their packets: texts that are JSON arrays of base64 (msync.md, SockJS). Only its
//! WebSocket transport is served, which every browser of today has.

use std::{borrow::Cow, collections::VecDeque};

use axum::extract::ws::{Message, Utf8Bytes};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::json;

use super::socket::UNAUTHORIZED;

/// How packets are framed on a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// A message is a packet.
    Plain,
    /// As SockJS has it.
    SockJs,
}

/// The most packets of one frame; clients put one into each.
const MOST_PACKETS: usize = 64;

/// The close code that clients take as a token that opens nothing: they do not reconnect.
const REFUSED: u16 = 401;

/// What a frame brought, beyond its first packet.
#[derive(Debug, Default)]
pub(super) struct SockJs {
    packets: VecDeque<Bytes>,
}

impl SockJs {
    /// The next packet of the frames that were taken.
    pub fn pop(&mut self) -> Option<Message> {
        self.packets.pop_front().map(Message::Binary)
    }

    /// Unwraps a frame; false: it is none of SockJS.
    pub fn take(&mut self, frame: &Message) -> bool {
        let Message::Text(text) = frame else { return false };
        let Some(packets) = packets_of(text) else { return false };
        self.packets.extend(packets);
        true
    }
}

/// An array of texts, or one text; an empty frame has nothing.
fn packets_of(text: &str) -> Option<Vec<Bytes>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let all: Vec<Cow<'_, str>> =
        if text.starts_with('[') { serde_json::from_str(text).ok()? } else { vec![serde_json::from_str(text).ok()?] };
    if all.len() > MOST_PACKETS {
        return None;
    }
    all.iter().map(|packet| BASE64_STANDARD.decode(packet.as_bytes()).ok().map(Bytes::from)).collect()
}

/// The first frame: the client may send from now on.
pub(super) const fn opened() -> Message {
    Message::Text(Utf8Bytes::from_static("o"))
}

/// A packet in its frame; other messages are sent as they are.
pub(super) fn wrapped(message: Message) -> Message {
    match message {
        Message::Binary(packet) => Message::Text(format!("a[\"{}\"]", BASE64_STANDARD.encode(&packet)).into()),
        other => other,
    }
}

/// The last frame, before the WebSocket is closed: clients know the code and the word from it alone.
pub(super) fn closed(code: u16, word: &str) -> Message {
    let code = if code == UNAUTHORIZED { REFUSED } else { code };
    Message::Text(format!("c{}", json!([code, word])).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(frame: &str) -> Option<Vec<Vec<u8>>> {
        let mut sock_js = SockJs::default();
        let is_one = sock_js.take(&Message::Text(frame.into()));
        let packets = std::iter::from_fn(|| sock_js.pop()).map(|message| message.into_data().to_vec());
        is_one.then(|| packets.collect())
    }

    #[test]
    fn a_frame_has_packets_in_base64_in_an_array_or_alone() {
        assert_eq!(taken(r#"["CAE=","AA=="]"#), Some(vec![vec![8, 1], vec![0]]));
        assert_eq!(taken(r#""CAE=""#), Some(vec![vec![8, 1]]));
        assert_eq!(taken(""), Some(vec![]));
        for broken in ["[", "CAE=", r#"["CAE"]"#, "[1]", "{}"] {
            assert_eq!(taken(broken), None, "{broken}");
        }
        let many = serde_json::to_string(&vec![""; MOST_PACKETS + 1]).unwrap();
        assert_eq!(taken(&many), None);
        assert!(!SockJs::default().take(&Message::Binary(Bytes::from_static(b"\x08\x01"))));
    }

    #[test]
    fn packets_and_the_end_are_wrapped_and_other_messages_are_not() {
        let text = |message: Message| message.into_text().unwrap().to_string();
        assert_eq!(text(wrapped(Message::Binary(Bytes::from_static(&[8, 1])))), r#"a["CAE="]"#);
        assert!(matches!(wrapped(Message::Ping(Bytes::new())), Message::Ping(_)));
        assert_eq!(text(closed(1012, "the server restarts")), r#"c[1012,"the server restarts"]"#);
        assert_eq!(text(closed(UNAUTHORIZED, "refused")), r#"c[401,"refused"]"#);
    }
}
