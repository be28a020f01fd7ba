//! `/users/{u}/notification`: when users want to be notified of messages (agora.md 10.2).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, every_shape};

use crate::sdk_device::Device;

async fn put(client: &Agora, path: &str, body: &Value) -> (u16, Value) {
    let answer = client.request(Method::PUT, path).json(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

every_shape! {
    async fn the_sdk_sets_and_reads_when_a_user_wants_to_be_notified(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let tulips = json!({"groupname": "tulips", "public": true, "owner": "nora", "members": ["omar"]});
        let tulips = agora.post("/chatgroups", &tulips).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned();
        let mut nora = Device::logged_in(&app, "nora").await;
        let of_omar = json!({"conversationId": "omar", "type": "singleChat"});
        assert_eq!(nora.sdk("getSilentModeForConversation", json!([of_omar])).await["data"], json!({"type": "DEFAULT"}));
        let set = json!([{"conversationId": "omar", "type": "singleChat", "options": {"paramType": 0, "remindType": "NONE"}}]);
        assert_eq!(nora.sdk("setSilentModeForConversation", set).await["data"], json!({"type": "NONE"}));
        let hours = json!({"paramType": 2, "startTime": {"hours": 21, "minutes": 30}, "endTime": {"hours": 8, "minutes": 5}});
        let set = json!([{"conversationId": tulips, "type": "groupChat", "options": hours}]);
        let data = json!({"type": "DEFAULT", "ignoreInterval": "21:30-8:5"});
        assert_eq!(nora.sdk("setSilentModeForConversation", set).await["data"], data);
        let set = nora.sdk("setSilentModeForAll", json!([{"options": {"paramType": 1, "duration": 60_000}}])).await;
        assert!(set["data"]["ignoreDuration"].as_i64() > Some(1_700_000_000_000), "a moment: {set}");
        assert_eq!(nora.sdk("getSilentModeForAll", json!([])).await["data"], set["data"]);

        let list = json!([{"conversationList": [{"id": "omar", "type": "singleChat"}, {"id": tulips, "type": "groupChat"},
            {"id": "nobody", "type": "singleChat"}]}]);
        let several = nora.sdk("getSilentModeForConversations", list).await;
        let users = json!({"omar": {"type": "NONE"}, "nobody": {"type": "DEFAULT"}});
        assert_eq!((&several["data"]["user"], &several["data"]["group"]), (&users, &json!({tulips.as_str(): data})));
        let modes = nora.sdk("getSilentModeRemindTypeConversations", json!([{"pageSize": 10}])).await;
        let listed = json!([{"conversationId": "omar", "type": "singleChat", "remindType": "NONE"}]);
        assert_eq!(modes["data"]["conversations"], listed, "{modes}");
        nora.sdk("clearRemindTypeForConversation", json!([of_omar])).await;
        assert_eq!(nora.sdk("getSilentModeForConversation", json!([of_omar])).await["data"], json!({"type": "DEFAULT"}));

        nora.sdk("setPushPerformLanguage", json!([{"language": "de"}])).await;
        assert_eq!(nora.sdk("getPushPerformLanguage", json!([])).await["data"], json!({"language": "de"}));
        let of_other = agora.logged_in("omar").await.get("/users/nora/notification/user/nora").await;
        assert_eq!(of_other.status, 401, "{}", of_other.text);
    }
}

every_shape! {
    async fn notification_settings_name_conversations_that_are_there_and_values_that_are_valid(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let all = "/users/nora/notification/user/nora";
        for (path, body, status) in [
            (all, json!({"type": "LOUD"}), 400),
            (all, json!({"ignoreInterval": "noon"}), 400),
            (all, json!({"ignoreDuration": 604_800_001}), 400),
            (all, json!({"ignoreDuration": 604_800_000}), 200),
            ("/users/nora/notification/user/nobody", json!({"type": "ALL"}), 404),
            ("/users/nora/notification/chatgroup/4711", json!({"type": "ALL"}), 404),
            ("/users/nobody/notification/user/nobody", json!({"type": "ALL"}), 404),
        ] {
            let (found, answer) = put(&agora, path, &body).await;
            assert_eq!(found, status, "{path} {body}: {answer}");
        }
        let (_, refused) = put(&agora, all, &json!({"ignoreInterval": "noon"})).await;
        assert!(refused["error_description"].as_str().expect("a text").contains("ignoreInterval"), "{refused}");
    }
}
