//! Who may call what: every route of both dialects with every kind of token (agora.md 1.3, 8.2; lanying.md 1, 9).

use std::{sync::Arc, time::Duration};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb::{self, app_ref};
use tidings_testkit::{Agora, Lanying, Reply, Suite, TestApp, every_shape};

use crate::{
    envelope::{agora_error, lanying_data, lanying_error},
    policy::{self, neighbour},
};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

const EXPIRED: (&str, &str) = ("unauthorized", "Unable to authenticate due to expired access token");
/// A user token where an app token is required.
const OAUTH: (&str, &str) = ("auth_bad_access_token", "Unable to authenticate (OAuth)");
const CORRUPT: (&str, &str) = ("auth_bad_access_token", "Unable to authenticate due to corrupt access token");
const FORGED: (&str, &str) = ("auth_bad_access_token", "Unable to authenticate");
const CLOSED: (&str, &str) = ("unauthorized", "Open registration doesn't allow, so register user need token");

/// Calls of the Agora dialect that need an app token.
fn agora_routes() -> Vec<(Method, &'static str, Option<Value>)> {
    let text = json!({"from": "ann", "to": ["bob", "eve"], "type": "txt", "body": {"msg": "x"}});
    let inherit = json!({"grant_type": "inherit", "username": "eve", "autoCreateUser": true});
    vec![
        (Method::POST, "/users", Some(json!({"username": "eve"}))),
        (Method::GET, "/users", None),
        (Method::DELETE, "/users", None),
        (Method::GET, "/users/bob", None),
        (Method::DELETE, "/users/ann", None),
        (Method::POST, "/messages/users", Some(text)),
        (Method::POST, "/token", Some(inherit)),
    ]
}

/// Calls of the Lanying dialect that need a token; `true`: an admin's.
fn lanying_routes(app: &Prepared) -> Vec<(Method, String, Option<Value>, bool)> {
    let text = json!({"type": 1, "targets": [app.bob], "content_type": 0, "content": "x"});
    let eve = json!({"username": "eve", "password": "pw"});
    vec![
        (Method::POST, "/message/send".into(), Some(text.clone()), false),
        (Method::PUT, "/message/send".into(), Some(text), false),
        (Method::GET, format!("/message/conversation?opposite_id={}&msg_id_start=0&limit=9", app.bob), None, false),
        (Method::DELETE, format!("/message/conversation?conversation_id={}", app.bob), None, false),
        (Method::GET, format!("/message/ack?conversation_id={}", app.bob), None, false),
        (Method::GET, "/message/unread".into(), None, false),
        (Method::POST, "/user/register/v2".into(), Some(eve), true),
    ]
}

/// An app with two users, one message from Bob to Ann, and a token of Ann's.
struct Prepared {
    app: TestApp,
    ann: i64,
    bob: i64,
    ann_token: String,
}

impl Prepared {
    /// Registration is closed in both dialects, so that it needs a token like everything else.
    async fn new(app: TestApp) -> Self {
        policy::set(&app, pb::Policy { lanying_open_registration: Some(false), ..Default::default() }).await;
        let (ann, bob) = (app.lanying().register("ann").await, app.lanying().register("bob").await);
        app.lanying().acting_as(bob).send_text(ann, "hello").await;
        let ann_token = app.lanying().logged_in("ann").await.token;
        Self { app, ann, bob, ann_token }
    }

    /// Refused callers changed nothing.
    async fn check_unchanged(&self) {
        let users = self.app.agora().get("/users").await.expect(200);
        let names: Vec<&Value> =
            users["entities"].as_array().expect("users").iter().map(|user| &user["username"]).collect();
        assert_eq!(names, ["ann", "bob"]);
        assert_eq!(self.app.lanying().acting_as(self.ann).unread().await, [(self.bob, 1)]);
        let page = self.app.lanying().acting_as(self.bob).history(self.ann, 0, 9).await;
        let contents: Vec<&Value> =
            page["messages"].as_array().expect("messages").iter().map(|message| &message["content"]).collect();
        assert_eq!(contents, ["hello"]);
    }
}

fn with_body(request: RequestBuilder, body: Option<&Value>) -> RequestBuilder {
    match body {
        Some(body) => request.json(body),
        None => request,
    }
}

/// Every Agora route reports the same error for a token; registration has its own error for valid tokens.
async fn check_agora(agora: &Agora, token: &str, expected: (&str, &str), of_registration: (&str, &str)) {
    let caller = agora.with_token(token);
    for (method, path, body) in agora_routes() {
        let reply = Reply::to(with_body(caller.request(method.clone(), path), body.as_ref())).await;
        let registers = (&method, path) == (&Method::POST, "/users");
        let (error, text) = if registers { of_registration } else { expected };
        assert_eq!(agora_error(&reply, 401), (error.to_owned(), text.to_owned()), "{method} {path}");
    }
}

async fn check_lanying(app: &Prepared, caller: &Lanying, code: i64, of_registration: i64) {
    for (method, path, body, registers) in lanying_routes(app) {
        let reply = Reply::to(with_body(caller.request(method.clone(), &path), body.as_ref())).await;
        let expected = if registers { of_registration } else { code };
        assert_eq!(lanying_error(&reply), expected, "{method} {path}: {}", reply.text);
    }
}

/// The claims of a token with the signature of another key.
fn forged(token: &str, other: &str) -> String {
    let (claims, _) = token.rsplit_once('.').expect("a token has three parts");
    let (_, signature) = other.rsplit_once('.').expect("a token has three parts");
    format!("{claims}.{signature}")
}

every_shape! {
    async fn bad_tokens_open_no_route_and_change_nothing(app: TestApp) {
        let other = neighbour(&app).await;
        let app = Prepared::new(app).await;
        let (agora, lanying) = (app.app.agora(), app.app.lanying());
        let foreign = [other.agora().token, other.lanying().token];
        let forged = [
            forged(&agora.token, &foreign[0]),
            forged(&lanying.token, &foreign[1]),
            forged(&app.ann_token, &foreign[0]),
        ];
        let garbage = ["YWMtGarbage", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "Basic", &"x".repeat(5000)];

        check_agora(&agora, "", EXPIRED, CLOSED).await;
        check_lanying(&app, &lanying.with_token(""), 10003, 10010).await;
        for token in garbage {
            check_agora(&agora, token, CORRUPT, CORRUPT).await;
            check_lanying(&app, &lanying.with_token(token), 10008, 10008).await;
        }
        for token in &forged {
            check_agora(&agora, token, FORGED, FORGED).await;
            check_lanying(&app, &lanying.with_token(token), 10008, 10008).await;
        }
        for token in &foreign {
            check_agora(&agora, token, CORRUPT, CORRUPT).await;
            check_lanying(&app, &lanying.with_token(token), 10008, 10008).await;
        }
        app.check_unchanged().await;
    }
}

every_shape! {
    async fn user_tokens_open_what_is_their_own_and_no_more(app: TestApp) {
        let app = Prepared::new(app).await;
        check_agora(&app.app.agora(), &app.ann_token, OAUTH, CLOSED).await;
        let own = app.app.lanying().with_token(&app.ann_token);
        let foreign = own.acting_as(app.bob);
        check_lanying(&app, &foreign, 10010, 10010).await;
        app.check_unchanged().await;
        for (method, path, body, needs_admin) in lanying_routes(&app) {
            let reply = Reply::to(with_body(own.request(method, &path), body.as_ref())).await;
            if needs_admin {
                assert_eq!(lanying_error(&reply), 10010);
            } else {
                lanying_data(&reply);
            }
        }
    }
}

every_shape! {
    async fn app_and_admin_tokens_open_every_route_of_both_dialects_decision_4(app: TestApp) {
        let app = Prepared::new(app).await;
        for token in [app.app.agora().token, app.app.lanying().token] {
            let lanying = app.app.lanying().with_token(&token).acting_as(app.ann);
            for (method, path, body, _) in lanying_routes(&app) {
                lanying_data(&Reply::to(with_body(lanying.request(method, &path), body.as_ref())).await);
            }
            let agora = app.app.agora().with_token(&token);
            agora.delete("/users/eve").await.expect(200);
            for (method, path, body) in agora_routes() {
                if method != Method::DELETE {
                    Reply::to(with_body(agora.request(method, path), body.as_ref())).await.expect(200);
                }
            }
            agora.delete("/users/eve").await.expect(200);
        }
    }
}

every_shape! {
    async fn a_deleted_user_is_locked_out(app: TestApp) {
        let app = Prepared::new(app).await;
        app.app.agora().delete("/users/ann").await.expect(200);
        let login = json!({"user_id": app.ann, "password": "ann-password"});
        assert_eq!(lanying_error(&app.app.lanying().with_token("").post("/token/id", &login).await), 10000);
        assert_eq!(lanying_error(&app.app.lanying().with_token(&app.ann_token).get("/message/unread").await), 10008);
    }
}

fn by_id(app: &TestApp) -> pb::AppRef {
    pb::AppRef { app: Some(app_ref::App::Id(app.app().id)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_opens_nothing_and_says_so() {
    let clock = Arc::new(ManualClock::new(NOW));
    let suite = Arc::new(Suite::all_in_one(None, clock.clone()));
    let app = Prepared::new(TestApp::of(suite).await).await;
    let mut ann = app.app.lanying().logged_in("ann").await;
    let wanted = json!({"grant_type": "password", "username": "ann", "password": "ann-password", "ttl": 1});
    let issued = app.app.agora().post("/token", &wanted).await.expect(200);
    ann.token = issued["access_token"].as_str().expect("a token").to_owned();
    let wanted = json!({
        "grant_type": "client_credentials", "ttl": 1,
        "client_id": app.app.secrets.client_id, "client_secret": app.app.secrets.client_secret,
    });
    let issued = app.app.agora().post("/token", &wanted).await.expect(200);
    let app_token = issued["access_token"].as_str().expect("a token").to_owned();
    lanying_data(&ann.get("/message/unread").await);
    app.app.agora().with_token(&app_token).get("/users").await.expect(200);

    clock.advance(Duration::from_secs(1));
    for token in [&app_token, &ann.token] {
        check_agora(&app.app.agora(), token, EXPIRED, EXPIRED).await;
        check_lanying(&app, &app.app.lanying().with_token(token), 402, 402).await;
    }
    app.check_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_opens_nothing_after_five_seconds_at_most_decision_4() {
    let clock = Arc::new(ManualClock::new(NOW));
    let suite = Arc::new(Suite::all_in_one(None, clock.clone()));
    let app = Prepared::new(TestApp::of(suite).await).await;
    let wanted = pb::CreateAdminTokenRequest { app: Some(by_id(&app.app)), label: "second".into() };
    let mut directory = app.app.directory();
    let made = directory.create_admin_token(app.app.suite.request(wanted)).await.expect("a token").into_inner();
    let admin = app.app.lanying().with_token(&made.token);
    lanying_data(&admin.get("/message/unread").await);

    let revoke =
        pb::RevokeAdminTokenRequest { app: Some(by_id(&app.app)), id: made.admin_token.expect("its entry").id };
    directory.revoke_admin_token(app.app.suite.request(revoke)).await.expect("it is revoked");
    clock.advance(Duration::from_secs(5));
    check_agora(&app.app.agora(), &made.token, FORGED, FORGED).await;
    check_lanying(&app, &admin, 10008, 10008).await;
    app.check_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_app_refuses_every_call_and_comes_back() {
    let clock = Arc::new(ManualClock::new(NOW));
    let suite = Arc::new(Suite::all_in_one(None, clock.clone()));
    let app = Prepared::new(TestApp::of(suite).await).await;
    let mut directory = app.app.directory();
    let switch = |enabled| app.app.suite.request(pb::SetAppEnabledRequest { app: Some(by_id(&app.app)), enabled });
    directory.set_app_enabled(switch(false)).await.expect("it is disabled");
    clock.advance(Duration::from_secs(5));
    for (method, path, body) in agora_routes() {
        let reply = Reply::to(with_body(app.app.agora().request(method, path), body.as_ref())).await;
        assert_eq!(agora_error(&reply, 403).0, "forbidden_service_operation", "{path}");
    }
    check_lanying(&app, &app.app.lanying(), 10010, 10010).await;
    let login = json!({"name": "ann", "password": "ann-password"});
    assert_eq!(lanying_error(&app.app.lanying().with_token("").post("/token/user", &login).await), 10010);
    directory.set_app_enabled(switch(true)).await.expect("it is enabled");
    clock.advance(Duration::from_secs(5));
    app.check_unchanged().await;
}
