//! Keys that make a repeated call one call (decisions 1, 2 and 23; lanying.md 6).

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb;
use tidings_testkit::{Agora, Lanying, Reply, Suite, TestApp, every_shape};
use tokio::task::JoinSet;

use crate::{
    envelope::{agora_error, lanying_error},
    policy::neighbour,
};

/// How many clients repeat a call concurrently.
const AT_ONCE: usize = 20;

fn text(msg: &str) -> Value {
    json!({"from": "nora", "to": ["omar", "pia"], "type": "txt", "body": {"msg": msg}})
}

async fn keyed(agora: &Agora, key: &str, body: &Value) -> Reply {
    Reply::to(agora.request(Method::POST, "/messages/users").header("Idempotency-Key", key).json(body)).await
}

async fn keyed_lanying(lanying: &Lanying, key: &str, body: &Value) -> Reply {
    Reply::to(lanying.request(Method::POST, "/message/send").header("Idempotency-Key", key).json(body)).await
}

/// The texts that a user got from another one, oldest first.
async fn received(app: &TestApp, from: i64, to: i64) -> Vec<String> {
    let page = app.lanying().acting_as(to).history(from, 0, 100).await;
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().rev().map(|message| message["content"].as_str().expect("content").to_owned()).collect()
}

every_shape! {
    async fn the_same_request_under_the_same_key_gets_the_same_bytes_decision_2(app: TestApp) {
        let (nora, omar) = (app.lanying().register("nora").await, app.lanying().register("omar").await);
        let first = keyed(&app.agora(), "order-7", &text("once")).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let again = keyed(&app.agora(), "order-7", &text("once")).await;
        assert_eq!(again.text, first.text);
        let canonical = r#" { "to":["omar","pia"],"surprise":1,"body":{ "msg":"once" }, "type":"txt","from":"nora" } "#;
        let request = app.agora().request(Method::POST, "/messages/users/").header("Idempotency-Key", "order-7");
        assert_eq!(Reply::to(request.body(canonical)).await.text, first.text, "equality is on the parsed request");
        assert_eq!(received(&app, nora, omar).await, ["once"]);
    }
}

every_shape! {
    async fn a_remembered_refusal_gets_the_same_bytes_decisions_1_and_32(app: TestApp) {
        app.agora().register(&["nora", "omar", "pia"]).await;
        let list = pb::WordList {
            name: "l".to_owned(), action: pb::WordAction::Refuse.into(), words: vec!["casino".to_owned()],
        };
        app.directory().set_word_list(app.request(pb::SetWordListRequest { list: Some(list) })).await.expect("taken");
        let first = keyed(&app.agora(), "order-7", &text("casino")).await;
        assert_eq!(first.status, 403, "{}", first.text);
        for _ in 0..2 {
            assert_eq!(keyed(&app.agora(), "order-7", &text("casino")).await.text, first.text);
        }
    }
}

every_shape! {
    async fn another_request_under_the_same_key_is_a_conflict_decision_2(app: TestApp) {
        let (nora, omar) = (app.lanying().register("nora").await, app.lanying().register("omar").await);
        assert_eq!(keyed(&app.agora(), "order-7", &text("once")).await.status, 200);
        let mut others = vec![text("twice"), text("once"), text("once"), text("once")];
        others[1]["ext"] = json!({});
        others[2]["to"] = json!(["omar"]);
        others[3]["from"] = json!("omar");
        for other in others {
            let (error, words) = agora_error(&keyed(&app.agora(), "order-7", &other).await, 409);
            assert_eq!(error, "idempotency_key_conflict", "{other}");
            assert_eq!(words, "Idempotency-Key was used for another request");
        }
        assert_eq!(received(&app, nora, omar).await, ["once"]);
    }
}

every_shape! {
    async fn refused_calls_leave_their_key_free_decision_2(app: TestApp) {
        let mut bad = text("once");
        bad["to"] = json!([]);
        agora_error(&keyed(&app.agora(), "order-7", &bad).await, 400);
        assert_eq!(keyed(&app.agora(), "order-7", &text("once")).await.status, 200);
    }
}

every_shape! {
    async fn keys_of_apps_callers_and_calls_do_not_meet_decision_2(app: TestApp) {
        let lanying = app.lanying();
        let (nora, omar) = (lanying.register("nora").await, lanying.register("omar").await);
        let other = neighbour(&app).await;
        other.lanying().register("nora").await;
        other.lanying().register("omar").await;
        let body = json!({"type": 1, "targets": [omar], "content_type": 0, "content": "lanying"});
        assert_eq!(keyed(&app.agora(), "k", &text("agora")).await.status, 200);
        assert_eq!(keyed(&other.agora(), "k", &text("other app")).await.status, 200);
        keyed_lanying(&lanying.acting_as(nora), "k", &body).await;
        keyed_lanying(&lanying, "k", &body).await;
        assert_eq!(received(&app, nora, omar).await, ["agora", "lanying"]);
        assert_eq!(received(&app, 0, omar).await, ["lanying"]);
        assert_eq!(received(&other, nora, omar).await, ["other app"]);
    }
}

every_shape! {
    async fn twenty_repetitions_at_once_have_one_effect_and_one_answer_decision_2(app: TestApp) {
        let (nora, omar) = (app.lanying().register("nora").await, app.lanying().register("omar").await);
        let mut calls = JoinSet::new();
        for _ in 0..AT_ONCE {
            let agora = app.agora();
            calls.spawn(async move { keyed(&agora, "order-7", &text("once")).await });
        }
        let answers = calls.join_all().await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.text, answers[0].text);
        }
        assert_eq!(received(&app, nora, omar).await, ["once"]);
    }
}

every_shape! {
    async fn of_twenty_different_requests_at_once_one_wins_decision_2(app: TestApp) {
        let (nora, omar) = (app.lanying().register("nora").await, app.lanying().register("omar").await);
        let mut calls = JoinSet::new();
        for n in 0..AT_ONCE {
            let agora = app.agora();
            calls.spawn(async move { keyed(&agora, "order-7", &text(&n.to_string())).await.status.as_u16() });
        }
        let mut statuses = calls.join_all().await;
        statuses.sort_unstable();
        let mut expected = [409; AT_ONCE];
        expected[0] = 200;
        assert_eq!(statuses, expected);
        assert_eq!(received(&app, nora, omar).await.len(), 1);
    }
}

every_shape! {
    async fn keys_have_1_to_255_visible_characters_decision_2(app: TestApp) {
        let (agora, lanying) = (app.agora(), app.lanying());
        let omar = lanying.register("omar").await;
        let body = json!({"type": 1, "targets": [omar], "content_type": 0, "content": "x"});
        for bad in ["two words", &"k".repeat(256)] {
            assert_eq!(agora_error(&keyed(&agora, bad, &text("x")).await, 400).0, "illegal_argument");
            assert_eq!(lanying_error(&keyed_lanying(&lanying, bad, &body).await), 10002);
        }
        assert_eq!(keyed(&agora, &"k".repeat(255), &text("x")).await.status, 200);
    }
}

every_shape! {
    async fn lanying_knows_the_header_too_and_tells_a_conflict_with_10409_decision_2(app: TestApp) {
        let lanying = app.lanying();
        let omar = lanying.register("omar").await;
        let body = |text: &str| json!({"type": 1, "targets": [omar], "content_type": 0, "content": text});
        let first = keyed_lanying(&lanying, "k", &body("once")).await;
        assert_eq!(keyed_lanying(&lanying, "k", &body("once")).await.text, first.text);
        assert_eq!(lanying_error(&keyed_lanying(&lanying, "k", &body("twice")).await), 10409);
        assert_eq!(received(&app, 0, omar).await, ["once"]);
    }
}

every_shape! {
    async fn a_repeated_transaction_gets_the_first_answer_whatever_it_says_decision_23(app: TestApp) {
        let lanying = app.lanying();
        let (nora, omar) = (lanying.register("nora").await, lanying.register("omar").await);
        let body = |text: &str, id: Value| {
            json!({"type": 1, "targets": [omar], "content_type": 0, "content": text, "transaction_id": id})
        };
        let first = lanying.post("/message/send", &body("once", json!(77))).await;
        assert_eq!(first.status, 200);
        let again = lanying.post("/message/send", &body("twice", json!("77"))).await;
        assert_eq!(again.text, first.text);
        let by_put = Reply::to(lanying.request(Method::PUT, "/message/send").json(&body("thrice", json!(77.0)))).await;
        assert_eq!(by_put.text, first.text, "PUT is the same call");
        lanying.post("/message/send", &body("zero is none", json!(0))).await;
        lanying.post("/message/send", &body("zero is none", json!(0))).await;
        lanying.post("/message/send", &body("below zero", json!(-77))).await;
        lanying.acting_as(nora).post("/message/send", &body("nora's own 77", json!(77))).await;
        assert_eq!(received(&app, 0, omar).await, ["once", "zero is none", "zero is none", "below zero"]);
        assert_eq!(received(&app, nora, omar).await, ["nora's own 77"]);
    }
}

every_shape! {
    async fn twenty_transactions_at_once_have_one_effect_and_one_answer_lanying_6(app: TestApp) {
        let omar = app.lanying().register("omar").await;
        let mut calls = JoinSet::new();
        for n in 0..AT_ONCE {
            let lanying = app.lanying();
            let body =
                json!({"type": 1, "targets": [omar], "content_type": 0, "content": n.to_string(), "transaction_id": 77});
            calls.spawn(async move { lanying.post("/message/send", &body).await });
        }
        let answers = calls.join_all().await;
        for answer in &answers {
            assert_eq!(answer.json()["code"], 200, "{}", answer.text);
            assert_eq!(answer.text, answers[0].text);
        }
        assert_eq!(received(&app, 0, omar).await.len(), 1);
    }
}

/// An app with a stopped clock.
async fn on_a_still_clock() -> (TestApp, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    (TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_holds_for_seven_days_decision_2() {
    let (app, clock) = on_a_still_clock().await;
    let (nora, omar) = (app.lanying().register("nora").await, app.lanying().register("omar").await);
    let first = keyed(&app.agora(), "order-7", &text("once")).await;
    clock.advance(Duration::from_hours(7 * 24) - Duration::from_millis(1));
    assert_eq!(keyed(&app.agora(), "order-7", &text("once")).await.text, first.text, "the answer has its own time");
    agora_error(&keyed(&app.agora(), "order-7", &text("twice")).await, 409);
    clock.advance(Duration::from_millis(1));
    assert_eq!(keyed(&app.agora(), "order-7", &text("twice")).await.status, 200);
    assert_eq!(received(&app, nora, omar).await, ["once", "twice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_holds_for_ten_minutes_decision_23() {
    let (app, clock) = on_a_still_clock().await;
    let omar = app.lanying().register("omar").await;
    let body =
        |text: &str| json!({"type": 1, "targets": [omar], "content_type": 0, "content": text, "transaction_id": 77});
    app.lanying().post("/message/send", &body("first")).await;
    clock.advance(Duration::from_mins(10) - Duration::from_millis(1));
    app.lanying().post("/message/send", &body("too early")).await;
    clock.advance(Duration::from_millis(1));
    app.lanying().post("/message/send", &body("second")).await;
    assert_eq!(received(&app, 0, omar).await, ["first", "second"]);
}
