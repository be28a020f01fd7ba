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
    async fn a_device_whose_place_is_taken_is_shown_what_the_new_one_says_of_itself(app: TestApp) {
        app.agora().register(&["nora"]).await;
        let token = app.agora().logged_in("nora").await.token;
        let mut first = Device::logged_in_on(&app, "nora", "desk").await;
        let mut second = Device::start_on(&app, "nora", "desk");
        second.sdk("setLoginInfoCustomExt", json!(["from the train"])).await;
        second.does("open", json!({"accessToken": token})).await;
        // WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE
        let fault = first.hears("onError", |fault| fault["type"] == 206).await;
        assert_eq!(fault["ext"], "from the train");
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
        assert_eq!((&document["app_key"], &document["uploadinparts_enable"]), (&json!("acme#lobby"), &json!("false")));
        // Clients that name their app by Agora's id need the app key.
        let of = async |app_id: &str| reqwest::get(format!("{url}/easemob/server.json?app_id={app_id}")).await.expect("an answer");
        let answer = of(&app.secrets.agora_app_id).await;
        let document: Value = answer.json().await.expect("JSON");
        assert_eq!(document["app_key"], format!("{}#{}", app.app().org, app.app().name));
        assert_eq!(of(&"0".repeat(32)).await.status(), 404);
        assert_eq!(of("lobby").await.status(), 404);
    }
}

every_shape! {
    async fn a_device_that_comes_back_gets_what_came_to_others_what_they_sent_and_what_they_read(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let mut phone = Device::logged_in_on(&app, "nora", "phone").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        // Acknowledged before the next call is answered.
        omar.send(text("nora", "singleChat", "first")).await;
        phone.hears_text("first").await;
        phone.send(text("omar", "singleChat", "seen")).await;
        omar.hears_text("seen").await;
        // What it hears comes after its own message in the feed, and is acknowledged before a call is answered.
        omar.send(text("nora", "singleChat", "noted")).await;
        phone.hears_text("noted").await;
        phone.call("join", json!({"roomId": "4711"})).await.expect_err("no such room");
        phone.does("close", json!({})).await;
        drop(phone);
        let mut web = Device::logged_in_on(&app, "nora", "web").await;
        omar.send(text("nora", "singleChat", "second")).await;
        web.hears_text("second").await;
        web.send(text("omar", "singleChat", "third")).await;
        web.does("send", json!({"type": "channel", "chatType": "singleChat", "to": "omar"})).await;
        omar.hears_text("third").await;
        let mut phone = Device::logged_in_on(&app, "nora", "phone").await;
        assert_eq!(phone.hears_text("second").await["from"], "omar");
        assert_eq!(phone.hears_text("third").await["from"], "nora", "what another device sent");
        let read = phone.hears("onChannelMessage", |_| true).await;
        assert_eq!((&read["from"], &read["to"]), (&json!("nora"), &json!("omar")), "what another device read");
        assert_eq!((phone.count("first"), phone.count("seen"), phone.count("noted")), (0, 0, 0));
        phone.send(text("omar", "singleChat", "fourth")).await;
        web.hears_text("fourth").await;
        // Read on one connected device, cleared on the other, and not at the one that did it.
        omar.send(text("nora", "singleChat", "fifth")).await;
        phone.hears_text("fifth").await;
        web.hears_text("fifth").await;
        phone.does("send", json!({"type": "channel", "chatType": "singleChat", "to": "omar"})).await;
        web.hears("onChannelMessage", |read| read["from"] == "nora").await;
        phone.send(text("omar", "singleChat", "sixth")).await;
        omar.send(text("nora", "singleChat", "seventh")).await;
        phone.hears_text("seventh").await;
        assert!(!phone.heard.iter().any(|line| line["event"] == "onChannelMessage"), "{:?}", phone.heard);
    }
}

every_shape! {
    async fn members_are_notified_of_what_happens_to_their_group(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let mut omar = Device::logged_in(&app, "omar").await;
        let mut pia = Device::logged_in(&app, "pia").await;
        let tulips = tulips(&app).await;
        let path = format!("/chatgroups/{tulips}");
        let joined = omar.hears_of("onGroupEvent", "directJoined").await;
        assert_eq!((&joined["id"], &joined["name"], &joined["from"]), (&json!(tulips), &json!("tulips"), &json!("admin")));
        agora.post(&format!("{path}/users/pia"), &json!({})).await.expect(200);
        let came = omar.hears_of("onGroupEvent", "memberPresence").await;
        assert_eq!((&came["from"], &came["memberCount"]), (&json!("pia"), &json!(3)));
        pia.hears_of("onGroupEvent", "directJoined").await;
        agora.post(&format!("{path}/admin"), &json!({"newadmin": "omar"})).await.expect(200);
        assert_eq!(omar.hears_of("onGroupEvent", "setAdmin").await["userId"], "omar");
        agora.post(&format!("{path}/mute"), &json!({"usernames": ["pia"], "mute_duration": -1})).await.expect(200);
        let muted = pia.hears_of("onGroupEvent", "muteMember").await;
        assert_eq!((&muted["userId"], &muted["muteTimestamp"]), (&json!("pia"), &json!(-1)));
        agora.post(&format!("{path}/mute"), &json!({"usernames": ["pia"], "mute_duration": 0})).await.expect(200);
        pia.hears_of("onGroupEvent", "unmuteMember").await;
        agora.post(&format!("{path}/ban"), &json!({})).await.expect(200);
        pia.hears_of("onGroupEvent", "muteAllMembers").await;
        agora.post(&format!("{path}/announcement"), &json!({"announcement": "at eight"})).await.expect(200);
        assert_eq!(pia.hears_of("onGroupEvent", "updateAnnouncement").await["announcement"], "at eight");
        let renamed = agora.request(reqwest::Method::PUT, &path).json(&json!({"groupname": "roses"}));
        assert_eq!(renamed.send().await.expect("an answer").status(), 200);
        assert_eq!(pia.hears_of("onGroupEvent", "updateInfo").await["detail"]["name"], "roses");
        agora.delete(&format!("{path}/users/pia")).await.expect(200);
        pia.hears_of("onGroupEvent", "removeMember").await;
        assert_eq!(omar.hears_of("onGroupEvent", "memberAbsence").await["from"], "pia");
        agora.delete(&path).await.expect(200);
        omar.hears_of("onGroupEvent", "destroy").await;
    }
}

every_shape! {
    async fn those_who_decide_are_notified_of_who_wants_to_join_and_those_who_asked_of_the_answer(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia", "quinn"]).await;
        let closed = json!({"groupname": "tulips", "desc": "", "public": true, "approval": true, "owner": "nora",
            "members": ["omar"], "invite_need_confirm": true});
        let path = format!("/chatgroups/{}", group(&app, "/chatgroups", &closed).await);
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        let mut pia = Device::logged_in(&app, "pia").await;
        let (as_nora, as_pia) = (agora.logged_in("nora").await, agora.logged_in("pia").await);
        for (accepts, answer) in [(false, "joinPublicGroupDeclined"), (true, "acceptRequest")] {
            as_pia.post(&format!("{path}/apply"), &json!({"message": "please"})).await.expect(200);
            let asked = nora.hears_of("onGroupEvent", "requestToJoin").await;
            assert_eq!((&asked["from"], &asked["reason"]), (&json!("pia"), &json!("please")));
            let answered = json!({"applicant": "pia", "verifyResult": accepts, "reason": ""});
            as_nora.post(&format!("{path}/apply_verify"), &answered).await.expect(200);
            pia.hears_of("onGroupEvent", answer).await;
        }
        omar.hears_of("onGroupEvent", "memberPresence").await;
        assert!(!omar.heard.iter().any(|line| line["data"]["operation"] == "requestToJoin"), "a plain member");
        // Also a user who is away.
        as_nora.post(&format!("{path}/invite"), &json!({"usernames": ["quinn"]})).await.expect(200);
        let mut quinn = Device::logged_in(&app, "quinn").await;
        let invited = quinn.hears_of("onGroupEvent", "inviteToJoin").await;
        assert_eq!((&invited["from"], &invited["name"]), (&json!("nora"), &json!("tulips")));
        let declined = json!({"invitee": "quinn", "verifyResult": false});
        agora.logged_in("quinn").await.post(&format!("{path}/invite_verify"), &declined).await.expect(200);
        assert_eq!(nora.hears_of("onGroupEvent", "rejectInvite").await["from"], "quinn");
    }
}

every_shape! {
    async fn members_of_a_room_are_notified_of_who_comes_and_of_its_attributes(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let room = json!({"name": "roses", "description": "", "owner": "nora", "members": []});
        let roses = group(&app, "/chatrooms", &room).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        omar.does("join", json!({"roomId": roses})).await;
        let came = nora.hears_of("onChatroomEvent", "memberPresence").await;
        assert_eq!((&came["from"], &came["id"], &came["memberCount"]), (&json!("omar"), &json!(roses), &json!(2)));
        let attributes = json!({"metaData": {"song": "Blue"}, "autoDelete": "DELETE"});
        let set = agora.request(reqwest::Method::PUT, &format!("/metadata/chatroom/{roses}/user/omar")).json(&attributes);
        assert_eq!(set.send().await.expect("an answer").status(), 200);
        let updated = nora.hears_of("onChatroomEvent", "updateChatRoomAttributes").await;
        assert_eq!(updated["attributes"], json!({"song": "Blue"}));
        omar.does("leave", json!({"roomId": roses})).await;
        assert_eq!(nora.hears_of("onChatroomEvent", "memberAbsence").await["from"], "omar");
    }
}

every_shape! {
    async fn contacts_are_notified_of_each_other_also_after_they_were_away(app: TestApp) {
        app.agora().register(&["nora", "omar", "pia"]).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        nora.sdk("addContact", json!(["omar", "hello"])).await;
        let invited = omar.hears("onContactInvited", |_| true).await;
        assert_eq!((&invited["from"], &invited["to"], &invited["status"]), (&json!("nora"), &json!("omar"), &json!("hello")));
        omar.sdk("acceptContactInvite", json!(["nora"])).await;
        assert_eq!(nora.hears("onContactAgreed", |_| true).await["from"], "omar");
        nora.sdk("addContact", json!(["pia", "hi"])).await;
        let mut pia = Device::logged_in(&app, "pia").await;
        assert_eq!(pia.hears("onContactInvited", |_| true).await["from"], "nora");
        pia.sdk("declineContactInvite", json!(["nora"])).await;
        assert_eq!(nora.hears("onContactRefuse", |_| true).await["from"], "pia");
        omar.sdk("deleteContact", json!(["nora"])).await;
        assert_eq!(nora.hears("onContactDeleted", |_| true).await["from"], "omar");
    }
}

every_shape! {
    async fn reactions_and_threads_are_seen_by_the_others(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let tulips = tulips(&app).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        let id = nora.send(text(&tulips, "groupChat", "lunch?")).await;
        omar.hears_text("lunch?").await;
        omar.sdk("addReaction", json!([{"messageId": id, "reaction": "yes"}])).await;
        let changed = nora.hears("onReactionChange", |_| true).await;
        assert_eq!((&changed["messageId"], &changed["to"], &changed["chatType"]), (&json!(id), &json!(tulips), &json!("groupChat")));
        let expected = json!([{"reaction": "yes", "count": 1, "userList": ["omar"], "op": [{"operator": "omar", "reactionType": "create"}]}]);
        assert_eq!(changed["reactions"], expected);
        omar.sdk("pinMessage", json!([{"conversationType": "groupChat", "conversationId": tulips, "messageId": id}])).await;
        let pinned = nora.hears_of("onMessagePinEvent", "pin").await;
        assert_eq!((&pinned["messageId"], &pinned["conversationId"], &pinned["operatorId"]), (&json!(id), &json!(tulips), &json!("omar")));
        omar.sdk("unpinMessage", json!([{"conversationType": "groupChat", "conversationId": tulips, "messageId": id}])).await;
        nora.hears_of("onMessagePinEvent", "unpin").await;
        omar.sdk("createChatThread", json!([{"parentId": tulips, "name": "menu", "messageId": id}])).await;
        let created = nora.hears_of("onChatThreadChange", "create").await;
        assert_eq!((&created["name"], &created["parentId"], &created["messageId"]), (&json!("menu"), &json!(tulips), &json!(id)));
        assert_eq!(created["operator"], "omar");
        let thread = created["id"].as_str().expect("an id").to_owned();
        drop(omar);
        let mut omar = Device::logged_in(&app, "omar").await;
        nora.sdk("joinChatThread", json!([{"chatThreadId": thread}])).await;
        nora.send(text(&thread, "groupChat", "soup")).await;
        assert_eq!(omar.hears_text("soup").await["to"], thread, "in a thread that was joined before");
        nora.sdk("destroyChatThread", json!([{"chatThreadId": created["id"]}])).await;
        assert_eq!(omar.hears_of("onChatThreadChange", "destroy").await["id"], created["id"]);
    }
}
