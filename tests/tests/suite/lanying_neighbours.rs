//! Users, block lists and pins (lanying.md 10).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Lanying, Reply, TestApp, every_shape};

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    people::{Person, all_of, group_of, ids, people, to_group, until_code},
    policy,
    transcript::Transcript,
};

fn to_user(target: i64) -> Value {
    json!({"type": 1, "targets": [target], "content_type": 0, "content": "x"})
}

fn named(key: &str, id: i64) -> Value {
    json!({key: id})
}

async fn login(app: &TestApp, name: &str, password: &str) -> Reply {
    let body = json!({"login_name": name, "password": password});
    app.lanying().with_token("").post("/token/login", &body).await
}

async fn put(client: &Lanying, path: &str, body: &Value) -> Reply {
    client.call(Method::PUT, path, Some(body)).await
}

every_shape! {
    async fn each_of_a_batch_is_registered_or_refused_by_itself_lanying_10(app: TestApp) {
        app.lanying().register("ann").await;
        let mut wire = Transcript::of(&app);
        let user = |name: &str| json!({"username": name, "password": "pw"});
        let list = json!({"list": [user("bob"), user("Ann"), user("123"), user("bob"), user("eve")]});
        let anonymous = app.lanying().with_token("");
        let reply = anonymous.post("/user/register/batch", &list).await;
        wire.add("five, of whom two are new", &reply);
        lanying_data(&login(&app, "eve", "pw").await);

        let many: Vec<Value> = (0..61).map(|n| user(&format!("many{n}"))).collect();
        for (what, list) in [
            ("none", json!([])),
            ("too many", json!(many)),
            ("without a password", json!([{"username": "max"}])),
            ("no objects", json!(["max"])),
            ("no list", Value::Null),
        ] {
            let reply = anonymous.post("/user/register/batch", &json!({"list": list})).await;
            assert_eq!(lanying_error(&reply), 10002, "{what}");
            wire.add(what, &reply);
        }
        wire.check("lanying_register_batch");
        assert_eq!(lanying_error(&login(&app, "max", "pw").await), 10000);

        let closed = policy::neighbour(&app).await;
        policy::set(&closed, pb::Policy { lanying_open_registration: Some(false), ..Default::default() }).await;
        let list = json!({"list": [user("bob")]});
        assert_eq!(lanying_error(&closed.lanying().with_token("").post("/user/register/batch", &list).await), 10010);
        assert_eq!(lanying_data(&closed.lanying().post("/user/register/batch", &list).await)[0]["success"], true);
    }
}

every_shape! {
    async fn who_logs_in_by_login_name_gets_a_token_lanying_1(app: TestApp) {
        let ann = app.lanying().register("Ann").await;
        let body = json!({"login_name": "ann", "password": "Ann-password", "device_guid": "g"});
        let data = lanying_data(&app.lanying().with_token("").post("/token/login", &body).await);
        assert_eq!((&data["user_id"], &data["push_token"]), (&json!(ann), &json!("")));
        let client = app.lanying().with_token(data["token"].as_str().expect("a token"));
        assert_eq!(client.unread().await, []);
        assert_eq!(lanying_error(&login(&app, "ann", "guess").await), 10000);
        assert_eq!(lanying_error(&login(&app, "nobody", "guess").await), 10000);
    }
}

every_shape! {
    async fn a_profile_shows_what_was_told_and_nothing_empty_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        let profile = async || lanying_data(&ann.client.get("/user/profile").await);
        assert_eq!(profile().await, json!({"user_id": ann.id, "username": "ann"}));
        let told = json!({
            "nick_name": "Ännchen", "avatar": "https://s.example.test/a", "description": "likes tea",
            "public_info": "{\"city\":\"Ulm\"}", "private_info": "{}", "mobile": "+49 731 1", "email": "ann@example.test",
        });
        let mut expected = told.clone();
        expected["user_id"] = ann.id.into();
        expected["username"] = "ann".into();
        assert_eq!(lanying_data(&ann.client.post("/user/profile", &told).await), expected);
        assert_eq!(profile().await, expected);

        let change = json!({"avatar": "", "mobile": "", "surprise": 1});
        assert_eq!(lanying_data(&put(&ann.client, "/user/profile", &change).await), profile().await);
        assert_eq!(keys(&profile().await), [
            "description", "email", "nick_name", "private_info", "public_info", "user_id", "username",
        ], "what is left out stays, what is empty goes");

        lanying_data(&put(&ann.client, "/user/nickname?nick_name=Anna", &json!({})).await);
        lanying_data(&ann.client.post("/user/avatar", &json!({"avatar": "https://s.example.test/b"})).await);
        let (now, by_admin) = (profile().await, app.lanying().acting_as(ann.id).get("/user/profile").await);
        assert_eq!((&now["nick_name"], &now["avatar"]), (&json!("Anna"), &json!("https://s.example.test/b")));
        assert_eq!(lanying_data(&by_admin), now);
        let agora = app.agora().get("/users/ann").await.expect(200);
        assert_eq!(agora["entities"][0]["nickname"], "Anna");
    }
}

every_shape! {
    async fn a_profile_is_somebodys_and_its_texts_are_bounded_lanying_9(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        assert_eq!(lanying_error(&app.lanying().get("/user/profile").await), 10002, "an admin token says whose");
        assert_eq!(lanying_error(&app.lanying().acting_as(999_984).get("/user/profile").await), 10000);
        for (key, value) in [
            ("nick_name", json!(7)),
            ("avatar", json!({})),
            ("avatar", json!("x".repeat(4000))),
            ("description", json!("x".repeat(9000))),
            ("private_info", json!({"a": 1})),
        ] {
            let reply = ann.client.post("/user/profile", &json!({key: value})).await;
            assert_eq!(lanying_error(&reply), 10002, "{key}");
        }
        assert_eq!(keys(&lanying_data(&ann.client.get("/user/profile").await)), ["user_id", "username"]);
    }
}

every_shape! {
    async fn the_list_of_users_has_numbered_pages_lanying_10(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        lanying_data(&put(&app.lanying(), "/user/disable", &named("user_id", bob.id)).await);
        let user = |person: &Person, name: &str, status: i64| {
            json!({"user_id": person.id, "username": name, "status": status})
        };
        let all = [user(&ann, "ann", 0), user(&bob, "bob", 1), user(&eve, "eve", 0)];
        for (query, expected) in [
            ("", &all[..]),
            ("?page_num=1&page_size=2", &all[..2]),
            ("?page_num=2&page_size=2", &all[2..]),
            ("?page_num=3&page_size=2", &[]),
            ("?page_num=2", &[]),
            ("?page_num=0&page_size=0", &all[..]),
            ("?page_num=1&page_size=1000000", &all[..]),
            ("?page_num=9007199254740991&page_size=1000", &[]),
        ] {
            let page = lanying_data(&app.lanying().get(&format!("/user/list{query}")).await);
            assert_eq!(page.as_array().expect("a list"), expected, "{query}");
        }
        for query in ["?page_num=-1", "?page_size=-1", "?page_num=one", "?page_size=9223372036854775808"] {
            assert_eq!(lanying_error(&app.lanying().get(&format!("/user/list{query}")).await), 10002, "{query}");
        }
        assert_eq!(lanying_error(&ann.client.get("/user/list").await), 10010);
    }
}

every_shape! {
    async fn without_a_long_connection_nobody_is_online_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        for client in [&ann.client, &app.lanying().acting_as(ann.id)] {
            assert_eq!(lanying_data(&client.get("/user/online_status").await), json!({"online": false}));
            assert_eq!(lanying_data(&client.get("/user/device/list").await), json!([]));
            assert_eq!(lanying_error(&client.post("/user/kick?device_sn=-1", &json!({})).await), 10002);
        }
        for query in ["device_sn=-1", "device_sn=one", "device_sn=2147483648"] {
            assert_eq!(lanying_error(&ann.client.post(&format!("/user/kick?{query}"), &json!({})).await), 10002);
        }
        for path in ["/user/online_status", "/user/device/list"] {
            assert_eq!(lanying_error(&app.lanying().get(path).await), 10002, "an admin token says whose");
        }
    }
}

every_shape! {
    async fn a_kick_ends_the_users_tokens(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        let admin = app.lanying().acting_as(ann.id);
        for (as_admin, query, body) in [
            (true, "", None),
            (false, "", None),
            (true, "?device_sn=1", Some(json!({}))),
            (false, "", Some(json!({"device_sn": "2"}))),
        ] {
            let client = app.lanying().logged_in("ann").await;
            assert_eq!(client.unread().await, []);
            let kicker = if as_admin { &admin } else { &client };
            let reply = kicker.call(Method::POST, &format!("/user/kick{query}"), body.as_ref()).await;
            assert_eq!(lanying_data(&reply), true, "{query}");
            // Gateways cache a token's identity for five seconds at most.
            until_code(10008, async || client.get("/message/unread").await).await;
            assert_eq!(admin.unread().await, [], "an admin's token is none of hers");
        }
    }
}
every_shape! {
    async fn a_disabled_user_is_locked_out_until_enabled_lanying_10(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let admin = app.lanying();
        assert_eq!(lanying_error(&put(&bob.client, "/user/disable", &named("user_id", ann.id)).await), 10010);
        assert_eq!(lanying_error(&put(&bob.client, "/user/disable", &json!({})).await), 10010, "not even oneself");
        assert_eq!(lanying_data(&put(&admin, "/user/disable", &named("user_id", ann.id)).await), true);
        until_code(10010, async || ann.client.get("/message/unread").await).await;
        assert_eq!(lanying_error(&login(&app, "ann", "ann-password").await), 10010);
        assert_eq!(lanying_data(&put(&admin.acting_as(ann.id), "/user/enable", &json!({})).await), true);
        until_code(10008, async || ann.client.get("/message/unread").await).await;
        assert_eq!(app.lanying().logged_in("ann").await.unread().await, [], "a new token opens what the old ones do not");
        for (path, code) in [("/user/disable", 10002), ("/user/disable?user_id=999984", 10000), ("/user/enable", 10002)] {
            assert_eq!(lanying_error(&put(&admin, path, &json!({})).await), code, "{path}");
        }
    }
}

every_shape! {
    async fn a_user_deletes_himself_and_an_admin_token_anybody_lanying_10(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let group = group_of(&eve, &[&ann, &bob]).await;
        assert_eq!(lanying_data(&ann.client.call(Method::DELETE, "/user/delete", None).await), true);
        let gone = app.lanying().post(&format!("/user/delete?user_id={}", bob.id), &json!({})).await;
        assert_eq!(lanying_data(&gone), true);
        for (person, name) in [(&ann, "ann"), (&bob, "bob")] {
            until_code(10008, async || person.client.get("/message/unread").await).await;
            assert_eq!(lanying_error(&login(&app, name, &format!("{name}-password")).await), 10000);
            until_code(10000, async || eve.client.post("/message/send", &to_user(person.id)).await).await;
        }
        let members = eve.client.get(&format!("/group/member_list?group_id={group}")).await;
        assert_eq!(members.json()["total"], 1, "{}", members.text);
        let again = app.lanying().post(&format!("/user/delete?user_id={}", bob.id), &json!({})).await;
        assert_eq!(lanying_error(&again), 10000);
        assert_eq!(lanying_error(&app.lanying().post("/user/delete", &json!({})).await), 10002);
        let foreign = eve.client.post("/user/delete", &named("user_id", 999_984)).await;
        assert_eq!(lanying_error(&foreign), 10010);
        lanying_data(&eve.client.post("/user/delete", &named("user_id", eve.id)).await);
        assert_eq!(lanying_error(&login(&app, "eve", "eve-password").await), 10000);
    }
}

every_shape! {
    async fn a_new_password_ends_the_tokens_of_the_old_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
        for (what, body, code) in [
            ("wrong", change("guess", "new"), 10000),
            ("no old one", json!({"new_password": "new"}), 10002),
            ("no new one", json!({"old_password": "ann-password"}), 10002),
            ("an empty one", change("ann-password", ""), 10002),
        ] {
            assert_eq!(lanying_error(&ann.client.post("/user/change_password", &body).await), code, "{what}");
        }
        assert_eq!(lanying_data(&put(&ann.client, "/user/change_password", &change("ann-password", "new")).await), true);
        until_code(10008, async || ann.client.get("/message/unread").await).await;
        assert_eq!(lanying_error(&login(&app, "ann", "ann-password").await), 10000);
        lanying_data(&login(&app, "ann", "new").await);
        let by_admin = app.lanying().acting_as(ann.id).post("/user/change_password", &json!({"new_password": "newer"})).await;
        assert_eq!(lanying_data(&by_admin), true, "an admin token need not know the old one");
        lanying_data(&login(&app, "ann", "newer").await);
    }
}

every_shape! {
    async fn who_is_blocked_cannot_send_to_the_one_who_blocks_lanying_9(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let may = async |client: &Lanying, user: &Person, roster: &Person| {
            lanying_data(&client.get(&format!("/roster/may_message?user_id={}&roster_id={}", user.id, roster.id)).await)
        };
        lanying_data(&bob.client.post("/message/send", &to_user(ann.id)).await);
        assert_eq!(may(&bob.client, &bob, &ann).await, true);
        assert_eq!(lanying_data(&ann.client.post("/roster/block", &named("user_id", bob.id)).await), true);
        assert_eq!(may(&bob.client, &bob, &ann).await, false);
        assert_eq!(may(&app.lanying(), &bob, &ann).await, false);
        assert_eq!(may(&ann.client, &ann, &bob).await, true);
        until_code(10006, async || bob.client.post("/message/send", &to_user(ann.id)).await).await;
        let mut to_both = to_user(ann.id);
        to_both["targets"] = json!([eve.id, ann.id]);
        assert_eq!(lanying_error(&bob.client.post("/message/send", &to_both).await), 10006);
        assert_eq!(ids(&all_of(&eve, bob.id).await), [0; 0], "one verdict holds for all targets");
        assert_eq!(lanying_error(&app.lanying().acting_as(bob.id).post("/message/send", &to_user(ann.id)).await), 10006);
        for (who, client, path, body) in [
            ("the one who blocks", &ann.client, "/message/send", to_user(bob.id)),
            ("in a group", &bob.client, "/message/send", to_group(group, "x")),
            ("a notification (lanying.md 5.4)", &app.lanying(), "/message/notify", to_user(ann.id)),
        ] {
            assert_eq!(lanying_data(&client.post(path, &body).await), true, "{who}");
        }
        let free = format!("/roster/unblock?user_id={}", bob.id);
        assert_eq!(lanying_data(&ann.client.call(Method::DELETE, &free, None).await), true);
        until_code(200, async || bob.client.post("/message/send", &to_user(ann.id)).await).await;
        assert_eq!(may(&bob.client, &bob, &ann).await, true);
    }
}

every_shape! {
    async fn a_block_list_is_ones_own_and_has_pages_lanying_10(app: TestApp) {
        let [ann, bob, eve, max] = people(&app, ["ann", "bob", "eve", "max"]).await;
        for person in [&eve, &bob, &max, &eve] {
            let path = format!("/roster/block?user_id={}", person.id);
            assert_eq!(lanying_data(&ann.client.post(&path, &json!({})).await), true, "twice is true as well");
        }
        let first = ann.client.get("/roster/blocked_list?limit=2").await;
        assert_eq!(lanying_data(&first), json!([bob.id, eve.id]));
        let cursor = first.json()["cursor"].as_str().expect("another page").to_owned();
        let last = ann.client.get(&format!("/roster/blocked_list?limit=2&cursor={cursor}")).await;
        assert_eq!((lanying_data(&last), keys(&last.json())), (json!([max.id]), vec!["code", "data", "version"]));
        assert_eq!(lanying_data(&app.lanying().acting_as(ann.id).get("/roster/blocked_list").await), json!([bob.id, eve.id, max.id]));
        assert_eq!(lanying_data(&bob.client.get("/roster/blocked_list").await), json!([]));
        lanying_data(&ann.client.post("/roster/unblock", &named("user_id", eve.id)).await);
        lanying_data(&ann.client.post("/roster/unblock", &named("user_id", eve.id)).await);
        assert_eq!(lanying_data(&ann.client.get("/roster/blocked_list").await), json!([bob.id, max.id]));
        for (what, client, body, code) in [
            ("unknown", &ann.client, named("user_id", 999_984), 10000),
            ("nobody", &ann.client, json!({}), 10002),
            ("oneself", &ann.client, named("user_id", ann.id), 10002),
            ("for nobody", &app.lanying(), named("user_id", ann.id), 10002),
        ] {
            assert_eq!(lanying_error(&client.post("/roster/block", &body).await), code, "{what}");
        }
        let spy = format!("/roster/may_message?user_id={}&roster_id={}", bob.id, max.id);
        assert_eq!(lanying_error(&ann.client.get(&spy).await), 10010, "a user asks about himself");
        assert_eq!(lanying_error(&ann.client.get(&format!("/roster/may_message?user_id={}", ann.id)).await), 10002);
    }
}

every_shape! {
    async fn pinned_conversations_are_listed_the_last_pinned_first_lanying_10(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let pinned = async || lanying_data(&ann.client.get("/user/conversation/pin_list").await);
        assert_eq!(pinned().await, json!({"conversation_ids": []}));
        for (method, path, body) in [
            (Method::POST, "/user/conversation/pin".to_owned(), Some(named("conversation_id", bob.id))),
            (Method::PUT, "/user/conversation/pin".to_owned(), Some(json!({"conversation_id": group.to_string()}))),
            (Method::PUT, format!("/user/conversation/pin?conversation_id={}", eve.id), None),
            (Method::POST, format!("/user/conversation/pin?conversation_id={}", bob.id), Some(json!({}))),
        ] {
            assert_eq!(lanying_data(&ann.client.call(method, &path, body.as_ref()).await), true, "{path}");
        }
        assert_eq!(pinned().await, json!({"conversation_ids": [eve.id, group, bob.id]}), "a second pin moves nothing");
        for _ in 0..2 {
            let body = named("conversation_id", group);
            assert_eq!(lanying_data(&put(&ann.client, "/user/conversation/unpin", &body).await), true);
        }
        assert_eq!(pinned().await, json!({"conversation_ids": [eve.id, bob.id]}));
        lanying_data(&ann.client.post("/user/conversation/pin", &named("conversation_id", group)).await);
        assert_eq!(pinned().await, json!({"conversation_ids": [group, eve.id, bob.id]}));
        let of_bob = bob.client.get("/user/conversation/pin_list").await;
        assert_eq!(lanying_data(&of_bob), json!({"conversation_ids": []}));
        assert_eq!(eve.client.unread().await, [], "a pin lists no conversation");
        for path in ["/user/conversation/pin", "/user/conversation/unpin"] {
            for body in [json!({}), named("conversation_id", -16), json!({"conversation_id": "bob"})] {
                assert_eq!(lanying_error(&ann.client.post(path, &body).await), 10002, "{path} {body}");
            }
        }
        let foreign = eve.client.post("/user/conversation/pin", &named("conversation_id", group)).await;
        assert_eq!(lanying_error(&foreign), 20002);
    }
}
