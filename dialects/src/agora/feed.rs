//! The event feed for app servers that prefer polling to callbacks. The vendor lacks it (decision 10): the
//! envelope, the record of the export and the names of its callbacks are the vendor's.

use std::time::Duration;

use serde_json::value::RawValue;
use tidings_domain::{Change, ConversationId, ConversationKind, Message, MsgId, UnixMillis, UserId};

use super::{
    Call, Names, Refusal, Timing,
    channel::value,
    dto,
    feed_change::changed,
    recall::chat_type,
    record::{MessageFiles, record},
};
use crate::json::{bytes_of, text_of};

/// Default number of events per answer.
const DEFAULT_LIMIT: i32 = 100;
const MAX_LIMIT: i32 = 1000;
/// Default wait for an event, in seconds.
const DEFAULT_WAIT: u64 = 30;
const MAX_WAIT: u64 = 60;

/// A request for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedQuery {
    /// After this cursor; empty: from the first that is kept; `now`: from now on.
    pub after: String,
    /// Kinds; empty: all.
    pub kinds: Vec<String>,
    /// Maximum number in an answer.
    pub limit: i32,
    /// How long to wait for the first one.
    pub wait: Duration,
}

/// Parses `after`, `kinds`, `limit` and `wait`.
pub fn feed_query(query: &str) -> Result<FeedQuery, Refusal> {
    let number = |name: &str, otherwise: u64| match value(query, name) {
        None => Ok(otherwise),
        Some(text) => text.parse().map_err(|_| Refusal::illegal_argument(format!("{name} must be a number"))),
    };
    let limit = number("limit", DEFAULT_LIMIT as u64)?.clamp(1, MAX_LIMIT as u64) as i32;
    let wait = Duration::from_secs(number("wait", DEFAULT_WAIT)?.min(MAX_WAIT));
    let kinds = value(query, "kinds").unwrap_or_default();
    let kinds = kinds.split(',').map(str::trim).filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
    Ok(FeedQuery { after: value(query, "after").unwrap_or_default(), kinds, limit, wait })
}

/// An event.
#[derive(Debug, Clone)]
pub struct EventRecord<'a> {
    /// The event's id, the same as in callbacks.
    pub id: &'a str,
    /// Such as `message.sent`.
    pub kind: &'a str,
    /// The time.
    pub at: UnixMillis,
    /// The conversation; `None` for changes of users and contacts.
    pub conversation: Option<ConversationId>,
    /// What changed in the directory: then there is no message.
    pub change: Option<&'a Change>,
    /// The id of its message.
    pub msg_id: MsgId,
    /// The actor.
    pub actor: UserId,
    /// The message, if the event contains it.
    pub message: Option<&'a Message>,
    /// The message's number in its conversation and its sender, if the message is not contained but known.
    pub of: Option<(i64, UserId)>,
    /// The origin: address, platform and trace context; empty if unknown.
    pub origin: (&'a str, &'a str, &'a str),
    /// Why it was refused, and a hook's text; empty if it was not.
    pub refused: (&'a str, &'a str),
    /// The reaction that was added or removed: its id, text, and count after the change.
    pub reaction: Option<(i64, &'a str, i64)>,
}

impl EventRecord<'_> {
    fn seq(&self) -> Option<i64> {
        let seq = self.message.map(|message| message.seq).or_else(|| self.of.map(|(seq, _)| seq));
        seq.filter(|seq| *seq > 0)
    }

    /// The sender of the message; if unknown, the actor.
    fn sender(&self) -> UserId {
        self.message.map(|message| message.sender).or_else(|| self.of.map(|(_, sender)| sender)).unwrap_or(self.actor)
    }
}

/// An event as one line of JSON. `exts_array` is the format of `customExts` (agora.md 14).
pub fn happened(event: &EventRecord<'_>, names: &Names, exts_array: bool) -> String {
    let given = |text| Some(text).filter(|text: &&str| !text.is_empty());
    // An unknown user is shown by the name that the message was refused for.
    let name = |user| if user == UserId::NOBODY { event.refused.1.to_owned() } else { names.of(user) };
    let sender = event.sender();
    let to = event.conversation.map(|conversation| match conversation {
        ConversationId::Direct(low, _) => name(conversation.peer_of(sender).unwrap_or(low)),
        ConversationId::Group(group) => group.to_string(),
        ConversationId::Room(room) => room.to_string(),
    });
    let kind = event.conversation.map(ConversationId::kind);
    let shared = to.as_deref().filter(|_| kind != Some(ConversationKind::Direct));
    let of_message = event.change.is_none();
    let message = event.message.map(|message| raw(record(message, names, exts_array, MessageFiles::default())));
    text_of(&dto::EventRecord {
        id: event.id,
        kind: event.kind,
        timestamp: event.at.0,
        chat_type: kind.map(chat_type),
        group_id: shared,
        operator: name(event.actor),
        from: of_message.then(|| name(sender)),
        to: to.as_deref().filter(|_| of_message),
        msg_id: of_message.then(|| event.msg_id.to_string()),
        seq: event.seq(),
        message: message.as_deref(),
        change: event.change.map(|change| changed(change, names)),
        reaction: event.reaction.map(|(id, reaction, count)| dto::EventReaction {
            reaction_id: id.to_string(),
            reaction,
            count,
        }),
        reason: given(event.refused.0),
        reason_detail: given(event.refused.1),
        client_ip: given(event.origin.0),
        platform: given(event.origin.1),
        traceparent: given(event.origin.2),
    })
}

/// The answer with those events, and where the next request continues.
pub fn feed(call: &Call<'_>, timing: Timing, events: &[String], cursor: &str) -> Vec<u8> {
    let data: Vec<Box<RawValue>> = events.iter().cloned().map(raw).collect();
    let count = data.len();
    bytes_of(&dto::Envelope { data: Some(data), cursor: Some(cursor), count: Some(count), ..call.envelope(timing) })
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was written as JSON")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use tidings_domain::{Content, GroupId};

    use super::*;

    /// The keys of an event that has everything that one of its kind can have, as connected clients get it.
    fn keys(message: Option<&Message>, change: Option<&Change>) -> BTreeSet<String> {
        let event = EventRecord {
            id: "m0-1",
            kind: "message.reacted",
            at: UnixMillis(1),
            conversation: Some(ConversationId::Group(GroupId(17))),
            change,
            msg_id: MsgId(1),
            actor: UserId(16),
            message,
            of: Some((1, UserId(16))),
            origin: ("", "", ""),
            refused: ("USER_MUTED", "detail"),
            reaction: message.map(|_| (1, "smile", 1)),
        };
        let event: Value = serde_json::from_str(&happened(&event, &Names::default(), false)).unwrap();
        event.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_schema_of_frames_has_every_key_of_an_event() {
        let place = ConversationId::Group(GroupId(17));
        let message = Message::plain(place, MsgId(1), (UserId(16), UnixMillis(1)), Content::text("m"));
        let change = Change::UserDeleted { user: UserId(16) };
        let keys: BTreeSet<String> =
            keys(Some(&message), None).union(&self::keys(None, Some(&change))).cloned().collect();
        let schema: Value = serde_json::from_str(include_str!("../../../docs/realtime.schema.json")).unwrap();
        let listed = schema["$defs"]["event"]["properties"].as_object().unwrap();
        assert_eq!(keys, listed.keys().cloned().collect());
    }

    #[test]
    fn what_is_asked_stays_within_its_bounds() {
        let all = FeedQuery { after: String::new(), kinds: Vec::new(), limit: 100, wait: Duration::from_secs(30) };
        assert_eq!(feed_query("").unwrap(), all);
        let query = feed_query("after=0:1.1:2&kinds=message.sent,%20message.recalled,&limit=5000&wait=1000").unwrap();
        let kinds = ["message.sent", "message.recalled"].map(str::to_owned).into();
        assert_eq!(query, FeedQuery { after: "0:1.1:2".into(), kinds, limit: 1000, wait: Duration::from_mins(1) });
        assert_eq!(feed_query("limit=0&wait=0").unwrap().limit, 1);
        for wrong in ["limit=x", "wait=-1"] {
            assert!(feed_query(wrong).is_err(), "{wrong}");
        }
    }
}
