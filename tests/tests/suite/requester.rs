//! The caller of a message is the same before it and after it: `Operator_Account` of the two callbacks of a group
//! (tencent.md 5 and 6, decision 30).

use std::{collections::BTreeMap, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::{duration, pb};
use tidings_testkit::{Answer, Received, Receiver, Reply, every_shape};

use crate::{
    envelope::lanying_data,
    people::{group_of, people},
    policy,
};

/// By text: the sender and the caller.
type Told = BTreeMap<String, (Value, Value)>;

fn told(received: &[Received]) -> Told {
    let bodies = received.iter().map(|received| serde_json::from_slice::<Value>(&received.body).expect("JSON"));
    let of = |body: Value| {
        let text = body["MsgBody"][0]["MsgContent"]["Text"].as_str().expect("a text").to_owned();
        (text, (body["From_Account"].clone(), body["Operator_Account"].clone()))
    };
    bodies.map(of).collect()
}

/// The name of a way to send, and the expected caller.
const ASKED: [(&str, &str); 12] = [
    ("rest, app token", "admin"),
    ("rest, app token, online only", "admin"),
    ("rest, app token, to a room", "admin"),
    ("rest, app token, online only, to a room", "admin"),
    ("rest, user token", "ann"),
    ("rest, user token, online only", "ann"),
    ("lanying, user token", "ann"),
    ("lanying, admin token", "admin"),
    ("grpc, as the app", "admin"),
    ("grpc, as the app, online only", "admin"),
    ("grpc, as the user", "ann"),
    ("grpc, as the user, online only", "ann"),
];

/// Refused by a hook or by a word: the hook is called, after a listed word it is not.
const REFUSED: [(&str, &str); 4] = [
    ("hook, app token", "admin"),
    ("hook, user token", "ann"),
    ("word, app token", "admin"),
    ("word, user token", "ann"),
];

every_shape! {
    async fn the_requester_is_the_same_before_and_after_a_message_decision_30(app: TestApp) {
        let rules = pb::Policy { user_tokens_may_send: Some(true), fire_on_refusal: Some(true), ..Default::default() };
        policy::set(&app, rules).await;
        let words = pb::WordList { name: "w".into(), action: pb::WordAction::Refuse.into(), words: vec!["word,".into()] };
        app.directory().set_word_list(app.request(pb::SetWordListRequest { list: Some(words) })).await.expect("the list is taken");
        let before = Receiver::start(|received| {
            let refused = String::from_utf8_lossy(&received.body).contains("hook,");
            let answer = json!({"ActionStatus": "OK", "ErrorCode": i32::from(refused), "ErrorInfo": ""});
            Answer::ok().with_body(answer.to_string())
        });
        let form = pb::HookForm::Tencent.into();
        let hook = pb::AddHookRequest { form, url: before.url(), timeout: Some(duration(Duration::from_secs(10))), allow_private: true, ..Default::default() };
        app.directory().add_hook(app.request(hook)).await.expect("the hook is taken");
        let after = Receiver::start(|_| Answer::ok());
        let dialect = pb::CallbackDialect::Tencent.into();
        let events = ["message.sent", "message.online", "message.refused"].map(str::to_owned).into();
        let endpoint = pb::AddEndpointRequest { dialect, url: after.url(), events, allow_private: true, ..Default::default() };
        app.callbacks().add_endpoint(app.request(endpoint)).await.expect("added");

        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let agora = app.agora();
        let room = agora.post("/chatrooms", &json!({"name": "r", "owner": "ann"})).await.expect(200);
        let room = room["data"]["id"].as_str().expect("an id").to_owned();
        let own = agora.logged_in("ann").await;
        for (text, _) in ASKED.iter().chain(&REFUSED) {
            let online = text.contains("online only");
            let (kind, to) = if text.contains("room") { ("chatrooms", room.clone()) } else { ("chatgroups", group.to_string()) };
            let mut rest = json!({"from": "ann", "to": [to], "type": "txt", "body": {"msg": text}});
            if online {
                rest["routetype"] = "ROUTE_ONLINE".into();
            }
            let there = json!({"type": 2, "targets": [group], "content_type": 0, "content": text});
            let body = pb::content::Body::Text(pb::Text { text: (*text).to_owned() });
            let content = pb::Content { body: Some(body), ..Default::default() };
            let target = pb::Target { target: Some(pb::target::Target::GroupId(group)) };
            let grpc = pb::SendRequest { targets: vec![target], content: Some(content), online_only: online, ..Default::default() };
            let sender = Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ann.id)) });
            match text.split_once(", ").expect("a way") {
                ("lanying", "user token") => _ = lanying_data(&ann.client.post("/message/send", &there).await),
                ("lanying", _) => {
                    let mut there = there;
                    there["from_user_id"] = ann.id.into();
                    lanying_data(&app.lanying().post("/message/send", &there).await);
                }
                ("grpc", way) if way.starts_with("as the app") => {
                    let request = app.request(pb::SendRequest { sender, ..grpc });
                    app.messages().send(request).await.expect("sent");
                }
                ("grpc", _) => _ = app.messages().send(app.request_as(ann.id, grpc)).await.expect("sent"),
                (how, way) => {
                    let client = if way.starts_with("user") { &own } else { &agora };
                    let reply = Reply::to(client.request(Method::POST, &format!("/messages/{kind}")).json(&rest)).await;
                    assert_eq!(reply.status.is_success(), how == "rest", "{text}: {}", reply.text);
                }
            }
        }
        let after = told(&after.wait_for(ASKED.len() + REFUSED.len()).await);
        let before = told(&before.received());
        for (text, asked) in ASKED.iter().chain(&REFUSED) {
            let expected = Some(&(json!("ann"), json!(asked)));
            assert_eq!(after.get(*text), expected, "{text}, afterwards");
            let asked_before = !text.starts_with("word");
            assert_eq!(before.get(*text), expected.filter(|_| asked_before), "{text}, before");
        }
    }
}
