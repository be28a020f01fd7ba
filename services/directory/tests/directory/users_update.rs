//! Changing users: nickname, password, enabled.

use std::time::Duration;

use tidings_domain::{Reason, UnixMillis};
use tidings_proto::{
    pb::{self, directory_service_server::DirectoryService as _},
    timestamp,
};
use tonic::Response;

use crate::{
    group_suite::{By, by},
    suite::{START, Suite, id, in_app, inherit, name, on_both_engines, password, reason},
};

async fn update(suite: &Suite, caller: By, request: pb::UpdateUserRequest) -> Result<pb::User, Reason> {
    suite.directory.update_user(by(caller, request)).await.map(Response::into_inner).map_err(reason)
}

fn of(user: &str) -> pb::UpdateUserRequest {
    pb::UpdateUserRequest { user: Some(name(user)), ..Default::default() }
}

fn nickname(user: &str, nickname: &str) -> pb::UpdateUserRequest {
    pb::UpdateUserRequest { nickname: Some(nickname.to_owned()), ..of(user) }
}

fn new_password(user: &str, password: &str, old: Option<&str>) -> pb::UpdateUserRequest {
    let old_password = old.map(str::to_owned);
    pb::UpdateUserRequest { password: Some(password.to_owned()), old_password, ..of(user) }
}

fn enabled(user: &str, enabled: bool) -> pb::UpdateUserRequest {
    pb::UpdateUserRequest { enabled: Some(enabled), ..of(user) }
}

async fn what_is_given_changes_and_the_rest_stays(suite: Suite) {
    let before = suite.register("ann", "pw").await.unwrap();
    suite.advance(Duration::from_secs(1));
    let after = update(&suite, By::App, nickname("ANN", "Ännchen")).await.unwrap();
    let expected =
        pb::User {
            nickname: "Ännchen".to_owned(), modified_at: Some(timestamp(UnixMillis(START.0 + 1000))), ..before
        };
    assert_eq!(after, expected);
    suite.advance(Duration::from_secs(1));
    assert_eq!(update(&suite, By::App, of("ann")).await.unwrap(), expected);
    assert_eq!(suite.get_user(name("ann")).await.unwrap(), expected);
    suite.issue(password(name("ann"), "pw")).await.unwrap();
}

async fn a_user_changes_himself_and_nobody_else(suite: Suite) {
    let [ann, _bob] = suite.users().await;
    update(&suite, By::User(ann), nickname("u0", "me")).await.unwrap();
    for request in [nickname("u1", "you"), new_password("u1", "pw", Some("")), enabled("u1", false)] {
        assert_eq!(update(&suite, By::User(ann), request).await.unwrap_err(), Reason::NotPermitted);
    }
}

async fn only_the_app_itself_enables_and_disables(suite: Suite) {
    let [ann] = suite.users().await;
    for value in [true, false] {
        let refused = update(&suite, By::User(ann), enabled("u0", value)).await;
        assert_eq!(refused.unwrap_err(), Reason::NotPermitted);
    }
    assert!(!update(&suite, By::App, enabled("u0", false)).await.unwrap().enabled);
}

async fn a_disabled_users_tokens_are_refused_and_void_when_he_is_enabled(suite: Suite) {
    suite.register("ann", "pw").await.unwrap();
    let token = suite.issue(inherit(name("ann"), false)).await.unwrap().token;
    update(&suite, By::App, enabled("ann", false)).await.unwrap();
    assert_eq!(suite.authenticate(&token).await.unwrap_err(), Reason::UserDisabled);
    assert_eq!(suite.issue(password(name("ann"), "pw")).await.unwrap_err(), Reason::UserDisabled);
    update(&suite, By::App, enabled("ann", true)).await.unwrap();
    assert_eq!(suite.authenticate(&token).await.unwrap_err(), Reason::TokenRevoked);
    suite.issue(password(name("ann"), "pw")).await.unwrap();
}

async fn a_new_password_ends_the_users_tokens_and_the_old_password(suite: Suite) {
    let ann = suite.register("ann", "old").await.unwrap();
    suite.register("bob", "old").await.unwrap();
    let (of_ann, of_bob) = (
        suite.issue(inherit(name("ann"), false)).await.unwrap().token,
        suite.issue(inherit(name("bob"), false)).await.unwrap().token,
    );
    update(&suite, By::App, new_password("ann", "new", None)).await.unwrap();
    assert_eq!(suite.authenticate(&of_ann).await.unwrap_err(), Reason::TokenRevoked);
    suite.authenticate(&of_bob).await.unwrap();
    assert_eq!(suite.issue(password(name("ann"), "old")).await.unwrap_err(), Reason::PasswordWrong);
    let token = suite.issue(password(id(ann.id), "new")).await.unwrap().token;
    suite.authenticate(&token).await.unwrap();
}

async fn a_nickname_or_enabling_leaves_tokens_alone(suite: Suite) {
    suite.register("ann", "pw").await.unwrap();
    let token = suite.issue(inherit(name("ann"), false)).await.unwrap().token;
    update(&suite, By::App, nickname("ann", "A")).await.unwrap();
    update(&suite, By::App, enabled("ann", true)).await.unwrap();
    suite.authenticate(&token).await.unwrap();
}

async fn a_user_needs_the_old_password_for_a_new_one(suite: Suite) {
    let ann = suite.register("ann", "old").await.unwrap();
    let caller = By::User(ann.id);
    let without = update(&suite, caller, new_password("ann", "new", None)).await;
    assert_eq!(without.unwrap_err(), Reason::InvalidArgument);
    for wrong in ["", "Old", "new"] {
        let refused = update(&suite, caller, new_password("ann", "new", Some(wrong))).await;
        assert_eq!(refused.unwrap_err(), Reason::PasswordWrong);
    }
    suite.issue(password(name("ann"), "old")).await.unwrap();
    update(&suite, caller, new_password("ann", "new", Some("old"))).await.unwrap();
    suite.issue(password(name("ann"), "new")).await.unwrap();
}

async fn old_passwords_cannot_be_guessed_without_limit(suite: Suite) {
    let ann = suite.register("ann", "old").await.unwrap();
    for _ in 0..10 {
        let refused = update(&suite, By::User(ann.id), new_password("ann", "new", Some("guess"))).await;
        assert_eq!(refused.unwrap_err(), Reason::PasswordWrong);
    }
    let refused = update(&suite, By::User(ann.id), new_password("ann", "new", Some("old"))).await;
    assert_eq!(refused.unwrap_err(), Reason::TooManyGuesses);
}

async fn of_two_changes_of_one_password_one_wins(suite: Suite) {
    let ann = suite.register("ann", "old").await.unwrap();
    let change = async |new| update(&suite, By::User(ann.id), new_password("ann", new, Some("old"))).await;
    let (one, two) = tokio::join!(change("one"), change("two"));
    let outcomes = [one, two].map(|outcome| outcome.map(drop));
    assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err(Reason::PasswordWrong)), "{outcomes:?}");
}

async fn nicknames_and_passwords_are_bounded(suite: Suite) {
    suite.register("ann", "").await.unwrap();
    let (long_nickname, long_password) = ("x".repeat(257), "x".repeat(1025));
    for request in [
        nickname("ann", &long_nickname),
        nickname("ann", "a\0b"),
        new_password("ann", "", None),
        new_password("ann", &long_password, None),
        pb::UpdateUserRequest::default(),
    ] {
        assert_eq!(update(&suite, By::App, request).await.unwrap_err(), Reason::InvalidArgument);
    }
    update(&suite, By::App, nickname("ann", &long_nickname[..256])).await.unwrap();
    update(&suite, By::App, new_password("ann", &long_password[..1024], None)).await.unwrap();
}

async fn only_registered_users_are_changed(suite: Suite) {
    suite.resolve(&[name("mentioned")], true).await.unwrap();
    for user in ["nobody", "mentioned"] {
        assert_eq!(update(&suite, By::App, nickname(user, "x")).await.unwrap_err(), Reason::UserNotFound);
    }
    assert_eq!(update(&suite, By::App, nickname("admin", "x")).await.unwrap_err(), Reason::NotPermitted);
    suite.register("ann", "").await.unwrap();
    suite.create_app("acme", "cafe").await;
    let elsewhere = suite.directory.update_user(in_app("acme#cafe", nickname("ann", "x"))).await;
    assert_eq!(reason(elsewhere.unwrap_err()), Reason::UserNotFound);
}

on_both_engines!(
    what_is_given_changes_and_the_rest_stays,
    a_user_changes_himself_and_nobody_else,
    only_the_app_itself_enables_and_disables,
    a_disabled_users_tokens_are_refused_and_void_when_he_is_enabled,
    a_new_password_ends_the_users_tokens_and_the_old_password,
    a_nickname_or_enabling_leaves_tokens_alone,
    a_user_needs_the_old_password_for_a_new_one,
    old_passwords_cannot_be_guessed_without_limit,
    of_two_changes_of_one_password_one_wins,
    nicknames_and_passwords_are_bounded,
    only_registered_users_are_changed,
);
