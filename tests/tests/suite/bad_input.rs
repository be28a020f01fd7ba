//! Invalid input: answered in the dialect's envelope, without any change.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Reply, TestApp, every_shape};

use crate::{
    envelope::{agora_error, lanying_code, lanying_error},
    raw_http::{body, exchange, status},
};

/// The gateway's limit on request bodies.
const MAX_BODY: usize = 2 * 1024 * 1024 + 64 * 1024;

const AGORA_POSTS: [&str; 3] = ["/token", "/users", "/messages/users"];
const LANYING_POSTS: [&str; 4] = ["/user/register/v2", "/token/id", "/token/user", "/message/send"];

/// A conversation with one message, to be found unchanged.
struct Witness {
    app: TestApp,
    ann: i64,
    bob: i64,
    before: Value,
}

impl Witness {
    async fn of(app: TestApp) -> Self {
        let (ann, bob) = (app.lanying().register("ann").await, app.lanying().register("bob").await);
        app.lanying().acting_as(ann).send_text(bob, "hello").await;
        let before = app.lanying().acting_as(bob).history(ann, 0, 9).await;
        Self { app, ann, bob, before }
    }

    async fn check(&self) {
        let bob = self.app.lanying().acting_as(self.bob);
        assert_eq!(bob.history(self.ann, 0, 9).await, self.before);
        assert_eq!(bob.unread().await, [(self.ann, 1)]);
    }

    fn lanying_text(&self) -> Value {
        json!({
            "type": 1, "targets": [self.bob], "content_type": 0, "content": "x", "attachment": "a", "config": "c",
            "ext": "e", "from_user_id": self.ann, "transaction_id": 1,
        })
    }
}

fn text() -> Value {
    json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "x"}, "ext": {}})
}

every_shape! {
    async fn what_is_no_json_is_refused_on_every_route(app: TestApp) {
        let witness = Witness::of(app).await;
        let (agora, lanying) = (witness.app.agora(), witness.app.lanying());
        let broken: [&[u8]; 10] = [
            b"", b" ", b"{", b"{\"a\":}", b"{'a':1}", b"{\"a\":1}x", b"nul", b"\xff\xfe{}", b"{\"msg\":\"\xc3\x28\"}",
            b"{\"msg\":\"\\ud800\"",
        ];
        for body in broken {
            for path in AGORA_POSTS {
                let (error, _) = agora_error(&agora.post_text(path, body).await, 400);
                assert_eq!(error, "json_parse", "{path} {}", String::from_utf8_lossy(body));
            }
            for path in LANYING_POSTS {
                let reply = Reply::to(lanying.request(Method::POST, path).body(body)).await;
                assert_eq!(lanying_error(&reply), 10002, "{path} {}", String::from_utf8_lossy(body));
            }
        }
        witness.check().await;
    }
}

every_shape! {
    async fn wrong_json_types_are_refused_for_every_field(app: TestApp) {
        let witness = Witness::of(app).await;
        let odd = [json!(true), json!(1.5), json!({"a": 1}), json!([{}]), json!([[]])];
        for key in ["from", "to", "type", "body", "ext"] {
            for value in odd.iter().filter(|value| !(value.is_object() && matches!(key, "body" | "ext"))) {
                let mut wrong = text();
                wrong[key] = value.clone();
                let (error, _) = agora_error(&witness.app.agora().post("/messages/users", &wrong).await, 400);
                assert!(["invalid_request_body", "message_send_error"].contains(&error.as_str()), "{wrong}: {error}");
            }
        }
        for key in ["username", "password", "nickname"] {
            for value in &odd {
                let mut user = json!({"username": "eve", "password": "pw", "nickname": "e"});
                user[key] = value.clone();
                for users in [user.clone(), json!([user, {"username": "eva"}]), json!([["eve", "pw", "e"]])] {
                    let (error, _) = agora_error(&witness.app.agora().post("/users", &users).await, 400);
                    assert_eq!(error, "invalid_request_body", "{users}");
                }
            }
        }
        for key in ["type", "targets", "content_type", "content", "attachment", "config", "ext", "from_user_id", "transaction_id"] {
            for value in &odd {
                let mut text = witness.lanying_text();
                text[key] = value.clone();
                let reply = witness.app.lanying().post("/message/send", &text).await;
                assert_eq!(lanying_error(&reply), 10002, "{text}");
            }
        }
        witness.check().await;
        assert_eq!(agora_error(&witness.app.agora().get("/users/eve").await, 404).0, "service_resource_not_found");
    }
}

every_shape! {
    async fn unknown_apps_and_routes_and_wrong_methods_are_told_in_the_dialect_of_the_path(app: TestApp) {
        let witness = Witness::of(app).await;
        let (agora, lanying) = (witness.app.agora(), witness.app.lanying());
        let mut nowhere = agora.clone();
        for org in ["acme", "%FF", "a%2Fb", "%00", "a b", &"o".repeat(40_000)] {
            nowhere.base = format!("{}/{org}/lobby", witness.app.suite.url());
            for path in ["/users", "/users/ann"] {
                let reply = nowhere.get(path).await;
                assert_eq!(agora_error(&reply, 404).0, "organization_application_not_found", "{org:.9}{path}");
            }
        }
        for path in ["", "/", "/chatgroupies", "/users/ann/nothing", "/messagess", "/messages/users/ann", "/%FF"] {
            assert_eq!(agora_error(&agora.get(path).await, 404).0, "service_resource_not_found", "{path}");
        }
        for (method, path) in [
            (Method::PATCH, "/users"), (Method::PUT, "/messages/users"), (Method::GET, "/token"), (Method::POST, "/users/ann"),
        ] {
            let reply = Reply::to(agora.request(method.clone(), path)).await;
            assert_eq!(agora_error(&reply, 405).0, "unsupported_service_operation", "{method} {path}");
        }
        for path in ["/message", "/message/", "/message/nothing", "/user/register/v3", "/token/%FF", "/token/users"] {
            let reply = lanying.get(path).await;
            assert_eq!((reply.status.as_u16(), lanying_code(&reply)), (404, 404), "{path}");
        }
        for (method, path) in [
            (Method::GET, "/message/send"), (Method::POST, "/message/unread"), (Method::DELETE, "/message/ack"),
            (Method::GET, "/token/id"),
        ] {
            let reply = Reply::to(lanying.request(method.clone(), path)).await;
            assert_eq!((reply.status.as_u16(), lanying_code(&reply)), (405, 405), "{method} {path}");
        }
        for reserved in ["message", "token", "user", "livez"] {
            nowhere.base = format!("{}/{reserved}/lobby", witness.app.suite.url());
            assert_eq!(nowhere.get("/users").await.status.as_u16(), 404, "{reserved} is no organization");
        }
        let mut long = lanying.clone();
        long.app_id = "a".repeat(40_000);
        assert_eq!(lanying_error(&long.get("/message/unread").await), 40000);
        witness.check().await;
    }
}

every_shape! {
    async fn names_in_the_path_that_nobody_can_have_are_users_who_are_not_there(app: TestApp) {
        let witness = Witness::of(app).await;
        for name in ["%FF", "%00", "a%2Fb", "a%20b", "%E5%AE%89", &"x".repeat(65), &"x".repeat(60_000), "%", "%zz"] {
            for method in [Method::GET, Method::DELETE] {
                let path = format!("/users/{name}");
                let reply = Reply::to(witness.app.agora().request(method.clone(), &path)).await;
                assert_eq!(agora_error(&reply, 404).0, "service_resource_not_found", "{method} {name:.9}");
            }
        }
        witness.app.agora().get("/users/%61nn").await.expect(200);
        witness.check().await;
    }
}

every_shape! {
    async fn a_body_beyond_the_bound_is_refused_and_one_at_the_bound_is_read(app: TestApp) {
        let witness = Witness::of(app).await;
        let padded = |body: &Value, bytes: usize| {
            let text = body.to_string();
            let padding = " ".repeat(bytes - text.len());
            format!("{text}{padding}")
        };
        for bytes in [MAX_BODY + 1, 4 * MAX_BODY] {
            for path in AGORA_POSTS {
                let reply = witness.app.agora().post_text(path, padded(&json!({}), bytes)).await;
                assert_eq!(agora_error(&reply, 413).0, "Request Entity Too Large", "{path}");
            }
            for path in LANYING_POSTS {
                let body = padded(&json!({}), bytes);
                let reply = Reply::to(witness.app.lanying().request(Method::POST, path).body(body)).await;
                assert_eq!(lanying_error(&reply), 10002, "{path}");
            }
        }
        witness.check().await;
        let reply = witness.app.agora().post_text("/messages/users", padded(&text(), MAX_BODY)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}

every_shape! {
    async fn deep_nesting_is_no_danger(app: TestApp) {
        let witness = Witness::of(app).await;
        let (agora, lanying) = (witness.app.agora(), witness.app.lanying());
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for levels in [2_000, 400_000] {
            for body in [deep(levels), format!("{{\"to\":{}}}", deep(levels)), "[".repeat(levels), "{\"a\":".repeat(levels)] {
                for path in AGORA_POSTS {
                    agora_error(&agora.post_text(path, body.clone()).await, 400);
                }
                for path in LANYING_POSTS {
                    let reply = Reply::to(lanying.request(Method::POST, path).body(body.clone())).await;
                    assert_eq!(lanying_error(&reply), 10002, "{path}");
                }
            }
        }
        witness.check().await;
        let ext = format!("{{\"a\":{}}}", deep(1_500));
        let text = format!(r#"{{"from":"ann","to":["bob"],"type":"txt","body":{{"msg":"deep"}},"ext":{ext}}}"#);
        assert_eq!(agora.post_text("/messages/users", text).await.status, 200);
        let page = lanying.acting_as(witness.bob).history(witness.ann, 0, 1).await;
        assert_eq!(page["messages"][0]["ext"], ext, "an ext within its size is kept however deep it is");
    }
}

every_shape! {
    async fn headers_that_are_too_many_or_too_large_are_refused_by_the_server_itself(app: TestApp) {
        let witness = Witness::of(app).await;
        let url = witness.app.suite.url();
        let many = "x-many: v\r\n".repeat(2000);
        let large = format!("x-large: {}\r\n", "v".repeat(2 * 1024 * 1024));
        for headers in [many, large] {
            let request = format!("GET /message/unread HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
            let answer = exchange(&url, request.as_bytes()).await;
            assert!(matches!(status(&answer), None | Some(431)), "{answer}");
        }
        witness.check().await;
    }
}

every_shape! {
    async fn what_is_no_http_ends_the_connection_and_nothing_else(app: TestApp) {
        let witness = Witness::of(app).await;
        let url = witness.app.suite.url();
        let endless = format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(70_000));
        for request in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
            b"GET\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
            b"POST /token/id HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
            b"POST /token/id HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
            b"POST /token/id HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n",
            endless.as_bytes(),
        ] {
            let answer = exchange(&url, request).await;
            let refused = status(&answer).is_none_or(|status| (400..500).contains(&status) || status == 200);
            assert!(refused, "{answer}");
        }
        witness.check().await;
    }
}

every_shape! {
    async fn a_body_that_ends_early_is_refused_in_the_envelope(app: TestApp) {
        let witness = Witness::of(app).await;
        let app_id = &witness.app.lanying().app_id;
        let head = format!("POST /token/id HTTP/1.1\r\nhost: x\r\napp_id: {app_id}\r\nconnection: close\r\n");
        let broken = format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n");
        let answer = exchange(&witness.app.suite.url(), broken.as_bytes()).await;
        let envelope: Value = serde_json::from_str(body(&answer)).expect("an envelope");
        assert_eq!(envelope["code"], 10002, "{answer}");
        witness.check().await;
    }
}

every_shape! {
    async fn who_is_refused_before_the_body_has_come_hears_that_the_connection_ends(app: TestApp) {
        let witness = Witness::of(app).await;
        let path = witness.app.agora().base.replacen(&witness.app.suite.url(), "", 1);
        let lanying = "/message/send".to_owned();
        for (path, expected) in [(format!("{path}/messages/users"), 401), (format!("{path}/no/such/call"), 404), (lanying, 200)] {
            // The body is still being sent.
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n");
            let answer = exchange(&witness.app.suite.url(), head.as_bytes()).await;
            assert_eq!(status(&answer), Some(expected), "{answer}");
            assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        }
        // A complete one leaves the connection usable.
        let refused = witness.app.agora().with_token("").post("/messages/users", &json!({})).await;
        assert_eq!(refused.headers.get("connection"), None);
        witness.check().await;
    }
}

every_shape! {
    async fn unreadable_headers_are_refused_or_absent(app: TestApp) {
        let witness = Witness::of(app).await;
        let lanying = witness.app.lanying();
        for name in ["app_id", "access-token", "user_id"] {
            let mut head = b"GET /message/unread HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_vec();
            let values = [("app_id", &lanying.app_id), ("access-token", &lanying.token)];
            for (other, value) in values.into_iter().filter(|(other, _)| *other != name) {
                head.extend(format!("{other}: {value}\r\n").bytes());
            }
            head.extend(name.bytes());
            head.extend(b": \xff\xfe\r\n\r\n");
            let answer = exchange(&witness.app.suite.url(), &head).await;
            let envelope: Value = serde_json::from_str(body(&answer)).expect("an envelope");
            let expected = match name {
                "app_id" => 40000,
                "access-token" => 10003,
                _ => 10002,
            };
            assert_eq!(envelope["code"], expected, "{name}: {answer}");
        }
        witness.check().await;
    }
}
