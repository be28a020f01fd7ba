//! Ends the sessions of users who may no longer be connected.
//!
//! A kick names the connections that the directory knew, and a client is connected only when it does: no times are compared,
//! since clocks of processes differ, so a client that has reconnected meanwhile stays. Only for sessions that the
//! directory may not have known, since it could not be reached, their age decides, by far more than clocks differ.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Change, UnixMillis};
use tidings_proto::moment_or_zero;

use super::{
    session::{Ending, Session},
    table::Table,
};
use crate::agora::feed::FeedEvent;

/// A session that is at least that much older than a kick existed before it. One that a lapsed lease removed from the
/// directory is older still.
const OLDER: Duration = Duration::from_secs(5);

/// Ends the sessions of this `gateway` that a kick names, and has those of a user whose tokens were revoked otherwise check
/// them. Subscriptions of internal services are checked separately.
pub(super) fn kick(table: &Table, gateway: i64, event: &FeedEvent) {
    let Some(change) = &event.change else { return };
    let (user, why, named) = match change {
        Change::UserDisconnected { user, sessions, replaced, .. } => {
            (*user, if *replaced { Ending::Replaced(Arc::default()) } else { Ending::Kicked }, &sessions[..])
        }
        Change::UserChanged { user, fields } if fields.iter().any(|field| field == "password") => {
            (*user, Ending::PasswordChanged, &[][..])
        }
        Change::UserEnabled { user, enabled: false } => (*user, Ending::Disabled, &[][..]),
        Change::UserDeleted { user } => (*user, Ending::Deleted, &[][..]),
        _ => return,
    };
    for session in table.of_user(user).filter(|session| session.device.is_some()) {
        if named.contains(&(gateway, session.id as i64)) || is_missed(change, moment_or_zero(event.wire.at), session) {
            session.end(why.clone());
        } else if !matches!(why, Ending::Kicked | Ending::Replaced(_)) {
            session.check_token(why.clone());
        }
    }
}

/// Whether a kick at that time includes a session that it could not name.
fn is_missed(change: &Change, at: UnixMillis, session: &Session) -> bool {
    let Change::UserDisconnected { device_sn, resource, replaced: false, .. } = change else { return false };
    let is_meant = session.device.as_ref().is_some_and(|device| {
        (*device_sn == 0 || i64::from(device.number) == *device_sn)
            && (resource.is_empty() || *device.resource == **resource)
    });
    is_meant && (session.is_unknown() || session.opened_at + OLDER < at)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidings_domain::UserId;
    use tidings_proto::{pb, timestamp};
    use tokio::time::timeout;

    use super::*;
    use crate::realtime::{device::Device, session::Session};

    const GATEWAY: i64 = 7;
    const ANN: UserId = UserId(16);

    fn event(change: Change) -> FeedEvent {
        event_at(100, change)
    }

    fn event_at(at_ms: i64, change: Change) -> FeedEvent {
        let kind = change.name().to_owned();
        let (at, change) = (Some(timestamp(UnixMillis(at_ms))), Some(change.into()));
        let wire = pb::Event { id: "m0-1".to_owned(), kind, at, change, ..pb::Event::default() };
        FeedEvent::read(wire).expect("an event")
    }

    #[tokio::test]
    async fn sessions_that_a_kick_names_end_and_others_go_on() {
        let mut table = Table::default();
        let open = |id, name| Session::new(id, ANN, Some(Device::shared(name, "web")), UnixMillis(1));
        let [(one, mut ends), (again, mut stays), (other, mut stays_too)] =
            [open(1, "web_1"), open(2, "web_1"), open(3, "web_2")];
        for session in [&one, &again, &other] {
            table.add(session);
            session.mark_entered();
        }
        // The same device is back, and the second one is a session of another gateway.
        let sessions = vec![(GATEWAY, 1), (GATEWAY + 1, 2)];
        let resource = "web_1".to_owned();
        kick(
            &table,
            GATEWAY,
            &event(Change::UserDisconnected { user: ANN, device_sn: 0, resource, sessions, replaced: false }),
        );
        assert!(matches!(ends.next(true).await, Err(Ending::Kicked)));
        assert!(stays.next(true).await.is_ok() && stays_too.next(true).await.is_ok());
        assert!(timeout(Duration::ZERO, stays.token_checks().raised()).await.is_err());
    }

    #[tokio::test]
    async fn a_session_that_a_device_replaced_elsewhere_ends_and_no_other_of_that_name() {
        let mut table = Table::default();
        let open = |id, at| Session::new(id, ANN, Some(Device::single("web_1", "web", "")), UnixMillis(at));
        let [(replaced, mut ends), (other, mut stays)] = [open(1, 1), open(2, 1)];
        for session in [&replaced, &other] {
            table.add(session);
            session.mark_entered();
        }
        other.starts_unknown();
        let (resource, sessions) = ("web_1".to_owned(), vec![(GATEWAY, 1), (GATEWAY + 1, 2)]);
        let change = Change::UserDisconnected { user: ANN, device_sn: 0, resource, sessions, replaced: true };
        kick(&table, GATEWAY, &event_at(60_000, change));
        assert!(matches!(ends.next(true).await, Err(Ending::Replaced(_))));
        assert!(stays.next(true).await.is_ok());
        assert!(timeout(Duration::ZERO, stays.token_checks().raised()).await.is_err());
    }

    #[tokio::test]
    async fn a_kick_ends_sessions_that_the_directory_did_not_know() {
        let mut table = Table::default();
        let opened = |id, name, at| Session::new(id, ANN, Some(Device::shared(name, "web")), UnixMillis(at));
        // One was connected long before, according to the clocks; the other started without the directory.
        let [(old, mut ends), (unknown, mut ends_too), (other, mut stays), (new, mut stays_too)] =
            [opened(1, "web_1", 1), opened(2, "web_1", 5_900), opened(3, "web_2", 1), opened(4, "web_1", 1_000)];
        unknown.starts_unknown();
        for session in [&old, &unknown, &other, &new] {
            table.add(session);
            session.mark_entered();
        }
        let resource = "web_1".to_owned();
        let (sessions, replaced) = (Vec::new(), false);
        let kicked = Change::UserDisconnected { user: ANN, device_sn: 0, resource, sessions, replaced };
        kick(&table, GATEWAY, &event_at(5_900, kicked));
        assert!(matches!(ends.next(true).await, Err(Ending::Kicked)));
        assert!(matches!(ends_too.next(true).await, Err(Ending::Kicked)));
        assert!(stays.next(true).await.is_ok() && stays_too.next(true).await.is_ok());
    }

    #[tokio::test]
    async fn a_new_password_has_tokens_checked_and_a_new_nickname_does_not() {
        let mut table = Table::default();
        let (session, inbox) = Session::new(1, ANN, Some(Device::shared("web_1", "web")), UnixMillis(1));
        table.add(&session);
        let changed = |field: &str| event(Change::UserChanged { user: ANN, fields: vec![field.to_owned()] });
        kick(&table, GATEWAY, &changed("nickname"));
        assert!(timeout(Duration::ZERO, inbox.token_checks().raised()).await.is_err());
        kick(&table, GATEWAY, &changed("password"));
        assert_eq!(inbox.token_checks().raised().await, Ending::PasswordChanged);
        kick(&table, GATEWAY, &event(Change::UserEnabled { user: ANN, enabled: false }));
        assert_eq!(inbox.token_checks().raised().await, Ending::Disabled);
    }
}
