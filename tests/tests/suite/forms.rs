//! Values keep their meaning in every form (decisions 38 to 40), and every refusal has its reason in a header.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{Clock as _, SystemClock};
use tidings_testkit::{Agora, Reply, every_shape};

use crate::{
    agora_files::{BOUNDARY, fetch, form},
    envelope::agora_error,
};

async fn upload(agora: &Agora, headers: &[(&str, &str)], query: &str, form: Vec<u8>) -> Reply {
    let mut request = agora.request(Method::POST, &format!("/chatfiles{query}")).body(form);
    request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::to(request).await
}

fn uuid(answer: &Value) -> String {
    answer["entities"][0]["uuid"].as_str().expect("a uuid").to_owned()
}

const FILE: (&str, Option<(&str, &str)>, &[u8]) = ("file", Some(("a.txt", "text/plain")), b"private");

/// Headers, query and form.
type Upload<'a> = (&'a [(&'a str, &'a str)], &'a str, Vec<u8>);

every_shape! {
    async fn whatever_asks_for_a_restricted_file_restricts_decision_39(app: TestApp) {
        let agora = app.agora();
        let plain = || form(&[FILE]);
        let asked: [Upload<'_>; 9] = [
            (&[("restrict-access", "true")], "", plain()),
            (&[("restrict-access", "1")], "", plain()),
            (&[("Restrict-Access", "YES")], "", plain()),
            (&[("restrict-access", " On ")], "", plain()),
            (&[("resctrict-access", "1")], "", plain()),
            (&[("restrict-access", "false"), ("resctrict-access", "yes")], "", plain()),
            (&[], "?restrict-access=1", plain()),
            (&[], "", form(&[("restrict-access", None, b"yes"), FILE])),
            (&[], "", form(&[FILE, ("restrict-access", None, b"1")])),
        ];
        for (headers, query, form) in asked {
            let uuid = uuid(&upload(&agora, headers, query, form).await.expect(200));
            assert_eq!(fetch(&agora, &uuid, &[]).await.0, 401, "{headers:?} {query}");
        }
        for headers in [&[("restrict-access", "0")][..], &[("restrict-access", "off")], &[("restrict-access", "")], &[]] {
            let uuid = uuid(&upload(&agora, headers, "", plain()).await.expect(200));
            assert_eq!(fetch(&agora, &uuid, &[]).await.0, 200, "{headers:?}");
        }
        for (headers, form) in [
            (&[("restrict-access", "maybe")][..], plain()),
            (&[("resctrict-access", "2")], plain()),
            (&[], form(&[FILE, ("restrict-access", None, b"perhaps")])),
        ] {
            let (error, description) = agora_error(&upload(&agora, headers, "", form).await, 400);
            assert_eq!((&*error, &*description), ("illegal_argument", "restrict-access must be true or false"));
        }
    }
}

every_shape! {
    async fn a_request_means_the_same_in_every_form_decisions_38_to_40(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "1001"]).await;
        let sent = async |body: &str| {
            let answer = agora.post_text("/messages/users", body.to_owned()).await.expect(200);
            answer["data"]["1001"].as_str().expect("an id").to_owned()
        };
        let bom = "\u{feff}{\"from\":\"nora\",\"to\":[\"1001\"],\"type\":\"txt\",\"body\":{\"msg\":\"x\"}}";
        let id = sent(bom).await;
        for body in [
            r#"{"from":"nora","to":[1001],"type":"txt","body":{"msg":"x"},"ext":[]}"#,
            r#"{"from":"nora","to":1001,"type":"txt","body":{"msg":"a","msg":"x"},"sync_device":"1"}"#,
            r#"{"from":"nora","to":["1001"],"type":"cmd","body":{"anything":1}}"#,
            r#"{"from":"nora","to":["1001"],"type":"cmd","body":{}}"#,
            r#"{"from":"nora","to":["1001"],"type":"custom","body":{"customEvent":"e","customExts":[{"k":"v"},{"l":"w"}]}}"#,
        ] {
            sent(body).await;
        }
        for (field, body) in [
            ("sync_device", r#"{"to":["1001"],"type":"txt","body":{"msg":"x"},"sync_device":"perhaps"}"#),
            ("ext", r#"{"to":["1001"],"type":"txt","body":{"msg":"x"},"ext":{"k":"\ud800"}}"#),
            ("body", r#"{"to":["1001"],"type":"txt","body":{"msg":"\ud800"}}"#),
            ("type", r#"{"to":["1001"],"type":"text","body":{"msg":"x"}}"#),
            ("msg", r#"{"to":["1001"],"type":"txt","body":{"text":"x"}}"#),
        ] {
            let reply = agora.post_text("/messages/users", body).await;
            let (error, description) = agora_error(&reply, 400);
            let words = "Request body is invalid. Please check body is correct.";
            assert_eq!(error, "invalid_request_body", "{body}");
            assert!(description.starts_with(words) && description[words.len()..].contains(field), "{description}");
        }
        // One object, and a number for an id.
        let recall = format!(r#"{{"msgs":{{"msg_id":{id},"to":1001,"chat_type":"chat","force":"no"}}}}"#);
        let answer = agora.post_text("/messages/recall", recall).await.expect(200);
        assert_eq!(answer["data"]["msgs"][0], json!({"msg_id": id, "recalled": "yes"}));
        let query = "/users/nora/user_channel?channel=1001&type=chat&delete_roam=Off";
        Reply::to(agora.request(Method::DELETE, query)).await.expect(200);
    }
}

every_shape! {
    async fn an_import_may_be_as_far_ahead_as_two_clocks_differ_decision_6(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let import = async |at: i64| {
            let text = json!({"from": "nora", "target": "omar", "type": "txt", "body": {"msg": "x"}, "msg_timestamp": at});
            agora.post("/messages/users/import", &text).await
        };
        let now = SystemClock.now().0;
        import(now + 30_000).await.expect(200);
        let (_, description) = agora_error(&import(now + 3_600_000).await, 400);
        assert_eq!(description, "msg_timestamp must not be more than a minute in the future");
        let page = agora.get("/tidings/users/omar/messages?channel=nora&type=chat").await.expect(200);
        assert_eq!(page["data"][0]["timestamp"], now + 30_000);
        let id: i64 = agora.send_text("nora", "omar", "after").await.parse().expect("a number");
        assert!(id > page["data"][0]["msg_id"].as_str().expect("an id").parse().expect("a number"));
    }
}

every_shape! {
    async fn a_time_of_an_import_may_be_left_empty_and_reaches_back_to_2010_decision_6(app: TestApp) {
        const FIRST: i64 = 1_262_304_000_000;
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let import = async |kind: &str, body: Value, at: Value| {
            let message = json!({"from": "nora", "target": "omar", "type": kind, "body": body, "msg_timestamp": at});
            agora.post("/messages/users/import", &message).await
        };
        for (kind, body) in [("txt", json!({"msg": "x"})), ("cmd", json!({})), ("custom", json!({"customEvent": "e"}))] {
            import(kind, body.clone(), json!("")).await.expect(200);
            import(kind, body, Value::Null).await.expect(200);
        }
        let first = import("txt", json!({"msg": "first"}), json!(FIRST)).await.expect(200);
        let page = agora.get("/tidings/users/omar/messages?channel=nora&type=chat").await.expect(200);
        let oldest = page["data"].as_array().expect("messages").last().expect("one").clone();
        assert_eq!((&oldest["msg_id"], &oldest["timestamp"]), (&first["data"]["msg_id"], &json!(FIRST)));
        let (_, description) = agora_error(&import("txt", json!({"msg": "x"}), json!(FIRST - 1)).await, 400);
        assert_eq!(description, "msg_timestamp must not be before 2010");
    }
}

every_shape! {
    async fn an_id_has_one_spelling(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let group = agora.post("/chatgroups", &json!({"groupname": "g", "owner": "nora"})).await.expect(200);
        let id = group["data"]["groupid"].as_str().expect("an id").to_owned();
        let send = async |to: &str| {
            let message = json!({"from": "nora", "to": [to], "type": "txt", "body": {"msg": "x"}});
            agora.post("/messages/chatgroups", &message).await
        };
        assert!(send(&id).await.expect(200)["data"][&id].is_string());
        assert_eq!(send(&format!(" {id}")).await.status, 404);
        for odd in [format!("0{id}"), format!("+{id}"), format!("{id}.0")] {
            assert_eq!(send(&odd).await.status, 404, "{odd}");
            let path = format!("/chatgroups/{}", odd.replace('+', "%2B"));
            assert_eq!(Reply::to(agora.request(Method::GET, &path)).await.status, 404, "{odd}");
        }
    }
}

every_shape! {
    async fn a_file_that_is_named_by_its_uuid_has_an_address_in_every_dialect_decision_38(app: TestApp) {
        let (agora, lanying) = (app.agora(), app.lanying());
        let (nora, omar) = (lanying.register("nora").await, lanying.register("omar").await);
        let answer = upload(&agora, &[("restrict-access", "1")], "", form(&[FILE])).await.expect(200);
        let uuid = uuid(&answer);
        let secret = answer["entities"][0]["share-secret"].as_str().expect("a secret");
        let body = json!({"from": "nora", "to": ["omar"], "type": "file", "body": {"uuid": uuid, "secret": secret}});
        agora.post("/messages/users", &body).await.expect(200);
        let page = lanying.acting_as(omar).history(nora, 0, 10).await;
        let attachment: Value = serde_json::from_str(page["messages"][0]["attachment"].as_str().expect("a text")).expect("JSON");
        assert_eq!(attachment["url"], format!("{}/chatfiles/{uuid}", agora.base));
        assert_eq!(attachment["secret"], secret);
        let page = agora.get("/tidings/users/omar/messages?channel=nora&type=chat").await.expect(200);
        let body = &page["data"][0]["payload"]["bodies"][0];
        assert_eq!((&body["uuid"], &body["url"]), (&json!(uuid), &attachment["url"]));
    }
}

every_shape! {
    async fn every_refusal_says_its_reason_in_a_header(app: TestApp) {
        let (agora, lanying) = (app.agora(), app.lanying());
        agora.register(&["nora"]).await;
        let nora = agora.logged_in("nora").await;
        let (scheme, rest) = agora.base.split_once("://").expect("a scheme");
        let (host, _) = rest.split_once('/').expect("a path");
        let root = format!("{scheme}://{host}");
        let http = reqwest::Client::new();
        let packed = agora.request(Method::POST, "/messages/users").header("content-encoding", "gzip").body("x");
        let packed_there = lanying.request(Method::POST, "/message/send").header("content-encoding", "br").body("x");
        for (request, status, reason) in [
            (agora.request(Method::POST, "/messages/users").body("{"), 400, "INVALID_ARGUMENT"),
            (agora.with_token("").request(Method::POST, "/messages/users").body("{}"), 401, "TOKEN_MISSING"),
            (nora.request(Method::POST, "/messages/users").body("{}"), 401, "APP_TOKEN_REQUIRED"),
            (agora.request(Method::GET, "/users/nobody"), 404, "USER_NOT_FOUND"),
            (agora.request(Method::GET, "/chatfiles/nothing"), 404, "FILE_NOT_FOUND"),
            (agora.request(Method::GET, "/nothing"), 404, "CALL_NOT_FOUND"),
            (agora.request(Method::PATCH, "/messages/users"), 405, "METHOD_NOT_ALLOWED"),
            (packed, 415, "ENCODING_NOT_SUPPORTED"),
            (packed_there, 415, "ENCODING_NOT_SUPPORTED"),
            (lanying.request(Method::POST, "/message/send").body("{"), 200, "INVALID_ARGUMENT"),
            (lanying.with_token("").request(Method::GET, "/message/unread"), 200, "TOKEN_MISSING"),
            (http.get(format!("{root}/message/unread")), 200, "APP_NOT_FOUND"),
            (http.get(format!("{root}/message/nothing")), 404, "CALL_NOT_FOUND"),
            (http.delete(format!("{root}/message/send")), 405, "METHOD_NOT_ALLOWED"),
            (http.get(format!("{root}/no/app/users")), 404, "APP_NOT_FOUND"),
        ] {
            let reply = Reply::to(request).await;
            let said = reply.headers.get("x-tidings-reason").and_then(|value| value.to_str().ok());
            assert_eq!((reply.status.as_u16(), said), (status, Some(reason)), "{}", reply.text);
        }
        let (_, description) = agora_error(&nora.post("/messages/users", &json!({})).await, 401);
        assert_eq!(description, "Unable to authenticate (OAuth)");
        let fine = agora.get("/users/nora").await;
        assert!(!fine.headers.contains_key("x-tidings-reason"));
    }
}

every_shape! {
    async fn slashes_in_a_row_are_one_but_for_those_within_names(app: TestApp) {
        let (agora, lanying) = (app.agora(), app.lanying());
        agora.register(&["nora"]).await;
        let nora = agora.logged_in("nora").await;
        let root = app.suite.url();
        let (org, name) = (&app.app().org, &app.app().name);
        let to = |client: &Agora, base: String| {
            let mut client = client.clone();
            client.base = base;
            client
        };
        for base in [format!("{root}//{org}/{name}"), format!("{root}/{org}//{name}"), format!("{root}///{org}///{name}/")] {
            let doubled = to(&agora, base.clone());
            for path in ["/users/nora", "//users/nora", "/users//nora", "//users///nora//", "/users/nora?x=//"] {
                let answer = doubled.get(path).await.expect(200);
                assert_eq!(answer["path"], "/users/nora", "{base}{path}");
                assert_eq!(answer["entities"][0]["username"], "nora", "{base}{path}");
            }
            // The rights are those of the route, and so are the error texts.
            let refused = to(&nora, base.clone()).get("//users//").await;
            assert_eq!(agora_error(&refused, 401).1, "Unable to authenticate (OAuth)", "{base}");
            let reply = doubled.get("//nothing").await;
            assert_eq!(agora_error(&reply, 404).0, "service_resource_not_found", "{base}");
        }
        for (written, reason) in [("/users/no%2F%2Fra", "USER_NOT_FOUND"), ("/users%2F%2Fnora", "CALL_NOT_FOUND")] {
            let reply = agora.get(written).await;
            assert_eq!((reply.status.as_u16(), &reply.headers["x-tidings-reason"]), (404, &reason.parse().expect("a value")), "{written}");
        }
        let bob = lanying.register("bob").await;
        for path in ["//message/unread", "/message//unread", "///message///unread//"] {
            let reply = lanying.acting_as(bob).get(path).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (200, &json!(200)), "{path}: {}", reply.text);
        }
        assert_eq!(lanying.get("/message//nothing").await.status.as_u16(), 404);
    }
}
