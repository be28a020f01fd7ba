//! Threads: groups that belong to a message of another group.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    pb::{self, group_service_server::GroupService as _},
    timestamp,
};
use tonic::Response;

use crate::{
    group_suite::{By, by, owned},
    suite::{START, Suite, id, on_both_engines, reason},
};

const GROUP: pb::GroupKind = pb::GroupKind::Group;

impl Suite {
    async fn create_thread(&self, caller: By, group_id: i64, msg_id: i64) -> Result<pb::Thread, Reason> {
        let owner_id = if let By::User(user) = caller { Some(user) } else { None };
        let name = "talk".to_owned();
        let request = pb::CreateThreadRequest { group_id, msg_id, owner_id, name, viewer_ids: Vec::new() };
        self.create_thread_of(caller, request).await
    }

    async fn create_thread_of(&self, caller: By, request: pb::CreateThreadRequest) -> Result<pb::Thread, Reason> {
        self.directory.create_thread(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    async fn get_thread(&self, caller: By, thread_id: i64) -> Result<pb::Thread, Reason> {
        let request = pb::GetThreadRequest { thread_id };
        self.directory.get_thread(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    async fn rename_thread(&self, caller: By, thread_id: i64, name: &str) -> Result<String, Reason> {
        let request = pb::UpdateThreadRequest { thread_id, name: name.into() };
        self.directory.update_thread(by(caller, request)).await.map(|reply| reply.into_inner().name).map_err(reason)
    }

    async fn delete_thread(&self, caller: By, thread_id: i64) -> Result<(), Reason> {
        let request = pb::DeleteThreadRequest { thread_id };
        self.directory.delete_thread(by(caller, request)).await.map(drop).map_err(reason)
    }

    async fn join_thread(&self, caller: By, thread_id: i64, users: &[i64]) -> Result<i32, Reason> {
        let request = pb::JoinThreadRequest { thread_id, user_ids: users.to_vec() };
        let joined = self.directory.join_thread(by(caller, request)).await;
        joined.map(|reply| reply.into_inner().member_count).map_err(reason)
    }

    /// Ids page by page, two at a time.
    async fn threads(&self, caller: By, user: Option<i64>, group: i64, oldest_first: bool) -> Result<Vec<i64>, Reason> {
        let (mut ids, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                pb::ListThreadsRequest { user_id: user, group_id: group, oldest_first, page_size: 2, page_token };
            let page = self.directory.list_threads(by(caller, request)).await.map_err(reason)?.into_inner();
            assert!(page.threads.len() <= 2);
            ids.extend(page.threads.iter().map(|thread| thread.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(ids);
            }
        }
    }
}

async fn a_message_of_a_group_has_one_thread_agora_10_5(suite: Suite) {
    let [ann, bob, eve] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    let thread = suite.create_thread(By::User(bob), group, 7).await.unwrap();
    let expected = pb::Thread {
        id: thread.id,
        group_id: group,
        msg_id: 7,
        name: "talk".into(),
        owner_id: bob,
        created_at: Some(timestamp(START)),
        member_count: 1,
    };
    assert_eq!(thread, expected);
    assert_eq!(suite.get_thread(By::User(ann), thread.id).await.unwrap(), thread);
    let create = async |caller, group, msg| suite.create_thread(caller, group, msg).await.unwrap_err();
    assert_eq!(create(By::User(ann), group, 7).await, Reason::ThreadExists);
    assert_eq!(create(By::User(eve), group, 8).await, Reason::NotGroupMember);
    assert_eq!(create(By::User(bob), thread.id, 8).await, Reason::InvalidArgument);
    assert_eq!(create(By::User(bob), 12345, 8).await, Reason::GroupNotFound);
    assert_eq!(create(By::App, group, 8).await, Reason::InvalidArgument);
    assert_eq!(create(By::User(bob), group, 0).await, Reason::InvalidArgument);
    let room = pb::CreateGroupRequest { kind: pb::GroupKind::Room.into(), ..owned(ann, &[]) };
    let room = suite.create_group(By::App, room).await.unwrap().id;
    assert_eq!(create(By::User(ann), room, 8).await, Reason::InvalidArgument);
    for name in [String::new(), "n".repeat(65)] {
        let request =
            pb::CreateThreadRequest { group_id: group, msg_id: 8, owner_id: Some(ann), name, viewer_ids: Vec::new() };
        assert_eq!(suite.create_thread_of(By::App, request).await.unwrap_err(), Reason::InvalidArgument);
    }
    assert_eq!(suite.get_thread(By::User(eve), thread.id).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.get_thread(By::App, group).await.unwrap_err(), Reason::GroupNotFound);
    // A thread that ended leaves its message free.
    suite.delete_thread(By::App, thread.id).await.unwrap();
    assert_eq!(suite.get_thread(By::App, thread.id).await.unwrap_err(), Reason::GroupNotFound);
    assert_ne!(suite.create_thread(By::User(ann), group, 7).await.unwrap().id, thread.id);
}

async fn a_thread_of_a_message_for_some_members_is_seen_by_those_alone(suite: Suite) {
    let [ann, bob, carl, dora, eve] = suite.users().await;
    let group = suite.group(ann, &[bob, carl, dora]).await;
    // Eve has left the group meanwhile, and the app itself wrote the message.
    let viewer_ids = vec![bob, carl, eve, 0];
    let wanted = pb::CreateThreadRequest {
        group_id: group,
        msg_id: 7,
        owner_id: Some(bob),
        name: "talk".into(),
        viewer_ids: viewer_ids.clone(),
    };
    let created = suite.create_thread_of(By::User(bob), wanted.clone()).await.unwrap();
    let (thread, open) = (created.id, suite.create_thread(By::User(ann), group, 8).await.unwrap().id);
    assert_eq!(created.member_count, 2);
    assert_eq!(suite.members(thread).await, [(bob, pb::GroupRole::Owner), (carl, pb::GroupRole::Member)]);
    for (user, seen) in [(bob, vec![thread, open]), (carl, vec![thread, open]), (ann, vec![open]), (dora, vec![open])] {
        assert_eq!(suite.threads(By::User(user), None, group, true).await.unwrap(), seen);
        let found = suite.get_thread(By::User(user), thread).await.map(|found| found.id);
        assert_eq!(found, if seen.contains(&thread) { Ok(thread) } else { Err(Reason::GroupNotFound) });
    }
    assert_eq!(suite.threads(By::App, None, group, true).await.unwrap(), [thread, open]);
    // Nor does anybody get in: not even who administrates the group.
    for user in [ann, dora] {
        assert_eq!(suite.join_thread(By::User(user), thread, &[user]).await.unwrap_err(), Reason::GroupNotFound);
        assert!(suite.apply(By::User(user), thread, "").await.is_err());
        assert_eq!(suite.rename_thread(By::User(user), thread, "x").await.unwrap_err(), Reason::GroupNotFound);
        assert_eq!(suite.delete_thread(By::User(user), thread).await.unwrap_err(), Reason::GroupNotFound);
        let members = pb::ListMembersRequest { group_id: thread, ..Default::default() };
        let refused = suite.directory.list_members(by(By::User(user), members)).await.map(drop).map_err(reason);
        assert_eq!(refused.unwrap_err(), Reason::NotGroupMember);
        let groups = pb::GetGroupsRequest { group_ids: vec![thread, open] };
        let found = suite.directory.get_groups(by(By::User(user), groups)).await.unwrap().into_inner().groups;
        assert_eq!(found.iter().map(|group| group.id).collect::<Vec<_>>(), [open]);
    }
    assert_eq!(suite.rename_thread(By::User(bob), thread, "menu").await.unwrap(), "menu");
    assert_eq!(suite.join_thread(By::User(carl), thread, &[carl]).await.unwrap(), 2);
    // The app may add somebody, who then has the rights of their role in the group.
    suite.join_thread(By::App, thread, &[ann]).await.unwrap();
    suite.delete_thread(By::User(ann), thread).await.unwrap();
    let many = pb::CreateThreadRequest { viewer_ids: vec![bob; 2_001], ..wanted };
    assert_eq!(suite.create_thread_of(By::User(bob), many).await.unwrap_err(), Reason::InvalidArgument);
}

async fn members_of_a_thread_are_members_of_its_group(suite: Suite) {
    let [ann, bob, carl, eve] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    let thread = suite.create_thread(By::User(ann), group, 7).await.unwrap().id;
    assert_eq!(suite.join_thread(By::User(bob), thread, &[bob]).await.unwrap(), 2);
    assert_eq!(suite.join_thread(By::User(bob), thread, &[bob]).await.unwrap(), 2);
    // Everybody, or nobody.
    assert_eq!(suite.join_thread(By::App, thread, &[carl, eve]).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.join_thread(By::User(bob), thread, &[carl]).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(suite.join_thread(By::App, group, &[carl]).await.unwrap_err(), Reason::GroupNotFound);
    assert_eq!(suite.members(thread).await.len(), 2);
    // No other way leads in, either.
    assert_eq!(suite.add(By::App, thread, &[eve]).await.unwrap(), [(eve, "NOT_GROUP_MEMBER".to_owned())]);
    assert_eq!(suite.apply(By::User(eve), thread, "").await.unwrap_err(), Reason::NotGroupMember);
    suite.join_thread(By::App, thread, &[carl]).await.unwrap();
    // Whoever leaves the group, is removed or blocked, leaves the thread.
    suite.leave(By::User(bob), group, None).await.unwrap();
    assert_eq!(suite.membership(bob, thread).await.unwrap().role, 0);
    suite.block(By::User(ann), group, &[carl], true).await.unwrap();
    assert_eq!(suite.members(thread).await, [(ann, pb::GroupRole::Owner)]);
    suite.add(By::App, group, &[bob]).await.unwrap();
    suite.join_thread(By::App, thread, &[bob]).await.unwrap();
    suite.remove(By::User(ann), group, &[bob]).await.unwrap();
    assert_eq!(suite.members(thread).await, [(ann, pb::GroupRole::Owner)]);
    // A thread's owner may leave it; it stays.
    suite.leave(By::User(ann), thread, None).await.unwrap();
    assert_eq!((suite.members(thread).await, suite.get_thread(By::App, thread).await.unwrap().owner_id), (vec![], ann));
}

async fn nobody_stays_in_a_thread_whose_group_they_leave_meanwhile(suite: Suite) {
    let users = suite.many_users(11).await;
    let other = suite.other_process();
    let group = suite.group(users[0], &users[1..]).await;
    let thread_id = suite.create_thread(By::User(users[0]), group, 7).await.unwrap().id;
    for user in &users[1..] {
        let joining = by(By::User(*user), pb::JoinThreadRequest { thread_id, user_ids: vec![*user] });
        let (left, _) = tokio::join!(suite.leave(By::User(*user), group, None), other.join_thread(joining));
        left.unwrap();
        assert_eq!(suite.membership(*user, thread_id).await.unwrap().role, 0);
    }
}

async fn a_thread_belongs_to_its_group_more_than_to_its_owner(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    let thread = suite.create_thread(By::User(bob), group, 7).await.unwrap().id;
    assert_eq!(suite.rename_thread(By::User(bob), thread, "mine").await.unwrap(), "mine");
    assert_eq!(suite.rename_thread(By::User(carl), thread, "no").await.unwrap_err(), Reason::NotGroupMember);
    suite.join_thread(By::User(carl), thread, &[carl]).await.unwrap();
    assert_eq!(suite.rename_thread(By::User(carl), thread, "no").await.unwrap_err(), Reason::GroupAdminRequired);
    assert_eq!(suite.delete_thread(By::User(carl), thread).await.unwrap_err(), Reason::GroupOwnerRequired);
    assert_eq!(suite.delete_thread(By::User(bob), thread).await.unwrap_err(), Reason::GroupOwnerRequired);
    // An admin of the group, who is not in the thread.
    assert_eq!(suite.rename_thread(By::User(ann), thread, "ours").await.unwrap(), "ours");
    assert_eq!(suite.remove(By::User(ann), thread, &[carl]).await.unwrap(), [(carl, String::new())]);
    suite.delete_thread(By::User(ann), thread).await.unwrap();
    assert_eq!(suite.membership(bob, thread).await, None);
}

async fn threads_are_listed_apart_from_groups_and_paged(suite: Suite) {
    let [ann, bob, eve] = suite.users().await;
    let (one, two) = (suite.group(ann, &[bob]).await, suite.group(ann, &[bob]).await);
    let mut threads = Vec::new();
    for msg in 1..=5 {
        threads.push(suite.create_thread(By::User(ann), one, msg).await.unwrap().id);
    }
    threads.push(suite.create_thread(By::User(ann), two, 1).await.unwrap().id);
    let reversed: Vec<i64> = threads.iter().rev().copied().collect();
    assert_eq!(suite.threads(By::App, None, 0, true).await.unwrap(), threads);
    assert_eq!(suite.threads(By::App, None, 0, false).await.unwrap(), reversed);
    assert_eq!(suite.threads(By::User(bob), None, one, false).await.unwrap(), reversed[1..]);
    // What a user is in, by when they joined.
    for thread in [threads[3], threads[5], threads[0], threads[1]] {
        suite.advance(Duration::from_secs(1));
        suite.join_thread(By::User(bob), thread, &[bob]).await.unwrap();
    }
    let joined = [threads[3], threads[5], threads[0], threads[1]];
    assert_eq!(suite.threads(By::User(bob), Some(bob), 0, true).await.unwrap(), joined);
    let reversed = [threads[1], threads[0], threads[5], threads[3]];
    assert_eq!(suite.threads(By::App, Some(bob), 0, false).await.unwrap(), reversed);
    assert_eq!(suite.threads(By::User(bob), Some(bob), one, true).await.unwrap(), [joined[0], joined[2], joined[3]]);
    // Joined in the same millisecond.
    assert_eq!(suite.threads(By::App, Some(ann), one, true).await.unwrap(), threads[..5]);
    assert_eq!(suite.threads(By::User(eve), None, one, true).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.threads(By::User(bob), Some(ann), 0, true).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(suite.threads(By::User(bob), None, 0, true).await.unwrap_err(), Reason::AppTokenRequired);
    assert_eq!(suite.threads(By::App, None, 12345, true).await.unwrap_err(), Reason::GroupNotFound);
    for page_token in ["x", "1", "1.x", "-1.1"] {
        let request = pb::ListThreadsRequest { page_token: page_token.into(), ..Default::default() };
        let refused = suite.directory.list_threads(by(By::App, request)).await.unwrap_err();
        assert_eq!(reason(refused), Reason::InvalidArgument, "{page_token}");
    }
    // No list of groups has them.
    assert_eq!(suite.joined(bob, GROUP).await, [one, two]);
    let request = pb::ListGroupsRequest { kind: GROUP.into(), ..Default::default() };
    let listed = suite.directory.list_groups(by(By::App, request)).await.unwrap().into_inner().groups;
    assert_eq!(listed.iter().map(|group| group.id).collect::<Vec<_>>(), [one, two]);
    assert_eq!(suite.get_group(threads[0]).await.unwrap().parent_group_id, one);
}

async fn threads_end_with_their_group_agora_10_3(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let (group, other) = (suite.group(ann, &[bob]).await, suite.group(ann, &[bob]).await);
    let kept = suite.create_thread(By::User(ann), other, 1).await.unwrap().id;
    let mut threads = Vec::new();
    // More than end in one transaction.
    for msg in 1..=203 {
        threads.push(suite.create_thread(By::User(ann), group, msg).await.unwrap().id);
    }
    suite.join_thread(By::User(bob), threads[0], &[bob]).await.unwrap();
    assert_eq!(suite.destroy(By::User(bob), group).await.unwrap_err(), Reason::GroupOwnerRequired);
    assert_eq!(suite.threads(By::App, None, group, true).await.unwrap(), threads);
    suite.destroy(By::User(ann), group).await.unwrap();
    assert_eq!(suite.threads(By::App, None, 0, true).await.unwrap(), [kept]);
    assert_eq!(suite.threads(By::App, Some(bob), 0, true).await.unwrap(), [0; 0]);
    assert_eq!((suite.membership(bob, threads[0]).await, suite.membership(ann, threads[202]).await), (None, None));
    // A group that ends with its last member takes its threads along.
    suite.remove(By::App, other, &[bob]).await.unwrap();
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(suite.get_thread(By::App, kept).await.unwrap_err(), Reason::GroupNotFound);
}

on_both_engines!(
    a_message_of_a_group_has_one_thread_agora_10_5,
    a_thread_of_a_message_for_some_members_is_seen_by_those_alone,
    members_of_a_thread_are_members_of_its_group,
    nobody_stays_in_a_thread_whose_group_they_leave_meanwhile,
    a_thread_belongs_to_its_group_more_than_to_its_owner,
    threads_are_listed_apart_from_groups_and_paged,
    threads_end_with_their_group_agora_10_3,
);
