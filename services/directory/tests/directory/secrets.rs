//! Secrets: rotation and storage.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::pb::{self, directory_service_server::DirectoryService as _};
use tidings_store::{on_tx, sqlx};
use tonic::Request;

use crate::suite::{Suite, client_credentials, error, lobby, on_both_engines};

/// The default overlap is a day.
const ALMOST_A_DAY: Duration = Duration::from_millis(24 * 3_600_000 - 1);

async fn the_old_client_secret_is_good_until_the_overlap_ends_decision_4(suite: Suite) {
    let old = suite.reveal(lobby()).await;
    let new = suite.rotate(pb::SecretKind::Client).await;
    assert_ne!(old.client_secret, new.client_secret);
    assert_eq!(suite.reveal(lobby()).await, new);
    suite.advance(ALMOST_A_DAY);
    for secret in [&old.client_secret, &new.client_secret] {
        suite.issue(client_credentials(&old.client_id, secret)).await.unwrap();
    }
    suite.advance(Duration::from_millis(1));
    suite.issue(client_credentials(&old.client_id, &new.client_secret)).await.unwrap();
    let refused = suite.issue(client_credentials(&old.client_id, &old.client_secret)).await;
    assert_eq!(refused.unwrap_err(), Reason::ClientSecretWrong);
}

async fn without_an_overlap_the_old_client_secret_ends_at_once_decision_4(suite: Suite) {
    suite.set_policy(pb::Policy { rotation_overlap_ms: Some(0), ..Default::default() }).await.unwrap();
    let old = suite.reveal(lobby()).await;
    suite.rotate(pb::SecretKind::Client).await;
    let refused = suite.issue(client_credentials(&old.client_id, &old.client_secret)).await;
    assert_eq!(refused.unwrap_err(), Reason::ClientSecretWrong);
}

async fn tokens_of_the_old_key_are_good_until_the_overlap_ends_decision_4(suite: Suite) {
    let app = suite.reveal(lobby()).await;
    let old = suite.issue(client_credentials(&app.client_id, &app.client_secret)).await.unwrap().token;
    let after = suite.rotate(pb::SecretKind::TokenKey).await;
    assert_eq!(after, app);
    let new = suite.issue(client_credentials(&app.client_id, &app.client_secret)).await.unwrap().token;
    assert_ne!(old, new);
    suite.advance(ALMOST_A_DAY);
    suite.authenticate(&old).await.unwrap();
    suite.advance(Duration::from_millis(1));
    assert_eq!(suite.authenticate(&old).await.unwrap_err(), Reason::TokenForged);
    suite.authenticate(&new).await.unwrap();
}

async fn a_new_certificate_leaves_the_other_secrets_alone(suite: Suite) {
    let old = suite.reveal(lobby()).await;
    let new = suite.rotate(pb::SecretKind::AppCertificate).await;
    assert_ne!(new.app_certificate, old.app_certificate);
    assert_eq!(pb::AppWithSecrets { app_certificate: old.app_certificate.clone(), ..new }, old);
    let nothing = pb::RotateSecretRequest { app: Some(lobby()), kind: 0 };
    let refused = suite.directory.rotate_secret(Request::new(nothing)).await;
    assert_eq!(error(refused), (Reason::InvalidArgument, "kind is required".to_owned()));
}

async fn secrets_are_not_readable_in_the_database(suite: Suite) {
    const STORED: &str = "
        select client_secret || app_certificate || token_key || coalesce(previous_client_secret, '') from app";
    let old = suite.reveal(lobby()).await;
    let new = suite.rotate(pb::SecretKind::Client).await;
    let mut tx = suite.db.begin().await.unwrap();
    let stored: String = on_tx!(&mut tx, |c| sqlx::query_scalar(STORED).fetch_one(c).await).unwrap();
    for secret in [&old.client_secret, &new.client_secret, &new.app_certificate] {
        assert!(!stored.contains(secret.as_str()));
    }
}

async fn a_sealed_secret_moved_to_another_app_does_not_open(suite: Suite) {
    suite.create_app("acme", "cafe").await;
    suite
        .execute("update app set client_secret = (select client_secret from app where app_id = 2) where app_id = 1")
        .await;
    let refused = suite.directory.reveal_app(Request::new(pb::RevealAppRequest { app: Some(lobby()) })).await;
    assert_eq!(error(refused).0, Reason::Internal);
}

on_both_engines!(
    the_old_client_secret_is_good_until_the_overlap_ends_decision_4,
    without_an_overlap_the_old_client_secret_ends_at_once_decision_4,
    tokens_of_the_old_key_are_good_until_the_overlap_ends_decision_4,
    a_new_certificate_leaves_the_other_secrets_alone,
    secrets_are_not_readable_in_the_database,
    a_sealed_secret_moved_to_another_app_does_not_open,
);
