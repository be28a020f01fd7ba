//! What is deleted with a user.

use std::time::Duration;

use tidings_proto::internal::directory_internal_service_server::DirectoryInternalService as _;
use tidings_proto::pb::{
    self, directory_service_server::DirectoryService as _, group_service_server::GroupService as _,
};
use tidings_proto::{duration, internal, moment_or_zero};

use crate::{
    group_suite::{By, by, owned},
    suite::{START, Suite, id, in_app, name, ok, on_both_engines, outcome, registration},
};

const OWNER: pb::GroupRole = pb::GroupRole::Owner;
const MEMBER: pb::GroupRole = pb::GroupRole::Member;

async fn everything_of_a_deleted_user_goes_and_the_rest_stays(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let of_others = suite.group(bob, &[ann, carl]).await;
    let asked = suite.group(bob, &[]).await;
    let banned = suite.group(bob, &[]).await;
    for user in [ann, carl] {
        suite.apply(By::User(user), asked, "").await.unwrap();
        suite.block(By::App, banned, &[user], true).await.unwrap();
        let profile = Some(pb::Profile { avatar: Some("a".to_owned()), ..Default::default() });
        let request = pb::SetProfileRequest { user: Some(id(user)), profile };
        ok(suite.directory.set_profile(by(By::App, request)).await);
        let request = pb::OpenSessionRequest {
            user: Some(id(user)),
            ttl: Some(duration(Duration::from_secs(1))),
            ..Default::default()
        };
        ok(suite.directory.open_session(by(By::App, request)).await);
        for (user_id, blocked_id) in [(user, bob), (bob, user)] {
            let request = pb::BlockUserRequest { user_id: Some(user_id), blocked_id, blocked: true };
            ok(suite.directory.block_user(by(By::App, request)).await);
        }
    }
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(suite.members(of_others).await, [(bob, OWNER), (carl, MEMBER)]);
    let waiting: Vec<i64> =
        suite.applications(By::App, asked).await.unwrap().into_iter().map(|waiting| waiting.user_id).collect();
    assert_eq!(waiting, [carl]);
    assert_eq!(suite.blocked(By::App, banned).await.unwrap(), [carl]);
    for (table, left) in [("user_block", 2), ("user_profile", 1), ("user_session", 1), ("group_block", 1)] {
        assert_eq!(suite.count(table).await, left, "{table}");
    }
    assert_eq!(suite.joined(ann, pb::GroupKind::Group).await, [0; 0]);
}

async fn a_group_goes_to_the_admin_who_has_been_in_it_longest(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    suite.advance(Duration::from_secs(1));
    suite.add(By::App, group, &[dora]).await.unwrap();
    suite.advance(Duration::from_secs(1));
    suite.add(By::App, group, &[carl]).await.unwrap();
    suite.set_admins(By::App, group, &[carl, dora], true).await.unwrap();
    suite.mute(By::App, group, &[dora], -1).await.unwrap();
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(suite.members(group).await, [(bob, MEMBER), (carl, pb::GroupRole::Admin), (dora, OWNER)]);
    let after = suite.get_group(group).await.unwrap();
    assert_eq!((after.owner_id, after.member_count, moment_or_zero(after.updated_at).0), (dora, 3, START.0 + 2000));
    assert_eq!(suite.membership(dora, group).await.unwrap().muted_until, None);
}

async fn without_an_admin_a_group_goes_to_the_member_who_has_been_in_it_longest(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[carl]).await;
    suite.advance(Duration::from_secs(1));
    suite.add(By::App, group, &[bob]).await.unwrap();
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(suite.members(group).await, [(bob, MEMBER), (carl, OWNER)]);
    suite.destroy(By::User(carl), group).await.unwrap();
}

async fn a_group_without_anybody_left_ends(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let (alone, shared) = (suite.group(ann, &[]).await, suite.group(ann, &[bob]).await);
    suite.apply(By::User(bob), alone, "").await.unwrap();
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(suite.get_group(alone).await, None);
    assert_eq!(suite.count("group_application").await, 0);
    assert_eq!(suite.get_group(shared).await.unwrap().owner_id, bob);
    suite.delete_user(id(bob)).await.unwrap();
    assert_eq!(suite.get_group(shared).await, None);
    assert_eq!(suite.count("group_member").await, 0);
}

async fn groups_end_with_their_owner_where_the_policy_says_so(suite: Suite) {
    let [ann, bob] = suite.users().await;
    suite.set_policy(pb::Policy { owner_deletion: Some(2), ..Default::default() }).await.unwrap();
    let (owned, joined) = (suite.group(ann, &[bob]).await, suite.group(bob, &[ann]).await);
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(suite.get_group(owned).await, None);
    assert_eq!(suite.members(joined).await, [(bob, OWNER)]);
    assert_eq!(suite.joined(bob, pb::GroupKind::Group).await, [joined]);
    assert_eq!(suite.count("change where kind = 'group.destroyed'").await, 1);
}

async fn a_user_with_many_groups_is_deleted_like_any_other(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let mut groups = Vec::new();
    for i in 0..20 {
        let members: &[i64] = if i % 2 == 0 { &[bob] } else { &[] };
        groups.push(suite.group(ann, members).await);
    }
    suite.delete_user(id(ann)).await.unwrap();
    let left: Vec<i64> = groups.into_iter().step_by(2).collect();
    assert_eq!(suite.joined(bob, pb::GroupKind::Group).await, left);
    assert_eq!(suite.count("group_member where role = 3").await, 10);
}

async fn a_failed_deletion_takes_nothing(suite: Suite) {
    let mentioned = suite.resolve(&[name("mentioned")], true).await.unwrap()[0].id;
    let [ann] = suite.users().await;
    let group = suite.group(ann, &[mentioned]).await;
    suite.delete_user(name("mentioned")).await.unwrap_err();
    assert_eq!(suite.members(group).await, [(mentioned, MEMBER), (ann, OWNER)]);
}

async fn the_same_user_of_another_app_loses_nothing(suite: Suite) {
    let [ann] = suite.users().await;
    suite.create_app("acme", "cafe").await;
    let registered = suite.directory.register_users(in_app("acme#cafe", registration(&[("ann", "")]))).await;
    assert_eq!(outcome(ok(registered).results.remove(0)).unwrap().id, ann);
    let group_id = ok(suite.directory.create_group(in_app("acme#cafe", owned(ann, &[]))).await).id;
    assert_eq!(suite.group(ann, &[]).await, group_id);
    suite.delete_user(id(ann)).await.unwrap();
    let request = internal::MembershipsRequest { user_id: Some(ann), group_ids: vec![group_id] };
    let found = ok(suite.directory.memberships(in_app("acme#cafe", request)).await).memberships;
    assert_eq!(found[0].role(), OWNER);
}

on_both_engines!(
    everything_of_a_deleted_user_goes_and_the_rest_stays,
    a_group_goes_to_the_admin_who_has_been_in_it_longest,
    without_an_admin_a_group_goes_to_the_member_who_has_been_in_it_longest,
    a_group_without_anybody_left_ends,
    groups_end_with_their_owner_where_the_policy_says_so,
    a_user_with_many_groups_is_deleted_like_any_other,
    a_failed_deletion_takes_nothing,
    the_same_user_of_another_app_loses_nothing,
);
