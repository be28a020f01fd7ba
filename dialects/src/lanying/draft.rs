//! The bodies of the calls that send, edit or recall (lanying.md 5.4 to 5.6, 6).

use tidings_domain::{Content, Draft, Error, GroupId, MsgId, Policy, Reason, Target, UserId, UserRef};

use super::{Params, Refusal, content, dto, refusal::decode};
use crate::{flag::Flag, number::Integer};

/// The name of `/message/send`, for the scope of keys.
pub const SEND_CALL: &str = "lanying/message/send";
/// The name of `/message/notify`.
pub const NOTIFY_CALL: &str = "lanying/message/notify";
/// The name of `/message/broadcast`.
pub const BROADCAST_CALL: &str = "lanying/message/broadcast";

/// A request of `/message/send`.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every one is a message")]
pub enum SendCommand {
    /// A message (content types 0 to 7).
    Message(Draft),
    /// An operation on an earlier message (content types 9 to 12).
    Operation(Operation),
}

/// An operation on the message `related_mid`.
#[derive(Debug, PartialEq)]
pub struct Operation {
    /// On whose behalf; absent: the caller.
    pub by: Option<UserId>,
    /// The conversation of the message.
    pub target: Target,
    /// The message.
    pub related: MsgId,
    /// The operation.
    pub action: OperationAction,
    /// A repetition is not executed within the window (lanying.md 6).
    pub transaction_id: Option<i64>,
}

/// The operations on an earlier message.
#[derive(Debug, PartialEq)]
pub enum OperationAction {
    /// 9: mark as read.
    ReadAck,
    /// 10: recall.
    Recall,
    /// 11: append text.
    Append(String),
    /// 12: replace the content.
    Replace(Box<Content>),
}

/// Parses the body of a send under the app's limits. Whether the sender is allowed is not checked here.
pub fn send_request(body: &[u8], policy: &Policy) -> Result<SendCommand, Refusal> {
    let send: dto::Send = decode(body)?;
    let content_type = required("content_type", send.content_type)?;
    if matches!(content_type, 9..=12) {
        return operation(content_type, send, policy).map(SendCommand::Operation);
    }
    draft(content_type, send, SEND_CALL, policy).map(SendCommand::Message)
}

/// Parses the body of a system notification (lanying.md 5.4).
pub fn notify_request(body: &[u8], policy: &Policy) -> Result<Draft, Refusal> {
    let send: dto::Send = decode(body)?;
    let content_type = required("content_type", send.content_type)?;
    let draft = draft(content_type, send, NOTIFY_CALL, policy)?;
    Ok(Draft { system: true, members_only: false, ..draft })
}

/// Parses the body of a broadcast: sender and content (lanying.md 10).
pub fn broadcast_request(body: &[u8]) -> Result<(Option<UserId>, Content), Refusal> {
    let send: dto::Send = decode(body)?;
    if !matches!(given(send.kind), None | Some(1)) {
        return Err(Refusal::bad_parameter("type", "must be 1"));
    }
    let content_type = required("content_type", send.content_type)?;
    if !matches!(content_type, 0..=6) {
        return Err(Refusal::bad_parameter("content_type", "must be from 0 to 6"));
    }
    let sender = given(send.from_user_id).map(UserId);
    Ok((sender, content::content(written(content_type, send))?))
}

/// `/message/recall`: the message and its conversation (lanying.md 5.5).
pub fn recall_request(params: &Params) -> Result<(i64, MsgId), Refusal> {
    Ok((super::conversation_of(params)?, MsgId(params.id("msg_id")?)))
}

fn draft(content_type: i64, send: dto::Send, call: &str, policy: &Policy) -> Result<Draft, Refusal> {
    let targets = targets(&send, policy)?;
    let sender = given(send.from_user_id).map(|user| UserRef::Id(UserId(user)));
    let transaction_id = given(send.transaction_id);
    let online_only = send.online_only.is_some_and(Flag::bool);
    let content = content::content(written(content_type, send))?;
    Ok(Draft { sender, online_only, members_only: true, transaction_id, ..Draft::new(call, targets, content) })
}

fn operation(content_type: i64, send: dto::Send, policy: &Policy) -> Result<Operation, Refusal> {
    let related = given(send.related_mid).filter(|id| *id > 0);
    let related =
        related.ok_or_else(|| Refusal::bad_parameter("related_mid", "is required for content types 9 to 12"))?;
    let mut targets = targets(&send, policy)?;
    let (Some(target), true) = (targets.pop(), targets.is_empty()) else {
        return Err(Refusal::bad_parameter("targets", "must be one for content types 9 to 12"));
    };
    let by = given(send.from_user_id).map(UserId);
    let transaction_id = given(send.transaction_id);
    let action = match content_type {
        9 => OperationAction::ReadAck,
        10 => OperationAction::Recall,
        11 => OperationAction::Append(send.content.ok_or_else(|| Refusal::bad_parameter("content", "is required"))?),
        _ => OperationAction::Replace(Box::new(content::content(written(0, send))?)),
    };
    Ok(Operation { by, target, related: MsgId(related), action, transaction_id })
}

fn written(content_type: i64, send: dto::Send) -> content::Written {
    content::Written {
        content_type,
        content: send.content,
        attachment: send.attachment,
        config: send.config,
        ext: send.ext,
    }
}

/// Typed clients write 0 for omitted fields.
fn given(number: Option<Integer>) -> Option<i64> {
    number.map(|Integer(n)| n).filter(|n| *n != 0)
}

fn required(field: &str, number: Option<Integer>) -> Result<i64, Refusal> {
    number.map(|Integer(n)| n).ok_or_else(|| Refusal::bad_parameter(field, "is required"))
}

fn targets(send: &dto::Send, policy: &Policy) -> Result<Vec<Target>, Refusal> {
    let target: fn(i64) -> Target = match required("type", send.kind)? {
        1 => |id| Target::User(UserRef::Id(UserId(id))),
        // Or a room: the dialect has one type for both, and only the directory knows.
        2 => |id| Target::Group(GroupId(id)),
        _ => return Err(Refusal::bad_parameter("type", "must be 1 or 2")),
    };
    let Some(ids) = send.targets.as_deref().filter(|ids| !ids.is_empty()) else {
        return Err(Refusal::bad_parameter("targets", "must not be empty"));
    };
    if ids.len() > policy.max_recipients {
        return Err(Error::new(Reason::TooManyRecipients, policy.max_recipients.to_string()).into());
    }
    if ids.iter().any(|id| id.0 < 0) {
        return Err(Refusal::bad_parameter("targets", "must not be negative"));
    }
    Ok(ids.iter().map(|id| target(id.0)).collect())
}

#[cfg(test)]
mod tests {
    use tidings_domain::{Body, Text};

    use super::*;

    fn read(body: &str) -> Result<SendCommand, Refusal> {
        send_request(body.as_bytes(), &Policy::default())
    }

    #[test]
    fn operations_name_one_message_in_one_conversation_lanying_5_6() {
        let body = r#"{"type":2,"targets":[17],"content_type":11,"content":" more","related_mid":"7"}"#;
        let request = Operation {
            by: None,
            target: Target::Group(GroupId(17)),
            related: MsgId(7),
            action: OperationAction::Append(" more".to_owned()),
            transaction_id: None,
        };
        assert_eq!(read(body), Ok(SendCommand::Operation(request)));
        for bad in [
            r#"{"type":1,"targets":[32],"content_type":9}"#,
            r#"{"type":1,"targets":[32],"content_type":10,"related_mid":0}"#,
            r#"{"type":1,"targets":[32,48],"content_type":10,"related_mid":7}"#,
            r#"{"type":1,"targets":[32],"content_type":11,"related_mid":7}"#,
            r#"{"type":1,"targets":[32],"content_type":8,"content":"x"}"#,
            r#"{"type":1,"targets":[32],"content_type":13,"content":"x"}"#,
        ] {
            assert_eq!(read(bad).unwrap_err().code, 10002, "{bad}");
        }
    }

    #[test]
    fn a_notification_is_the_systems_lanying_5_4() {
        let body = br#"{"type":2,"targets":[17],"content_type":0,"content":"hi","transaction_id":5}"#;
        let draft = notify_request(body, &Policy::default()).unwrap();
        assert!(draft.system && !draft.members_only);
        assert_eq!((draft.call.as_str(), draft.transaction_id), (NOTIFY_CALL, Some(5)));
    }

    #[test]
    fn a_broadcast_has_no_targets_and_no_forwards_lanying_10() {
        let (sender, content) = broadcast_request(br#"{"type":1,"content_type":0,"content":"all"}"#).unwrap();
        assert_eq!(sender, None);
        assert_eq!(content.body, Body::Text(Text { text: "all".to_owned() }));
        assert_eq!(broadcast_request(br#"{"type":2,"content_type":0,"content":"x"}"#).unwrap_err().code, 10002);
        assert_eq!(broadcast_request(br#"{"content_type":7,"content":"x"}"#).unwrap_err().code, 10002);
    }
}
