//! `/{org}/{app}/chatgroups` and `/chatrooms` (agora.md 10.3, 10.4; errors of 8.3).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, Reply, TestApp, every_shape};

use crate::{envelope::agora_error, transcript::Transcript};

async fn prepared(app: &TestApp) -> (Agora, String, String) {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia"]).await;
    let group = json!({"groupname": "crew", "description": "all of us", "public": true, "owner": "Nora", "members": ["omar"],
        "maxusers": 300, "membersonly": true, "allowinvites": false, "custom": "c", "avatar": "a.png"});
    let group = agora.post("/chatgroups", &group).await.expect(200);
    let room = json!({"name": "stage", "description": "live", "owner": "nora", "members": ["pia"], "maxusers": 500});
    let room = agora.post("/chatrooms", &room).await.expect(200);
    let text = |value: &Value| value.as_str().expect("an id as text").to_owned();
    (agora, text(&group["data"]["groupid"]), text(&room["data"]["id"]))
}

every_shape! {
    async fn every_call_on_groups_and_rooms_is_answered_as_agora_10_3_and_10_4(app: TestApp) {
        let (agora, group, room) = prepared(&app).await;
        let mut wire = Transcript::of(&app);
        let (g, r) = (format!("/chatgroups/{group}"), format!("/chatrooms/{room}"));
        let calls = [
            (Method::GET, g.clone(), None),
            (Method::GET, r.clone(), None),
            (Method::GET, format!("{g},12345"), None),
            (Method::GET, "/chatgroups?limit=1".into(), None),
            (Method::GET, "/chatrooms?limit=10".into(), None),
            (Method::PUT, g.clone(), Some(json!({"groupname": "team", "maxusers": 200, "unknown": 1}))),
            (Method::PUT, r.clone(), Some(json!({"name": "arena", "description": "x", "maxusers": 9}))),
            (Method::GET, format!("{g}/users?pagenum=1&pagesize=10"), None),
            (Method::POST, format!("{g}/users/pia?need_notify=false"), None),
            (Method::POST, format!("{g}/users/pia"), None),
            (Method::GET, format!("{g}/user/pia/is_joined"), None),
            (Method::DELETE, format!("{g}/users/pia"), None),
            (Method::DELETE, format!("{g}/users/pia"), None),
            (Method::GET, format!("{g}/user/pia/is_joined"), None),
            (Method::POST, format!("{g}/users"), Some(json!({"usernames": ["pia", "omar"]}))),
            (Method::DELETE, format!("{g}/users/omar%2Cnobody"), None),
            (Method::GET, "/users/pia/joined_chatgroups".into(), None),
            (Method::GET, "/chatgroups/user/pia".into(), None),
            (Method::GET, "/users/pia/joined_chatrooms".into(), None),
            (Method::GET, format!("{r}/users"), None),
            (Method::POST, format!("{r}/users/omar"), None),
            (Method::POST, format!("{g}/disable"), None),
            (Method::POST, format!("{g}/enable"), None),
            (Method::PUT, g.clone(), Some(json!({"newowner": "pia"}))),
            (Method::GET, format!("{g}/users?pagenum=2&pagesize=1"), None),
            (Method::DELETE, g.clone(), None),
            (Method::GET, g.clone(), None),
            (Method::DELETE, r.clone(), None),
        ];
        for (method, path, body) in calls {
            let told = format!("{method} {path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
            let told = told.replace(&group, "<group>").replace(&room, "<room>");
            let reply = agora.call(method, &path, body).await;
            let text = reply.text.replace(&group, "<group>").replace(&room, "<room>");
            wire.add(&told, &Reply { text, ..reply });
        }
        wire.check("agora_groups");
    }
}

every_shape! {
    async fn what_is_wrong_has_the_words_of_agora_8_3(app: TestApp) {
        let (agora, group, room) = prepared(&app).await;
        let refused = async |method, path: String, body, status| agora_error(&agora.call(method, &path, body).await, status);
        let named = |error: &str, text: &str| (error.to_owned(), text.to_owned());
        let unknown = named("resource_not_found", "grpID 12345 does not exist!");
        assert_eq!(refused(Method::GET, "/chatgroups/12345".into(), None, 404).await, unknown);
        // A room is not a group, and anything but a number is nobody's id.
        let gone = named("resource_not_found", &format!("grpID {room} does not exist!"));
        assert_eq!(refused(Method::GET, format!("/chatgroups/{room}"), None, 404).await, gone);
        let gone = named("resource_not_found", "grpID lobby does not exist!");
        assert_eq!(refused(Method::DELETE, "/chatrooms/lobby".into(), None, 404).await, gone);
        let missing = named("invalid_parameter", "owner must be provided");
        assert_eq!(refused(Method::POST, "/chatgroups".into(), Some(json!({"groupname": "x"})), 400).await, missing);
        let nobody = named("resource_not_found", "username nobody doesn't exist!");
        let wanted = json!({"groupname": "x", "owner": "nora", "members": ["omar", "nobody"]});
        assert_eq!(refused(Method::POST, "/chatgroups".into(), Some(wanted), 404).await, nobody);
        assert_eq!(refused(Method::POST, format!("/chatgroups/{group}/users/nobody"), None, 404).await, nobody);
        let many = json!({"usernames": vec!["omar"; 61]});
        let too_many = named("invalid_parameter", "usernames size is more than max limit : 60");
        assert_eq!(refused(Method::POST, format!("/chatgroups/{group}/users"), Some(many), 400).await, too_many);
        let owner = named("forbidden_op", "forbidden operation on group owner!");
        assert_eq!(refused(Method::DELETE, format!("/chatgroups/{group}/users/nora"), None, 403).await, owner);
        let nothing = named("invalid_parameter", "some of [odd] are not valid fields");
        assert_eq!(refused(Method::PUT, format!("/chatgroups/{group}"), Some(json!({"odd": 1})), 400).await, nothing);
        // Nothing was created by the refused calls.
        assert_eq!(agora.get("/chatgroups").await.expect(200)["count"], 1);
    }
}

every_shape! {
    async fn a_message_reaches_the_members_of_a_group_that_was_made_here(app: TestApp) {
        let (agora, group, room) = prepared(&app).await;
        let sent = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "hi"}});
        agora.post("/messages/chatgroups", &sent).await.expect(200);
        let page = agora.get(&format!("/tidings/users/omar/messages?type=groupchat&channel={group}")).await.expect(200);
        assert_eq!(page["data"][0]["payload"]["bodies"], json!([{"msg": "hi", "type": "txt"}]));
        let wrong = json!({"from": "nora", "to": [room], "type": "txt", "body": {"msg": "hi"}});
        assert_eq!(agora_error(&agora.post("/messages/chatgroups", &wrong).await, 404).0, "resource_not_found");
    }
}
