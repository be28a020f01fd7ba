//! `GET /message/conversation` (lanying.md 5.2 and 7; decision 5).

use serde_json::{Value, json};
use tidings_testkit::{Lanying, TestApp, every_shape};

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    transcript::Transcript,
};

/// Ann and Bob with `count` texts from Ann, numbered from 0.
async fn chat(app: &TestApp, count: usize) -> (Lanying, i64, Lanying, i64, Vec<i64>) {
    let admin = app.lanying();
    let (ann, bob) = (admin.register("ann").await, admin.register("bob").await);
    let mut ids = Vec::with_capacity(count);
    for n in 0..count {
        ids.push(admin.acting_as(ann).send_text(bob, &n.to_string()).await);
    }
    (admin.acting_as(ann), ann, admin.acting_as(bob), bob, ids)
}

fn ids(page: &Value) -> Vec<i64> {
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["msg_id"].as_i64().expect("an id")).collect()
}

fn statuses(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["status"].as_str().expect("a status")).collect()
}

every_shape! {
    async fn a_page_has_the_fields_of_lanying_4(app: TestApp) {
        let (ann_client, ann, bob_client, bob, _) = chat(&app, 1).await;
        ann_client.post("/message/send", &json!({
            "type": 1, "targets": [bob], "content_type": 0, "content": "two", "config": "{}", "ext": "{}",
        })).await.expect(200);
        let mut wire = Transcript::of(&app);
        let path = |opposite| format!("/message/conversation?opposite_id={opposite}&msg_id_start=0&limit=20");
        wire.add("Ann's side", &ann_client.get(&path(bob)).await);
        wire.add("Bob's side", &bob_client.get(&path(ann)).await);
        wire.add("nothing yet", &bob_client.get(&path(999_984)).await);
        wire.check("lanying_history");
    }
}

every_shape! {
    async fn pages_run_from_newer_to_older_with_an_inclusive_start_lanying_5_2(app: TestApp) {
        let (ann_client, _, _, bob, sent) = chat(&app, 5).await;
        let newest_first: Vec<i64> = sent.iter().rev().copied().collect();
        let first = ann_client.history(bob, 0, 2).await;
        assert_eq!(ids(&first), newest_first[..2]);
        assert_eq!((&first["is_last"], first["next_msg_id"].as_i64()), (&json!(false), Some(newest_first[2])));
        let second = ann_client.history(bob, newest_first[2], 2).await;
        assert_eq!(ids(&second), newest_first[2..4]);
        assert_eq!((&second["is_last"], second["next_msg_id"].as_i64()), (&json!(false), Some(newest_first[4])));
        let last = ann_client.history(bob, newest_first[4], 2).await;
        assert_eq!(ids(&last), newest_first[4..]);
        assert_eq!((&last["is_last"], last["next_msg_id"].as_i64()), (&json!(true), Some(0)));
        assert_eq!(keys(&last), ["is_last", "messages", "next_msg_id"]);
        let exact = ann_client.history(bob, 0, 5).await;
        assert_eq!((ids(&exact), &exact["is_last"]), (newest_first.clone(), &json!(true)));
        assert_eq!(ids(&ann_client.history(bob, newest_first[2] + 1, 1).await), newest_first[2..3]);
        assert_eq!(ids(&ann_client.history(bob, newest_first[4] - 1, 1).await), [0; 0]);
        assert_eq!(ids(&ann_client.history(bob, i64::MAX, 1).await), newest_first[..1]);
    }
}

every_shape! {
    async fn ids_and_times_grow_inside_a_conversation_lanying_4(app: TestApp) {
        let (ann_client, ann, bob_client, bob, _) = chat(&app, 3).await;
        bob_client.send_text(ann, "answer").await;
        let page = ann_client.history(bob, 0, 9).await;
        let messages = page["messages"].as_array().expect("messages");
        let field = |key: &str| messages.iter().map(|message| message[key].as_i64().expect("a number")).collect::<Vec<_>>();
        assert!(field("msg_id").is_sorted_by(|newer, older| newer > older), "{page}");
        assert!(field("timestamp").is_sorted_by(|newer, older| newer >= older), "{page}");
    }
}

every_shape! {
    async fn a_limit_above_100_is_100_lanying_5_2(app: TestApp) {
        let (ann_client, _, _, bob, _) = chat(&app, 1).await;
        let sends = (0..100).map(|n| json!({"type": 1, "targets": [bob], "content_type": 0, "content": n.to_string()}));
        for body in sends {
            ann_client.post("/message/send", &body).await.expect(200);
        }
        for limit in [100, 101, 1_000_000_000_000] {
            let page = ann_client.history(bob, 0, limit).await;
            assert_eq!((ids(&page).len(), &page["is_last"]), (100, &json!(false)), "{limit}");
        }
    }
}

every_shape! {
    async fn queries_that_lack_something_are_10002_lanying_5_2(app: TestApp) {
        let (ann_client, _, _, bob, _) = chat(&app, 1).await;
        for query in [
            String::new(),
            format!("opposite_id={bob}&msg_id_start=0"),
            format!("opposite_id={bob}&limit=20"),
            "msg_id_start=0&limit=20".to_owned(),
            format!("opposite_id={bob}&msg_id_start=0&limit=0"),
            format!("opposite_id={bob}&msg_id_start=0&limit=-1"),
            format!("opposite_id={bob}&msg_id_start=0&limit=ten"),
            format!("opposite_id={bob}&msg_id_start=-1&limit=20"),
            format!("opposite_id={bob}&msg_id_start=9223372036854775808&limit=20"),
            "opposite_id=-1&msg_id_start=0&limit=20".to_owned(),
            "opposite_id=bob&msg_id_start=0&limit=20".to_owned(),
            "opposite_id=9007199254740992&msg_id_start=0&limit=20".to_owned(),
        ] {
            let reply = ann_client.get(&format!("/message/conversation?{query}")).await;
            assert_eq!(lanying_error(&reply), 10002, "{query}");
        }
        let odd = format!("/message/conversation/?opposite_id=1&surprise=1&opposite_id={bob}&msg_id_start=0&limit=20");
        assert_eq!(ids(&lanying_data(&ann_client.get(&odd).await)).len(), 1, "the last of a repeated name counts");
    }
}

every_shape! {
    async fn a_message_is_read_when_its_receiver_says_so_whoever_asks_decision_5(app: TestApp) {
        let (ann_client, ann, bob_client, bob, sent) = chat(&app, 2).await;
        bob_client.send_text(ann, "answer").await;
        assert_eq!(statuses(&ann_client.history(bob, 0, 9).await), ["UNREAD"; 3]);
        assert_eq!(statuses(&bob_client.history(ann, 0, 9).await), ["UNREAD"; 3], "reading history marks nothing");
        lanying_data(&bob_client.get(&format!("/message/ack?msg_id={}", sent[0])).await);
        let expected = ["UNREAD", "UNREAD", "READ"];
        assert_eq!(statuses(&ann_client.history(bob, 0, 9).await), expected);
        assert_eq!(statuses(&bob_client.history(ann, 0, 9).await), expected);
        lanying_data(&bob_client.get(&format!("/message/ack?conversation_id={ann}")).await);
        let expected = ["UNREAD", "READ", "READ"];
        assert_eq!(statuses(&ann_client.history(bob, 0, 9).await), expected, "Ann has not read Bob's answer");
        assert_eq!(statuses(&bob_client.history(ann, 0, 9).await), expected);
    }
}

every_shape! {
    async fn only_the_two_see_their_conversation(app: TestApp) {
        let (_, ann, _, bob, sent) = chat(&app, 1).await;
        let eve = app.lanying().register("eve").await;
        let eve_client = app.lanying().logged_in("eve").await;
        for opposite in [ann, bob, eve, 0] {
            assert_eq!(ids(&eve_client.history(opposite, 0, 9).await), [0; 0]);
        }
        let foreign = eve_client.get(&format!("/message/ack?msg_id={}", sent[0])).await;
        let absent = eve_client.get(&format!("/message/ack?msg_id={}", sent[0] + 1)).await;
        assert_eq!((lanying_error(&foreign), lanying_error(&absent)), (10002, 10002), "a stranger learns nothing");
        assert_eq!(eve_client.unread().await, []);
    }
}
