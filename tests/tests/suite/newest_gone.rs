//! Lists, counts and acknowledgements once the newest message is gone (decision 41), in every dialect and over gRPC.

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, Suite, TestApp, every_shape};

use crate::{
    envelope::{lanying_data, lanying_error},
    people::people,
    policy,
};

/// From the user's list: newest message, its text, and the unread count; the first two are null if nothing is left.
async fn listed(agora: &Agora, user: &str, channel: &str) -> Option<(Value, Value, i64)> {
    let list = agora.get(&format!("/tidings/users/{user}/conversations")).await.expect(200);
    let entry = list["data"].as_array().expect("a list").iter().find(|entry| entry["channel"] == channel)?;
    let text = entry["last_message"]["payload"]["bodies"][0]["msg"].clone();
    Some((entry["last_msg_id"].clone(), text, entry["unread_num"].as_i64().expect("a number")))
}

/// The same over gRPC, without the text.
async fn listed_over_grpc(app: &TestApp, user: i64, peer: i64) -> Option<(String, i64)> {
    let wanted = pb::ListConversationsRequest { user_id: Some(user), ..Default::default() };
    let list =
        app.conversations().list_conversations(app.request(wanted)).await.expect("a list").into_inner().conversations;
    let direct = pb::ConversationId {
        kind: pb::ConversationKind::Direct.into(),
        id: user.min(peer),
        higher_user_id: user.max(peer),
    };
    let entry = list.into_iter().find(|entry| entry.conversation == Some(direct))?;
    Some((entry.head_msg_id.to_string(), entry.unread))
}

async fn recall(agora: &Agora, msg_id: &str) {
    let wanted = json!({"msg_id": msg_id, "to": "bob", "chat_type": "chat"});
    agora.post("/messages/msg_recall", &wanted).await.expect(200);
}

async fn exclude(agora: &Agora, msg_id: &str) {
    let path = format!("/rest/message/roaming/chat/user/bob?userId=ann&msgIdList={msg_id}");
    Reply::to(agora.request(Method::DELETE, &path)).await.expect(200);
}

every_shape! {
    async fn the_newest_that_can_be_read_is_shown_and_what_went_can_be_acknowledged_decision_41(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let agora = app.agora();
        let mut sent = Vec::new();
        for text in ["one", "two", "three", "four"] {
            sent.push(agora.send_text("ann", "bob", text).await);
        }
        recall(&agora, &sent[3]).await;
        assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(sent[2]), json!("three"), 3)));
        assert_eq!(listed_over_grpc(&app, bob.id, ann.id).await, Some((sent[2].clone(), 3)));
        exclude(&agora, &sent[2]).await;
        assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(sent[1]), json!("two"), 2)));
        assert_eq!(listed(&agora, "ann", "bob").await, Some((json!(sent[2]), json!("three"), 0)), "it is there for Ann");
        assert_eq!(listed_over_grpc(&app, bob.id, ann.id).await, Some((sent[1].clone(), 2)));
        assert_eq!(bob.client.unread().await, [(ann.id, 2)]);

        // Each API accepts the id of a removed message: a recalled one, a hidden one.
        let first = agora.send_text("ann", "bob", "five").await;
        recall(&agora, &first).await;
        assert_eq!(bob.client.unread().await, [(ann.id, 2)]);
        lanying_data(&bob.client.get(&format!("/message/ack?msg_id={}", sent[2])).await);
        assert_eq!(bob.client.unread().await, [(ann.id, 0)]);
        let read = json!({"channel": "ann", "type": "chat", "msg_id": first});
        let read = agora.post("/tidings/users/bob/read_ack", &read).await.expect(200);
        assert_eq!(read["data"], json!({"result": "ok", "msg_id": first}));
        let second = agora.send_text("ann", "bob", "six").await;
        let recalled = agora.send_text("ann", "bob", "seven").await;
        recall(&agora, &recalled).await;
        assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(second), json!("six"), 1)));
        let mark = pb::MarkReadRequest { msg_id: recalled.parse().expect("an id"), ..Default::default() };
        let marked = app.conversations().mark_read(app.request_as(bob.id, mark)).await.expect("marked").into_inner();
        assert_eq!((marked.moved, marked.msg_id.to_string()), (true, recalled.clone()));
        assert_eq!(bob.client.unread().await, [(ann.id, 0)]);
        let gone = agora.send_text("ann", "bob", "eight").await;
        agora.send_text("ann", "bob", "nine").await;
        exclude(&agora, &gone).await;
        let related: i64 = gone.parse().expect("an id");
        let deed = json!({"type": 1, "targets": [ann.id], "content_type": 9, "content": "", "related_mid": related});
        lanying_data(&bob.client.post("/message/send", &deed).await);
        assert_eq!(bob.client.unread().await, [(ann.id, 1)], "nine is above it");

        // Ids that never existed, or are of other conversations, are refused as before.
        let eve = people(&app, ["eve"]).await;
        assert_eq!(lanying_error(&eve[0].client.get(&format!("/message/ack?msg_id={recalled}")).await), 10002);
        assert_eq!(lanying_error(&bob.client.get("/message/ack?msg_id=7").await), 10002);
    }
}

every_shape! {
    async fn a_conversation_of_which_nothing_is_left_shows_nothing_and_counts_nothing(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let agora = app.agora();
        let (one, two) = (agora.send_text("ann", "bob", "one").await, agora.send_text("ann", "bob", "two").await);
        exclude(&agora, &two).await;
        recall(&agora, &one).await;
        assert_eq!(listed(&agora, "bob", "ann").await, Some((Value::Null, Value::Null, 0)));
        assert_eq!(listed(&agora, "ann", "bob").await, Some((json!(two), json!("two"), 0)));
        recall(&agora, &two).await;
        assert_eq!(listed(&agora, "ann", "bob").await, Some((Value::Null, Value::Null, 0)));
        assert_eq!(listed_over_grpc(&app, ann.id, bob.id).await.map(|it| it.1), Some(0));
        assert_eq!(bob.client.unread().await, [(ann.id, 0)]);
        lanying_data(&bob.client.get(&format!("/message/ack?msg_id={two}")).await);
        let three = agora.send_text("ann", "bob", "three").await;
        assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(three), json!("three"), 1)));
        // An edited message keeps its position, and has the new content.
        let edited = json!({"user": "ann", "new_msg": {"bodies": [{"type": "txt", "msg": "edited"}]}});
        let path = format!("/messages/rewrite/{three}");
        let reply = Reply::to(agora.request(Method::PUT, &path).json(&edited)).await;
        if reply.status.is_success() {
            assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(three), json!("edited"), 1)));
        }
    }
}

#[tokio::test]
async fn what_retention_took_can_be_acknowledged_and_is_not_shown_decision_41() {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let week = 7 * 24 * 3_600_000;
    policy::set(&app, pb::Policy { message_retention_ms: Some(week), ..Default::default() }).await;
    clock.advance(Duration::from_secs(6));
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    let old = agora.send_text("ann", "bob", "old").await;
    assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(old), json!("old"), 1)));
    clock.advance(Duration::from_hours(8 * 24));
    app.messages().purge(app.request(pb::PurgeRequest {})).await.expect("a purge");
    assert_eq!(listed(&agora, "bob", "ann").await, Some((Value::Null, Value::Null, 0)));
    let read = json!({"channel": "ann", "type": "chat", "msg_id": old});
    let read = agora.post("/tidings/users/bob/read_ack", &read).await.expect(200);
    assert_eq!(read["data"], json!({"result": "ok", "msg_id": old}));
    let mark = pb::MarkReadRequest { msg_id: old.parse().expect("an id"), ..Default::default() };
    let marked = app.conversations().mark_read(app.request(mark)).await.expect("answered").into_inner();
    assert_eq!((marked.moved, marked.conversation), (false, None), "nobody knows where it was");
    let new = agora.send_text("ann", "bob", "new").await;
    assert_eq!(listed(&agora, "bob", "ann").await, Some((json!(new), json!("new"), 1)));
}
