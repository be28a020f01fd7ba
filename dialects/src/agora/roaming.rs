//! `messageroaming`: a conversation as the client SDKs pull it (agora.md 12). The messages are protobuf.

use tidings_domain::{Body, Error, Message, MsgId, Reason, UnixMillis, Username, decimal_id};

use super::{
    Call, Names, Peer, Refusal, Timing,
    body::body_from,
    dto,
    msync::{self, CONFERENCE_DOMAIN, name_in},
    refusal::decode,
};
use crate::json::{Label, OneOrMany, bytes_of, entries};

/// The page size, if none is given.
const DEFAULT_LIMIT: i64 = 20;
/// The maximum page size.
const MAX_LIMIT: i64 = 100;
/// Maximum number of senders.
const MAX_SENDERS: usize = 100;

/// A page of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoamingQuery {
    /// A user, or a group or room.
    pub peer: Peer,
    /// The message at which the page before ended, exclusive; `None`: from the newest or oldest.
    pub start: Option<MsgId>,
    /// 1 to 100.
    pub limit: i32,
    /// From older to newer messages.
    pub oldest_first: bool,
    /// Only these values of `type`, and `combine`; empty: all.
    pub kinds: Vec<&'static str>,
    /// Only messages from that time on.
    pub from: Option<UnixMillis>,
    /// Only messages up to that time, inclusive.
    pub until: Option<UnixMillis>,
    /// Only messages of these users; empty: everybody's.
    pub senders: Vec<Username>,
}

/// The values of `msgType`, each with the bodies of the neutral model that it may have.
const KINDS: [(&str, &[&str]); 9] = [
    ("txt", &["text"]),
    ("img", &["image"]),
    ("audio", &["voice"]),
    ("video", &["video"]),
    ("file", &["file"]),
    ("loc", &["location"]),
    ("cmd", &["command"]),
    ("custom", &["custom", "forward"]),
    (COMBINE, &["text"]),
];

/// Messages forwarded as one: a text with a `subType`.
const COMBINE: &str = "combine";

/// Parses the body.
pub fn roaming_request(body: &[u8]) -> Result<RoamingQuery, Refusal> {
    let dto: dto::RoamingRequest<'_> = decode(body)?;
    let Some(queue) = Label::given(dto.queue.as_ref()) else {
        return Err(Refusal::illegal_argument("queue must be provided"));
    };
    let limit = dto.pull_number.map_or(DEFAULT_LIMIT, |number| number.0).clamp(1, MAX_LIMIT);
    let senders = texts(dto.sender.as_ref()).chain(texts(dto.senders.as_ref()));
    let senders = senders.map(Username::parse).collect::<Result<Vec<_>, Error>>()?;
    if senders.len() > MAX_SENDERS {
        return Err(Refusal::illegal_argument(format!("userIds must not be more than {MAX_SENDERS}")));
    }
    let moment = |time: i64| (time > 0).then_some(UnixMillis(time));
    Ok(RoamingQuery {
        peer: peer(queue)?,
        start: dto.start.map(|raw| start(raw.get())).transpose()?.flatten(),
        limit: limit as i32,
        oldest_first: dto.is_positive.is_some_and(|flag| flag.0),
        kinds: texts(dto.kinds.as_ref()).map(kind).collect::<Result<_, _>>()?,
        from: dto.from.and_then(|time| moment(time.0)),
        until: dto.until.and_then(|time| moment(time.0)),
        senders,
    })
}

/// Texts, alone, in an array or separated by commas.
fn texts<'a>(list: Option<&'a OneOrMany<'_>>) -> impl Iterator<Item = &'a str> {
    let all = list.map(|list| list.0.as_slice()).unwrap_or_default().iter();
    all.flat_map(|label| label.text.split(',')).map(str::trim).filter(|text| !text.is_empty())
}

fn peer(queue: &str) -> Result<Peer, Refusal> {
    let (name, domain) = name_in(queue);
    if domain != CONFERENCE_DOMAIN {
        return Ok(Peer::User(Username::parse(name)?));
    }
    let id = decimal_id(name).ok_or_else(|| Error::new(Reason::GroupNotFound, name))?;
    Ok(Peer::Group(id))
}

/// -1, an empty text and null mean none.
fn start(json: &str) -> Result<Option<MsgId>, Refusal> {
    match json.trim_matches('"') {
        "" | "-1" | "0" | "null" => Ok(None),
        id => {
            decimal_id(id).map(MsgId).map(Some).ok_or_else(|| Refusal::illegal_argument("start must be a message id"))
        }
    }
}

fn kind(text: &str) -> Result<&'static str, Refusal> {
    let known = KINDS.iter().find(|(kind, _)| *kind == text).map(|(kind, _)| *kind);
    let all = || KINDS.map(|(kind, _)| kind).join(", ");
    known.ok_or_else(|| Refusal::illegal_argument(format!("msgType must be among {}", all())))
}

impl RoamingQuery {
    /// The bodies that the messages may have; empty: all.
    pub fn bodies(&self) -> Vec<String> {
        let asked = KINDS.iter().filter(|(kind, _)| self.kinds.contains(kind));
        let mut bodies: Vec<String> = asked.flat_map(|(_, bodies)| *bodies).map(|body| (*body).to_owned()).collect();
        bodies.dedup();
        bodies
    }

    /// Whether messages with this body are requested: a combined message is not a text here.
    pub fn takes(&self, message: &Message) -> bool {
        if self.kinds.is_empty() || !matches!(message.content.body, Body::Text(_)) {
            return true;
        }
        self.kinds.contains(if is_combined(message) { &COMBINE } else { &"txt" })
    }

    /// Only messages above this one; zero: all.
    pub fn above(&self) -> MsgId {
        let from = self.from.map_or(MsgId::ZERO, MsgId::before);
        self.start.filter(|_| self.oldest_first).map_or(from, |start| start.max(from))
    }

    /// Only messages below this one; zero: all.
    pub fn below(&self) -> MsgId {
        let until = self.until.map(|until| MsgId(MsgId::before(UnixMillis(until.0.saturating_add(1))).0 + 1));
        let start = self.start.filter(|_| !self.oldest_first);
        start.into_iter().chain(until).min().unwrap_or(MsgId::ZERO)
    }
}

fn is_combined(message: &Message) -> bool {
    let json = body_from(&message.content).1;
    let all = entries(&json).unwrap_or_default();
    let sub_type = all.iter().rfind(|(key, _)| key == dto::SUB_TYPE).map(|(_, value)| value.get().trim_matches('"'));
    sub_type == Some(dto::SUB_COMBINE)
}

/// The messages in the requested direction; `next` is where the following page starts, `None` on the last one.
pub fn roaming_page(
    call: &Call<'_>,
    timing: Timing,
    (messages, names): (&[Message], &Names),
    next: Option<MsgId>,
) -> Vec<u8> {
    let app_key = msync::app_key(call.app);
    let msg = |message| dto::RoamingMessage { msg: msync::meta_text(message, names, &app_key) };
    let data = dto::RoamingPage {
        msgs: messages.iter().map(msg).collect(),
        next_key: next.map(|next| next.to_string()).unwrap_or_default(),
        is_last: next.is_none(),
    };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(json: &str) -> RoamingQuery {
        roaming_request(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_page_is_asked_for_as_the_sdks_do_agora_12() {
        let omar = Peer::User(Username::parse("omar").unwrap());
        let old = query(r#"{"queue":"omar@easemob.com","start":-1,"end":-1}"#);
        assert_eq!((&old.peer, old.start, old.limit, old.oldest_first), (&omar, None, 20, false));
        let new = query(
            r#"{"queue":"acme#lobby_17@conference.easemob.com","start":"1200","pull_number":900,"is_positive":true,"msgType":"txt,img","end":-1,"startTime":null,"endTime":null,"userId":"nora"}"#,
        );
        assert_eq!(
            (&new.peer, new.start, new.limit, new.oldest_first),
            (&Peer::Group(17), Some(MsgId(1200)), 100, true)
        );
        assert_eq!((new.bodies(), new.senders.len()), (vec!["text".to_owned(), "image".to_owned()], 1));
        assert_eq!((new.above(), new.below()), (MsgId(1200), MsgId::ZERO));
        for start in ["\"\"", "null", "-1", "\"-1\""] {
            assert_eq!(query(&format!(r#"{{"queue":"omar@easemob.com","start":{start}}}"#)).start, None, "{start}");
        }
    }

    #[test]
    fn times_limit_the_range_to_the_millisecond() {
        let asked = query(r#"{"queue":"omar@easemob.com","startTime":1752600000000,"endTime":1752600000001}"#);
        let of = |moment: i64| MsgId(MsgId::before(UnixMillis(moment)).0 + 1);
        assert!(asked.above() < of(1_752_600_000_000) && asked.above() >= MsgId(of(1_752_600_000_000).0 - 1));
        assert!(asked.below() > MsgId(of(1_752_600_000_002).0 - 1) && asked.below() <= of(1_752_600_000_002));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |json: &str| roaming_request(json.as_bytes()).unwrap_err().description.into_owned();
        assert_eq!(refused("{}"), "queue must be provided");
        assert_eq!(refused(r#"{"queue":"omar@easemob.com","start":"x"}"#), "start must be a message id");
        assert!(
            refused(r#"{"queue":"omar@easemob.com","msgType":"poem"}"#).starts_with("msgType must be among txt, img")
        );
        assert!(refused(r#"{"queue":"omar@easemob.com","pull_number":[]}"#).contains("pull_number"));
    }
}
