//! `POST|PUT /message/send` (lanying.md 4, 5.6; decisions 25 and 28).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Lanying, Reply, every_shape};

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    policy,
    transcript::Transcript,
};

/// Content type, `content` and `attachment`, absent if there is none (lanying.md 4).
pub const EXAMPLES: [(i64, &str, Option<&str>); 10] = [
    (0, "lunch?", None),
    (0, "", Some("kept for a text too")),
    (1, "", Some(r#"{"url":"https://s.example.test/cat","dName":"cat.png","fLen":1024,"width":828.0,"height":620.5}"#)),
    (2, "", Some(r#"{"url":"https://s.example.test/hi","dName":"hi.amr","fLen":512,"duration":7}"#)),
    (3, "", Some(r#"{"url":"https://s.example.test/clip","duration":12,"width":640,"height":360}"#)),
    (4, "see this", Some(r#"{"url":"https://s.example.test/plan","dName":"plan.pdf","fLen":9007199254740993}"#)),
    (5, "", Some(r#"{"lat":40.02,"lon":116.390,"addr":"Pariser Platz"}"#)),
    (5, "somewhere", None),
    (6, "refresh-roster", Some("not JSON at all")),
    (7, "2 messages", Some(r#"{"list":[1,2]}"#)),
];

pub fn message(target: i64, (content_type, content, attachment): (i64, &str, Option<&str>)) -> Value {
    let mut body = json!({"type": 1, "targets": [target], "content_type": content_type, "content": content});
    if let Some(attachment) = attachment {
        body["attachment"] = attachment.into();
    }
    body
}

fn text(target: i64) -> Value {
    message(target, (0, "lunch?", None))
}

fn with(mut body: Value, key: &str, value: impl Into<Value>) -> Value {
    body[key] = value.into();
    body
}

async fn send(lanying: &Lanying, body: &Value) -> Reply {
    lanying.post("/message/send", body).await
}

async fn newest(reader: &Lanying, opposite: i64) -> Value {
    reader.history(opposite, 0, 1).await["messages"][0].clone()
}

every_shape! {
    async fn every_content_type_is_listed_as_it_was_sent_lanying_4(app: TestApp) {
        let lanying = app.lanying();
        let (ann, bob) = (lanying.register("ann").await, lanying.register("bob").await);
        let ann_client = lanying.logged_in("ann").await;
        let mut wire = Transcript::of(&app);
        for example @ (content_type, content, attachment) in EXAMPLES {
            let reply = send(&ann_client, &message(bob, example)).await;
            wire.add(&format!("{content_type}, sent"), &reply);
            let listed = newest(&ann_client, bob).await;
            assert_eq!(listed["content"], content);
            assert_eq!(listed.get("attachment").and_then(Value::as_str), attachment);
            assert_eq!(listed, newest(&lanying.acting_as(bob), ann).await);
            wire.note(&format!("{content_type}, listed"), &listed.to_string());
        }
        wire.check("lanying_every_type");
    }
}

every_shape! {
    async fn config_and_ext_come_back_byte_for_byte_lanying_4(app: TestApp) {
        let lanying = app.lanying();
        let bob = lanying.register("bob").await;
        let exact = "{ \"a\" : 1.0,\t\"n\":12345678901234567890, \"e\":\"\\u00e9\\/😀\" } trailing \u{0} é";
        let body = with(with(text(bob), "config", exact), "ext", exact);
        lanying_data(&send(&lanying, &body).await);
        let listed = newest(&lanying, bob).await;
        assert_eq!(listed["config"], exact);
        assert_eq!(listed["ext"], exact);
        lanying_data(&send(&lanying, &with(with(text(bob), "config", ""), "ext", "")).await);
        let listed = newest(&lanying, bob).await;
        assert_eq!(keys(&listed), ["content", "ctype", "from_xid", "msg_id", "status", "timestamp", "to_xid"]);
    }
}

every_shape! {
    async fn put_is_post_and_numbers_may_be_texts_lanying_5_6(app: TestApp) {
        let lanying = app.lanying();
        let bob = lanying.register("bob").await;
        let texts = json!({
            "type": "1", "targets": [bob.to_string()], "content_type": "0", "content": "lunch?",
            "from_user_id": "0", "transaction_id": "0", "surprise": {},
        });
        for method in [Method::POST, Method::PUT] {
            for path in ["/message/send", "/message/send/", "/message/send?surprise=1"] {
                let reply = Reply::to(lanying.request(method.clone(), path).body(texts.to_string())).await;
                assert_eq!(lanying_data(&reply), true, "{method} {path}");
            }
        }
        let page = lanying.history(bob, 0, 100).await;
        assert_eq!(page["messages"].as_array().expect("messages").len(), 6);
    }
}

every_shape! {
    async fn msg_ids_are_there_for_exactly_one_receiver_lanying_2(app: TestApp) {
        let lanying = app.lanying();
        let (ann, bob) = (lanying.register("ann").await, lanying.register("bob").await);
        let one = send(&lanying, &text(bob)).await.expect(200);
        assert_eq!(keys(&one), ["code", "data", "msg_ids"]);
        assert_eq!(one["msg_ids"].as_array().expect("ids").len(), 1);
        let two = send(&lanying, &with(text(bob), "targets", json!([ann, bob]))).await.expect(200);
        assert_eq!(two, json!({"code": 200, "data": true}));
        let same = send(&lanying, &with(text(bob), "targets", json!([bob, bob]))).await.expect(200);
        assert_eq!(newest(&lanying, bob).await["msg_id"], same["msg_ids"][0]);
        assert_eq!(lanying.acting_as(bob).unread().await, [(0, 3)]);
        assert_eq!(lanying.acting_as(ann).unread().await, [(0, 1)]);
    }
}

every_shape! {
    async fn an_admin_shows_whom_he_likes_as_the_sender_lanying_5_6(app: TestApp) {
        let lanying = app.lanying();
        let (ann, bob) = (lanying.register("ann").await, lanying.register("bob").await);
        lanying_data(&send(&lanying, &text(bob)).await);
        lanying_data(&send(&lanying, &with(text(bob), "from_user_id", ann)).await);
        lanying_data(&send(&lanying.acting_as(ann), &text(bob)).await);
        lanying_data(&send(&lanying.acting_as(ann), &with(text(bob), "from_user_id", ann)).await);
        assert_eq!(lanying.acting_as(bob).unread().await, [(ann, 3), (0, 1)]);
        let other = with(text(bob), "from_user_id", bob);
        assert_eq!(lanying_error(&send(&lanying.acting_as(ann), &other).await), 10010);
        let nobody = with(text(bob), "from_user_id", 999_984);
        assert_eq!(lanying_error(&send(&lanying, &nobody).await), 10000);
        let ghost = lanying.acting_as(999_984);
        assert_eq!(lanying_error(&send(&ghost, &text(bob)).await), 10000);
    }
}

every_shape! {
    async fn a_user_sends_as_himself_alone_lanying_5_6(app: TestApp) {
        let lanying = app.lanying();
        let (ann, bob) = (lanying.register("ann").await, lanying.register("bob").await);
        let client = lanying.logged_in("ann").await;
        lanying_data(&send(&client, &text(bob)).await);
        lanying_data(&send(&client, &with(text(bob), "from_user_id", ann)).await);
        assert_eq!(lanying_error(&send(&client, &with(text(bob), "from_user_id", bob)).await), 10010);
        let own = client.acting_as(ann);
        lanying_data(&send(&own, &text(bob)).await);
        let foreign = client.acting_as(bob);
        assert_eq!(lanying_error(&send(&foreign, &text(bob)).await), 10010);
        let group = client.request(Method::POST, "/message/send").header("group_id", "17").json(&text(bob));
        assert_eq!(lanying_error(&Reply::to(group).await), 10010);
        assert_eq!(lanying.acting_as(bob).unread().await, [(ann, 3)]);
    }
}

every_shape! {
    async fn headers_that_are_no_ids_are_refused_decision_28(app: TestApp) {
        let lanying = app.lanying();
        for (name, value, code) in [
            ("user_id", "ann", 10002),
            ("user_id", "-16", 10002),
            ("user_id", "9223372036854775808", 10002),
            ("group_id", "x", 10002),
            ("group_id", "17", 20001),
        ] {
            let request = lanying.request(Method::GET, "/message/unread").header(name, value);
            assert_eq!(lanying_error(&Reply::to(request).await), code, "{name}: {value}");
        }
        let zero = lanying.request(Method::GET, "/message/unread").header("user_id", "0").header("group_id", "0");
        lanying_data(&Reply::to(zero).await);
    }
}

every_shape! {
    async fn media_need_an_attachment_that_is_an_object_decision_25(app: TestApp) {
        let lanying = app.lanying();
        let bob = lanying.register("bob").await;
        for content_type in 1..=4 {
            for attachment in [None, Some(""), Some("cat.png"), Some("[]"), Some("null"), Some("{}"), Some("{\"url\":")] {
                let reply = send(&lanying, &message(bob, (content_type, "x", attachment))).await;
                assert_eq!(lanying_error(&reply), 10002, "{content_type}: {attachment:?}");
            }
            let mut bare = message(bob, (content_type, "", Some(r#"{"url":"https://h/4"}"#)));
            bare.as_object_mut().expect("an object").remove("content");
            lanying_data(&send(&lanying, &bare).await);
        }
        for attachment in ["[]", "north"] {
            assert_eq!(lanying_error(&send(&lanying, &message(bob, (5, "", Some(attachment)))).await), 10002);
        }
    }
}

every_shape! {
    async fn what_is_missing_or_wrong_is_10002_and_sends_nothing_lanying_9(app: TestApp) {
        let lanying = app.lanying();
        let bob = lanying.register("bob").await;
        let without = |key: &str| {
            let mut body = text(bob);
            body.as_object_mut().expect("an object").remove(key);
            body
        };
        let cases = [
            ("no type", without("type"), 10002),
            ("no targets", without("targets"), 10002),
            ("no content_type", without("content_type"), 10002),
            ("no content", without("content"), 10002),
            ("type 0", with(text(bob), "type", 0), 10002),
            ("type 3", with(text(bob), "type", 3), 10002),
            ("type in words", with(text(bob), "type", "users"), 10002),
            ("a group", with(with(text(bob), "type", 2), "targets", json!([17])), 20001),
            ("no target", with(text(bob), "targets", json!([])), 10002),
            ("one target, bare", with(text(bob), "targets", bob), 10002),
            ("target in words", with(text(bob), "targets", json!(["bob"])), 10002),
            ("negative target", with(text(bob), "targets", json!([bob, -bob])), 10002),
            ("target beyond 2^53", with(text(bob), "targets", json!([1_i64 << 53])), 10002),
            ("target beyond i64", with(text(bob), "targets", json!([u64::MAX])), 10002),
            ("unknown target", with(text(bob), "targets", json!([bob, 999_984])), 10000),
            ("content_type 8", with(text(bob), "content_type", 8), 10002),
            ("content_type 13", with(text(bob), "content_type", 13), 10002),
            ("content_type -1", with(text(bob), "content_type", -1), 10002),
            ("content_type by name", with(text(bob), "content_type", "TEXT"), 10002),
            ("content as object", with(text(bob), "content", json!({})), 10002),
            ("ext as object", with(text(bob), "ext", json!({})), 10002),
            ("config as object", with(text(bob), "config", json!({})), 10002),
            ("attachment as object", with(message(bob, (1, "", None)), "attachment", json!({})), 10002),
            ("transaction in words", with(text(bob), "transaction_id", "first"), 10002),
            ("negative sender", with(text(bob), "from_user_id", -16), 10002),
            ("an array", json!([text(bob)]), 10002),
        ];
        let mut wire = Transcript::of(&app);
        for (what, body, code) in cases {
            let reply = send(&lanying, &body).await;
            assert_eq!(lanying_error(&reply), code, "{what}: {}", reply.text);
            wire.add(what, &reply);
        }
        wire.check("lanying_send_refusals");
        assert_eq!(lanying.acting_as(bob).unread().await, []);
    }
}

every_shape! {
    async fn the_policy_bounds_the_targets(app: TestApp) {
        policy::set(&app, pb::Policy { max_recipients: Some(2), ..Default::default() }).await;
        let lanying = app.lanying();
        let bob = lanying.register("bob").await;
        lanying_data(&send(&lanying, &with(text(bob), "targets", json!([bob, bob]))).await);
        let reply = send(&lanying, &with(text(bob), "targets", json!([bob, bob, bob]))).await;
        assert_eq!(lanying_error(&reply), 10002);
    }
}

every_shape! {
    async fn a_note_to_oneself_is_a_conversation_of_one(app: TestApp) {
        let lanying = app.lanying();
        let ann = lanying.register("ann").await;
        let client = lanying.logged_in("ann").await;
        let note = client.send_text(ann, "milk").await;
        let listed = newest(&client, ann).await;
        assert_eq!((listed["msg_id"].as_i64(), &listed["to_xid"]["uid"]), (Some(note), &json!(ann)));
        assert_eq!(client.unread().await, [(ann, 0)]);
    }
}
