//! Users.

use tidings_domain::UserMutes;

use crate::pb;

impl From<UserMutes> for pb::UserMutes {
    /// Of nobody in particular yet.
    fn from(mutes: UserMutes) -> Self {
        let [direct_until_ms, group_until_ms, room_until_ms] = mutes.millis();
        Self { direct_until_ms, group_until_ms, room_until_ms, ..Self::default() }
    }
}

impl From<&pb::UserMutes> for UserMutes {
    fn from(wire: &pb::UserMutes) -> Self {
        Self::from_millis([wire.direct_until_ms, wire.group_until_ms, wire.room_until_ms])
    }
}
