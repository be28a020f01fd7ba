//! Users.

use tidings_domain::{Error, UserMutes};

use super::{mute_from_wire, mute_to_wire};
use crate::pb;

impl From<UserMutes> for pb::UserMutes {
    /// Not yet of any user.
    fn from(mutes: UserMutes) -> Self {
        Self {
            direct_until: mute_to_wire(mutes.direct),
            group_until: mute_to_wire(mutes.group),
            room_until: mute_to_wire(mutes.room),
            ..Self::default()
        }
    }
}

impl TryFrom<&pb::UserMutes> for UserMutes {
    type Error = Error;

    fn try_from(wire: &pb::UserMutes) -> Result<Self, Error> {
        Ok(Self {
            direct: mute_from_wire("direct_until", wire.direct_until)?,
            group: mute_from_wire("group_until", wire.group_until)?,
            room: mute_from_wire("room_until", wire.room_until)?,
        })
    }
}
