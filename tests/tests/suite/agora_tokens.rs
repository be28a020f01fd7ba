//! `POST /{org}/{app}/token` (agora.md 10.1, errors of 8.3; decision 4).

use reqwest::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};
use tidings_testkit::{TestApp, every_shape};

use futures_util::future::join_all;
use tidings_proto::pb;

use crate::{
    envelope::{agora_error, keys, lanying_data, lanying_error},
    policy::{neighbour, set},
    transcript::Transcript,
};

fn client(app: &TestApp) -> Value {
    json!({
        "grant_type": "client_credentials",
        "client_id": app.secrets.client_id,
        "client_secret": app.secrets.client_secret,
    })
}

fn with(mut body: Value, key: &str, value: impl Into<Value>) -> Value {
    body[key] = value.into();
    body
}

every_shape! {
    async fn every_grant_answers_without_an_envelope_agora_10_1(app: TestApp) {
        let agora = app.agora();
        agora.register(&["Nora"]).await;
        let anonymous = agora.with_token("");
        let password = json!({"grant_type": "password", "username": "nora", "password": "Nora-password"});
        let inherit = json!({"grant_type": "inherit", "username": "nora"});
        let mut wire = Transcript::of(&app);
        wire.add("client_credentials", &anonymous.post("/token", &client(&app)).await);
        wire.add("password", &anonymous.post("/token", &with(password.clone(), "timestamp", 7)).await);
        wire.add("password, ttl as text", &anonymous.post("/token", &with(password.clone(), "ttl", "1024000")).await);
        wire.add("password, no end", &anonymous.post("/token", &with(password, "ttl", 0)).await);
        wire.add("inherit", &agora.post("/token", &inherit).await);
        wire.add("inherit, unknown", &agora.post("/token", &with(inherit.clone(), "username", "omar")).await);
        let create = with(with(inherit, "username", "omar"), "autoCreateUser", true);
        wire.add("inherit, create", &agora.post("/token", &create).await);
        wire.add("inherit, created before", &agora.post("/token", &create).await);
        wire.check("token_grants");
    }
}

every_shape! {
    async fn what_is_wrong_has_its_own_words_agora_8_3(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let anonymous = agora.with_token("");
        let password = json!({"grant_type": "password", "username": "nora", "password": "nora-password"});
        let cases = [
            ("no grant_type", json!({})),
            ("unknown grant_type", json!({"grant_type": "magic"})),
            ("no client_id", with(client(&app), "client_id", Value::Null)),
            ("no client_secret", with(client(&app), "client_secret", "")),
            ("wrong client_id", with(client(&app), "client_id", "CID")),
            ("wrong client_secret", with(client(&app), "client_secret", "CS")),
            ("no username", with(password.clone(), "username", "")),
            ("no password", with(password.clone(), "password", Value::Null)),
            ("wrong password", with(password.clone(), "password", "guess")),
            ("unknown user", with(password.clone(), "username", "omar")),
            ("the app itself", with(password.clone(), "username", "admin")),
            ("impossible user", with(password.clone(), "username", "no body")),
            ("negative ttl", with(client(&app), "ttl", -1)),
            ("endless ttl", with(client(&app), "ttl", i64::MAX)),
            ("ttl in words", with(client(&app), "ttl", "soon")),
            ("inherit without a token", json!({"grant_type": "inherit", "username": "nora"})),
        ];
        let mut wire = Transcript::of(&app);
        for (what, body) in cases {
            let reply = anonymous.post("/token", &body).await;
            agora_error(&reply, reply.status.as_u16());
            wire.add(what, &reply);
        }
        let user = agora.logged_in("nora").await;
        wire.add("inherit with a user token", &user.post("/token", &json!({"grant_type": "inherit", "username": "nora"})).await);
        wire.check("token_refusals");
    }
}

every_shape! {
    async fn a_token_opens_both_dialects_of_its_app_and_no_other_app_decision_4(app: TestApp) {
        let other = neighbour(&app).await;
        let ann = app.lanying().register("ann").await;
        let user = app.agora().logged_in("ann").await.token;
        assert_eq!(lanying_data(&app.lanying().with_token(&user).get("/message/unread").await), json!([]));
        let app_token = app.agora().token;
        app.lanying().with_token(&app_token).send_text(ann, "hello").await;
        let admin = app.lanying().token;
        app.agora().with_token(&admin).get("/users/ann").await.expect(200);
        for token in [&user, &app_token, &admin] {
            assert_eq!(lanying_error(&other.lanying().with_token(token).get("/message/unread").await), 10008);
            agora_error(&other.agora().with_token(token).get("/users").await, 401);
        }
    }
}

every_shape! {
    async fn the_eleventh_guess_of_a_password_is_refused_even_when_it_is_right(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let anonymous = agora.with_token("");
        for _ in 0..10 {
            let guess = json!({"grant_type": "password", "username": "nora", "password": "guess"});
            let reply = anonymous.post("/token", &guess).await;
            assert_eq!(agora_error(&reply, 400), ("invalid_grant".into(), "invalid password".into()));
        }
        let right = json!({"grant_type": "password", "username": "nora", "password": "nora-password"});
        let reply = anonymous.post("/token", &right).await;
        assert_eq!(agora_error(&reply, 429), ("reach_limit".into(), "This request has reached api limit".into()));
        assert_eq!(reply.headers[RETRY_AFTER], "900");
    }
}

every_shape! {
    async fn a_login_says_who_exists_only_where_the_policy_lets_it(app: TestApp) {
        let other = neighbour(&app).await;
        let (closed, vendors) = (&app, &other);
        set(closed, pb::Policy { agora_login_names_fault: Some(false), ..Default::default() }).await;
        set(vendors, pb::Policy { lanying_login_names_fault: Some(true), ..Default::default() }).await;
        for (app, agora_tells, lanying_tells) in [(closed, false, false), (vendors, true, true)] {
            let nora = app.lanying().register("nora").await;
            let anonymous = app.agora().with_token("");
            let agora = async |user: &str| {
                let body = json!({"grant_type": "password", "username": user, "password": "guess"});
                let reply = anonymous.post("/token", &body).await;
                (reply.status.as_u16(), reply.json()["error_description"].clone())
            };
            assert_eq!(agora("nora").await == agora("nobody").await, !agora_tells);
            let lanying = async |path: &str, key: &str, user: Value| {
                let body = json!({key: user, "password": "guess"});
                let mut answer = app.lanying().with_token("").post(path, &body).await.json();
                assert_eq!(answer["code"], 10000);
                answer["message"].take()
            };
            for (path, key) in [("/token/user", "name"), ("/token/login", "login_name")] {
                let same = lanying(path, key, json!("nora")).await == lanying(path, key, json!("nobody")).await;
                assert_eq!(same, !lanying_tells, "{path}");
            }
            let same = lanying("/token/id", "user_id", json!(nora)).await == lanying("/token/id", "user_id", json!(160)).await;
            assert_eq!(same, !lanying_tells);
        }
    }
}

every_shape! {
    async fn the_limit_on_guesses_does_not_tell_who_exists(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let anonymous = agora.with_token("");
        for user in ["nora", "nobody"] {
            let guess = json!({"grant_type": "password", "username": user, "password": "guess"});
            for _ in 0..10 {
                agora_error(&anonymous.post("/token", &guess).await, if user == "nora" { 400 } else { 404 });
            }
            agora_error(&anonymous.post("/token", &guess).await, 429);
        }
    }
}

every_shape! {
    async fn open_registration_is_bounded_by_address_whatever_limits_says(app: TestApp) {
        set(&app, pb::Policy {
            open_registration: Some(true),
            open_registrations_per_hour: Some(5),
            ..Default::default()
        }).await;
        let (agora, lanying) = (app.agora().with_token(""), app.lanying().with_token(""));
        agora.post("/users", &json!({"username": "u0", "password": "pw"})).await.expect(200);
        let account = |name: &str| json!({"username": name, "password": "pw"});
        lanying_data(&lanying.post("/user/register/v2", &account("u1")).await);
        // Taken names count, so that names cannot be enumerated.
        assert_eq!(lanying_error(&lanying.post("/user/register/v2", &account("u1")).await), 10004);
        let batch = json!({"list": [account("u2"), account("u3"), account("u4")]});
        let too_many = agora.post("/users", &json!([account("u2"), account("u3"), account("u4")])).await;
        assert_eq!(agora_error(&too_many, 429), ("reach_limit".into(), "This request has reached api limit".into()));
        assert_eq!(too_many.headers[RETRY_AFTER], "3600");
        let too_many = lanying.post("/user/register/batch", &batch).await;
        assert_eq!((lanying_error(&too_many), &too_many.headers[RETRY_AFTER]), (10429, &HeaderValue::from_static("3600")));
        agora.post("/users", &json!([account("u2"), account("u3")])).await.expect(200);
        assert_eq!(lanying_error(&lanying.post("/user/register/v2", &account("u5")).await), 10429);
        // An app's own token is exempt.
        app.agora().register(&["v1", "v2", "v3", "v4", "v5", "v6"]).await;
        lanying_data(&app.lanying().post("/user/register/v2", &account("u5")).await);
    }
}

every_shape! {
    async fn logins_of_other_apps_go_before_a_flood_of_registrations(app: TestApp) {
        let other = neighbour(&app).await;
        other.agora().register(&["nora"]).await;
        set(&app, pb::Policy { open_registrations_per_hour: Some(0), ..Default::default() }).await;
        let lanying = app.lanying().with_token("");
        let flood: Vec<_> = (0..400)
            .map(|n| {
                let lanying = lanying.clone();
                tokio::spawn(async move {
                    let body = json!({"username": format!("u{n}"), "password": "pw"});
                    lanying.post("/user/register/v2", &body).await.status.as_u16()
                })
            })
            .collect();
        let body = json!({"grant_type": "password", "username": "nora", "password": "nora-password"});
        for _ in 0..10 {
            other.agora().with_token("").post("/token", &body).await.expect(200);
        }
        let answers: Vec<u16> = join_all(flood).await.into_iter().map(|status| status.expect("an answer")).collect();
        assert!(answers.contains(&200) && answers.iter().all(|status| matches!(status, 200 | 503)), "{answers:?}");
    }
}

every_shape! {
    async fn an_unknown_app_is_named_in_the_answer_agora_8_2(app: TestApp) {
        let mut nowhere = app.agora();
        nowhere.base = format!("{}/acme/lobby", app.suite.url());
        let (error, text) = agora_error(&nowhere.post("/token", &client(&app)).await, 404);
        assert_eq!(error, "organization_application_not_found");
        assert_eq!(text, "Could not find application for acme/lobby from URI: acme/lobby/token");
    }
}

every_shape! {
    async fn app_tokens_have_no_user_and_user_tokens_no_application(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let of_app = agora.with_token("").post("/token", &client(&app)).await.expect(200);
        assert_eq!(keys(&of_app), ["access_token", "application", "expires_in"]);
        assert_eq!(of_app["application"], app.app().uuid);
        assert_eq!(of_app["expires_in"], 60 * 24 * 3600);
        let inherit = json!({"grant_type": "inherit", "username": "nora"});
        let of_user = agora.post("/token", &inherit).await.expect(200);
        assert_eq!(keys(&of_user), ["access_token", "expires_in", "user"]);
    }
}
