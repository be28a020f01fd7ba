//! Changes, state, attributes and presence of users (agora.md 10.1, 10.2, errors of 8.3; decision 42).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::{duration, pb};
use tidings_testkit::{Agora, Reply, TestApp, every_shape, wait_until};

use crate::{envelope::agora_error, transcript::Transcript};

async fn put(agora: &Agora, path: &str, body: &Value) -> Reply {
    Reply::to(agora.request(Method::PUT, path).json(body)).await
}

async fn put_form(agora: &Agora, path: &str, form: &str) -> Reply {
    let request = agora.request(Method::PUT, path).header("content-type", "application/x-www-form-urlencoded");
    Reply::to(request.body(form.to_owned())).await
}

async fn delete_with(agora: &Agora, path: &str, body: &Value) -> Reply {
    Reply::to(agora.request(Method::DELETE, path).json(body)).await
}

fn named(name: &str) -> pb::UserRef {
    pb::UserRef { user: Some(pb::user_ref::User::Username(name.to_owned())) }
}

/// Reports one of the user's devices online.
async fn come_online(app: &TestApp, name: &str, platform: &str) {
    let open = pb::OpenSessionRequest {
        user: Some(named(name)),
        platform: platform.to_owned(),
        ttl: Some(duration(Duration::from_hours(1))),
        ..Default::default()
    };
    app.directory().open_session(app.request(open)).await.expect("a session");
}

every_shape! {
    async fn users_are_changed_and_what_was_set_is_returned_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let mut wire = Transcript::of(&app);
        let push = json!({"notification_no_disturbing": 1, "notification_no_disturbing_start": "8",
            "notification_no_disturbing_end": 18, "notifier_name": "cert", "device_token": "t0k"});
        wire.add("nickname", &put(&agora, "/users/nora", &json!({"nickname": "N"})).await);
        wire.add("display style", &put(&agora, "/users/nora", &json!({"notification_display_style": "1"})).await);
        wire.add("do not disturb", &put(&agora, "/users/nora", &push).await);
        wire.add("disturb", &put(&agora, "/users/nora", &json!({"notification_no_disturbing": false})).await);
        wire.add("removed", &put(&agora, "/users/nora", &json!({"notifier_name": "", "surprise": [1]})).await);
        wire.add("nothing", &Reply::to(agora.request(Method::PUT, "/users/NORA?resource=web_1")).await);
        wire.add("read", &agora.get("/users/nora").await);
        wire.add("list", &agora.get("/users").await);
        wire.add("long nickname", &put(&agora, "/users/nora", &json!({"nickname": "n".repeat(257)})).await);
        wire.add("hour", &put(&agora, "/users/nora", &json!({"notification_no_disturbing_end": 25})).await);
        wire.add("no boolean", &put(&agora, "/users/nora", &json!({"notification_no_disturbing": "maybe"})).await);
        wire.add("long token", &put(&agora, "/users/nora", &json!({"device_token": "x".repeat(1025)})).await);
        wire.add("unknown", &put(&agora, "/users/rita", &json!({"nickname": "R"})).await);
        wire.add("unchanged", &agora.get("/users/nora").await);
        wire.add("delete", &agora.delete("/users/nora").await);
        agora.register(&["nora"]).await;
        wire.add("another account", &agora.get("/users/nora").await);
        wire.check("user_changes");
    }
}

every_shape! {
    async fn a_password_is_set_by_the_app_or_with_the_old_one_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let nora = agora.logged_in("nora").await;
        let answer = put(&agora, "/users/nora/password", &json!({"newpassword": "second"})).await.expect(200);
        assert_eq!(answer["action"], "set user password");
        assert!(answer["timestamp"].is_i64() && answer["duration"].is_i64(), "{answer}");
        wait_until("the token's end", async || nora.get("/users/nora").await.status == 401).await;

        let login = |password: &str| json!({"grant_type": "password", "username": "nora", "password": password});
        let stranger = agora.with_token("");
        let refused = agora_error(&stranger.post("/token", &login("nora-password")).await, 400);
        assert_eq!(refused, ("invalid_grant".into(), "invalid password".into()));
        let token = stranger.post("/token", &login("second")).await.expect(200);
        let nora = agora.with_token(token["access_token"].as_str().expect("a token"));

        let wrong = json!({"newpassword": "third", "oldpassword": "guess"});
        assert_eq!(agora_error(&put(&nora, "/users/nora/password", &wrong).await, 400).1, "invalid password");
        let without = agora_error(&put(&nora, "/users/nora/password", &json!({"newpassword": "third"})).await, 400);
        assert_eq!(without.1, "oldpassword is required");
        let nothing = agora_error(&put(&agora, "/users/nora/password", &json!({})).await, 400);
        assert_eq!(nothing, ("illegal_argument".into(), "newpassword is required".into()));
        let right = json!({"newpassword": "third", "oldpassword": "second"});
        put(&nora, "/users/nora/password", &right).await.expect(200);
        stranger.post("/token", &login("third")).await.expect(200);
    }
}

every_shape! {
    async fn a_deactivated_user_is_locked_out_until_they_are_activated_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let nora = agora.logged_in("nora").await;
        come_online(&app, "nora", "web").await;
        let mut wire = Transcript::of(&app);
        wire.add("deactivate", &Reply::to(agora.request(Method::POST, "/users/nora/deactivate")).await);
        wire.add("again", &agora.post("/users/nora/deactivate", &json!([])).await);
        wire.add("status", &agora.get("/users/nora/status").await);
        wait_until("the end of the token", async || nora.get("/users/nora").await.status != 200).await;
        wire.add("own token", &nora.get("/users/nora").await);
        let login = json!({"grant_type": "password", "username": "nora", "password": "nora-password"});
        wire.add("login", &agora.with_token("").post("/token", &login).await);
        wire.add("activate", &Reply::to(agora.request(Method::POST, "/users/nora/activate")).await);
        wire.add("unknown", &Reply::to(agora.request(Method::POST, "/users/rita/activate")).await);
        wire.check("user_activation");
        agora.logged_in("nora").await.get("/users/nora").await.expect(200);
        assert_eq!(agora_error(&nora.get("/users/nora").await, 401).0, "auth_bad_access_token", "it stays revoked");
    }
}

every_shape! {
    async fn devices_come_and_go_and_users_who_do_not_exist_are_offline_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "batch"]).await;
        let mut wire = Transcript::of(&app);
        wire.add("offline", &agora.get("/users/NORA/status").await);
        wire.add("no devices", &agora.get("/users/nora/resources").await);
        come_online(&app, "nora", "android").await;
        come_online(&app, "nora", "web").await;
        wire.add("online", &agora.get("/users/nora/status").await);
        wire.add("devices", &agora.get("/users/nora/resources").await);
        let many = json!({"usernames": ["nora", "omar", "Ghost", "no body", "nora"]});
        wire.add("several", &agora.post("/users/batch/status", &many).await);
        wire.add("named like the call", &agora.get("/users/batch/status").await);
        wire.add("one device", &agora.delete("/users/nora/disconnect/android_1").await);
        wire.add("no such device", &agora.get("/users/nora/disconnect/ios").await);
        wire.add("what is left", &agora.get("/users/nora/resources").await);
        wire.add("all devices", &agora.get("/users/nora/disconnect").await);
        wire.add("none", &agora.get("/users/nora/status").await);
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = Reply::to(agora.request(method.clone(), "/users/omar/disconnect")).await.expect(200);
            assert_eq!(reply["data"], json!({"result": true}), "{method}");
        }
        for path in ["status", "resources", "disconnect", "disconnect/web_1", "disconnect/x", "offline_msg_count"] {
            let (error, _) = agora_error(&agora.get(&format!("/users/ghost/{path}")).await, 404);
            assert_eq!(error, "service_resource_not_found", "{path}");
        }
        let names: Vec<String> = (0..101).map(|n| format!("u{n}")).collect();
        wire.add("101 users", &agora.post("/users/batch/status", &json!({"usernames": names})).await);
        wire.check("user_state");
    }
}

every_shape! {
    async fn what_waits_for_a_user_is_counted_and_told_by_message_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let waiting = async |name: &str| {
            let answer = agora.get(&format!("/users/{name}/offline_msg_count")).await.expect(200);
            answer["data"][name].as_i64().expect("a number")
        };
        assert_eq!(waiting("omar").await, 0);
        let msg_id = agora.send_text("nora", "omar", "hello").await;
        assert_eq!(waiting("omar").await, 1);
        assert_eq!(waiting("nora").await, 0);
        let fate = async |name: &str| {
            let answer = agora.get(&format!("/users/{name}/offline_msg_status/{msg_id}")).await.expect(200);
            answer["data"][&msg_id].as_str().expect("a word").to_owned()
        };
        assert_eq!(fate("omar").await, "undelivered");
        assert_eq!(fate("nora").await, "delivered", "they sent it");
        assert_eq!(fate("pia").await, "msg_not_found");
        let read = json!({"type": "chat", "channel": "nora"});
        agora.post("/tidings/users/omar/read_ack", &read).await.expect(200);
        assert_eq!(fate("omar").await, "delivered");
        assert_eq!(waiting("omar").await, 0);
        let unknown = agora.get("/users/omar/offline_msg_status/4503599627370495").await.expect(200);
        assert_eq!(unknown["data"]["4503599627370495"], "msg_not_found");
        agora_error(&agora.get("/users/omar/offline_msg_status/soon").await, 400);
    }
}

every_shape! {
    async fn the_expiry_of_a_token_is_told_agora_10_1(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let login = json!({"grant_type": "password", "username": "nora", "password": "nora-password", "ttl": 1000});
        let token = agora.with_token("").post("/token", &login).await.expect(200);
        let nora = agora.with_token(token["access_token"].as_str().expect("a token"));
        let answer = nora.get("/sdk/users/nora/token/expires").await.expect(200);
        let (end, now) = (&answer["data"]["expire_timestamp"], &answer["timestamp"]);
        let left = end.as_i64().expect("milliseconds") - now.as_i64().expect("milliseconds");
        assert!((900_000..=1_000_000).contains(&left), "{answer}");
    }
}

every_shape! {
    async fn attributes_are_set_read_and_deleted_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "get"]).await;
        let mut wire = Transcript::of(&app);
        let form = "nickname=N+%F0%9F%98%80&avatarurl=https://a.test/x.png&ext=";
        wire.add("a form", &put_form(&agora, "/metadata/user/nora", form).await);
        let more = json!({"nickname": "Nora", "gender": 1, "sign": null});
        wire.add("JSON", &put(&agora, "/metadata/user/Nora", &more).await);
        wire.add("JSON in a form", &put_form(&agora, "/metadata/user/omar", r#"{"ext":"o"}"#).await);
        wire.add("read", &agora.get("/metadata/user/nora").await);
        let two = json!({"targets": ["Nora", "omar", "ghost", "no body"], "properties": ["nickname", "ext"]});
        wire.add("several", &agora.post("/metadata/user/get", &two).await);
        wire.add("all names", &agora.post("/metadata/user/get", &json!({"targets": ["nora"], "properties": []})).await);
        wire.add("size", &agora.get("/metadata/user/capacity").await);
        wire.add("delete", &agora.delete("/metadata/user/nora").await);
        wire.add("delete again", &agora.delete("/metadata/user/nora").await);
        wire.add("delete nobody's", &agora.delete("/metadata/user/ghost").await);
        wire.add("read none", &agora.get("/metadata/user/nora").await);
        wire.add("read nobody's", &agora.get("/metadata/user/ghost").await);
        wire.add("nobody", &put_form(&agora, "/metadata/user/ghost", "a=b").await);
        wire.add("no text", &put(&agora, "/metadata/user/nora", &json!({"a": "b", "birth": {}})).await);
        let large = format!("ext={}", "x".repeat(2046));
        wire.add("2 KB and one", &put_form(&agora, "/metadata/user/nora", &large).await);
        let targets: Vec<String> = (0..101).map(|n| format!("u{n}")).collect();
        let many = json!({"targets": targets, "properties": ["ext"]});
        wire.add("101 users", &agora.post("/metadata/user/get", &many).await);
        put_form(&agora, "/metadata/user/get", "a=b").await.expect(405);
        wire.add("unchanged", &agora.get("/metadata/user/nora").await);
        wire.check("user_attributes");
        put_form(&agora, "/metadata/user/nora", &large[..large.len() - 1]).await.expect(200);
    }
}

every_shape! {
    async fn presence_is_published_subscribed_to_and_read_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let mut wire = Transcript::of(&app);
        let both = json!({"usernames": ["Omar", "pia"]});
        wire.add("never online", &agora.post("/users/nora/presence", &both).await);
        wire.add("publish", &agora.post("/users/omar/presence/web_1/busy", &json!({"ext": "lunch"})).await);
        wire.add("publish, no body", &Reply::to(agora.request(Method::POST, "/users/pia/presence/ios_1/1")).await);

        let omar = json!({"usernames": ["omar", "ghost"]});
        let subscribed = agora.post("/users/nora/presence/1000", &omar).await.expect(200);
        let (of_omar, of_ghost) = (&subscribed["result"][0], &subscribed["result"][1]);
        assert_eq!((&of_omar["uid"], &of_omar["ext"]), (&json!("omar"), &json!("lunch")));
        assert_eq!(of_omar["status"], json!({"web_1": "busy"}));
        let seconds = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok()).expect("seconds");
        let span = seconds(&of_omar["expiry"]) - seconds(&of_omar["last_time"]);
        assert!((1000..1060).contains(&span), "{subscribed}");
        assert_eq!(of_ghost, &json!({"uid": "ghost", "last_time": "0", "ext": "", "status": {}}));
        let read = agora.post("/users/nora/presence", &json!({"usernames": ["omar"]})).await.expect(200);
        assert!(read["result"][0].get("expiry").is_none(), "{read}");

        agora.post("/users/nora/presence/1000", &json!({"usernames": ["pia"]})).await.expect(200);
        let page = async |query: &str| {
            let answer = agora.get(&format!("/users/nora/presence/sublist?{query}")).await.expect(200);
            let list = answer["result"]["sublist"].as_array().expect("a list").clone();
            let names: Vec<String> = list.iter().map(|one| one["uid"].as_str().expect("a name").to_owned()).collect();
            (answer["result"]["totalnum"].as_str().expect("text").to_owned(), names)
        };
        assert_eq!(page("pageNum=1&pageSize=1").await, ("2".into(), vec!["omar".to_owned()]));
        assert_eq!(page("pageNum=2&pageSize=1").await, ("2".into(), vec!["pia".to_owned()]));
        assert_eq!(page("pageNum=3&pageSize=1").await, ("2".into(), vec![]));
        wire.add("unsubscribe", &delete_with(&agora, "/users/nora/presence", &json!(["omar", "ghost"])).await);
        assert_eq!(page("pageNum=1&pageSize=500").await, ("1".into(), vec!["pia".to_owned()]));

        come_online(&app, "pia", "web").await;
        let live = agora.post("/users/nora/presence", &json!({"usernames": ["pia"]})).await.expect(200);
        assert_eq!(live["result"][0]["status"], json!({"ios_1": "1", "web_1": "1"}));

        wire.add("oneself", &agora.post("/users/nora/presence/9", &json!({"usernames": ["nora"]})).await);
        wire.add("too long", &agora.post("/users/nora/presence/2592001", &both).await);
        wire.add("large ext", &agora.post("/users/nora/presence/web/1", &json!({"ext": "x".repeat(1025)})).await);
        wire.add("long device", &agora.post(&format!("/users/nora/presence/{}/1", "x".repeat(257)), &json!({})).await);
        wire.add("nobody", &agora.post("/users/ghost/presence/web/1", &json!({})).await);
        let many: Vec<String> = (0..101).map(|n| format!("u{n}")).collect();
        wire.add("101", &agora.post("/users/nora/presence/9", &json!({"usernames": many})).await);
        wire.check("user_presence");
    }
}

/// Each call that a user may make for themselves, with `{u}` for the user.
fn own_calls() -> Vec<(Method, &'static str, Value)> {
    let omar = json!({"usernames": ["omar"]});
    vec![
        (Method::GET, "/users/{u}", json!({})),
        (Method::PUT, "/users/{u}", json!({"nickname": "N"})),
        (Method::GET, "/users/{u}/status", json!({})),
        (Method::GET, "/users/{u}/resources", json!({})),
        (Method::GET, "/users/{u}/disconnect", json!({})),
        (Method::DELETE, "/users/{u}/disconnect/web_1", json!({})),
        (Method::GET, "/users/{u}/disconnect/web", json!({})),
        (Method::GET, "/users/{u}/offline_msg_count", json!({})),
        (Method::GET, "/users/{u}/offline_msg_status/4503599627370495", json!({})),
        (Method::GET, "/sdk/users/{u}/token/expires", json!({})),
        (Method::GET, "/mutes/{u}", json!({})),
        (Method::PUT, "/metadata/user/{u}", json!({"nickname": "N"})),
        (Method::GET, "/metadata/user/{u}", json!({})),
        (Method::DELETE, "/metadata/user/{u}", json!({})),
        (Method::POST, "/users/{u}/presence/web_1/1", json!({"ext": "x"})),
        (Method::POST, "/users/{u}/presence/1000", omar.clone()),
        (Method::POST, "/users/{u}/presence", omar),
        (Method::DELETE, "/users/{u}/presence", json!(["omar"])),
        (Method::GET, "/users/{u}/presence/sublist?pageNum=1&pageSize=9", json!({})),
    ]
}

every_shape! {
    async fn a_user_token_opens_its_own_users_calls_and_nobody_elses_decision_42(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let nora = agora.logged_in("nora").await;
        let call = async |caller: &Agora, method: &Method, path: &str, user: &str, body: &Value| {
            Reply::to(caller.request(method.clone(), &path.replace("{u}", user)).json(body)).await
        };
        let oauth = ("auth_bad_access_token".to_owned(), "Unable to authenticate (OAuth)".to_owned());
        for (method, path, body) in own_calls() {
            call(&nora, &method, path, "Nora", &body).await.expect(200);
            let foreign = call(&nora, &method, path, "pia", &body).await;
            assert_eq!(agora_error(&foreign, 401), oauth, "{method} {path}");
            agora_error(&call(&agora.with_token(""), &method, path, "nora", &body).await, 401);
        }
        for (method, path) in [
            (Method::POST, "/users/nora/deactivate"),
            (Method::POST, "/users/nora/activate"),
            (Method::POST, "/users/batch/status"),
            (Method::POST, "/mutes"),
            (Method::GET, "/mutes"),
            (Method::GET, "/metadata/user/capacity"),
        ] {
            let body = json!({"username": "nora", "chat": 9, "usernames": ["omar"]});
            assert_eq!(agora_error(&call(&nora, &method, path, "", &body).await, 401), oauth, "{method} {path}");
        }
        put_form(&agora, "/metadata/user/pia", "ext=p").await.expect(200);
        let others = nora.post("/metadata/user/get", &json!({"targets": ["pia"], "properties": ["ext"]})).await;
        assert_eq!(others.expect(200)["data"], json!({"pia": {"ext": "p"}}));
    }
}

every_shape! {
    async fn a_deletion_by_a_filter_is_refused_rather_than_made_without_it(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let refused = agora.delete("/users?limit=1&ql=order+by+created+desc").await;
        assert!(agora_error(&refused, 400).1.contains("ql"));
        let all = agora.get("/users?limit=None&cursor=undefined&ql=None").await.expect(200);
        assert_eq!(all["count"], 2);
    }
}
