//! What others keep of an app's users, and how a name comes to another account after its user was deleted.

use std::time::Duration;

use tidings_domain::{Clock as _, SystemClock};
use tidings_proto::pb::{self, app_ref, directory_service_server::DirectoryService as _};
use tokio::task::JoinSet;
use tonic::Request;

use crate::suite::{Suite, id, in_lobby, name, ok, on_both_engines};

/// As another process sees it, which has no part in the changes.
async fn version(suite: &Suite) -> i64 {
    let app = pb::AppRef { app: Some(app_ref::App::AppKey("acme#lobby".to_owned())) };
    ok(suite.other_process().get_app(Request::new(pb::GetAppRequest { app: Some(app) })).await).users_version
}

async fn set_enabled(suite: &Suite, user: i64, enabled: bool) {
    let request = pb::UpdateUserRequest { user: Some(id(user)), enabled: Some(enabled), ..Default::default() };
    ok(suite.directory.update_user(in_lobby(request)).await);
}

async fn whoever_is_deleted_disabled_or_enabled_raises_the_version_at_once(suite: Suite) {
    let ann = suite.register("ann", "").await.unwrap().id;
    assert_eq!(version(&suite).await, 0);
    set_enabled(&suite, ann, true).await;
    assert_eq!(version(&suite).await, 0, "nothing changed");
    set_enabled(&suite, ann, false).await;
    assert_eq!(version(&suite).await, 1);
    set_enabled(&suite, ann, true).await;
    assert_eq!(version(&suite).await, 2);
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!(version(&suite).await, 3);
    suite.delete_user(id(ann)).await.unwrap_err();
    assert_eq!(version(&suite).await, 3);
}

async fn no_version_stands_for_two_states_however_many_are_deleted_at_once(suite: Suite) {
    let names: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let users: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let users = suite.register_many(&users).await;
    let mut deletions = JoinSet::new();
    for user in users {
        let (directory, user) = (suite.other_process(), Some(id(user.unwrap().id)));
        deletions.spawn(async move { directory.delete_user(in_lobby(pb::DeleteUserRequest { user })).await });
    }
    while let Some(deleted) = deletions.join_next().await {
        ok(deleted.unwrap());
    }
    assert_eq!(version(&suite).await, 20);
}

/// How long it took, by a clock that is not a test's.
async fn measured<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = SystemClock.elapsed();
    let done = call.await;
    (done, SystemClock.elapsed().saturating_sub(began))
}

async fn a_freed_name_is_given_to_another_account_when_nobody_takes_it_for_the_old_one(suite: Suite) {
    const A_SECOND: Duration = Duration::from_secs(1);
    let old = suite.register_many(&[("ann", ""), ("bob", "")]).await.remove(0).unwrap().id;
    suite.delete_user(name("ann")).await.unwrap();
    suite.delete_user(name("bob")).await.unwrap();
    let (registered, waited) = measured(suite.register_many(&[("carl", ""), ("Ann", "")])).await;
    let new = registered[1].as_ref().unwrap();
    assert!(new.id != old && registered[0].is_ok() && waited > A_SECOND, "{waited:?}");
    let (mentioned, waited) = measured(suite.resolve(&[name("bob")], true)).await;
    assert!(waited > A_SECOND, "{waited:?}");
    // Who was only mentioned, and then registers, is the same account.
    let bob = suite.register("bob", "").await.unwrap();
    assert_eq!(mentioned.unwrap()[0].id, bob.id);
    assert_eq!(suite.get_user(name("ann")).await.unwrap().id, new.id);
}

async fn a_deleted_users_name_means_them_where_that_is_asked_for(suite: Suite) {
    let first = suite.register("ann", "").await.unwrap().id;
    suite.delete_user(name("ann")).await.unwrap();
    suite.advance(Duration::from_secs(20));
    let second = suite.register("Ann", "").await.unwrap().id;
    let who = async |or_deleted: bool, user: &str| {
        let request = pb::ResolveUsersRequest { users: vec![name(user)], or_deleted, ..Default::default() };
        suite.directory.resolve_users(in_lobby(request)).await.map(|reply| reply.into_inner().users[0].id).ok()
    };
    assert_eq!([who(true, "ANN").await, who(false, "ann").await], [Some(second), Some(second)]);
    suite.delete_user(id(second)).await.unwrap();
    assert_eq!([who(true, "ann").await, who(false, "ann").await], [Some(second), None], "not {first}");
    assert_eq!(who(true, "nobody").await, None);
    let both = pb::ResolveUsersRequest { users: vec![name("ann")], or_deleted: true, intern_unknown: true };
    suite.directory.resolve_users(in_lobby(both)).await.unwrap_err();
}

on_both_engines!(
    whoever_is_deleted_disabled_or_enabled_raises_the_version_at_once,
    no_version_stands_for_two_states_however_many_are_deleted_at_once,
    a_freed_name_is_given_to_another_account_when_nobody_takes_it_for_the_old_one,
    a_deleted_users_name_means_them_where_that_is_asked_for,
);
