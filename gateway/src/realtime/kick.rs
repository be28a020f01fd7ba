//! Ends the sessions of users who may no longer be connected.

use tidings_domain::Change;

use super::{session::Ending, table::Table};
use crate::agora::feed::FeedEvent;

/// How far the clocks of two processes may be apart, in milliseconds: of a session that started at about the same time
/// nobody can tell whether it was first.
const SKEW: i64 = 1_000;

/// Ends the sessions of devices that an event ends: those that were open when it happened. Subscriptions of internal
/// services are checked by themselves.
pub(super) fn kick(table: &Table, event: &FeedEvent) {
    let Some(change) = &event.change else { return };
    let (user, why, number, resource) = match change {
        Change::UserDisconnected { user, device_sn, resource } => (*user, Ending::Kicked, *device_sn, &**resource),
        Change::UserChanged { user, fields } if fields.iter().any(|field| field == "password") => {
            (*user, Ending::PasswordChanged, 0, "")
        }
        Change::UserEnabled { user, enabled: false } => (*user, Ending::Disabled, 0, ""),
        Change::UserDeleted { user } => (*user, Ending::Deleted, 0, ""),
        _ => return,
    };
    for session in table.of_user(user) {
        let is_among = session.device.as_ref().is_some_and(|device| device.is_among(number, resource));
        if is_among && session.opened_at.0 <= event.wire.at_ms + SKEW {
            session.end(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::{UnixMillis, UserId};
    use tidings_proto::pb;

    use super::*;
    use crate::realtime::{device::Device, session::Session};

    fn event(change: Change) -> FeedEvent {
        let kind = change.name().to_owned();
        let wire =
            pb::Event { id: "m0-1".to_owned(), kind, at_ms: 100, change: Some(change.into()), ..pb::Event::default() };
        FeedEvent::read(wire).expect("an event")
    }

    #[tokio::test]
    async fn sessions_that_were_open_end_and_those_of_another_device_or_opened_later_go_on() {
        let mut table = Table::default();
        let open = |id, name, at| Session::new(id, UserId(16), Some(Device::shared(name, "web")), UnixMillis(at));
        let [(one, mut ends), (other, mut stays), (later, mut stays_too)] =
            [open(1, "web_1", 100), open(2, "web_2", 1), open(3, "web_1", 101 + SKEW)];
        for session in [&one, &other, &later] {
            table.add(session);
            session.mark_entered();
        }
        let change = Change::UserDisconnected { user: UserId(16), device_sn: 0, resource: "web_1".to_owned() };
        kick(&table, &event(change));
        assert!(matches!(ends.next(true).await, Err(Ending::Kicked)));
        assert!(stays.next(true).await.is_ok() && stays_too.next(true).await.is_ok());
        kick(&table, &event(Change::UserChanged { user: UserId(16), fields: vec!["nickname".to_owned()] }));
        other.mark_entered();
        assert!(stays.next(true).await.is_ok());
        kick(&table, &event(Change::UserChanged { user: UserId(16), fields: vec!["password".to_owned()] }));
        assert!(matches!(stays.next(true).await, Err(Ending::PasswordChanged)));
    }
}
