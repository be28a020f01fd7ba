//! Contacts and block lists of `/{org}/{app}/users/{username}` (agora.md 10.2; errors of 8.3).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, TestApp, every_shape};

use crate::{
    envelope::agora_error,
    policy::{neighbour, set},
    transcript::Transcript,
};

async fn prepared(app: &TestApp) -> Agora {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia", "quin"]).await;
    agora
}

/// The names of a user's contacts.
async fn names(agora: &Agora, user: &str) -> Value {
    agora.get(&format!("/users/{user}/contacts/users")).await.expect(200)["data"].take()
}

every_shape! {
    async fn every_call_on_contacts_is_answered_as_agora_10_2(app: TestApp) {
        let agora = prepared(&app).await;
        let mut wire = Transcript::of(&app);
        let calls = [
            (Method::POST, "/users/nora/contacts/users/omar/", Some(json!({}))),
            (Method::POST, "/users/nora/contacts/users/omar", None),
            (Method::POST, "/users/Nora/contacts/import", Some(json!({"usernames": ["pia", "nobody", "nora"]}))),
            (Method::GET, "/users/nora/contacts/users/", None),
            (Method::PUT, "/user/nora/contacts/users/omar", Some(json!({"remark": "the cook"}))),
            (Method::PUT, "/users/nora/contacts/users/omar?resource=web", Some(json!({"remark": "the chef"}))),
            (Method::GET, "/users/nora/contacts/users?needReturnRemark=true", None),
            (Method::GET, "/user/nora/contacts?limit=1&needReturnRemark=true", None),
            (Method::GET, "/users/nora/contacts?limit=1&cursor=undefined", None),
            (Method::GET, "/users/omar/contacts?limit=10&needReturnRemark=true", None),
            (Method::POST, "/users/quin/contacts/apply?resource=web", Some(json!({"usernames": ["nora"], "reason": "hi"}))),
            (Method::POST, "/users/nora/contacts/accept/users/quin?resource=web", None),
            (Method::POST, "/users/quin/contacts/apply", Some(json!({"usernames": ["omar"]}))),
            (Method::POST, "/users/omar/contacts/decline/users/quin", Some(json!({}))),
            (Method::GET, "/users/quin/contacts/users", None),
            (Method::DELETE, "/users/nora/contacts/users/omar", None),
            (Method::DELETE, "/users/nora/contacts/users/omar", None),
            (Method::GET, "/users/omar/contacts/users", None),
        ];
        for (method, path, body) in calls {
            let told = format!("{method} {path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
            wire.add(&told, &agora.call(method, path, body).await);
        }
        wire.check("agora_contacts");
    }
}

every_shape! {
    async fn every_call_on_block_lists_is_answered_as_agora_10_2(app: TestApp) {
        let agora = prepared(&app).await;
        let mut wire = Transcript::of(&app);
        let several = |names: &[&str]| Some(json!({"usernames": names}));
        let calls = [
            (Method::POST, "/users/nora/blocks/users", several(&["Omar", "pia"])),
            (Method::POST, "/users/nora/blocks/users", several(&["omar"])),
            (Method::POST, "/sdk/user/nora/blocks?resource=web", several(&["quin"])),
            (Method::GET, "/users/nora/blocks/users", None),
            (Method::GET, "/users/nora/blocks/users?pageSize=2", None),
            (Method::DELETE, "/users/nora/blocks/users/omar", None),
            (Method::DELETE, "/users/nora/blocks/users", several(&["pia"])),
            (Method::DELETE, "/sdk/user/nora/blocks?resource=web", several(&["quin", "omar"])),
            (Method::GET, "/users/nora/blocks/users/", None),
        ];
        for (method, path, body) in calls {
            let told = format!("{method} {path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
            wire.add(&told, &agora.call(method, path, body).await);
        }
        wire.check("agora_blocks");
        agora.post("/users/nora/blocks/users", &json!({"usernames": ["omar", "pia", "quin"]})).await.expect(200);
        let first = agora.get("/users/nora/blocks/users?pageSize=2").await.expect(200);
        let cursor = first["cursor"].as_str().expect("another page");
        let last = agora.get(&format!("/users/nora/blocks/users?pageSize=2&cursor={cursor}")).await.expect(200);
        assert_eq!((&first["data"], &last["data"], last.get("cursor")), (&json!(["omar", "pia"]), &json!(["quin"]), None));
        agora.delete("/users/nora/blocks/users/omar,pia").await.expect(200);
        agora.delete("/sdk/user/nora/blocks/quin").await.expect(200);
        assert_eq!(agora.get("/users/nora/blocks/users").await.expect(200)["data"], json!([]));
    }
}

every_shape! {
    async fn what_is_wrong_with_contacts_has_the_words_of_agora_8_3(app: TestApp) {
        let agora = prepared(&app).await;
        let refused = async |method, path: &str, body, status| agora_error(&agora.call(method, path, body).await, status);
        let named = |error: &str, text: &str| (error.to_owned(), text.to_owned());
        let missing = named("service_resource_not_found", "Service resource not found");
        for path in ["/users/nora/contacts/users/nobody", "/users/nobody/contacts/users/nora", "/users/nora/contacts/users/a%20b"] {
            assert_eq!(refused(Method::POST, path, None, 404).await, missing, "{path}");
            assert_eq!(refused(Method::DELETE, path, None, 404).await, missing, "{path}");
        }
        for path in ["/users/nobody/contacts/users", "/user/nobody/contacts", "/users/nobody/blocks/users"] {
            assert_eq!(refused(Method::GET, path, None, 404).await, missing, "{path}");
        }
        let half = Some(json!({"usernames": ["omar", "nobody"]}));
        assert_eq!(refused(Method::POST, "/users/nora/blocks/users", half, 404).await, missing);
        assert_eq!(agora.get("/users/nora/blocks/users").await.expect(200)["data"], json!([]), "nothing is half done");
        let strangers = named("illegal_argument", "updateRemark | they are not friends, please add as a friend first.");
        let remark = |text: &str| Some(json!({"remark": text}));
        assert_eq!(refused(Method::PUT, "/user/nora/contacts/users/omar", remark("x"), 400).await, strangers);
        let long = refused(Method::PUT, "/user/nora/contacts/users/omar", remark(&"x".repeat(101)), 400).await;
        assert!(long.1.contains("remark length must less"), "{long:?}");
        let over = named("illegal_argument", "getContacts | page size more than max limit : 50");
        assert_eq!(refused(Method::GET, "/user/nora/contacts?limit=51", None, 400).await, over);
        let over = named("illegal_argument", "request user over flow limit:10.");
        let eleven = Some(json!({"usernames": vec!["omar"; 11]}));
        assert_eq!(refused(Method::POST, "/users/nora/contacts/import", eleven, 400).await, over);
        let nobody = named("invalid_parameter", "usernames must be provided");
        for path in ["/users/nora/contacts/import", "/users/nora/contacts/apply", "/users/nora/blocks/users"] {
            assert_eq!(refused(Method::POST, path, Some(json!({})), 400).await, nobody, "{path}");
            assert_eq!(refused(Method::POST, path, Some(json!({"usernames": 7.5})), 400).await.0, "invalid_request_body");
        }
        let oneself = refused(Method::POST, "/users/nora/contacts/users/nora", None, 400).await;
        assert_eq!(oneself, named("illegal_argument", "username must be another user"));
        let gone = named("resource_not_found", "contact request of omar does not exist!");
        assert_eq!(refused(Method::POST, "/users/nora/contacts/accept/users/omar", None, 404).await, gone);
        assert_eq!(names(&agora, "nora").await, json!([]));
    }
}

every_shape! {
    async fn a_full_list_has_the_words_of_agora_8_3(app: TestApp) {
        set(&app, pb::Policy { max_contacts: Some(1), ..Default::default() }).await;
        let agora = prepared(&app).await;
        let add = async |user: &str, other: &str| {
            agora_error(&agora.call(Method::POST, &format!("/users/{user}/contacts/users/{other}"), None).await, 403)
        };
        agora.post("/users/nora/contacts/users/omar", &json!({})).await.expect(200);
        let full = |who: &str| ("exceed_limit".to_owned(), format!("{who}'s contact max count"));
        assert_eq!(add("nora", "pia").await, full("Inviter"));
        assert_eq!(add("pia", "nora").await, full("Invitee"));
        let import = agora.post("/users/pia/contacts/import", &json!({"usernames": ["nora", "quin"]})).await.expect(200);
        assert_eq!(import["data"]["maxLimitFailed"], json!(["nora"]));
        assert_eq!(import["data"]["success"], json!(["quin"]));
        let import = agora.post("/users/nora/contacts/import", &json!({"usernames": ["pia"]})).await;
        assert_eq!(agora_error(&import, 403), full("Inviter"));
    }
}

every_shape! {
    async fn a_user_token_opens_ones_own_contacts_and_no_others_decision_42(app: TestApp) {
        let agora = prepared(&app).await;
        let omar = agora.logged_in("omar").await;
        let nora = agora.logged_in("nora").await;
        let apply = json!({"usernames": ["omar"], "reason": "hi"});
        assert_eq!(nora.post("/users/nora/contacts/apply", &apply).await.expect(200)["data"]["applyContacts"], json!(["omar"]));
        omar.post("/users/omar/contacts/accept/users/nora", &json!({})).await.expect(200);
        assert_eq!((names(&nora, "nora").await, names(&omar, "omar").await), (json!(["omar"]), json!(["nora"])));
        // A user's own POST asks; the other one decides.
        nora.post("/users/nora/contacts/users/pia", &json!({})).await.expect(200);
        nora.post("/users/nora/contacts/users/pia", &json!({})).await.expect(200);
        assert_eq!(names(&agora, "pia").await, json!([]));
        agora.logged_in("pia").await.post("/users/pia/contacts/users/nora", &json!({})).await.expect(200);
        assert_eq!(names(&agora, "pia").await, json!(["nora"]));
        let own = [
            (Method::GET, "/users/{}/contacts/users", None),
            (Method::GET, "/users/{}/contacts", None),
            (Method::GET, "/user/{}/contacts", None),
            (Method::PUT, "/user/{}/contacts/users/omar", Some(json!({"remark": "x"}))),
            (Method::PUT, "/users/{}/contacts/users/omar", Some(json!({"remark": "x"}))),
            (Method::POST, "/users/{}/contacts/apply", Some(json!({"usernames": ["quin"]}))),
            (Method::GET, "/users/{}/blocks/users", None),
            (Method::POST, "/users/{}/blocks/users", Some(json!({"usernames": ["omar"]}))),
            (Method::DELETE, "/users/{}/blocks/users", Some(json!({"usernames": ["omar"]}))),
            (Method::DELETE, "/users/{}/blocks/users/omar", None),
            (Method::POST, "/sdk/user/{}/blocks", Some(json!({"usernames": ["omar"]}))),
            (Method::DELETE, "/sdk/user/{}/blocks", Some(json!({"usernames": ["omar"]}))),
            (Method::DELETE, "/sdk/user/{}/blocks/omar", None),
            (Method::DELETE, "/users/{}/contacts/users/omar", None),
        ];
        let oauth = ("auth_bad_access_token".to_owned(), "Unable to authenticate (OAuth)".to_owned());
        let quin = agora.logged_in("quin").await;
        for (method, path, body) in own {
            let path = path.replace("{}", "nora");
            let reply = quin.call(method.clone(), &path, body.clone()).await;
            assert_eq!(agora_error(&reply, 401), oauth, "{method} {path}");
            let reply = agora.with_token("").call(method.clone(), &path, body.clone()).await;
            assert_eq!(reply.status.as_u16(), 401, "{method} {path}");
            let reply = nora.call(method.clone(), &path, body).await;
            assert_eq!(reply.status.as_u16(), 200, "{method} {path}: {}", reply.text);
        }
        let import = nora.call(Method::POST, "/users/nora/contacts/import", Some(json!({"usernames": ["quin"]}))).await;
        assert_eq!(agora_error(&import, 401), oauth);
    }
}

every_shape! {
    async fn a_blocked_contact_stays_one_and_cannot_write_agora_10_2(app: TestApp) {
        set(&app, pb::Policy { user_tokens_may_send: Some(true), ..Default::default() }).await;
        let agora = prepared(&app).await;
        agora.post("/users/nora/contacts/users/omar", &json!({})).await.expect(200);
        agora.post("/users/nora/blocks/users", &json!({"usernames": ["omar"]})).await.expect(200);
        assert_eq!(names(&agora, "nora").await, json!(["omar"]));
        let omar = agora.logged_in("omar").await;
        let text = json!({"from": "omar", "to": ["nora"], "type": "txt", "body": {"msg": "hi"}});
        assert_eq!(agora_error(&omar.post("/messages/users", &text).await, 403).0, "forbidden_op");
        agora.post("/messages/users", &text).await.expect(200);
        let apply = omar.post("/users/omar/contacts/apply", &json!({"usernames": ["nora"]})).await;
        assert_eq!(agora_error(&apply, 403).1, "user nora is a contact already");
    }
}

every_shape! {
    async fn where_only_contacts_may_write_strangers_are_refused(app: TestApp) {
        let policy = pb::Policy { user_tokens_may_send: Some(true), friends_only: Some(true), ..Default::default() };
        set(&app, policy).await;
        let agora = prepared(&app).await;
        let nora = agora.logged_in("nora").await;
        let text = |to: &str| json!({"from": "nora", "to": [to], "type": "txt", "body": {"msg": "hi"}});
        let refused = agora_error(&nora.post("/messages/users", &text("omar")).await, 403);
        assert_eq!(refused, ("forbidden_op".to_owned(), "nonroster: user omar is not a contact".to_owned()));
        agora.post("/messages/users", &text("omar")).await.expect(200);
        agora.post("/users/omar/contacts/users/nora", &json!({})).await.expect(200);
        nora.post("/messages/users", &text("omar")).await.expect(200);
        assert_eq!(nora.post("/messages/users", &text("pia")).await.status.as_u16(), 403);
        let other = neighbour(&app).await;
        other.agora().register(&["nora", "omar"]).await;
        assert_eq!(names(&other.agora(), "omar").await, json!([]), "apps share no contacts");
    }
}
