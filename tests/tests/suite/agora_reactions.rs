//! `/{org}/{app}/reaction/user/{username}` (agora.md 10.5, errors of 8.3).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, Reply, TestApp, every_shape};

use crate::envelope::{agora_error, keys};

/// A group of nora, omar and pia, and a message from nora in it.
async fn prepared(app: &TestApp) -> (Agora, String, String) {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia", "quinn"]).await;
    let group = json!({"groupname": "crew", "public": true, "owner": "nora", "members": ["omar", "pia"]});
    let group =
        agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].as_str().expect("a value").to_owned();
    let message = said(&agora, "nora", &group, "lunch?").await;
    (agora, group, message)
}

async fn said(agora: &Agora, from: &str, group: &str, text: &str) -> String {
    let body = json!({"from": from, "to": [group], "type": "txt", "body": {"msg": text}});
    let sent = agora.post("/messages/chatgroups", &body).await.expect(200);
    sent["data"][group].as_str().expect("an id").to_owned()
}

async fn react(agora: &Agora, user: &str, msg_id: &str, reaction: &str) -> Reply {
    agora.post(&format!("/reaction/user/{user}"), &json!({"msgId": msg_id, "message": reaction})).await
}

/// The data of an answer in the envelope of this family.
fn data(reply: &Reply) -> Value {
    let body = reply.json();
    assert_eq!(reply.status.as_u16(), 200, "{body}");
    assert_eq!(
        (keys(&body), &body["requestStatusCode"]),
        (vec!["data", "requestStatusCode", "timestamp"], &json!("ok"))
    );
    assert!(body["timestamp"].is_i64(), "{body}");
    body["data"].clone()
}

fn is_iso_with_micros(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000000Z"
}

fn bad_request(text: &str) -> (String, String) {
    ("Bad Request".to_owned(), text.to_owned())
}

every_shape! {
    async fn reactions_are_added_listed_and_removed_as_agora_10_5(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let added = data(&react(&agora, "Omar", &message, "emoji_40").await);
        let id = added["id"].as_str().expect("an id as text").to_owned();
        assert!(is_iso_with_micros(&added["createdAt"]) && is_iso_with_micros(&added["updatedAt"]), "{added}");
        let fields = (&added["msgId"], &added["msgType"], &added["groupId"], &added["reaction"]);
        assert_eq!(fields, (&json!(message), &json!("groupchat"), &json!(group), &json!("emoji_40")));
        for user in ["pia", "nora"] {
            assert_eq!(data(&react(&agora, user, &message, "emoji_40").await)["id"], json!(id));
        }
        let other = said(&agora, "pia", &group, "sure").await;
        let path = format!("/reaction/user/nora?msgIdList={message},{other}&msgType=groupchat&groupId={group}");
        let shown = json!({"reactionId": id, "reaction": "emoji_40", "count": 3, "userCount": 3, "state": true,
            "userList": ["omar", "pia", "nora"]});
        let expected = json!([{"msgId": message, "reactionList": [shown]}, {"msgId": other, "reactionList": []}]);
        assert_eq!(data(&agora.get(&path).await), expected);
        // Page by page, in the way of the REST documentation and of the web SDK.
        let detail = format!("/reaction/user/nora/detail?msgId={message}&message=emoji_40");
        let first = data(&agora.get(&format!("{detail}&limit=2")).await);
        assert_eq!((&first["count"], &first["userList"]), (&json!(3), &json!(["omar", "pia"])));
        assert!(is_iso_with_micros(&first["reactionUserList"][1]["createdAt"]), "{first}");
        let cursor = first["cursor"].as_str().expect("a cursor");
        for (page, size) in [("cursor", "limit"), ("currentPage", "pageSize")] {
            let last = data(&agora.get(&format!("{detail}&{page}={cursor}&{size}=2")).await);
            assert_eq!((&last["userList"], &last["cursor"]), (&json!(["nora"]), &Value::Null));
        }
        let removed = agora.delete(&format!("/reaction/user/omar?msgId={message}&message=emoji_40")).await.expect(200);
        assert_eq!((keys(&removed), &removed["requestStatusCode"]), (vec!["requestStatusCode", "timestamp"], &json!("ok")));
        assert_eq!(data(&agora.get(&path).await)[0]["reactionList"][0]["userList"], json!(["pia", "nora"]));
    }
}

every_shape! {
    async fn in_a_conversation_of_two_a_reaction_has_no_group_agora_10_5(app: TestApp) {
        let (agora, group, in_group) = prepared(&app).await;
        let message = agora.send_text("nora", "omar", "hi").await;
        let body = json!({"msg_Id": message, "message": "\u{1f44d}"});
        let added = data(&agora.post("/reaction/user/omar", &body).await);
        assert_eq!((&added["msgType"], &added["groupId"]), (&json!("chat"), &Value::Null));
        // Messages of another kind of conversation than named are left out.
        let path = format!("/reaction/user/nora?msgIdList={message},{in_group}&msgType=chat&groupId=null");
        let listed = data(&agora.get(&path).await);
        assert_eq!((listed.as_array().expect("a value").len(), &listed[0]["reactionList"][0]["state"]), (1, &json!(false)));
        assert_eq!(listed[0]["reactionList"][0]["reaction"], "\u{1f44d}");
        let path = format!("/reaction/user/nora?msgIdList={message}&msgType=groupchat&groupId={group}");
        assert_eq!(data(&agora.get(&path).await), json!([]));
    }
}

every_shape! {
    async fn what_is_wrong_has_the_words_of_reactions_agora_8_3(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        data(&react(&agora, "omar", &message, "ok").await);
        let again = react(&agora, "omar", &message, "ok").await;
        assert_eq!(agora_error(&again, 400), bad_request("the user is already operation this message"));
        let illegal = bad_request("the user operation is illegal!");
        // Not theirs to read, nobody's, and never added.
        assert_eq!(agora_error(&react(&agora, "quinn", &message, "ok").await, 400), illegal);
        assert_eq!(agora_error(&react(&agora, "omar", "12345", "ok").await, 400), illegal);
        let never = format!("/reaction/user/pia?msgId={message}&message=ok");
        assert_eq!(agora_error(&agora.delete(&never).await, 400), illegal);
        let list = format!("/reaction/user/quinn?msgIdList={message}&msgType=groupchat&groupId={group}");
        assert_eq!(agora_error(&agora.get(&list).await, 400), bad_request("The user not in this group!"));
        let list = format!("/reaction/user/omar?msgIdList={message}&msgType=groupchat");
        assert_eq!(agora_error(&agora.get(&list).await, 400), bad_request("groupId can not be null!"));
        let missing = agora.post("/reaction/user/omar", &json!({"msgId": message})).await;
        assert_eq!(agora_error(&missing, 400), bad_request("message can not be null!"));
        let odd = agora.post("/reaction/user/omar", &json!({"msgId": [message], "message": "ok"})).await;
        assert_eq!(agora_error(&odd, 400).0, "invalid_request_body");
        for kind in 1..20 {
            data(&react(&agora, "omar", &message, &format!("r{kind}")).await);
        }
        let full = react(&agora, "omar", &message, "r20").await;
        assert_eq!(agora_error(&full, 400), bad_request("The quantity has exceeded the limit!"));
        assert_eq!(agora_error(&react(&agora, "nobody", &message, "ok").await, 404).0, "service_resource_not_found");
    }
}

every_shape! {
    async fn a_user_token_reacts_as_its_own_user_alone_decision_42(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let omar = agora.logged_in("omar").await;
        data(&react(&omar, "omar", &message, "ok").await);
        let list = format!("/reaction/user/omar?msgIdList={message}&msgType=groupchat&groupId={group}");
        assert_eq!(data(&omar.get(&list).await)[0]["reactionList"][0]["state"], true);
        omar.get(&format!("/reaction/user/omar/detail?msgId={message}&message=ok")).await.expect(200);
        let calls = [
            (Method::POST, "/reaction/user/pia".to_owned()),
            (Method::GET, list.replace("omar", "pia")),
            (Method::GET, format!("/reaction/user/pia/detail?msgId={message}&message=ok")),
            (Method::DELETE, format!("/reaction/user/pia?msgId={message}&message=ok")),
        ];
        let oauth = ("auth_bad_access_token".to_owned(), "Unable to authenticate (OAuth)".to_owned());
        for (method, path) in calls {
            let body = json!({"msgId": message, "message": "ok"});
            let call = async |agora: &Agora| Reply::to(agora.request(method.clone(), &path).json(&body)).await;
            assert_eq!(agora_error(&call(&omar).await, 401), oauth, "{method} {path}");
            assert_eq!(agora_error(&call(&omar.with_token("")).await, 401).0, "unauthorized", "{method} {path}");
        }
        omar.delete(&format!("/reaction/user/omar?msgId={message}&message=ok")).await.expect(200);
    }
}

every_shape! {
    async fn each_reaction_is_an_event_and_a_recall_takes_all_of_them(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        data(&react(&agora, "omar", &message, "ok").await);
        agora.delete(&format!("/reaction/user/omar?msgId={message}&message=ok")).await.expect(200);
        data(&react(&agora, "pia", &message, "ok").await);
        let kinds = "message.reacted,message.unreacted";
        let page = agora.get(&format!("/tidings/events?wait=0&kinds={kinds}")).await.expect(200);
        let told: Vec<Value> = page["data"].as_array().expect("a value").iter().map(|event| {
            json!([event["kind"], event["operator"], event["group_id"], event["msg_id"], event["reaction"]["reaction"],
                event["reaction"]["count"]])
        }).collect();
        let expected = |kind: &str, who: &str, count: i64| json!([kind, who, group, message, "ok", count]);
        let expected = [expected("message.reacted", "omar", 1), expected("message.unreacted", "omar", 0),
            expected("message.reacted", "pia", 1)];
        assert_eq!(told, expected);
        let recall = json!({"msg_id": message, "to": group, "chat_type": "groupchat", "force": true});
        agora.post("/messages/msg_recall", &recall).await.expect(200);
        let list = format!("/reaction/user/omar?msgIdList={message}&msgType=groupchat&groupId={group}");
        assert_eq!(data(&agora.get(&list).await), json!([]));
        let illegal = bad_request("the user operation is illegal!");
        assert_eq!(agora_error(&react(&agora, "omar", &message, "ok").await, 400), illegal);
    }
}
