//! Admin tokens.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    moment_or_zero,
    pb::{self, directory_service_server::DirectoryService as _},
    timestamp,
};
use tonic::Request;

use crate::suite::{START, Suite, app_key, error, lobby, ok, on_both_engines};

async fn create(suite: &Suite, label: &str) -> pb::AdminTokenWithSecret {
    let request = pb::CreateAdminTokenRequest { app: Some(lobby()), label: label.to_owned() };
    ok(suite.directory.create_admin_token(Request::new(request)).await)
}

async fn list(suite: &Suite) -> Vec<pb::AdminToken> {
    ok(suite.directory.list_admin_tokens(Request::new(pb::ListAdminTokensRequest { app: Some(lobby()) })).await)
        .admin_tokens
}

fn revocation(app: pb::AppRef, id: i64) -> Request<pb::RevokeAdminTokenRequest> {
    Request::new(pb::RevokeAdminTokenRequest { app: Some(app), id })
}

async fn an_admin_token_speaks_for_the_app_and_never_expires(suite: Suite) {
    let made = create(&suite, "console").await;
    suite.advance(Duration::from_hours(24 * 365 * 20));
    let identity = suite.authenticate(&made.token).await.unwrap();
    assert_eq!(identity.kind(), pb::IdentityKind::App);
    assert_eq!((identity.user_id, identity.username.as_str(), moment_or_zero(identity.expires_at).0), (0, "", 0));
}

async fn admin_tokens_are_listed_and_revoked_decision_4(suite: Suite) {
    let first = create(&suite, "console").await;
    let second = create(&suite, "").await;
    suite.advance(Duration::from_secs(1));
    let revoked = ok(suite.directory.revoke_admin_token(revocation(lobby(), 1)).await);
    suite.advance(Duration::from_secs(1));
    assert_eq!(ok(suite.directory.revoke_admin_token(revocation(lobby(), 1)).await), revoked);
    let row = |id, label: &str, revoked_at| pb::AdminToken {
        id,
        label: label.to_owned(),
        created_at: Some(timestamp(START)),
        revoked_at,
    };
    assert_eq!(
        list(&suite).await,
        [row(1, "console", Some(timestamp(START + Duration::from_secs(1)))), row(2, "", None)]
    );
    assert_eq!(suite.authenticate(&first.token).await.unwrap_err(), Reason::TokenRevoked);
    suite.authenticate(&second.token).await.unwrap();
}

async fn another_apps_admin_token_cannot_be_revoked(suite: Suite) {
    create(&suite, "console").await;
    suite.create_app("acme", "cafe").await;
    let refused = suite.directory.revoke_admin_token(revocation(app_key("acme#cafe"), 1)).await;
    assert_eq!(error(refused).0, Reason::InvalidArgument);
    assert_eq!(list(&suite).await[0].revoked_at, None);
}

async fn a_label_has_at_most_128_bytes(suite: Suite) {
    create(&suite, &"x".repeat(128)).await;
    for bad in ["x".repeat(129), "a\0b".to_owned()] {
        let request = pb::CreateAdminTokenRequest { app: Some(lobby()), label: bad };
        let refused = suite.directory.create_admin_token(Request::new(request)).await;
        assert_eq!(error(refused).0, Reason::InvalidArgument);
    }
}

on_both_engines!(
    an_admin_token_speaks_for_the_app_and_never_expires,
    admin_tokens_are_listed_and_revoked_decision_4,
    another_apps_admin_token_cannot_be_revoked,
    a_label_has_at_most_128_bytes,
);
