//! Friends, which the Lanying dialect calls the roster (lanying.md 9 and 10).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::every_shape;

use crate::{
    envelope::{lanying_data, lanying_error},
    people::{Person, people, until_code},
    policy::set,
    transcript::Transcript,
};

async fn friends(person: &Person) -> Value {
    lanying_data(&person.client.get("/roster/list").await)
}

fn to_user(user: i64) -> Value {
    json!({"type": 1, "targets": [user], "content_type": 0, "content": "x"})
}

every_shape! {
    async fn every_call_on_friends_is_answered_as_lanying_10(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let mut wire = Transcript::of(&app);
        let user = |person: &Person| json!({"user_id": person.id});
        let calls = [
            (&ann, Method::POST, "/roster/apply".to_owned(), Some(json!({"user_id": bob.id, "reason": "hi", "alias": "Bobby"}))),
            (&bob, Method::GET, "/roster/apply/list".to_owned(), None),
            (&bob, Method::POST, format!("/roster/accept?user_id={}", ann.id), Some(json!({}))),
            (&bob, Method::PUT, format!("/roster/accept?user_id={}", ann.id), None),
            (&ann, Method::POST, "/roster/apply".to_owned(), Some(user(&bob))),
            (&eve, Method::POST, "/roster/apply/batch".to_owned(), Some(json!([user(&ann), user(&eve), {"user_id": 999_984}]))),
            (&ann, Method::POST, "/roster/decline".to_owned(), Some(json!({"user_id": eve.id, "reason": "no"}))),
            (&ann, Method::GET, "/roster/list?limit=10".to_owned(), None),
            (&ann, Method::POST, "/roster/list".to_owned(), Some(json!({"list": [bob.id, eve.id, 999_984]}))),
            (&ann, Method::POST, "/roster/ext".to_owned(), Some(json!({"user_id": bob.id, "ext": "{}", "mute_notification": true}))),
            (&ann, Method::PUT, "/roster/ext".to_owned(), Some(json!({"user_id": bob.id, "alias": "Bob"}))),
            (&ann, Method::GET, format!("/roster/id?user_id={}", bob.id), None),
            (&ann, Method::GET, "/roster/name?username=EVE".to_owned(), None),
            (&ann, Method::PUT, format!("/roster/block?user_id={}", bob.id), None),
            (&ann, Method::GET, format!("/roster/id?user_id={}", bob.id), None),
            (&bob, Method::GET, "/roster/list".to_owned(), None),
            (&ann, Method::POST, format!("/roster/delete?user_id={}", bob.id), Some(json!({}))),
            (&bob, Method::DELETE, format!("/roster/delete?user_id={}", ann.id), None),
            (&bob, Method::GET, "/roster/list".to_owned(), None),
        ];
        for (person, method, path, body) in calls {
            let told = format!("{method} {path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
            wire.add(&told, &person.client.call(method, &path, body.as_ref()).await);
        }
        wire.check("lanying_roster");
    }
}

every_shape! {
    async fn what_is_wrong_with_friends_has_the_codes_of_lanying_9(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let refused = async |person: &Person, path: &str, body: Value| lanying_error(&person.client.post(path, &body).await);
        let user = |person: &Person| json!({"user_id": person.id});
        lanying_data(&ann.client.post("/roster/apply", &user(&bob)).await);
        lanying_data(&bob.client.post("/roster/accept", &user(&ann)).await);
        assert_eq!(refused(&ann, "/roster/apply", user(&bob)).await, 10005);
        assert_eq!(refused(&bob, "/roster/apply", user(&ann)).await, 10005);
        lanying_data(&eve.client.post("/roster/block", &user(&ann)).await);
        assert_eq!(refused(&ann, "/roster/apply", user(&eve)).await, 10006);
        for path in ["/roster/accept", "/roster/decline"] {
            assert_eq!(refused(&bob, path, user(&eve)).await, 10007, "{path}");
            assert_eq!(refused(&bob, path, json!({})).await, 10002, "{path}");
            assert_eq!(refused(&bob, path, json!({"user_id": "x"})).await, 10002, "{path}");
        }
        assert_eq!(refused(&ann, "/roster/apply", json!({"user_id": 999_984})).await, 10000);
        for (body, told) in [
            (user(&ann), "user_id must be another user"),
            (json!({"user_id": eve.id, "reason": "x".repeat(513)}), "reason must be at most 512 bytes without U+0000"),
            (json!({"user_id": eve.id, "alias": "x".repeat(513)}), "alias must be at most 512 bytes without U+0000"),
        ] {
            let reply = ann.client.post("/roster/apply", &body).await;
            assert_eq!((lanying_error(&reply), reply.json()["message"].as_str()), (10002, Some(told)));
        }
        assert_eq!(refused(&ann, "/roster/ext", json!({"user_id": eve.id, "alias": "x"})).await, 10010);
        assert_eq!(refused(&ann, "/roster/ext", json!({"user_id": bob.id, "mute_notification": "maybe"})).await, 10002);
        assert_eq!(refused(&ann, "/roster/list", json!({})).await, 10002);
        assert_eq!(lanying_error(&ann.client.get("/roster/list?cursor=x").await), 10002);
        assert_eq!(lanying_error(&ann.client.get("/roster/id?user_id=999984").await), 10000);
        assert_eq!(lanying_error(&ann.client.get("/roster/name?username=nobody").await), 10000);
        // An admin token names the user in the header.
        assert_eq!(lanying_error(&app.lanying().get("/roster/list").await), 10002);
        assert_eq!(lanying_data(&app.lanying().acting_as(ann.id).get("/roster/list").await), json!([bob.id]));
    }
}

every_shape! {
    async fn friends_and_contacts_are_the_same_in_both_dialects(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        lanying_data(&ann.client.post("/roster/apply", &json!({"user_id": bob.id, "alias": "Bobby"})).await);
        let agora = app.agora();
        agora.logged_in("bob").await.post("/users/bob/contacts/accept/users/ann", &json!({})).await.expect(200);
        assert_eq!((friends(&ann).await, friends(&bob).await), (json!([bob.id]), json!([ann.id])));
        let listed = agora.get("/user/ann/contacts?needReturnRemark=true").await.expect(200);
        assert_eq!(listed["data"]["contacts"], json!([{"remark": "Bobby", "username": "bob"}]));
        agora.delete("/users/bob/contacts/users/ann").await.expect(200);
        assert_eq!(friends(&ann).await, json!([]));
        agora.post("/users/ann/blocks/users", &json!({"usernames": ["bob"]})).await.expect(200);
        assert_eq!(lanying_data(&ann.client.get("/roster/blocked_list").await), json!([bob.id]));
    }
}

every_shape! {
    async fn where_only_friends_may_write_the_relation_decides_lanying_5(app: TestApp) {
        set(&app, pb::Policy { friends_only: Some(true), ..Default::default() }).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let may = async |from: &Person, to: &Person| {
            lanying_data(&from.client.get(&format!("/roster/may_message?user_id={}&roster_id={}", from.id, to.id)).await)
        };
        let refused = ann.client.post("/message/send", &to_user(bob.id)).await;
        assert_eq!(lanying_error(&refused), 10010);
        let told = refused.json()["message"].as_str().expect("words").to_owned();
        assert!(told.starts_with("relation with target does not allow chat"), "{told}");
        assert_eq!((may(&ann, &bob).await, may(&bob, &ann).await), (json!(false), json!(false)));
        lanying_data(&app.lanying().post("/message/notify", &to_user(bob.id)).await);
        lanying_data(&ann.client.post("/roster/apply", &json!({"user_id": bob.id})).await);
        lanying_data(&bob.client.post("/roster/accept", &json!({"user_id": ann.id})).await);
        assert_eq!((may(&ann, &bob).await, may(&bob, &ann).await), (json!(true), json!(true)));
        lanying_data(&ann.client.post("/message/send", &to_user(bob.id)).await);
        lanying_data(&bob.client.post("/roster/delete", &json!({"user_id": ann.id})).await);
        until_code(10010, async || ann.client.post("/message/send", &to_user(bob.id)).await).await;
    }
}
