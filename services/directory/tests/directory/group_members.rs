//! Joining and leaving groups.

use std::time::Duration;

use tidings_domain::{Reason, UnixMillis};
use tidings_proto::{
    mute_or_none,
    pb::{self, directory_service_server::DirectoryService as _, group_service_server::GroupService as _},
    timestamp, timestamp_unless_zero,
};

use crate::{
    group_suite::{By, by, owned},
    suite::{START, Suite, in_app, name, ok, on_both_engines, outcome, reason, registration},
};

fn done(user: i64) -> (i64, String) {
    (user, String::new())
}

fn refused(user: i64, reason: Reason) -> (i64, String) {
    (user, reason.words().name.to_owned())
}

async fn each_user_is_added_or_refused_by_himself(suite: Suite) {
    let [ann, bob, carl, dora, eve] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    suite.block(By::App, group, &[carl], true).await.unwrap();
    suite.delete_user(name("u4")).await.unwrap();
    let added = suite.add(By::App, group, &[dora, bob, carl, eve, 7, 0, dora]).await.unwrap();
    let expected = [
        done(dora),
        refused(bob, Reason::AlreadyGroupMember),
        refused(carl, Reason::OnGroupBlockList),
        refused(eve, Reason::UserNotFound),
        refused(7, Reason::UserNotFound),
        refused(0, Reason::UserNotFound),
    ];
    assert_eq!(added, expected);
    let ids: Vec<i64> = suite.members(group).await.into_iter().map(|(user, _)| user).collect();
    assert_eq!(ids, [ann, bob, dora]);
}

async fn a_refusal_says_why_in_words(suite: Suite) {
    let [ann] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    let request = pb::AddMembersRequest { group_id, user_ids: vec![ann] };
    let result = ok(suite.directory.add_members(by(By::App, request)).await).results.remove(0);
    let expected = pb::MemberResult {
        user_id: ann,
        reason: "ALREADY_GROUP_MEMBER".to_owned(),
        text: format!("already group member: {ann}"),
    };
    assert_eq!(result, expected);
}

async fn those_who_do_not_fit_are_refused_and_the_others_join(suite: Suite) {
    let [ann, bob, carl, dora, eve] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    suite.set_settings(group, pb::GroupSettings { max_members: Some(3), ..Default::default() }).await;
    let added = suite.add(By::App, group, &[7, bob, carl, dora, eve]).await.unwrap();
    let expected = [
        refused(7, Reason::UserNotFound),
        refused(bob, Reason::AlreadyGroupMember),
        done(carl),
        refused(dora, Reason::GroupFull),
        refused(eve, Reason::GroupFull),
    ];
    assert_eq!(added, expected);
    assert_eq!(suite.get_group(group).await.unwrap().member_count, 3);
    suite.set_settings(group, pb::GroupSettings { max_members: Some(1), ..Default::default() }).await;
    suite.remove(By::App, group, &[carl]).await.unwrap();
    assert_eq!(suite.add(By::App, group, &[carl]).await.unwrap(), [refused(carl, Reason::GroupFull)]);
}

async fn six_hundred_are_added_at_once_and_more_refused(suite: Suite) {
    let users = suite.many_users(601).await;
    let group = suite.group(users[0], &[]).await;
    for wrong in [&users[..], &[]] {
        assert_eq!(suite.add(By::App, group, wrong).await.unwrap_err(), Reason::InvalidArgument);
        assert_eq!(suite.remove(By::App, group, wrong).await.unwrap_err(), Reason::InvalidArgument);
        assert_eq!(suite.mute(By::App, group, wrong, -1).await.unwrap_err(), Reason::InvalidArgument);
        assert_eq!(suite.block(By::App, group, wrong, true).await.unwrap_err(), Reason::InvalidArgument);
        assert_eq!(suite.set_admins(By::App, group, wrong, true).await.unwrap_err(), Reason::InvalidArgument);
    }
    let added = suite.add(By::App, group, &users[1..]).await.unwrap();
    assert_eq!(added, users[1..].iter().copied().map(done).collect::<Vec<_>>());
    assert_eq!(suite.get_group(group).await.unwrap().member_count, 601);
    suite.set_admins(By::App, group, &users[1..], true).await.unwrap();
    suite.mute(By::App, group, &users[1..], -1).await.unwrap();
    let last = suite.membership(users[600], group).await.unwrap();
    assert_eq!((last.role(), mute_or_none(last.muted_until).millis()), (pb::GroupRole::Admin, -1));
    suite.remove(By::App, group, &users[1..]).await.unwrap();
    assert_eq!(suite.members(group).await.len(), 1);
    suite.block(By::App, group, &users[1..], true).await.unwrap();
    assert_eq!(suite.blocked(By::App, group).await.unwrap(), users[1..]);
    let all = suite.create_group(By::App, owned(users[0], &users[1..])).await.unwrap();
    assert_eq!(all.member_count, 601);
    assert_eq!(suite.create_group(By::App, owned(users[0], &users)).await.unwrap_err(), Reason::InvalidArgument);
}

async fn a_mentioned_name_can_be_a_member(suite: Suite) {
    let [ann] = suite.users().await;
    let bob = suite.resolve(&[name("bob")], true).await.unwrap()[0].id;
    let group = suite.group(ann, &[]).await;
    assert_eq!(suite.add(By::App, group, &[bob]).await.unwrap(), [done(bob)]);
}

async fn removed_users_are_out_and_strangers_are_named(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    let removed = suite.remove(By::App, group, &[carl, bob, ann]).await.unwrap();
    let expected = [refused(carl, Reason::NotGroupMember), done(bob), refused(ann, Reason::GroupOwnerBound)];
    assert_eq!(removed, expected);
    assert_eq!(suite.members(group).await, [(ann, pb::GroupRole::Owner)]);
    assert_eq!(suite.membership(bob, group).await.unwrap().role(), pb::GroupRole::Unspecified);
    assert_eq!(suite.joined(bob, pb::GroupKind::Group).await, [0; 0]);
}

async fn members_and_admins_leave_and_the_owner_cannot(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    suite.set_admins(By::App, group, &[bob], true).await.unwrap();
    suite.leave(By::User(bob), group, None).await.unwrap();
    suite.leave(By::App, group, Some(carl)).await.unwrap();
    assert_eq!(suite.members(group).await, [(ann, pb::GroupRole::Owner)]);
    assert_eq!(suite.leave(By::User(ann), group, None).await.unwrap_err(), Reason::GroupOwnerBound);
    assert_eq!(suite.leave(By::App, group, Some(ann)).await.unwrap_err(), Reason::GroupOwnerBound);
    assert_eq!(suite.leave(By::User(dora), group, None).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.leave(By::App, group, None).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.leave(By::User(bob), group, Some(ann)).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(suite.leave(By::User(ann), 7, None).await.unwrap_err(), Reason::GroupNotFound);
}

async fn who_asks_joins_at_once_where_everybody_may(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let all =
        pb::GroupSettings { apply_approval: pb::ApplyApproval::All.into(), max_members: Some(2), ..Default::default() };
    suite.set_settings(group, all).await;
    assert!(suite.apply(By::User(bob), group, "").await.unwrap());
    assert_eq!(suite.membership(bob, group).await.unwrap().role(), pb::GroupRole::Member);
    assert_eq!(suite.apply(By::User(bob), group, "").await.unwrap_err(), Reason::AlreadyGroupMember);
    assert_eq!(suite.apply(By::User(carl), group, "").await.unwrap_err(), Reason::GroupFull);
    suite.block(By::App, group, &[carl], true).await.unwrap();
    assert_eq!(suite.apply(By::User(carl), group, "").await.unwrap_err(), Reason::OnGroupBlockList);
}

async fn who_asks_is_refused_where_nobody_may(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let none = pb::GroupSettings { apply_approval: pb::ApplyApproval::None.into(), ..Default::default() };
    suite.set_settings(group, none).await;
    assert_eq!(suite.apply(By::User(bob), group, "").await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(suite.applications(By::App, group).await.unwrap(), []);
}

async fn who_asks_waits_where_an_admin_decides(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    assert!(!suite.apply(By::User(carl), group, "hello").await.unwrap());
    suite.advance(Duration::from_secs(1));
    assert!(!suite.apply(By::User(bob), group, "me too").await.unwrap());
    suite.advance(Duration::from_secs(1));
    assert!(!suite.apply(By::User(carl), group, "hello again").await.unwrap());
    let waiting = [
        pb::Application { user_id: carl, text: "hello again".to_owned(), made_at: Some(timestamp(START)) },
        pb::Application {
            user_id: bob,
            text: "me too".to_owned(),
            made_at: Some(timestamp(UnixMillis(START.0 + 1000))),
        },
    ];
    assert_eq!(suite.applications(By::User(ann), group).await.unwrap(), waiting);
    suite.decide(By::User(ann), group, carl, true).await.unwrap();
    suite.decide(By::User(ann), group, bob, false).await.unwrap();
    let (owner, member) = (pb::GroupRole::Owner, pb::GroupRole::Member);
    assert_eq!(suite.members(group).await, [(ann, owner), (carl, member)]);
    assert_eq!(suite.applications(By::App, group).await.unwrap(), []);
    for user in [bob, carl, 7] {
        assert_eq!(suite.decide(By::App, group, user, true).await.unwrap_err(), Reason::ApplicationGone);
    }
    assert_eq!(suite.apply(By::User(ann), group, "").await.unwrap_err(), Reason::AlreadyGroupMember);
}

async fn the_app_asks_for_others_and_a_user_for_himself(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    let apply = async |caller, user_id| {
        let request = pb::ApplyRequest { group_id, user_id, text: "x".repeat(512), ..Default::default() };
        suite.directory.apply(by(caller, request)).await.map(drop).map_err(reason)
    };
    assert_eq!(apply(By::User(ann), Some(bob)).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(apply(By::App, None).await.unwrap_err(), Reason::UserNotFound);
    assert_eq!(apply(By::App, Some(7)).await.unwrap_err(), Reason::UserNotFound);
    apply(By::App, Some(bob)).await.unwrap();
    let long = suite.apply(By::User(bob), group_id, &"x".repeat(513)).await;
    assert_eq!(long.unwrap_err(), Reason::InvalidArgument);
}

async fn an_applicant_who_does_not_fit_goes_on_waiting(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    suite.set_settings(group, pb::GroupSettings { max_members: Some(1), ..Default::default() }).await;
    suite.apply(By::User(bob), group, "").await.unwrap();
    assert_eq!(suite.decide(By::User(ann), group, bob, true).await.unwrap_err(), Reason::GroupFull);
    assert_eq!(suite.applications(By::App, group).await.unwrap().len(), 1);
}

async fn who_was_added_or_blocked_waits_no_more(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    for user in [bob, carl] {
        suite.apply(By::User(user), group, "").await.unwrap();
    }
    suite.add(By::App, group, &[bob]).await.unwrap();
    suite.block(By::App, group, &[carl], true).await.unwrap();
    assert_eq!(suite.applications(By::App, group).await.unwrap(), []);
}

async fn the_oldest_applications_are_listed_first(suite: Suite) {
    let [ann, bob, carl, dora, eve, fay] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    for user in [dora, bob, carl] {
        suite.apply(By::User(user), group_id, "").await.unwrap();
        suite.advance(Duration::from_millis(1));
    }
    // Of two at the same moment, the lower id.
    for user in [fay, eve] {
        suite.apply(By::User(user), group_id, "").await.unwrap();
    }
    let list = async |page_size, page_token: &str| {
        let request = pb::ListApplicationsRequest { group_id, page_size, page_token: page_token.to_owned() };
        let reply = suite.directory.list_applications(by(By::App, request)).await.map_err(reason)?.into_inner();
        let users = reply.applications.into_iter().map(|application| application.user_id).collect::<Vec<_>>();
        Ok((users, reply.next_page_token))
    };
    let all = [dora, bob, carl, eve, fay];
    for size in [0, 5, 1001] {
        assert_eq!(list(size, "").await, Ok((all.to_vec(), String::new())), "{size}");
    }
    for size in [1, 2, 3, 4] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let (users, next) = list(size, &token).await.unwrap();
            assert!(users.len() <= size as usize);
            found.extend(users);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(found, all, "{size}");
    }
    // Pages continue after an applicant who is no longer there.
    let (_, next) = list(2, "").await.unwrap();
    suite.decide(By::App, group_id, bob, false).await.unwrap();
    assert_eq!(list(2, &next).await.unwrap().0, [carl, eve]);
    for (size, token) in [(-1, ""), (0, "1"), (0, "-"), (0, "1-"), (0, "-1"), (0, "1-x"), (0, "1-2-3")] {
        assert_eq!(list(size, token).await, Err(Reason::InvalidArgument), "{size} {token}");
    }
}

async fn members_are_listed_by_pages_with_names_and_their_number(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(bob, &[ann]).await;
    suite.advance(Duration::from_secs(1));
    suite.add(By::App, group, &[carl]).await.unwrap();
    suite.mute(By::App, group, &[carl], START.0 + 2000).await.unwrap();
    let member = |user_id, role: pb::GroupRole, joined_at, muted_until, username: &str| {
        let (role, username) = (role.into(), username.to_owned());
        let (joined_at, muted_until) = (timestamp_unless_zero(joined_at), timestamp_unless_zero(muted_until));
        pb::Member { user_id, role, joined_at, muted_until, username, ..Default::default() }
    };
    let first = suite.list_members(By::User(carl), group, "", 2).await.unwrap();
    let expected =
        [member(ann, pb::GroupRole::Member, START.0, 0, "u0"), member(bob, pb::GroupRole::Owner, START.0, 0, "u1")];
    assert_eq!((&first.members[..], first.next_page_token.is_empty(), first.total), (&expected[..], false, 3));
    let second = suite.list_members(By::App, group, &first.next_page_token, 2).await.unwrap();
    let expected = [member(carl, pb::GroupRole::Member, START.0 + 1000, START.0 + 2000, "u2")];
    assert_eq!((&second.members[..], &second.next_page_token[..], second.total), (&expected[..], "", 3));
    suite.advance(Duration::from_secs(1));
    let later = suite.list_members(By::App, group, &first.next_page_token, 0).await.unwrap();
    assert_eq!(mute_or_none(later.members[0].muted_until).millis(), 0);
    assert_eq!(suite.list_members(By::App, group, "", 1001).await.unwrap().members.len(), 3);
    for (page_token, page_size) in [("-1", 0), ("x", 0), ("", -1)] {
        let wrong = suite.list_members(By::App, group, page_token, page_size).await;
        assert_eq!(wrong.unwrap_err(), Reason::InvalidArgument);
    }
}

async fn a_blocked_user_is_out_until_he_is_taken_off_the_list(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    let blocked = suite.block(By::User(ann), group, &[bob, carl, ann, 7], true).await.unwrap();
    let expected = [done(bob), done(carl), refused(ann, Reason::GroupOwnerBound), refused(7, Reason::UserNotFound)];
    assert_eq!(blocked, expected);
    assert_eq!(suite.blocked(By::User(ann), group).await.unwrap(), [bob, carl]);
    assert_eq!(suite.members(group).await, [(ann, pb::GroupRole::Owner)]);
    assert_eq!(suite.add(By::App, group, &[bob]).await.unwrap(), [refused(bob, Reason::OnGroupBlockList)]);
    assert_eq!(suite.block(By::App, group, &[bob], true).await.unwrap(), [done(bob)]);
    assert_eq!(suite.block(By::App, group, &[bob, ann], false).await.unwrap(), [done(bob), done(ann)]);
    assert_eq!(suite.blocked(By::App, group).await.unwrap(), [carl]);
    assert_eq!(suite.add(By::App, group, &[bob]).await.unwrap(), [done(bob)]);
}

async fn a_block_list_is_paged_and_counted(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    suite.block(By::App, group_id, &[bob, carl], true).await.unwrap();
    let request = pb::ListBlockedRequest { group_id, page_size: 1, page_token: String::new() };
    let page = ok(suite.directory.list_blocked(by(By::App, request)).await);
    let request = pb::ListBlockedRequest { group_id, page_size: 1, page_token: page.next_page_token.clone() };
    let last = ok(suite.directory.list_blocked(by(By::App, request)).await);
    assert_eq!((last.members[0].user_id, &last.next_page_token[..], last.total), (carl, "", 2));
    let member = pb::Member { user_id: bob, username: "u1".to_owned(), ..Default::default() };
    assert_eq!((page.members, page.total), (vec![member], 2));
}

async fn apps_share_neither_members_nor_block_lists(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group_id = suite.group(ann, &[]).await;
    suite.create_app("acme", "cafe").await;
    let registered = suite.directory.register_users(in_app("acme#cafe", registration(&[("a", ""), ("b", "")]))).await;
    let ids: Vec<i64> = ok(registered).results.into_iter().map(|user| outcome(user).unwrap().id).collect();
    assert_eq!(ids, [ann, bob]);
    assert_eq!(ok(suite.directory.create_group(in_app("acme#cafe", owned(ann, &[]))).await).id, group_id);
    suite.block(By::App, group_id, &[bob], true).await.unwrap();
    let request = pb::AddMembersRequest { group_id, user_ids: vec![bob] };
    let added = ok(suite.directory.add_members(in_app("acme#cafe", request)).await);
    assert_eq!(added.results[0].reason, "");
    assert_eq!(suite.members(group_id).await, [(ann, pb::GroupRole::Owner)]);
    // Users of another app cannot be added.
    let stranger = suite.register("stranger", "").await.unwrap();
    let request = pb::AddMembersRequest { group_id, user_ids: vec![stranger.id] };
    let added = ok(suite.directory.add_members(in_app("acme#cafe", request)).await);
    assert_eq!(added.results[0].reason, "USER_NOT_FOUND");
}

on_both_engines!(
    each_user_is_added_or_refused_by_himself,
    a_refusal_says_why_in_words,
    those_who_do_not_fit_are_refused_and_the_others_join,
    six_hundred_are_added_at_once_and_more_refused,
    a_mentioned_name_can_be_a_member,
    removed_users_are_out_and_strangers_are_named,
    members_and_admins_leave_and_the_owner_cannot,
    who_asks_joins_at_once_where_everybody_may,
    who_asks_is_refused_where_nobody_may,
    who_asks_waits_where_an_admin_decides,
    the_app_asks_for_others_and_a_user_for_himself,
    an_applicant_who_does_not_fit_goes_on_waiting,
    who_was_added_or_blocked_waits_no_more,
    the_oldest_applications_are_listed_first,
    members_are_listed_by_pages_with_names_and_their_number,
    a_blocked_user_is_out_until_he_is_taken_off_the_list,
    a_block_list_is_paged_and_counted,
    apps_share_neither_members_nor_block_lists,
);
