//! What an app screens before a message is appended to the log: words, then hooks.

use std::time::Duration;

use serde_json::{Value, json};
use tidings_domain::{ConversationKind, Hook, HookForm, HookSubject, Reason, Screening, WordAction, WordList};
use tidings_proto::{
    error_from_status,
    pb::{self, content},
};
use tidings_testkit::{Answer, Receiver};
use tonic::Status;

use crate::world::{
    ANN, BOB, TO_GROUP, TO_ROOM, World, both_engines, by, by_app, direct, group, refusal, text_of, user, words,
};

fn list(action: WordAction, word: &str) -> WordList {
    WordList { name: format!("{action:?}"), action, words: vec![word.to_owned()] }
}

/// Refuses `forbidden`, masks `rude`.
fn filter(world: &World) {
    let lists = vec![list(WordAction::Refuse, "forbidden"), list(WordAction::Mask, "rude")];
    world.change(|state| state.screening = Screening { version: 1, lists, hooks: Vec::new() });
}

fn hook(form: HookForm, receiver: &Receiver) -> Hook {
    Hook {
        id: 1,
        form,
        url: receiver.url(),
        token: None,
        timeout: Duration::from_secs(10),
        refuse_on_failure: false,
        kinds: Vec::new(),
        allow_private: true,
        subjects: vec![HookSubject::Message],
    }
}

fn hooked(world: &World, hooks: Vec<Hook>) {
    world.change(|state| state.screening = Screening { version: 1, lists: Vec::new(), hooks });
}

/// A server in Tencent's format that answers by the content of each message.
fn tencent() -> Receiver {
    Receiver::start(|received| {
        let asked: Value = serde_json::from_slice(&received.body).unwrap();
        let says = asked["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap();
        let new = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": format!("{says}!")}}]);
        let answer = match says {
            "refuse" => json!({"ActionStatus": "OK", "ErrorCode": 1, "ErrorInfo": ""}),
            "refuse politely" => json!({"ErrorCode": 1, "ErrorInfo": "please not"}),
            "refuse by number" => json!({"ErrorCode": 120_010, "ErrorInfo": "please not"}),
            "discard" => json!({"ErrorCode": 2}),
            "change" | "*****" => json!({"ErrorCode": 0, "MsgBody": new, "CloudCustomData": "seen"}),
            "nonsense" => json!("nonsense"),
            _ => json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}),
        };
        Answer::ok().with_body(answer.to_string())
    })
}

fn refused<T: std::fmt::Debug>(reply: Result<T, Status>) -> (Reason, String) {
    let error = error_from_status(reply.unwrap_err());
    (error.reason(), error.subject().to_owned())
}

/// Kind, reason and detail of every event of the feed, and its text.
async fn feed(world: &World) -> Vec<(String, String, String, String)> {
    let mut feed = world.log.clone().events(by_app(pb::EventsRequest::default())).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(reply) = feed.message().await.unwrap() {
        events.extend(reply.events);
    }
    events.sort_by_key(|event| event.msg_id);
    let told = |event: pb::Event| {
        let message = event.message.unwrap();
        (event.kind, event.reason, event.reason_detail, text(&message))
    };
    events.into_iter().map(told).collect()
}

fn text(message: &pb::Message) -> String {
    match message.content.as_ref().and_then(|content| content.body.as_ref()) {
        Some(content::Body::Text(text)) => text.text.clone(),
        other => panic!("{other:?}"),
    }
}

both_engines! {
    async fn a_listed_word_refuses_the_call_and_an_event_for_each_place_tells_of_it_tencent_4(world: World) {
        filter(&world);
        let sent = world.log.clone().send(by(ANN, words(&[user(BOB), TO_GROUP], "it is ForBidden here"))).await;
        assert_eq!(refused(sent), (Reason::TextBlocked, String::new()));
        assert_eq!(world.count("message").await, 0);
        assert_eq!(world.count("conversation_head").await, 0);
        let told = ["message.refused", "TEXT_BLOCKED", "", "it is ForBidden here"].map(str::to_owned);
        assert_eq!(feed(&world).await, [told.clone().into(), told.into()]);
        world.send(by(ANN, words(&[user(BOB)], "fine"))).await;
        world.assert_lanes_gap_free().await;
    }

    async fn a_refusal_is_remembered_under_its_key_and_told_once_decision_32(world: World) {
        filter(&world);
        let keyed = |text: &str| by(ANN, pb::SendRequest { idempotency_key: "k".into(), ..words(&[user(BOB)], text) });
        for _ in 0..2 {
            assert_eq!(refusal(world.log.clone().send(keyed("forbidden")).await), Reason::TextBlocked);
        }
        // The list is gone, the answer stays.
        world.change(|state| state.screening = Screening { version: 2, ..Screening::default() });
        assert_eq!(refusal(world.log.clone().send(keyed("forbidden")).await), Reason::TextBlocked);
        assert_eq!(refusal(world.log.clone().send(keyed("fine")).await), Reason::KeyConflict);
        assert_eq!(world.count("event").await, 1);
        world.send(by(ANN, words(&[user(BOB)], "forbidden"))).await;
    }

    async fn a_masked_word_is_covered_in_the_log_and_in_the_feed(world: World) {
        filter(&world);
        let msg_id = world.say(ANN, user(BOB), "how RUDE of you").await;
        assert_eq!(text(&world.find(None, msg_id).await.unwrap()), "how **** of you");
        let online = pb::SendRequest { online_only: true, ..words(&[user(BOB)], "rude") };
        world.send(by(ANN, online)).await;
        let texts: Vec<String> = feed(&world).await.into_iter().map(|(_, _, _, text)| text).collect();
        assert_eq!(texts, ["how **** of you", "****"]);
    }

    async fn an_edit_is_looked_at_as_a_whole(world: World) {
        filter(&world);
        let msg_id = world.say(ANN, user(BOB), "for").await;
        let edit = |change| by(ANN, pb::EditRequest { msg_id, change: Some(change), ..Default::default() });
        let append = |text: &str| edit(pb::edit_request::Change::Append(text.to_owned()));
        assert_eq!(refusal(world.log.clone().edit(append("bidden")).await), Reason::TextBlocked);
        assert_eq!(text(&world.find(None, msg_id).await.unwrap()), "for");
        let replaced = edit(pb::edit_request::Change::Replace(text_of("so rude")));
        let edited = world.log.clone().edit(replaced).await.unwrap().into_inner();
        assert_eq!(text(&edited), "so ****");
    }

    async fn a_broadcast_is_looked_at_before_it_begins(world: World) {
        filter(&world);
        let broadcast = |text: &str| pb::BroadcastRequest { content: Some(text_of(text)), ..Default::default() };
        let reply = world.log.clone().broadcast(by_app(broadcast("forbidden"))).await;
        assert_eq!(refusal(reply), Reason::TextBlocked);
        let request = pb::StartBroadcastRequest {
            scope: pb::BroadcastScope::Users.into(),
            content: Some(text_of("forbidden")),
            ..Default::default()
        };
        assert_eq!(refusal(world.log.clone().start_broadcast(by_app(request)).await), Reason::TextBlocked);
        assert_eq!((world.count("event").await, world.count("message").await), (0, 0));
        world.log.clone().broadcast(by_app(broadcast("rude"))).await.unwrap();
        let texts: Vec<String> = feed(&world).await.into_iter().map(|(_, _, _, text)| text).collect();
        assert_eq!(texts, ["****"; 3]);
    }

    async fn imports_and_notifications_are_the_apps_own(world: World) {
        filter(&world);
        let notify = pb::SendRequest { system: true, ..words(&[user(BOB)], "forbidden") };
        world.send(by_app(notify)).await;
        let import = pb::ImportRequest {
            sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) }),
            target: Some(pb::Target { target: Some(user(BOB)) }),
            content: Some(text_of("forbidden")),
            ..Default::default()
        };
        world.log.clone().import(by_app(import)).await.unwrap();
        assert_eq!(world.count("message").await, 2);
    }

    async fn another_version_of_the_lists_applies_without_a_restart(world: World) {
        filter(&world);
        assert_eq!(refusal(world.log.clone().send(by(ANN, words(&[user(BOB)], "forbidden"))).await), Reason::TextBlocked);
        let lists = vec![list(WordAction::Refuse, "fine")];
        world.change(|state| state.screening = Screening { version: 2, lists, hooks: Vec::new() });
        world.send(by(ANN, words(&[user(BOB)], "forbidden"))).await;
        assert_eq!(refusal(world.log.clone().send(by(ANN, words(&[user(BOB)], "fine"))).await), Reason::TextBlocked);
    }

    async fn a_hook_in_tencents_form_decides_by_its_number_tencent_6(world: World) {
        let receiver = tencent();
        hooked(&world, vec![hook(HookForm::Tencent, &receiver)]);
        let send = async |text: &str| world.log.clone().send(by(ANN, words(&[user(BOB)], text))).await;
        send("fine").await.unwrap();
        let changed = send("change").await.unwrap().into_inner().sent.remove(0);
        let changed = world.find(None, changed.msg_id).await.unwrap();
        assert_eq!(text(&changed), "change!");
        let ext = changed.content.unwrap().ext.unwrap().ext;
        assert_eq!(ext, Some(pb::ext::Ext::Text("seen".into())));
        let hook = |subject: &str| (Reason::RefusedByHook, subject.to_owned());
        assert_eq!(refused(send("refuse").await), hook("refused by the callback before sending"));
        assert_eq!(refused(send("refuse politely").await), hook("please not"));
        assert_eq!(refused(send("refuse by number").await), hook("120010 please not"));
        let discarded = send("discard").await.unwrap().into_inner().sent.remove(0);
        assert_eq!((discarded.seq, discarded.receiver_id), (0, BOB));
        assert_eq!(refusal(world.find(None, discarded.msg_id).await), Reason::MessageNotFound);
        send("nonsense").await.unwrap();
        assert_eq!(world.count("message").await, 3);
        // There is no event for what a hook refused or discarded.
        assert_eq!(world.count("event").await, 0);
    }

    async fn a_hooks_refusal_is_told_where_the_policy_says_so_decision_32(world: World) {
        let receiver = tencent();
        hooked(&world, vec![hook(HookForm::Tencent, &receiver)]);
        world.change(|state| state.policy.fire_on_refusal = true);
        let keyed = pb::SendRequest { idempotency_key: "k".into(), ..words(&[user(BOB)], "refuse by number") };
        for _ in 0..2 {
            assert_eq!(refusal(world.log.clone().send(by(ANN, keyed.clone())).await), Reason::RefusedByHook);
        }
        let told = ["message.refused", "REFUSED_BY_HOOK", "120010 please not", "refuse by number"].map(str::to_owned);
        assert_eq!(feed(&world).await, [told.into()]);
        assert_eq!(receiver.count(), 1);
    }

    async fn what_is_discarded_is_answered_alike_on_a_repetition(world: World) {
        let receiver = tencent();
        hooked(&world, vec![hook(HookForm::Tencent, &receiver)]);
        let keyed = || by(ANN, pb::SendRequest { idempotency_key: "k".into(), ..words(&[user(BOB), TO_GROUP], "discard") });
        let first = world.send(keyed()).await;
        assert_eq!(world.send(keyed()).await, first);
        assert_eq!(receiver.count(), 2);
        assert_eq!((world.count("message").await, world.count("event").await), (0, 0));
    }

    async fn a_hook_is_asked_about_each_conversation_in_its_kinds(world: World) {
        let receiver = tencent();
        let kinds = vec![ConversationKind::Direct, ConversationKind::Group];
        hooked(&world, vec![Hook { kinds, ..hook(HookForm::Tencent, &receiver) }]);
        world.send(by(ANN, words(&[user(BOB), TO_GROUP], "fine"))).await;
        world.send(by(ANN, words(&[TO_ROOM], "refuse"))).await;
        let asked = receiver.received();
        let mut commands: Vec<Value> = asked
            .iter()
            .map(|received| serde_json::from_slice::<Value>(&received.body).unwrap()["CallbackCommand"].clone())
            .collect();
        commands.sort_by_key(Value::to_string);
        assert_eq!(commands, ["C2C.CallbackBeforeSendMsg", "Group.CallbackBeforeSendMsg"]);
        assert!(asked.iter().all(|received| received.query.contains("&ClientIP=203.0.113.7&OptPlatform=RESTAPI")));
    }

    async fn one_conversation_that_is_refused_refuses_all_decision_3(world: World) {
        let receiver = Receiver::start(|received| {
            let is_group = received.query.contains("Group.");
            Answer::ok().with_body(json!({"ErrorCode": i32::from(is_group), "ErrorInfo": "no"}).to_string())
        });
        hooked(&world, vec![hook(HookForm::Tencent, &receiver)]);
        let sent = world.log.clone().send(by(ANN, words(&[user(BOB), TO_GROUP], "fine"))).await;
        assert_eq!(refused(sent), (Reason::RefusedByHook, "no".to_owned()));
        assert_eq!(world.count("message").await, 0);
    }

    async fn a_hook_that_discards_one_conversation_leaves_the_others(world: World) {
        let receiver = Receiver::start(|received| {
            let code = if received.query.contains("Group.") { 2 } else { 0 };
            Answer::ok().with_body(json!({"ErrorCode": code}).to_string())
        });
        hooked(&world, vec![hook(HookForm::Tencent, &receiver)]);
        let sent = world.send(by(ANN, words(&[TO_GROUP, user(BOB)], "fine"))).await.sent;
        assert_eq!(sent.iter().map(|sent| sent.seq).collect::<Vec<_>>(), [0, 1]);
        assert!(world.page(None, group()).await.unwrap().is_empty());
        assert_eq!(world.page(None, direct(ANN, BOB)).await.unwrap(), [sent[1].msg_id]);
        world.assert_lanes_gap_free().await;
    }

    async fn no_answer_delivers_or_refuses_as_the_hook_says_tencent_2(world: World) {
        let receiver = Receiver::start(|_| Answer::ok().after(Duration::from_secs(30)));
        let hanging = Hook { timeout: Duration::from_millis(50), ..hook(HookForm::Tencent, &receiver) };
        let away = Hook { url: "http://127.0.0.1:1".into(), ..hanging.clone() };
        let private = Hook { allow_private: false, ..hanging.clone() };
        let hooks = [("hanging", hanging), ("away", away), ("private", private)];
        let keyed = |key: &str| by(ANN, pb::SendRequest { idempotency_key: key.into(), ..words(&[user(BOB)], "fine") });
        let mut version = 0;
        for (name, hook) in &hooks {
            version += 2;
            let hooks = vec![Hook { refuse_on_failure: true, ..hook.clone() }];
            world.change(|state| state.screening = Screening { version, lists: Vec::new(), hooks });
            let sent = world.log.clone().send(keyed(name)).await;
            assert_eq!(refused(sent), (Reason::RefusedByHook, "custom internal error".to_owned()), "{name}");
            // It is called again under the same key, since the server may have recovered.
            let hooks = vec![hook.clone()];
            world.change(|state| state.screening = Screening { version: version + 1, lists: Vec::new(), hooks });
            world.send(keyed(name)).await;
        }
        assert_eq!(world.count("message").await, 3);
    }

    async fn a_hook_in_agoras_form_decides_and_covers_agora_11_2(world: World) {
        let receiver = Receiver::start(|received| {
            let asked: Value = serde_json::from_slice(&received.body).unwrap();
            let answer = match asked["payload"]["bodies"][0]["msg"].as_str().unwrap() {
                "reject" => json!({"valid": false}),
                "reject with words" => json!({"valid": false, "code": "HX:10000"}),
                "change" => json!({"valid": true, "payload": {"bodies": [{"type": "txt", "msg": "h***o"}]}}),
                _ => json!({"valid": true}),
            };
            Answer::ok().with_body(answer.to_string())
        });
        let token = Some("s3cr3t".to_owned());
        hooked(&world, vec![Hook { token, ..hook(HookForm::Agora, &receiver) }]);
        let send = async |text: &str| world.log.clone().send(by(ANN, words(&[user(BOB)], text))).await;
        send("fine").await.unwrap();
        assert_eq!(refused(send("reject").await), (Reason::RefusedByHook, "custom logic denied".to_owned()));
        assert_eq!(refused(send("reject with words").await), (Reason::RefusedByHook, "HX:10000".to_owned()));
        let changed = send("change").await.unwrap().into_inner().sent.remove(0);
        assert_eq!(text(&world.find(None, changed.msg_id).await.unwrap()), "h***o");
        let asked: Value = serde_json::from_slice(&receiver.received()[0].body).unwrap();
        assert_eq!((&asked["from"], &asked["to"], &asked["chat_type"]), (&json!("ann"), &json!("32"), &json!("chat")));
        assert_eq!(asked["security"].as_str().unwrap().len(), 32);
    }

    async fn hooks_are_asked_in_turn_each_about_what_the_one_before_made(world: World) {
        let (first, second) = (tencent(), tencent());
        let lists = vec![list(WordAction::Mask, "very ")];
        let hooks = vec![hook(HookForm::Tencent, &first), Hook { id: 2, ..hook(HookForm::Tencent, &second) }];
        world.change(|state| state.screening = Screening { version: 1, lists, hooks });
        let msg_id = world.say(ANN, user(BOB), "change").await;
        assert_eq!(text(&world.find(None, msg_id).await.unwrap()), "change!");
        world.say(ANN, user(BOB), "very good").await;
        // A hook's change to a masked text takes precedence over the mask.
        let msg_id = world.say(ANN, user(BOB), "very ").await;
        assert_eq!(text(&world.find(None, msg_id).await.unwrap()), "*****!");
        let says = |receiver: &Receiver| -> Vec<String> {
            let bodies = receiver.received().into_iter();
            let bodies = bodies.map(|received| serde_json::from_slice::<Value>(&received.body).unwrap());
            bodies.map(|body| body["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(says(&first), ["change", "*****good", "*****"]);
        assert_eq!(says(&second), ["change!", "*****good", "*****!"]);
    }
}
