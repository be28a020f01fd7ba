//! What an app screens before a message is sent, as seen by its callers: word lists and hooks.

use std::time::Duration;

use serde_json::{Value, json};
use tidings_proto::{duration, pb};
use tidings_testkit::{Answer, Received, Receiver, TestApp, every_shape};

use crate::{
    endpoint::{TOKEN, add, strict},
    transcript::Transcript,
};

/// Before anything is sent: processes cache an app's settings for a while.
async fn set_words(app: &TestApp, action: pb::WordAction, word: &str) {
    let list = pb::WordList { name: format!("{}", action as i32), action: action.into(), words: vec![word.into()] };
    app.directory()
        .set_word_list(app.request(pb::SetWordListRequest { list: Some(list) }))
        .await
        .expect("the list is taken");
}

async fn add_hook(app: &TestApp, form: pb::HookForm, receiver: &Receiver) {
    let new = pb::AddHookRequest {
        form: form.into(),
        url: format!("{}/ask?s=route", receiver.url()),
        token: TOKEN.into(),
        timeout: Some(duration(Duration::from_secs(10))),
        allow_private: true,
        ..Default::default()
    };
    app.directory().add_hook(app.request(new)).await.expect("the hook is taken");
}

fn group_message(group: &str, msg: &str) -> Value {
    json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": msg}})
}

fn message(msg: &str) -> Value {
    json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": msg}})
}

every_shape! {
    async fn a_blocked_text_is_refused_in_each_dialects_words_and_told_as_the_seed_says_tencent_4(app: TestApp) {
        set_words(&app, pb::WordAction::Refuse, "forbidden").await;
        let (agora, lanying) = (app.agora(), app.lanying());
        agora.register(&["nora"]).await;
        let omar = lanying.register("omar").await;
        let receiver = Receiver::start(|_| Answer::ok());
        add(&app, &receiver, pb::CallbackDialect::Tencent).await;
        let mut wire = Transcript::of(&app);
        let refused = agora.post("/messages/users", &message("Forbidden fruit")).await;
        wire.add("POST /messages/users", &refused);
        let text = json!({"type": 1, "targets": [omar], "content_type": 0, "content": "ｆｏｒｂｉｄｄｅｎ"});
        let nora = app.lanying().register("nora2").await;
        let refused = lanying.acting_as(nora).post("/message/send", &text).await;
        wire.add("POST /message/send", &refused);
        agora.send_text("nora", "omar", "fine").await;
        let told = receiver.wait_for(3).await;
        for received in &told {
            assert_eq!(strict(&app).check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
        }
        let results: Vec<(Value, Value, Value)> = told
            .iter()
            .map(Received::json)
            .map(|body| {
                let text = body["MsgBody"][0]["MsgContent"]["Text"].clone();
                (text, body["SendMsgResult"].clone(), body["UnreadMsgNum"].clone())
            })
            .collect();
        let expected = [
            (json!("Forbidden fruit"), json!(80001), json!(-1)),
            (json!("ｆｏｒｂｉｄｄｅｎ"), json!(80001), json!(-1)),
            (json!("fine"), json!(0), json!(1)),
        ];
        for expected in &expected {
            assert!(results.contains(expected), "{results:?}");
        }
        assert_eq!(lanying.logged_in("omar").await.unread().await.len(), 1);
        wire.check("blocked_text");
    }
}

every_shape! {
    async fn a_word_behind_a_repeated_key_reaches_nobody(app: TestApp) {
        let (agora, lanying) = (app.agora(), app.lanying());
        let (nora, omar) = (lanying.register("nora").await, lanying.register("omar").await);
        set_words(&app, pb::WordAction::Refuse, "casino").await;
        let send = async |body: &str| {
            let message = format!(r#"{{"from":"nora","to":["omar"],"type":"txt","body":{body}}}"#);
            agora.post_text("/messages/users", message).await
        };
        assert_eq!(send(r#"{"msg":"b","msg":"casino"}"#).await.status, 403);
        send(r#"{"msg":"casino","msg":"b","mine":1}"#).await.expect(200);
        send(r#"{"m\u0073g":"casino","msg":"c"}"#).await.expect(200);
        let page = agora.get("/tidings/users/omar/messages?channel=nora&type=chat").await.expect(200);
        let bodies: Vec<&Value> = page["data"].as_array().expect("messages").iter().map(|it| &it["payload"]["bodies"][0]).collect();
        assert_eq!(bodies, [&json!({"msg": "c", "type": "txt"}), &json!({"msg": "b", "mine": 1, "type": "txt"})]);
        assert!(!page.to_string().contains("casino"));
        assert!(!lanying.acting_as(omar).history(nora, 0, 10).await.to_string().contains("casino"));
    }
}

every_shape! {
    async fn a_masked_word_is_covered_for_every_reader(app: TestApp) {
        set_words(&app, pb::WordAction::Mask, "rude").await;
        let (agora, lanying) = (app.agora(), app.lanying());
        let nora = lanying.register("nora").await;
        lanying.register("omar").await;
        let mut rude = message("how Rude of you");
        rude["body"]["extra"] = json!("rude keys go with the text");
        agora.post("/messages/users", &rude).await.expect(200);
        let read = lanying.logged_in("omar").await.history(nora, 0, 1).await;
        assert_eq!(read["messages"][0]["content"], "how **** of you");
        assert!(!read.to_string().to_lowercase().contains("rude"), "{read}");
    }
}

every_shape! {
    async fn a_hook_is_asked_in_tencents_form_and_its_verdict_is_the_callers_answer_tencent_6(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let group = agora.post("/chatgroups", &json!({"groupname": "g", "public": true, "owner": "nora"})).await.expect(200);
        let group = group["data"]["groupid"].as_str().expect("an id").to_owned();
        let receiver = Receiver::start(|received| {
            let asked = received.json();
            let answer = match asked["MsgBody"][0]["MsgContent"]["Text"].as_str() {
                Some("refuse") => json!({"ActionStatus": "OK", "ErrorCode": 1, "ErrorInfo": "not today"}),
                Some("by number") => json!({"ActionStatus": "OK", "ErrorCode": 120_001, "ErrorInfo": "not today"}),
                Some("discard") => json!({"ActionStatus": "OK", "ErrorCode": 2, "ErrorInfo": ""}),
                _ => json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""}),
            };
            Answer::ok().with_body(answer.to_string())
        });
        add_hook(&app, pb::HookForm::Tencent, &receiver).await;
        let mut wire = Transcript::of(&app);
        for text in ["refuse", "by number"] {
            let refused = agora.post("/messages/users", &message(text)).await;
            wire.add(text, &refused);
        }
        let discarded = agora.post("/messages/users", &message("discard")).await.expect(200);
        let msg_id = discarded["data"]["omar"].as_str().expect("an id").parse().expect("a number");
        let found = app.messages().find(app.request(pb::FindRequest { msg_id })).await.expect_err("nowhere");
        assert_eq!(found.code(), tonic::Code::NotFound);
        agora.post("/messages/chatgroups", &group_message(&group, "refuse")).await.expect(403);
        agora.post("/messages/chatgroups", &group_message(&group, "fine")).await.expect(200);
        let asked = receiver.received();
        assert_eq!(asked.len(), 5);
        for received in &asked {
            assert_eq!(strict(&app).check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
            assert!(received.query.starts_with("s=route&SdkAppid="), "{}", received.query);
        }
        let last = asked[4].json();
        assert_eq!((&last["CallbackCommand"], &last["GroupId"]), (&json!("Group.CallbackBeforeSendMsg"), &json!(group)));
        assert_eq!((&last["From_Account"], &last["Operator_Account"]), (&json!("nora"), &json!("admin")));
        wire.check("hook_refusals");
    }
}

every_shape! {
    async fn a_hook_in_agoras_form_shows_its_code_to_the_sender_agora_11_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let receiver = Receiver::start(|received| {
            let rejects = received.json()["payload"]["bodies"][0]["msg"] == "reject";
            // An app's server may write a boolean in any form (decision 39).
            let valid = if rejects { json!("No") } else { json!(1) };
            let answer = json!({"valid": valid, "code": "HX:10000"});
            Answer::status(200).with_body(answer.to_string())
        });
        add_hook(&app, pb::HookForm::Agora, &receiver).await;
        let refused = agora.post("/messages/users", &message("reject")).await.expect(403);
        assert_eq!(refused["error_description"], "HX:10000");
        agora.post("/messages/users", &message("fine")).await.expect(200);
        let asked = receiver.received()[1].json();
        let keys: Vec<&String> = asked.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["callId", "chat_type", "from", "msg_id", "payload", "security", "securityVersion", "timestamp", "to"]);
    }
}

every_shape! {
    async fn a_hook_that_hangs_delays_only_its_own_apps_sends_and_then_lets_them_through_tencent_2(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let receiver = Receiver::start(|_| Answer::ok().after(Duration::from_mins(1)));
        let new = pb::AddHookRequest {
            form: pb::HookForm::Tencent.into(),
            url: receiver.url(),
            timeout: Some(duration(Duration::from_millis(300))),
            allow_private: true,
            ..Default::default()
        };
        app.directory().add_hook(app.request(new)).await.expect("the hook is taken");
        let neighbour = crate::policy::neighbour(&app).await;
        neighbour.agora().register(&["nora", "omar"]).await;
        let waiting = {
            let agora = app.agora();
            tokio::spawn(async move { agora.send_text("nora", "omar", "slow").await })
        };
        receiver.wait_for(1).await;
        neighbour.agora().send_text("nora", "omar", "at once").await;
        waiting.await.expect("it goes through");
        assert_eq!(receiver.count(), 1);
    }
}
