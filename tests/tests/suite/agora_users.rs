//! `/{org}/{app}/users` (agora.md 10.2, errors of 8.3; decision 3).

use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Reply, every_shape};

use crate::{
    envelope::{agora_error, keys},
    policy,
    transcript::Transcript,
};

fn names(reply: &Value) -> Vec<&str> {
    let users = reply["entities"].as_array().expect("entities");
    users.iter().map(|user| user["username"].as_str().expect("a name")).collect()
}

every_shape! {
    async fn one_user_or_many_are_registered_and_read_agora_10_2(app: TestApp) {
        let agora = app.agora();
        let mut wire = Transcript::of(&app);
        let nora = json!({"username": "Nora", "password": "pw", "nickname": "N 😀"});
        wire.add("one, with a nickname", &agora.post("/users", &nora).await);
        wire.add("one, without a password", &agora.post("/users", &json!({"username": "omar"})).await);
        wire.add("one, in an array", &agora.post("/users", &json!([{"username": "pia", "password": "pw"}])).await);
        let many = json!([{"username": "quin", "password": "pw"}, {"username": "PIA", "password": "pw"},
            {"username": "no body"}, {"username": "quin"}]);
        wire.add("many, some of which fail", &agora.post("/users", &many).await);
        wire.add("read", &agora.get("/users/NORA").await);
        wire.add("read, unknown", &agora.get("/users/rita").await);
        wire.add("delete", &agora.delete("/users/omar").await);
        wire.add("delete again", &agora.delete("/users/omar").await);
        wire.add("read the deleted", &agora.get("/users/omar").await);
        wire.check("users");
    }
}

every_shape! {
    async fn what_cannot_be_registered_has_its_own_words_agora_8_3(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let cases = [
            ("exists", json!({"username": "nora", "password": "pw"})),
            ("exists folded, in an array", json!([{"username": "NORA", "password": "pw"}])),
            ("illegal", json!({"username": "no body", "password": "pw"})),
            ("not ASCII", json!({"username": "Ünü", "password": "pw"})),
            ("U+0000", json!({"username": "a\u{0}b", "password": "pw"})),
            ("65 bytes", json!({"username": "x".repeat(65), "password": "pw"})),
            ("reserved", json!({"username": "Admin", "password": "pw"})),
            ("no username", json!({"password": "pw"})),
            ("empty username", json!({"username": ""})),
            ("long password", json!({"username": "long", "password": "p".repeat(1025)})),
            ("long nickname", json!({"username": "long", "nickname": "n".repeat(257)})),
            ("no user at all", json!([])),
            ("no object", json!([1])),
            ("a text", json!("nora")),
            ("number as name", json!({"username": 7})),
            ("61 users", (0..61).map(|n| json!({"username": format!("u{n}")})).collect()),
        ];
        let mut wire = Transcript::of(&app);
        for (what, body) in cases {
            let reply = agora.post("/users", &body).await;
            agora_error(&reply, 400);
            wire.add(what, &reply);
        }
        wire.check("user_refusals");
        assert_eq!(names(&agora.get("/users").await.expect(200)), ["nora"]);
    }
}

every_shape! {
    async fn sixty_users_and_64_bytes_are_taken_agora_1_2(app: TestApp) {
        let users: Value = (0..60).map(|n| json!({"username": format!("{n:0>64}")})).collect();
        let answer = app.agora().post("/users", &users).await.expect(200);
        assert_eq!(names(&answer).len(), 60);
        assert_eq!(answer["data"], json!([]), "nobody failed");
    }
}

every_shape! {
    async fn users_are_paged_in_order_of_creation_and_deleted_by_page(app: TestApp) {
        let agora = app.agora();
        for name in ["zoe", "ann", "mia"] {
            agora.post("/users", &json!({"username": name})).await.expect(200);
        }
        let first = agora.get("/users?limit=2").await.expect(200);
        assert_eq!(names(&first), ["zoe", "ann"]);
        assert_eq!(first["params"], json!({"limit": ["2"]}));
        assert_eq!(first["count"], 2);
        let cursor = first["cursor"].as_str().expect("a cursor").to_owned();
        let last = agora.get(&format!("/users?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!(names(&last), ["mia"]);
        assert!(last.get("cursor").is_none(), "{last}");
        let deleted = agora.delete("/users?limit=1").await.expect(200);
        assert_eq!(names(&deleted), ["zoe"]);
        assert_eq!(deleted["action"], "delete");
        assert_eq!(names(&agora.get("/users").await.expect(200)), ["ann", "mia"]);
    }
}

every_shape! {
    async fn limits_and_cursors_that_are_no_numbers_are_refused(app: TestApp) {
        let agora = app.agora();
        for query in ["limit=x", "limit=1.5", "limit=99999999999999999999", "cursor=x", "cursor=0x10", "limit=%31"] {
            let (error, _) = agora_error(&agora.get(&format!("/users?{query}")).await, 400);
            assert_eq!(error, "illegal_argument", "{query}");
        }
        for query in ["limit=0", "limit=-7", "limit=101", "limit=", "surprise=1&limit=2", "&&=&"] {
            agora.get(&format!("/users?{query}")).await.expect(200);
        }
    }
}

every_shape! {
    async fn a_name_that_was_only_mentioned_is_no_user_until_it_is_registered_decision_3(app: TestApp) {
        let agora = app.agora();
        agora.send_text("nora", "ghost", "boo").await;
        assert_eq!(names(&agora.get("/users").await.expect(200)), [""; 0]);
        assert_eq!(agora_error(&agora.get("/users/ghost").await, 404).0, "service_resource_not_found");
        assert_eq!(agora_error(&agora.delete("/users/ghost").await, 404).0, "service_resource_not_found");
        agora.register(&["Ghost"]).await;
        let ghost = app.lanying().logged_in("Ghost").await;
        let unread = ghost.unread().await;
        assert_eq!(unread.iter().map(|(_, num)| *num).collect::<Vec<_>>(), [1], "the message waited");
    }
}

every_shape! {
    async fn without_a_token_users_register_only_where_the_policy_says_so(app: TestApp) {
        policy::set(&app, pb::Policy { open_registration: Some(true), ..Default::default() }).await;
        let nora = json!({"username": "nora", "password": "nora-password"});
        let open = app.agora().with_token("").post("/users", &nora).await.expect(200);
        assert_eq!(names(&open), ["nora"]);

        let closed = policy::neighbour(&app).await;
        let (error, text) = agora_error(&closed.agora().with_token("").post("/users", &nora).await, 401);
        assert_eq!(error, "unauthorized");
        assert_eq!(text, "Open registration doesn't allow, so register user need token");
    }
}

every_shape! {
    async fn a_slash_at_the_end_and_unknown_keys_change_nothing(app: TestApp) {
        let agora = app.agora();
        let body = json!({"username": "nora", "surprise": {"a": [1]}});
        let answer = agora.post("/users/", &body).await.expect(200);
        assert_eq!(answer["path"], "/users");
        assert_eq!(keys(&answer), [
            "action", "application", "applicationName", "data", "duration", "entities", "organization", "path",
            "timestamp", "uri",
        ]);
        let read = Reply::to(agora.request(reqwest::Method::GET, "/users/nora/?a=b")).await.expect(200);
        assert_eq!(read["path"], "/users/nora");
        assert_eq!(read["uri"], format!("{}/users/nora", agora.base));
    }
}
