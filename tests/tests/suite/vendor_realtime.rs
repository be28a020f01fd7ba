//! The vendor's web SDK, unmodified, over its WebSocket: logs in, sends and receives. Only the addresses are ours.

use serde_json::{Value, json};
use tidings_testkit::{TestApp, every_shape};

use crate::sdk_device::{Device, text};

async fn group(app: &TestApp, path: &str, body: &Value) -> String {
    let made = app.agora().post(path, body).await.expect(200);
    let data = &made["data"];
    data["groupid"].as_str().or(data["id"].as_str()).expect("an id").to_owned()
}

async fn tulips(app: &TestApp) -> String {
    let body = json!({"groupname": "tulips", "desc": "", "public": true, "owner": "nora", "members": ["omar"]});
    group(app, "/chatgroups", &body).await
}

every_shape! {
    async fn the_sdk_logs_in_by_password_and_token_and_names_what_is_wrong(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let mut nora = Device::start(&app, "nora");
        nora.does("open", json!({"pwd": "nora-password"})).await;
        nora.hears("onConnected", |_| true).await;
        Device::logged_in(&app, "nora").await;
        // WEBIM_CONNCTION_TOKEN_NOT_ASSIGN_ERROR
        let fault = Device::start(&app, "nora").call("open", json!({"accessToken": "wrong"})).await.expect_err("a refusal");
        assert_eq!((&fault["type"], &fault["message"]), (&json!(28), &json!("INVALID_TOKEN")), "{fault}");
        let token = app.agora().logged_in("omar").await.token;
        let fault = Device::start(&app, "nora").call("open", json!({"accessToken": token})).await.expect_err("a refusal");
        assert_eq!(fault["message"], "INVALID_TOKEN", "the token of another user");
    }
}

every_shape! {
    async fn messages_go_both_ways_in_direct_conversations_groups_and_rooms(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let tulips = tulips(&app).await;
        let room = json!({"name": "roses", "description": "", "owner": "nora", "members": []});
        let roses = group(&app, "/chatrooms", &room).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        let joined = omar.does("join", json!({"roomId": roses})).await;
        assert_eq!((&joined["result"], &joined["action"]), (&json!(true), &json!("apply")));
        for (place, kind) in [("", "singleChat"), (tulips.as_str(), "groupChat"), (roses.as_str(), "chatRoom")] {
            let (to_omar, to_nora) = if place.is_empty() { ("omar", "nora") } else { (place, place) };
            let id = nora.send(text(to_omar, kind, &format!("{kind} there"))).await;
            let heard = omar.hears_text(&format!("{kind} there")).await;
            assert_eq!(heard["id"], id);
            assert_eq!((&heard["from"], &heard["to"], &heard["chatType"]), (&json!("nora"), &json!(to_omar), &json!(kind)));
            assert_eq!(heard["has_time"], true);
            omar.send(text(to_nora, kind, &format!("{kind} back"))).await;
            nora.hears_text(&format!("{kind} back")).await;
            assert_eq!(nora.count(&format!("{kind} there")), 0, "its own message is not delivered to a session");
        }
        omar.does("leave", json!({"roomId": roses})).await;
        // A membership is believed for up to a second.
        let fault = loop {
            if let Err(fault) = omar.call("send", text(&roses, "chatRoom", "left")).await {
                break fault;
            }
        };
        assert_eq!(fault["type"], 602, "GROUP_NOT_JOINED: {fault}");
        let fault = omar.call("join", json!({"roomId": "4711"})).await.expect_err("a refusal");
        assert_eq!(fault["type"], 705, "CHATROOM_NOT_EXIST: {fault}");
    }
}

every_shape! {
    async fn messages_of_other_doors_arrive_with_their_ids_and_offline_ones_once(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let ids = [app.agora().send_text("nora", "omar", "one").await, app.agora().send_text("nora", "omar", "two").await];
        let mut omar = Device::logged_in(&app, "omar").await;
        assert_eq!(omar.hears_text("one").await["id"], ids[0]);
        assert_eq!(omar.hears_text("two").await["id"], ids[1]);
        let id = app.agora().send_text("nora", "omar", "three").await;
        assert_eq!(omar.hears_text("three").await["id"], id);
        omar.does("send", text("nora", "singleChat", "thanks")).await;
        omar.does("close", json!({})).await;
        drop(omar);
        app.agora().send_text("nora", "omar", "four").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        omar.hears_text("four").await;
        assert_eq!((omar.count("one"), omar.count("two"), omar.count("thanks")), (0, 0, 0));
    }
}

every_shape! {
    async fn recalls_edits_and_acknowledgements_reach_the_other_side(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        let id = nora.send(text("omar", "singleChat", "hi")).await;
        omar.hears_text("hi").await;
        nora.hears("onDeliveredMessage", |ack| ack["mid"] == id).await;
        omar.does("send", json!({"type": "read", "chatType": "singleChat", "to": "nora", "id": id})).await;
        let read = nora.hears("onReadMessage", |ack| ack["mid"] == id).await;
        assert_eq!(read["from"], "omar");
        let edit = json!({"messageId": id, "message": text("omar", "singleChat", "hello")});
        assert_eq!(nora.does("edit", edit).await, json!({"msg": "hello", "count": 1}));
        let edited = omar.hears("onModifiedMessage", |message| message["id"] == id).await;
        assert_eq!(edited["msg"], "hello");
        nora.does("recall", json!({"mid": id, "to": "omar", "chatType": "singleChat"})).await;
        let recalled = omar.hears("onRecallMessage", |recall| recall["mid"] == id).await;
        assert_eq!(recalled["from"], "nora");
        let fault = omar.call("edit", json!({"messageId": id, "message": text("nora", "singleChat", "x")})).await;
        assert_eq!(fault.expect_err("a refusal")["type"], 1302, "MODIFY_MESSAGE_NOT_EXIST");
    }
}

every_shape! {
    async fn all_devices_of_a_user_get_messages_and_online_only_ones_are_not_kept(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let mut first = Device::logged_in(&app, "nora").await;
        let mut second = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        omar.send(text("nora", "singleChat", "hi")).await;
        first.hears_text("hi").await;
        second.hears_text("hi").await;
        first.send(text("omar", "singleChat", "hello")).await;
        assert_eq!(second.hears_text("hello").await["from"], "nora");
        omar.hears_text("hello").await;
        let command = json!({"type": "cmd", "chatType": "singleChat", "to": "nora", "action": "ring", "deliverOnlineOnly": true});
        omar.send(command).await;
        first.hears("onCmdMessage", |message| message["action"] == "ring").await;
        second.hears("onCmdMessage", |message| message["action"] == "ring").await;
        let listed = app.agora().get("/tidings/users/nora/messages?type=chat&channel=omar").await;
        assert_eq!(listed.status, 200);
        assert!(!listed.text.contains("ring"), "{}", listed.text);
    }
}

every_shape! {
    async fn the_sdk_hears_of_presence_and_why_it_is_disconnected(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        nora.does("subscribe", json!({"usernames": ["omar"], "expiry": 1000})).await;
        let mut omar = Device::logged_in(&app, "omar").await;
        let is = |status: i64| move |user: &Value| user["userId"] == "omar" && user["statusDetails"][0]["status"] == status;
        nora.hears("onPresenceStatusChange", is(1)).await;
        omar.does("publish", json!({"description": "lunch"})).await;
        nora.hears("onPresenceStatusChange", |user| user["ext"] == "lunch").await;
        agora.get("/users/omar/disconnect").await.expect(200);
        omar.hears("onError", |fault| fault["message"] == "the user was kicked by other device").await;
        nora.hears("onPresenceStatusChange", is(0)).await;
        let password = agora.request(reqwest::Method::PUT, "/users/nora/password").json(&json!({"newpassword": "x"}));
        password.send().await.expect("an answer");
        nora.hears("onError", |fault| fault["message"] == "the user was kicked by changing password").await;
    }
}

every_shape! {
    async fn discovery_names_this_server(app: TestApp) {
        let url = app.suite.url();
        let answer = reqwest::get(format!("{url}/easemob/server.json?app_key=acme%23lobby")).await.expect("an answer");
        let document: Value = answer.json().await.expect("JSON");
        for part in ["rest", "msync-wx"] {
            let host = &document[part]["hosts"][0];
            let (protocol, domain) = (host["protocol"].as_str().expect("one"), host["domain"].as_str().expect("one"));
            assert_eq!(format!("{protocol}://{domain}:{}", host["port"]), url);
        }
        assert_eq!(document["app_key"], "acme#lobby");
    }
}
