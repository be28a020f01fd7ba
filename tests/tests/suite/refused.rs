//! Our refusals are reported (decision 37), in Tencent's format with the vendor's number (tencent.md 4 and 7).

use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Answer, Received, Receiver, TestApp, every_shape};

use crate::{
    endpoint::{TOKEN, strict},
    envelope::{agora_error, lanying_data},
    people::{group_of, people, to_group, until_code},
    policy,
};

async fn endpoint(app: &TestApp, receiver: &Receiver, events: &[&str]) {
    let new = pb::AddEndpointRequest {
        dialect: pb::CallbackDialect::Tencent.into(),
        url: receiver.url(),
        token: TOKEN.into(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        allow_private: true,
        ..Default::default()
    };
    app.callbacks().add_endpoint(app.request(new)).await.expect("added");
}

/// The bodies, each of which a strict receiver accepts.
fn bodies(app: &TestApp, told: &[Received]) -> Vec<Value> {
    let strict = strict(app);
    let body = |received: &Received| {
        assert_eq!(strict.check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
        received.json()
    };
    told.iter().map(body).collect()
}

/// Of the one with that text: command, number, unread messages and number of the message.
fn outcome(bodies: &[Value], says: &str) -> (String, i64, i64, i64) {
    let mut found = bodies.iter().filter(|body| body["MsgBody"][0]["MsgContent"]["Text"] == says);
    let body = found.next().unwrap_or_else(|| panic!("nothing tells of {says}: {bodies:?}"));
    assert_eq!(found.next(), None, "{says} is told twice");
    let number = |key: &str| body[key].as_i64().unwrap_or_else(|| panic!("no {key}: {body}"));
    let command = body["CallbackCommand"].as_str().expect("a command").to_owned();
    (command, number("SendMsgResult"), number("UnreadMsgNum"), number("MsgSeq"))
}

fn to_user(user: i64, text: &str, transaction: i64) -> Value {
    json!({"type": 1, "targets": [user], "content_type": 0, "content": text, "transaction_id": transaction})
}

every_shape! {
    async fn a_muted_users_message_is_told_with_its_number_where_they_are_muted_decision_37(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        endpoint(&app, &receiver, &["message.refused"]).await;
        app.agora().post("/mutes", &json!({"username": "bob", "chat": -1, "groupchat": -1})).await.expect(200);
        until_code(10010, async || bob.client.post("/message/send", &to_group(group, "to all")).await).await;
        until_code(10010, async || bob.client.post("/message/send", &to_user(ann.id, "to ann", 7)).await).await;
        let told = bodies(&app, &receiver.wait_for(2).await);
        assert_eq!(outcome(&told, "to all"), ("Group.CallbackAfterSendMsg".to_owned(), 10017, -1, 0));
        assert_eq!(outcome(&told, "to ann"), ("C2C.CallbackAfterSendMsg".to_owned(), 20012, -1, 0));
    }
}

every_shape! {
    async fn each_refusal_is_told_with_its_number_decision_37(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        endpoint(&app, &receiver, &["message.refused"]).await;
        lanying_data(&bob.client.post("/roster/block", &json!({"user_id": ann.id})).await);
        let mute = json!({"group_id": group, "user_list": [bob.id], "duration": -1});
        lanying_data(&ann.client.post("/group/ban", &mute).await);
        // Twice under one transaction: reported once.
        for _ in 0..2 {
            until_code(10006, async || ann.client.post("/message/send", &to_user(bob.id, "blocked", 7)).await).await;
        }
        until_code(20002, async || eve.client.post("/message/send", &to_group(group, "no member")).await).await;
        until_code(10010, async || bob.client.post("/message/send", &to_group(group, "muted")).await).await;
        let told = bodies(&app, &receiver.wait_for(3).await);
        let c2c = |code| ("C2C.CallbackAfterSendMsg".to_owned(), code, -1, 0);
        let in_group = |code| ("Group.CallbackAfterSendMsg".to_owned(), code, -1, 0);
        assert_eq!(outcome(&told, "blocked"), c2c(20007));
        assert_eq!(outcome(&told, "no member"), in_group(10007));
        assert_eq!(outcome(&told, "muted"), in_group(10017));
        let blocked = told.iter().find(|body| body["SendMsgResult"] == 20007).expect("it is there");
        assert_eq!((&blocked["From_Account"], &blocked["To_Account"]), (&json!("ann"), &json!("bob")));
        assert_eq!(receiver.count(), 3);
        assert_eq!(bob.client.unread().await.iter().map(|it| it.1).sum::<i64>(), 0);
    }
}

every_shape! {
    async fn only_those_of_whom_it_is_true_are_told_why_a_call_is_refused_decisions_3_and_37(app: TestApp) {
        let [ann, bob, eve, max, zoe] = people(&app, ["ann", "bob", "eve", "max", "zoe"]).await;
        let (of_ann, of_bob, other) = (group_of(&ann, &[&bob]).await, group_of(&bob, &[]).await, group_of(&bob, &[]).await);
        let receiver = Receiver::start(|_| Answer::ok());
        endpoint(&app, &receiver, &["message.refused"]).await;
        for blocker in [&eve, &zoe] {
            lanying_data(&blocker.client.post("/roster/block", &json!({"user_id": ann.id})).await);
        }
        let to = |kind: i64, targets: &[i64], text: &str| json!({"type": kind, "targets": targets, "content_type": 0, "content": text, "transaction_id": kind});
        until_code(10006, async || ann.client.post("/message/send", &to(1, &[bob.id, eve.id, max.id, zoe.id], "to four")).await).await;
        until_code(20002, async || ann.client.post("/message/send", &to(2, &[of_ann, of_bob, other], "to three")).await).await;
        let told = bodies(&app, &receiver.wait_for(4).await);
        let of = |key: &str| {
            let mut of: Vec<(String, i64)> = told.iter().filter_map(|body| Some((body[key].as_str()?.to_owned(), body["SendMsgResult"].as_i64()?))).collect();
            of.sort_unstable();
            of
        };
        assert_eq!(of("To_Account"), [("eve".to_owned(), 20007), ("zoe".to_owned(), 20007)]);
        assert_eq!(of("GroupId"), [(of_bob.to_string(), 10007), (other.to_string(), 10007)]);
        let feed = app.agora().get("/tidings/events?kinds=message.refused").await.expect(200);
        let mut to: Vec<&str> = feed["data"].as_array().expect("events").iter().filter_map(|event| event["to"].as_str()).collect();
        to.sort_unstable();
        let mut expected = vec!["eve".to_owned(), "zoe".to_owned(), of_bob.to_string(), other.to_string()];
        expected.sort_unstable();
        assert_eq!(to, expected, "{feed}");
        assert_eq!(receiver.count(), 4);
    }
}

every_shape! {
    async fn users_are_named_in_agoras_refusals_and_alike_when_they_are_repeated(app: TestApp) {
        policy::set(&app, pb::Policy { user_tokens_may_send: Some(true), ..Default::default() }).await;
        let [ann, bob, eve] = people(&app, ["Ann", "bob", "eve"]).await;
        let group = group_of(&ann, &[&bob]).await.to_string();
        lanying_data(&bob.client.post("/roster/block", &json!({"user_id": eve.id})).await);
        let mute = json!({"group_id": group, "user_list": [bob.id], "duration": -1});
        lanying_data(&ann.client.post("/group/ban", &mute).await);
        for (name, path, to, description) in [
            ("eve", "/messages/chatgroups", &*group, "users [eve] are not members of this group!"),
            ("eve", "/messages/users", "bob", "bob has blocked the sender"),
            ("bob", "/messages/chatgroups", &*group, "user bob is muted"),
        ] {
            let client = app.agora().logged_in(name).await;
            let send = async || {
                let body = json!({"to": [to], "type": "txt", "body": {"msg": "x"}});
                let request = client.request(reqwest::Method::POST, path).header("Idempotency-Key", format!("{name}-{to}"));
                tidings_testkit::Reply::to(request.json(&body)).await
            };
            let first = send().await;
            assert_eq!(agora_error(&first, 403), ("forbidden_op".to_owned(), description.to_owned()));
            assert_eq!(send().await.text, first.text);
        }
        let said = eve.client.post("/message/send", &to_user(bob.id, "x", 1)).await.json();
        assert_eq!(said["message"], format!("blocked by receiver: {}", bob.id), "ids are this dialect's names");
    }
}

every_shape! {
    async fn an_unknown_account_is_told_by_its_name_decision_37(app: TestApp) {
        policy::set(&app, pb::Policy { accept_unknown_names: Some(false), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        endpoint(&app, &receiver, &[]).await;
        let message = |from: &str, to: &str| json!({"from": from, "to": [to], "type": "txt", "body": {"msg": format!("{from} to {to}")}});
        for (from, to) in [("nora", "ghost"), ("spirit", "nora")] {
            assert_eq!(agora.post("/messages/users", &message(from, to)).await.status.as_u16(), 404);
        }
        let told = bodies(&app, &receiver.wait_for(2).await);
        for (from, to) in [("nora", "ghost"), ("spirit", "nora")] {
            assert_eq!(outcome(&told, &format!("{from} to {to}")), ("C2C.CallbackAfterSendMsg".to_owned(), 20003, -1, 0));
            let accounts = told.iter().any(|body| body["From_Account"] == from && body["To_Account"] == to);
            assert!(accounts, "{told:?}");
        }
        let feed = agora.get("/tidings/events?kinds=message.refused").await.expect(200);
        let events = feed["data"].as_array().expect("events");
        let ghost = events.iter().find(|event| event["to"] == "ghost").unwrap_or_else(|| panic!("{feed}"));
        assert_eq!((&ghost["reason"], &ghost["from"], &ghost["message"]["payload"]["bodies"][0]["msg"]), (&json!("USER_NOT_FOUND"), &json!("nora"), &json!("nora to ghost")));
        let malformed = agora.post("/messages/users", &json!({"from": "nora", "to": [], "type": "txt", "body": {"msg": "x"}})).await;
        assert_eq!(malformed.status.as_u16(), 400);
        agora.with_token("nobody").post("/messages/users", &message("nora", "ghost")).await;
        let feed = agora.get("/tidings/events?kinds=message.refused").await.expect(200);
        assert_eq!(feed["data"].as_array().expect("events").len(), 2, "what is malformed or of nobody is not told");
    }
}
