//! `GET /message/ack`, `GET /message/unread` and `DELETE /message/conversation` (lanying.md 5.1, 5.3, 5.7 and 7).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Lanying, Reply, TestApp, every_shape};

use crate::{
    envelope::{lanying_data, lanying_error},
    transcript::Transcript,
};

/// Ann, Bob and Eve, each by user token.
struct Three {
    ann: i64,
    bob: i64,
    eve: i64,
    ann_client: Lanying,
    bob_client: Lanying,
    eve_client: Lanying,
}

async fn three(app: &TestApp) -> Three {
    let admin = app.lanying();
    let (ann, bob, eve) = (admin.register("ann").await, admin.register("bob").await, admin.register("eve").await);
    Three {
        ann,
        bob,
        eve,
        ann_client: admin.logged_in("ann").await,
        bob_client: admin.logged_in("bob").await,
        eve_client: admin.logged_in("eve").await,
    }
}

async fn ack(client: &Lanying, query: &str) -> Reply {
    client.get(&format!("/message/ack?{query}")).await
}

async fn delete(client: &Lanying, conversation: i64) -> Reply {
    Reply::to(client.request(Method::DELETE, &format!("/message/conversation?conversation_id={conversation}"))).await
}

fn texts(page: &Value) -> Vec<&str> {
    page["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| message["content"].as_str().expect("text"))
        .collect()
}

every_shape! {
    async fn unread_lists_every_conversation_newest_activity_first_lanying_5_7(app: TestApp) {
        let Three { ann, bob, eve, ann_client, bob_client, eve_client } = three(&app).await;
        assert_eq!(bob_client.unread().await, []);
        ann_client.send_text(bob, "1").await;
        eve_client.send_text(bob, "2").await;
        eve_client.send_text(bob, "3").await;
        assert_eq!(bob_client.unread().await, [(eve, 2), (ann, 1)]);
        ann_client.send_text(bob, "4").await;
        assert_eq!(bob_client.unread().await, [(ann, 2), (eve, 2)]);
        bob_client.send_text(eve, "5").await;
        assert_eq!(bob_client.unread().await, [(eve, 2), (ann, 2)], "own messages do not count");
        assert_eq!(ann_client.unread().await, [(bob, 0)], "what is all read is listed");
        let mut wire = Transcript::of(&app);
        wire.add("Bob's list", &bob_client.get("/message/unread").await);
        wire.check("lanying_unread");
    }
}

every_shape! {
    async fn a_message_is_read_with_everything_before_it_decision_5(app: TestApp) {
        let Three { ann, bob, ann_client, bob_client, .. } = three(&app).await;
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(ann_client.send_text(bob, &n.to_string()).await);
        }
        assert_eq!(lanying_data(&ack(&bob_client, &format!("msg_id={}&device_sn=1", ids[1])).await), true);
        assert_eq!(bob_client.unread().await, [(ann, 2)]);
        lanying_data(&ack(&bob_client, &format!("msg_id={}", ids[0])).await);
        assert_eq!(bob_client.unread().await, [(ann, 2)], "a mark never moves back");
        lanying_data(&ack(&bob_client, &format!("conversation_id={ann}&msg_id={}", ids[2])).await);
        assert_eq!(bob_client.unread().await, [(ann, 1)]);
        lanying_data(&ack(&bob_client, &format!("conversation_id={ann}&msg_id=0")).await);
        assert_eq!(bob_client.unread().await, [(ann, 0)]);
        lanying_data(&ack(&bob_client, &format!("conversation_id={ann}")).await);
        ann_client.send_text(bob, "after").await;
        assert_eq!(bob_client.unread().await, [(ann, 1)]);
    }
}

every_shape! {
    async fn acknowledging_ones_own_message_reads_nothing_of_the_others_lanying_5_1(app: TestApp) {
        let Three { ann, bob, ann_client, bob_client, .. } = three(&app).await;
        let own = bob_client.send_text(ann, "mine").await;
        ann_client.send_text(bob, "yours").await;
        lanying_data(&ack(&bob_client, &format!("msg_id={own}")).await);
        assert_eq!(bob_client.unread().await, [(ann, 1)]);
        assert_eq!(ann_client.unread().await, [(bob, 1)], "Ann has not read it");
    }
}

every_shape! {
    async fn commands_are_listed_and_never_counted_decision_5(app: TestApp) {
        let Three { ann, bob, ann_client, bob_client, .. } = three(&app).await;
        let command = json!({"type": 1, "targets": [bob], "content_type": 6, "content": "refresh"});
        lanying_data(&ann_client.post("/message/send", &command).await);
        let cmd = json!({"from": "ann", "to": ["bob"], "type": "cmd", "body": {"action": "refresh"}});
        app.agora().post("/messages/users", &cmd).await.expect(200);
        assert_eq!(bob_client.unread().await, [(ann, 0)]);
        ann_client.send_text(bob, "text").await;
        lanying_data(&ann_client.post("/message/send", &command).await);
        assert_eq!(bob_client.unread().await, [(ann, 1)]);
        let page = bob_client.history(ann, 0, 9).await;
        assert_eq!(texts(&page), ["refresh", "text", "refresh", "refresh"]);
    }
}

every_shape! {
    async fn deleting_hides_for_one_user_and_a_new_message_brings_back_what_is_newer_lanying_5_3(app: TestApp) {
        let Three { ann, bob, ann_client, bob_client, .. } = three(&app).await;
        let old = ann_client.send_text(bob, "old").await;
        ann_client.send_text(bob, "older than the deletion").await;
        assert_eq!(lanying_data(&delete(&bob_client, ann).await), true);
        assert_eq!(bob_client.unread().await, []);
        let hidden = bob_client.history(ann, 0, 9).await;
        assert_eq!((texts(&hidden), &hidden["is_last"]), (vec![], &json!(true)));
        assert_eq!(texts(&ann_client.history(bob, 0, 9).await).len(), 2, "the other side keeps it");
        assert_eq!(ann_client.unread().await, [(bob, 0)]);
        lanying_data(&delete(&bob_client, ann).await);
        ann_client.send_text(bob, "new").await;
        assert_eq!(bob_client.unread().await, [(ann, 1)]);
        let back = bob_client.history(ann, 0, 9).await;
        assert_eq!((texts(&back), &back["next_msg_id"]), (vec!["new"], &json!(0)));
        assert_eq!(texts(&bob_client.history(ann, old, 9).await), [""; 0], "nor by asking for the old ones");
    }
}

every_shape! {
    async fn deleting_what_is_not_there_is_true_lanying_5_3(app: TestApp) {
        let Three { ann, bob, ann_client, bob_client, .. } = three(&app).await;
        for absent in [ann, 999_984, 0] {
            assert_eq!(lanying_data(&delete(&bob_client, absent).await), true);
        }
        ann_client.send_text(bob, "first").await;
        assert_eq!(bob_client.unread().await, [(ann, 1)], "nothing was hidden ahead");
    }
}

every_shape! {
    async fn what_cannot_be_acknowledged_or_deleted_is_told_lanying_9(app: TestApp) {
        let Three { ann, bob, eve, ann_client, bob_client, .. } = three(&app).await;
        let sent = ann_client.send_text(bob, "hello").await;
        let mut wire = Transcript::of(&app);
        for (what, query, code) in [
            ("nothing named", String::new(), 10002),
            ("zero named", "msg_id=0".to_owned(), 10002),
            ("unknown message", "msg_id=7".to_owned(), 10002),
            ("negative message", "msg_id=-7".to_owned(), 10002),
            ("message in words", "msg_id=seven".to_owned(), 10002),
            ("message beyond i64", "msg_id=9223372036854775808".to_owned(), 10002),
            ("negative conversation", "conversation_id=-16".to_owned(), 10002),
            ("device in words", format!("msg_id={sent}&device_sn=phone"), 10002),
            ("another conversation's message", format!("conversation_id={eve}&msg_id={sent}"), 10002),
        ] {
            let reply = ack(&bob_client, &query).await;
            assert_eq!(lanying_error(&reply), code, "{what}: {}", reply.text);
            wire.add(what, &reply);
        }
        for conversation in ["", "bob", "-1", "9223372036854775808"] {
            let path = format!("/message/conversation?conversation_id={conversation}");
            let reply = Reply::to(bob_client.request(Method::DELETE, &path)).await;
            assert_eq!(lanying_error(&reply), 10002, "{conversation}");
        }
        wire.check("lanying_ack_refusals");
        assert_eq!(bob_client.unread().await, [(ann, 1)]);
    }
}

every_shape! {
    async fn an_admin_acts_for_a_user_by_header_lanying_1(app: TestApp) {
        let Three { ann, bob, ann_client, bob_client, .. } = three(&app).await;
        let admin = app.lanying();
        let sent = ann_client.send_text(bob, "hello").await;
        lanying_data(&ack(&admin.acting_as(bob), &format!("msg_id={sent}")).await);
        assert_eq!(bob_client.unread().await, [(ann, 0)]);
        lanying_data(&delete(&admin.acting_as(bob), ann).await);
        assert_eq!(bob_client.unread().await, []);
        assert_eq!(lanying_error(&ack(&admin, &format!("msg_id={sent}")).await), 10010, "the app has no part in it");
    }
}
