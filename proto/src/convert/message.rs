//! Messages and the calls that send them.

use tidings_domain::{
    Delivery, Draft, Error, GroupId, Message, MsgId, Priority, RoomId, Sent, Target, UserId, UserRef, Username,
};

use super::{id, moment, moment_if_set, required, timestamp};
use crate::pb;

impl From<UserRef> for pb::UserRef {
    fn from(user: UserRef) -> Self {
        let user = match user {
            UserRef::Id(user) => pb::user_ref::User::UserId(user.0),
            UserRef::Name(name) => pb::user_ref::User::Username(name.written().to_owned()),
        };
        Self { user: Some(user) }
    }
}

impl TryFrom<pb::UserRef> for UserRef {
    type Error = Error;

    fn try_from(wire: pb::UserRef) -> Result<Self, Error> {
        match required("user", wire.user)? {
            pb::user_ref::User::UserId(user) => Ok(Self::Id(UserId(id("user_id", user)?))),
            pb::user_ref::User::Username(name) => Ok(Self::Name(Username::parse(&name)?)),
        }
    }
}

impl From<Target> for pb::Target {
    fn from(target: Target) -> Self {
        let target = match target {
            Target::User(UserRef::Id(user)) => pb::target::Target::UserId(user.0),
            Target::User(UserRef::Name(name)) => pb::target::Target::Username(name.written().to_owned()),
            Target::Group(group) => pb::target::Target::GroupId(group.0),
            Target::Room(room) => pb::target::Target::RoomId(room.0),
        };
        Self { target: Some(target) }
    }
}

impl TryFrom<pb::Target> for Target {
    type Error = Error;

    fn try_from(wire: pb::Target) -> Result<Self, Error> {
        match required("targets", wire.target)? {
            pb::target::Target::UserId(user) => Ok(Self::User(UserRef::Id(UserId(id("targets.user_id", user)?)))),
            pb::target::Target::Username(name) => Ok(Self::User(UserRef::Name(Username::parse(&name)?))),
            pb::target::Target::GroupId(group) => Ok(Self::Group(GroupId(id("targets.group_id", group)?))),
            pb::target::Target::RoomId(room) => Ok(Self::Room(RoomId(id("targets.room_id", room)?))),
        }
    }
}

impl From<Draft> for pb::SendRequest {
    fn from(draft: Draft) -> Self {
        Self {
            sender: draft.sender.map(Into::into),
            targets: draft.targets.into_iter().map(Into::into).collect(),
            content: Some(draft.content.into()),
            idempotency_key: draft.idempotency_key.unwrap_or_default(),
            transaction_id: draft.transaction_id.unwrap_or_default(),
            call: draft.call,
            accept_unknown_names: draft.accept_unknown_names,
            system: draft.system,
            online_only: draft.online_only,
            members_only: draft.members_only,
            audience: draft.audience.into_iter().map(Into::into).collect(),
            hidden_from: draft.hidden_from.into_iter().map(Into::into).collect(),
            delivery: delivery_to_wire(draft.delivery),
        }
    }
}

/// Maximum length of an idempotency key, in bytes.
const MAX_KEY: usize = 255;
/// The default name of the call.
const GRPC_SEND: &str = "grpc/send";

/// A key from the wire, where empty means none.
pub fn idempotency_key(wire: String) -> Result<Option<String>, Error> {
    if wire.len() > MAX_KEY || !wire.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(Error::invalid("idempotency_key", "must be at most 255 visible ASCII characters"));
    }
    Ok(Some(wire).filter(|key| !key.is_empty()))
}

/// For the wire; absent if everything is default.
pub fn delivery_to_wire(delivery: Delivery) -> Option<pb::Delivery> {
    let priority = match delivery.priority {
        Priority::High => pb::Priority::High,
        Priority::Normal => pb::Priority::Unspecified,
        Priority::Low => pb::Priority::Low,
    };
    let Delivery { sync_device, need_ack, .. } = delivery;
    (delivery != Delivery::default()).then(|| pb::Delivery { sync_device, need_ack, priority: priority.into() })
}

/// The inverse: delivery options from the wire; absent means the defaults.
pub fn delivery_from_wire(wire: Option<pb::Delivery>) -> Delivery {
    let Some(wire) = wire else {
        return Delivery::default();
    };
    let priority = match wire.priority() {
        pb::Priority::High => Priority::High,
        pb::Priority::Normal | pb::Priority::Unspecified => Priority::Normal,
        pb::Priority::Low => Priority::Low,
    };
    Delivery { sync_device: wire.sync_device, need_ack: wire.need_ack, priority }
}

/// Maximum number of users of an audience, and of users that a message is hidden from (agora.md 2.1, 2.6).
const MAX_NAMED: usize = 20;

fn named(field: &str, wire: Vec<pb::UserRef>) -> Result<Vec<UserRef>, Error> {
    if wire.len() > MAX_NAMED {
        return Err(Error::invalid(field, format!("must have at most {MAX_NAMED}")));
    }
    wire.into_iter().map(TryInto::try_into).collect()
}

impl TryFrom<pb::SendRequest> for Draft {
    type Error = Error;

    fn try_from(wire: pb::SendRequest) -> Result<Self, Error> {
        if wire.targets.is_empty() {
            return Err(Error::invalid("targets", "must not be empty"));
        }
        let targets: Result<Vec<Target>, Error> = wire.targets.into_iter().map(TryInto::try_into).collect();
        Ok(Self {
            sender: wire.sender.map(TryInto::try_into).transpose()?,
            targets: targets?,
            content: required("content", wire.content)?.try_into()?,
            system: wire.system,
            online_only: wire.online_only,
            members_only: wire.members_only,
            accept_unknown_names: wire.accept_unknown_names,
            audience: named("audience", wire.audience)?,
            hidden_from: named("hidden_from", wire.hidden_from)?,
            delivery: delivery_from_wire(wire.delivery),
            call: if wire.call.is_empty() { GRPC_SEND.to_owned() } else { wire.call },
            idempotency_key: idempotency_key(wire.idempotency_key)?,
            transaction_id: Some(wire.transaction_id).filter(|id| *id != 0),
        })
    }
}

impl From<Sent> for pb::Sent {
    fn from(sent: Sent) -> Self {
        Self {
            receiver_id: sent.receiver,
            conversation: Some(sent.conversation.into()),
            msg_id: sent.msg_id.0,
            seq: sent.seq,
            username: sent.username,
        }
    }
}

impl TryFrom<pb::Sent> for Sent {
    type Error = Error;

    fn try_from(wire: pb::Sent) -> Result<Self, Error> {
        Ok(Self {
            receiver: wire.receiver_id,
            conversation: required("sent.conversation", wire.conversation)?.try_into()?,
            msg_id: MsgId(wire.msg_id),
            seq: wire.seq,
            username: wire.username,
        })
    }
}

impl From<Message> for pb::Message {
    fn from(message: Message) -> Self {
        Self {
            conversation: Some(message.conversation.into()),
            msg_id: message.msg_id.0,
            seq: message.seq,
            sender_id: message.sender.0,
            sent_at: Some(timestamp(message.sent_at)),
            content: Some(message.content.into()),
            countable: message.countable,
            system: message.system,
            edited_at: message.edited_at.map(timestamp),
            edits: message.edits,
            audience_ids: message.audience.into_iter().map(|user| user.0).collect(),
            delivery: delivery_to_wire(message.delivery),
            imported: message.imported,
        }
    }
}

impl TryFrom<pb::Message> for Message {
    type Error = Error;

    fn try_from(wire: pb::Message) -> Result<Self, Error> {
        Ok(Self {
            conversation: required("message.conversation", wire.conversation)?.try_into()?,
            msg_id: MsgId(wire.msg_id),
            seq: wire.seq,
            sender: UserId(wire.sender_id),
            sent_at: moment("message.sent_at", wire.sent_at)?,
            content: required("message.content", wire.content)?.try_into()?,
            countable: wire.countable,
            system: wire.system,
            edited_at: moment_if_set("message.edited_at", wire.edited_at)?,
            edits: wire.edits,
            audience: wire.audience_ids.into_iter().map(UserId).collect(),
            delivery: delivery_from_wire(wire.delivery),
            imported: wire.imported,
        })
    }
}
