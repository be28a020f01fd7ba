//! Who is connected is online, everywhere (docs/realtime.md, agora.md 10.2 and 11.3, tencent.md 6).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Answer, Received, Receiver, Reply, Socket, TestApp, every_shape, wait_until};

use crate::{
    endpoint::{add, strict},
    envelope::lanying_data,
    msync_refusals::Raw,
    policy::set,
};

async fn connect(app: &TestApp, user: &str, device: &str, platform: &str) -> Socket {
    let token = app.agora().logged_in(user).await.token;
    Socket::open_device(&app.suite.url(), app, &token, (device, platform)).await
}

async fn until_status(agora: &Agora, user: &str, expected: &str) {
    wait_until(&format!("{user} to be {expected}"), async || {
        agora.get(&format!("/users/{user}/status")).await.expect(200)["data"][user] == expected
    })
    .await;
}

async fn resources(agora: &Agora, user: &str) -> Vec<String> {
    let answer = agora.get(&format!("/users/{user}/resources")).await.expect(200);
    let listed = answer["data"].as_array().expect("a list").iter();
    let mut names: Vec<String> = listed.map(|one| one["res"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

async fn until_resources(agora: &Agora, user: &str, expected: &[&str]) {
    wait_until(&format!("{expected:?} of {user}"), async || resources(agora, user).await == expected).await;
}

/// The changes of connections since a cursor, once there are as many: kind, user, device and how it ended.
async fn connections(agora: &Agora, after: &str, count: usize) -> Vec<Value> {
    let path = format!("/tidings/events?after={after}&kinds=user.online,user.offline&wait=0");
    let mut events = Vec::new();
    wait_until("the events", async || {
        events.clone_from(agora.get(&path).await.expect(200)["data"].as_array().expect("events"));
        events.len() >= count
    })
    .await;
    events
}

async fn now(agora: &Agora) -> String {
    agora.get("/tidings/events?after=now&wait=0").await.expect(200)["cursor"].as_str().expect("a cursor").to_owned()
}

every_shape! {
    async fn a_connected_user_is_online_with_their_devices_and_offline_afterwards_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["omar"]).await;
        let id = app.lanying().register("nora").await;
        let nora = app.lanying().acting_as(id);
        assert_eq!(agora.get("/users/nora/status").await.expect(200)["data"], json!({"nora": "offline"}));
        let phone = connect(&app, "nora", "phone", "ios").await;
        let page = connect(&app, "nora", "page", "web").await;
        until_status(&agora, "nora", "online").await;
        until_resources(&agora, "nora", &["page", "phone"]).await;
        let listed = agora.get("/users/nora/resources").await.expect(200)["data"].clone();
        let phone_shown = json!({"res": "phone", "device_uuid": "phone", "device_name": "ios"});
        assert!(listed.as_array().expect("a list").contains(&phone_shown), "{listed}");
        let many = json!({"usernames": ["nora", "omar"]});
        let several = agora.post("/users/batch/status", &many).await.expect(200)["data"].clone();
        assert_eq!(several, json!([{"nora": "online"}, {"omar": "offline"}]));
        assert_eq!(lanying_data(&nora.get("/user/online_status").await), json!({"online": true}));
        let devices = lanying_data(&nora.get("/user/device/list").await);
        assert_eq!(devices.as_array().expect("a list").len(), 2, "{devices}");
        let presence = agora.post("/users/omar/presence", &json!({"usernames": ["nora"]})).await.expect(200);
        assert_eq!(presence["result"][0]["status"], json!({"page": "1", "phone": "1"}));
        drop(phone);
        until_resources(&agora, "nora", &["page"]).await;
        drop(page);
        until_status(&agora, "nora", "offline").await;
        assert_eq!(lanying_data(&nora.get("/user/online_status").await), json!({"online": false}));
    }
}

every_shape! {
    async fn one_device_or_all_of_a_user_are_disconnected_agora_10_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let mut phone = connect(&app, "nora", "phone", "ios").await;
        let mut page = connect(&app, "nora", "page", "web").await;
        until_resources(&agora, "nora", &["page", "phone"]).await;
        let answer = agora.delete("/users/nora/disconnect/phone").await.expect(200);
        assert_eq!(answer["data"], json!({"result": true}));
        assert_eq!(resources(&agora, "nora").await, ["page"], "at once");
        assert_eq!(phone.next_of("closing").await["reason"], "the app ended the connection");
        assert_eq!(phone.closed().await, 4403);
        page.send(&json!({"type": "ping"})).await;
        page.next_of("pong").await;
        agora.get("/users/nora/disconnect").await.expect(200);
        assert_eq!(page.closed().await, 4403);
        assert_eq!(agora.get("/users/nora/status").await.expect(200)["data"], json!({"nora": "offline"}));
        // The token stays good.
        let back = connect(&app, "nora", "phone", "ios").await;
        until_status(&agora, "nora", "online").await;
        drop(back);
    }
}

every_shape! {
    async fn a_new_password_a_kick_and_a_lock_out_end_the_connections(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let id = app.lanying().register("pia").await;
        let (mut nora, mut omar, mut pia) = (
            connect(&app, "nora", "a", "web").await,
            connect(&app, "omar", "b", "web").await,
            connect(&app, "pia", "c", "web").await,
        );
        for user in ["nora", "omar", "pia"] {
            until_status(&agora, user, "online").await;
        }
        let password = agora.request(Method::PUT, "/users/nora/password").json(&json!({"newpassword": "another"}));
        Reply::to(password).await.expect(200);
        assert_eq!(nora.closed().await, 4401);
        Reply::to(agora.request(Method::POST, "/users/omar/deactivate")).await.expect(200);
        assert_eq!(omar.closed().await, 4401);
        lanying_data(&app.lanying().acting_as(id).post("/user/kick", &json!({})).await);
        assert_eq!(pia.closed().await, 4403);
        for user in ["nora", "omar", "pia"] {
            assert_eq!(agora.get(&format!("/users/{user}/status")).await.expect(200)["data"][user], "offline");
        }
    }
}

every_shape! {
    async fn who_comes_back_right_after_a_new_password_or_a_kick_stays(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut before = connect(&app, "nora", "phone", "ios").await;
        until_resources(&agora, "nora", &["phone"]).await;
        let password = agora.request(Method::PUT, "/users/nora/password").json(&json!({"newpassword": "another"}));
        Reply::to(password).await.expect(200);
        let login = json!({"grant_type": "password", "username": "nora", "password": "another"});
        let token = agora.post("/token", &login).await.expect(200)["access_token"].as_str().expect("a token").to_owned();
        let mut back = Socket::open_device(&app.suite.url(), &app, &token, ("phone", "ios")).await;
        assert_eq!(before.closed().await, 4401);
        // The gateway has heard of the new password.
        let id = agora.send_text("omar", "nora", "still here").await;
        assert_eq!(back.event("message.sent").await["msg_id"], json!(id));
        until_resources(&agora, "nora", &["phone"]).await;

        agora.get("/users/nora/disconnect").await.expect(200);
        let mut again = Socket::open_device(&app.suite.url(), &app, &token, ("phone", "ios")).await;
        assert_eq!(back.closed().await, 4403);
        let id = agora.send_text("omar", "nora", "here again").await;
        assert_eq!(again.event("message.sent").await["msg_id"], json!(id));
        until_resources(&agora, "nora", &["phone"]).await;
        again.send(&json!({"type": "ping"})).await;
        again.next_of("pong").await;
    }
}

every_shape! {
    async fn whoever_is_connected_is_met_by_a_kick_at_once(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        for round in 0..5 {
            let mut phone = connect(&app, "nora", "phone", "ios").await;
            let mut page = connect(&app, "nora", "page", "web").await;
            agora.delete("/users/nora/disconnect/phone").await.expect(200);
            assert_eq!(phone.closed().await, 4403, "round {round}");
            let mut back = connect(&app, "nora", "phone", "ios").await;
            agora.get("/users/nora/disconnect").await.expect(200);
            assert_eq!((page.closed().await, back.closed().await), (4403, 4403), "round {round}");
        }
        // The SDK's wire, too.
        let mut device = Raw::logged_in(&app, "nora").await;
        agora.get("/users/nora/disconnect").await.expect(200);
        assert_eq!(device.closed().await, 4403);
    }
}

every_shape! {
    async fn connects_and_disconnects_are_events_with_the_way_they_ended(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let after = now(&agora).await;
        let phone = connect(&app, "nora", "phone", "ios").await;
        let online = connections(&agora, &after, 1).await;
        assert_eq!((&online[0]["kind"], &online[0]["operator"]), (&json!("user.online"), &json!("nora")));
        assert_eq!(online[0]["change"], json!({"user": "nora", "resource": "phone", "platform": "ios"}));
        assert_eq!(online[0]["client_ip"], "127.0.0.1");
        drop(phone);
        let told = connections(&agora, &after, 2).await;
        let closed = json!({"user": "nora", "resource": "phone", "platform": "ios", "how": "closed"});
        assert_eq!((&told[1]["kind"], &told[1]["change"]), (&json!("user.offline"), &closed));
        let _page = connect(&app, "nora", "page", "web").await;
        connections(&agora, &after, 3).await;
        agora.get("/users/nora/disconnect").await.expect(200);
        let told = connections(&agora, &after, 4).await;
        assert_eq!(told[3]["change"]["how"], "kicked");
        assert_eq!(told.len(), 4);
    }
}

every_shape! {
    async fn an_app_may_do_without_them(app: TestApp) {
        set(&app, pb::Policy { presence_events: Some(false), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let after = now(&agora).await;
        let socket = connect(&app, "nora", "phone", "ios").await;
        until_status(&agora, "nora", "online").await;
        drop(socket);
        until_status(&agora, "nora", "offline").await;
        agora.register(&["omar"]).await;
        // Changes come in order, so those of connections would have come before.
        let path = format!("/tidings/events?after={after}&wait=30");
        assert_eq!(agora.get(&path).await.expect(200)["data"][0]["kind"], "user.registered");
    }
}

every_shape! {
    async fn connections_are_called_back_in_each_vendors_form_tencent_6_agora_11_3(app: TestApp) {
        app.agora().register(&["nora"]).await;
        let [tencent, vendor] = [(); 2].map(|()| Receiver::start(|_| Answer::ok()));
        add(&app, &tencent, pb::CallbackDialect::Tencent).await;
        add(&app, &vendor, pb::CallbackDialect::Agora).await;
        let socket = connect(&app, "nora", "phone", "ios").await;
        tencent.wait_for(1).await;
        drop(socket);

        let received = tencent.wait_for(2).await;
        let strict = strict(&app);
        for received in &received {
            assert_eq!(strict.check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
        }
        let told: Vec<Value> = received.iter().map(Received::json).collect();
        assert_eq!(told[0]["CallbackCommand"], "State.StateChange");
        assert_eq!(told[0]["Info"], json!({"Action": "Login", "To_Account": "nora", "Reason": "Register"}));
        assert_eq!(told[1]["Info"], json!({"Action": "Disconnect", "To_Account": "nora", "Reason": "LinkClose"}));

        let told: Vec<Value> = vendor.wait_for(2).await.iter().map(Received::json).collect();
        let key = format!("{}#{}", app.app().org, app.app().name);
        for (told, (reason, status)) in told.iter().zip([("login", "online"), ("logout", "offline")]) {
            assert_eq!((&told["reason"], &told["status"], &told["appkey"]), (&json!(reason), &json!(status), &json!(key)));
            assert_eq!((&told["user"], &told["os"]), (&json!(format!("{key}_nora@easemob.com/phone")), &json!("ios")));
        }
        assert_eq!(told[0]["ip"], "127.0.0.1");
    }
}

/// The next presence of a user, as told to a subscriber.
async fn presence_of(subscriber: &mut Socket, user: &str) -> Value {
    let event = subscriber.event("user.presence").await;
    assert_eq!(event["change"]["user"], user, "{event}");
    event["change"].clone()
}

every_shape! {
    async fn subscribers_are_told_of_connects_statuses_and_disconnects(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let subscribed = agora.post("/users/omar/presence/1000", &json!({"usernames": ["nora"]})).await;
        subscribed.expect(200);
        let mut omar = connect(&app, "omar", "o", "web").await;
        let mut pia = connect(&app, "pia", "p", "web").await;
        let nora = connect(&app, "nora", "phone", "ios").await;
        assert_eq!(presence_of(&mut omar, "nora").await["statuses"], json!({"phone": "1"}));
        agora.post("/users/nora/presence/phone/100", &json!({"ext": "lunch"})).await.expect(200);
        let told = presence_of(&mut omar, "nora").await;
        assert_eq!((&told["statuses"], &told["ext"]), (&json!({"phone": "100"}), &json!("lunch")));
        assert!(told.get("users").is_none(), "who else is subscribed is not told");
        drop(nora);
        assert_eq!(presence_of(&mut omar, "nora").await["statuses"], json!({"phone": "0"}));
        // Who is not subscribed gets nothing of it.
        let id = agora.send_text("omar", "pia", "hi").await;
        assert_eq!(pia.events().await[0]["msg_id"], json!(id));
    }
}

every_shape! {
    async fn what_is_on_a_device_is_told_to_the_sender(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut nora = connect(&app, "nora", "n", "web").await;
        let mut omar = connect(&app, "omar", "o", "web").await;
        let id = agora.send_text("nora", "omar", "hi").await;
        omar.event("message.sent").await;
        omar.send(&json!({"type": "delivered", "id": "1", "msg_id": id})).await;
        omar.next_of("done").await;
        let told = nora.event("conversation.delivered").await;
        assert_eq!((&told["operator"], &told["msg_id"], &told["chat_type"]), (&json!("omar"), &json!(id), &json!("chat")));
        // A mark that does not move is no event: the next one is of the next message.
        omar.send(&json!({"type": "delivered", "id": "2", "msg_id": id})).await;
        omar.next_of("done").await;
        let next = agora.send_text("nora", "omar", "again").await;
        omar.send(&json!({"type": "delivered", "id": "3", "msg_id": next})).await;
        assert_eq!(nora.event("conversation.delivered").await["msg_id"], json!(next));
    }
}
