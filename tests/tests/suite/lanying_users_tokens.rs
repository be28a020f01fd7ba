//! `POST /user/register/v2`, `/token/id` and `/token/user` (lanying.md 1, 3 and 10).

use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::every_shape;

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    policy::{self, neighbour},
    transcript::Transcript,
};

every_shape! {
    async fn users_are_registered_and_log_in_by_id_and_by_name_lanying_1(app: TestApp) {
        let lanying = app.lanying();
        let anonymous = lanying.with_token("");
        let mut wire = Transcript::of(&app);
        wire.add("register", &lanying.post("/user/register/v2", &json!({"username": "ann_9", "password": "pw"})).await);
        let ann = lanying.register("Bob").await;
        let by_id = json!({"user_id": ann, "password": "Bob-password"});
        wire.add("by id", &anonymous.post("/token/id", &by_id).await);
        let by_text = json!({"user_id": ann.to_string(), "password": "Bob-password", "device_guid": ""});
        wire.add("by id as text", &anonymous.post("/token/id", &by_text).await);
        let by_name = json!({"name": "bob", "password": "Bob-password", "device_guid": "g", "surprise": 1});
        wire.add("by name, with a device", &anonymous.post("/token/user", &by_name).await);
        wire.check("lanying_accounts");
    }
}

every_shape! {
    async fn who_cannot_register_or_log_in_is_told_a_number_lanying_9(app: TestApp) {
        let lanying = app.lanying();
        let ann = lanying.register("ann").await;
        lanying.register("bob").await;
        app.agora().post("/users", &json!({"username": "mute"})).await.expect(200);
        let mut wire = Transcript::of(&app);
        let register = |username: &str, password: &str| json!({"username": username, "password": password});
        for (what, body) in [
            ("exists", register("Ann", "pw")),
            ("no username", json!({"password": "pw"})),
            ("no password", json!({"username": "eve"})),
            ("empty password", register("eve", "")),
            ("digits alone", register("123", "pw")),
            ("maxim", register("Maxim_1", "pw")),
            ("mta", register("mta1", "pw")),
            ("hyphen", register("a-b", "pw")),
            ("not ASCII", register("安", "pw")),
            ("admin", register("admin", "pw")),
            ("65 bytes", register(&"x".repeat(65), "pw")),
            ("number", json!({"username": 7, "password": "pw"})),
        ] {
            let reply = lanying.post("/user/register/v2", &body).await;
            lanying_error(&reply);
            wire.add(&format!("register: {what}"), &reply);
        }
        for (what, path, body) in [
            ("wrong password", "/token/id", json!({"user_id": ann, "password": "guess"})),
            ("unknown id", "/token/id", json!({"user_id": 999_984, "password": "pw"})),
            ("the app itself", "/token/id", json!({"user_id": 0, "password": ""})),
            ("the app itself, guessed", "/token/id", json!({"user_id": 0, "password": "pw"})),
            ("negative id", "/token/id", json!({"user_id": -16, "password": "pw"})),
            ("id beyond i64", "/token/id", json!({"user_id": 9_223_372_036_854_775_808_u64, "password": "pw"})),
            ("id in words", "/token/id", json!({"user_id": "ann", "password": "pw"})),
            ("no id", "/token/id", json!({"password": "pw"})),
            ("no password", "/token/id", json!({"user_id": ann})),
            ("wrong password", "/token/user", json!({"name": "bob", "password": "guess"})),
            ("unknown name", "/token/user", json!({"name": "eve", "password": "pw"})),
            ("impossible name", "/token/user", json!({"name": "no body", "password": "pw"})),
            ("user without a password", "/token/user", json!({"name": "mute", "password": "pw"})),
            ("no name", "/token/user", json!({"password": "pw"})),
            ("no object", "/token/user", json!(["ann", "pw"])),
        ] {
            let reply = lanying.with_token("").post(path, &body).await;
            lanying_error(&reply);
            wire.add(&format!("{path}: {what}"), &reply);
        }
        wire.check("lanying_account_refusals");
    }
}

every_shape! {
    async fn everybody_registers_unless_the_policy_closes_registration_lanying_10(app: TestApp) {
        let register = |name: &str| json!({"username": name, "password": "pw"});
        lanying_data(&app.lanying().with_token("").post("/user/register/v2", &register("eve")).await);

        let closed = neighbour(&app).await;
        policy::set(&closed, pb::Policy { lanying_open_registration: Some(false), ..Default::default() }).await;
        let ann = closed.lanying().register("ann").await;
        let user = closed.lanying().logged_in("ann").await;
        assert_eq!(lanying_error(&user.post("/user/register/v2", &register("eve")).await), 10010);
        let anonymous = closed.lanying().with_token("");
        assert_eq!(lanying_error(&anonymous.post("/user/register/v2", &register("eve")).await), 10010);
        lanying_data(&closed.lanying().acting_as(ann).post("/user/register/v2", &register("eve")).await);
    }
}

every_shape! {
    async fn every_app_has_users_of_its_own(app: TestApp) {
        let other = neighbour(&app).await;
        let ann = app.lanying().register("ann").await;
        let login = json!({"user_id": ann, "password": "ann-password"});
        assert_eq!(lanying_error(&other.lanying().with_token("").post("/token/id", &login).await), 10000);
        other.lanying().register("ann").await;
        let token = lanying_data(&app.lanying().with_token("").post("/token/id", &login).await);
        let token = token["token"].as_str().expect("a token");
        assert_eq!(lanying_error(&other.lanying().with_token(token).get("/message/unread").await), 10008);
    }
}

every_shape! {
    async fn ids_are_whole_numbers_below_2_to_the_53_of_kind_0_lanying_3(app: TestApp) {
        let (ann, bob) = (app.lanying().register("ann").await, app.lanying().register("bob").await);
        assert!(0 < ann && ann < bob && bob < 1 << 53);
        assert_eq!((ann & 15, bob & 15), (0, 0));
    }
}

every_shape! {
    async fn a_call_names_its_app_in_a_header_lanying_1(app: TestApp) {
        let mut lanying = app.lanying();
        for unknown in ["", "nobodysapp", "NOBODY", "安"] {
            lanying.app_id = unknown.to_owned();
            assert_eq!(lanying_error(&lanying.get("/message/unread").await), 40000, "{unknown}");
            let login = json!({"name": "ann", "password": "pw"});
            assert_eq!(lanying_error(&lanying.post("/token/user", &login).await), 40000, "{unknown}");
        }
    }
}

every_shape! {
    async fn the_two_dialects_share_their_users_decision_3(app: TestApp) {
        let ann = app.lanying().register("Ann").await;
        let read = app.agora().get("/users/ann").await.expect(200);
        assert_eq!(read["entities"][0]["username"], "ann");
        app.agora().register(&["bob"]).await;
        let login = json!({"name": "bob", "password": "bob-password"});
        let data = lanying_data(&app.lanying().post("/token/user", &login).await);
        assert_eq!(keys(&data), [
            "access_key_secret", "encrypt_type", "expire", "public_key", "store_token", "token", "user_id",
        ]);
        assert!(data["user_id"].as_i64() > Some(ann), "{data}");
        let answer: Value = app.agora().post("/users", &json!({"username": "ANN"})).await.json();
        assert_eq!(answer["error"], "duplicate_unique_property_exists");
    }
}
