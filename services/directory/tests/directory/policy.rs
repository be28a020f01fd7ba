//! Policies.

use tidings_domain::Reason;
use tidings_proto::pb;

use crate::suite::{Suite, lobby, on_both_engines};

async fn single_values_are_set_and_the_others_stay(suite: Suite) {
    let sparse = pb::Policy { max_recipients: Some(3), user_tokens_may_send: Some(true), ..Default::default() };
    suite.set_policy(sparse).await.unwrap();
    let app = suite.set_policy(pb::Policy { rotation_overlap_ms: Some(0), ..Default::default() }).await.unwrap();
    let expected = pb::Policy {
        max_content_bytes: Some(5120),
        max_ext_bytes: Some(3072),
        max_recipients: Some(3),
        accept_unknown_names: Some(true),
        open_registration: Some(false),
        lanying_open_registration: Some(true),
        transaction_window_ms: Some(600_000),
        rotation_overlap_ms: Some(0),
        user_tokens_may_send: Some(true),
        accept_unknown_groups: Some(false),
        lanying_recall_window_ms: Some(300_000),
        agora_recall_window_ms: Some(120_000),
        lanying_shape: Some(2026),
    };
    assert_eq!(app.policy, Some(expected));
    assert_eq!(suite.reveal(lobby()).await.app.unwrap().policy, Some(expected));
}

async fn a_value_out_of_range_changes_nothing(suite: Suite) {
    let bad = pb::Policy { open_registration: Some(true), max_recipients: Some(601), ..Default::default() };
    assert_eq!(suite.set_policy(bad).await.unwrap_err(), Reason::InvalidArgument);
    let app = suite.set_policy(pb::Policy::default()).await.unwrap();
    assert_eq!(app.policy.unwrap().open_registration, Some(false));
}

on_both_engines!(single_values_are_set_and_the_others_stay, a_value_out_of_range_changes_nothing);
