//! Resolving many users at once.

use tidings_domain::Reason;
use tidings_proto::{
    moment_or_zero,
    pb::{self, directory_service_server::DirectoryService as _},
};

use crate::suite::{FIRST_USER, START, Suite, error, id, in_lobby, name, ok, on_both_engines};

fn resolution(users: &[pb::UserRef], intern_unknown: bool) -> tonic::Request<pb::ResolveUsersRequest> {
    in_lobby(pb::ResolveUsersRequest { users: users.to_vec(), intern_unknown, ..Default::default() })
}

async fn users_come_in_the_order_asked(suite: Suite) {
    suite.register_many(&[("ann", ""), ("bob", "")]).await;
    let refs = [name("BOB"), id(0), id(FIRST_USER), name("admin"), name("bob"), id(FIRST_USER + 16)];
    let users = suite.resolve(&refs, false).await.unwrap();
    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["bob", "admin", "ann", "admin", "bob", "bob"]);
    assert_eq!(users[3].id, 0);
}

async fn the_first_missing_user_is_named(suite: Suite) {
    suite.register("ann", "").await.unwrap();
    let by_name = suite.directory.resolve_users(resolution(&[name("ann"), name("Bob"), id(5)], false)).await;
    assert_eq!(error(by_name), (Reason::UserNotFound, "Bob".to_owned()));
    let by_id = suite.directory.resolve_users(resolution(&[id(5), name("bob")], false)).await;
    assert_eq!(error(by_id), (Reason::UserNotFound, "5".to_owned()));
}

async fn unknown_names_are_taken_down_when_asked_decision_9(suite: Suite) {
    suite.register("ann", "").await.unwrap();
    let refs = [name("Bob"), name("ann"), name("bOB"), name("carl")];
    let users = suite.resolve(&refs, true).await.unwrap();
    let shown: Vec<_> = users.iter().map(|user| (user.username.as_str(), user.registered)).collect();
    assert_eq!(shown, [("Bob", false), ("ann", true), ("Bob", false), ("carl", false)]);
    assert_eq!((users[0].id, users[3].id), (FIRST_USER + 16, FIRST_USER + 32));
    assert_eq!((moment_or_zero(users[0].created_at).0, users[0].enabled), (START.0, true));
    assert_eq!(suite.resolve(&refs, false).await.unwrap(), users);
    assert_eq!(suite.get_user(name("bob")).await.unwrap(), users[0]);
}

async fn a_missing_id_is_never_taken_down_and_spoils_the_call(suite: Suite) {
    assert_eq!(suite.resolve(&[name("bob"), id(5)], true).await.unwrap_err(), Reason::UserNotFound);
    assert_eq!(suite.get_user(name("bob")).await.unwrap_err(), Reason::UserNotFound);
}

async fn a_thousand_are_resolved_and_more_refused(suite: Suite) {
    let refs: Vec<_> = (0..1001).map(|i| name(&format!("u{i}"))).collect();
    for wrong in [&refs[..], &[]] {
        assert_eq!(suite.resolve(wrong, true).await.unwrap_err(), Reason::InvalidArgument);
    }
    let users = suite.resolve(&refs[..1000], true).await.unwrap();
    assert!(users.iter().enumerate().all(|(i, user)| user.username == format!("u{i}")));
    let ids: Vec<_> = users.iter().map(|user| id(user.id)).collect();
    assert_eq!(suite.resolve(&ids, false).await.unwrap(), users);
}

async fn names_taken_down_at_once_have_one_id_each(suite: Suite) {
    let other = suite.other_process();
    let resolve = |i: usize| {
        let directory = if i.is_multiple_of(2) { suite.directory.clone() } else { other.clone() };
        // Each call names the same users, starting at another one.
        let mut refs: Vec<_> = (0..40).map(|n| name(&format!("u{n}"))).collect();
        refs.rotate_left(i * 3);
        tokio::spawn(async move {
            let users = ok(directory.resolve_users(resolution(&refs, true)).await).users;
            let mut ids: Vec<_> = users.into_iter().map(|user| (user.username, user.id)).collect();
            ids.sort();
            ids
        })
    };
    let tasks: Vec<_> = (0..12).map(resolve).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|ids| *ids == answers[0]));
}

async fn a_name_taken_down_while_it_is_registered_has_one_id(suite: Suite) {
    for i in 0..10 {
        let user = format!("u{i}");
        let refs = [name(&user)];
        let (taken_down, registered) = tokio::join!(suite.resolve(&refs, true), suite.register(&user, ""));
        assert_eq!(taken_down.unwrap()[0].id, registered.unwrap().id);
        assert!(suite.get_user(name(&user)).await.unwrap().registered);
    }
}

async fn a_deleted_users_name_is_taken_down_afresh_decision_3(suite: Suite) {
    let ann = suite.register("ann", "").await.unwrap();
    suite.delete_user(name("ann")).await.unwrap();
    let afresh = suite.resolve(&[name("ann")], true).await.unwrap().remove(0);
    assert!(afresh.id > ann.id && !afresh.registered);
}

on_both_engines!(
    users_come_in_the_order_asked,
    the_first_missing_user_is_named,
    unknown_names_are_taken_down_when_asked_decision_9,
    a_missing_id_is_never_taken_down_and_spoils_the_call,
    a_thousand_are_resolved_and_more_refused,
    names_taken_down_at_once_have_one_id_each,
    a_name_taken_down_while_it_is_registered_has_one_id,
    a_deleted_users_name_is_taken_down_afresh_decision_3,
);
