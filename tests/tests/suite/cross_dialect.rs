//! One log, two dialects: what one writes, the other and gRPC read, field by field (decisions 5 and 11).

use serde_json::{Value, json};
use tidings_proto::{
    moment_or_zero,
    pb::{self, content::Body},
};
use tidings_testkit::{TestApp, every_shape};

use crate::{agora_send, lanying_send, transcript::Transcript};

/// Texts that a careless server would change.
const ODD: &str = r#"{"\u0000":"a\u0000b","e\u0301":"é\u00e9\/\\\"","emoji":"😀\ud83d\ude00","big":123456789012345678901234567890,"exact":1.0e+5,"minus":-0,"dup":1,"dup":2,"deep":[[{"x":null}]]}"#;

/// The newest message of two users in the log.
async fn logged(app: &TestApp, one: i64, other: i64) -> pb::Message {
    let (first, second) = (one.min(other), one.max(other));
    newest(app, pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: first, higher_user_id: second })
        .await
}

async fn newest(app: &TestApp, conversation: pb::ConversationId) -> pb::Message {
    let request = pb::PageRequest { conversation: Some(conversation), limit: 1, ..Default::default() };
    let page = app.messages().page(app.request(request)).await.expect("a page").into_inner();
    page.messages.into_iter().next().expect("a message")
}

async fn listed(app: &TestApp, reader: i64, opposite: i64) -> Value {
    app.lanying().acting_as(reader).history(opposite, 0, 1).await["messages"][0].clone()
}

async fn users(app: &TestApp) -> (i64, i64) {
    (app.lanying().register("ann").await, app.lanying().register("bob").await)
}

/// Sends by Agora; `rest` is what follows `to`.
async fn agora_sends(app: &TestApp, rest: &str) {
    let body = format!(r#"{{"from":"ann","to":["bob"],{rest}}}"#);
    let reply = app.agora().post_text("/messages/users", body.clone()).await;
    assert_eq!(reply.status, 200, "{body}: {}", reply.text);
}

every_shape! {
    async fn every_agora_type_reads_in_lanying_and_in_the_log(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let mut wire = Transcript::of(&app);
        for (kind, body) in agora_send::EXAMPLES {
            agora_sends(&app, &format!(r#""type":"{kind}","body":{body},"ext":{{"k":1}}"#)).await;
            let message = logged(&app, ann, bob).await;
            assert_eq!((message.sender_id, message.countable), (ann, kind != "cmd"));
            wire.note(&format!("{kind} {body}"), &listed(&app, bob, ann).await.to_string());
            wire.note("  in the log", &format!("{:?}", message.content.expect("content")));
        }
        wire.check("agora_to_lanying");
    }
}

every_shape! {
    async fn every_lanying_type_reads_in_the_log(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let mut wire = Transcript::of(&app);
        for example in lanying_send::EXAMPLES {
            let body = lanying_send::message(bob, example);
            app.lanying().acting_as(ann).post("/message/send", &body).await.expect(200);
            let message = logged(&app, ann, bob).await;
            assert_eq!((message.sender_id, message.countable), (ann, example.0 != 6));
            wire.note(&format!("{example:?}"), &format!("{:?}", message.content.expect("content")));
        }
        wire.check("lanying_to_log");
    }
}

every_shape! {
    async fn a_forward_shows_what_it_says_in_agora(app: TestApp) {
        let (ann, bob) = users(&app).await;
        for (attachment, exts) in
            [(Value::Null, json!({"text": "said"})), (json!("[1]"), json!({"text": "said", "attachment": "[1]"}))]
        {
            let message = json!({"type": 1, "targets": [bob], "content_type": 7, "content": "said", "attachment": attachment});
            app.lanying().acting_as(ann).post("/message/send", &message).await.expect(200);
            let page = app.agora().get("/tidings/users/bob/messages?channel=ann&type=chat").await.expect(200);
            let body = json!({"customEvent": "forward", "customExts": exts, "v2:customExts": exts, "type": "custom"});
            assert_eq!(page["data"][0]["payload"]["bodies"][0], body);
        }
    }
}

every_shape! {
    async fn every_lanying_type_is_the_same_to_a_group_as_to_a_user(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let ann_client = app.lanying().acting_as(ann);
        let group = ann_client.create_group("lunch", &[bob]).await;
        let place = pb::ConversationId { kind: pb::ConversationKind::Group.into(), id: group, higher_user_id: 0 };
        for (at, example) in lanying_send::EXAMPLES.into_iter().enumerate() {
            let mut body = lanying_send::message(bob, example);
            body["ext"] = "{\"k\":1}".into();
            body["config"] = "{\"mentionAll\":true}".into();
            ann_client.post("/message/send", &body).await.expect(200);
            body["type"] = 2.into();
            body["targets"] = json!([group]);
            let reply = ann_client.post("/message/send", &body).await.expect(200);

            let (to_bob, to_group) = (logged(&app, ann, bob).await, newest(&app, place).await);
            let content = to_group.content.clone().expect("content");
            assert_eq!(Some(&content), to_bob.content.as_ref(), "{example:?}");
            assert_eq!(content.config.as_deref(), Some("{\"mentionAll\":true}"));
            assert_eq!(content.ext.and_then(|ext| ext.ext), Some(pb::ext::Ext::Text("{\"k\":1}".to_owned())));
            let expected = pb::Message {
                conversation: Some(place),
                msg_id: reply["msg_ids"][0].as_i64().expect("an id"),
                seq: 1 + at as i64,
                sender_id: ann,
                countable: example.0 != 6,
                system: false,
                edited_at: None,
                edits: 0,
                ..to_group.clone()
            };
            assert_eq!(to_group, expected, "{example:?}");

            let (mut of_bob, of_group) = (listed(&app, bob, ann).await, listed(&app, bob, group).await);
            for key in ["msg_id", "timestamp", "to_xid"] {
                of_bob[key] = of_group[key].clone();
            }
            assert_eq!(of_group, of_bob, "{example:?}");
            assert_eq!(of_group["to_xid"]["uid"], group);
        }
    }
}

every_shape! {
    async fn an_edit_is_in_the_log_and_a_recall_is_in_it_no_more(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let sent = app.agora().send_text("ann", "bob", "one").await.parse::<i64>().expect("digits");
        let append = json!({
            "type": 1, "targets": [bob], "content_type": 11, "content": " two", "related_mid": sent,
        });
        app.lanying().acting_as(ann).post("/message/send", &append).await.expect(200);
        let message = logged(&app, ann, bob).await;
        assert_eq!((message.msg_id, message.seq, message.edits), (sent, 1, 1));
        assert!(moment_or_zero(message.edited_at).0 >= moment_or_zero(message.sent_at).0);
        assert_eq!(listed(&app, bob, ann).await["content"], "one two");
        let recall = json!({"conversation_id": bob, "msg_id": sent});
        app.lanying().acting_as(ann).post("/message/recall", &recall).await.expect(200);
        let gone = app.messages().find(app.request(pb::FindRequest { msg_id: sent })).await.expect_err("it is recalled");
        assert_eq!(gone.code(), tonic::Code::NotFound);
        assert_eq!(listed(&app, bob, ann).await, Value::Null);
    }
}

every_shape! {
    async fn an_agora_ext_is_exact_to_the_token_decision_11(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let spaced = ODD.replace(",\"", " ,\n\t\"").replace("\":", "\" : ");
        agora_sends(&app, &format!(r#""type":"txt","body":{{"msg":"x"}},"ext":{spaced}"#)).await;
        assert_eq!(listed(&app, bob, ann).await["ext"], ODD);
        let ext = logged(&app, ann, bob).await.content.expect("content").ext.expect("ext").ext;
        assert_eq!(ext, Some(pb::ext::Ext::JsonObject(ODD.to_owned())));
    }
}

every_shape! {
    async fn an_agora_body_with_unknown_keys_is_kept_beside_the_neutral_fields_decision_11(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let inner = ODD.trim_start_matches('{');
        for (kind, known) in [
            ("txt", r#""msg":"x\u0000y""#),
            ("img", r#""url":"u","size":{"width":1.50}"#),
            ("cmd", r#""action":"a""#),
            ("custom", r#""customEvent":"e","customExts":{"b":"2","a":"1","b":"3"}"#),
        ] {
            let body = format!("{{{known},{inner}");
            agora_sends(&app, &format!(r#""type":"{kind}","body":{body}"#)).await;
            let kept = logged(&app, ann, bob).await.content.expect("content").verbatim.expect("kept");
            assert_eq!((kept.dialect.as_str(), kept.json), ("agora", body));
        }
    }
}

every_shape! {
    async fn every_character_survives_decision_11(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let every: String = ('\u{0}'..='\u{2ff}').chain("\u{2028}\u{feff}\u{ffff}😀👩‍👩‍👧‍👦\u{10ffff}".chars()).collect();
        let agora = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": every}});
        app.agora().post("/messages/users", &agora).await.expect(200);
        assert_eq!(listed(&app, bob, ann).await["content"], every);
        let Some(Body::Text(text)) = logged(&app, ann, bob).await.content.expect("content").body else {
            panic!("a text");
        };
        assert_eq!(text.text, every);

        let fields = json!({
            "type": 1, "targets": [bob], "content_type": 1, "content": every, "config": every, "ext": every,
            "attachment": format!("{{\"url\":{}}}", json!(every)),
        });
        app.lanying().acting_as(ann).post("/message/send", &fields).await.expect(200);
        let message = listed(&app, bob, ann).await;
        for key in ["content", "config", "ext", "attachment"] {
            assert_eq!(message[key], fields[key], "{key}");
        }
    }
}

every_shape! {
    async fn a_lanying_ext_is_text_even_when_it_is_json_decision_11(app: TestApp) {
        let (ann, bob) = users(&app).await;
        for ext in ["plain", "{ \"a\" : 1 }", "[1]", "{\"ext\":\"x\"}", " ", "null"] {
            let body = json!({"type": 1, "targets": [bob], "content_type": 0, "content": "x", "ext": ext});
            app.lanying().acting_as(ann).post("/message/send", &body).await.expect(200);
            assert_eq!(listed(&app, bob, ann).await["ext"], ext);
            let logged = logged(&app, ann, bob).await.content.expect("content").ext.expect("ext").ext;
            assert_eq!(logged, Some(pb::ext::Ext::Text(ext.to_owned())));
        }
        agora_sends(&app, r#""type":"txt","body":{"msg":"x"},"ext":{"ext":"plain"}"#).await;
        assert_eq!(listed(&app, bob, ann).await["ext"], "plain", "a wrapped text is unwrapped");
        agora_sends(&app, r#""type":"txt","body":{"msg":"x"},"ext":{"ext":"{}"}"#).await;
        assert_eq!(listed(&app, bob, ann).await["ext"], r#"{"ext":"{}"}"#, "an object was never wrapped");
    }
}

every_shape! {
    async fn numbers_keep_their_digits_on_the_way_to_lanying(app: TestApp) {
        let (ann, bob) = users(&app).await;
        agora_sends(&app, r#""type":"loc","body":{"lat":"52.51630000000000000001","lng":-0.10,"addr":"x"}"#).await;
        let attachment = listed(&app, bob, ann).await["attachment"].as_str().expect("text").to_owned();
        assert_eq!(attachment, r#"{"lat":52.51630000000000000001,"lon":-0.10,"addr":"x"}"#);
        let file = r#""type":"file","body":{"url":"u","filename":"f","file_length":"9007199254740993"}"#;
        agora_sends(&app, file).await;
        let attachment = listed(&app, bob, ann).await["attachment"].as_str().expect("text").to_owned();
        assert_eq!(attachment, r#"{"url":"u","dName":"f","fLen":9007199254740993}"#);
    }
}

every_shape! {
    async fn both_dialects_write_into_one_conversation(app: TestApp) {
        let (ann, bob) = users(&app).await;
        let first: i64 = app.agora().send_text("ann", "bob", "one").await.parse().expect("digits");
        let second = app.lanying().acting_as(bob).send_text(ann, "two").await;
        let third: i64 = app.agora().send_text("ANN", "bob", "three").await.parse().expect("digits");
        let page = app.lanying().acting_as(ann).history(bob, 0, 9).await;
        let ids: Vec<&Value> =
            page["messages"].as_array().expect("messages").iter().map(|message| &message["msg_id"]).collect();
        assert_eq!(ids, [third, second, first]);
        assert_eq!(logged(&app, ann, bob).await.seq, 3);
        assert_eq!(app.lanying().acting_as(bob).unread().await, [(ann, 2)]);
    }
}
