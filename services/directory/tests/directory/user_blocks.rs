//! Users' own block lists.

use tidings_domain::Reason;
use tidings_proto::internal;
use tidings_proto::internal::directory_internal_service_server::DirectoryInternalService as _;
use tidings_proto::pb::{self, directory_service_server::DirectoryService as _};
use tonic::Response;

use crate::{
    group_suite::{By, by},
    suite::{Suite, in_app, name, ok, on_both_engines, outcome, reason, registration},
};

async fn block(
    suite: &Suite,
    caller: By,
    user_id: Option<i64>,
    blocked_id: i64,
    blocked: bool,
) -> Result<bool, Reason> {
    let request = pb::BlockUserRequest { user_id, blocked_id, blocked };
    suite.directory.block_user(by(caller, request)).await.map(|reply| reply.into_inner().changed).map_err(reason)
}

async fn list(
    suite: &Suite,
    caller: By,
    user_id: Option<i64>,
    (page_token, page_size): (&str, i32),
) -> Result<pb::ListBlockedUsersResponse, Reason> {
    let request = pb::ListBlockedUsersRequest { user_id, page_size, page_token: page_token.to_owned() };
    suite.directory.list_blocked_users(by(caller, request)).await.map(Response::into_inner).map_err(reason)
}

async fn blocked_by(suite: &Suite, caller: By, user_id: Option<i64>, by_ids: &[i64]) -> Result<Vec<i64>, Reason> {
    let request = internal::BlockedByRequest { user_id, by_ids: by_ids.to_vec(), contacts_only: false };
    suite.directory.blocked_by(by(caller, request)).await.map(|reply| reply.into_inner().by_ids).map_err(reason)
}

async fn blocking_says_whether_it_changed_anything(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let caller = By::User(ann);
    assert!(block(&suite, caller, None, bob, true).await.unwrap());
    assert!(!block(&suite, caller, None, bob, true).await.unwrap());
    assert_eq!(list(&suite, caller, None, ("", 0)).await.unwrap().user_ids, [bob]);
    assert!(block(&suite, caller, Some(ann), bob, false).await.unwrap());
    assert!(!block(&suite, caller, Some(ann), bob, false).await.unwrap());
    assert_eq!(list(&suite, caller, None, ("", 0)).await.unwrap().user_ids, [0; 0]);
}

async fn a_user_changes_and_sees_his_own_list_only(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let caller = By::User(ann);
    assert_eq!(block(&suite, caller, Some(bob), ann, true).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(list(&suite, caller, Some(bob), ("", 0)).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(blocked_by(&suite, caller, Some(bob), &[ann]).await.unwrap_err(), Reason::NotPermitted);
    assert!(block(&suite, By::App, Some(ann), bob, true).await.unwrap());
    assert_eq!(list(&suite, By::App, Some(ann), ("", 0)).await.unwrap().user_ids, [bob]);
}

async fn only_others_who_exist_can_be_blocked(suite: Suite) {
    let [ann, bob] = suite.users().await;
    suite.delete_user(name("u1")).await.unwrap();
    for (user, other, expected) in [
        (Some(ann), ann, Reason::InvalidArgument),
        (Some(ann), bob, Reason::UserNotFound),
        (Some(ann), 0, Reason::UserNotFound),
        (Some(7), ann, Reason::UserNotFound),
        (None, ann, Reason::UserNotFound),
    ] {
        assert_eq!(block(&suite, By::App, user, other, true).await.unwrap_err(), expected, "{user:?} {other}");
    }
}

async fn a_list_is_paged_by_ascending_id(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    for other in [dora, bob, carl] {
        block(&suite, By::User(ann), None, other, true).await.unwrap();
    }
    let page = async |page_token: &str, page_size| {
        let page = list(&suite, By::User(ann), None, (page_token, page_size)).await?;
        Ok::<_, Reason>((page.user_ids, page.next_page_token))
    };
    let (first, next) = page("", 2).await.unwrap();
    assert_eq!(first, [bob, carl]);
    assert_eq!(page(&next, 2).await, Ok((vec![dora], String::new())));
    for size in [0, 3, 1001] {
        assert_eq!(page("", size).await, Ok((vec![bob, carl, dora], String::new())), "{size}");
    }
    for (page_token, page_size) in [("-1", 0), ("x", 0), ("", -1)] {
        assert_eq!(page(page_token, page_size).await, Err(Reason::InvalidArgument));
    }
}

async fn a_sender_learns_who_of_the_receivers_has_blocked_him(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    for user in [bob, carl] {
        block(&suite, By::User(user), None, ann, true).await.unwrap();
    }
    block(&suite, By::User(ann), None, dora, true).await.unwrap();
    let sender = By::User(ann);
    let mut found = blocked_by(&suite, sender, None, &[dora, carl, bob, 0, 7]).await.unwrap();
    found.sort_unstable();
    assert_eq!(found, [bob, carl]);
    assert_eq!(blocked_by(&suite, sender, None, &[]).await.unwrap(), [0; 0]);
    assert_eq!(blocked_by(&suite, By::App, None, &[bob]).await.unwrap(), [0; 0]);
    assert_eq!(blocked_by(&suite, By::App, Some(ann), &[bob]).await.unwrap(), [bob]);
    let mut many = vec![bob; 600];
    many[0] = carl;
    assert!(blocked_by(&suite, sender, None, &many).await.unwrap().contains(&carl));
    many.push(bob);
    assert_eq!(blocked_by(&suite, sender, None, &many).await.unwrap_err(), Reason::InvalidArgument);
}

async fn apps_do_not_share_block_lists(suite: Suite) {
    let [ann, bob] = suite.users().await;
    block(&suite, By::User(bob), None, ann, true).await.unwrap();
    suite.create_app("acme", "cafe").await;
    let registered = suite.directory.register_users(in_app("acme#cafe", registration(&[("a", ""), ("b", "")]))).await;
    let ids: Vec<i64> = ok(registered).results.into_iter().map(|user| outcome(user).unwrap().id).collect();
    assert_eq!(ids, [ann, bob]);
    let request = internal::BlockedByRequest { user_id: Some(ann), by_ids: vec![bob], contacts_only: false };
    assert_eq!(ok(suite.directory.blocked_by(in_app("acme#cafe", request)).await).by_ids, [0; 0]);
    let request = pb::ListBlockedUsersRequest { user_id: Some(bob), ..Default::default() };
    assert_eq!(ok(suite.directory.list_blocked_users(in_app("acme#cafe", request)).await).user_ids, [0; 0]);
}

async fn several_are_blocked_at_once_or_none(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let change = async |ids: &[i64], blocked| {
        let request = pb::BlockUsersRequest { user_id: Some(ann), blocked_ids: ids.to_vec(), blocked };
        let reply = suite.directory.block_users(by(By::App, request)).await;
        reply.map(|reply| reply.into_inner().changed_ids).map_err(reason)
    };
    assert_eq!(change(&[dora, bob, bob], true).await, Ok(vec![bob, dora]));
    assert_eq!(change(&[bob, carl], true).await, Ok(vec![carl]));
    assert_eq!(change(&[bob, dora], false).await, Ok(vec![bob, dora]));
    assert_eq!(change(&[bob, 999_984], true).await, Err(Reason::UserNotFound));
    assert_eq!(change(&[bob, ann], true).await, Err(Reason::InvalidArgument));
    assert_eq!(change(&[], true).await, Err(Reason::InvalidArgument));
    assert_eq!(change(&[bob; 601], true).await, Err(Reason::InvalidArgument));
    assert_eq!(list(&suite, By::App, Some(ann), ("", 0)).await.unwrap().user_ids, [carl]);
}

async fn a_block_list_has_as_many_users_as_the_policy_allows(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    suite.set_policy(pb::Policy { max_blocked_users: Some(2), ..Default::default() }).await.unwrap();
    let caller = By::User(ann);
    for user in [bob, carl, bob] {
        block(&suite, caller, None, user, true).await.unwrap();
    }
    assert_eq!(block(&suite, caller, None, dora, true).await.unwrap_err(), Reason::BlockListFull);
    block(&suite, caller, None, bob, false).await.unwrap();
    assert!(block(&suite, caller, None, dora, true).await.unwrap());
}

async fn each_change_of_a_block_list_is_logged_once(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let before = suite.count("change").await;
    for blocked in [true, true, false, false] {
        block(&suite, By::User(ann), None, bob, blocked).await.unwrap();
    }
    assert_eq!(suite.count("change").await, before + 2);
    assert_eq!(suite.count("change where kind in ('user.blocked', 'user.unblocked')").await, 2);
}

on_both_engines!(
    several_are_blocked_at_once_or_none,
    a_block_list_has_as_many_users_as_the_policy_allows,
    each_change_of_a_block_list_is_logged_once,
    blocking_says_whether_it_changed_anything,
    a_user_changes_and_sees_his_own_list_only,
    only_others_who_exist_can_be_blocked,
    a_list_is_paged_by_ascending_id,
    a_sender_learns_who_of_the_receivers_has_blocked_him,
    apps_do_not_share_block_lists,
);
