//! The limit on guesses.

use std::time::Duration;

use tidings_domain::Reason;

use crate::suite::{Suite, client_credentials, lobby, name, on_both_engines, password};

async fn after_ten_wrong_passwords_the_right_one_must_wait(suite: Suite) {
    suite.register_many(&[("ann", "pw"), ("bob", "pw")]).await;
    let guess = async |user: &str, secret: &str, from: &str| {
        suite.issue_from(password(name(user), secret), None, from).await.map(drop)
    };
    for _ in 0..10 {
        assert_eq!(guess("ann", "no", "192.0.2.1").await, Err(Reason::PasswordWrong));
    }
    assert_eq!(guess("ann", "pw", "192.0.2.1").await, Err(Reason::TooManyGuesses));
    assert_eq!(guess("ann", "pw", "192.0.2.2").await, Ok(()));
    assert_eq!(guess("bob", "pw", "192.0.2.1").await, Ok(()));
    suite.advance(Duration::from_mins(15));
    assert_eq!(guess("ann", "pw", "192.0.2.1").await, Ok(()));
}

async fn a_right_password_clears_the_wrong_ones(suite: Suite) {
    suite.register("ann", "pw").await.unwrap();
    for _ in 0..2 {
        for _ in 0..9 {
            assert_eq!(suite.issue(password(name("ann"), "no")).await.unwrap_err(), Reason::PasswordWrong);
        }
        suite.issue(password(name("ann"), "pw")).await.unwrap();
    }
}

async fn wrong_client_secrets_count_too(suite: Suite) {
    let app = suite.reveal(lobby()).await;
    for _ in 0..5 {
        let wrong_id = suite.issue(client_credentials("no", &app.client_secret)).await;
        assert_eq!(wrong_id.unwrap_err(), Reason::ClientIdWrong);
        let wrong_secret = suite.issue(client_credentials(&app.client_id, "no")).await;
        assert_eq!(wrong_secret.unwrap_err(), Reason::ClientSecretWrong);
    }
    let right = suite.issue(client_credentials(&app.client_id, &app.client_secret)).await;
    assert_eq!(right.unwrap_err(), Reason::TooManyGuesses);
}

async fn a_hundred_unknown_names_from_one_address_are_the_limit(suite: Suite) {
    for i in 0..100 {
        let unknown = suite.issue(password(name(&format!("nobody{i}")), "pw")).await;
        assert_eq!(unknown.unwrap_err(), Reason::UserNotFound);
    }
    assert_eq!(suite.issue(password(name("nobody"), "pw")).await.unwrap_err(), Reason::TooManyGuesses);
}

on_both_engines!(
    after_ten_wrong_passwords_the_right_one_must_wait,
    a_right_password_clears_the_wrong_ones,
    wrong_client_secrets_count_too,
    a_hundred_unknown_names_from_one_address_are_the_limit,
);
