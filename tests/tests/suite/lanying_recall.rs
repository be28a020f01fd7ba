//! Messages that are recalled, read, appended to and replaced: `POST|PUT /message/recall` and content types 9 to 12 of
//! `/message/send` (lanying.md 5.1, 5.5 and 5.6; decision 27).

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb;
use tidings_testkit::{Lanying, Reply, Suite, TestApp, every_shape};

use crate::{
    envelope::{lanying_data, lanying_error},
    people::{Person, all_of, column, group_of, ids, people, texts},
    policy,
};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
const WINDOW: Duration = Duration::from_mins(5);

async fn recall(client: &Lanying, conversation: i64, msg_id: i64) -> Reply {
    client.post("/message/recall", &json!({"conversation_id": conversation, "msg_id": msg_id})).await
}

/// The body of `/message/send` with an operation on an earlier message.
fn deed(content_type: i64, (kind, target): (i64, i64), related: i64, content: &str) -> Value {
    json!({"type": kind, "targets": [target], "content_type": content_type, "content": content, "related_mid": related})
}

async fn send(client: &Lanying, body: &Value) -> Reply {
    client.post("/message/send", body).await
}

/// Ann's group with Bob, an admin, and Eve, a plain member.
async fn group(app: &TestApp) -> (Person, Person, Person, i64) {
    let [ann, bob, eve] = people(app, ["ann", "bob", "eve"]).await;
    let group = group_of(&ann, &[&bob, &eve]).await;
    lanying_data(&ann.client.post("/group/admin/add", &json!({"group_id": group, "user_list": [bob.id]})).await);
    (ann, bob, eve, group)
}

every_shape! {
    async fn what_the_sender_recalls_leaves_both_sides_lanying_5_5(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let kept = ann.client.send_text(bob.id, "kept").await;
        let first = ann.client.send_text(bob.id, "oops").await;
        let second = ann.client.send_text(bob.id, "oops again").await;
        assert_eq!(lanying_data(&recall(&ann.client, bob.id, first).await), true);
        assert_eq!(bob.client.unread().await, [(ann.id, 2)]);
        let texts_too = json!({"conversation_id": bob.id.to_string(), "msg_id": second.to_string()});
        let put = ann.client.call(Method::PUT, "/message/recall", Some(&texts_too)).await;
        assert_eq!(lanying_data(&put), true, "PUT is POST, and numbers may be texts");
        assert_eq!(bob.client.unread().await, [(ann.id, 1)]);
        assert_eq!(ids(&all_of(&ann, bob.id).await), [kept]);
        assert_eq!(ids(&all_of(&bob, ann.id).await), [kept]);
        ann.client.send_text(bob.id, "more").await;
        assert_eq!(bob.client.unread().await, [(ann.id, 2)]);
    }
}

every_shape! {
    async fn recalling_what_was_read_takes_nothing_from_what_is_unread_lanying_7(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let read = ann.client.send_text(bob.id, "read").await;
        lanying_data(&bob.client.get(&format!("/message/ack?msg_id={read}")).await);
        ann.client.send_text(bob.id, "unread").await;
        lanying_data(&recall(&ann.client, bob.id, read).await);
        assert_eq!(bob.client.unread().await, [(ann.id, 1)]);
        lanying_data(&bob.client.get(&format!("/message/ack?conversation_id={}", ann.id)).await);
        assert_eq!(bob.client.unread().await, [(ann.id, 0)]);
    }
}

every_shape! {
    async fn pages_join_up_across_recalled_messages_lanying_5_2(app: TestApp) {
        let (ann, _, eve, group) = group(&app).await;
        let mut sent = Vec::new();
        for n in 0..7 {
            sent.push(ann.client.send_to_group(group, &n.to_string()).await);
        }
        for n in [1, 4, 5, 6] {
            lanying_data(&recall(&ann.client, group, sent[n]).await);
        }
        let kept = [sent[3], sent[2], sent[0]];
        for person in [&ann, &eve] {
            let first = person.client.history(group, 0, 2).await;
            assert_eq!((ids(&first), first["next_msg_id"].as_i64()), (kept[..2].to_vec(), Some(kept[2])));
            let last = person.client.history(group, kept[2], 2).await;
            assert_eq!((ids(&last), &last["is_last"]), (kept[2..].to_vec(), &json!(true)));
            assert_eq!(ids(&person.client.history(group, sent[5], 1).await), kept[..1], "from a recalled one on");
        }
        assert_eq!(eve.client.unread().await, [(group, 3)]);
    }
}

every_shape! {
    async fn in_a_group_its_admins_recall_everything_and_members_their_own_lanying_5_5(app: TestApp) {
        let (ann, bob, eve, group) = group(&app).await;
        let admin = app.lanying();
        for (who, client, by, allowed) in [
            ("the sender", &eve.client, &eve, true),
            ("a plain member", &eve.client, &ann, false),
            ("an admin", &bob.client, &ann, true),
            ("the owner", &ann.client, &bob, true),
            ("an admin token", &admin, &eve, true),
            ("an admin token for the group", &admin.for_group(group), &eve, true),
            ("an admin token as a member", &admin.acting_as(eve.id), &ann, false),
        ] {
            let sent = by.client.send_to_group(group, who).await;
            let reply = recall(client, group, sent).await;
            if allowed {
                assert_eq!(lanying_data(&reply), true, "{who}");
            } else {
                assert_eq!(lanying_error(&reply), 10010, "{who}");
            }
            assert_eq!(ids(&all_of(&eve, group).await).contains(&sent), !allowed, "{who}");
        }
    }
}

every_shape! {
    async fn between_two_users_the_sender_and_the_app_alone_recall_lanying_5_5(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let [first, second] = [ann.client.send_text(bob.id, "1").await, ann.client.send_text(bob.id, "2").await];
        assert_eq!(lanying_error(&recall(&bob.client, ann.id, first).await), 10010);
        assert_eq!(lanying_error(&recall(&app.lanying().acting_as(bob.id), ann.id, first).await), 10010);
        for (party, msg_id) in [(ann.id, first), (bob.id, second)] {
            assert_eq!(lanying_data(&recall(&app.lanying(), party, msg_id).await), true, "either of the two names it");
        }
        assert_eq!(ids(&all_of(&bob, ann.id).await), [0; 0]);
        let notice = app.lanying().send_text(bob.id, "from the app").await;
        assert_eq!(lanying_error(&recall(&bob.client, 0, notice).await), 10010);
        assert_eq!(lanying_data(&recall(&app.lanying(), bob.id, notice).await), true);
    }
}

every_shape! {
    async fn recalling_twice_is_true_and_what_is_not_there_is_10002_decision_27(app: TestApp) {
        let (ann, bob, _, group) = group(&app).await;
        let [stranger] = people(&app, ["sam"]).await;
        let direct = ann.client.send_text(bob.id, "1").await;
        let in_group = ann.client.send_to_group(group, "2").await;
        let refused = [
            ("unknown", &ann, json!({"conversation_id": bob.id, "msg_id": direct + 1})),
            ("another user's conversation", &ann, json!({"conversation_id": stranger.id, "msg_id": direct})),
            ("the group's for the user's", &ann, json!({"conversation_id": group, "msg_id": direct})),
            ("the user's for the group's", &ann, json!({"conversation_id": bob.id, "msg_id": in_group})),
            ("a stranger", &stranger, json!({"conversation_id": ann.id, "msg_id": direct})),
            ("a stranger in the group", &stranger, json!({"conversation_id": group, "msg_id": in_group})),
            ("no message", &ann, json!({"conversation_id": bob.id})),
            ("no conversation", &ann, json!({"msg_id": direct})),
            ("zero", &ann, json!({"conversation_id": bob.id, "msg_id": 0})),
            ("negative", &ann, json!({"conversation_id": -bob.id, "msg_id": direct})),
            ("in words", &ann, json!({"conversation_id": bob.id, "msg_id": "one"})),
            ("no object", &ann, json!([direct])),
        ];
        for (what, person, body) in refused {
            let reply = person.client.post("/message/recall", &body).await;
            assert_eq!(lanying_error(&reply), 10002, "{what}: {}", reply.text);
        }
        let unknown = recall(&app.lanying(), bob.id, direct + 1).await;
        let elsewhere = recall(&app.lanying(), stranger.id, direct).await;
        assert_eq!((lanying_error(&unknown), lanying_error(&elsewhere)), (10002, 10002), "nor does an admin token");
        for (conversation, msg_id) in [(bob.id, direct), (group, in_group)] {
            for _ in 0..2 {
                assert_eq!(lanying_data(&recall(&ann.client, conversation, msg_id).await), true);
                assert_eq!(lanying_data(&recall(&app.lanying(), conversation, msg_id).await), true);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_minutes_admins_alone_recall_decision_27() {
    let clock = Arc::new(ManualClock::new(NOW));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let (ann, bob, eve, group) = group(&app).await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(eve.client.send_to_group(group, "x").await);
    }
    let direct = eve.client.send_text(ann.id, "x").await;
    clock.advance(WINDOW);
    lanying_data(&recall(&eve.client, group, sent[0]).await);
    clock.advance(Duration::from_millis(1));
    assert_eq!(lanying_error(&recall(&eve.client, group, sent[1]).await), 10013);
    assert_eq!(lanying_error(&recall(&eve.client, ann.id, direct).await), 10013);
    assert_eq!(lanying_error(&recall(&app.lanying().acting_as(eve.id), ann.id, direct).await), 10013);
    assert_eq!(lanying_error(&send(&eve.client, &deed(10, (2, group), sent[1], "")).await), 10013);
    assert_eq!(lanying_data(&recall(&eve.client, group, sent[0]).await), true, "what is recalled stays so");
    for (client, msg_id) in [
        (&bob.client, sent[1]),
        (&ann.client, sent[2]),
        (&app.lanying(), sent[3]),
        (&app.lanying().for_group(group), sent[4]),
    ] {
        lanying_data(&recall(client, group, msg_id).await);
    }
    lanying_data(&recall(&app.lanying(), ann.id, direct).await);
    assert_eq!(ann.client.unread().await, [(eve.id, 0), (group, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_sets_the_window_decision_27() {
    let clock = Arc::new(ManualClock::new(NOW));
    let suite = Arc::new(Suite::all_in_one(None, clock.clone()));
    for (window, refused) in [(0, None), (1000, Some(10013))] {
        let app = TestApp::of(suite.clone()).await;
        policy::set(&app, pb::Policy { lanying_recall_window_ms: Some(window), ..Default::default() }).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let sent = ann.client.send_text(bob.id, "x").await;
        clock.advance(2 * WINDOW);
        let reply = recall(&ann.client, bob.id, sent).await;
        match refused {
            Some(code) => assert_eq!(lanying_error(&reply), code),
            None => assert_eq!(lanying_data(&reply), true, "0 is without limit"),
        }
    }
}

every_shape! {
    async fn content_type_10_is_a_recall_lanying_5_6(app: TestApp) {
        let (ann, bob, eve, group) = group(&app).await;
        let direct = ann.client.send_text(bob.id, "1").await;
        let in_group = ann.client.send_to_group(group, "2").await;
        assert_eq!(lanying_error(&send(&bob.client, &deed(10, (1, ann.id), direct, "")).await), 10010);
        assert_eq!(lanying_error(&send(&eve.client, &deed(10, (2, group), in_group, "")).await), 10010);
        assert_eq!(lanying_error(&send(&ann.client, &deed(10, (2, group), direct, "")).await), 10002);
        assert_eq!(lanying_error(&send(&ann.client, &deed(10, (1, bob.id), direct + 1, "")).await), 10002);
        for _ in 0..2 {
            assert_eq!(lanying_data(&send(&ann.client, &deed(10, (1, bob.id), direct, "")).await), true);
            assert_eq!(lanying_data(&send(&bob.client, &deed(10, (2, group), in_group, "")).await), true);
        }
        assert_eq!(ids(&all_of(&bob, ann.id).await), [0; 0]);
        assert_eq!(ids(&all_of(&eve, group).await), [0; 0]);
        assert_eq!(bob.client.unread().await, [(group, 0), (ann.id, 0)], "an operation is no message");
    }
}

every_shape! {
    async fn content_type_9_is_an_acknowledgement_lanying_5_6(app: TestApp) {
        let (ann, bob, eve, group) = group(&app).await;
        let [first, second] = [ann.client.send_text(bob.id, "1").await, ann.client.send_text(bob.id, "2").await];
        let in_group = ann.client.send_to_group(group, "3").await;
        assert_eq!(lanying_data(&send(&bob.client, &deed(9, (1, ann.id), first, "")).await), true);
        assert_eq!(bob.client.unread().await, [(group, 1), (ann.id, 1)]);
        assert_eq!(column(&all_of(&ann, bob.id).await, "status"), ["UNREAD", "READ"]);
        lanying_data(&send(&bob.client, &deed(9, (2, group), in_group, "")).await);
        assert_eq!(bob.client.unread().await, [(group, 0), (ann.id, 1)]);
        assert_eq!(eve.client.unread().await, [(group, 1)]);

        let mut by_admin = deed(9, (1, ann.id), second, "");
        by_admin["from_user_id"] = bob.id.into();
        lanying_data(&send(&app.lanying(), &by_admin).await);
        assert_eq!(bob.client.unread().await, [(group, 0), (ann.id, 0)], "an admin token acknowledges for a user");
        assert_eq!(lanying_error(&send(&eve.client, &by_admin).await), 10010);
        assert_eq!(lanying_error(&send(&eve.client, &deed(9, (1, ann.id), second, "")).await), 10002);
        assert_eq!(lanying_error(&send(&bob.client, &deed(9, (2, group), second, "")).await), 10002);
        assert_eq!(ids(&all_of(&bob, ann.id).await), [second, first], "an operation is no message");
    }
}

every_shape! {
    async fn content_type_11_puts_text_behind_what_its_sender_said_lanying_5_6(app: TestApp) {
        let (ann, bob, eve, group) = group(&app).await;
        let direct = ann.client.send_text(bob.id, "one").await;
        let in_group = ann.client.send_to_group(group, "one").await;
        for (place, msg_id) in [((1, bob.id), direct), ((2, group), in_group)] {
            assert_eq!(lanying_data(&send(&ann.client, &deed(11, place, msg_id, " two")).await), true);
            assert_eq!(lanying_data(&send(&app.lanying(), &{
                let mut body = deed(11, place, msg_id, " three");
                body["from_user_id"] = ann.id.into();
                body
            }).await), true);
        }
        assert_eq!(texts(&all_of(&bob, ann.id).await), ["one two three"]);
        let page = all_of(&eve, group).await;
        assert_eq!((texts(&page), ids(&page)), (vec!["one two three"], vec![in_group]), "id and place stay");
        assert_eq!(eve.client.unread().await, [(group, 1)]);

        assert_eq!(lanying_error(&send(&bob.client, &deed(11, (1, ann.id), direct, "!")).await), 10010);
        assert_eq!(lanying_error(&send(&bob.client, &deed(11, (2, group), in_group, "!")).await), 10010, "an admin either");
        assert_eq!(lanying_error(&send(&ann.client, &deed(11, (1, bob.id), direct + 1, "!")).await), 10002);
        let image = json!({"type": 1, "targets": [bob.id], "content_type": 1, "attachment": "{\"url\":\"u\"}"});
        let image = send(&ann.client, &image).await.json()["msg_ids"][0].as_i64().expect("an id");
        assert_eq!(lanying_error(&send(&ann.client, &deed(11, (1, bob.id), image, "!")).await), 10002, "no text");
        lanying_data(&recall(&ann.client, bob.id, direct).await);
        assert_eq!(lanying_error(&send(&ann.client, &deed(11, (1, bob.id), direct, "!")).await), 10002, "recalled");
    }
}

every_shape! {
    async fn content_type_12_replaces_what_its_sender_said_lanying_5_6(app: TestApp) {
        let (ann, bob, eve, group) = group(&app).await;
        let body = json!({
            "type": 2, "targets": [group], "content_type": 0, "content": "old", "ext": "old ext", "config": "old config",
        });
        let sent = send(&ann.client, &body).await.json()["msg_ids"][0].as_i64().expect("an id");
        let mut replaced = deed(12, (2, group), sent, "new");
        assert_eq!(lanying_data(&send(&ann.client, &replaced).await), true);
        let shown = all_of(&eve, group).await["messages"][0].clone();
        assert_eq!((&shown["content"], &shown["ext"], &shown["config"]), (&json!("new"), &json!("old ext"), &json!("old config")));
        replaced["ext"] = "new ext".into();
        replaced["config"] = "new config".into();
        lanying_data(&send(&ann.client, &replaced).await);
        let shown = all_of(&eve, group).await["messages"][0].clone();
        assert_eq!((&shown["ext"], &shown["config"], &shown["msg_id"]), (&json!("new ext"), &json!("new config"), &json!(sent)));
        assert_eq!(eve.client.unread().await, [(group, 1)]);
        assert_eq!(lanying_error(&send(&bob.client, &replaced).await), 10010);
        replaced["from_user_id"] = ann.id.into();
        assert_eq!(lanying_error(&send(&bob.client, &replaced).await), 10010);
        assert_eq!(lanying_data(&send(&app.lanying(), &replaced).await), true);
        lanying_data(&recall(&ann.client, group, sent).await);
        assert_eq!(lanying_error(&send(&ann.client, &deed(12, (2, group), sent, "back")).await), 10002);
        assert_eq!(ids(&all_of(&eve, group).await), [0; 0]);
    }
}

every_shape! {
    async fn an_operation_names_one_message_in_one_place_lanying_5_6(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let sent = ann.client.send_text(bob.id, "x").await;
        for content_type in 9..=12 {
            let mut nothing = deed(content_type, (1, bob.id), 0, "x");
            assert_eq!(lanying_error(&send(&ann.client, &nothing).await), 10002, "{content_type}: related_mid 0");
            nothing.as_object_mut().expect("an object").remove("related_mid");
            assert_eq!(lanying_error(&send(&ann.client, &nothing).await), 10002, "{content_type}: no related_mid");
            let mut many = deed(content_type, (1, bob.id), sent, "x");
            many["targets"] = json!([bob.id, ann.id]);
            assert_eq!(lanying_error(&send(&ann.client, &many).await), 10002, "{content_type}: two targets");
            let notify = app.lanying().post("/message/notify", &deed(content_type, (1, bob.id), sent, "x")).await;
            assert_eq!(lanying_error(&notify), 10002, "{content_type}: as a notification");
        }
        assert_eq!(texts(&all_of(&bob, ann.id).await), ["x"]);
    }
}
