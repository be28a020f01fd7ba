//! `POST /{org}/{app}/messages/users` (agora.md 2, errors of 8.2 and 8.3; decisions 9, 13, 18 and 22).

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, TestApp, every_shape};

use crate::{
    envelope::{agora_error, keys},
    policy,
    transcript::Transcript,
};

/// Bodies of agora.md 2.3, and more of 2.2.
pub const EXAMPLES: [(&str, &str); 17] = [
    ("txt", r#"{"msg":"lunch?"}"#),
    (
        "img",
        r#"{"filename":"cat.png","secret":"Qz8kTw3_","url":"https://chat.example.test/acme/lobby/chatfiles/cat","size":{"width":640,"height":360}}"#,
    ),
    ("img", r#"{"url":"https://elsewhere.example.test/cat.png"}"#),
    (
        "audio",
        r#"{"filename":"hi.amr","length":7,"secret":"mB41xQ","url":"https://chat.example.test/acme/lobby/chatfiles/hi"}"#,
    ),
    ("audio", r#"{"url":"https://chat.example.test/hi"}"#),
    (
        "video",
        r#"{"filename":"clip.mp4","thumb":"https://chat.example.test/acme/lobby/chatfiles/still","thumb_secret":"t9Lw","length":12,"file_length":734003,"secret":"v7Xp","url":"https://chat.example.test/acme/lobby/chatfiles/clip"}"#,
    ),
    ("video", r#"{"thumbnail":"https://chat.example.test/still","url":"https://chat.example.test/clip"}"#),
    ("file", r#"{"filename":"plan.pdf","secret":"f3Zr","url":"https://chat.example.test/acme/lobby/chatfiles/plan"}"#),
    ("file", r#"{"filename":"plan.pdf","file_length":9007199254740993,"url":"https://chat.example.test/plan"}"#),
    ("loc", r#"{"lat":"52.5163","lng":"13.3777","addr":"Pariser Platz"}"#),
    ("loc", r#"{"lat":52.51630,"lng":-13,"addr":""}"#),
    ("cmd", r#"{"action":"refresh-roster"}"#),
    ("cmd", r#"{"action":"","param":{"a":[1,null]}}"#),
    ("custom", r#"{"customEvent":"gift","customExts":{"kind":"rose","count":"3"}}"#),
    ("custom", r#"{"customEvent":"a-Z_0/9."}"#),
    ("custom", r#"{"customExts":{}}"#),
    ("custom", "{}"),
];

fn text() -> Value {
    json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "lunch?"}})
}

fn with(mut body: Value, key: &str, value: impl Into<Value>) -> Value {
    body[key] = value.into();
    body
}

fn without(mut body: Value, key: &str) -> Value {
    body.as_object_mut().expect("an object").remove(key);
    body
}

async fn send(agora: &Agora, body: &Value) -> Reply {
    agora.post("/messages/users", body).await
}

/// A text whose `body` has that many bytes.
fn of_size(bytes: usize) -> Value {
    json!({"msg": "x".repeat(bytes - r#"{"msg":""}"#.len())})
}

/// An `ext` of that many bytes.
fn ext_of_size(bytes: usize) -> Value {
    json!({"k": "x".repeat(bytes - r#"{"k":""}"#.len())})
}

every_shape! {
    async fn every_type_is_taken_and_answered_alike_agora_2_3_and_2_4(app: TestApp) {
        let agora = app.agora();
        let mut wire = Transcript::of(&app);
        for (kind, body) in EXAMPLES {
            let send = format!(r#"{{"from":"nora","to":["omar"],"type":"{kind}","body":{body}}}"#);
            let reply = agora.post_text("/messages/users", send).await;
            assert_eq!(reply.status, 200, "{body}: {}", reply.text);
            wire.add(&format!("{kind} {body}"), &reply);
        }
        wire.check("send_every_type");
    }
}

every_shape! {
    async fn the_envelope_has_exactly_the_keys_of_agora_1_5(app: TestApp) {
        let agora = app.agora();
        let answer = send(&agora, &text()).await.expect(200);
        assert_eq!(
            keys(&answer),
            ["action", "application", "applicationName", "data", "duration", "organization", "path", "timestamp", "uri"]
        );
        assert_eq!(answer["action"], "post");
        assert_eq!(answer["application"], app.app().uuid);
        assert_eq!(answer["applicationName"], app.app().name);
        assert_eq!(answer["organization"], app.app().org);
        assert_eq!(answer["path"], "/messages/users");
        assert_eq!(answer["uri"], format!("{}/messages/users", agora.base));
        assert!(answer["timestamp"].is_i64() && answer["duration"].is_i64(), "{answer}");
        assert!(answer["data"]["omar"].as_str().expect("an id as text").parse::<i64>().expect("digits") > 0);
    }
}

every_shape! {
    async fn the_timestamp_is_the_moment_of_the_commit_decision_6(app: TestApp) {
        let omar = app.lanying().register("omar").await;
        let answer = send(&app.agora(), &without(text(), "from")).await.expect(200);
        let page = app.lanying().acting_as(omar).history(0, 0, 1).await;
        assert_eq!(page["messages"][0]["timestamp"], answer["timestamp"]);
    }
}

every_shape! {
    async fn without_from_the_app_itself_sends_agora_2_1(app: TestApp) {
        let omar = app.lanying().register("omar").await;
        send(&app.agora(), &without(text(), "from")).await.expect(200);
        send(&app.agora(), &with(text(), "from", "Admin")).await.expect(200);
        let page = app.lanying().acting_as(omar).history(0, 0, 9).await;
        let senders: Vec<&Value> =
            page["messages"].as_array().expect("messages").iter().map(|message| &message["from_xid"]["uid"]).collect();
        assert_eq!(senders, [0, 0]);
    }
}

every_shape! {
    async fn every_recipient_gets_a_message_of_its_own_and_repetitions_collapse_agora_2_4(app: TestApp) {
        let to = json!(["Omar", "pia", "omar", "OMAR", "pia"]);
        let answer = send(&app.agora(), &with(text(), "to", to)).await.expect(200);
        assert_eq!(keys(&answer["data"]), ["omar", "pia"]);
        assert_ne!(answer["data"]["omar"], answer["data"]["pia"]);
        let omar = app.agora().logged_in_by_inheritance("omar").await;
        let unread = omar_unread(&app, &omar).await;
        assert_eq!(unread, [1]);
    }
}

every_shape! {
    async fn one_recipient_may_come_without_an_array(app: TestApp) {
        let answer = send(&app.agora(), &with(text(), "to", "omar")).await.expect(200);
        assert_eq!(keys(&answer["data"]), ["omar"]);
    }
}

every_shape! {
    async fn names_are_folded_agora_1_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["OmaR"]).await;
        agora.send_text("Nora", "omar", "one").await;
        let answer = send(&agora, &with(with(text(), "from", "nORA"), "to", json!(["OMAR"]))).await.expect(200);
        assert_eq!(keys(&answer["data"]), ["omar"]);
        assert_eq!(app.lanying().logged_in("OmaR").await.unread().await.len(), 1, "one Nora, one Omar");
    }
}

every_shape! {
    async fn unknown_users_are_taken_unless_the_policy_refuses_them_decision_9(app: TestApp) {
        policy::set(&app, pb::Policy { accept_unknown_names: Some(false), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        send(&agora, &text()).await.expect(200);
        for body in [
            with(text(), "to", json!(["omar", "ghost"])),
            with(text(), "from", "ghost"),
        ] {
            let (error, _) = agora_error(&send(&agora, &body).await, 404);
            assert_eq!(error, "service_resource_not_found", "{body}");
        }
        let unread = app.lanying().logged_in("omar").await.unread().await;
        assert_eq!(unread.iter().map(|(_, num)| num).sum::<i64>(), 1, "one verdict for the whole call");

        let open = policy::neighbour(&app).await;
        let answer = send(&open.agora(), &with(text(), "to", json!(["ghost"]))).await.expect(200);
        assert_eq!(keys(&answer["data"]), ["ghost"]);
    }
}

every_shape! {
    async fn up_to_600_recipients_are_taken_agora_2(app: TestApp) {
        let to = |count: usize| (0..count).map(|n| format!("user{n}")).collect::<Vec<_>>();
        let answer = send(&app.agora(), &with(text(), "to", to(600))).await.expect(200);
        assert_eq!(answer["data"].as_object().expect("ids").len(), 600);
        let (error, words) = agora_error(&send(&app.agora(), &with(text(), "to", to(601))).await, 400);
        assert_eq!(error, "message_send_error");
        assert_eq!(words, "params to's size can't exceed limit 600");
        let same = vec!["omar"; 601];
        agora_error(&send(&app.agora(), &with(text(), "to", same)).await, 400);
    }
}

every_shape! {
    async fn the_policy_may_allow_fewer_recipients(app: TestApp) {
        policy::set(&app, pb::Policy { max_recipients: Some(2), ..Default::default() }).await;
        send(&app.agora(), &with(text(), "to", json!(["a", "b"]))).await.expect(200);
        let (_, words) = agora_error(&send(&app.agora(), &with(text(), "to", json!(["a", "b", "c"]))).await, 400);
        assert_eq!(words, "params to's size can't exceed limit 2");
    }
}

every_shape! {
    async fn body_and_ext_have_5120_bytes_and_ext_has_3072_decision_13(app: TestApp) {
        let agora = app.agora();
        let sized = |body: usize, ext: Option<usize>| {
            let sized = with(text(), "body", of_size(body));
            ext.map_or_else(|| sized.clone(), |ext| with(sized.clone(), "ext", ext_of_size(ext)))
        };
        for (body, ext) in [(5120, None), (2048, Some(3072)), (5100, Some(20))] {
            let reply = send(&agora, &sized(body, ext)).await;
            assert_eq!(reply.status, 200, "{body} and {ext:?}: {}", reply.text);
        }
        for (body, ext) in [(5121, None), (2049, Some(3072)), (5101, Some(20)), (100, Some(3073))] {
            let words = agora_error(&send(&agora, &sized(body, ext)).await, 413);
            let expected = ("Request Entity Too Large".to_owned(), "Request Entity Too Large.".to_owned());
            assert_eq!(words, expected, "{body} and {ext:?}");
        }
        let spaced = format!(r#"{{"to":["omar"],"type":"txt","body":{{{}"msg":"x"}}}}"#, " ".repeat(9000));
        let reply = agora.post_text("/messages/users", spaced).await;
        assert_eq!(reply.status, 200, "white space does not count: {}", reply.text);
    }
}

every_shape! {
    async fn what_is_missing_or_wrong_has_the_words_of_agora_8_3(app: TestApp) {
        let agora = app.agora();
        let mut wire = Transcript::of(&app);
        let cases = [
            ("from is empty", with(text(), "from", "")),
            ("from is impossible", with(text(), "from", "no body")),
            ("no to", without(text(), "to")),
            ("to is null", with(text(), "to", Value::Null)),
            ("to is empty", with(text(), "to", json!([]))),
            ("to has an empty name", with(text(), "to", json!(["omar", ""]))),
            ("to has an impossible name", with(text(), "to", json!(["omar", "no body"]))),
            ("to has a fraction", with(text(), "to", json!([7.5]))),
            ("no type", without(text(), "type")),
            ("type is empty", with(text(), "type", "")),
            ("type is unknown", with(text(), "type", "smell")),
            ("type is a number", with(text(), "type", 7)),
            ("no body", without(text(), "body")),
            ("body is null", with(text(), "body", Value::Null)),
            ("body is empty", with(text(), "body", json!({}))),
            ("body is a text", with(text(), "body", "lunch?")),
            ("body is an array", with(text(), "body", json!([{"msg": "lunch?"}]))),
            ("txt without msg", with(text(), "body", json!({"message": "lunch?"}))),
            ("ext is null", with(text(), "ext", Value::Null)),
            ("ext is a text", with(text(), "ext", "k")),
            ("ext is an array", with(text(), "ext", json!([1]))),
        ];
        for (what, body) in cases {
            let reply = send(&agora, &body).await;
            agora_error(&reply, 400);
            wire.add(what, &reply);
        }
        for (what, body) in [("no JSON", "{\"from\":"), ("nothing", ""), ("two values", "{} {}"), ("an array", "[]")] {
            let reply = agora.post_text("/messages/users", body).await;
            agora_error(&reply, 400);
            wire.add(what, &reply);
        }
        wire.check("send_refusals");
    }
}

every_shape! {
    async fn bodies_that_lack_what_their_type_needs_are_refused_agora_2_2(app: TestApp) {
        let agora = app.agora();
        let seventeen: Value = (0..17).map(|n| (n.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
        let cases = [
            ("txt", json!({"msg": null})),
            ("txt", json!({"msg": 7})),
            ("img", json!({"filename": "cat.png"})),
            ("img", json!({"url": ""})),
            ("img", json!({"url": "u", "size": [1, 2]})),
            ("audio", json!({"filename": "hi.amr"})),
            ("audio", json!({"url": "u", "length": "long"})),
            ("video", json!({"thumb": "u"})),
            ("video", json!({"url": "u", "file_length": 0.5})),
            ("file", json!({"url": "u"})),
            ("file", json!({"filename": "plan.pdf"})),
            ("loc", json!({"lat": "52.5", "lng": "13.4"})),
            ("loc", json!({"lat": "north", "lng": "13.4", "addr": ""})),
            ("loc", json!({"lng": "13.4", "addr": ""})),
            ("cmd", json!({"action": 7})),
            ("custom", json!({"customEvent": "a b"})),
            ("custom", json!({"customEvent": ""})),
            ("custom", json!({"customEvent": "e".repeat(33)})),
            ("custom", json!({"customExts": {"k": 7}})),
            ("custom", json!({"customExts": ["k"]})),
            ("custom", json!({"customExts": seventeen})),
        ];
        for (kind, body) in cases {
            let reply = send(&agora, &with(with(text(), "type", kind), "body", body.clone())).await;
            assert_eq!(reply.status, 400, "{kind} {body}");
            assert_eq!(agora_error(&reply, 400).0, "invalid_request_body", "{kind} {body}");
        }
        let sixteen: Value = (0..16).map(|n| (n.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
        let body = json!({"customEvent": "e".repeat(32), "customExts": sixteen});
        send(&agora, &with(with(text(), "type", "custom"), "body", body)).await.expect(200);
    }
}

every_shape! {
    async fn what_the_contract_does_not_know_changes_nothing_decision_22(app: TestApp) {
        let agora = app.agora();
        let newer = json!({
            "from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "lunch?", "surprise": [1]}, "sync_device": true,
            "roam_ignore_users": [], "need_group_ack": false, "chatroom_msg_level": "high", "surprise": {"a": null},
        });
        send(&agora, &newer).await.expect(200);
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "nonsense"] {
            let request = agora.request(Method::POST, "/messages/users").header(CONTENT_TYPE, kind);
            Reply::to(request.body(text().to_string())).await.expect(200);
        }
        agora.post_text("/messages/users", text().to_string()).await.expect(200);
        let slashed = agora.post("/messages/users/?surprise=1&to=pia", &text()).await.expect(200);
        assert_eq!(slashed["path"], "/messages/users");
        assert_eq!(slashed["uri"], format!("{}/messages/users", agora.base));
        assert_eq!(keys(&slashed["data"]), ["omar"]);
    }
}

every_shape! {
    async fn msg_stands_for_type_and_body_in_one_agora_2_5(app: TestApp) {
        let legacy = json!({"from": "nora", "to": ["omar"], "msg": {"type": "txt", "msg": "hello"}, "ext": {}});
        send(&app.agora(), &legacy).await.expect(200);
        let omar = app.agora().logged_in_by_inheritance("omar").await;
        assert_eq!(omar_unread(&app, &omar).await, [1]);
    }
}

every_shape! {
    async fn user_tokens_send_as_themselves_where_the_policy_lets_them_decision_18(app: TestApp) {
        policy::set(&app, pb::Policy { user_tokens_may_send: Some(true), ..Default::default() }).await;
        app.agora().register(&["Nora", "omar"]).await;
        let nora = app.agora().logged_in("Nora").await;
        send(&nora, &text()).await.expect(200);
        send(&nora, &without(text(), "from")).await.expect(200);
        let (error, _) = agora_error(&send(&nora, &with(text(), "from", "omar")).await, 401);
        assert_eq!(error, "auth_bad_access_token");
        agora_error(&send(&nora, &with(text(), "from", "admin")).await, 401);
        let unread = app.lanying().logged_in("omar").await.unread().await;
        assert_eq!(unread.iter().map(|(_, num)| *num).collect::<Vec<_>>(), [2], "both are from Nora");

        let closed = policy::neighbour(&app).await;
        closed.agora().register(&["nora"]).await;
        let (error, _) = agora_error(&send(&closed.agora().logged_in("nora").await, &text()).await, 401);
        assert_eq!(error, "auth_bad_access_token");
    }
}

/// The token of a user who has no password.
trait Inherit {
    async fn logged_in_by_inheritance(&self, name: &str) -> Agora;
}

impl Inherit for Agora {
    async fn logged_in_by_inheritance(&self, name: &str) -> Agora {
        let body = json!({"grant_type": "inherit", "username": name, "autoCreateUser": true});
        let answer = self.post("/token", &body).await.expect(200);
        self.with_token(answer["access_token"].as_str().expect("a token"))
    }
}

async fn omar_unread(app: &TestApp, omar: &Agora) -> Vec<i64> {
    let unread = app.lanying().with_token(&omar.token).unread().await;
    unread.into_iter().map(|(_, num)| num).collect()
}
