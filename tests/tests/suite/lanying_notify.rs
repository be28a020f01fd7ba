//! Messages of the app itself: `POST|PUT /message/notify`, `/message/broadcast` and messages only for those online
//! (lanying.md 5.4, 5.6 and 10; decisions 2, 23 and 26).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Lanying, Reply, TestApp, every_shape};

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    people::{Person, all_of, column, group_of, ids, people, texts, to_group},
    policy::neighbour,
    transcript::Transcript,
};

fn to_users(targets: &[&Person], text: &str) -> Value {
    let targets: Vec<i64> = targets.iter().map(|person| person.id).collect();
    json!({"type": 1, "targets": targets, "content_type": 0, "content": text})
}

fn to_all(text: &str) -> Value {
    json!({"type": 1, "content_type": 0, "content": text})
}

async fn notify(client: &Lanying, body: &Value) -> Reply {
    client.post("/message/notify", body).await
}

async fn broadcast(client: &Lanying, body: &Value, key: Option<&str>) -> Reply {
    let request = client.request(Method::POST, "/message/broadcast").json(body);
    Reply::to(match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    })
    .await
}

async fn found(app: &TestApp, msg_id: i64) -> pb::Message {
    app.messages().find(app.request(pb::FindRequest { msg_id })).await.expect("the message").into_inner()
}

every_shape! {
    async fn a_notification_comes_from_the_system_and_is_counted_lanying_5_4(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let admin = app.lanying();
        let mut wire = Transcript::of(&app);
        let to_one = notify(&admin, &to_users(&[&bob], "maintenance")).await;
        wire.add("to a user", &to_one);
        let to_both = notify(&admin, &to_users(&[&ann, &bob], "to both")).await;
        wire.add("to two users", &to_both);
        let to_one_group = Reply::to(admin.request(Method::PUT, "/message/notify").json(&to_group(group, "to all"))).await;
        wire.add("to a group", &to_one_group);
        wire.note("Bob's history with the system", &all_of(&bob, 0).await.to_string());
        wire.note("Bob's history of the group", &all_of(&bob, group).await.to_string());
        wire.check("lanying_notify");

        assert_eq!(bob.client.unread().await, [(group, 1), (0, 2)]);
        assert_eq!(ann.client.unread().await, [(group, 1), (0, 1)]);
        for reply in [&to_one, &to_one_group] {
            let message = found(&app, reply.json()["msg_ids"][0].as_i64().expect("an id")).await;
            assert_eq!((message.sender_id, message.system, message.countable), (0, true, true));
        }
        assert_eq!(keys(&to_both.json()), ["code", "data"], "msg_ids is for one receiver");
    }
}

every_shape! {
    async fn a_notification_may_show_a_sender_who_need_not_be_a_member_lanying_5_4(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let mut body = to_group(group, "hello");
        body["from_user_id"] = eve.id.into();
        lanying_data(&notify(&app.lanying(), &body).await);
        lanying_data(&notify(&app.lanying().acting_as(eve.id), &to_group(group, "by header")).await);
        let page = all_of(&bob, group).await;
        let expected = json!({"uid": eve.id, "device_sn": 0});
        assert_eq!(column(&page, "from_xid"), [&expected, &expected]);
        assert!(found(&app, ids(&page)[0]).await.system);
        lanying_data(&ann.client.post("/group/settings/ban_all", &json!({"group_id": group, "duration": -1})).await);
        lanying_data(&notify(&app.lanying(), &to_group(group, "hushed")).await);
        assert_eq!(texts(&all_of(&bob, group).await)[0], "hushed", "no ban is checked");
    }
}

every_shape! {
    async fn notifications_are_for_admin_tokens_decision_26(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        for body in [to_users(&[&bob], "x"), to_group(group, "x"), json!({})] {
            assert_eq!(lanying_error(&notify(&ann.client, &body).await), 10010);
            assert_eq!(lanying_error(&notify(&ann.client.with_token(""), &body).await), 10003);
        }
        let admin = app.lanying();
        for (what, body, code) in [
            ("unknown user", json!({"type": 1, "targets": [999_984], "content_type": 0, "content": "x"}), 10000),
            ("unknown group", to_group(999_985, "x"), 20001),
            ("no content", json!({"type": 1, "targets": [bob.id], "content_type": 0}), 10002),
            ("no targets", json!({"type": 1, "content_type": 0, "content": "x"}), 10002),
            ("type 3", json!({"type": 3, "targets": [bob.id], "content_type": 0, "content": "x"}), 10002),
        ] {
            assert_eq!(lanying_error(&notify(&admin, &body).await), code, "{what}");
        }
        assert_eq!(bob.client.unread().await, [(group, 0); 0]);
    }
}

every_shape! {
    async fn sends_and_notifications_have_transactions_of_their_own_lanying_6(app: TestApp) {
        let [bob] = people(&app, ["bob"]).await;
        let mut body = to_users(&[&bob], "once");
        body["transaction_id"] = 7.into();
        let first = notify(&app.lanying(), &body).await;
        body["content"] = "never".into();
        assert_eq!(notify(&app.lanying(), &body).await.text, first.text, "whatever its body (decision 23)");
        lanying_data(&app.lanying().post("/message/send", &body).await);
        assert_eq!(texts(&all_of(&bob, 0).await), ["never", "once"], "the send is another call");
    }
}

every_shape! {
    async fn everybody_has_a_broadcast_lanying_10(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let mut wire = Transcript::of(&app);
        let done = broadcast(&app.lanying(), &to_all("hear ye"), None).await;
        wire.add("three users", &done);
        wire.check("lanying_broadcast");
        for person in [&ann, &bob, &eve] {
            assert_eq!(texts(&all_of(person, 0).await), ["hear ye"]);
            assert_eq!(person.client.unread().await, [(0, 1)]);
        }
        let mut from_ann = to_all("hello");
        from_ann["from_user_id"] = ann.id.into();
        from_ann["type"] = 0.into();
        assert_eq!(lanying_data(&broadcast(&app.lanying(), &from_ann, None).await)["success"], true);
        assert_eq!(texts(&all_of(&bob, ann.id).await), ["hello"]);
        let empty = neighbour(&app).await;
        let nobody = lanying_data(&broadcast(&empty.lanying(), &to_all("hear ye"), None).await);
        assert_eq!(nobody, json!({"success": true, "send_num": 0}));
    }
}

every_shape! {
    async fn broadcasts_are_for_admin_tokens_and_for_users_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        assert_eq!(lanying_error(&broadcast(&ann.client, &to_all("x"), None).await), 10010);
        assert_eq!(lanying_error(&broadcast(&ann.client.with_token(""), &to_all("x"), None).await), 10003);
        for (key, value) in [
            ("type", json!(2)),
            ("content_type", json!(7)),
            ("content_type", json!(10)),
            ("content_type", json!(-1)),
            ("content_type", Value::Null),
            ("content", json!({})),
        ] {
            let mut body = to_all("x");
            body[key] = value;
            assert_eq!(lanying_error(&broadcast(&app.lanying(), &body, None).await), 10002, "{body}");
        }
        assert_eq!(ann.client.unread().await, []);
    }
}

every_shape! {
    async fn a_broadcast_repeated_under_its_key_is_one_broadcast_decision_2(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let first = broadcast(&app.lanying(), &to_all("once"), Some("news-1")).await;
        assert_eq!(lanying_data(&first)["send_num"], 2);
        assert_eq!(broadcast(&app.lanying(), &to_all("once"), Some("news-1")).await.text, first.text);
        let other = broadcast(&app.lanying(), &to_all("other"), Some("news-1")).await;
        assert_eq!(lanying_error(&other), 10409, "another request under the same key");
        for person in [&ann, &bob] {
            assert_eq!(texts(&all_of(person, 0).await), ["once"]);
        }
    }
}

every_shape! {
    async fn what_is_for_those_online_is_kept_nowhere_lanying_5_6(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let kept = ann.client.send_to_group(group, "kept").await;
        for (client, path, body) in [
            (&ann.client, "/message/send", to_users(&[&bob], "typing")),
            (&ann.client, "/message/send", to_group(group, "typing")),
            (&app.lanying(), "/message/notify", to_users(&[&bob], "typing")),
        ] {
            let mut body = body;
            body["online_only"] = true.into();
            let reply = client.post(path, &body).await;
            assert_eq!(lanying_data(&reply), true);
            let id = reply.json()["msg_ids"][0].as_i64().expect("an id");
            assert_eq!(lanying_error(&bob.client.get(&format!("/message/ack?msg_id={id}")).await), 10002);
        }
        assert_eq!(ids(&all_of(&bob, group).await), [kept]);
        for opposite in [ann.id, 0] {
            assert_eq!(ids(&all_of(&bob, opposite).await), [0; 0]);
        }
        assert_eq!(bob.client.unread().await, [(group, 1)]);
        assert_eq!(ann.client.unread().await, [(group, 0)]);
    }
}
