//! Recalls (agora.md 5, errors of 8.3).

use tidings_domain::{
    ConversationKind, Error, Force, GroupId, MsgId, Policy, Reason, RoomId, Target, UserRef, Username, decimal_id,
};

use super::{
    Call, Refusal, Timing,
    draft::{group_id, named},
    dto,
    refusal::decode,
};
use crate::{
    flag::Flag,
    json::{Label, Object, bytes_of},
};

/// Maximum number of messages per call (agora.md 5.1).
const MOST: usize = 30;

/// A message to recall.
#[derive(Debug, Clone)]
pub struct Recall {
    /// The message; `None` is an impossible id.
    pub msg_id: Option<MsgId>,
    /// As written by the client.
    pub written_id: String,
    /// The receiver.
    pub to: Option<Target>,
    /// As written by the client.
    pub written_to: Option<String>,
    /// The kind of its conversation.
    pub kind: ConversationKind,
    /// Who recalls; `None` is the app itself.
    pub from: Option<Username>,
    /// Also messages that are too old, as far as the app's policy allows it.
    pub force: bool,
    /// Whether the other devices of `from` are notified.
    pub sync_device: bool,
    /// For the receivers' devices.
    pub info: String,
}

impl Recall {
    /// The effect of `force` under the policy (decision 16): whether the window is ignored, and whether messages past
    /// retention are recalled from the devices.
    pub fn forced(&self, policy: &Policy) -> (bool, bool) {
        (self.force && policy.agora_force == Force::Anything, self.force)
    }

    /// The actor shown in answers.
    pub fn shown_from(&self) -> String {
        self.from.as_ref().map_or_else(|| "admin".to_owned(), |from| from.folded().to_owned())
    }

    /// The same for the log.
    pub fn actor(&self) -> Option<UserRef> {
        self.from.clone().map(UserRef::Name)
    }
}

/// Parses the body of `/messages/msg_recall`.
pub fn recall_request(body: &[u8], policy: &Policy) -> Result<Recall, Refusal> {
    read(decode(body)?, "", policy)
}

/// One of several messages to recall: as named by the client, and the parsed request.
#[derive(Debug)]
pub struct RecallItem {
    /// Empty if there is no id.
    pub msg_id: String,
    /// An invalid item is refused individually.
    pub recall: Result<Recall, Refusal>,
}

/// Parses the body of `/messages/recall` and `/messages/batch_recall`.
pub fn recalls_request(body: &[u8], policy: &Policy) -> Result<Vec<RecallItem>, Refusal> {
    let dto: dto::Recalls<'_> = decode(body)?;
    let (msgs, strict) = (dto.msgs.items, policy.strict_bodies);
    if strict && dto.msgs.is_one {
        return Err(Refusal::invalid_request_body("msgs: must be an array"));
    }
    if msgs.is_empty() {
        return Err(refused("param msgs can't be empty"));
    }
    if msgs.len() > MOST {
        return Err(refused(&format!("params msgs's size can't exceed limit {MOST}")));
    }
    let info = dto.info.unwrap_or_default();
    let items = msgs.into_iter().map(|Object(recall)| {
        let msg_id = Label::given(recall.msg_id.as_ref()).unwrap_or_default().to_owned();
        RecallItem { msg_id, recall: read(recall, &info, policy) }
    });
    Ok(items.collect())
}

fn read(dto: dto::Recall<'_>, info: &str, policy: &Policy) -> Result<Recall, Refusal> {
    let strict = policy.strict_bodies;
    let named = |label, key| -> Result<Option<String>, Refusal> {
        Ok(named(label, key, strict)?.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let Some(written_id) = named(dto.msg_id.as_ref(), "msg_id")? else {
        return Err(refused("param msg_id can't be empty"));
    };
    let kind = match dto.chat_type.as_deref() {
        None | Some("") => return Err(refused("param chat_type can't be empty")),
        Some("chat") => ConversationKind::Direct,
        Some("groupchat" | "group_chat") => ConversationKind::Group,
        Some("chatroom") => ConversationKind::Room,
        Some(_) => return Err(refused("param chat_type can only be chat, groupchat or chatroom")),
    };
    let written_to = named(dto.to.as_ref(), "to")?;
    let to = written_to.as_deref().map(|to| target(to, kind, policy)).transpose()?;
    let from = named(dto.from.as_ref(), "from")?.map(|from| Username::parse(&from)).transpose()?;
    Ok(Recall {
        msg_id: decimal_id(&written_id).map(MsgId),
        written_id,
        to,
        written_to,
        kind,
        from,
        force: dto.force.is_some_and(Flag::bool),
        sync_device: dto.sync_device.is_none_or(Flag::bool),
        info: dto.info.filter(|info| !info.is_empty()).unwrap_or_else(|| info.to_owned()),
    })
}

/// An impossible name or id is not the message's receiver.
fn target(to: &str, kind: ConversationKind, policy: &Policy) -> Result<Target, Refusal> {
    let nowhere = |_| recall_refusal(&Error::new(Reason::NotSentThere, to), policy);
    match kind {
        ConversationKind::Direct => Username::parse(to).map(|name| Target::User(UserRef::Name(name))).map_err(nowhere),
        ConversationKind::Group => group_id(to).map(|id| Target::Group(GroupId(id))).map_err(nowhere),
        ConversationKind::Room => group_id(to).map(|id| Target::Room(RoomId(id))).map_err(nowhere),
    }
}

fn refused(description: &str) -> Refusal {
    Refusal::new(400, "message_recall_error", description.to_owned())
}

/// The call-specific errors for a message that cannot be recalled; every other error keeps its general words.
pub fn recall_refusal(error: &Error, policy: &Policy) -> Refusal {
    let newer = policy.agora_recall_words;
    let words = |status, text| Refusal::new(status, "message_recall_error", text).because(error.reason());
    match error.reason() {
        Reason::MessageNotFound => words(403, "not_found msg"),
        Reason::NotSentThere if !newer => words(400, "can't find message to"),
        Reason::RecallWindowOver if newer => words(403, "exceed recall time limit"),
        _ => Refusal::from(error),
    }
}

/// A recalled message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// The receiver.
    pub to: String,
    /// The actor.
    pub from: String,
    /// The kind of its conversation.
    pub kind: ConversationKind,
}

/// The result for one message.
#[derive(Debug)]
pub struct RecallOutcome {
    /// As named by the client.
    pub msg_id: String,
    /// Or why it was not recalled.
    pub result: Result<Recalled, Refusal>,
}

impl RecallOutcome {
    fn shown(&self) -> dto::Recalled<'_> {
        match &self.result {
            Ok(Recalled { to, from, kind }) => dto::Recalled {
                recalled: "yes",
                chattype: Some(chat_type(*kind)),
                from: Some(from),
                to: Some(to),
                msg_id: &self.msg_id,
            },
            Err(refusal) => dto::Recalled {
                recalled: &refusal.description,
                chattype: None,
                from: None,
                to: None,
                msg_id: &self.msg_id,
            },
        }
    }
}

/// `chat`, `groupchat` or `chatroom`.
pub(super) const fn chat_type(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Direct => "chat",
        ConversationKind::Group => "groupchat",
        ConversationKind::Room => "chatroom",
    }
}

/// The answer of `/messages/msg_recall`.
pub fn recalled(call: &Call<'_>, timing: Timing, outcome: &RecallOutcome) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(outcome.shown()), ..call.envelope(timing) })
}

/// The answer of `/messages/batch_recall` (agora.md 5.1): a refusal has its reason in `recalled`.
pub fn batch_recalled(call: &Call<'_>, timing: Timing, outcomes: &[RecallOutcome]) -> Vec<u8> {
    let data: Vec<_> = outcomes.iter().map(RecallOutcome::shown).collect();
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer of `/messages/recall`, used by older clients: a word per message.
pub fn recall_words(call: &Call<'_>, timing: Timing, outcomes: &[RecallOutcome]) -> Vec<u8> {
    let msgs = outcomes.iter().map(|outcome| {
        let dto::Recalled { msg_id, recalled, .. } = outcome.shown();
        dto::RecallWord { msg_id, recalled }
    });
    let data = dto::RecallWords { msgs: msgs.collect() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}
