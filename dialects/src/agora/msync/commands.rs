//! The names of what clients ask for, from a fixed list: they are labels of metrics.

use prost::Message as _;

use super::{
    frames::Frame,
    operations::Operation,
    pb::{MessageBody, Meta, MucBody, message_body::Type, meta::NameSpace, muc_body},
};

/// The first packet.
pub const LOGIN: &str = "login";

const SEND: &str = "send";
const RECALL: &str = "recall";
const EDIT: &str = "edit";
const READ: &str = "read";
const READ_ALL: &str = "read_all";
const DELIVERED: &str = "delivered";
const ENTER_ROOM: &str = "enter_room";
const LEAVE_ROOM: &str = "leave_room";
const CONTACTS: &str = "contacts";
const STATISTICS: &str = "statistics";
const OTHER: &str = "other";

impl Frame {
    /// The name of the command; that of an operation is its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Login(_) => LOGIN,
            Self::Unread => "unread",
            Self::Pull { .. } => "pull",
            Self::Logout => "logout",
            Self::Send(_) | Self::Other => OTHER,
        }
    }
}

impl Operation {
    /// The name of the command.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => SEND,
            Self::Recall { .. } => RECALL,
            Self::Edit { .. } => EDIT,
            Self::Read { .. } => READ,
            Self::ReadAll(_) => READ_ALL,
            Self::Delivered { .. } => DELIVERED,
            Self::EnterRoom { .. } => ENTER_ROOM,
            Self::LeaveRoom(_) => LEAVE_ROOM,
            Self::Roster { .. } => CONTACTS,
            Self::Statistics => STATISTICS,
        }
    }
}

/// The name of the command that is meant by what cannot be carried out.
pub fn name_of(meta: &Meta) -> &'static str {
    let payload = meta.payload.as_deref().unwrap_or_default();
    match meta.ns() {
        NameSpace::Chat => MessageBody::decode(payload).map_or(OTHER, |body| match body.kind() {
            Type::Normal | Type::Chat | Type::Groupchat | Type::Chatroom => SEND,
            Type::Recall => RECALL,
            Type::Edit => EDIT,
            Type::ReadAck => READ,
            Type::ChannelAck => READ_ALL,
            Type::DeliverAck => DELIVERED,
        }),
        NameSpace::Muc => MucBody::decode(payload).map_or(OTHER, |body| match body.operation() {
            muc_body::Operation::Join => ENTER_ROOM,
            muc_body::Operation::Leave => LEAVE_ROOM,
            _ => OTHER,
        }),
        NameSpace::Roster => CONTACTS,
        NameSpace::Statistic => STATISTICS,
        NameSpace::Conference | NameSpace::Notify | NameSpace::Query => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_carried_out_has_the_name_of_what_was_meant() {
        let of = |ns: NameSpace, payload: Vec<u8>| {
            name_of(&Meta { ns: Some(ns.into()), payload: Some(payload), ..Default::default() })
        };
        let body = |kind: Type| MessageBody { kind: Some(kind.into()), ..Default::default() }.encode_to_vec();
        assert_eq!(of(NameSpace::Chat, body(Type::Groupchat)), SEND);
        assert_eq!(of(NameSpace::Chat, body(Type::DeliverAck)), DELIVERED);
        assert_eq!(of(NameSpace::Chat, vec![255]), OTHER);
        assert_eq!(of(NameSpace::Roster, Vec::new()), CONTACTS);
        assert_eq!(of(NameSpace::Query, Vec::new()), OTHER);
    }
}
