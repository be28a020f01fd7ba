//! Groups that several processes change at once.

use tidings_directory::Directory;
use tidings_domain::Reason;
use tidings_proto::pb::{self, group_service_server::GroupService as _};

use crate::{
    group_suite::{By, by, outcomes, owned},
    suite::{Suite, id, ok, on_both_engines},
};

const ROUNDS: usize = 10;

async fn add(directory: Directory, group_id: i64, user_ids: Vec<i64>) -> Vec<(i64, String)> {
    outcomes(ok(directory.add_members(by(By::App, pb::AddMembersRequest { group_id, user_ids })).await))
}

async fn additions_at_once_never_exceed_max_members(suite: Suite) {
    let users = suite.many_users(49).await;
    let other = suite.other_process();
    let settings = Some(pb::GroupSettings { max_members: Some(10), ..Default::default() });
    let request = pb::CreateGroupRequest { settings, ..owned(users[0], &[]) };
    let group = suite.create_group(By::App, request).await.unwrap().id;
    // Twelve calls of eight users each, every user in two of them.
    let task = |i: usize| {
        let directory = if i.is_multiple_of(2) { suite.directory.clone() } else { other.clone() };
        let mut ids = users[1..].to_vec();
        ids.rotate_left(i * 4);
        tokio::spawn(add(directory, group, ids[..8].to_vec()))
    };
    let mut joined = 0;
    for task in (0..12).map(task).collect::<Vec<_>>() {
        joined += task.await.unwrap().iter().filter(|(_, reason)| reason.is_empty()).count();
    }
    assert_eq!(joined, 9);
    assert_eq!(suite.members(group).await.len(), 10);
}

async fn applicants_at_once_never_exceed_max_members(suite: Suite) {
    let users = suite.many_users(13).await;
    let settings = Some(pb::GroupSettings { max_members: Some(5), ..Default::default() });
    let request = pb::CreateGroupRequest { kind: pb::GroupKind::Room.into(), settings, ..owned(users[0], &[]) };
    let group_id = suite.create_group(By::App, request).await.unwrap().id;
    let task = |user: &i64| {
        let (directory, caller) = (suite.directory.clone(), By::User(*user));
        let request = pb::ApplyRequest { group_id, ..Default::default() };
        tokio::spawn(async move { directory.apply(by(caller, request)).await.is_ok() })
    };
    let mut joined = 0;
    for task in users[1..].iter().map(task).collect::<Vec<_>>() {
        joined += usize::from(task.await.unwrap());
    }
    assert_eq!(joined, 4);
    assert_eq!(suite.members(group_id).await.len(), 5);
}

async fn nobody_is_in_a_group_after_his_deletion(suite: Suite) {
    let users = suite.many_users(ROUNDS + 1).await;
    let other = suite.other_process();
    for &user in &users[1..] {
        let group = suite.group(users[0], &[]).await;
        let deletion = suite.delete_user(id(user));
        let (deleted, added) = tokio::join!(deletion, add(other.clone(), group, vec![user]));
        deleted.unwrap();
        assert!(matches!(added[0].1.as_str(), "" | "USER_NOT_FOUND"), "{added:?}");
        assert_eq!(suite.members(group).await.len(), 1);
    }
}

async fn owners_deleted_at_once_leave_an_owner_or_no_group(suite: Suite) {
    for round in 0..ROUNDS {
        let names: Vec<String> = (0..3).map(|n| format!("r{round}n{n}")).collect();
        let users: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        let registered = suite.register_many(&users).await;
        let [ann, bob, carl] = [0, 1, 2].map(|at: usize| registered[at].as_ref().unwrap().id);
        let (one, two) = (suite.group(ann, &[bob, carl]).await, suite.group(bob, &[ann]).await);
        let (first, second) = tokio::join!(suite.delete_user(id(ann)), suite.delete_user(id(bob)));
        first.unwrap();
        second.unwrap();
        assert_eq!(suite.members(one).await, [(carl, pb::GroupRole::Owner)]);
        assert_eq!(suite.get_group(one).await.unwrap().owner_id, carl);
        assert_eq!(suite.get_group(two).await, None);
    }
}

async fn a_group_destroyed_while_users_join_has_nobody_in_it(suite: Suite) {
    let users = suite.many_users(9).await;
    let other = suite.other_process();
    for _ in 0..ROUNDS {
        let group_id = suite.group(users[0], &[]).await;
        let joining = by(By::App, pb::AddMembersRequest { group_id, user_ids: users[1..].to_vec() });
        let (destroyed, _) = tokio::join!(suite.destroy(By::App, group_id), other.add_members(joining));
        destroyed.unwrap();
        assert_eq!(suite.count("group_member").await, 0);
    }
}

async fn a_deletion_and_a_transfer_to_the_deleted_user_leave_one_owner(suite: Suite) {
    let users = suite.many_users(ROUNDS + 1).await;
    let ann = users[0];
    for &user in &users[1..] {
        let group = suite.group(ann, &[user]).await;
        let (deleted, transferred) = tokio::join!(suite.delete_user(id(user)), suite.transfer(By::App, group, user));
        deleted.unwrap();
        if let Err(refusal) = transferred {
            assert_eq!(refusal, Reason::NewOwnerNotMember);
        }
        assert_eq!(suite.members(group).await, [(ann, pb::GroupRole::Owner)]);
        assert_eq!(suite.get_group(group).await.unwrap().owner_id, ann);
    }
}

async fn a_transfer_and_a_leave_at_once_never_lose_the_owner(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let other = suite.other_process();
    for _ in 0..ROUNDS {
        let group_id = suite.group(ann, &[bob]).await;
        let leaving = by(By::User(bob), pb::LeaveRequest { group_id, user_id: None });
        let (transferred, left) = tokio::join!(suite.transfer(By::App, group_id, bob), other.leave(leaving));
        assert_ne!(transferred.is_ok(), left.is_ok());
        let owner = suite.get_group(group_id).await.unwrap().owner_id;
        assert!(suite.members(group_id).await.contains(&(owner, pb::GroupRole::Owner)));
    }
}

on_both_engines!(
    additions_at_once_never_exceed_max_members,
    applicants_at_once_never_exceed_max_members,
    nobody_is_in_a_group_after_his_deletion,
    owners_deleted_at_once_leave_an_owner_or_no_group,
    a_group_destroyed_while_users_join_has_nobody_in_it,
    a_deletion_and_a_transfer_to_the_deleted_user_leave_one_owner,
    a_transfer_and_a_leave_at_once_never_lose_the_owner,
);
