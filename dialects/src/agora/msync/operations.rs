//! Operations of a client, and their error texts.

use prost::Message as _;
use tidings_domain::{
    Content, Delivery, Draft, Error, GroupId, JsonText, MsgId, Policy, Priority, Reason, RoomId, Target, UserRef,
    Username, decimal_id,
};

use super::{
    content::content_from,
    ext::ext_object,
    frames::{Outcome, Queue},
    pb::{
        Jid, KeyValue, MessageBody, Meta, MucBody, RosterBody, key_value,
        message_body::{EditScope, Type},
        meta::{NameSpace, RouteType},
        muc_body, roster_body,
        status::ErrorCode,
    },
};
use crate::agora::{Addressing, Refusal, body::body_from, draft::check_sizes, dto};

/// An operation of a client.
#[derive(Debug)]
pub enum Operation {
    /// Sends a message.
    Send(Box<Draft>),
    /// Recalls a message.
    Recall {
        /// Which one.
        msg_id: MsgId,
        /// The app's own text for the receivers.
        info: String,
    },
    /// Replaces the content of a message.
    Edit {
        /// Which one.
        msg_id: MsgId,
        /// The new content.
        content: Box<Content>,
    },
    /// The user has read everything up to a message.
    Read {
        /// Up to this one.
        msg_id: MsgId,
        /// Of which conversation.
        queue: Queue,
    },
    /// The user has read a whole conversation.
    ReadAll(Queue),
    /// The device has a message.
    Delivered {
        /// Which one.
        msg_id: MsgId,
        /// Of which conversation.
        queue: Queue,
    },
    /// The user enters a room.
    EnterRoom {
        /// Which one.
        room: RoomId,
        /// Whether the user leaves all others.
        leaves_others: bool,
    },
    /// The user leaves a room.
    LeaveRoom(RoomId),
    /// Something between the user and others.
    Roster {
        /// What.
        action: RosterAction,
        /// With whom.
        users: Vec<Username>,
        /// What the user wrote.
        text: String,
    },
    /// Says something about the client, which the server does not need.
    Statistics,
}

/// What a user does about another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RosterAction {
    /// Asks them to become a contact.
    Ask,
    /// Removes a contact.
    Remove,
    /// Accepts their request.
    Accept,
    /// Declines it.
    Decline,
    /// Puts them on the block list.
    Block,
    /// Takes them off it.
    Unblock,
}

/// Maximum number of users of one operation on contacts.
const MOST_CONTACTS: usize = 20;
/// Maximum number of receivers of a directed message (agora.md 2.6).
const MOST_DIRECTED: usize = 20;

/// Reads an operation, under the app's limits.
pub fn operation(meta: &Meta, policy: &Policy) -> Result<Operation, Outcome> {
    let payload = meta.payload.as_deref().unwrap_or_default();
    match meta.ns() {
        NameSpace::Chat => {
            let body = MessageBody::decode(payload).map_err(|_| unreadable())?;
            chat(meta, &body, policy)
        }
        NameSpace::Muc => {
            let body = MucBody::decode(payload).map_err(|_| unreadable())?;
            of_room(&body)
        }
        NameSpace::Statistic => Ok(Operation::Statistics),
        NameSpace::Roster => roster(&RosterBody::decode(payload).map_err(|_| unreadable())?),
        NameSpace::Conference | NameSpace::Notify | NameSpace::Query => Err(unsupported()),
    }
}

fn chat(meta: &Meta, body: &MessageBody, policy: &Policy) -> Result<Operation, Outcome> {
    let to = Receiver::of(meta, body);
    match body.kind() {
        Type::Normal | Type::Chat | Type::Groupchat | Type::Chatroom => {
            let draft = draft(meta, body, policy, &to).map_err(|refusal| outcome_of(&refusal, CommandKind::Send))?;
            Ok(Operation::Send(Box::new(draft)))
        }
        Type::Recall => {
            let msg_id = msg_id(body.ack_message_id)?;
            Ok(Operation::Recall { msg_id, info: text_in(&meta.ext, dto::RECALL_INFO).unwrap_or_default() })
        }
        Type::Edit => {
            let msg_id = msg_id(body.edit_message_id)?;
            let mut body = body.clone();
            if body.edit_scope.is_some() && body.edit_scope() == EditScope::Body {
                body.ext.clear();
            }
            let content = content(&body, policy).map_err(|refusal| outcome_of(&refusal, CommandKind::Edit))?;
            Ok(Operation::Edit { msg_id, content: Box::new(content) })
        }
        Type::ReadAck => Ok(Operation::Read { msg_id: msg_id(body.ack_message_id)?, queue: to.queue() }),
        Type::ChannelAck => Ok(Operation::ReadAll(to.queue())),
        Type::DeliverAck => Ok(Operation::Delivered { msg_id: msg_id(body.ack_message_id)?, queue: to.queue() }),
    }
}

fn of_room(body: &MucBody) -> Result<Operation, Outcome> {
    let name = body.muc_id.as_ref().and_then(|jid| jid.name.as_deref()).unwrap_or_default();
    let room = decimal_id(name).map(RoomId);
    let room = room.ok_or_else(|| Outcome::failed(ErrorCode::Fail, "group ID illegal, please check it"));
    match body.operation() {
        muc_body::Operation::Join => Ok(Operation::EnterRoom { room: room?, leaves_others: body.leave_other_rooms() }),
        muc_body::Operation::Leave => Ok(Operation::LeaveRoom(room?)),
        // Everything else about groups and rooms is a REST call.
        _ => Err(unsupported()),
    }
}

/// Older clients do this here, newer ones over REST.
fn roster(body: &RosterBody) -> Result<Operation, Outcome> {
    use roster_body::Operation as Wire;
    let action = match body.operation() {
        Wire::Add => RosterAction::Ask,
        Wire::Remove => RosterAction::Remove,
        Wire::Accept => RosterAction::Accept,
        Wire::Decline => RosterAction::Decline,
        Wire::Ban => RosterAction::Block,
        Wire::Allow => RosterAction::Unblock,
        Wire::GetRoster | Wire::GetBlacklist | Wire::RemoteAccept | Wire::RemoteDecline => return Err(unsupported()),
    };
    if !(1..=MOST_CONTACTS).contains(&body.to.len()) {
        return Err(Outcome::failed(ErrorCode::WrongParameter, format!("to: must be 1 to {MOST_CONTACTS} users")));
    }
    let name = |jid: &Jid| Username::parse(jid.name.as_deref().unwrap_or_default());
    let users = body.to.iter().map(name).collect::<Result<_, _>>();
    let users = users.map_err(|error| Outcome::failed(ErrorCode::WrongParameter, format!("to: {error}")))?;
    Ok(Operation::Roster { action, users, text: body.reason.clone().unwrap_or_default() })
}

fn unreadable() -> Outcome {
    Outcome::failed(ErrorCode::PbParserError, "the payload is not a message of its name space")
}

fn unsupported() -> Outcome {
    let outcome = Outcome::failed(ErrorCode::UnknownCommand, "this operation is not made over this connection");
    outcome.because(Reason::CallNotFound)
}

fn msg_id(id: Option<u64>) -> Result<MsgId, Outcome> {
    let id = id.and_then(|id| i64::try_from(id).ok()).filter(|id| *id > 0);
    id.map(MsgId).ok_or_else(|| Outcome::failed(ErrorCode::Fail, NO_MESSAGE))
}

/// The receiver of an operation.
struct Receiver<'a> {
    name: &'a str,
    addressing: Addressing,
}

impl<'a> Receiver<'a> {
    fn of(meta: &'a Meta, body: &'a MessageBody) -> Self {
        let name_of = |jid: &'a Option<Jid>| jid.as_ref().and_then(|jid| jid.name.as_deref()).unwrap_or_default();
        let name = Some(name_of(&meta.to)).filter(|name| !name.is_empty()).unwrap_or_else(|| name_of(&body.to));
        let is_group = [&meta.to, &body.to].into_iter().flatten();
        let mut domains = is_group.filter_map(|jid| jid.domain.as_deref());
        let addressing = match body.kind() {
            Type::Groupchat => Addressing::Groups,
            Type::Chatroom => Addressing::Rooms,
            Type::Chat => Addressing::Users,
            _ if domains.any(|domain| domain.starts_with("conference")) => Addressing::Groups,
            _ => Addressing::Users,
        };
        Self { name, addressing }
    }

    fn queue(&self) -> Queue {
        Queue { name: self.name.to_ascii_lowercase(), is_group: !matches!(self.addressing, Addressing::Users) }
    }

    fn target(&self) -> Result<Target, Error> {
        let group = || decimal_id(self.name).ok_or_else(|| Error::new(Reason::GroupNotFound, self.name));
        Ok(match self.addressing {
            Addressing::Groups | Addressing::GroupMembers => Target::Group(GroupId(group()?)),
            Addressing::Rooms | Addressing::RoomMembers => Target::Room(RoomId(group()?)),
            Addressing::Users => Target::User(UserRef::Name(Username::parse(self.name)?)),
        })
    }
}

/// The same limits as for a send over REST.
fn draft(meta: &Meta, body: &MessageBody, policy: &Policy, to: &Receiver<'_>) -> Result<Draft, Refusal> {
    let target = to.target()?;
    let content = content(body, policy)?;
    let is_directed = !meta.directed_users.is_empty() && !matches!(target, Target::User(_));
    let addressing = match to.addressing {
        Addressing::Groups if is_directed => Addressing::GroupMembers,
        Addressing::Rooms if is_directed => Addressing::RoomMembers,
        plain => plain,
    };
    if is_directed && meta.directed_users.len() > MOST_DIRECTED {
        return Err(Error::new(Reason::TooManyRecipients, MOST_DIRECTED.to_string()).into());
    }
    let directed = meta.directed_users.iter().filter(|_| is_directed);
    let audience = directed.map(|name| Username::parse(name).map(UserRef::Name)).collect::<Result<_, _>>()?;
    Ok(Draft {
        accept_unknown_names: true,
        online_only: meta.routetype() == RouteType::Online,
        audience,
        delivery: Delivery {
            sync_device: true,
            need_ack: body.msg_config.as_ref().and_then(|config| config.allow_group_ack).unwrap_or_default(),
            priority: priority(&meta.ext),
        },
        ..Draft::new(addressing.call(), vec![target], content)
    })
}

fn content(body: &MessageBody, policy: &Policy) -> Result<Content, Refusal> {
    let wire = body.contents.first().ok_or_else(|| Refusal::invalid_request_body("contents: is required"))?;
    let ext = (!body.ext.is_empty()).then(|| ext_object(&body.ext));
    let unreadable = |_| Refusal::invalid_request_body("ext: is not valid");
    let ext = ext.map(|ext| JsonText::parse(&ext)).transpose().map_err(unreadable)?;
    let content = content_from(wire, ext.clone())?;
    let written = JsonText::parse(&body_from(&content).1).map_err(unreadable)?;
    check_sizes(&written, ext.as_ref(), policy)?;
    Ok(content)
}

fn priority(ext: &[KeyValue]) -> Priority {
    let level = ext.iter().find(|entry| entry.key.as_deref() == Some(dto::ROOM_PRIORITY));
    match level.and_then(|entry| entry.value.as_ref()) {
        Some(key_value::Value::Varint(0)) => Priority::High,
        Some(key_value::Value::Varint(2)) => Priority::Low,
        _ => Priority::Normal,
    }
}

fn text_in(ext: &[KeyValue], key: &str) -> Option<String> {
    let entry = ext.iter().find(|entry| entry.key.as_deref() == Some(key))?;
    match entry.value.as_ref()? {
        key_value::Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The kind of command, since the text for a reason depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// A message is sent, or an acknowledgement.
    Send,
    /// A message is recalled.
    Recall,
    /// A message is edited.
    Edit,
    /// A room is entered or left.
    Room,
}

const NO_MESSAGE: &str = "Sorry, message does not exist";

/// A refusal as clients switch on it (msync.md 6).
pub fn outcome_of(refusal: &Refusal, asked: CommandKind) -> Outcome {
    use ErrorCode::{Fail, ImForbidden, PermissionDenied, PermissionDeniedExternal, Unauthorized, UserMuted};
    let words = refusal.description.as_ref();
    let (code, reason) = match refusal.reason {
        Reason::Muted => (UserMuted, "you were muted"),
        Reason::GroupMuted => (Fail, "not in group or chatroom white list"),
        Reason::UserMuted => (PermissionDenied, "user is mute"),
        Reason::RefusedByHook => (PermissionDeniedExternal, words),
        Reason::TextBlocked => (Fail, "blocked by content moderation"),
        Reason::BlockedByReceiver => (Fail, "blocked"),
        Reason::NotAContact => (Fail, "nonroster"),
        Reason::UserNotFound if asked == CommandKind::Send => (Fail, "the username doesn't exist!"),
        Reason::GroupNotFound if asked != CommandKind::Room => (Fail, "group not found"),
        Reason::NotGroupMember => (Fail, "not in group or chatroom"),
        Reason::GroupDisabled if asked == CommandKind::Room => {
            (Fail, "can not operate this group, reason: group is disabled")
        }
        Reason::GroupDisabled => (Fail, "group is disabled"),
        Reason::GroupFull => (Fail, "group member list is full!"),
        Reason::OnGroupBlockList => (Fail, "can not join this group, reason: the user is in the blacklist"),
        Reason::RecallWindowOver => (Fail, "exceed recall time limit"),
        Reason::MessageNotFound => (Fail, NO_MESSAGE),
        Reason::EditsExhausted => (Fail, "Sorry, edit limit reached"),
        Reason::NotPermitted => (Fail, "Sorry, You do not have permission"),
        Reason::TooManyRecipients => (Fail, "limit directed users"),
        Reason::InvalidArgument if asked == CommandKind::Edit => (Fail, "Sorry, format is incorrect"),
        Reason::MessageTooLarge => (PermissionDenied, "Sorry, data is too large"),
        Reason::RateReached | Reason::QuotaReached => (PermissionDenied, "traffic limit"),
        Reason::AppDisabled => (ImForbidden, words),
        Reason::UserDisabled => (Unauthorized, words),
        _ => (Fail, words),
    };
    Outcome::failed(code, reason).because(refusal.reason)
}

/// Why a login is refused.
pub fn login_outcome(error: &Error) -> Outcome {
    let (code, reason) = match error.reason() {
        Reason::TokenExpired => (ErrorCode::Fail, "Sorry, token expired".into()),
        Reason::UserNotFound => (ErrorCode::Fail, "Sorry, user not found".into()),
        Reason::AppDisabled | Reason::UserDisabled => {
            (ErrorCode::ImForbidden, Refusal::from(error).description.into_owned())
        }
        reason if reason.is_transient() => (ErrorCode::Fail, Refusal::from(error).description.into_owned()),
        Reason::InvalidArgument => (ErrorCode::WrongParameter, error.to_string()),
        _ => (ErrorCode::Fail, "Sorry, token or password does not match login info".into()),
    };
    Outcome::failed(code, reason).because(error.reason())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agora::msync::pb::message_body::{Content as WireContent, content};

    fn meta(kind: Type, change: impl FnOnce(&mut Meta, &mut MessageBody)) -> Meta {
        let text =
            WireContent { kind: Some(content::Type::Text.into()), text: Some("hi".into()), ..Default::default() };
        let mut body = MessageBody { kind: Some(kind.into()), contents: vec![text], ..MessageBody::default() };
        let to = Jid { name: Some("17".to_owned()), ..Jid::default() };
        let mut meta = Meta { id: Some(7), to: Some(to), ns: Some(NameSpace::Chat.into()), ..Meta::default() };
        change(&mut meta, &mut body);
        Meta { payload: Some(body.encode_to_vec()), ..meta }
    }

    fn sent(meta: &Meta) -> Draft {
        match operation(meta, &Policy::default()) {
            Ok(Operation::Send(draft)) => *draft,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_goes_to_whom_its_type_says() {
        let user = Target::User(UserRef::Name(Username::parse("17").unwrap()));
        for (kind, target) in [
            (Type::Chat, user.clone()),
            (Type::Normal, user),
            (Type::Groupchat, Target::Group(GroupId(17))),
            (Type::Chatroom, Target::Room(RoomId(17))),
        ] {
            assert_eq!(sent(&meta(kind, |_, _| {})).targets, [target], "{kind:?}");
        }
    }

    #[test]
    fn directed_and_online_only_messages_are_such() {
        let directed = sent(&meta(Type::Groupchat, |meta, _| meta.directed_users = vec!["omar".to_owned()]));
        assert_eq!(directed.audience.len(), 1);
        assert!(sent(&meta(Type::Chat, |meta, _| meta.routetype = Some(RouteType::Online.into()))).online_only);
        let many = meta(Type::Groupchat, |meta, _| meta.directed_users = vec!["omar".to_owned(); 21]);
        let outcome = operation(&many, &Policy::default()).unwrap_err();
        let refused = Outcome::failed(ErrorCode::Fail, "limit directed users");
        assert_eq!(outcome, refused.because(Reason::TooManyRecipients));
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_in_the_clients_words() {
        let no_id = operation(&meta(Type::Recall, |_, _| {}), &Policy::default()).unwrap_err();
        assert_eq!(no_id, Outcome::failed(ErrorCode::Fail, NO_MESSAGE));
        let large = meta(Type::Chat, |_, body| body.contents[0].text = Some("x".repeat(200_000)));
        let outcome = operation(&large, &Policy::default()).unwrap_err();
        let refused = Outcome::failed(ErrorCode::PermissionDenied, "Sorry, data is too large");
        assert_eq!(outcome, refused.because(Reason::MessageTooLarge));
        let query = Meta { ns: Some(NameSpace::Query.into()), ..Meta::default() };
        assert_eq!(operation(&query, &Policy::default()).unwrap_err(), unsupported());
    }

    #[test]
    fn what_is_between_contacts_names_one_to_twenty_users() {
        let of = |operation: roster_body::Operation, names: &[&str]| {
            let to = names.iter().map(|name| Jid { name: Some((*name).to_owned()), ..Jid::default() }).collect();
            let reason = Some("hi".to_owned());
            let body = RosterBody { operation: Some(operation.into()), to, reason, ..RosterBody::default() };
            let ns = Some(NameSpace::Roster.into());
            super::operation(&Meta { ns, payload: Some(body.encode_to_vec()), ..Meta::default() }, &Policy::default())
        };
        let Ok(Operation::Roster { action, users, text }) = of(roster_body::Operation::Add, &["omar"]) else {
            panic!("a request")
        };
        assert_eq!((action, users[0].folded(), text.as_str()), (RosterAction::Ask, "omar", "hi"));
        assert!(matches!(of(roster_body::Operation::Ban, &[]), Err(Outcome { .. })));
        assert!(of(roster_body::Operation::Ban, &["a"; 21]).is_err());
        assert!(of(roster_body::Operation::Accept, &["not a name"]).is_err());
        assert_eq!(of(roster_body::Operation::RemoteAccept, &["omar"]).unwrap_err(), unsupported());
    }
}
