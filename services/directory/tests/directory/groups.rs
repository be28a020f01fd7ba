//! Groups and rooms: creating, reading, changing and ending them.

use std::time::Duration;

use tidings_domain::{Mute, Reason, UnixMillis};
use tidings_proto::internal::directory_internal_service_server::DirectoryInternalService as _;
use tidings_proto::pb::{
    self, directory_service_server::DirectoryService as _, group_service_server::GroupService as _,
};
use tidings_proto::{Timestamp, internal, moment_or_zero, mute_end, timestamp};

use crate::{
    group_suite::{By, by, muting_all, owned},
    suite::{FIRST_USER, START, Suite, in_app, name, ok, on_both_engines, outcome, reason, registration},
};

const ROOM: i32 = pb::GroupKind::Room as i32;

async fn a_group_begins_with_its_defaults_owner_and_members(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.create_group(By::App, owned(ann, &[carl, bob, carl, ann])).await.unwrap();
    let settings = pb::GroupSettings {
        apply_approval: pb::ApplyApproval::Ask.into(),
        member_invite: Some(true),
        member_modify: Some(false),
        history_visible: Some(false),
        read_ack: Some(false),
        mute_all_until: Some(mute_end(Mute::No)),
        max_members: Some(2000),
        public: Some(false),
        custom: Some(String::new()),
        invite_confirm: Some(false),
    };
    let expected = pb::Group {
        id: group.id,
        kind: pb::GroupKind::Group.into(),
        owner_id: ann,
        member_count: 3,
        created_at: Some(timestamp(START)),
        updated_at: Some(timestamp(START)),
        settings: Some(settings),
        enabled: true,
        ..Default::default()
    };
    assert_eq!(group, expected);
    assert_eq!(suite.get_group(group.id).await, Some(expected));
    let (owner, member) = (pb::GroupRole::Owner, pb::GroupRole::Member);
    assert_eq!(suite.members(group.id).await, [(ann, owner), (bob, member), (carl, member)]);
}

async fn a_room_lets_everybody_in_and_takes_ten_thousand(suite: Suite) {
    let [ann] = suite.users().await;
    let room = suite.create_group(By::App, pb::CreateGroupRequest { kind: ROOM, ..owned(ann, &[]) }).await.unwrap();
    let settings = room.settings.clone().unwrap();
    assert_eq!((room.kind(), settings.apply_approval()), (pb::GroupKind::Room, pb::ApplyApproval::All));
    assert_eq!(settings.max_members, Some(10_000));
}

async fn ids_of_users_groups_and_rooms_come_from_one_number_space(suite: Suite) {
    let [ann] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let room = suite.create_group(By::App, pb::CreateGroupRequest { kind: ROOM, ..owned(ann, &[]) }).await.unwrap();
    let bob = suite.register("bob", "").await.unwrap();
    assert_eq!([ann, group, room.id, bob.id], [FIRST_USER, FIRST_USER + 17, FIRST_USER + 34, FIRST_USER + 48]);
}

async fn what_a_group_is_made_with_is_kept(suite: Suite) {
    let [ann] = suite.users().await;
    let settings = pb::GroupSettings {
        apply_approval: pb::ApplyApproval::None.into(),
        member_invite: Some(false),
        member_modify: Some(true),
        history_visible: Some(true),
        read_ack: Some(true),
        mute_all_until: Some(mute_end(Mute::Forever)),
        max_members: Some(1),
        public: Some(true),
        custom: Some("{\"a\":1}".to_owned()),
        invite_confirm: Some(true),
    };
    let request = pb::CreateGroupRequest {
        name: "Gruppe".to_owned(),
        description: "Über uns".to_owned(),
        avatar: "https://example.org/a.png".to_owned(),
        settings: Some(settings.clone()),
        ..owned(ann, &[])
    };
    let group = suite.create_group(By::App, request.clone()).await.unwrap();
    assert_eq!(
        (&group.name, &group.description, &group.avatar),
        (&request.name, &request.description, &request.avatar)
    );
    assert_eq!(group.settings, Some(settings));
    assert_eq!(suite.get_group(group.id).await, Some(group));
}

async fn a_user_makes_groups_of_his_own_only(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let own = suite.create_group(By::User(ann), pb::CreateGroupRequest::default()).await.unwrap();
    assert_eq!(own.owner_id, ann);
    assert_eq!(suite.create_group(By::User(ann), owned(bob, &[])).await.unwrap_err(), Reason::NotPermitted);
    let nobodys = suite.create_group(By::App, pb::CreateGroupRequest::default()).await;
    assert_eq!(nobodys.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(suite.create_group(By::App, owned(0, &[])).await.unwrap_err(), Reason::InvalidArgument);
}

async fn an_unknown_owner_or_member_spoils_the_making(suite: Suite) {
    let [ann, bob] = suite.users().await;
    suite.delete_user(name("u1")).await.unwrap();
    for request in [owned(7, &[]), owned(ann, &[7]), owned(ann, &[bob]), owned(ann, &[0])] {
        assert_eq!(suite.create_group(By::App, request).await.unwrap_err(), Reason::UserNotFound);
    }
    assert_eq!(suite.joined(ann, pb::GroupKind::Group).await, [0; 0]);
}

async fn more_members_than_fit_spoil_the_making(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let limited = |members: &[i64]| pb::CreateGroupRequest {
        settings: Some(pb::GroupSettings { max_members: Some(2), ..Default::default() }),
        ..owned(ann, members)
    };
    assert_eq!(suite.create_group(By::App, limited(&[bob, carl])).await.unwrap_err(), Reason::GroupFull);
    assert_eq!(suite.create_group(By::App, limited(&[bob])).await.unwrap().member_count, 2);
}

async fn what_is_out_of_bounds_is_refused_at_making_and_changing(suite: Suite) {
    let [ann] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    let settings = |settings| (String::new(), String::new(), String::new(), settings);
    let text = |name: &str, description: &str, avatar: &str| {
        (name.to_owned(), description.to_owned(), avatar.to_owned(), pb::GroupSettings::default())
    };
    let malformed = Timestamp { seconds: 1, nanos: -1 };
    let wrong = [
        text(&"ü".repeat(129), "", ""),
        text("a\0b", "", ""),
        text("", &"x".repeat(2049), ""),
        text("", "a\0b", ""),
        text("", "", &"x".repeat(1025)),
        settings(pb::GroupSettings { max_members: Some(0), ..Default::default() }),
        settings(pb::GroupSettings { max_members: Some(100_001), ..Default::default() }),
        settings(pb::GroupSettings { mute_all_until: Some(malformed), ..Default::default() }),
        settings(pb::GroupSettings { custom: Some("x".repeat(8193)), ..Default::default() }),
        settings(pb::GroupSettings { custom: Some("\0".to_owned()), ..Default::default() }),
    ];
    for (name, description, avatar, settings) in wrong {
        let create = pb::CreateGroupRequest {
            name: name.clone(),
            description: description.clone(),
            avatar: avatar.clone(),
            settings: Some(settings.clone()),
            ..owned(ann, &[])
        };
        assert_eq!(
            suite.create_group(By::App, create.clone()).await.unwrap_err(),
            Reason::InvalidArgument,
            "{create:?}"
        );
        let update = pb::UpdateGroupRequest {
            group_id,
            name: Some(name),
            description: Some(description),
            avatar: Some(avatar),
            settings: Some(settings),
            enabled: None,
        };
        assert_eq!(suite.update_group(By::App, update).await.unwrap_err(), Reason::InvalidArgument);
    }
    let longest = pb::UpdateGroupRequest {
        group_id,
        name: Some("ü".repeat(128)),
        description: Some("x".repeat(2048)),
        avatar: Some("x".repeat(1024)),
        settings: Some(pb::GroupSettings { custom: Some("x".repeat(8192)), ..Default::default() }),
        enabled: None,
    };
    suite.update_group(By::App, longest).await.unwrap();
}

async fn groups_come_in_the_order_asked_without_those_that_do_not_exist(suite: Suite) {
    let [ann] = suite.users().await;
    let (one, two) = (suite.group(ann, &[]).await, suite.group(ann, &[]).await);
    let get = async |group_ids| suite.directory.get_groups(by(By::User(ann), pb::GetGroupsRequest { group_ids })).await;
    let found = ok(get(vec![two, ann, 7, one, two]).await).groups;
    assert_eq!(found.iter().map(|group| group.id).collect::<Vec<_>>(), [two, one]);
    assert_eq!(ok(get(vec![]).await).groups, []);
    assert_eq!(reason(get(vec![one; 101]).await.unwrap_err()), Reason::InvalidArgument);
}

async fn groups_and_rooms_are_listed_apart_by_pages(suite: Suite) {
    let [ann] = suite.users().await;
    let mut groups = Vec::new();
    for _ in 0..3 {
        groups.push(suite.group(ann, &[]).await);
    }
    let room = suite.create_group(By::App, pb::CreateGroupRequest { kind: ROOM, ..owned(ann, &[]) }).await.unwrap();
    suite.destroy(By::App, groups[1]).await.unwrap();
    let list = async |kind, page_token: String, page_size| {
        let reply = suite
            .directory
            .list_groups(by(By::App, pb::ListGroupsRequest { kind, page_size, page_token, ..Default::default() }))
            .await;
        reply.map(|reply| {
            let reply = reply.into_inner();
            (reply.groups.into_iter().map(|group| group.id).collect::<Vec<_>>(), reply.next_page_token)
        })
    };
    let (first, next) = list(0, String::new(), 1).await.unwrap();
    assert_eq!(first, [groups[0]]);
    assert_eq!(list(0, next, 1).await.unwrap(), (vec![groups[2]], String::new()));
    for size in [0, 1, 1001] {
        assert_eq!(list(ROOM, String::new(), size).await.unwrap(), (vec![room.id], String::new()), "{size}");
    }
    for (token, size) in [("", -1), ("-1", 0), ("x", 0)] {
        assert_eq!(reason(list(0, token.to_owned(), size).await.unwrap_err()), Reason::InvalidArgument);
    }
}

async fn a_user_sees_public_groups_and_his_own_listed(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let (own, hidden, public) =
        (suite.group(bob, &[ann]).await, suite.group(bob, &[]).await, suite.group(bob, &[]).await);
    suite.set_settings(public, pb::GroupSettings { public: Some(true), ..Default::default() }).await;
    let list = async |caller| {
        let request = pb::ListGroupsRequest::default();
        let reply = ok(suite.directory.list_groups(by(caller, request)).await);
        reply.groups.into_iter().map(|group| group.id).collect::<Vec<_>>()
    };
    assert_eq!(list(By::User(ann)).await, [own, public]);
    assert_eq!(list(By::App).await, [own, hidden, public]);
}

async fn an_update_changes_what_is_given_and_leaves_the_rest(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let before = suite.create_group(By::App, owned(ann, &[bob])).await.unwrap();
    suite.advance(Duration::from_secs(1));
    let request = pb::UpdateGroupRequest {
        group_id: before.id,
        name: Some("new".to_owned()),
        settings: Some(pb::GroupSettings { read_ack: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let after = suite.update_group(By::App, request).await.unwrap();
    let settings = pb::GroupSettings { read_ack: Some(true), ..before.settings.clone().unwrap() };
    let expected = pb::Group {
        name: "new".to_owned(),
        settings: Some(settings),
        updated_at: Some(timestamp(UnixMillis(START.0 + 1000))),
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(suite.get_group(before.id).await, Some(expected.clone()));
    suite.advance(Duration::from_secs(1));
    let nothing = pb::UpdateGroupRequest { group_id: before.id, ..Default::default() };
    assert_eq!(suite.update_group(By::App, nothing).await.unwrap(), expected);
}

async fn a_mute_of_all_whose_time_is_over_reads_as_0(suite: Suite) {
    let [ann] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let until = START + Duration::from_secs(1);
    let shown = async || suite.get_group(group).await.unwrap().settings.unwrap().mute_all_until;
    suite.set_settings(group, muting_all(until.0)).await;
    assert_eq!(shown().await, Some(timestamp(until)));
    suite.advance(Duration::from_secs(1));
    assert_eq!(shown().await, Some(mute_end(Mute::No)));
}

async fn only_the_app_itself_enables_and_disables(suite: Suite) {
    let [ann] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    for enabled in [true, false] {
        let request = pb::UpdateGroupRequest { group_id, enabled: Some(enabled), ..Default::default() };
        assert_eq!(suite.update_group(By::User(ann), request).await.unwrap_err(), Reason::NotPermitted);
    }
    assert!(!suite.set_group_enabled(group_id, false).await.enabled);
    assert!(!suite.membership(ann, group_id).await.unwrap().enabled);
    assert!(suite.set_group_enabled(group_id, true).await.enabled);
}

async fn in_a_disabled_group_users_change_nothing_but_may_leave(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    suite.set_group_enabled(group, false).await;
    let owner = By::User(ann);
    assert_eq!(suite.add(owner, group, &[carl]).await.unwrap_err(), Reason::GroupDisabled);
    assert_eq!(suite.apply(By::User(carl), group, "").await.unwrap_err(), Reason::GroupDisabled);
    assert_eq!(suite.mute(owner, group, &[bob], -1).await.unwrap_err(), Reason::GroupDisabled);
    assert_eq!(suite.destroy(owner, group).await.unwrap_err(), Reason::GroupDisabled);
    suite.leave(By::User(bob), group, None).await.unwrap();
    assert_eq!(suite.add(By::App, group, &[carl]).await.unwrap(), [(carl, String::new())]);
}

async fn a_transferred_group_has_one_owner_who_may_speak(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    suite.mute(By::User(ann), group, &[bob], -1).await.unwrap();
    suite.advance(Duration::from_secs(1));
    let after = suite.transfer(By::User(ann), group, bob).await.unwrap();
    assert_eq!((after.owner_id, after.member_count, moment_or_zero(after.updated_at).0), (bob, 3, START.0 + 1000));
    assert_eq!(suite.get_group(group).await, Some(after));
    let (owner, member) = (pb::GroupRole::Owner, pb::GroupRole::Member);
    assert_eq!(suite.members(group).await, [(ann, member), (bob, owner), (carl, member)]);
    assert_eq!(suite.membership(bob, group).await.unwrap().muted_until, None);
    assert_eq!(suite.transfer(By::User(ann), group, ann).await.unwrap_err(), Reason::GroupOwnerRequired);
    assert_eq!(suite.transfer(By::User(bob), group, bob).await.unwrap().owner_id, bob);
    assert_eq!(suite.members(group).await[1], (bob, owner));
}

async fn a_group_goes_to_one_of_its_members_only(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    for heir in [bob, 7, 0] {
        assert_eq!(suite.transfer(By::User(ann), group, heir).await.unwrap_err(), Reason::NewOwnerNotMember);
    }
}

async fn a_destroyed_group_is_gone_for_everybody_and_its_id_stays_used(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let before = suite.create_group(By::App, owned(ann, &[bob])).await.unwrap();
    let group = before.id;
    suite.apply(By::User(carl), group, "please").await.unwrap();
    assert_eq!(suite.destroy(By::User(ann), group).await.unwrap(), before);
    assert_eq!(suite.get_group(group).await, None);
    assert_eq!(suite.membership(ann, group).await, None);
    assert_eq!(suite.joined(bob, pb::GroupKind::Group).await, [0; 0]);
    assert_eq!(suite.destroy(By::App, group).await.unwrap_err(), Reason::GroupNotFound);
    assert_eq!(suite.add(By::App, group, &[carl]).await.unwrap_err(), Reason::GroupNotFound);
    assert_eq!(suite.apply(By::User(carl), group, "").await.unwrap_err(), Reason::GroupNotFound);
    assert_eq!(suite.list_members(By::User(ann), group, "", 0).await.unwrap_err(), Reason::GroupNotFound);
    for table in ["group_member", "group_application", "group_block"] {
        assert_eq!(suite.count(table).await, 0, "{table}");
    }
    assert_eq!(suite.count("chat_group where deleted_at is not null").await, 1);
    assert!(suite.group(ann, &[]).await > group);
}

async fn apps_do_not_see_each_others_groups(suite: Suite) {
    let [ann] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    suite.create_app("acme", "cafe").await;
    let registered = suite.directory.register_users(in_app("acme#cafe", registration(&[("ann", "")]))).await;
    let other_ann = outcome(ok(registered).results.remove(0)).unwrap();
    assert_eq!(other_ann.id, ann);
    let get = suite.directory.get_groups(in_app("acme#cafe", pb::GetGroupsRequest { group_ids: vec![group] })).await;
    assert_eq!(ok(get).groups, []);
    let list = suite.directory.list_groups(in_app("acme#cafe", pb::ListGroupsRequest::default())).await;
    assert_eq!(ok(list).groups, []);
    let joined = pb::JoinedRequest { user_id: Some(ann), ..Default::default() };
    assert_eq!(ok(suite.directory.joined(in_app("acme#cafe", joined)).await).memberships, []);
    let memberships = internal::MembershipsRequest { user_id: Some(ann), group_ids: vec![group] };
    assert_eq!(ok(suite.directory.memberships(in_app("acme#cafe", memberships)).await).memberships, []);
    let destroy = suite.directory.destroy_group(in_app("acme#cafe", pb::DestroyGroupRequest { group_id: group })).await;
    assert_eq!(reason(destroy.unwrap_err()), Reason::GroupNotFound);
    // The same id in the other app is another group.
    let same = ok(suite.directory.create_group(in_app("acme#cafe", owned(ann, &[]))).await);
    assert_eq!(same.id, group);
    ok(suite.directory.destroy_group(in_app("acme#cafe", pb::DestroyGroupRequest { group_id: group })).await);
    assert_eq!(suite.members(group).await, [(ann, pb::GroupRole::Owner)]);
}

async fn a_disabled_app_refuses_calls_about_groups(suite: Suite) {
    suite.set_enabled(false).await;
    let reply = suite.create_group(By::App, owned(1, &[])).await;
    assert_eq!(reply.unwrap_err(), Reason::AppDisabled);
    assert_eq!(suite.memberships(By::App, Some(1), &[1]).await.unwrap_err(), Reason::AppDisabled);
}

on_both_engines!(
    a_group_begins_with_its_defaults_owner_and_members,
    a_room_lets_everybody_in_and_takes_ten_thousand,
    ids_of_users_groups_and_rooms_come_from_one_number_space,
    what_a_group_is_made_with_is_kept,
    a_user_makes_groups_of_his_own_only,
    an_unknown_owner_or_member_spoils_the_making,
    more_members_than_fit_spoil_the_making,
    what_is_out_of_bounds_is_refused_at_making_and_changing,
    groups_come_in_the_order_asked_without_those_that_do_not_exist,
    groups_and_rooms_are_listed_apart_by_pages,
    a_user_sees_public_groups_and_his_own_listed,
    an_update_changes_what_is_given_and_leaves_the_rest,
    a_mute_of_all_whose_time_is_over_reads_as_0,
    only_the_app_itself_enables_and_disables,
    in_a_disabled_group_users_change_nothing_but_may_leave,
    a_transferred_group_has_one_owner_who_may_speak,
    a_group_goes_to_one_of_its_members_only,
    a_destroyed_group_is_gone_for_everybody_and_its_id_stays_used,
    apps_do_not_see_each_others_groups,
    a_disabled_app_refuses_calls_about_groups,
);
