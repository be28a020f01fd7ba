//! Rules of the message calls beyond their examples: what is stored, hidden, recalled, edited, imported and for how
//! long (agora.md 2, 5, 6, 7, 10.6, 14; decisions 9, 12, 13, 15, 16, 17, 20).

use std::{sync::Arc, time::Duration};

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tidings_dialects::tencent::MsgKey;
use tidings_domain::{ManualClock, MsgId, UnixMillis};
use tidings_proto::{moment_or_zero, pb};
use tidings_testkit::{Agora, Reply, Suite, TestApp, every_shape};

use crate::{envelope::agora_error, policy};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// Users, a group of Nora's with Omar, and a room.
async fn prepared(app: &TestApp) -> (Agora, String, String) {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia"]).await;
    let group = agora.post("/chatgroups", &json!({"owner": "nora", "members": ["omar"]})).await.expect(200);
    let room = agora.post("/chatrooms", &json!({"owner": "nora", "members": ["omar"]})).await.expect(200);
    let text = |value: &Value| value.as_str().expect("an id as text").to_owned();
    (agora, text(&group["data"]["groupid"]), text(&room["data"]["id"]))
}

/// An app with its own clock.
async fn clocked(policy: pb::Policy) -> (Arc<ManualClock>, TestApp) {
    let clock = Arc::new(ManualClock::new(NOW));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    policy::set(&app, policy).await;
    clock.advance(Duration::from_secs(6));
    (clock, app)
}

/// What a user finds in a conversation, newest first, and how much of it is unread.
async fn seen(agora: &Agora, user: &str, kind: &str, channel: &str) -> (Vec<String>, i64) {
    let page = agora.get(&format!("/tidings/users/{user}/messages?type={kind}&channel={channel}")).await.expect(200);
    let records = page["data"].as_array().expect("records").iter();
    let texts = records.map(|record| record["payload"]["bodies"][0]["msg"].as_str().unwrap_or_default().to_owned());
    let listed = agora.get(&format!("/tidings/users/{user}/conversations")).await.expect(200);
    let mut entries = listed["data"].as_array().expect("a list").iter();
    let unread = entries.find(|entry| entry["channel"] == channel).map(|entry| entry["unread_num"].as_i64());
    (texts.collect(), unread.map_or(-1, |unread| unread.expect("a number")))
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

every_shape! {
    async fn a_message_for_those_who_are_online_is_answered_and_not_kept_decision_15(app: TestApp) {
        let (agora, group, room) = prepared(&app).await;
        for (path, to) in [("users", "omar"), ("chatgroups", &*group), ("chatrooms", &*room)] {
            let now = json!({"from": "nora", "to": [to], "type": "txt", "body": {"msg": "now"}, "routetype": "ROUTE_ONLINE"});
            let answer = agora.post(&format!("/messages/{path}"), &now).await.expect(200);
            assert!(answer["data"][to].as_str().expect("an id").parse::<i64>().expect("digits") > 0);
        }
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&[]), -1));
        assert_eq!(seen(&agora, "omar", "groupchat", &group).await, (owned(&[]), -1));
    }
}

every_shape! {
    async fn who_is_to_ignore_a_message_does_not_find_it_agora_2_1(app: TestApp) {
        let (agora, group, _) = prepared(&app).await;
        let hidden = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "psst"}, "roam_ignore_users": ["omar"]});
        agora.post("/messages/chatgroups", &hidden).await.expect(200);
        assert_eq!(seen(&agora, "omar", "groupchat", &group).await, (owned(&[]), 0));
        assert_eq!(seen(&agora, "nora", "groupchat", &group).await, (owned(&["psst"]), 0));
        let many = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "x"}, "roam_ignore_users": vec!["omar"; 21]});
        let told = agora_error(&agora.post("/messages/chatgroups", &many).await, 400).1;
        assert_eq!(told, "params roam_ignore_users's size can't exceed limit 20");
    }
}

every_shape! {
    async fn a_call_to_600_users_is_whole_or_nothing(app: TestApp) {
        let (agora, ..) = prepared(&app).await;
        let mut names: Vec<String> = (0..600).map(|n| format!("user{n}")).collect();
        let send = |names: &[String]| json!({"from": "nora", "to": names, "type": "txt", "body": {"msg": "all"}});
        let answer = agora.post("/messages/users", &send(&names)).await.expect(200);
        assert_eq!(answer["data"].as_object().expect("ids").len(), 600);
        names[599] = "not a name".into();
        let refused = agora.post("/messages/users", &send(&names)).await;
        assert_eq!(agora_error(&refused, 400).1, "username [not a name] is not legal");
        assert_eq!(seen(&agora, "user0", "chat", "nora").await, (owned(&["all"]), 1));
        assert_eq!(seen(&agora, "user598", "chat", "nora").await, (owned(&["all"]), 1));
    }
}

every_shape! {
    async fn unknown_names_and_groups_are_taken_or_refused_as_the_policy_says_decision_9(app: TestApp) {
        let lenient = policy::neighbour(&app).await;
        policy::set(&lenient, pb::Policy { accept_unknown_groups: Some(true), ..Default::default() }).await;
        let strict = policy::neighbour(&app).await;
        policy::set(&strict, pb::Policy { accept_unknown_names: Some(false), ..Default::default() }).await;
        let to_group = json!({"from": "nora", "to": ["4711"], "type": "txt", "body": {"msg": "x"}});
        assert_eq!(agora_error(&app.agora().post("/messages/chatgroups", &to_group).await, 404).0, "resource_not_found");
        assert!(lenient.agora().post("/messages/chatgroups", &to_group).await.expect(200)["data"]["4711"].is_string());
        let to_nobody = json!({"from": "nora", "to": ["nobody"], "type": "txt", "body": {"msg": "x"}});
        assert!(app.agora().post("/messages/users", &to_nobody).await.expect(200)["data"]["nobody"].is_string());
        let refused = strict.agora().post("/messages/users", &to_nobody).await;
        assert_eq!(agora_error(&refused, 404).0, "service_resource_not_found");
    }
}

every_shape! {
    async fn deleting_a_conversation_hides_its_messages_only_with_delete_roam_agora_6(app: TestApp) {
        let (agora, ..) = prepared(&app).await;
        let delete = async |delete_roam: bool| {
            let body = json!({"channel": "nora", "type": "chat", "delete_roam": delete_roam});
            Reply::to(agora.request(Method::DELETE, "/users/omar/user_channel").json(&body)).await.expect(200);
        };
        agora.send_text("nora", "omar", "one").await;
        delete(false).await;
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["one"]), -1));
        agora.send_text("nora", "omar", "two").await;
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["two", "one"]), 2));
        delete(true).await;
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&[]), -1));
        agora.send_text("nora", "omar", "three").await;
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["three"]), 1));
        // The other party keeps everything.
        assert_eq!(seen(&agora, "nora", "chat", "omar").await.0, owned(&["three", "two", "one"]));
    }
}

every_shape! {
    async fn roaming_messages_are_deleted_for_one_user_alone_agora_6_1(app: TestApp) {
        let (agora, group, _) = prepared(&app).await;
        let (one, two) = (agora.send_text("nora", "omar", "one").await, agora.send_text("nora", "omar", "two").await);
        let chat = format!("/rest/message/roaming/chat/user/omar?userId=nora&msgIdList={one},999,x");
        agora.delete(&chat).await.expect(200);
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["two"]), 1));
        assert_eq!(seen(&agora, "nora", "chat", "omar").await.0, owned(&["two", "one"]));
        // Nothing is deleted in another conversation.
        agora.delete(&format!("/rest/message/roaming/group/user/omar?groupId={group}&msgIdList={two}")).await.expect(200);
        assert_eq!(seen(&agora, "omar", "chat", "nora").await.0, owned(&["two"]));
        let in_a_day = 86_400_000 + tidings_domain::MsgId(two.parse().expect("digits")).moment().0;
        agora.delete(&format!("/rest/message/roaming/chat/user/omar/time?userId=nora&delTime={in_a_day}")).await.expect(200);
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&[]), -1));
        // Later messages are not hidden, whatever the time was.
        agora.send_text("nora", "omar", "three").await;
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["three"]), 1));
        let said = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "all"}});
        agora.post("/messages/chatgroups", &said).await.expect(200);
        agora.post("/rest/message/roaming/user/omar/delete/all", &json!({})).await.expect(200);
        assert_eq!(agora.get("/tidings/users/omar/conversations").await.expect(200)["count"], 0);
    }
}

every_shape! {
    async fn an_import_lands_at_its_own_time_and_once_under_a_key_agora_7(app: TestApp) {
        let (agora, group, _) = prepared(&app).await;
        agora.send_text("nora", "omar", "today").await;
        let import = |text: &str, at: i64| json!({"from": "nora", "target": "omar", "type": "txt", "body": {"msg": text}, "msg_timestamp": at});
        agora.post("/messages/users/import", &import("newer", 1_652_600_000_001)).await.expect(200);
        let keyed = || agora.request(Method::POST, "/messages/users/import").header("Idempotency-Key", "old-1");
        let first = Reply::to(keyed().json(&import("older", 1_652_600_000_000))).await;
        let second = Reply::to(keyed().json(&import("older", 1_652_600_000_000))).await;
        assert_eq!((first.status.as_u16(), &first.text), (200, &second.text));
        let other = Reply::to(keyed().json(&import("other", 1_652_600_000_000))).await;
        assert_eq!(agora_error(&other, 409).0, "idempotency_key_conflict");
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["today", "newer", "older"]), 1));
        let page = agora.get("/tidings/users/omar/messages?type=chat&channel=nora").await.expect(200);
        assert_eq!(page["data"][2]["timestamp"], 1_652_600_000_000_i64);
        let unread = json!({"from": "nora", "target": "omar", "type": "txt", "body": {"msg": "x"}, "is_ack_read": false,
            "msg_timestamp": 1_652_600_000_002_i64});
        agora.post("/messages/users/import", &unread).await.expect(200);
        assert_eq!(seen(&agora, "omar", "chat", "nora").await.1, 2);
        let to_group = json!({"from": "nora", "target": group, "type": "txt", "body": {"msg": "x"}, "msg_timestamp": 1_652_600_000_000_i64});
        agora.post("/messages/chatgroups/import", &to_group).await.expect(200);
        let page = agora.get(&format!("/tidings/chatgroups/{group}/messages")).await.expect(200);
        assert_eq!(page["data"][0]["timestamp"], 1_652_600_000_000_i64);
    }
}

every_shape! {
    async fn a_message_is_modified_up_to_ten_times_agora_10_6(app: TestApp) {
        let (agora, _, room) = prepared(&app).await;
        let sent = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "0"}, "ext": {"a": 1, "b": 2}});
        let id = agora.post("/messages/users", &sent).await.expect(200)["data"]["omar"].as_str().expect("an id").to_owned();
        let put = async |id: &str, body: Value| Reply::to(agora.request(Method::PUT, &format!("/messages/rewrite/{id}")).json(&body)).await;
        for n in 1..=10 {
            let replace = n == 10;
            let body = json!({"user": "nora", "new_msg": {"type": "txt", "msg": n.to_string()}, "new_ext": {"b": n}, "is_combine_ext": !replace});
            assert_eq!(put(&id, body).await.expect(200)["data"], "success");
            if n == 9 {
                let page = agora.get("/tidings/users/omar/messages?type=chat&channel=nora").await.expect(200);
                assert_eq!(page["data"][0]["payload"]["ext"], json!({"a": 1, "b": 9}));
            }
        }
        let page = agora.get("/tidings/users/omar/messages?type=chat&channel=nora").await.expect(200);
        assert_eq!(page["data"][0]["payload"], json!({"bodies": [{"msg": "10", "type": "txt"}], "ext": {"b": 10}, "from": "nora", "to": "omar"}));
        assert!(page["data"][0]["edited"].is_i64());
        let more = put(&id, json!({"new_msg": {"type": "txt", "msg": "11"}})).await;
        let limit = "The message has reached its edit limit and cannot be modified further.";
        assert_eq!(agora_error(&more, 403), ("message_rewrite_error".to_owned(), limit.to_owned()));
        // Not in rooms.
        let said = json!({"from": "nora", "to": [room], "type": "txt", "body": {"msg": "x"}});
        let id = agora.post("/messages/chatrooms", &said).await.expect(200)["data"][&room].as_str().expect("an id").to_owned();
        assert_eq!(agora_error(&put(&id, json!({"new_msg": {"type": "txt", "msg": "y"}})).await, 400).0, "message_rewrite_error");
    }
}

every_shape! {
    async fn broadcasts_reach_every_user_and_every_active_room_agora_2_7(app: TestApp) {
        let (agora, _, room) = prepared(&app).await;
        let said = json!({"from": "nora", "to": [room], "type": "txt", "body": {"msg": "x"}});
        agora.post("/messages/chatrooms", &said).await.expect(200);
        let all = json!({"target_type": "users", "from": "nora", "msg": {"type": "txt", "msg": "to all"}});
        let keyed = || agora.request(Method::POST, "/messages/broadcast").header("Idempotency-Key", "b").json(&all);
        assert_eq!(Reply::to(keyed()).await.text, Reply::to(keyed()).await.text);
        agora.post("/messages/chatrooms/broadcast", &json!({"from": "nora", "msg": {"type": "txt", "msg": "to rooms"}})).await.expect(200);
        tidings_testkit::wait_until("the broadcasts to arrive", async || {
            let page = agora.get(&format!("/tidings/chatrooms/{room}/messages")).await.expect(200);
            page["count"] == 2 && seen(&agora, "pia", "chat", "nora").await == (owned(&["to all"]), 1)
        })
        .await;
        assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["to all"]), 1));
    }
}

every_shape! {
    async fn real_clients_send_odd_requests_msync_last_section(app: TestApp) {
        let (agora, group, _) = prepared(&app).await;
        let odd = [
            (Method::POST, "/messages/users/?resource=web_1&version=v3", json!({"from": "nora", "to": ["omar"], "msg": {"type": "txt", "msg": "x"}, "odd": 1})),
            (Method::POST, "/messages/chatgroups/", json!({"from": "nora", "to": group, "type": "txt", "body": {"msg": "x"}})),
            (Method::DELETE, "/users/omar/user_channel/?resource=web_1", json!({"channel": "nora", "type": "chat", "delete_roam": true})),
        ];
        for (method, path, body) in odd {
            for content_type in [None, Some("application/x-www-form-urlencoded"), Some("text/plain"), Some("application/json; charset=utf-8")] {
                let request = agora.request(method.clone(), path).body(body.to_string());
                let request = match content_type {
                    Some(content_type) => request.header(CONTENT_TYPE, content_type),
                    None => request,
                };
                Reply::to(request).await.expect(200);
            }
        }
        let empty = |method: Method, path: &str| agora.request(method, path).header(CONTENT_TYPE, "application/json");
        Reply::to(empty(Method::DELETE, "/users/omar/user_channel?channel=nora&type=chat&delete_roam=true")).await.expect(200);
        Reply::to(empty(Method::POST, "/rest/message/roaming/user/omar/delete/all")).await.expect(200);
        Reply::to(empty(Method::DELETE, &format!("/chatgroups/{group}"))).await.expect(200);
        let nothing = Reply::to(empty(Method::POST, "/messages/users")).await;
        assert_eq!(agora_error(&nothing, 400).0, "json_parse");
    }
}

every_shape! {
    async fn message_calls_need_an_app_token_decision_18(app: TestApp) {
        let (agora, ..) = prepared(&app).await;
        let omar = agora.logged_in("omar").await;
        let calls = [
            (Method::POST, "/messages"),
            (Method::POST, "/messages/chatgroups"),
            (Method::POST, "/messages/chatrooms"),
            (Method::POST, "/messages/chatgroups/users"),
            (Method::POST, "/messages/broadcast"),
            (Method::POST, "/messages/users/broadcast"),
            (Method::POST, "/messages/chatrooms/broadcast"),
            (Method::POST, "/messages/users/import"),
            (Method::POST, "/messages/chatgroups/import"),
            (Method::POST, "/messages/msg_recall"),
            (Method::POST, "/messages/recall"),
            (Method::POST, "/messages/batch_recall"),
            (Method::PUT, "/messages/rewrite/1"),
        ];
        for (method, path) in calls {
            for (client, error) in [(&omar, "auth_bad_access_token"), (&agora.with_token(""), "unauthorized")] {
                let reply = Reply::to(client.request(method.clone(), path).body("{}")).await;
                assert_eq!(agora_error(&reply, 401).0, error, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_recall_is_held_to_the_window_and_force_goes_as_far_as_the_generation_says_decision_16() {
    for (generation, told, forced) in [(1, "exceed call time limit", false), (2, "exceed recall time limit", true)] {
        let (clock, app) = clocked(pb::Policy { agora_generation: Some(generation), ..Default::default() }).await;
        let agora = app.agora();
        let first = agora.send_text("nora", "omar", "one").await;
        let second = agora.send_text("nora", "omar", "two").await;
        let recall = |id: &str, force: bool| json!({"msg_id": id, "to": "omar", "chat_type": "chat", "force": force});
        clock.advance(Duration::from_mins(2));
        agora.post("/messages/msg_recall", &recall(&first, false)).await.expect(200);
        clock.advance(Duration::from_mins(1));
        let late = agora.post("/messages/msg_recall", &recall(&second, false)).await;
        assert_eq!(agora_error(&late, 403), ("message_recall_error".to_owned(), told.to_owned()));
        let elsewhere = if generation == 1 { "can't find message to" } else { "can't find msg to" };
        for (to, kind) in [("omar", "groupchat"), ("omar", "chatroom"), ("16000001", "groupchat"), ("nora", "chat")] {
            let wrong = json!({"msg_id": second, "to": to, "chat_type": kind});
            let reply = agora.post("/messages/msg_recall", &wrong).await;
            assert_eq!(
                agora_error(&reply, 400),
                ("message_recall_error".to_owned(), elsewhere.to_owned()),
                "{to} {kind}"
            );
        }
        let late = agora.post("/messages/msg_recall", &recall(&second, true)).await;
        assert_eq!(late.status.as_u16(), if forced { 200 } else { 403 }, "{}", late.text);
    }
}

#[tokio::test]
async fn force_recalls_what_is_past_storage_decision_16() {
    let week = 7 * 24 * 3_600_000;
    let (clock, app) = clocked(pb::Policy { message_retention_ms: Some(week), ..Default::default() }).await;
    let agora = app.agora();
    let old = agora.send_text("nora", "omar", "old").await;
    clock.advance(Duration::from_hours(8 * 24));
    app.messages().purge(app.request(pb::PurgeRequest {})).await.expect("a purge");
    let new = agora.send_text("nora", "omar", "new").await;
    assert_eq!(seen(&agora, "omar", "chat", "nora").await, (owned(&["new"]), 1));
    let recall = |id: &str, force: bool| json!({"msg_id": id, "to": "omar", "from": "nora", "chat_type": "chat", "force": force});
    let gone = agora.post("/messages/msg_recall", &recall(&old, false)).await;
    assert_eq!(agora_error(&gone, 403).1, "not_found msg");
    let answer = agora.post("/messages/msg_recall", &recall(&old, true)).await.expect(200);
    assert_eq!(
        answer["data"],
        json!({"recalled": "yes", "chattype": "chat", "from": "nora", "to": "omar", "msg_id": old})
    );
    // Three minutes old with a window of two: refused in either dialect.
    clock.advance(Duration::from_mins(3));
    let late = agora.post("/messages/msg_recall", &recall(&new, true)).await;
    assert_eq!(agora_error(&late, 403).1, "exceed call time limit");
}

/// What each API returns for a message past retention, before it is purged and afterwards: one list for both.
#[tokio::test]
async fn what_is_past_storage_is_answered_alike_whether_or_not_the_purge_has_run_decision_16() {
    let mut told = Vec::new();
    for purged in [false, true] {
        let hour = 3_600_000;
        let (clock, app) = clocked(pb::Policy { message_retention_ms: Some(hour), ..Default::default() }).await;
        let (agora, lanying) = (app.agora(), app.lanying());
        let (nora, omar) = (lanying.register("nora").await, lanying.register("omar").await);
        let old = agora.send_text("nora", "omar", "old").await;
        let keyed = agora.send_text("nora", "omar", "keyed").await;
        let msg_id: i64 = old.parse().expect("a number");
        let find = pb::FindRequest { msg_id: keyed.parse().expect("a number") };
        let found = app.messages().find(app.request(find)).await.expect("found").into_inner();
        let key_of = |seq: i64| MsgKey::of(seq, MsgId(found.msg_id), moment_or_zero(found.sent_at)).to_string();
        let (key, wrong_key) = (key_of(found.seq), key_of(found.seq + 1));
        clock.advance(Duration::from_hours(2));
        // Tokens are older than an hour by now.
        let nora_there = lanying.logged_in("nora").await;
        if purged {
            let purge = app.messages().purge(app.request(pb::PurgeRequest {})).await.expect("a purge").into_inner();
            assert_eq!(purge.removed, 2);
        }
        let mut say =
            |what: &str, answer: String| told.push((purged, format!("{what}: {}", answer.replace(&old, "ID"))));
        let of = |reply: &Reply| {
            let answer = reply.json();
            let kept = ["data", "error", "error_description", "code"].map(|key| answer[key].to_string());
            format!("{} {kept:?}", reply.status.as_u16())
        };
        let grpc = |reply: Result<tonic::Response<pb::RecallResponse>, tonic::Status>| match reply {
            Ok(reply) => format!("{:?}", reply.into_inner())
                .replace(&omar.to_string(), "OMAR")
                .replace(&nora.to_string(), "NORA"),
            Err(status) => format!("{:?} {}", status.code(), status.message()),
        };
        let named = |user: i64| Some(pb::Target { target: Some(pb::target::Target::UserId(user)) });
        let plain = pb::RecallRequest { msg_id, ..Default::default() };
        let forced = pb::RecallRequest { past_storage: true, to: named(omar), ..plain.clone() };
        // Refused calls first, so that the message is not recalled yet.
        for (what, request) in [
            ("grpc, plain", app.request(plain.clone())),
            ("grpc, by the sender", app.request_as(nora, plain.clone())),
            ("grpc, forced by the sender", app.request_as(nora, forced.clone())),
            ("grpc, forced to nobody", app.request(pb::RecallRequest { to: None, ..forced.clone() })),
            ("grpc, by key", app.request(pb::RecallRequest { msg_id: 0, msg_key: key.clone(), ..plain.clone() })),
            (
                "grpc, by a wrong key",
                app.request(pb::RecallRequest { msg_id: 0, msg_key: wrong_key.clone(), ..plain.clone() }),
            ),
        ] {
            say(what, grpc(app.messages().recall(request).await));
        }
        let there = json!({"conversation_id": omar, "msg_id": msg_id});
        say("lanying, by the sender", of(&nora_there.post("/message/recall", &there).await));
        say("lanying, by the app", of(&lanying.post("/message/recall", &there).await));
        let here = |force: bool, to: &str| json!({"msg_id": old, "to": to, "from": "nora", "chat_type": "chat", "force": force});
        say("agora, plain", of(&agora.post("/messages/msg_recall", &here(false, "omar")).await));
        say(
            "agora, to nobody",
            of(&agora.post("/messages/msg_recall", &json!({"msg_id": old, "chat_type": "chat", "force": true})).await),
        );
        for path in ["/messages/recall", "/messages/batch_recall"] {
            let several = json!({"msgs": [here(false, "omar"), here(true, "omar")]});
            say(path, of(&agora.post(path, &several).await));
        }
        // Twice: for a message that is not in the log, nothing records the first recall.
        for _ in 0..2 {
            say("agora, forced", of(&agora.post("/messages/msg_recall", &here(true, "omar")).await));
            say("agora, forced elsewhere", of(&agora.post("/messages/msg_recall", &here(true, "nora")).await));
            say("grpc, forced", grpc(app.messages().recall(app.request(forced.clone())).await));
            for key in [&wrong_key, &key] {
                let by_key = pb::RecallRequest { msg_id: 0, msg_key: key.clone(), ..forced.clone() };
                say("grpc, forced by key", grpc(app.messages().recall(app.request(by_key)).await));
            }
        }
        say("afterwards", format!("{:?}", seen(&agora, "omar", "chat", "nora").await));
    }
    let (before, after): (Vec<_>, Vec<_>) = told.into_iter().partition(|(purged, _)| !purged);
    let texts = |told: Vec<(bool, String)>| told.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    let (before, after) = (texts(before), texts(after));
    assert_eq!(before, after);
    assert!(after.iter().any(|text| text.starts_with("agora, forced: 200 ")), "{after:?}");
    assert!(
        after.iter().any(|text| text.starts_with("lanying, by the sender: 200 ") && text.contains("10002")),
        "{after:?}"
    );
}

#[tokio::test]
async fn the_lines_of_the_generation_can_be_set_one_by_one_decision_12() {
    let large = |bytes: usize| json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "x"}, "ext": {"k": "x".repeat(bytes)}});
    let sent = async |policy: pb::Policy, bytes: usize| {
        let app = policy::on_any_shape().await;
        policy::set(&app, policy).await;
        app.agora().post("/messages/users", &large(bytes)).await
    };
    let seed = pb::Policy::default();
    let newest = pb::Policy { agora_generation: Some(2), ..Default::default() };
    let told = agora_error(&sent(seed.clone(), 3100).await, 413);
    assert_eq!(told, ("Request Entity Too Large".to_owned(), "Request Entity Too Large.".to_owned()));
    assert_eq!(sent(newest.clone(), 3100).await.status, 200);
    let told = agora_error(&sent(newest.clone(), 5200).await, 400);
    assert_eq!(told, ("message_send_error".to_owned(), "message is too large".to_owned()));
    let mixed = pb::Policy { agora_size_is_400: Some(false), ..newest };
    assert_eq!(sent(mixed, 5200).await.status, 413);
    let mixed = pb::Policy { agora_size_is_400: Some(true), ..seed };
    assert_eq!(sent(mixed, 3100).await.status, 400);
}

#[tokio::test]
async fn custom_values_show_as_an_object_or_an_array_agora_14() {
    for (generation, shown) in [(1, json!({"kind": "rose"})), (2, json!([{"kind": "rose"}]))] {
        let app = policy::on_any_shape().await;
        policy::set(&app, pb::Policy { agora_generation: Some(generation), ..Default::default() }).await;
        let agora = app.agora();
        let custom = json!({"from": "nora", "to": ["omar"], "type": "custom", "body": {"customEvent": "gift", "customExts": {"kind": "rose"}}});
        agora.post("/messages/users", &custom).await.expect(200);
        let page = agora.get("/tidings/users/omar/messages?type=chat&channel=nora").await.expect(200);
        let body = &page["data"][0]["payload"]["bodies"][0];
        assert_eq!((&body["customExts"], &body["v2:customExts"]), (&shown, &json!({"kind": "rose"})));
    }
}

#[tokio::test]
async fn strict_bodies_want_what_the_seed_requires_decision_20() {
    let strict = policy::on_any_shape().await;
    policy::set(&strict, pb::Policy { strict_bodies: Some(true), ..Default::default() }).await;
    let lenient = policy::on_any_shape().await;
    for (kind, lacking, whole) in [
        ("img", json!({"url": "u"}), json!({"url": "u", "filename": "f", "size": {"width": 1, "height": 1}})),
        ("audio", json!({"url": "u", "filename": "f"}), json!({"url": "u", "filename": "f", "length": 1})),
        (
            "video",
            json!({"url": "u", "length": 1}),
            json!({"url": "u", "thumbnail": "t", "length": 1, "file_length": 1}),
        ),
    ] {
        let send = |body: &Value| json!({"from": "nora", "to": ["omar"], "type": kind, "body": body});
        assert_eq!(lenient.agora().post("/messages/users", &send(&lacking)).await.status, 200);
        assert_eq!(
            agora_error(&strict.agora().post("/messages/users", &send(&lacking)).await, 400).0,
            "invalid_request_body"
        );
        assert_eq!(strict.agora().post("/messages/users", &send(&whole)).await.status, 200, "{kind}");
    }
}
