//! Histories, conversation lists and read receipts under `/{org}/{app}/tidings`, which the vendor does not have.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, TestApp, every_shape};

use crate::{envelope::agora_error, transcript::Transcript};

async fn prepared(app: &TestApp) -> Agora {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia"]).await;
    agora
}

async fn group(agora: &Agora) -> String {
    let group = json!({"groupname": "crew", "owner": "nora", "members": ["omar"]});
    agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned()
}

fn texts(page: &Value) -> Vec<&str> {
    let records = page["data"].as_array().expect("records");
    records.iter().map(|record| record["payload"]["bodies"][0]["msg"].as_str().expect("a text")).collect()
}

every_shape! {
    async fn a_conversation_is_listed_read_and_marked_as_read(app: TestApp) {
        let agora = prepared(&app).await;
        let group = group(&agora).await;
        let mut wire = Transcript::of(&app);
        agora.send_text("nora", "omar", "one").await;
        let location = json!({"from": "omar", "to": ["nora"], "type": "loc", "body": {"lat": "52.5", "lng": "13", "addr": "here"}});
        agora.post("/messages/users", &location).await.expect(200);
        let last = agora.send_text("nora", "omar", "three").await;
        let said = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "all"}, "ext": {"k": 1.0}});
        agora.post("/messages/chatgroups", &said).await.expect(200);
        let mut add = async |method: Method, path: String, body: Option<Value>| {
            let request = agora.request(method.clone(), &path);
            let reply = tidings_testkit::Reply::to(match &body {
                Some(body) => request.json(body),
                None => request,
            })
            .await;
            let text = reply.text.replace(&group, "<group>");
            let told = format!("{method} {path} {}", body.map(|body| body.to_string()).unwrap_or_default());
            let told = told.replace(&group, "<group>").replace(&last, "<last>");
            wire.add(&told, &tidings_testkit::Reply { text, ..reply });
        };
        add(Method::GET, "/tidings/users/omar/conversations".into(), None).await;
        add(Method::GET, "/tidings/users/omar/messages?type=chat&channel=nora".into(), None).await;
        add(Method::GET, "/tidings/users/nora/messages?type=chat&channel=omar&limit=1".into(), None).await;
        add(Method::GET, format!("/tidings/users/omar/messages?type=groupchat&channel={group}"), None).await;
        add(Method::GET, format!("/tidings/chatgroups/{group}/messages"), None).await;
        let ack = json!({"channel": "nora", "type": "chat", "msg_id": last});
        add(Method::POST, "/tidings/users/omar/read_ack".into(), Some(ack)).await;
        add(Method::POST, "/tidings/users/omar/read_ack".into(), Some(json!({"channel": group, "type": "groupchat"}))).await;
        add(Method::GET, "/tidings/users/omar/conversations?limit=1".into(), None).await;
        add(Method::GET, "/tidings/users/nora/messages?type=chat&channel=omar&limit=2".into(), None).await;
        wire.check("agora_history");
    }
}

every_shape! {
    async fn pages_follow_the_cursor_to_the_end(app: TestApp) {
        let agora = prepared(&app).await;
        for n in 0..5 {
            agora.send_text("nora", "omar", &n.to_string()).await;
        }
        let first = agora.get("/tidings/users/omar/messages?type=chat&channel=nora&limit=2").await.expect(200);
        assert_eq!((texts(&first), &first["count"]), (vec!["4", "3"], &json!(2)));
        assert_eq!(first["params"], json!({"limit": ["2"]}));
        let cursor = first["cursor"].as_str().expect("there is more");
        let next = format!("/tidings/users/omar/messages?type=chat&channel=nora&limit=3&cursor={cursor}");
        let last = agora.get(&next).await.expect(200);
        assert_eq!((texts(&last), last.get("cursor")), (vec!["2", "1", "0"], None));
        // The list of conversations too.
        for peer in ["a", "b", "c"] {
            agora.send_text(peer, "pia", "x").await;
        }
        let first = agora.get("/tidings/users/pia/conversations?limit=2").await.expect(200);
        let names = |page: &Value| -> Vec<String> {
            page["data"].as_array().expect("a list").iter().map(|entry| entry["channel"].as_str().expect("a name").to_owned()).collect()
        };
        assert_eq!(names(&first), ["c", "b"]);
        let cursor = first["cursor"].as_str().expect("there is more");
        let last = agora.get(&format!("/tidings/users/pia/conversations?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((names(&last), last.get("cursor")), (vec!["a".to_owned()], None));
    }
}

every_shape! {
    async fn a_user_sees_what_is_his_and_the_app_everything(app: TestApp) {
        let agora = prepared(&app).await;
        let group = group(&agora).await;
        let targeted = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "you"}, "users": ["omar"]});
        agora.post("/messages/chatgroups/users", &targeted).await.expect(200);
        let page = agora.get(&format!("/tidings/users/omar/messages?type=groupchat&channel={group}")).await.expect(200);
        assert_eq!(page["count"], 0);
        let page = agora.get(&format!("/tidings/chatgroups/{group}/messages")).await.expect(200);
        assert_eq!(texts(&page), ["you"]);
        // Pia is in no group.
        let foreign = agora.get(&format!("/tidings/users/pia/messages?type=groupchat&channel={group}")).await;
        assert_eq!(agora_error(&foreign, 403).0, "forbidden_op");
        // A user token reads its own user's, and no other's (decision 42).
        let omar = agora.logged_in("omar").await;
        omar.get("/tidings/users/omar/conversations").await.expect(200);
        let refused = omar.get("/tidings/users/nora/conversations").await;
        assert_eq!(agora_error(&refused, 401).0, "auth_bad_access_token");
    }
}

every_shape! {
    async fn what_is_wrong_is_told_in_the_words_of_the_neighbouring_calls(app: TestApp) {
        let agora = prepared(&app).await;
        let told = async |path: &str, status| agora_error(&agora.get(path).await, status).1;
        assert_eq!(told("/tidings/users/omar/messages?type=chat", 400).await, "field channel cannot be null or empty");
        assert_eq!(told("/tidings/users/omar/messages?channel=nora", 400).await, "field type cannot be null or empty");
        let kinds = "field type can only be chat, groupchat or chatroom";
        assert_eq!(told("/tidings/users/omar/messages?channel=nora&type=x", 400).await, kinds);
        assert_eq!(told("/tidings/users/omar/conversations?limit=x", 400).await, "limit must be a number");
        assert_eq!(told("/tidings/users/omar/conversations?cursor=x", 400).await, "cursor must be a number");
        assert_eq!(told("/tidings/users/nobody/conversations", 404).await, "Service resource not found");
        assert_eq!(told("/tidings/chatrooms/1/messages", 404).await, "grpID 1 does not exist!");
        let ack = json!({"channel": "nora", "type": "chat", "msg_id": "x"});
        let told = agora_error(&agora.post("/tidings/users/omar/read_ack", &ack).await, 400).1;
        assert_eq!(told, "msg_id must be a number");
    }
}
