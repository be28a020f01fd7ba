//! `/{org}/{app}/thread` and `/threads` (agora.md 10.5, 12; errors of 8.3).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, Reply, Socket, TestApp, every_shape};

use crate::envelope::agora_error;

/// The crew of nora, omar and pia, with a message from omar.
async fn prepared(app: &TestApp) -> (Agora, String, String) {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia", "quinn"]).await;
    let group = json!({"groupname": "crew", "public": true, "owner": "nora", "members": ["omar", "pia"]});
    let group = text(&agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"]);
    let message = said(&agora, "omar", &group, "lunch?").await;
    (agora, group, message)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn said(agora: &Agora, from: &str, group: &str, words: &str) -> String {
    let body = json!({"from": from, "to": [group], "type": "txt", "body": {"msg": words}});
    text(&agora.post("/messages/chatgroups", &body).await.expect(200)["data"][group])
}

fn new_thread(group: &str, message: &str, owner: &str) -> Value {
    json!({"group_id": group, "name": "plans", "owner": owner, "msg_id": message})
}

async fn created(agora: &Agora, body: &Value) -> String {
    let data = agora.post("/thread", body).await.expect(200)["data"].clone();
    assert_eq!(data["thread_id"], data["threadId"]);
    text(&data["thread_id"])
}

/// The error of this family: code, text and the vendor's number.
fn group_error(reply: &Reply, status: u16) -> (String, String, Option<i64>) {
    let body = reply.json();
    assert_eq!(reply.status.as_u16(), status, "{body}");
    (text(&body["error"]), text(&body["error_description"]), body["error_code"].as_i64())
}

fn words(text: &str, code: Option<i64>) -> (String, String, Option<i64>) {
    ("group_error".to_owned(), text.to_owned(), code)
}

every_shape! {
    async fn threads_are_created_changed_listed_and_deleted_as_agora_10_5(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let thread = created(&agora, &new_thread(&group, &message, "Omar")).await;
        let one = agora.get(&format!("/thread/{thread}")).await.expect(200)["data"].clone();
        let created_at = one["created"].as_i64().expect("milliseconds");
        let shown = json!({"id": thread, "name": "plans", "owner": "omar", "msgId": message, "groupId": group,
            "created": created_at});
        let mut detail = shown.clone();
        detail["affiliations_count"] = 1.into();
        assert_eq!(one, detail);
        // Both spellings, and the newest client's.
        let in_group = [format!("/threads/chatgroups/{group}"), format!("/thread/chatgroups/{group}/threads"),
            format!("/threads/chatgroups/{group}/user/omar"), format!("/thread/chatgroups/{group}/user/omar/joined")];
        for path in in_group.iter().map(String::as_str).chain(["/thread", "/threads", "/threads/user/omar"]) {
            let page = agora.get(path).await.expect(200);
            assert_eq!((&page["entities"], &page["properties"]), (&json!([shown]), &json!({})), "{path}");
        }
        assert_eq!(agora.get("/threads/user/pia").await.expect(200)["entities"], json!([]));
        let renamed = agora.call(Method::PUT, &format!("/thread/{thread}"), Some(json!({"name": "menu"}))).await;
        assert_eq!(renamed.expect(200)["data"], json!({"name": "menu"}));
        assert_eq!(agora.get(&format!("/threads/{thread}")).await.expect(200)["data"]["name"], "menu");
        let gone = agora.delete(&format!("/thread/{thread}")).await.expect(200);
        assert_eq!(gone["data"], json!({"status": "ok"}));
        let missing = agora.get(&format!("/thread/{thread}")).await;
        assert_eq!(group_error(&missing, 404), words("thread not found.", Some(40011)));
        assert_eq!(agora.get("/thread").await.expect(200)["entities"], json!([]));
    }
}

every_shape! {
    async fn lists_of_threads_are_paged_in_both_orders(app: TestApp) {
        let (agora, group, first) = prepared(&app).await;
        let mut threads = vec![created(&agora, &new_thread(&group, &first, "nora")).await];
        for _ in 0..4 {
            let message = said(&agora, "nora", &group, "more").await;
            threads.push(created(&agora, &new_thread(&group, &message, "nora")).await);
        }
        let of_group = format!("/threads/chatgroups/{group}");
        for list in ["/thread", of_group.as_str(), "/threads/user/nora"] {
            for sort in ["asc", "desc"] {
                let (mut found, mut cursor) = (Vec::new(), String::from("undefined"));
                loop {
                    let page = agora.get(&format!("{list}?limit=2&cursor={cursor}&sort={sort}")).await.expect(200);
                    found.extend(page["entities"].as_array().expect("a value").iter().map(|one| text(&one["id"])));
                    match page["properties"]["cursor"].as_str() {
                        Some(next) => next.clone_into(&mut cursor),
                        None => break,
                    }
                }
                if sort == "desc" {
                    found.reverse();
                }
                assert_eq!(found, threads, "{list} {sort}");
            }
        }
        let refused = agora.get("/thread?limit=51").await;
        assert_eq!(group_error(&refused, 400), words("query param reaches limit.", None));
        let refused = agora.get("/thread?cursor=odd").await;
        assert_eq!(agora_error(&refused, 400).0, "illegal_argument");
    }
}

every_shape! {
    async fn members_of_a_thread_are_added_listed_and_removed_as_agora_10_5(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let thread = created(&agora, &new_thread(&group, &message, "nora")).await;
        let users = format!("/thread/{thread}/users");
        let added = agora.post(&users, &json!({"usernames": ["omar", "pia"]})).await.expect(200);
        assert_eq!(added["data"], json!({"status": "ok"}));
        let first = agora.get(&format!("{users}?limit=2")).await.expect(200);
        assert_eq!(first["data"]["affiliations"], json!(["nora", "omar"]));
        let cursor = text(&first["properties"]["cursor"]);
        let last = agora.get(&format!("{users}?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((&last["data"]["affiliations"], &last["properties"]), (&json!(["pia"]), &json!({})));
        // All or nobody.
        let outsider = agora.post(&users, &json!({"usernames": ["quinn", "pia"]})).await;
        assert_eq!(group_error(&outsider, 404), words("user not in group.", Some(60003)));
        let many = agora.post(&users, &json!({"usernames": vec!["pia"; 11]})).await;
        assert_eq!(group_error(&many, 400), words("request body reaches limit.", None));
        assert_eq!(agora_error(&agora.post(&users, &json!({"usernames": ["nobody"]})).await, 404).0, "resource_not_found");
        let body = Some(json!({"usernames": ["pia", "quinn", "nobody"]}));
        let removed = agora.call(Method::DELETE, &format!("/threads/{thread}/users"), body).await.expect(200);
        let expected = json!([{"result": true, "user": "pia"}, {"result": false, "user": "quinn"},
            {"result": false, "user": "nobody"}]);
        assert_eq!(removed["entities"], expected);
        let one = agora.delete(&format!("{users}/omar")).await.expect(200);
        assert_eq!(one["data"], json!({"result": true}));
        let again = agora.delete(&format!("{users}/omar")).await;
        assert_eq!(group_error(&again, 404), words("user not in group.", Some(60003)));
        let nowhere = agora.get(&format!("/thread/{group}/users")).await;
        assert_eq!(group_error(&nowhere, 404), words("thread not found.", Some(40011)));
        // Leaving the group leaves its threads.
        agora.post(&users, &json!({"usernames": ["omar"]})).await.expect(200);
        agora.delete(&format!("/chatgroups/{group}/users/omar")).await.expect(200);
        assert_eq!(agora.get(&users).await.expect(200)["data"]["affiliations"], json!(["nora"]));
    }
}

every_shape! {
    async fn what_is_wrong_with_a_thread_has_the_words_of_agora_8_3(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let thread = created(&agora, &new_thread(&group, &message, "nora")).await;
        let create = async |group: &str, message: &str, owner: &str, status| {
            group_error(&agora.post("/thread", &new_thread(group, message, owner)).await, status)
        };
        let twice = words("msg already create thread.not allow to create.", Some(40003));
        assert_eq!(create(&group, &message, "pia", 403).await, twice);
        assert_eq!(create(&group, &message, "quinn", 404).await, words("user not in group.", Some(60003)));
        assert_eq!(create("12345", &message, "nora", 404).await, words("group not found.", None));
        assert_eq!(create(&group, "12345", "nora", 404).await, words("msg not exist.", None));
        let private = agora.send_text("nora", "omar", "psst").await;
        let not_in_group = words("thread must on group message to create.", Some(40009));
        assert_eq!(create(&group, &private, "nora", 400).await, not_in_group);
        let other = json!({"groupname": "other", "public": true, "owner": "nora", "members": []});
        let other = text(&agora.post("/chatgroups", &other).await.expect(200)["data"]["groupid"]);
        let elsewhere = said(&agora, "nora", &other, "here").await;
        assert_eq!(create(&group, &elsewhere, "nora", 400).await, words("msg not belong to group .", Some(40009)));
        let nested = said(&agora, "nora", &thread, "in the thread").await;
        assert_eq!(create(&thread, &nested, "nora", 400).await, words("thread not nested.", Some(40009)));
        let long = json!({"group_id": group, "name": "n".repeat(65), "owner": "nora", "msg_id": nested});
        let long = group_error(&agora.post("/thread", &long).await, 400);
        assert_eq!(long, words("thread name limit reached.", None));
        let missing = agora.post("/thread", &json!({"group_id": group, "name": "x", "owner": "nora"})).await;
        let (error, text) = agora_error(&missing, 400);
        assert_eq!((error.as_str(), text.contains("msg_id")), ("param_illegal", true), "{text}");
        let odd = agora.post("/thread", &json!({"group_id": [1], "name": "x", "msg_id": "1"})).await;
        assert_eq!(agora_error(&odd, 400).0, "invalid_request_body");
        // Nothing was created by the refused calls.
        assert_eq!(agora.get("/thread").await.expect(200)["count"], 1);
    }
}

every_shape! {
    async fn messages_are_sent_to_a_thread_as_to_a_group_and_its_newest_is_found_agora_12(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let thread = created(&agora, &new_thread(&group, &message, "nora")).await;
        let other = said(&agora, "nora", &group, "pudding?").await;
        let silent = created(&agora, &new_thread(&group, &other, "nora")).await;
        said(&agora, "nora", &thread, "soup").await;
        let newest = said(&agora, "nora", &thread, "salad").await;
        let page = agora.post("/thread/message", &json!({"threadIds": [thread, silent]})).await.expect(200);
        let last = &page["entities"][0]["last_message"];
        assert_eq!((&page["entities"][0]["thread_id"], &last["id"]), (&json!(thread), &json!(newest)));
        assert_eq!((&last["from"], &last["to"]), (&json!("nora"), &json!(thread)));
        assert_eq!(last["payload"]["bodies"], json!([{"msg": "salad", "type": "txt"}]));
        assert_eq!(page["entities"][1], json!({"thread_id": silent, "last_message": {}}));
        // A thread is not among the groups and conversations of its members.
        let joined = agora.get("/users/nora/joined_chatgroups").await.expect(200);
        assert_eq!(joined["data"].as_array().expect("a value").len(), 1);
        assert_eq!(agora.get("/chatgroups").await.expect(200)["count"], 1);
        let channels = agora.get("/tidings/users/nora/conversations").await.expect(200);
        assert!(!channels.to_string().contains(&thread), "{channels}");
        // What was said in it stays a message of the log.
        let history = agora.get(&format!("/tidings/chatgroups/{thread}/messages")).await.expect(200);
        assert_eq!(history["count"], 2);
        let many = agora.post("/thread/message", &json!({"threadIds": vec![thread; 21]})).await;
        assert_eq!(group_error(&many, 400), words("request body reaches limit.", None));
    }
}

every_shape! {
    async fn user_tokens_use_the_threads_of_their_groups_decision_42(app: TestApp) {
        let (agora, group, message) = prepared(&app).await;
        let (nora, omar, quinn) =
            (agora.logged_in("nora").await, agora.logged_in("omar").await, agora.logged_in("quinn").await);
        // As the web SDK sends it.
        let body = json!({"name": "plans", "msg_id": message, "group_id": group, "owner": "omar"});
        let reply = omar.post("/thread?resource=web_1", &body).await.expect(200);
        let thread = text(&reply["data"]["thread_id"]);
        let pia = agora.logged_in("pia").await;
        let joined = pia.call(Method::POST, &format!("/thread/{thread}/user/pia/join"), None).await.expect(200);
        assert_eq!((&joined["data"]["status"], &joined["data"]["detail"]["id"]), (&json!("ok"), &json!(thread)));
        pia.call(Method::POST, &format!("/thread/{thread}/user/pia/join"), None).await.expect(200);
        assert_eq!(pia.get("/threads/user/pia").await.expect(200)["entities"][0]["id"], json!(thread));
        pia.get(&format!("/threads/chatgroups/{group}")).await.expect(200);
        pia.get(&format!("/thread/{thread}/users")).await.expect(200);
        pia.post("/thread/message", &json!({"threadIds": [thread]})).await.expect(200);
        let renamed = pia.call(Method::PUT, &format!("/thread/{thread}"), Some(json!({"name": "x"}))).await;
        assert_eq!(group_error(&renamed, 404).2, Some(40012));
        let left = pia.call(Method::DELETE, &format!("/thread/{thread}/user/pia/quit"), None).await.expect(200);
        assert_eq!(left["data"], json!({"status": "ok"}));
        let again = pia.call(Method::DELETE, &format!("/thread/{thread}/user/pia/quit"), None).await;
        assert_eq!(group_error(&again, 404), words("user not in group.", Some(60003)));
        // Nobody from outside the group sees any of it.
        for path in [format!("/thread/{thread}"), format!("/thread/{thread}/users"), format!("/threads/chatgroups/{group}")] {
            assert_eq!(group_error(&quinn.get(&path).await, 404), words("user not in group.", Some(60003)), "{path}");
        }
        let newest = quinn.post("/thread/message", &json!({"threadIds": [thread]})).await.expect(200);
        assert_eq!(newest["entities"][0]["last_message"], json!({}));
        let join = quinn.call(Method::POST, &format!("/thread/{thread}/user/quinn/join"), None).await;
        assert_eq!(group_error(&join, 404), words("user not in group.", Some(60003)));
        // Another's, and what needs an app token.
        let oauth = ("auth_bad_access_token".to_owned(), "Unable to authenticate (OAuth)".to_owned());
        let other = said(&agora, "nora", &group, "again").await;
        let calls = [
            (Method::POST, "/thread".to_owned(), Some(new_thread(&group, &other, "nora"))),
            (Method::GET, "/thread".to_owned(), None),
            (Method::GET, "/threads/user/nora".to_owned(), None),
            (Method::GET, format!("/threads/chatgroups/{group}/user/nora"), None),
            (Method::POST, format!("/thread/{thread}/user/nora/join"), None),
            (Method::DELETE, format!("/thread/{thread}/user/nora/quit"), None),
            (Method::POST, format!("/thread/{thread}/users"), Some(json!({"usernames": ["omar"]}))),
        ];
        for (method, path, body) in calls {
            let refused = omar.call(method.clone(), &path, body.clone()).await;
            assert_eq!(agora_error(&refused, 401), oauth, "{method} {path}");
            let refused = omar.with_token("").call(method.clone(), &path, body).await;
            assert_eq!(agora_error(&refused, 401).0, "unauthorized", "{method} {path}");
        }
        // The group's owner ends it, its own owner does not.
        assert_eq!(group_error(&omar.delete(&format!("/thread/{thread}")).await, 404).2, Some(40012));
        nora.delete(&format!("/thread/{thread}")).await.expect(200);
    }
}

every_shape! {
    async fn a_thread_of_a_message_for_some_members_is_hidden_from_the_others_agora_10_5(app: TestApp) {
        let (agora, group, plain) = prepared(&app).await;
        let body = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "you"}, "users": ["omar"]});
        let targeted = text(&agora.post("/messages/chatgroups/users", &body).await.expect(200)["data"][&group]);
        let (omar, pia) = (agora.logged_in("omar").await, agora.logged_in("pia").await);
        let mut of_omar = Socket::open(&app, &omar.token, None).await;
        let mut of_pia = Socket::open(&app, &pia.token, None).await;
        let missing = group_error(&pia.post("/thread", &new_thread(&group, &targeted, "pia")).await, 404);
        assert_eq!(missing, words("msg not exist.", None));
        let hidden = text(&omar.post("/thread", &new_thread(&group, &targeted, "omar")).await.expect(200)["data"]["thread_id"]);
        let open = created(&agora, &new_thread(&group, &plain, "nora")).await;
        // Whoever sees the message is in it.
        assert_eq!(agora.get(&format!("/thread/{hidden}/users")).await.expect(200)["data"]["affiliations"], json!(["nora", "omar"]));
        let of_group = format!("/threads/chatgroups/{group}");
        for (user, count) in [(&omar, 2), (&pia, 1)] {
            let listed = user.get(&of_group).await.expect(200);
            assert_eq!(listed["entities"].as_array().map(Vec::len), Some(count), "{listed}");
            assert_eq!(listed.to_string().contains(&hidden), count == 2, "{listed}");
        }
        let unknown = words("thread not found.", Some(40011));
        for path in [format!("/thread/{hidden}"), format!("/thread/{hidden}/users")] {
            omar.get(&path).await.expect(200);
            assert_eq!(group_error(&pia.get(&path).await, 404), unknown, "{path}");
        }
        let join = pia.call(Method::POST, &format!("/thread/{hidden}/user/pia/join"), None).await;
        assert_eq!(group_error(&join, 404), unknown);
        let rename = pia.call(Method::PUT, &format!("/thread/{hidden}"), Some(json!({"name": "x"}))).await;
        assert_eq!(group_error(&rename, 404), unknown);
        let renamed = omar.call(Method::PUT, &format!("/thread/{hidden}"), Some(json!({"name": "x"}))).await;
        renamed.expect(200);
        agora.delete(&format!("/thread/{hidden}")).await.expect(200);
        agora.delete(&format!("/thread/{open}")).await.expect(200);
        let of_hidden = |event: &Value| (event["group_id"] == *hidden).then(|| text(&event["kind"]));
        let mut seen = Vec::new();
        while seen.last().is_none_or(|kind| kind != "group.destroyed") {
            seen.extend(of_omar.events().await.iter().filter_map(of_hidden));
        }
        assert_eq!(seen, ["group.created", "group.updated", "group.destroyed"]);
        // What is sent when they have been handed out comes after them.
        let last = json!(agora.send_text("nora", "pia", "that was all").await);
        let mut seen = Vec::new();
        while seen.last().is_none_or(|event: &Value| event["msg_id"] != last) {
            seen.extend(of_pia.events().await);
        }
        assert_eq!(seen.iter().filter_map(of_hidden).collect::<Vec<_>>(), Vec::<String>::new());
        assert!(seen.iter().any(|event| event["group_id"] == *open), "{seen:?}");
    }
}
