//! What a name means after its user was deleted, and what a deleted or disabled user may still do.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, every_shape};

use crate::{
    envelope::{agora_error, lanying_data, lanying_error},
    people::{code, people, texts, until_code},
};

/// The texts of the user's conversation with that name, newest first.
async fn seen(agora: &Agora, user: &str, peer: &str) -> Vec<String> {
    let page = agora.get(&format!("/tidings/users/{user}/messages?type=chat&channel={peer}")).await.expect(200);
    let records = page["data"].as_array().expect("records");
    let text = |record: &Value| record["payload"]["bodies"][0]["msg"].as_str().expect("a text").to_owned();
    records.iter().map(text).collect()
}

/// With whom the user has conversations, and what is unread there.
async fn listed(agora: &Agora, user: &str) -> Vec<(String, i64)> {
    let list = agora.get(&format!("/tidings/users/{user}/conversations")).await.expect(200);
    let entry = |entry: &Value| {
        let name = entry["channel"].as_str().unwrap_or_else(|| panic!("no channel: {entry}"));
        (name.to_owned(), entry["unread_num"].as_i64().unwrap_or_else(|| panic!("no count: {entry}")))
    };
    list["data"].as_array().expect("a list").iter().map(entry).collect()
}

every_shape! {
    async fn what_is_sent_to_a_name_that_was_registered_again_reaches_the_new_account(app: TestApp) {
        let agora = app.agora();
        agora.register(&["ann", "reuse"]).await;
        for round in ["one", "two", "three"] {
            // So that whoever sends keeps whom the name means.
            agora.send_text("ann", "reuse", "to the account before").await;
            agora.delete("/users/reuse").await.expect(200);
            agora.register(&["Reuse"]).await;
            agora.send_text("ann", "reuse", round).await;
            assert_eq!(seen(&agora, "reuse", "ann").await, [round]);
            agora.send_text("reuse", "ann", "answer").await;
            assert_eq!(seen(&agora, "ann", "reuse").await, ["answer", round]);
        }
    }
}

every_shape! {
    async fn a_name_of_many_registrations_at_once_waits_for_all(app: TestApp) {
        let agora = app.agora();
        let names = ["u1", "u2", "u3", "u4", "u5", "u6"];
        agora.register(&["ann"]).await;
        agora.register(&names).await;
        for name in names {
            agora.send_text("ann", name, "before").await;
        }
        let gone = names.map(|name| format!("/users/{name}"));
        for reply in futures_util::future::join_all(gone.iter().map(|path| agora.delete(path))).await {
            reply.expect(200);
        }
        agora.register(&names).await;
        for name in names {
            agora.send_text("ann", name, "after").await;
            assert_eq!(seen(&agora, name, "ann").await, ["after"], "{name}");
        }
    }
}

every_shape! {
    async fn a_conversation_with_a_deleted_user_is_reached_by_their_name(app: TestApp) {
        let agora = app.agora();
        agora.register(&["ann", "gone"]).await;
        for text in ["one", "two", "three"] {
            agora.send_text("gone", "ann", text).await;
        }
        let last = agora.send_text("gone", "ann", "four").await;
        agora.delete("/users/gone").await.expect(200);

        assert_eq!(listed(&agora, "ann").await, [("gone".to_owned(), 4)]);
        assert_eq!(seen(&agora, "ann", "gone").await, ["four", "three", "two", "one"]);
        let ack = json!({"channel": "gone", "type": "chat"});
        agora.post("/tidings/users/ann/read_ack", &ack).await.expect(200);
        assert_eq!(listed(&agora, "ann").await, [("gone".to_owned(), 0)]);
        agora.delete(&format!("/rest/message/roaming/chat/user/ann?userId=gone&msgIdList={last}")).await.expect(200);
        assert_eq!(seen(&agora, "ann", "gone").await, ["three", "two", "one"]);
        let hide = |delete_roam: bool| {
            let body = json!({"channel": "gone", "type": "chat", "delete_roam": delete_roam});
            Reply::to(agora.request(Method::DELETE, "/users/ann/user_channel").json(&body))
        };
        hide(false).await.expect(200);
        assert_eq!(listed(&agora, "ann").await, []);
        assert_eq!(seen(&agora, "ann", "gone").await, ["three", "two", "one"]);
        let after_it = 1 + tidings_domain::MsgId(last.parse().expect("digits")).moment().0;
        let up_to = format!("/rest/message/roaming/chat/user/ann/time?userId=gone&delTime={after_it}");
        agora.delete(&up_to).await.expect(200);
        assert_eq!(seen(&agora, "ann", "gone").await, [""; 0]);
        hide(true).await.expect(200);

        // Who does the reading must be there, and who never was is nobody.
        for path in ["/tidings/users/gone/messages?type=chat&channel=ann", "/tidings/users/ann/messages?type=chat&channel=nobody"] {
            assert_eq!(agora_error(&agora.get(path).await, 404).0, "service_resource_not_found", "{path}");
        }
        assert_eq!(agora.get("/users/gone").await.status.as_u16(), 404);
        // The name is the new account's as soon as there is one.
        agora.register(&["gone"]).await;
        assert_eq!(seen(&agora, "ann", "gone").await, [""; 0]);
        agora.send_text("gone", "ann", "new").await;
        assert_eq!(seen(&agora, "ann", "gone").await, ["new"]);
    }
}

every_shape! {
    async fn a_conversation_with_a_deleted_user_is_reached_by_their_id_lanying_5(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        bob.client.send_text(ann.id, "one").await;
        lanying_data(&bob.client.post("/user/delete", &json!({})).await);
        assert_eq!(ann.client.unread().await, [(bob.id, 1)]);
        let page = ann.client.history(bob.id, 0, 10).await;
        assert_eq!(texts(&page), ["one"]);
        let msg_id = page["messages"][0]["msg_id"].as_i64().expect("an id");
        let path = format!("/message/ack?conversation_id={}&msg_id={msg_id}", bob.id);
        let acknowledged = ann.client.get(&path).await;
        assert_eq!(code(&acknowledged), 200, "{}", acknowledged.text);
        assert_eq!(ann.client.unread().await.iter().map(|(_, num)| num).sum::<i64>(), 0);
        let path = format!("/message/conversation?conversation_id={}", bob.id);
        let hidden = ann.client.call(Method::DELETE, &path, None).await;
        assert_eq!(code(&hidden), 200, "{}", hidden.text);
        assert_eq!(ann.client.unread().await, []);
    }
}

every_shape! {
    async fn the_token_of_a_user_who_deleted_themselves_is_refused_at_once(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        // So that every process knows that ann is there.
        ann.client.send_text(bob.id, "hello").await;
        ann.client.unread().await;
        lanying_data(&ann.client.get("/user/profile").await);
        lanying_data(&ann.client.post("/user/delete", &json!({})).await);
        let text = json!({"type": 1, "targets": [bob.id], "content_type": 0, "content": "ghost"});
        assert_eq!(lanying_error(&ann.client.post("/message/send", &text).await), 10008);
        assert_eq!(lanying_error(&ann.client.get("/message/unread").await), 10008);
        assert_eq!(lanying_error(&ann.client.get("/user/profile").await), 10008);
        // That somebody else is not there says nothing about the token, nor is an admin's at fault.
        let missing = json!({"type": 1, "targets": [ann.id], "content_type": 0, "content": "x"});
        until_code(10000, async || bob.client.post("/message/send", &missing).await).await;
        until_code(10000, async || app.lanying().acting_as(ann.id).post("/message/send", &text).await).await;
    }
}

every_shape! {
    async fn the_token_of_a_user_whom_the_app_deleted_or_disabled_is_refused(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        for person in [&ann, &eve] {
            person.client.send_text(bob.id, "hello").await;
        }
        app.agora().delete("/users/ann").await.expect(200);
        let disable = pb::UpdateUserRequest { user: Some(by_id(eve.id)), enabled: Some(false), ..Default::default() };
        app.directory().update_user(app.request(disable)).await.expect("disabled");
        let text = json!({"type": 1, "targets": [bob.id], "content_type": 0, "content": "ghost"});
        until_code(10008, async || ann.client.post("/message/send", &text).await).await;
        until_code(10010, async || eve.client.post("/message/send", &text).await).await;
        until_code(10010, async || eve.client.get("/message/unread").await).await;
    }
}

fn by_id(id: i64) -> pb::UserRef {
    pb::UserRef { user: Some(pb::user_ref::User::UserId(id)) }
}
