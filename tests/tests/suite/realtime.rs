//! `/tidings/ws`: clients that are connected (docs/realtime.md).

use std::collections::{HashMap, HashSet};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, Socket, every_shape};

pub async fn group(agora: &Agora, owner: &str, members: &[&str]) -> String {
    let body = json!({"groupname": "team", "desc": "d", "public": true, "owner": owner, "members": members});
    agora.post("/chatgroups", &body).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned()
}

fn text(to: &str, text: &str) -> Value {
    json!({"to": [to], "type": "txt", "body": {"msg": text}})
}

fn send(id: &str, chat_type: &str, to: &str, words: &str) -> Value {
    json!({"type": "send", "id": id, "chat_type": chat_type, "message": text(to, words)})
}

every_shape! {
    async fn what_is_sent_reaches_connected_users_at_once_with_the_id_of_the_answer(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let [nora, omar] = [agora.logged_in("nora").await, agora.logged_in("omar").await];
        let mut here = Socket::open(&app, &nora.token, None).await;
        let mut other_device = Socket::open(&app, &nora.token, None).await;
        let mut peer = Socket::open(&app, &omar.token, None).await;

        here.send(&send("1", "chat", "omar", "hello")).await;
        let sent = here.next_of("sent").await;
        assert_eq!((&sent["id"], &sent["messages"][0]["to"]), (&json!("1"), &json!("omar")));
        let id = sent["messages"][0]["msg_id"].clone();
        for socket in [&mut peer, &mut other_device] {
            let event = socket.event("message.sent").await;
            assert_eq!((&event["msg_id"], &event["from"], &event["to"]), (&id, &json!("nora"), &json!("omar")));
            assert_eq!(event["message"]["payload"]["bodies"][0]["msg"], "hello");
            // Other users are not told from where somebody writes.
            assert!(["client_ip", "platform", "traceparent"].iter().all(|key| event.get(key).is_none()), "{event}");
        }

        // Over REST, in the sender's name: their own devices only where the call says so.
        let id = agora.send_text("nora", "omar", "by REST").await;
        assert_eq!(peer.event("message.sent").await["msg_id"], json!(id));
        let body = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "x"}, "sync_device": true});
        let synced = agora.post("/messages/users", &body).await.expect(200)["data"]["omar"].clone();
        assert_eq!(peer.event("message.sent").await["msg_id"], synced);
        assert_eq!(other_device.event("message.sent").await["msg_id"], synced);
    }
}

every_shape! {
    async fn groups_rooms_recalls_edits_and_receipts_reach_those_they_concern(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let team = group(&agora, "nora", &["omar"]).await;
        let room = json!({"name": "r", "description": "d", "owner": "nora", "members": ["omar"]});
        let room = agora.post("/chatrooms", &room).await.expect(200)["data"]["id"].as_str().expect("an id").to_owned();
        let mut nora = Socket::open(&app, &agora.logged_in("nora").await.token, None).await;
        let mut omar = Socket::open(&app, &agora.logged_in("omar").await.token, None).await;
        let mut pia = Socket::open(&app, &agora.logged_in("pia").await.token, None).await;

        nora.send(&send("1", "groupchat", &team, "to all")).await;
        let msg_id = nora.next_of("sent").await["messages"][0]["msg_id"].as_str().expect("an id").to_owned();
        assert_eq!(omar.event("message.sent").await["group_id"], json!(team));
        omar.send(&send("2", "chatroom", &room, "in the room")).await;
        assert_eq!(omar.next_of("sent").await["messages"][0]["to"], json!(room));
        assert_eq!(nora.event("message.sent").await["msg_id"], json!(msg_id));
        assert_eq!(nora.event("message.sent").await["chat_type"], "chatroom");

        omar.send(&json!({"type": "read", "id": "3", "msg_id": msg_id})).await;
        assert_eq!(omar.next_of("done").await["id"], "3");
        let read = nora.event("conversation.read").await;
        assert_eq!((&read["operator"], &read["msg_id"]), (&json!("omar"), &json!(msg_id)));

        let edit = json!({"user": "nora", "new_msg": {"type": "txt", "msg": "to everybody"}});
        let edited = agora.request(Method::PUT, &format!("/messages/rewrite/{msg_id}")).json(&edit).send().await;
        assert_eq!(edited.expect("an answer").status(), 200);
        let event = omar.event("message.edited").await;
        assert_eq!(event["message"]["payload"]["bodies"][0]["msg"], "to everybody");
        let recall = json!({"msg_id": msg_id, "from": "nora", "to": team, "chat_type": "groupchat", "force": true});
        agora.post("/messages/msg_recall", &recall).await.expect(200);
        assert_eq!(omar.event("message.recalled").await["msg_id"], json!(msg_id));

        // Who is in neither got nothing of it: the first thing that concerns her is the next message.
        let id = agora.send_text("omar", "pia", "hello").await;
        assert_eq!(pia.events().await[0]["msg_id"], json!(id));
    }
}

every_shape! {
    async fn a_client_that_resumes_from_its_cursor_misses_nothing_and_gets_nothing_twice(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let team = group(&agora, "nora", &["omar"]).await;
        let token = agora.logged_in("omar").await.token;
        let sender = agora.clone();
        let sends = tokio::spawn(async move {
            let mut ids = Vec::new();
            for n in 0..150 {
                let (path, to) = if n % 3 == 0 { ("/messages/chatgroups", team.as_str()) } else { ("/messages/users", "omar") };
                let body = json!({"from": "nora", "to": [to], "type": "txt", "body": {"msg": n.to_string()}});
                let answer = sender.post(path, &body).await.expect(200);
                ids.push(answer["data"][to].as_str().expect("an id").to_owned());
            }
            ids
        });
        let (mut seen, mut last_seq) = (HashSet::new(), HashMap::new());
        // Since the beginning of the app, so that no send is before the first cursor.
        let mut cursor = "0:0".to_owned();
        let mut rounds = 0;
        while seen.len() < 150 {
            rounds += 1;
            assert!(rounds < 1_000, "{} of 150 messages came", seen.len());
            let mut socket = Socket::open(&app, &token, Some(&cursor)).await;
            // A few frames, then the connection is cut, wherever that is.
            for _ in 0..3 {
                let frame = socket.next_of("events").await;
                let events = frame["events"].as_array().expect("events").iter();
                for event in events.filter(|event| event["kind"] == "message.sent") {
                    // What came before a cursor was told may come again, with the same id.
                    if !seen.insert(event["msg_id"].as_str().expect("an id").to_owned()) {
                        continue;
                    }
                    let conversation = event["group_id"].as_str().unwrap_or("direct").to_owned();
                    let seq = event["seq"].as_i64().expect("a number");
                    let before = last_seq.insert(conversation, seq).unwrap_or(0);
                    assert_eq!(seq, before + 1, "in order, without a gap");
                }
                if seen.len() == 150 {
                    break;
                }
            }
            cursor = socket.cursor.clone().unwrap_or(cursor);
        }
        let ids: HashSet<String> = sends.await.expect("the sends").into_iter().collect();
        assert_eq!(seen, ids);
    }
}

every_shape! {
    async fn what_is_no_frame_or_not_allowed_is_refused_by_name(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let token = agora.logged_in("nora").await.token;
        let key = format!("{}#{}", app.app().org, app.app().name);
        for (first, code, words) in [
            (json!({"type": "send", "id": "1"}), 1008, "chat_type"),
            (json!({"type": "ping"}), 1008, "must be auth"),
            (json!({"type": "auth", "app": key}), 1008, "token"),
            (json!({"type": "auth", "app": key, "token": "x"}), 4401, "token"),
            (json!({"type": "auth", "app": "acme#nowhere", "token": token}), 4401, "acme"),
            (json!({"type": "auth", "app": key, "token": agora.token}), 4401, "must be a user's token"),
            (json!({"type": "auth", "app": key, "token": token, "cursor": "yesterday"}), 1008, "cursor"),
        ] {
            let mut socket = Socket::connect(&app.suite.url()).await;
            socket.send(&first).await;
            let error = socket.next_of("error").await;
            let text = error["error_description"].as_str().expect("a text");
            assert!(text.contains(words), "{first}: {text}");
            assert_eq!(socket.closed().await, code, "{first}");
        }
        let mut socket = Socket::open(&app, &token, None).await;
        socket.send_text("{").await;
        assert!(socket.next_of("error").await["error_description"].as_str().expect("a text").starts_with("frame"));
        socket.send_bytes(b"x").await;
        assert!(socket.next_of("error").await["error_description"].as_str().expect("a text").contains("text"));
        socket.send(&send("9", "groupchat", "16", "x")).await;
        let error = socket.next_of("error").await;
        assert_eq!((&error["id"], &error["reason"]), (&json!("9"), &json!("GROUP_NOT_FOUND")));
        socket.send(&send("12", "chat", "nobody", "x")).await;
        let error = socket.next_of("error").await;
        assert_eq!((&error["id"], &error["reason"]), (&json!("12"), &json!("USER_NOT_FOUND")));
        let as_another = json!({"type": "send", "id": "10", "chat_type": "chat",
            "message": {"from": "omar", "to": ["nora"], "type": "txt", "body": {"msg": "x"}}});
        socket.send(&as_another).await;
        assert_eq!(socket.next_of("error").await["reason"], "APP_TOKEN_REQUIRED");
        socket.send(&json!({"type": "ping"})).await;
        socket.next_of("pong").await;
        // A repetition under a key is answered with the same message.
        let mut keyed = send("11", "chat", "omar", "once");
        keyed["idempotency_key"] = json!("k");
        let mut answers = Vec::new();
        for _ in 0..2 {
            socket.send(&keyed).await;
            answers.push(socket.next_of("sent").await);
        }
        assert_eq!(answers[0], answers[1]);
        socket.send_text(&"x".repeat(300_000)).await;
        assert_eq!(socket.closed().await, 1009, "too large a frame ends the connection");
    }
}

every_shape! {
    async fn a_user_who_may_no_longer_act_is_disconnected(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let mut socket = Socket::open(&app, &agora.logged_in("nora").await.token, None).await;
        agora.delete("/users/nora").await.expect(200);
        socket.next_of("error").await;
        assert_eq!(socket.closed().await, 4401);
    }
}

every_shape! {
    async fn users_who_go_leave_nothing_behind(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let token = agora.logged_in("omar").await.token;
        drop(Socket::open(&app, &token, None).await);
        // The sends meanwhile fail nowhere, and the next client gets what comes.
        agora.send_text("nora", "omar", "away").await;
        let mut socket = Socket::open(&app, &token, None).await;
        let next = agora.send_text("nora", "omar", "back").await;
        while socket.event("message.sent").await["msg_id"] != json!(next) {}
    }
}

every_shape! {
    async fn who_joins_a_group_while_connected_gets_what_is_said_there_from_then_on(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let team = group(&agora, "nora", &[]).await;
        let say = async |words: &str| {
            let body = json!({"from": "nora", "to": [team], "type": "txt", "body": {"msg": words}});
            agora.post("/messages/chatgroups", &body).await.expect(200)["data"][&team].clone()
        };
        say("before").await;
        let mut omar = Socket::open(&app, &agora.logged_in("omar").await.token, None).await;
        agora.post(&format!("/chatgroups/{team}/users/omar"), &json!({})).await.expect(200);
        // At once, before the feed has the change.
        let ids = [say("welcome").await, say("to you").await];
        let mut seen = Vec::new();
        let mut has_joined = false;
        while seen.len() < 2 {
            for event in omar.events().await {
                match event["kind"].as_str() {
                    Some("group.joined") => has_joined = true,
                    Some("message.sent") => seen.push(event["msg_id"].clone()),
                    _ => {}
                }
            }
        }
        assert!(has_joined);
        assert_eq!(seen, ids);
        agora.delete(&format!("/chatgroups/{team}/users/omar")).await.expect(200);
        omar.event("group.left").await;
        say("without him").await;
        let id = agora.send_text("nora", "omar", "to him").await;
        assert_eq!(omar.events().await[0]["msg_id"], json!(id));
    }
}

pub async fn say(agora: &Agora, group: &str, words: &str) -> Value {
    let body = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": words}});
    agora.post("/messages/chatgroups", &body).await.expect(200)["data"][group].clone()
}

pub async fn edit(agora: &Agora, msg_id: &Value, words: &str) {
    let path = format!("/messages/rewrite/{}", msg_id.as_str().expect("an id"));
    let body = json!({"user": "nora", "new_msg": {"type": "txt", "msg": words}});
    let edited = agora.request(Method::PUT, &path).json(&body).send().await.expect("an answer");
    assert_eq!(edited.status(), 200);
}

/// Kind and message of the events up to the frame with that message.
pub async fn until(socket: &mut Socket, msg_id: &Value) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    loop {
        let events = socket.events().await;
        let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
        seen.extend(events.iter().map(|event| (text(event, "kind"), text(event, "msg_id"))));
        if events.iter().any(|event| event["msg_id"] == *msg_id && event["kind"] == "message.sent") {
            return seen;
        }
    }
}

every_shape! {
    async fn who_enters_a_group_gets_nothing_of_what_was_said_and_changed_there_before(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let team = group(&agora, "nora", &[]).await;
        let old = say(&agora, &team, "before").await;
        edit(&agora, &old, "before, edited").await;
        agora.post(&format!("/chatgroups/{team}/announcement"), &json!({"announcement": "old news"})).await.expect(200);
        let token = agora.logged_in("omar").await.token;
        let mut omar = Socket::open(&app, &token, None).await;
        agora.post(&format!("/chatgroups/{team}/users/omar"), &json!({})).await.expect(200);
        let welcome = say(&agora, &team, "welcome").await;
        let last = json!(agora.send_text("nora", "omar", "to him").await);
        let said = [&welcome, &last].map(|id| id.as_str().expect("an id").to_owned());
        let wanted = [
            ("group.joined".to_owned(), String::new()),
            ("message.sent".to_owned(), said[0].clone()),
            ("message.sent".to_owned(), said[1].clone()),
        ];
        // Messages of other lanes may come before those of the group, when he is connected and when he comes back.
        let of_both = async |socket: &mut Socket| {
            let mut seen = until(socket, &last).await;
            if !seen.iter().any(|(_, id)| *id == said[0]) {
                seen.extend(until(socket, &welcome).await);
            }
            seen.sort();
            seen
        };
        let mut sorted = wanted.to_vec();
        sorted.sort();
        assert_eq!(of_both(&mut omar).await, sorted);
        let mut back = Socket::open(&app, &token, Some("0:0")).await;
        assert_eq!(of_both(&mut back).await, sorted);
    }
}

every_shape! {
    async fn a_cursor_comes_only_when_what_was_said_in_an_entered_group_has_come(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let team = group(&agora, "nora", &[]).await;
        let token = agora.logged_in("omar").await.token;
        let mut omar = Socket::open(&app, &token, None).await;
        agora.post(&format!("/chatgroups/{team}/users/omar"), &json!({})).await.expect(200);
        let welcome = say(&agora, &team, "welcome").await;
        let is = |frame: &Value, kind: &str| {
            frame["events"].as_array().expect("events").iter().any(|event| event["kind"] == kind)
        };
        loop {
            let frame = omar.next_of("events").await;
            if is(&frame, "group.joined") {
                assert_eq!(frame["cursor"], Value::Null, "{frame}");
                break;
            }
        }
        let cursor = omar.cursor.clone().expect("the position before");
        drop(omar);
        let mut back = Socket::open(&app, &token, Some(&cursor)).await;
        while back.event("message.sent").await["msg_id"] != welcome {}
    }
}

every_shape! {
    async fn who_enters_a_group_and_leaves_it_at_once_stays_connected(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let team = group(&agora, "nora", &[]).await;
        let mut omar = Socket::open(&app, &agora.logged_in("omar").await.token, None).await;
        for _ in 0..10 {
            agora.post(&format!("/chatgroups/{team}/users/omar"), &json!({})).await.expect(200);
            agora.delete(&format!("/chatgroups/{team}/users/omar")).await.expect(200);
        }
        let id = json!(agora.send_text("nora", "omar", "to him").await);
        let (mut left, mut is_there) = (0, false);
        while left < 10 || !is_there {
            for event in omar.events().await {
                left += usize::from(event["kind"] == "group.left");
                is_there |= event["msg_id"] == id;
            }
        }
    }
}

every_shape! {
    async fn what_no_client_gets_at_once_does_not_come_later(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let token = agora.logged_in("omar").await.token;
        let by_app = json!({"to": ["omar"], "type": "txt", "body": {"msg": "from the app"}});
        agora.post("/messages/users", &by_app).await.expect(200);
        let named = agora.request(Method::PUT, "/users/omar").json(&json!({"nickname": "O"})).send().await;
        assert_eq!(named.expect("an answer").status(), 200);
        drop(Socket::open(&app, &token, None).await);
        let imported = json!({"target": "omar", "type": "txt", "body": {"msg": "old"}, "from": "nora",
            "msg_timestamp": 1_700_000_000_000_i64, "need_download": false});
        agora.post("/messages/users/import", &imported).await.expect(200);
        let last = json!(agora.send_text("nora", "omar", "the last").await);
        let mut back = Socket::open(&app, &token, Some("0:0")).await;
        let seen = until(&mut back, &last).await;
        assert!(seen.iter().all(|(kind, _)| !kind.starts_with("user.")), "{seen:?}");
        assert_eq!(seen.iter().filter(|(kind, _)| kind == "message.sent").count(), 2, "{seen:?}");
    }
}

every_shape! {
    async fn what_is_for_those_online_reaches_them_and_nobody_later(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let token = agora.logged_in("omar").await.token;
        let mut nora = Socket::open(&app, &agora.logged_in("nora").await.token, None).await;
        let mut omar = Socket::open(&app, &token, None).await;
        let mut typing = send("1", "chat", "omar", "typing");
        typing["message"]["routetype"] = json!("ROUTE_ONLINE");
        nora.send(&typing).await;
        let id = nora.next_of("sent").await["messages"][0]["msg_id"].clone();
        let event = omar.event("message.online").await;
        assert_eq!((&event["msg_id"], &event["from"]), (&id, &json!("nora")));
        assert_eq!(event["message"]["payload"]["bodies"][0]["msg"], "typing");
        let last = json!(agora.send_text("nora", "omar", "stored").await);
        let mut back = Socket::open(&app, &token, Some("0:0")).await;
        assert!(until(&mut back, &last).await.iter().all(|(kind, _)| kind != "message.online"));
    }
}
