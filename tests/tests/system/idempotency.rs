//! One key, one effect, one answer: rule 3 of ARCHITECTURE.md, decisions 2 and 23.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb;
use tidings_testkit::{Installation, Suite, TestApp, every_shape, fresh_database};
use tonic::Code;

use crate::log::{direct, history, keyed, refusal, refused, register, text, text_of};

const DAY_MS: u64 = 24 * 3_600_000;
const DAY: Duration = Duration::from_millis(DAY_MS);

async fn send(app: &TestApp, request: pb::SendRequest) -> pb::SendResponse {
    app.messages().send(app.request(request)).await.unwrap().into_inner()
}

async fn texts(app: &TestApp, ids: &[i64]) -> Vec<String> {
    history(app, direct(ids[0], ids[1])).await.iter().map(|message| text_of(message).to_owned()).collect()
}

every_shape! {
    async fn a_key_with_another_request_is_a_conflict_and_writes_nothing_decision_2(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let first = send(&app, keyed("k", text(ids[0], &[ids[1]], "one"))).await;
        for other in [text(ids[0], &[ids[1]], "two"), text(ids[1], &[ids[0]], "one"), text(ids[0], &ids, "one")] {
            let reply = app.messages().send(app.request(keyed("k", other))).await;
            assert_eq!(refusal(reply), refused(Code::AlreadyExists, "KEY_CONFLICT"));
        }
        assert_eq!(send(&app, keyed("k", text(ids[0], &[ids[1]], "one"))).await, first);
        assert_eq!(texts(&app, &ids).await, ["one"]);
    }
}

every_shape! {
    async fn a_malformed_request_leaves_its_key_free_decision_2(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let no_content = pb::SendRequest { content: None, ..text(ids[0], &[ids[1]], "") };
        for wrong in [text(ids[0], &[], "one"), no_content] {
            app.messages().send(app.request(keyed("k", wrong))).await.unwrap_err();
        }
        send(&app, keyed("k", text(ids[0], &[ids[1]], "one"))).await;
        assert_eq!(texts(&app, &ids).await, ["one"]);
    }
}

every_shape! {
    /// A refusal is reported once, so its answer is stored under the key.
    async fn a_refusal_is_remembered_under_its_key_decision_32(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let unknown = 1_i64 << 50;
        for _ in 0..2 {
            let request = keyed("k", text(ids[0], &[ids[1], unknown], "one"));
            let refusal = app.messages().send(app.request(request)).await.unwrap_err();
            assert_eq!(refusal.code(), Code::NotFound, "{refusal:?}");
        }
        let other = keyed("k", text(ids[0], &[ids[1]], "one"));
        let refusal = app.messages().send(app.request(other)).await.unwrap_err();
        assert_eq!(refusal.code(), Code::AlreadyExists, "{refusal:?}");
        assert_eq!(texts(&app, &ids).await, Vec::<String>::new());
    }
}

every_shape! {
    async fn keys_of_other_apps_callers_and_calls_do_not_meet_decision_2(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let one = |call: &str| pb::SendRequest { call: call.to_owned(), ..keyed("k", text(ids[0], &[ids[1]], call)) };
        let mut log = app.messages();
        send(&app, one("")).await;
        send(&app, one("agora/send")).await;
        log.send(app.request_as(ids[0], one(""))).await.unwrap();
        let of_bob = pb::SendRequest { idempotency_key: "k".into(), ..text(ids[1], &[ids[0]], "bob's") };
        log.send(app.request_as(ids[1], of_bob)).await.unwrap();
        let transaction = pb::SendRequest { transaction_id: 7, ..text(ids[0], &[ids[1]], "transaction") };
        send(&app, transaction).await;
        let keyed_like_it = keyed("7", text(ids[0], &[ids[1]], "key"));
        send(&app, keyed_like_it).await;
        assert_eq!(texts(&app, &ids).await, ["", "agora/send", "", "bob's", "transaction", "key"]);

        let other = TestApp::of(Arc::clone(&app.suite)).await;
        let theirs = register(&other, &["ann", "bob"]).await;
        send(&other, keyed("k", text(theirs[0], &[theirs[1]], "theirs"))).await;
        assert_eq!(texts(&other, &theirs).await, ["theirs"]);
    }
}

every_shape! {
    async fn fifty_calls_with_one_key_at_once_have_one_effect_and_equal_answers(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "eve"]).await;
        let log = app.messages();
        let calls = (0..50).map(|_| {
            let (mut log, request) = (log.clone(), app.request(keyed("k", text(ids[0], &ids[1..], "one"))));
            async move { log.send(request).await.unwrap().into_inner() }
        });
        let replies = join_all(calls).await;
        assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{replies:#?}");
        assert_eq!(replies[0].sent.len(), 2);
        assert_eq!(texts(&app, &ids).await, ["one"]);
    }
}

every_shape! {
    async fn a_transaction_id_gets_the_first_answer_whatever_is_asked_decision_23(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let one = |words: &str| pb::SendRequest { transaction_id: 9, ..text(ids[0], &[ids[1]], words) };
        let first = send(&app, one("one")).await;
        assert_eq!(send(&app, one("two")).await, first);
        assert_eq!(texts(&app, &ids).await, ["one"]);
    }
}

/// A suite with a stopped clock.
async fn on_manual_clock(database: Option<String>) -> (TestApp, Arc<ManualClock>, Vec<i64>) {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let shared: Arc<ManualClock> = Arc::clone(&clock);
    let app = TestApp::of(Arc::new(Suite::all_in_one(database, shared))).await;
    let ids = register(&app, &["ann", "bob"]).await;
    (app, clock, ids)
}

async fn a_key_holds_seven_days((app, clock, ids): (TestApp, Arc<ManualClock>, Vec<i64>)) {
    let first = send(&app, keyed("k", text(ids[0], &[ids[1]], "one"))).await;
    clock.advance(6 * DAY + Duration::from_millis(DAY_MS - 1));
    assert_eq!(send(&app, keyed("k", text(ids[0], &[ids[1]], "one"))).await, first);
    clock.advance(Duration::from_millis(1));
    let second = send(&app, keyed("k", text(ids[0], &[ids[1]], "two"))).await;
    assert_ne!(second, first);
    assert_eq!(send(&app, keyed("k", text(ids[0], &[ids[1]], "two"))).await, second);
    assert_eq!(texts(&app, &ids).await, ["one", "two"]);
}

#[tokio::test]
async fn a_key_holds_seven_days_and_is_new_afterwards_on_sqlite_decision_2() {
    a_key_holds_seven_days(on_manual_clock(None).await).await;
}

#[tokio::test]
async fn a_key_holds_seven_days_and_is_new_afterwards_on_postgres_decision_2() {
    a_key_holds_seven_days(on_manual_clock(Some(fresh_database().await)).await).await;
}

#[tokio::test]
async fn a_transaction_id_is_new_after_the_apps_window_decision_23() {
    let (app, clock, ids) = on_manual_clock(None).await;
    let one = |words: &str| pb::SendRequest { transaction_id: 9, ..text(ids[0], &[ids[1]], words) };
    let first = send(&app, one("one")).await;
    clock.advance(Duration::from_millis(10 * 60_000 - 1));
    assert_eq!(send(&app, one("two")).await, first);
    clock.advance(Duration::from_millis(1));
    assert_ne!(send(&app, one("three")).await, first);
    assert_eq!(texts(&app, &ids).await, ["one", "three"]);
}

#[tokio::test]
async fn both_kinds_of_keys_survive_a_restart_and_a_crash() {
    let mut installation = Installation::default();
    installation.start().await;
    installation.agora().await.register(&["ann", "bob"]).await;
    let by_name = |name: &str| pb::UserRef { user: Some(pb::user_ref::User::Username(name.to_owned())) };
    let target = pb::Target { target: Some(pb::target::Target::Username("bob".into())) };
    let plain = pb::SendRequest { sender: Some(by_name("ann")), targets: vec![target], ..text(0, &[], "one") };
    let requests = [keyed("k", plain.clone()), pb::SendRequest { transaction_id: 9, ..plain }];
    let send = async |installation: &Installation| {
        let mut replies = Vec::new();
        for request in requests.clone() {
            let reply = installation.messages().send(installation.request(request)).await;
            replies.push(reply.unwrap().into_inner());
        }
        replies
    };
    let first = send(&installation).await;
    installation.stop().await;
    installation.start().await;
    assert_eq!(send(&installation).await, first);
    installation.kill();
    installation.start().await;
    assert_eq!(send(&installation).await, first);
}
