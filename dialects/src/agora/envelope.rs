//! The success and error envelopes (agora.md 1.5, 1.6, 2.4).

use serde::Serialize;
use tidings_domain::{App, ConversationId, Sent};

use super::{Refusal, Timing, dto};
use crate::json::{TextMap, bytes_of};

/// An envelope's fields from the request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The addressed app.
    pub app: &'a App,
    /// The lower-case method.
    pub action: &'a str,
    /// The path inside the app: `/messages/users`.
    pub path: &'a str,
    /// The whole URL.
    pub uri: &'a str,
}

impl<'a> Call<'a> {
    pub(super) fn envelope<D: Serialize>(&self, timing: Timing) -> dto::Envelope<'a, D> {
        dto::Envelope {
            path: self.path,
            uri: self.uri,
            timestamp: timing.timestamp,
            organization: &self.app.org,
            application: &self.app.uuid,
            action: self.action,
            params: None,
            entities: None,
            data: None,
            duration: timing.duration,
            application_name: &self.app.name,
            cursor: None,
            count: None,
            properties: None,
        }
    }
}

/// The answer to a send: each recipient, a user's folded name or a group's id, with its message's id (agora.md 1.2, 2.4).
pub fn sent(call: &Call<'_>, timing: Timing, sent: &[Sent]) -> Vec<u8> {
    each_sent(call, timing, sent, |one| one.msg_id.to_string())
}

/// The answer to the oldest form of a send, which contains no ids (agora.md 2.5).
pub fn sent_without_ids(call: &Call<'_>, timing: Timing, sent: &[Sent]) -> Vec<u8> {
    each_sent(call, timing, sent, |_| "success".to_owned())
}

fn each_sent(call: &Call<'_>, timing: Timing, sent: &[Sent], value: fn(&Sent) -> String) -> Vec<u8> {
    let key = |one: &Sent| match one.conversation {
        ConversationId::Direct(..) => one.username.to_ascii_lowercase(),
        ConversationId::Group(_) | ConversationId::Room(_) => one.receiver.to_string(),
    };
    let data = sent.iter().map(|one| (key(one), value(one))).collect::<Vec<_>>();
    bytes_of(&dto::Envelope { data: Some(TextMap(data.into())), ..call.envelope(timing) })
}

/// The error envelope.
pub fn error(refusal: &Refusal, timing: Timing) -> Vec<u8> {
    bytes_of(&dto::ErrorEnvelope {
        error: refusal.error,
        exception: &refusal.exception(),
        timestamp: timing.timestamp,
        duration: timing.duration,
        error_description: &refusal.description,
        error_code: refusal.code,
    })
}
