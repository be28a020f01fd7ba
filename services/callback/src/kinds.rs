//! Which vendor has a callback for which kind of event (docs/callbacks.md has the same table).

use tidings_domain::{ChangeKind, EventKind};

use crate::model::Dialect;

/// The events that an endpoint of this dialect may receive.
pub fn kinds(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    EventKind::all().filter(move |kind| has_callback(dialect, *kind)).map(EventKind::name)
}

/// Whether the vendor has a callback for it.
pub fn has_callback(dialect: Dialect, kind: EventKind) -> bool {
    dialects(kind).contains(&dialect)
}

const fn dialects(kind: EventKind) -> &'static [Dialect] {
    use Dialect::{Agora, Lanying, Tencent};

    match kind {
        EventKind::Sent | EventKind::Online | EventKind::Recalled => &[Tencent, Agora, Lanying],
        EventKind::Edited => &[Agora, Lanying],
        EventKind::Refused => &[Tencent],
        EventKind::Read => &[Tencent, Agora],
        EventKind::OnlineBroadcast
        | EventKind::Delivered
        | EventKind::Reacted
        | EventKind::Unreacted
        | EventKind::Pinned
        | EventKind::Unpinned => &[],
        EventKind::Changed(change) => match change {
            ChangeKind::UserOnline
            | ChangeKind::UserOffline
            | ChangeKind::ContactAdded
            | ChangeKind::ContactRemoved
            | ChangeKind::UserBlocked
            | ChangeKind::UserUnblocked
            | ChangeKind::GroupCreated
            | ChangeKind::GroupDestroyed
            | ChangeKind::GroupUpdated
            | ChangeKind::MembersJoined
            | ChangeKind::MembersLeft
            | ChangeKind::Announced => &[Tencent, Agora],
            ChangeKind::ContactRequested
            | ChangeKind::ContactDeclined
            | ChangeKind::OwnerChanged
            | ChangeKind::AdminsChanged
            | ChangeKind::MembersMuted
            | ChangeKind::MembersBlocked
            | ChangeKind::MembersAllowed
            | ChangeKind::FileShared
            | ChangeKind::FileRemoved
            | ChangeKind::MemberChanged
            | ChangeKind::AttributesChanged
            | ChangeKind::Applied
            | ChangeKind::Invited
            | ChangeKind::InvitationDeclined => &[Agora],
            ChangeKind::UserRegistered
            | ChangeKind::UserChanged
            | ChangeKind::UserDeleted
            | ChangeKind::UserEnabled
            | ChangeKind::UserDisabled
            | ChangeKind::UserMuted
            | ChangeKind::UserDisconnected
            | ChangeKind::PresenceChanged
            | ChangeKind::ApplicationRejected => &[],
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The kinds of the page's rows whose cell in this column is not "none".
    fn documented(column: usize) -> BTreeSet<&'static str> {
        let page = include_str!("../../../docs/callbacks.md");
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let rows = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        let served = rows.filter(|cells| cells.len() == 6 && cells[column] != "none");
        served.flat_map(|cells| cells[1].split('`').skip(1).step_by(2)).collect()
    }

    #[test]
    fn the_page_lists_what_each_vendor_has_a_callback_for() {
        for (dialect, column) in [(Dialect::Tencent, 2), (Dialect::Agora, 3), (Dialect::Lanying, 4)] {
            assert_eq!(kinds(dialect).collect::<BTreeSet<_>>(), documented(column), "{dialect:?}");
        }
    }
}
