//! The vendor's web SDK, unmodified: every type of message, with all that it shows of one.

use serde_json::{Value, json};
use tidings_testkit::every_shape;

use crate::sdk_device::{Device, text};

/// What is sent, the event that it becomes, and what the receiver sees of it.
fn types() -> Vec<(Value, &'static str, Value)> {
    let ext = json!({"text": "a", "whole": 7, "part": 0.5, "flag": true, "object": {"list": [1, "b"]}});
    let inner = json!({"id": "17", "type": "txt", "chatType": "singleChat", "msg": "inner", "from": "nora", "to": "omar",
        "time": 1_700_000_000_000_i64, "ext": {}});
    let file = |kind: &str, name: &str, mime: &str| json!({"type": kind, "content": name, "name": name, "mime": mime});
    let with = |mut message: Value, more: Value| {
        let more = more.as_object().expect("an object").clone();
        message.as_object_mut().expect("an object").extend(more);
        message
    };
    vec![
        (
            json!({"type": "txt", "msg": "hello", "ext": ext}),
            "onTextMessage",
            json!({"type": "txt", "msg": "hello", "ext": ext}),
        ),
        (
            with(file("img", "cat.png", "image/png"), json!({"width": 4, "height": 3})),
            "onImageMessage",
            json!({"type": "img", "file_length": 7, "width": 4, "height": 3}),
        ),
        (
            with(file("audio", "word.mp3", "audio/mpeg"), json!({"length": 2, "filename": "word.mp3"})),
            "onAudioMessage",
            json!({"type": "audio", "filename": "word.mp3", "file_length": 8, "length": 2}),
        ),
        (
            with(file("video", "walk.mp4", "video/mp4"), json!({"length": 9, "filename": "walk.mp4"})),
            "onVideoMessage",
            json!({"type": "video", "filename": "walk.mp4", "file_length": 8, "length": 9}),
        ),
        (
            with(file("file", "plan.txt", "text/plain"), json!({"filename": "plan.txt"})),
            "onFileMessage",
            json!({"type": "file", "filename": "plan.txt", "file_length": 8}),
        ),
        (
            json!({"type": "loc", "addr": "Market 1", "buildingName": "Hall", "lat": 52.5, "lng": -13.25}),
            "onLocationMessage",
            json!({"type": "loc", "addr": "Market 1", "buildingName": "Hall", "lat": 52.5, "lng": -13.25}),
        ),
        (json!({"type": "cmd", "action": "ring"}), "onCmdMessage", json!({"type": "cmd", "action": "ring"})),
        (
            json!({"type": "custom", "customEvent": "gift", "customExts": {"kind": "rose", "count": "2"}}),
            "onCustomMessage",
            json!({"type": "custom", "customEvent": "gift", "customExts": {"kind": "rose", "count": "2"}}),
        ),
        (
            json!({"type": "combine", "compatibleText": "see the app", "title": "A talk", "summary": "inner",
                "messageList": [inner]}),
            "onCombineMessage",
            json!({"type": "combine", "compatibleText": "see the app", "title": "A talk", "summary": "inner",
                "combineLevel": 1}),
        ),
    ]
}

/// Sends every type to a place, where the receiver gets it.
pub async fn every_type_arrives(sender: &mut Device, receiver: &mut Device, (to, kind): (&str, &str)) {
    for (mut message, event, expected) in types() {
        let content = message["content"].as_str().map(str::to_owned);
        (message["to"], message["chatType"]) = (json!(to), json!(kind));
        let id = sender.send(message).await;
        let heard = receiver.hears(event, |heard| heard["id"] == id).await;
        assert_eq!(
            (&heard["from"], &heard["to"], &heard["chatType"]),
            (&json!("nora"), &json!(to), &json!(kind)),
            "{heard}"
        );
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(&heard[name], value, "{name} of {heard}");
        }
        if let Some(content) = content {
            let url = heard["url"].as_str().expect("an address");
            let file = reqwest::get(url).await.expect("an answer");
            assert_eq!(file.status(), 200, "{url}");
            assert_eq!(file.text().await.expect("the file"), content);
        }
        if event == "onCombineMessage" {
            let wanted = json!([{"url": heard["url"], "secret": heard["secret"]}]);
            let inner = receiver.sdk("downloadAndParseCombineMessage", wanted).await;
            assert_eq!((&inner[0]["msg"], &inner[0]["from"]), (&json!("inner"), &json!("nora")), "{inner}");
        }
    }
}

every_shape! {
    async fn every_type_of_message_arrives_as_it_was_sent_in_direct_conversations_groups_and_rooms(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let tulips = json!({"groupname": "tulips", "public": true, "owner": "nora", "members": ["omar"]});
        let tulips = agora.post("/chatgroups", &tulips).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned();
        let roses = json!({"name": "roses", "description": "", "owner": "nora", "members": ["omar"]});
        let roses = agora.post("/chatrooms", &roses).await.expect(200)["data"]["id"].as_str().expect("an id").to_owned();
        let mut nora = Device::logged_in(&app, "nora").await;
        let mut omar = Device::logged_in(&app, "omar").await;
        for place in [("omar", "singleChat"), (tulips.as_str(), "groupChat"), (roses.as_str(), "chatRoom")] {
            every_type_arrives(&mut nora, &mut omar, place).await;
        }
        // The same from the history, where the SDK reads other packets.
        let mut page = json!({"targetId": "nora", "chatType": "singleChat", "pageSize": 20, "searchDirection": "down"});
        page["cursor"] = json!("-1");
        let history = omar.sdk("getHistoryMessages", json!([page])).await;
        let seen: Vec<_> = history["messages"].as_array().expect("messages").iter().map(|message| message["type"].clone()).collect();
        let sent: Vec<_> = types().into_iter().map(|(message, ..)| message["type"].clone()).collect();
        assert_eq!(seen, sent, "{history}");
        nora.send(text("omar", "singleChat", "the end")).await;
        omar.hears_text("the end").await;
    }
}
