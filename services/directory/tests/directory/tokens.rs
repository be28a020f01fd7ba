//! Tokens: grants, and what a token authorizes.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{moment_or_zero, pb};

use crate::suite::{
    FIRST_USER, START, Suite, app_key, client_credentials, id, inherit, lobby, name, on_both_engines, password,
};

const DAYS_60: i64 = 60 * 24 * 3600;

async fn app_token(suite: &Suite, ttl_seconds: Option<i64>) -> pb::Token {
    let app = suite.reveal(lobby()).await;
    let grant = client_credentials(&app.client_id, &app.client_secret);
    suite.issue_from(grant, ttl_seconds, "192.0.2.1").await.unwrap()
}

async fn an_app_token_lives_60_days_unless_asked_otherwise_agora_10_1(suite: Suite) {
    let token = app_token(&suite, None).await;
    assert_eq!((token.ttl_seconds, moment_or_zero(token.expires_at).0), (DAYS_60, START.0 + DAYS_60 * 1000));
    assert_eq!(token.user, None);
    assert_eq!(token.app.unwrap().name, "lobby");
    let identity = suite.authenticate(&token.token).await.unwrap();
    assert_eq!(
        (identity.kind(), moment_or_zero(identity.expires_at).0),
        (pb::IdentityKind::App, moment_or_zero(token.expires_at).0)
    );
    suite.advance(Duration::from_millis(DAYS_60 as u64 * 1000 - 1));
    suite.authenticate(&token.token).await.unwrap();
    suite.advance(Duration::from_millis(1));
    assert_eq!(suite.authenticate(&token.token).await.unwrap_err(), Reason::TokenExpired);
}

async fn a_ttl_of_0_never_expires_agora_10_1(suite: Suite) {
    let token = app_token(&suite, Some(0)).await;
    assert_eq!((token.ttl_seconds, moment_or_zero(token.expires_at).0), (0, 0));
    suite.advance(Duration::from_hours(24 * 365 * 50));
    assert_eq!(suite.authenticate(&token.token).await.unwrap().expires_at, None);
    let refused = suite.issue_from(client_credentials("", ""), Some(-1), "").await;
    assert_eq!(refused.unwrap_err(), Reason::InvalidArgument);
}

async fn wrong_client_credentials_say_which_is_wrong(suite: Suite) {
    let app = suite.reveal(lobby()).await;
    let other = suite.create_app("acme", "cafe").await;
    let wrong_id = suite.issue(client_credentials(&other.client_id, &other.client_secret)).await;
    assert_eq!(wrong_id.unwrap_err(), Reason::ClientIdWrong);
    let wrong_secret = suite.issue(client_credentials(&app.client_id, &other.client_secret)).await;
    assert_eq!(wrong_secret.unwrap_err(), Reason::ClientSecretWrong);
}

async fn a_password_gives_a_user_token(suite: Suite) {
    let ann = suite.register("Ann", "pw").await.unwrap();
    for user in [name("aNN"), id(ann.id)] {
        let token = suite.issue(password(user, "pw")).await.unwrap();
        assert_eq!(token.user, Some(ann.clone()));
        let identity = suite.authenticate(&token.token).await.unwrap();
        assert_eq!(identity.kind(), pb::IdentityKind::User);
        assert_eq!((identity.user_id, identity.username.as_str()), (FIRST_USER, "Ann"));
    }
}

async fn a_password_opens_nothing_but_its_own_registered_user(suite: Suite) {
    suite.register("ann", "pw").await.unwrap();
    suite.register("bob", "").await.unwrap();
    suite.resolve(&[name("carl")], true).await.unwrap();
    let long = "x".repeat(2000);
    for (user, guess, expected) in [
        ("ann", "Pw", Reason::PasswordWrong),
        ("ann", "", Reason::PasswordWrong),
        ("ann", long.as_str(), Reason::PasswordWrong),
        ("bob", "", Reason::PasswordWrong),
        ("carl", "", Reason::UserNotFound),
        ("nobody", "pw", Reason::UserNotFound),
        ("admin", "pw", Reason::UserNotFound),
    ] {
        assert_eq!(suite.issue(password(name(user), guess)).await.unwrap_err(), expected, "{user}");
    }
}

async fn a_disabled_user_gets_no_token(suite: Suite) {
    suite.register("ann", "pw").await.unwrap();
    let token = suite.issue(inherit(name("ann"), false)).await.unwrap();
    suite.execute("update app_user set enabled = false").await;
    assert_eq!(suite.issue(password(name("ann"), "pw")).await.unwrap_err(), Reason::UserDisabled);
    assert_eq!(suite.issue(inherit(name("ann"), true)).await.unwrap_err(), Reason::UserDisabled);
    assert_eq!(suite.authenticate(&token.token).await.unwrap_err(), Reason::UserDisabled);
}

async fn inheriting_makes_the_user_when_asked_to_agora_10_1(suite: Suite) {
    assert_eq!(suite.issue(inherit(name("Ann"), false)).await.unwrap_err(), Reason::UserNotFound);
    let made = suite.issue(inherit(name("Ann"), true)).await.unwrap().user.unwrap();
    assert!(made.registered);
    assert_eq!((made.id, made.username.as_str()), (FIRST_USER, "Ann"));
    let again = suite.issue(inherit(name("ann"), true)).await.unwrap().user.unwrap();
    assert_eq!(again, made);
    assert_eq!(suite.issue(password(name("ann"), "")).await.unwrap_err(), Reason::PasswordWrong);
    assert_eq!(suite.issue(inherit(name("admin"), false)).await.unwrap_err(), Reason::UserNotFound);
    assert_eq!(suite.issue(inherit(name("admin"), true)).await.unwrap_err(), Reason::UsernameIllegal);
    assert_eq!(suite.issue(inherit(id(77), true)).await.unwrap_err(), Reason::UserNotFound);
}

async fn inheriting_registers_a_mentioned_user_under_its_id_decision_3(suite: Suite) {
    let mentioned = suite.resolve(&[name("ann"), name("bob")], true).await.unwrap();
    assert_eq!(suite.issue(inherit(name("ann"), false)).await.unwrap_err(), Reason::UserNotFound);
    for (user, expected) in [(name("ANN"), &mentioned[0]), (id(mentioned[1].id), &mentioned[1])] {
        let made = suite.issue(inherit(user, true)).await.unwrap().user.unwrap();
        assert_eq!((made.id, made.registered), (expected.id, true));
    }
}

async fn inheriting_at_once_makes_one_user(suite: Suite) {
    let tokens = tokio::join!(
        suite.issue(inherit(name("ann"), true)),
        suite.issue(inherit(name("Ann"), true)),
        suite.issue(inherit(name("aNN"), true)),
    );
    let ids = [tokens.0, tokens.1, tokens.2].map(|token| token.unwrap().user.unwrap().id);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

async fn no_token_is_anonymous(suite: Suite) {
    let identity = suite.authenticate("").await.unwrap();
    assert_eq!(identity.kind(), pb::IdentityKind::Anonymous);
    assert_eq!(identity.app.unwrap().org, "acme");
    assert_eq!(suite.authenticate_for(app_key("no#app"), "").await.unwrap_err(), Reason::AppNotFound);
}

async fn a_token_opens_every_name_of_its_app_and_no_other_app_decision_4(suite: Suite) {
    suite.create_app("acme", "cafe").await;
    let token = app_token(&suite, None).await;
    let app = token.app.unwrap();
    let lanying = pb::AppRef { app: Some(pb::app_ref::App::LanyingAppId(app.lanying_app_id)) };
    let tencent = pb::AppRef { app: Some(pb::app_ref::App::SdkAppid(app.sdk_appid)) };
    for name in [lobby(), lanying, tencent] {
        suite.authenticate_for(name, &token.token).await.unwrap();
    }
    let foreign = suite.authenticate_for(app_key("acme#cafe"), &token.token).await;
    assert_eq!(foreign.unwrap_err(), Reason::TokenForeign);
}

async fn a_token_that_opens_nothing_says_why(suite: Suite) {
    let token = app_token(&suite, None).await.token;
    assert_eq!(suite.authenticate("YWMtabc").await.unwrap_err(), Reason::TokenMalformed);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    assert_eq!(suite.authenticate(&format!("{signed}.{turned}")).await.unwrap_err(), Reason::TokenForged);
}

async fn a_user_token_ends_with_the_user_or_the_epoch(suite: Suite) {
    suite.register_many(&[("ann", ""), ("bob", "")]).await;
    let ann = suite.issue(inherit(name("ann"), false)).await.unwrap();
    let bob = suite.issue(inherit(name("bob"), false)).await.unwrap();
    suite.delete_user(name("ann")).await.unwrap();
    assert_eq!(suite.authenticate(&ann.token).await.unwrap_err(), Reason::TokenRevoked);
    suite.register("ann", "").await.unwrap();
    assert_eq!(suite.authenticate(&ann.token).await.unwrap_err(), Reason::TokenRevoked);
    suite.authenticate(&bob.token).await.unwrap();
    suite.execute("update app_user set token_epoch = token_epoch + 1 where folded = 'bob'").await;
    assert_eq!(suite.authenticate(&bob.token).await.unwrap_err(), Reason::TokenRevoked);
}

async fn a_disabled_app_issues_and_takes_no_tokens(suite: Suite) {
    let token = app_token(&suite, None).await;
    suite.set_enabled(false).await;
    assert_eq!(suite.authenticate(&token.token).await.unwrap_err(), Reason::AppDisabled);
    assert_eq!(suite.issue(inherit(name("ann"), true)).await.unwrap_err(), Reason::AppDisabled);
}

on_both_engines!(
    an_app_token_lives_60_days_unless_asked_otherwise_agora_10_1,
    a_ttl_of_0_never_expires_agora_10_1,
    wrong_client_credentials_say_which_is_wrong,
    a_password_gives_a_user_token,
    a_password_opens_nothing_but_its_own_registered_user,
    a_disabled_user_gets_no_token,
    inheriting_makes_the_user_when_asked_to_agora_10_1,
    inheriting_registers_a_mentioned_user_under_its_id_decision_3,
    inheriting_at_once_makes_one_user,
    no_token_is_anonymous,
    a_token_opens_every_name_of_its_app_and_no_other_app_decision_4,
    a_token_that_opens_nothing_says_why,
    a_user_token_ends_with_the_user_or_the_epoch,
    a_disabled_app_issues_and_takes_no_tokens,
);
