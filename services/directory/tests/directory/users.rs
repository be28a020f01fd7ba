//! Users: registration, reading, deletion.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    moment_or_zero,
    pb::{self, directory_service_server::DirectoryService as _},
};
use tonic::{Code, Request};

use crate::suite::{
    FIRST_USER, START, Suite, app_key, error, id, in_app, in_lobby, name, ok, on_both_engines, outcome, reason,
    registration,
};

async fn ids_are_generated_from_a_million_up(suite: Suite) {
    let users = suite.register_many(&[("Ann", ""), ("bob", "")]).await;
    let [Ok(ann), Ok(bob)] = &users[..] else { panic!("{users:?}") };
    assert_eq!((ann.id, bob.id), (FIRST_USER, FIRST_USER + 16));
    assert_eq!((ann.username.as_str(), ann.registered, ann.enabled), ("Ann", true, true));
    assert_eq!(
        (moment_or_zero(ann.created_at).0, moment_or_zero(ann.modified_at).0, ann.uuid.len()),
        (START.0, START.0, 36)
    );
    assert_eq!(suite.get_user(name("aNn")).await.unwrap(), *ann);
    assert_eq!(suite.get_user(id(bob.id)).await.unwrap(), *bob);
}

async fn one_that_fails_does_not_stop_the_others(suite: Suite) {
    suite.register("ann", "").await.unwrap();
    let outcomes = suite.register_many(&[("ANN", "pw"), ("a b", ""), ("bob", ""), ("Bob", ""), ("admin", "")]).await;
    let shown: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(user) => user.username,
            Err(failure) => format!("{} {}: {}", failure.reason, failure.username, failure.text),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "USER_EXISTS ANN: user exists: ANN",
            "USERNAME_ILLEGAL a b: username illegal: a b",
            "bob",
            "USER_EXISTS Bob: user exists: Bob",
            "USERNAME_ILLEGAL admin: username illegal: admin",
        ]
    );
}

async fn at_most_60_users_are_registered_at_once_agora_10_2(suite: Suite) {
    let names: Vec<String> = (0..61).map(|i| format!("u{i}")).collect();
    let users: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    let refused = error(suite.directory.register_users(in_lobby(registration(&users))).await);
    let text = "Request body array size[61] had almost reached or been greater than the upper range value[60]";
    assert_eq!(refused, (Reason::InvalidArgument, text.to_owned()));
    assert!(suite.register_many(&users[..60]).await.iter().all(Result::is_ok));
    let none = error(suite.directory.register_users(in_lobby(registration(&[]))).await);
    assert_eq!(none, (Reason::InvalidArgument, "users must not be empty".to_owned()));
}

async fn the_lanying_rule_is_held_when_asked_for_lanying_3(suite: Suite) {
    let mut request = registration(&[("maximus", ""), ("123", ""), ("a-b", ""), ("ann_9", "")]);
    request.name_rule = pb::NameRule::Lanying.into();
    let outcomes = ok(suite.directory.register_users(in_lobby(request)).await).results.into_iter().map(outcome);
    let registered: Vec<bool> = outcomes.map(|outcome| outcome.is_ok()).collect();
    assert_eq!(registered, [false, false, false, true]);
}

async fn nicknames_are_kept_and_passwords_and_nicknames_are_bounded(suite: Suite) {
    let mut request = registration(&[("ann", ""), ("bob", ""), ("carl", ""), ("dora", &"x".repeat(1025))]);
    request.users[0].nickname = String::from("Ännchen");
    request.users[1].nickname = "x".repeat(257);
    request.users[2].nickname = String::from("a\0b");
    let outcomes = ok(suite.directory.register_users(in_lobby(request)).await).results.into_iter().map(outcome);
    let shown: Vec<_> =
        outcomes.map(|outcome| outcome.map_or_else(|failure| failure.reason, |ok| ok.nickname)).collect();
    assert_eq!(shown, ["Ännchen", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "INVALID_ARGUMENT"]);
}

async fn a_mentioned_name_keeps_its_id_when_registered_decision_3(suite: Suite) {
    let mentioned = suite.resolve(&[name("ann")], true).await.unwrap().remove(0);
    assert!(!mentioned.registered);
    assert_eq!(suite.delete_user(name("ann")).await.unwrap_err(), Reason::UserNotFound);
    suite.advance(Duration::from_secs(5));
    let ann = suite.register("Ann", "pw").await.unwrap();
    assert_eq!((ann.id, ann.uuid.as_str()), (mentioned.id, mentioned.uuid.as_str()));
    assert_eq!(
        (ann.username.as_str(), ann.registered, moment_or_zero(ann.created_at).0),
        ("Ann", true, START.0 + 5000)
    );
    assert_eq!(suite.register("ann", "").await.unwrap_err().reason, "USER_EXISTS");
}

async fn of_registrations_at_once_one_wins_and_the_others_hear_user_exists(suite: Suite) {
    let other = suite.other_process();
    let register = |i: usize| {
        let directory = if i.is_multiple_of(2) { suite.directory.clone() } else { other.clone() };
        let own = format!("own{i}");
        tokio::spawn(async move {
            let users = registration(&[("ann", ""), (&own, ""), ("bob", "")]);
            ok(directory.register_users(in_lobby(users)).await).results.into_iter().map(outcome).collect::<Vec<_>>()
        })
    };
    let mut won = [0, 0, 0];
    for task in (0..12).map(register).collect::<Vec<_>>() {
        for (place, outcome) in task.await.unwrap().into_iter().enumerate() {
            match outcome {
                Ok(_) => won[place] += 1,
                Err(failure) => assert_eq!(failure.reason, "USER_EXISTS"),
            }
        }
    }
    assert_eq!(won, [1, 12, 1]);
}

async fn a_deleted_users_name_is_free_and_the_id_stays_used_decision_3(suite: Suite) {
    let ann = suite.register("ann", "").await.unwrap();
    assert_eq!(suite.delete_user(name("Ann")).await.unwrap().id, ann.id);
    for gone in [name("ann"), id(ann.id)] {
        assert_eq!(suite.get_user(gone.clone()).await.unwrap_err(), Reason::UserNotFound);
        assert_eq!(suite.delete_user(gone.clone()).await.unwrap_err(), Reason::UserNotFound);
        assert_eq!(suite.resolve(&[gone], false).await.unwrap_err(), Reason::UserNotFound);
    }
    let heir = suite.register("ann", "").await.unwrap();
    assert!(heir.id > ann.id);
    assert_ne!(heir.uuid, ann.uuid);
}

async fn the_app_itself_is_a_user_that_nobody_registers_or_deletes(suite: Suite) {
    for user in [id(0), name("Admin")] {
        let admin = suite.get_user(user.clone()).await.unwrap();
        assert_eq!((admin.id, admin.username.as_str(), admin.registered), (0, "admin", true));
        assert_eq!(suite.delete_user(user).await.unwrap_err(), Reason::NotPermitted);
    }
    assert_eq!(suite.list_users("", 0).await.unwrap().users, []);
}

async fn users_are_listed_by_pages_in_order_of_their_ids(suite: Suite) {
    let names: Vec<String> = (0..11).map(|i| format!("u{i}")).collect();
    let users: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    suite.register_many(&users).await;
    suite.delete_user(name("u3")).await.unwrap();
    suite.resolve(&[name("mentioned")], true).await.unwrap();
    let page = async |page_token: &str, page_size| {
        let page = suite.list_users(page_token, page_size).await.unwrap();
        (page.users.into_iter().map(|user| user.username).collect::<Vec<_>>(), page.next_page_token)
    };
    let (first, next) = page("", 4).await;
    assert_eq!(first, ["u0", "u1", "u2", "u4"]);
    let (second, next) = page(&next, 5).await;
    assert_eq!(second, ["u5", "u6", "u7", "u8", "u9"]);
    assert_eq!(page(&next, 5).await, (vec!["u10".to_owned()], String::new()));
    for size in [0, 10, 1001] {
        let all = page("", size).await;
        assert_eq!((all.0.len(), all.1), (10, String::new()), "{size}");
    }
    for (page_token, page_size) in [("", -1), ("-1", 10), ("x", 10)] {
        assert_eq!(suite.list_users(page_token, page_size).await.unwrap_err(), Reason::InvalidArgument);
    }
}

async fn apps_do_not_see_each_others_users(suite: Suite) {
    let ann = suite.register("ann", "").await.unwrap();
    let cafe = suite.create_app("acme", "cafe").await.app.unwrap();
    assert_eq!(cafe.id, 2);
    for app in ["acme#cafe", "2"] {
        for user in [name("ann"), id(ann.id)] {
            let request = in_app(app, pb::GetUserRequest { user: Some(user) });
            assert_eq!(error(suite.directory.get_user(request).await).0, Reason::UserNotFound);
        }
    }
    let request = in_app("acme#cafe", registration(&[("ann", "")]));
    let same = outcome(ok(suite.directory.register_users(request).await).results.remove(0)).unwrap();
    assert_eq!(same.id, ann.id);
}

async fn a_call_about_users_must_name_its_app(suite: Suite) {
    let request = || pb::GetUserRequest { user: Some(name("ann")) };
    let refused = suite.directory.get_user(Request::new(request())).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    for unknown in ["77", "no#app", "nonsense"] {
        let refused = suite.directory.get_user(in_app(unknown, request())).await;
        assert_eq!(error(refused).0, Reason::AppNotFound);
    }
    let gone = app_key("acme#lobby");
    ok(suite.directory.delete_app(Request::new(pb::DeleteAppRequest { app: Some(gone) })).await);
    assert_eq!(suite.get_user(name("ann")).await.unwrap_err(), Reason::AppNotFound);
}

async fn passwords_are_stored_as_argon2id_hashes(suite: Suite) {
    use tidings_store::{on_tx, sqlx};
    const STORED: &str = "select password_hash from app_user";
    suite.register("ann", "hunter2").await.unwrap();
    let mut tx = suite.db.begin().await.unwrap();
    let stored: String = on_tx!(&mut tx, |c| sqlx::query_scalar(STORED).fetch_one(c).await).unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{stored}");
    assert!(!stored.contains("hunter2"));
}

async fn somebody_without_a_token_registers_only_where_the_policy_lets_everybody(suite: Suite) {
    let outcome = async |name: &str, rule: pb::NameRule| {
        let request = pb::RegisterUsersRequest { name_rule: rule.into(), is_open: true, ..registration(&[(name, "")]) };
        suite.directory.register_users(in_lobby(request)).await.map(drop).map_err(reason)
    };
    let (general, lanying) = (pb::NameRule::Unspecified, pb::NameRule::Lanying);
    let closed = Err(Reason::RegistrationClosed);
    assert_eq!((outcome("ann", general).await, outcome("bob", lanying).await), (closed, Ok(())));
    let other =
        pb::Policy { open_registration: Some(true), lanying_open_registration: Some(false), ..Default::default() };
    suite.set_policy(other).await.unwrap();
    assert_eq!((outcome("ann", general).await, outcome("eve", lanying).await), (Ok(()), closed));
}

on_both_engines!(
    somebody_without_a_token_registers_only_where_the_policy_lets_everybody,
    ids_are_generated_from_a_million_up,
    one_that_fails_does_not_stop_the_others,
    at_most_60_users_are_registered_at_once_agora_10_2,
    the_lanying_rule_is_held_when_asked_for_lanying_3,
    nicknames_are_kept_and_passwords_and_nicknames_are_bounded,
    a_mentioned_name_keeps_its_id_when_registered_decision_3,
    of_registrations_at_once_one_wins_and_the_others_hear_user_exists,
    a_deleted_users_name_is_free_and_the_id_stays_used_decision_3,
    the_app_itself_is_a_user_that_nobody_registers_or_deletes,
    users_are_listed_by_pages_in_order_of_their_ids,
    apps_do_not_see_each_others_users,
    a_call_about_users_must_name_its_app,
    passwords_are_stored_as_argon2id_hashes,
);
