//! Tokens that an app's own server builds: Agora's AccessToken2, by the vendor's own package, and Easemob's dynamic user
//! tokens (agora.md 10.1, errors of 8.2).

use std::{env, path::Path, process::Command, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tidings_domain::{Clock as _, ManualClock, SystemClock, UnixMillis, hex};
use tidings_testkit::{Agora, Suite, TestApp, every_shape};

use crate::{envelope::agora_error, policy::neighbour};

/// A user token where an app token is required.
const OAUTH: (&str, &str) = ("auth_bad_access_token", "Unable to authenticate (OAuth)");
const CORRUPT: (&str, &str) = ("auth_bad_access_token", "Unable to authenticate due to corrupt access token");
const FORGED: (&str, &str) = ("auth_bad_access_token", "Unable to authenticate");
const EXPIRED: (&str, &str) = ("unauthorized", "Unable to authenticate due to expired access token");

/// A token of the npm package `agora-token`.
fn built(kind: &str, app_id: &str, certificate: &str, user: &str, seconds: u32) -> String {
    let folder = env::var_os("TIDINGS_TEST_NPM").expect("`cargo xtask test` installs the packages and says where");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("npm/build-token.js");
    let mut node = Command::new("node");
    node.arg(script).args([kind, app_id, certificate, user, &seconds.to_string()]);
    let output = node.env("NODE_PATH", Path::new(&folder).join("node_modules")).output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a token is ASCII")
}

/// The same for an app, with its own App ID and certificate.
fn built_for(app: &TestApp, kind: &str, user: &str) -> String {
    built(kind, &app.secrets.agora_app_id, &app.secrets.app_certificate, user, 600)
}

async fn refused(agora: &Agora, token: &str) -> (String, String) {
    agora_error(&agora.with_token(token).get("/users").await, 401)
}

fn owned((error, text): (&str, &str)) -> (String, String) {
    (error.to_owned(), text.to_owned())
}

every_shape! {
    async fn the_vendors_own_tokens_are_accepted_agora_10_1(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let as_app = agora.with_token(&built_for(&app, "app", ""));
        as_app.send_text("nora", "omar", "hello").await;
        assert_eq!(as_app.get("/users/nora").await.expect(200)["count"], 1);
        // It is valid in the other dialect too (decision 4).
        let omar = app.lanying().with_token(&built_for(&app, "app", "")).acting_as(agora_id(&app, "omar").await);
        assert_eq!(omar.unread().await[0].1, 1);
        // A user's, by name or by uuid: not an app token, and valid where users are allowed.
        let uuid = agora.get("/users/omar").await.expect(200)["entities"][0]["uuid"].as_str().expect("a uuid").to_owned();
        for name in ["omar", "OMAR", &uuid] {
            let token = built_for(&app, "user", name);
            let body = json!({"from": "omar", "to": ["nora"], "type": "txt", "body": {"msg": "x"}});
            let message = agora.with_token(&token).post("/messages/users", &body).await;
            assert_eq!(agora_error(&message, 401), owned(OAUTH));
            assert_eq!(app.lanying().with_token(&token).unread().await[0].1, 1);
        }
    }
}

every_shape! {
    async fn nobody_becomes_another_by_taking_his_uuid_for_a_name_agora_10_1(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let uuid = agora.get("/users/nora").await.expect(200)["entities"][0]["uuid"].as_str().expect("a uuid").to_owned();
        assert_eq!(refused(&agora, &built_for(&app, "user", &uuid)).await, owned(OAUTH));
        agora.register(&[&uuid]).await;
        assert_eq!(refused(&agora, &built_for(&app, "user", &uuid)).await, owned(FORGED));
        assert_eq!(refused(&agora, &built_for(&app, "user", "nora")).await, owned(OAUTH));
    }
}

/// The id of a user in the other dialect.
async fn agora_id(app: &TestApp, name: &str) -> i64 {
    let named = tidings_proto::pb::user_ref::User::Username(name.into());
    let wanted = tidings_proto::pb::GetUserRequest { user: Some(tidings_proto::pb::UserRef { user: Some(named) }) };
    app.directory().get_user(app.request(wanted)).await.expect("a user").into_inner().id
}

every_shape! {
    async fn other_tokens_of_the_vendors_are_refused_agora_8_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let other = neighbour(&app).await;
        let (app_id, certificate) = (&app.secrets.agora_app_id, &app.secrets.app_certificate);
        let forged = built("app", app_id, &"0".repeat(32), "", 600);
        assert_eq!(refused(&agora, &forged).await, owned(FORGED));
        assert_eq!(refused(&agora, &built_for(&other, "app", "")).await, owned(CORRUPT));
        assert_eq!(refused(&agora, &built("rtc", app_id, certificate, "", 600)).await, owned(CORRUPT));
        assert_eq!(refused(&agora, &built_for(&app, "user", "nobody")).await, owned(FORGED));
        assert_eq!(refused(&agora, &built_for(&app, "app", "")[..40]).await, owned(CORRUPT));
    }
}

#[tokio::test]
async fn a_token_of_the_vendors_ends_when_it_says_and_after_a_day_at_most_agora_10_1() {
    // The package uses the machine's time.
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let (short, long) = (
        built_for(&app, "app", ""),
        built("app", &app.secrets.agora_app_id, &app.secrets.app_certificate, "", 1 << 30),
    );
    let agora = app.agora();
    assert_eq!(agora.with_token(&short).get("/users").await.status, 200);
    assert_eq!(agora.with_token(&long).get("/users").await.status, 200);
    clock.advance(Duration::from_secs(602));
    assert_eq!(refused(&agora, &short).await, owned(EXPIRED));
    assert_eq!(agora.with_token(&long).get("/users").await.status, 200);
    clock.advance(Duration::from_hours(24));
    assert_eq!(refused(&agora, &long).await, owned(EXPIRED));
}

every_shape! {
    async fn a_token_is_exchanged_for_one_of_ours_agora_10_1(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let exchange = async |token: &str| agora.with_token(token).post("/token", &json!({"grant_type": "agora"})).await;
        let answer = exchange(&built_for(&app, "app", "")).await.expect(200);
        let mut keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
        keys.sort();
        assert_eq!(keys, ["access_token", "expire_timestamp"]);
        assert!(answer["expire_timestamp"].as_i64().expect("milliseconds") > 1_790_000_000_000);
        let ours = agora.with_token(answer["access_token"].as_str().expect("a token"));
        ours.send_text("nora", "omar", "hello").await;
        let answer = exchange(&built_for(&app, "user", "nora")).await.expect(200);
        let token = answer["access_token"].as_str().expect("a token");
        assert_eq!(refused(&agora, token).await, owned(OAUTH));
        let forged = exchange(&built("app", &app.secrets.agora_app_id, &"0".repeat(32), "", 600)).await;
        assert_eq!(agora_error(&forged, 401), owned(FORGED));
        assert_eq!(agora_error(&exchange("").await, 401), owned(EXPIRED));
        // The builder set the lifetime: an exchange may shorten it and never extends it.
        let now = SystemClock.now().0;
        for (ttl, most) in [(0, 600), (86_400, 600), (60, 60)] {
            let asked = json!({"grant_type": "agora", "ttl": ttl});
            let answer = agora.with_token(&built_for(&app, "user", "nora")).post("/token", &asked).await.expect(200);
            let ends = answer["expire_timestamp"].as_i64().expect("milliseconds");
            assert!(ends > now && ends <= SystemClock.now().0 + most * 1000, "{ttl}: {answer}");
        }
        let unknown = exchange(&built_for(&app, "user", "nobody")).await;
        assert_eq!(agora_error(&unknown, 404), owned(("invalid_grant", "user not found")));
        // Our own tokens cannot be exchanged as the vendor's.
        assert_eq!(agora_error(&exchange(&agora.token).await, 401), owned(CORRUPT));
    }
}

/// As an app's server builds it.
fn dynamic(app: &TestApp, user: &str, secret: &str, at: UnixMillis) -> String {
    let seconds = (at.0 / 1000).to_string();
    signed_as(app, &format!("{user}{seconds}600"), secret, [user, &seconds, "600"])
}

/// A token signed by `signed`, whatever its fields are.
fn signed_as(app: &TestApp, signed: &str, secret: &str, [user, cur_time, ttl]: [&str; 3]) -> String {
    let key = format!("{}#{}", app.app().org, app.app().name);
    let signature = hex(&Sha256::digest(format!("{}{key}{signed}{secret}", app.secrets.client_id)));
    let claims = json!({"signature": signature, "appkey": key, "userId": user, "curTime": cur_time, "ttl": ttl});
    URL_SAFE.encode(format!("dt-{claims}"))
}

every_shape! {
    async fn a_dynamic_token_is_not_cut_into_one_of_another_user_or_a_longer_one(app: TestApp) {
        let agora = app.agora();
        agora.register(&["user1", "user10", "user"]).await;
        let (now, secret) = (SystemClock.now().0 / 1000, app.secrets.client_secret.clone());
        let signed = format!("user10{now}600");
        let genuine = signed_as(&app, &signed, &secret, ["user10", &now.to_string(), "600"]);
        app.lanying().with_token(&genuine).unread().await;
        for first in 1..signed.len() {
            for second in first..=signed.len() {
                let fields = [&signed[..first], &signed[first..second], &signed[second..]];
                if fields == ["user10", &now.to_string(), "600"] {
                    continue;
                }
                let cut = signed_as(&app, &signed, &secret, fields);
                let reply = app.lanying().with_token(&cut).get("/message/unread").await;
                let code = reply.json()["code"].as_i64();
                assert!(matches!(code, Some(10008 | 402)), "{fields:?}: {}", reply.text);
                let exchange = agora.with_token(&cut).post("/token", &json!({"grant_type": "agora"})).await;
                agora_error(&exchange, 401);
            }
        }
        // More than a day is more than the app allows.
        let long = signed_as(&app, &format!("user10{now}86401"), &secret, ["user10", &now.to_string(), "86401"]);
        assert_eq!(refused(&agora, &long).await, owned(CORRUPT));
    }
}

every_shape! {
    async fn a_dynamic_token_stands_for_its_user_agora_10_1(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        agora.send_text("nora", "omar", "hello").await;
        let (now, secret) = (SystemClock.now(), app.secrets.client_secret.clone());
        let token = dynamic(&app, "omar", &secret, now);
        assert_eq!(app.lanying().with_token(&token).unread().await[0].1, 1);
        assert_eq!(refused(&agora, &token).await, owned(OAUTH));
        assert_eq!(refused(&agora, &dynamic(&app, "omar", "guess", now)).await, owned(FORGED));
        assert_eq!(refused(&agora, &dynamic(&app, "nobody", &secret, now)).await, owned(FORGED));
        let old = UnixMillis(now.0 - 601_000);
        assert_eq!(refused(&agora, &dynamic(&app, "omar", &secret, old)).await, owned(EXPIRED));
        let other = neighbour(&app).await;
        assert_eq!(refused(&other.agora(), &token).await, owned(CORRUPT));
        let exchanged = agora.with_token(&token).request(Method::POST, "/token").json(&json!({"grant_type": "agora"}));
        assert_eq!(tidings_testkit::Reply::to(exchanged).await.status, 200);
    }
}
