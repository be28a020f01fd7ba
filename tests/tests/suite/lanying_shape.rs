//! The two editions of the answers (decision 24).

use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{TestApp, every_shape};

use crate::{
    envelope::keys,
    people::{group_of, people},
    policy,
    transcript::Transcript,
};

/// Ann's messages for Bob in history and in the unread list, as one transcript.
async fn hear(app: &TestApp, name: &str) -> (Value, Value) {
    let [ann, bob] = people(app, ["ann", "bob"]).await;
    let group = group_of(&ann, &[&bob]).await;
    ann.client.send_to_group(group, "to all").await;
    ann.client.send_text(bob.id, "plain").await;
    let full = json!({
        "type": 1, "targets": [bob.id], "content_type": 1, "config": "{}", "ext": "e",
        "attachment": "{\"url\":\"https://s.example.test/cat\"}",
    });
    ann.client.post("/message/send", &full).await.expect(200);
    let mut wire = Transcript::of(app);
    let (history, unread) = (page(ann.id), "/message/unread");
    let replies = (bob.client.get(&history).await, bob.client.get(unread).await);
    wire.add("history", &replies.0);
    wire.add("history of the group", &bob.client.get(&page(group)).await);
    wire.add("empty history", &bob.client.get(&page(999_984)).await);
    wire.add("unread", &replies.1);
    wire.add("send", &ann.client.post("/message/send", &full).await);
    wire.check(name);
    (replies.0.json()["data"].clone(), replies.1.json()["data"].clone())
}

fn page(opposite: i64) -> String {
    format!("/message/conversation?opposite_id={opposite}&msg_id_start=0&limit=9")
}

/// The value without the additions of the older edition.
fn newer(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            object.retain(|key, _| !key.starts_with("set_") && !key.starts_with("messages_"));
            object.values_mut().for_each(|inner| *inner = newer(inner.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| *inner = newer(inner.take())),
        _ => {}
    }
    value
}

every_shape! {
    async fn an_app_of_2021_gets_the_flags_and_sizes_of_its_time_decision_24(app: TestApp) {
        policy::set(&app, pb::Policy { lanying_shape: Some(2021), ..Default::default() }).await;
        let (history, unread) = hear(&app, "lanying_shape_2021").await;
        assert_eq!((&history["messages_size"], &history["messages_iterator"]), (&json!(2), &json!({})));
        let [full, plain] = [0, 1].map(|at| history["messages"][at].clone());
        for name in ["attachment", "config", "ext"] {
            let flag = format!("set_{name}");
            assert_eq!((&full[&flag], &plain[&flag]), (&json!(true), &json!(false)), "{name}");
        }
        for object in [&full, &history, &unread[0]] {
            for field in keys(&newer(object.clone())) {
                assert_eq!(object[format!("set_{field}")], true, "{field}");
            }
        }
        assert!(full["msg_id"].as_i64() > Some(1 << 32), "numbers keep their 64 bits");
        for xid in [&full["from_xid"], &full["to_xid"], &unread[0]["conversation_id"]] {
            assert_eq!(keys(xid), ["device_sn", "set_device_sn", "set_uid", "uid"]);
            assert_eq!((&xid["set_uid"], &xid["set_device_sn"], &xid["device_sn"]), (&json!(true), &json!(true), &json!(0)));
        }
    }
}

every_shape! {
    async fn every_other_app_gets_the_newer_edition_decision_24(app: TestApp) {
        let (history, unread) = hear(&app, "lanying_shape_2026").await;
        assert_eq!(newer(history.clone()), history);
        assert_eq!(keys(&unread[0]["conversation_id"]), ["uid"]);
        let named = policy::neighbour(&app).await;
        policy::set(&named, pb::Policy { lanying_shape: Some(2026), ..Default::default() }).await;
        hear(&named, "lanying_shape_2026").await;
    }
}

every_shape! {
    async fn there_are_two_editions_decision_24(app: TestApp) {
        for unknown in [0, 2022, -1] {
            let by_id = pb::AppRef { app: Some(pb::app_ref::App::Id(app.app().id)) };
            let policy = pb::Policy { lanying_shape: Some(unknown), ..Default::default() };
            let wanted = pb::SetPolicyRequest { app: Some(by_id), policy: Some(policy) };
            let refused = app.directory().set_policy(app.suite.request(wanted)).await.expect_err("no such edition");
            assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{unknown}");
        }
    }
}
