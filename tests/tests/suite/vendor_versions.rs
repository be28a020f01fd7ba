//! Older versions of the vendor's web SDK, unmodified: they wrap their packets in SockJS, and enter rooms in other ways.

use serde_json::{Value, json};
use tidings_testkit::{TestApp, every_shape};

use crate::sdk_device::{Device, text};

const VERSIONS: [&str; 2] = ["easemob-websdk-4-1", "easemob-websdk-3-6"];

async fn logged_in(app: &TestApp, user: &str, device: &str, version: &str) -> Device {
    let mut sdk = Device::start_with(app, user, device, version);
    let token = app.agora().logged_in(user).await.token;
    sdk.does("open", json!({"accessToken": token})).await;
    sdk.hears("onConnected", |_| true).await;
    sdk
}

async fn id_of(app: &TestApp, path: &str, body: &Value) -> String {
    let made = app.agora().post(path, body).await.expect(200);
    let data = &made["data"];
    data["groupid"].as_str().or(data["id"].as_str()).expect("an id").to_owned()
}

every_shape! {
    async fn older_sdks_log_in_by_password_and_token_and_learn_that_a_token_is_wrong(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        for version in VERSIONS {
            let mut nora = Device::start_with(&app, "nora", "", version);
            nora.does("open", json!({"pwd": "nora-password"})).await;
            nora.hears("onConnected", |_| true).await;
            logged_in(&app, "nora", "", version).await;
            let mut wrong = Device::start_with(&app, "nora", "", version);
            // Version 4.1 says only that it is disconnected.
            let _ = wrong.call("open", json!({"accessToken": "wrong"})).await;
            if version == "easemob-websdk-3-6" {
                // It reports the refusal (40), or the end of the connection (16) when it sees that first.
                wrong.hears("onError", |fault| [json!(16), json!(40)].contains(&fault["type"])).await;
            } else {
                wrong.hears("onDisconnected", |_| true).await;
            }
            let fault = Device::start_with(&app, "nora", "", version).call("open", json!({"pwd": "wrong"})).await;
            assert!(fault.is_err(), "{version}");
        }
    }
}

every_shape! {
    async fn older_sdks_send_and_receive_in_direct_conversations_groups_and_rooms(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        let tulips = json!({"groupname": "tulips", "desc": "", "public": true, "owner": "nora", "members": ["omar"]});
        let tulips = id_of(&app, "/chatgroups", &tulips).await;
        let mut nora = Device::logged_in(&app, "nora").await;
        for version in VERSIONS {
            let roses = id_of(&app, "/chatrooms", &json!({"name": "roses", "description": "", "owner": "nora"})).await;
            let mut omar = logged_in(&app, "omar", "", version).await;
            // Again, as clients do after they have reconnected.
            for _ in 0..2 {
                let joined = omar.does("join", json!({"roomId": roses})).await;
                assert_eq!((&joined["result"], &joined["action"]), (&json!(true), &json!("apply")), "{version}");
            }
            for (place, kind) in [("", "singleChat"), (tulips.as_str(), "groupChat"), (roses.as_str(), "chatRoom")] {
                let (to_omar, to_nora) = if place.is_empty() { ("omar", "nora") } else { (place, place) };
                let (there, back) = (format!("{version} {kind} there"), format!("{version} {kind} back"));
                let id = nora.send(text(to_omar, kind, &there)).await;
                let heard = omar.hears_text(&there).await;
                assert_eq!((&heard["id"], &heard["from"], &heard["to"]), (&json!(id), &json!("nora"), &json!(to_omar)));
                assert_eq!(heard["chatType"], kind);
                let id = omar.send(text(to_nora, kind, &back)).await;
                assert_eq!(nora.hears_text(&back).await["id"], id);
            }
            assert_eq!(omar.does("leave", json!({"roomId": roses})).await["result"], true);
            omar.does("close", json!({})).await;
        }
    }
}

every_shape! {
    async fn older_sdks_get_what_came_while_they_were_away_once(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        for version in VERSIONS {
            let sent = |text: &str| format!("{version} {text}");
            let id = app.agora().send_text("nora", "omar", &sent("one")).await;
            let mut omar = logged_in(&app, "omar", version, version).await;
            assert_eq!(omar.hears_text(&sent("one")).await["id"], id);
            let id = app.agora().send_text("nora", "omar", &sent("two")).await;
            assert_eq!(omar.hears_text(&sent("two")).await["id"], id);
            omar.does("send", text("nora", "singleChat", "thanks")).await;
            omar.does("close", json!({})).await;
            drop(omar);
            app.agora().send_text("nora", "omar", &sent("three")).await;
            let mut omar = logged_in(&app, "omar", version, version).await;
            omar.hears_text(&sent("three")).await;
            assert_eq!((omar.count(&sent("one")), omar.count(&sent("two"))), (0, 0), "{version}");
        }
    }
}

every_shape! {
    async fn older_sdks_recall_acknowledge_and_learn_that_a_group_is_not_there(app: TestApp) {
        app.agora().register(&["nora", "omar"]).await;
        for version in VERSIONS {
            let mut nora = logged_in(&app, "nora", version, version).await;
            let mut omar = logged_in(&app, "omar", version, version).await;
            let id = nora.send(text("omar", "singleChat", version)).await;
            omar.hears_text(version).await;
            nora.hears("onDeliveredMessage", |ack| ack["mid"] == id).await;
            omar.does("send", json!({"type": "read", "chatType": "singleChat", "to": "nora", "id": id})).await;
            nora.hears("onReadMessage", |ack| ack["mid"] == id).await;
            nora.does("recall", json!({"mid": id, "to": "omar", "chatType": "singleChat"})).await;
            assert_eq!(omar.hears("onRecallMessage", |recall| recall["mid"] == id).await["from"], "nora");
            let gone = nora.call("send", text("4711", "groupChat", "x")).await.expect_err("a refusal");
            assert_eq!(gone["type"], 605, "GROUP_NOT_EXIST: {gone}");
        }
    }
}
