//! One call to append, and its answer.

use serde::{Deserialize, Serialize};
use tidings_domain::{AppId, ConversationId, Error, MsgId, Reason, Sent, UnixMillis, UserId};

use super::LANES;
use crate::{
    content::StoredContent,
    origin::Origin,
    row_options::Flags,
    store::key::{Answered, NewKey},
};

/// One content for one or many conversations of an app; appended whole or not at all.
#[derive(Debug)]
pub struct Call {
    pub app: AppId,
    pub sender: UserId,
    /// The app itself calls, whatever sender it names.
    pub by_app: bool,
    /// Distinct conversations, in the order of first mention.
    pub places: Vec<AppendTarget>,
    pub content: StoredContent,
    pub countable: bool,
    pub flags: Flags,
    /// See [`crate::row_options`].
    pub delivery: Option<String>,
    /// Users from whom the messages are hidden.
    pub hidden_from: Vec<UserId>,
    /// The origin of the call.
    pub origin: Origin,
    /// What happens to its messages.
    pub disposition: Disposition,
    /// Present: the message was imported from another system, with that time.
    pub sent_at: Option<UnixMillis>,
    pub key: Option<NewKey>,
    pub accepted_at: UnixMillis,
}

/// What happens to the messages of a call. A body is event data: see [`StoredContent::to_json`].
#[derive(Debug)]
pub enum Disposition {
    /// They are appended to the log.
    Kept,
    /// They are sent to those who are online, by an event each.
    Online { body: String },
    /// The call is answered with an error. If there is a body, there is an event for each target.
    Refused { error: Refused, body: Option<String> },
}

impl Disposition {
    pub const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept)
    }
}

/// An error that is recorded under the call's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub subject: String,
}

impl Refused {
    /// Refusals of well-formed, authorized calls (decision 37); any other error is returned unchanged.
    pub fn of(error: Error) -> Result<Self, Error> {
        match error.reason() {
            Reason::BlockedByReceiver
            | Reason::NotAContact
            | Reason::Muted
            | Reason::GroupMuted
            | Reason::UserMuted
            | Reason::NotGroupMember
            | Reason::GroupDisabled
            | Reason::GroupNotFound
            | Reason::UserDisabled
            | Reason::UserNotFound => Ok(Self { reason: error.reason(), subject: error.subject().to_owned() }),
            _ => Err(error),
        }
    }

    /// As in events: the reason's name, and the detail after a space.
    pub fn event_text(&self) -> String {
        let name = self.reason.words().name;
        if self.subject.is_empty() { name.to_owned() } else { format!("{name} {}", self.subject) }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(refused.reason, refused.subject)
    }
}

/// The target of one of the messages.
#[derive(Debug, Clone)]
pub struct AppendTarget {
    pub conversation: ConversationId,
    /// The user, group or room.
    pub receiver: i64,
    /// The target's name in the request; empty when given by id.
    pub username: String,
    /// Nothing is sent there, although the sender gets the normal answer.
    pub discarded: bool,
}

impl Call {
    /// The time in the ids of imported messages: when they were sent, or now if the other system's clock is ahead of
    /// ours. No id is in the future, since the next ones must be above it.
    pub fn imported_at(&self) -> Option<UnixMillis> {
        self.sent_at.map(|sent_at| sent_at.min(self.accepted_at))
    }

    /// The lane of the first conversation: a hint for choosing the writer.
    pub fn lane(&self) -> i64 {
        self.places.first().map_or(0, |place| lane(place.conversation))
    }
}

/// The event lane of a conversation. Part of the stored format: never change it.
pub fn lane(conversation: ConversationId) -> i64 {
    let (a, b) = conversation.key();
    // Generated ids are multiples of 16, so the low bits alone would map everything to one lane.
    let mixed = (a.wrapping_mul(31).wrapping_add(b) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as i64 % LANES
}

/// The answer to a call: a pure function of what its transaction stored (decision 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub sent: Vec<Sent>,
    pub accepted_at: UnixMillis,
    pub committed_at: UnixMillis,
    /// Present: an error is returned.
    pub refused: Option<Refused>,
}

/// Receiver, conv_a, conv_b, msg_id, seq, username.
type StoredSent = (i64, i64, i64, i64, i64, String);

#[derive(Serialize, Deserialize)]
struct StoredReply {
    accepted_at: i64,
    committed_at: i64,
    sent: Vec<StoredSent>,
    /// The reason's name, and the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<(String, String)>,
}

impl Reply {
    /// Serialized for the row of its key.
    pub fn write(&self) -> Result<String, Error> {
        let sent = self.sent.iter().map(|sent| {
            let (a, b) = sent.conversation.key();
            (sent.receiver, a, b, sent.msg_id.0, sent.seq, sent.username.clone())
        });
        let refused = self.refused.as_ref();
        let stored = StoredReply {
            accepted_at: self.accepted_at.0,
            committed_at: self.committed_at.0,
            sent: sent.collect(),
            refused: refused.map(|refused| (refused.reason.words().name.to_owned(), refused.subject.clone())),
        };
        serde_json::to_string(&stored).map_err(Error::internal)
    }

    /// The first answer again, or a conflict (decision 2).
    pub fn repeated(new: &NewKey, answered: &Answered) -> Result<Self, Error> {
        new.check_same(answered)?;
        Self::read(&answered.reply)?.or_refused()
    }

    /// The reply, unless it is an error.
    pub fn or_refused(self) -> Result<Self, Error> {
        match self.refused {
            Some(refused) => Err(Error::from(refused).recorded(self.accepted_at, self.committed_at)),
            None => Ok(self),
        }
    }

    /// The messages of a stored reply that are in the log: the conversation's key, and the id. Replies of other calls
    /// have none.
    pub fn kept(text: &str) -> Vec<((i64, i64), i64)> {
        let sent = serde_json::from_str(text).map_or_else(|_| Vec::new(), |stored: StoredReply| stored.sent);
        // A message that was not kept has no number.
        sent.into_iter().filter(|sent| sent.4 > 0).map(|(_, a, b, msg_id, ..)| ((a, b), msg_id)).collect()
    }

    /// Parsed from the row of its key.
    fn read(text: &str) -> Result<Self, Error> {
        let stored: StoredReply = serde_json::from_str(text).map_err(Error::internal)?;
        let sent = stored.sent.into_iter().map(|(receiver, a, b, msg_id, seq, username)| Sent {
            receiver,
            conversation: ConversationId::from_key(a, b),
            msg_id: MsgId(msg_id),
            seq,
            username,
        });
        let refused = stored.refused.map(|(name, subject)| {
            let reason = Reason::from_name(&name).ok_or_else(|| Error::internal(format!("{name} is no reason")))?;
            Ok::<_, Error>(Refused { reason, subject })
        });
        Ok(Self {
            sent: sent.collect(),
            accepted_at: UnixMillis(stored.accepted_at),
            committed_at: UnixMillis(stored.committed_at),
            refused: refused.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_of_generated_ids_spread_over_the_lanes() {
        let mut seen = [0; LANES as usize];
        for n in 0..400 {
            seen[lane(ConversationId::direct(UserId::generated(n), UserId::generated(n + 1))) as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
    }
}
