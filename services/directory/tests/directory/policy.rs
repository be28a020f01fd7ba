//! Policies.

use std::collections::HashMap;

use tidings_domain::{Policy, Reason};
use tidings_proto::pb;

use crate::suite::{Suite, lobby, on_both_engines};

async fn single_values_are_set_and_the_others_stay(suite: Suite) {
    let sparse = pb::Policy { max_recipients: Some(3), user_tokens_may_send: Some(true), ..Default::default() };
    suite.set_policy(sparse).await.unwrap();
    let app = suite.set_policy(pb::Policy { rotation_overlap_ms: Some(0), ..Default::default() }).await.unwrap();
    let expected = pb::Policy {
        max_recipients: Some(3),
        rotation_overlap_ms: Some(0),
        user_tokens_may_send: Some(true),
        ..Policy::default().into()
    };
    assert_eq!(app.policy, Some(expected.clone()));
    assert_eq!(suite.reveal(lobby()).await.app.unwrap().policy, Some(expected));
}

async fn a_preset_of_rates_drops_quotas_that_were_set_before_decision_7(suite: Suite) {
    let one = pb::Policy { rates: HashMap::from([("rate_calls".to_owned(), 7)]), ..Default::default() };
    let app = suite.set_policy(one).await.unwrap();
    assert_eq!(app.policy.unwrap().rates["rate_calls"], 7);
    let app = suite.set_policy(pb::Policy { limits: Some(2), ..Default::default() }).await.unwrap();
    assert_eq!(app.policy.unwrap().rates["rate_calls"], 100);
}

async fn a_value_out_of_range_changes_nothing(suite: Suite) {
    let unknown = pb::Policy { rates: HashMap::from([("rate_of_nothing".to_owned(), 7)]), ..Default::default() };
    assert_eq!(suite.set_policy(unknown).await.unwrap_err(), Reason::InvalidArgument);
    let bad = pb::Policy { open_registration: Some(true), max_recipients: Some(601), ..Default::default() };
    assert_eq!(suite.set_policy(bad).await.unwrap_err(), Reason::InvalidArgument);
    let app = suite.set_policy(pb::Policy::default()).await.unwrap();
    assert_eq!(app.policy.unwrap().open_registration, Some(false));
}

on_both_engines!(
    single_values_are_set_and_the_others_stay,
    a_preset_of_rates_drops_quotas_that_were_set_before_decision_7,
    a_value_out_of_range_changes_nothing
);
