//! What a user may do in groups, as checked for senders and readers.

use std::time::Duration;

use tidings_domain::{Reason, UnixMillis};
use tidings_proto::{
    Timestamp, mute_or_none,
    pb::{self, group_service_server::GroupService as _},
    timestamp,
};

use crate::{
    group_suite::{By, by, muting_all, owned},
    suite::{START, Suite, on_both_engines, reason},
};

const ROOM: i32 = pb::GroupKind::Room as i32;

async fn a_membership_tells_role_times_and_settings(suite: Suite) {
    let [ann, bob] = suite.users().await;
    suite.advance(Duration::from_secs(1));
    let room = pb::CreateGroupRequest {
        kind: ROOM,
        settings: Some(pb::GroupSettings { history_visible: Some(true), read_ack: Some(true), ..Default::default() }),
        ..owned(ann, &[])
    };
    let room = suite.create_group(By::App, room).await.unwrap().id;
    let owner = pb::Membership {
        group_id: room,
        kind: ROOM,
        role: pb::GroupRole::Owner.into(),
        joined_at: Some(timestamp(UnixMillis(START.0 + 1000))),
        muted_until: None,
        muted_with_all: false,
        history_visible: true,
        read_ack: true,
        owner_id: ann,
        enabled: true,
    };
    assert_eq!(suite.membership(ann, room).await, Some(owner));
    let stranger = pb::Membership { role: 0, joined_at: None, ..owner };
    assert_eq!(suite.membership(bob, room).await, Some(stranger));
    assert_eq!(suite.membership(0, room).await, Some(stranger));
}

async fn groups_that_do_not_exist_are_left_out(suite: Suite) {
    let [ann] = suite.users().await;
    let (one, two) = (suite.group(ann, &[]).await, suite.group(ann, &[]).await);
    let found = suite.memberships(By::User(ann), None, &[one, 7, ann, two]).await.unwrap();
    let mut ids: Vec<i64> = found.into_iter().map(|membership| membership.group_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [one, two]);
    assert_eq!(suite.memberships(By::User(ann), None, &[]).await.unwrap(), []);
}

async fn six_hundred_groups_are_asked_at_once_and_more_refused(suite: Suite) {
    let [ann] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let mut groups: Vec<i64> = (1..600).collect();
    groups.push(group);
    assert_eq!(suite.memberships(By::App, Some(ann), &groups).await.unwrap().len(), 1);
    groups.push(7);
    let refused = suite.memberships(By::App, Some(ann), &groups).await;
    assert_eq!(refused.unwrap_err(), Reason::InvalidArgument);
}

async fn a_user_asks_for_himself_alone(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    assert_eq!(suite.memberships(By::User(ann), Some(ann), &[group]).await.unwrap().len(), 1);
    let refused = suite.memberships(By::User(ann), Some(bob), &[group]).await;
    assert_eq!(refused.unwrap_err(), Reason::NotPermitted);
    let joined = by(By::User(ann), pb::JoinedRequest { user_id: Some(bob), ..Default::default() });
    assert_eq!(reason(suite.directory.joined(joined).await.unwrap_err()), Reason::NotPermitted);
}

async fn a_mute_holds_for_its_time_or_for_ever(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    let muted = async || mute_or_none(suite.membership(bob, group).await.unwrap().muted_until).millis();
    suite.mute(By::User(ann), group, &[bob], START.0 + 1000).await.unwrap();
    assert_eq!(muted().await, START.0 + 1000);
    suite.advance(Duration::from_millis(999));
    assert_eq!(muted().await, START.0 + 1000);
    suite.advance(Duration::from_millis(1));
    assert_eq!(muted().await, 0);
    suite.mute(By::User(ann), group, &[bob], -1).await.unwrap();
    assert_eq!(muted().await, -1);
    suite.mute(By::User(ann), group, &[bob], 0).await.unwrap();
    assert_eq!(muted().await, 0);
    let wrong = Some(Timestamp { seconds: 1, nanos: -1 });
    let wrong = pb::MuteRequest { group_id: group, user_ids: vec![bob], until: wrong };
    assert_eq!(reason(suite.directory.mute(by(By::User(ann), wrong)).await.unwrap_err()), Reason::InvalidArgument);
}

async fn only_members_are_muted(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let muted = suite.mute(By::App, group, &[bob], -1).await.unwrap();
    assert_eq!(muted, [(bob, "NOT_GROUP_MEMBER".to_owned())]);
}

async fn the_stricter_of_two_mutes_holds_and_admins_speak_through_that_of_all(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    suite.set_admins(By::App, group, &[bob], true).await.unwrap();
    let (soon, late) = (START.0 + 1000, START.0 + 2000);
    // The mute of all, the user's own; the results for the owner, an admin, a member, a stranger and the app itself.
    let table = [
        (0, 0, [0, 0, 0, 0, 0]),
        (soon, 0, [0, 0, soon, soon, 0]),
        (soon, late, [0, late, late, soon, 0]),
        (late, soon, [0, soon, late, late, 0]),
        (-1, soon, [0, soon, -1, -1, 0]),
        (soon, -1, [0, -1, -1, soon, 0]),
        (START.0, START.0, [0, 0, 0, 0, 0]),
    ];
    for (all, own, expected) in table {
        suite.set_settings(group, muting_all(all)).await;
        suite.mute(By::App, group, &[bob, carl], own).await.unwrap();
        for (user, expected) in [ann, bob, carl, dora, 0].into_iter().zip(expected) {
            let muted = mute_or_none(suite.membership(user, group).await.unwrap().muted_until).millis();
            assert_eq!(muted, expected, "{all} {own} {user}");
        }
    }
}

async fn joined_groups_and_rooms_come_apart_by_pages(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let mut groups = Vec::new();
    for _ in 0..3 {
        groups.push(suite.group(bob, &[ann]).await);
    }
    let room = suite.create_group(By::App, pb::CreateGroupRequest { kind: ROOM, ..owned(ann, &[]) }).await.unwrap().id;
    suite.group(bob, &[]).await;
    let joined = async |kind, page_token: &str, page_size| {
        let request = pb::JoinedRequest { kind, page_size, page_token: page_token.to_owned(), ..Default::default() };
        let reply = suite.directory.joined(by(By::User(ann), request)).await.map_err(reason)?.into_inner();
        let ids: Vec<i64> = reply.memberships.iter().map(|membership| membership.group_id).collect();
        Ok::<_, Reason>((ids, reply.next_page_token))
    };
    assert_eq!(joined(0, "", 0).await, Ok((groups.clone(), String::new())));
    let (first, next) = joined(0, "", 2).await.unwrap();
    assert_eq!(first, groups[..2]);
    assert_eq!(joined(0, &next, 2).await, Ok((groups[2..].to_vec(), String::new())));
    for size in [10_000, 10_001] {
        assert_eq!(joined(ROOM, "", size).await, Ok((vec![room], String::new())), "{size}");
    }
    for (page_token, page_size) in [("", -1), ("-1", 0), ("x", 0)] {
        assert_eq!(joined(0, page_token, page_size).await, Err(Reason::InvalidArgument));
    }
    assert_eq!(suite.joined(0, pb::GroupKind::Group).await, [0; 0]);
}

async fn joined_tells_what_memberships_tell(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(bob, &[ann]).await;
    suite.set_settings(group, pb::GroupSettings { read_ack: Some(true), ..muting_all(-1) }).await;
    let request = pb::JoinedRequest { user_id: Some(ann), ..Default::default() };
    let joined = suite.directory.joined(by(By::App, request)).await.unwrap().into_inner().memberships;
    assert_eq!(joined, [suite.membership(ann, group).await.unwrap()]);
    assert_eq!((mute_or_none(joined[0].muted_until).millis(), joined[0].read_ack), (-1, true));
}

on_both_engines!(
    a_membership_tells_role_times_and_settings,
    groups_that_do_not_exist_are_left_out,
    six_hundred_groups_are_asked_at_once_and_more_refused,
    a_user_asks_for_himself_alone,
    a_mute_holds_for_its_time_or_for_ever,
    only_members_are_muted,
    the_stricter_of_two_mutes_holds_and_admins_speak_through_that_of_all,
    joined_groups_and_rooms_come_apart_by_pages,
    joined_tells_what_memberships_tell,
);
