//! Mutes of users, at every door where they send themselves (agora.md 10.2; decision 37).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, every_shape, wait_until};
use tonic::Code;

use crate::{
    envelope::agora_error,
    people::{code, group_of, people, to_group},
    policy,
    transcript::Transcript,
};

fn text_to(kind: &str, to: &str) -> (String, Value) {
    (format!("/messages/{kind}"), json!({"to": [to], "type": "txt", "body": {"msg": "hi"}}))
}

async fn send(agora: &Agora, kind: &str, to: &str) -> Reply {
    let (path, body) = text_to(kind, to);
    agora.post(&path, &body).await
}

async fn mute(agora: &Agora, body: &Value) {
    let answer = agora.post("/mutes", body).await.expect(200);
    assert_eq!(answer["data"], json!({"result": "ok"}));
}

/// Waits for at most a second, and a little, until a change of mutes is in force everywhere.
async fn until_refused(user: &Agora, kind: &str, to: &str) {
    wait_until("the mute", async || send(user, kind, to).await.status == 403).await;
    let (error, text) = agora_error(&send(user, kind, to).await, 403);
    assert_eq!(error, "forbidden_op");
    assert!(text.contains("nora") && text.contains("muted"), "{text}");
}

/// A group and a room with nora in them.
async fn places(agora: &Agora) -> [String; 2] {
    let group = json!({"groupname": "g", "public": true, "owner": "nora", "members": ["omar"]});
    let room = json!({"name": "r", "owner": "nora", "members": ["omar"]});
    let group = agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].clone();
    let room = agora.post("/chatrooms", &room).await.expect(200)["data"]["id"].clone();
    [group, room].map(|id| id.as_str().expect("an id").to_owned())
}

every_shape! {
    async fn a_muted_user_sends_nothing_in_conversations_of_that_kind_agora_10_2(app: TestApp) {
        policy::set(&app, pb::Policy { user_tokens_may_send: Some(true), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let nora = agora.logged_in("nora").await;
        let [group, room] = places(&agora).await;
        let all = [("users", "omar"), ("chatgroups", group.as_str()), ("chatrooms", room.as_str())];
        for (kind, to) in all {
            send(&nora, kind, to).await.expect(200);
        }
        for (key, (muted, to)) in ["chat", "groupchat", "chatroom"].into_iter().zip(all) {
            mute(&agora, &json!({"username": "Nora", key: -1})).await;
            until_refused(&nora, muted, to).await;
            for (kind, to) in all.into_iter().filter(|(kind, _)| *kind != muted) {
                send(&nora, kind, to).await.expect(200);
            }
            mute(&agora, &json!({"username": "nora", key: 0})).await;
            wait_until("the end of the mute", async || send(&nora, muted, to).await.status == 200).await;
        }
        mute(&agora, &json!({"username": "nora", "chat": 10})).await;
        until_refused(&nora, "users", "omar").await;
        wait_until("a mute that runs out", async || send(&nora, "users", "omar").await.status == 200).await;
    }
}

every_shape! {
    async fn the_app_speaks_in_the_name_of_muted_users_unless_its_policy_forbids_it(app: TestApp) {
        let strict = policy::neighbour(&app).await;
        policy::set(&strict, pb::Policy { mutes_bind_app: Some(true), ..Default::default() }).await;
        for app in [&app, &strict] {
            app.agora().register(&["nora", "omar"]).await;
            mute(&app.agora(), &json!({"username": "nora", "chat": -1})).await;
        }
        app.agora().send_text("nora", "omar", "in their name").await;
        let from_nora = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "x"}});
        let refused = strict.agora();
        wait_until("the mute", async || refused.post("/messages/users", &from_nora).await.status == 403).await;
        refused.send_text("omar", "nora", "to a muted one").await;
        refused.send_text("admin", "omar", "from the app").await;
    }
}

every_shape! {
    async fn a_mute_holds_in_lanyings_dialect_and_over_grpc_too(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let old = bob.client.send_text(ann.id, "what was said before").await;
        mute(&app.agora(), &json!({"username": "bob", "chat": 3600, "groupchat": 3600})).await;
        let to_ann = json!({"type": 1, "targets": [ann.id], "content_type": 0, "content": "x"});
        for body in [to_ann, to_group(group, "x")] {
            let say = async || code(&bob.client.post("/message/send", &body).await);
            wait_until("the mute", async || say().await != 200).await;
            assert_eq!(say().await, 10010);
        }
        ann.client.send_to_group(group, "ann is not muted").await;

        let over_grpc = pb::SendRequest {
            targets: vec![pb::Target { target: Some(pb::target::Target::UserId(ann.id)) }],
            content: Some(text()),
            ..Default::default()
        };
        let refused = app.messages().send(app.request_as(bob.id, over_grpc)).await.expect_err("muted");
        assert_eq!(refused.code(), Code::PermissionDenied);
        let edit = pb::EditRequest {
            msg_id: old,
            change: Some(pb::edit_request::Change::Append("x".into())),
            ..Default::default()
        };
        let refused = app.messages().edit(app.request_as(bob.id, edit)).await.expect_err("muted");
        assert!(refused.message().contains("muted"), "{refused}");
    }
}

fn text() -> pb::Content {
    let text = pb::Text { text: "x".into() };
    pb::Content { body: Some(pb::content::Body::Text(text)), ..Default::default() }
}

every_shape! {
    async fn mutes_are_set_read_and_listed_by_page_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let mut wire = Transcript::of(&app);
        wire.add("set", &agora.post("/mutes", &json!({"username": "nora", "chat": -1, "groupchat": null})).await);
        wire.add("nobody", &agora.post("/mutes", &json!({"username": "ghost", "chat": 1})).await);
        wire.add("no name", &Reply::to(agora.request(Method::POST, "/mutes")).await);
        wire.add("too long", &agora.post("/mutes", &json!({"username": "nora", "chatroom": 2_147_483_648_i64})).await);
        wire.add("read nobody's", &agora.get("/mutes/ghost").await);
        wire.check("user_mutes");
        mute(&agora, &json!({"username": "pia", "chat": 100, "groupchat": "200", "chatroom": -1})).await;
        mute(&agora, &json!({"username": "omar", "chatroom": 300})).await;
        mute(&agora, &json!({"username": "nora"})).await;

        let seconds = async |name: &str| {
            let answer = agora.get(&format!("/mutes/{name}")).await.expect(200)["data"].clone();
            assert!(answer["unixtime"].as_i64().is_some_and(|now| now > 1_700_000_000), "{answer}");
            assert_eq!(answer["userid"], name.to_ascii_lowercase());
            ["chat", "groupchat", "chatroom"].map(|key| answer[key].as_i64().expect("seconds"))
        };
        assert_eq!(seconds("Nora").await, [-1, 0, 0]);
        let [chat, group, room] = seconds("pia").await;
        assert!((90..=100).contains(&chat) && (190..=200).contains(&group) && room == -1, "{chat} {group} {room}");

        let page = async |query: &str| {
            let answer = agora.get(&format!("/mutes?{query}")).await.expect(200)["data"].clone();
            let entries = answer["data"].as_array().expect("a list").clone();
            let names: Vec<String> =
                entries.iter().map(|entry| entry["username"].as_str().expect("a name").to_owned()).collect();
            assert!(entries.iter().all(|entry| entry.as_object().is_some_and(|entry| entry.len() == 2)), "{answer}");
            names
        };
        assert_eq!(page("pageNum=1&pageSize=2").await, ["nora", "omar"]);
        assert_eq!(page("pagenum=2&pagesize=2").await, ["pia", "pia", "pia"]);
        assert_eq!(page("pageNum=3&pageSize=2").await, [""; 0]);
        mute(&agora, &json!({"username": "nora", "chat": 0})).await;
        assert_eq!(page("").await, ["omar", "pia", "pia", "pia"]);
        agora_error(&agora.get("/mutes?pageNum=x").await, 400);
        agora.delete("/users/omar").await.expect(200);
        assert_eq!(page("").await, ["pia", "pia", "pia"], "a deleted user is not muted");
    }
}
