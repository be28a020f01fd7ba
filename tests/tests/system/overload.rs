//! A full queue refuses at once, in every dialect, and writes nothing: decision 8
//! (docs/internals/appender.md, bounds and failures).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tidings_domain::SystemClock;
use tidings_testkit::{Suite, TestApp};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::log::{direct, history, refusal, refused, register, text, text_of};

/// A queue with room for one message beside the one that is being written.
async fn narrow() -> TestApp {
    let narrow = |config: &mut tidings_runtime::Config| config.appender.queue = 2;
    TestApp::of(Arc::new(Suite::all_in_one_with(None, Arc::new(SystemClock), narrow))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_refused_at_once_over_grpc_and_nothing_refused_is_written() {
    let app = narrow().await;
    let ids = register(&app, &["ann", "bob"]).await;
    let log = app.messages();
    let calls = (0..200).map(|n| {
        let (mut log, request) = (log.clone(), app.request(text(ids[0], &[ids[1]], &n.to_string())));
        async move { (n.to_string(), tokio::time::timeout(Duration::from_mins(1), log.send(request)).await.unwrap()) }
    });
    let (taken, refusals): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().partition(|(_, reply)| reply.is_ok());
    assert!(!taken.is_empty() && !refusals.is_empty(), "{} taken, {} refused", taken.len(), refusals.len());
    for (_, reply) in refusals {
        let retry = reply.as_ref().unwrap_err().get_details_retry_info().expect("a time to call again");
        assert_eq!(retry.retry_delay, Some(Duration::from_secs(1)));
        assert_eq!(refusal(reply), refused(Code::Unavailable, "OVERLOADED"));
    }
    let mut taken: Vec<_> = taken.into_iter().map(|(words, _)| words).collect();
    let messages = history(&app, direct(ids[0], ids[1])).await;
    let mut stored: Vec<_> = messages.iter().map(|message| text_of(message).to_owned()).collect();
    taken.sort();
    stored.sort();
    assert_eq!(stored, taken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_503_with_retry_after_in_both_dialects_envelopes_decision_8() {
    let app = narrow().await;
    let ids = register(&app, &["ann", "bob"]).await;
    let (agora, lanying) = (app.agora(), app.lanying().acting_as(ids[0]));
    let one_agora = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "one"}});
    let one_lanying = json!({"type": 1, "targets": [ids[1]], "content_type": 0, "content": "one"});

    let replies = join_all((0..200).map(|_| agora.post("/messages/users", &one_agora))).await;
    let refusals: Vec<_> = replies.iter().filter(|reply| reply.status.as_u16() != 200).collect();
    assert!(!refusals.is_empty() && refusals.len() < replies.len());
    for reply in &refusals {
        assert_eq!(reply.status.as_u16(), 503, "{}", reply.text);
        assert_eq!(reply.headers["retry-after"], "1");
        assert_eq!(reply.json()["error"], "service_unavailable");
        assert_eq!(reply.json()["error_description"], "the server is busy, nothing was done, retry later");
    }
    let taken = replies.len() - refusals.len();

    let replies = join_all((0..200).map(|_| lanying.post("/message/send", &one_lanying))).await;
    let refusals: Vec<_> = replies.iter().filter(|reply| reply.status.as_u16() != 200).collect();
    assert!(!refusals.is_empty() && refusals.len() < replies.len());
    for reply in &refusals {
        assert_eq!(reply.status.as_u16(), 503, "{}", reply.text);
        assert_eq!(reply.headers["retry-after"], "1");
        assert_eq!((&reply.json()["code"], &reply.json()["message"]), (&json!(503), &json!("overloaded")));
    }
    let taken = taken + replies.len() - refusals.len();

    assert_eq!(history(&app, direct(ids[0], ids[1])).await.len(), taken);
}
