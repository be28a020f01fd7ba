//! Requests as they count for an idempotency key: without the keys themselves (decision 2).
//!
//! Keys are kept with a hash of these bytes, so the bytes of a request stay the same from version to version.

use std::mem::swap;

use prost::{Message as _, encoding::int64};
use tidings_domain::UnixMillis;
use tidings_proto::pb;

/// A send; empty where it has no key.
pub(super) fn send(request: &pb::SendRequest) -> Vec<u8> {
    if request.idempotency_key.is_empty() {
        return Vec::new();
    }
    let without = pb::SendRequest { idempotency_key: String::new(), transaction_id: 0, ..request.clone() };
    without.encode_to_vec()
}

/// The number of a former field: the time of an import in milliseconds.
const SENT_AT_MS: u32 = 4;

/// An import whose key is gone already, and its time. The time is between the fields around it, as it always was.
pub(super) fn import(request: pb::ImportRequest, sent_at: Option<UnixMillis>) -> Vec<u8> {
    let mut before = pb::ImportRequest::default();
    let mut after = pb::ImportRequest { sent_at: None, ..request };
    swap(&mut before.sender, &mut after.sender);
    swap(&mut before.target, &mut after.target);
    swap(&mut before.content, &mut after.content);
    let mut canonical = before.encode_to_vec();
    if let Some(sent_at) = sent_at {
        int64::encode(SENT_AT_MS, &sent_at.0, &mut canonical);
    }
    after.encode_raw(&mut canonical);
    canonical
}

#[cfg(test)]
mod tests {
    use tidings_proto::timestamp;

    use super::*;

    /// The request when its time was a number.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Former {
        #[prost(message, optional, tag = "1")]
        sender: Option<pb::UserRef>,
        #[prost(message, optional, tag = "2")]
        target: Option<pb::Target>,
        #[prost(message, optional, tag = "3")]
        content: Option<pb::Content>,
        #[prost(int64, tag = "4")]
        sent_at_ms: i64,
        #[prost(bool, tag = "5")]
        countable: bool,
        #[prost(string, tag = "7")]
        call: String,
        #[prost(bool, tag = "8")]
        accept_unknown_names: bool,
        #[prost(string, tag = "9")]
        fetch_into: String,
    }

    #[test]
    fn an_import_that_is_repeated_after_an_upgrade_is_the_same() {
        let at = UnixMillis(1_795_336_383_948);
        let request = pb::ImportRequest {
            sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(16)) }),
            target: Some(pb::Target { target: Some(pb::target::Target::UserId(32)) }),
            content: Some(pb::Content { config: Some("{}".to_owned()), ..Default::default() }),
            sent_at: Some(timestamp(at)),
            countable: true,
            call: "agora/import".to_owned(),
            accept_unknown_names: true,
            fetch_into: "h".to_owned(),
            ..Default::default()
        };
        let former = |sent_at_ms| Former {
            sender: request.sender.clone(),
            target: request.target.clone(),
            content: request.content.clone(),
            sent_at_ms,
            countable: request.countable,
            call: request.call.clone(),
            accept_unknown_names: request.accept_unknown_names,
            fetch_into: request.fetch_into.clone(),
        };
        assert_eq!(import(request.clone(), Some(at)), former(at.0).encode_to_vec());
        assert_eq!(import(request.clone(), None), former(0).encode_to_vec());
    }
}
