//! Callbacks as received by an app's server (tencent.md 1 to 6, agora.md 11.3, lanying.md 8, decisions 30 to 35).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tidings_domain::{Clock as _, ManualClock, SystemClock, UnixMillis};
use tidings_proto::{duration, pb};
use tidings_testkit::{Answer, Received, Receiver, Reply, Suite, TestApp, check_webhook, every_shape, wait_until};

use crate::{
    endpoint::{TOKEN, strict},
    people::{group_of, people},
    policy::{neighbour, on_any_shape},
};

fn to(receiver: &Receiver) -> pb::AddEndpointRequest {
    pb::AddEndpointRequest {
        dialect: pb::CallbackDialect::Tencent.into(),
        url: format!("{}/told?s=route", receiver.url()),
        token: TOKEN.into(),
        allow_private: true,
        ..Default::default()
    }
}

/// Adds the endpoint and returns its id and the key of its signatures.
async fn add(app: &TestApp, new: pb::AddEndpointRequest) -> (i64, String) {
    let added = app.callbacks().add_endpoint(app.request(new)).await.expect("added").into_inner();
    (added.endpoint.expect("an endpoint").id, added.secret)
}

async fn deliveries(app: &TestApp) -> Vec<pb::CallbackDelivery> {
    let all = pb::ListDeliveriesRequest::default();
    app.callbacks().list_deliveries(app.request(all)).await.expect("a list").into_inner().deliveries
}

every_shape! {
    async fn a_strict_receiver_takes_a_message_of_each_type_tencent_4_and_5(app: TestApp) {
        let agora = app.agora();
        agora.register(&["Nora", "omar"]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        let (_, secret) = add(&app, to(&receiver)).await;
        let url = "https://chat.example.test/acme/lobby/chatfiles/7c0e9a10-4d5b-11ef-9b7a-5f0e6a2d9c31";
        let bodies = [
            ("txt", json!({"msg": "lunch?"})),
            ("img", json!({"filename": "cat.png", "url": url, "size": {"width": 640, "height": 360}, "file_length": 128_827})),
            ("audio", json!({"filename": "hi.amr", "length": 7, "url": url})),
            ("video", json!({"filename": "clip.mp4", "length": 12, "url": url, "thumb": url, "file_length": 734_003})),
            ("file", json!({"filename": "plan.pdf", "url": url})),
            ("loc", json!({"lat": "52.5163", "lng": "13.3777", "addr": "Pariser Platz"})),
            ("cmd", json!({"action": "refresh-roster"})),
            ("custom", json!({"customEvent": "gift", "customExts": {"kind": "rose"}})),
        ];
        for (kind, body) in &bodies {
            let message = json!({"from": "nora", "to": ["omar"], "type": kind, "body": body, "ext": {"k": "v"}});
            agora.post("/messages/users", &message).await.expect(200);
        }
        let received = receiver.wait_for(bodies.len()).await;
        let strict = strict(&app);
        for received in &received {
            assert_eq!(strict.check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
            assert_eq!(check_webhook(received, &secret), Ok(()));
            assert!(received.query.starts_with("s=route&SdkAppid="), "{}", received.query);
        }
        let first = received.iter().map(Received::json).find(|body| body["MsgSeq"] == 1).expect("the first message");
        assert_eq!((&first["From_Account"], &first["To_Account"], &first["UnreadMsgNum"].is_i64()), (&json!("Nora"), &json!("omar"), &true));
        assert_eq!((&first["MsgBody"][0]["MsgContent"]["Text"], &first["CloudCustomData"]), (&json!("lunch?"), &json!("{\"k\":\"v\"}")));
    }
}

every_shape! {
    async fn a_recall_is_told_and_its_msg_key_recalls_tencent_6(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        add(&app, pb::AddEndpointRequest { ordered: true, ..to(&receiver) }).await;
        let msg_id = agora.send_text("nora", "omar", "m").await;
        let sent = receiver.wait_for(1).await[0].json();
        let msg_key = sent["MsgKey"].as_str().expect("a key").to_owned();
        let recall = |msg_key: &str| app.request(pb::RecallRequest { msg_key: msg_key.to_owned(), ..Default::default() });
        let wrong = msg_key.replacen('1', "2", 1);
        assert_eq!(app.messages().recall(recall(&wrong)).await.expect_err("another's").code(), tonic::Code::NotFound);
        assert_eq!(app.messages().recall(recall("x")).await.expect_err("no key").code(), tonic::Code::InvalidArgument);
        assert!(app.messages().recall(recall(&msg_key)).await.expect("recalled").into_inner().recalled);
        let withdrawn = &receiver.wait_for(2).await[1];
        assert_eq!(strict(&app).check(withdrawn), Ok(()));
        let withdrawn = withdrawn.json();
        assert_eq!((&withdrawn["CallbackCommand"], &withdrawn["MsgKey"], &withdrawn["UnreadMsgNum"]), (&json!("C2C.CallbackAfterMsgWithDraw"), &json!(msg_key), &json!(0)));
        let explained = pb::ListDeliveriesRequest { msg_id: msg_id.parse().expect("an id"), ..Default::default() };
        let explained = app.callbacks().list_deliveries(app.request(explained)).await.expect("a list").into_inner().deliveries;
        assert_eq!(explained.len(), 2);
        // The same by pages of one, newest first.
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let wanted = pb::ListDeliveriesRequest { page_size: 1, page_token, ..Default::default() };
            let page = app.callbacks().list_deliveries(app.request(wanted)).await.expect("a page").into_inner();
            assert_eq!(page.deliveries.len(), 1);
            found.extend(page.deliveries.iter().map(|delivery| delivery.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, explained.iter().map(|delivery| delivery.id).collect::<Vec<_>>());
    }
}

every_shape! {
    async fn groups_agora_and_lanying_are_told_in_their_forms(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let group = agora.post("/chatgroups", &json!({"groupname": "g", "public": true, "owner": "nora"})).await.expect(200);
        let group = group["data"]["groupid"].as_str().expect("an id").to_owned();
        let (tencent, vendor, lanying) = (Receiver::start(|_| Answer::ok()), Receiver::start(|_| Answer::ok()), Receiver::start(|_| Answer::ok()));
        add(&app, to(&tencent)).await;
        add(&app, pb::AddEndpointRequest { dialect: pb::CallbackDialect::Agora.into(), ..to(&vendor) }).await;
        add(&app, pb::AddEndpointRequest { dialect: pb::CallbackDialect::Lanying.into(), ..to(&lanying) }).await;
        let message = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "standup"}});
        agora.post("/messages/chatgroups", &message).await.expect(200);
        let told = &tencent.wait_for(1).await[0];
        assert_eq!(strict(&app).check(told), Ok(()));
        let told = told.json();
        assert_eq!((&told["CallbackCommand"], &told["GroupId"], &told["MsgSeq"]), (&json!("Group.CallbackAfterSendMsg"), &json!(group), &json!(1)));
        // The requester, as before the message: the app itself.
        assert_eq!((&told["From_Account"], &told["Operator_Account"]), (&json!("nora"), &json!("admin")));

        let told = &vendor.wait_for(1).await[0];
        let post = told.json();
        assert_eq!((&post["eventType"], &post["chat_type"], &post["from"], &post["to"]), (&json!("chat"), &json!("groupchat"), &json!("nora"), &json!(group)));
        assert_eq!(post["payload"]["bodies"][0]["msg"], "standup");
        assert_eq!(told.query, "s=route");

        let told = &lanying.wait_for(1).await[0];
        assert_eq!(told.headers["signature"], TOKEN);
        let message = told.json();
        assert_eq!((&message["type"], &message["ctype"], &message["content"]), (&json!("GROUPCHAT"), &json!("TEXT"), &json!("standup")));
        assert_eq!(message["to"]["uid"], group, "a text, as the connectors of the vendor compare it");
    }
}

every_shape! {
    async fn a_reader_is_told_of_once_with_what_he_has_left_tencent_6_agora_11_3(app: TestApp) {
        let [nora, omar, pia] = people(&app, ["nora", "omar", "pia"]).await;
        let (tencent, vendor) = (Receiver::start(|_| Answer::ok()), Receiver::start(|_| Answer::ok()));
        let events = vec!["conversation.read".to_owned()];
        add(&app, pb::AddEndpointRequest { events: events.clone(), ..to(&tencent) }).await;
        add(&app, pb::AddEndpointRequest { dialect: pb::CallbackDialect::Agora.into(), events, ..to(&vendor) }).await;
        nora.client.send_text(omar.id, "one").await;
        let two = nora.client.send_text(omar.id, "two").await;
        let three = pia.client.send_text(omar.id, "three").await;
        let delivered = pb::MarkDeliveredRequest { msg_id: three, ..Default::default() };
        app.conversations().mark_delivered(app.request_as(omar.id, delivered)).await.expect("marked");
        for _ in 0..2 {
            omar.client.get(&format!("/message/ack?msg_id={two}")).await.expect(200);
        }
        let told = &tencent.wait_for(1).await[0];
        assert_eq!(strict(&app).check(told), Ok(()), "{}", String::from_utf8_lossy(&told.body));
        let told = told.json();
        assert_eq!((&told["Report_Account"], &told["Peer_Account"], &told["UnreadMsgNum"]), (&json!("omar"), &json!("nora"), &json!(1)));
        let receipt = vendor.wait_for(1).await[0].json();
        assert_eq!((&receipt["chat_type"], &receipt["from"], &receipt["to"]), (&json!("read_ack"), &json!("omar"), &json!("nora")));
        assert_eq!(receipt["payload"]["ack_message_id"], two.to_string());
        // Repeated marks cause no further event: nothing is between the two.
        let read = pb::MarkReadRequest { msg_id: three, ..Default::default() };
        app.conversations().mark_read(app.request_as(omar.id, read)).await.expect("marked");
        let told = tencent.wait_for(2).await;
        assert_eq!(told.len(), 2);
        assert_eq!((&told[1].json()["Peer_Account"], &told[1].json()["UnreadMsgNum"]), (&json!("pia"), &json!(0)));
    }
}

every_shape! {
    async fn a_reader_in_a_group_is_told_of_in_agoras_form_alone(app: TestApp) {
        let [nora, omar] = people(&app, ["nora", "omar"]).await;
        let group = group_of(&nora, &[&omar]).await;
        let (tencent, vendor) = (Receiver::start(|_| Answer::ok()), Receiver::start(|_| Answer::ok()));
        let events = vec!["conversation.read".to_owned()];
        add(&app, pb::AddEndpointRequest { events: events.clone(), ..to(&tencent) }).await;
        add(&app, pb::AddEndpointRequest { dialect: pb::CallbackDialect::Agora.into(), events, ..to(&vendor) }).await;
        let standup = nora.client.send_to_group(group, "standup").await;
        let lunch = nora.client.send_text(omar.id, "lunch").await;
        omar.client.get(&format!("/message/ack?msg_id={standup}")).await.expect(200);
        omar.client.get(&format!("/message/ack?msg_id={lunch}")).await.expect(200);
        let receipts: Vec<Value> = vendor.wait_for(2).await.iter().map(Received::json).collect();
        let group = group.to_string();
        let of_group = receipts.iter().find(|receipt| receipt["to"] == group).expect("the group's");
        assert_eq!(of_group["payload"]["msg_config"], json!({"allow_group_ack": true}));
        assert_eq!(tencent.wait_for(1).await[0].json()["Peer_Account"], "nora");
    }
}

every_shape! {
    async fn each_edit_says_how_many_there_were_agora_11_3(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let vendor = Receiver::start(|_| Answer::ok());
        let events = vec!["message.edited".to_owned()];
        add(&app, pb::AddEndpointRequest { dialect: pb::CallbackDialect::Agora.into(), events, ..to(&vendor) }).await;
        let id = agora.send_text("nora", "omar", "0").await;
        for edit in 1..=3 {
            let new = json!({"user": "nora", "new_msg": {"type": "txt", "msg": edit.to_string()}});
            let request = agora.request(reqwest::Method::PUT, &format!("/messages/rewrite/{id}"));
            Reply::to(request.json(&new)).await.expect(200);
        }
        let told: Vec<Value> = vendor.wait_for(3).await.iter().map(Received::json).collect();
        let said = |told: &Value| (told["payload"]["bodies"][0]["msg"].clone(), told["payload"]["meta"]["edit_msg"]["count"].clone());
        let mut said: Vec<(Value, Value)> = told.iter().map(said).collect();
        said.sort_by_key(|(_, count)| count.as_i64());
        assert_eq!(said, [1, 2, 3].map(|n: i64| (json!(n.to_string()), json!(n))));
    }
}

every_shape! {
    async fn a_rotated_key_signs_beside_the_new_one_until_the_overlap_is_over(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let receiver = Receiver::start(|_| Answer::ok());
        let (id, first) = add(&app, to(&receiver)).await;
        let rotate = async |overlap_ms: Option<u64>| {
            let overlap = overlap_ms.map(|ms| duration(Duration::from_millis(ms)));
            let request = pb::RotateEndpointSecretRequest { id, overlap };
            app.callbacks().rotate_endpoint_secret(app.request(request)).await.map(|rotated| rotated.into_inner().secret)
        };
        let mut sent = 0;
        // The worker signs with the keys that it has read last.
        let mut signed_with = async |secret: &str| {
            let mut told = None;
            wait_until("the new key to be in use", async || {
                agora.send_text("nora", "omar", "m").await;
                sent += 1;
                told = receiver.wait_for(sent).await.pop();
                check_webhook(told.as_ref().expect("told"), secret).is_ok()
            })
            .await;
            told.expect("told")
        };
        let signatures = |told: &Received| {
            let signatures = told.headers["webhook-signature"].to_str().expect("text");
            signatures.split(' ').count()
        };
        let second = rotate(None).await.expect("rotated");
        let told = signed_with(&second).await;
        assert_eq!((check_webhook(&told, &first), signatures(&told)), (Ok(()), 2));
        let third = rotate(Some(0)).await.expect("rotated");
        let told = signed_with(&third).await;
        assert!(check_webhook(&told, &first).is_err() && check_webhook(&told, &second).is_err());
        assert_eq!(signatures(&told), 1);
        let refused = rotate(Some(8 * 24 * 3_600_000)).await.expect_err("too long");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
}

every_shape! {
    async fn what_was_delivered_is_forgotten_as_the_policy_says(app: TestApp) {
        let retention = pb::Policy { delivered_retention_ms: Some(0), ..Default::default() };
        crate::policy::set(&app, retention).await;
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let (fine, broken) = (Receiver::start(|_| Answer::ok()), Receiver::start(|_| Answer::status(500)));
        add(&app, to(&fine)).await;
        add(&app, pb::AddEndpointRequest { retry: pb::RetryMode::None.into(), ..to(&broken) }).await;
        agora.send_text("nora", "omar", "m").await;
        wait_until("both to be done", async || {
            let deliveries = deliveries(&app).await;
            deliveries.len() == 2 && deliveries.iter().all(|delivery| delivery.state() != pb::DeliveryState::Waiting)
        })
        .await;
        wait_until("the delivered one to be forgotten", async || {
            app.callbacks().purge_deliveries(app.request(pb::PurgeDeliveriesRequest {})).await.expect("purged");
            deliveries(&app).await.len() == 1
        })
        .await;
        assert_eq!(deliveries(&app).await[0].state(), pb::DeliveryState::Dead);
    }
}

#[tokio::test]
async fn an_endpoint_that_was_paused_for_longer_than_events_are_kept_is_paused_again_and_goes_on_at_what_is_left() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let suite = Suite::all_in_one(None, Arc::<ManualClock>::clone(&clock));
    let app = TestApp::of(Arc::new(suite)).await;
    crate::policy::set(&app, pb::Policy { message_retention_ms: Some(3_600_000), ..Default::default() }).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let receiver = Receiver::start(|_| Answer::ok());
    let (id, _) = add(&app, to(&receiver)).await;
    app.callbacks().pause_endpoint(app.request(pb::PauseEndpointRequest { id })).await.expect("paused");
    agora.send_text("nora", "omar", "lost").await;
    clock.advance(Duration::from_hours(2));
    app.messages().purge(app.request(pb::PurgeRequest {})).await.expect("purged");
    agora.send_text("nora", "omar", "left").await;
    app.callbacks().resume_endpoint(app.request(pb::ResumeEndpointRequest { id })).await.expect("resumed");
    let listed = async || {
        let all = app.request(pb::ListEndpointsRequest {});
        app.callbacks().list_endpoints(all).await.expect("a list").into_inner().endpoints.remove(0)
    };
    wait_until("it to be paused again", async || listed().await.state() == pb::EndpointState::Paused).await;
    let why = "events that it had not received are no longer kept; resuming continues with the remaining ones";
    assert!(listed().await.paused_because.starts_with(why));
    app.callbacks().resume_endpoint(app.request(pb::ResumeEndpointRequest { id })).await.expect("resumed");
    let told = receiver.wait_for(1).await;
    assert_eq!(told[0].json()["MsgBody"][0]["MsgContent"]["Text"], "left");
}

#[tokio::test]
async fn what_fails_is_tried_again_with_the_same_id_and_body_and_can_be_replayed() {
    let change = |config: &mut tidings_runtime::Config| config.callbacks.retry_after_seconds = vec![0, 0];
    let app = TestApp::of(Arc::new(Suite::all_in_one_with(None, Arc::new(SystemClock), change))).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let failures = Arc::new(AtomicUsize::new(3));
    let left = Arc::clone(&failures);
    let receiver = Receiver::start(move |_| {
        let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if fails { Answer::status(503).with_body("later") } else { Answer::ok() }
    });
    let (endpoint_id, secret) = add(&app, to(&receiver)).await;
    agora.send_text("nora", "omar", "first").await;
    // Three attempts with two intervals, all failed.
    let received = receiver.wait_for(3).await;
    wait_until("the delivery to be given up", async || {
        deliveries(&app).await.iter().all(|delivery| delivery.state() == pb::DeliveryState::Dead)
    })
    .await;
    let dead = &deliveries(&app).await[0];
    assert_eq!((dead.attempts.len(), dead.attempts[0].status, dead.attempts[0].answer.as_str()), (3, 503, "later"));
    // The unread count has changed; the rendered body stays.
    agora.send_text("nora", "omar", "second").await;
    receiver.wait_for(4).await;
    let replay = pb::ReplayRequest { endpoint_id, state: pb::DeliveryState::Dead.into(), ..Default::default() };
    assert_eq!(app.callbacks().replay(app.request(replay)).await.expect("replayed").into_inner().replayed, 1);
    let again = &receiver.wait_for(5).await[4];
    for attempt in &received {
        assert_eq!(check_webhook(attempt, &secret), Ok(()));
        assert_eq!((&attempt.headers["webhook-id"], &attempt.body), (&again.headers["webhook-id"], &again.body));
    }
    wait_until("the delivery to be done", async || {
        deliveries(&app).await.iter().all(|delivery| delivery.state() == pb::DeliveryState::Delivered)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hangs_delays_nobody_else() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let (hanging, healthy) =
        (Receiver::start(|_| Answer::ok().after(Duration::from_mins(1))), Receiver::start(|_| Answer::ok()));
    add(&app, pb::AddEndpointRequest { timeout: Some(duration(Duration::from_secs(30))), ..to(&hanging) }).await;
    add(&app, to(&healthy)).await;
    for n in 0..200 {
        agora.send_text("nora", "omar", &format!("m{n}")).await;
    }
    assert_eq!(healthy.wait_for(200).await.len(), 200);
    assert!(hanging.count() <= 64);
}

#[tokio::test]
async fn an_endpoint_that_answers_410_is_paused_and_keeps_what_waits() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let gone = Arc::new(AtomicUsize::new(1));
    let is_gone = Arc::clone(&gone);
    let receiver =
        Receiver::start(move |_| if is_gone.load(Ordering::SeqCst) > 0 { Answer::status(410) } else { Answer::ok() });
    let (id, _) = add(&app, to(&receiver)).await;
    agora.send_text("nora", "omar", "m").await;
    let listed = async || {
        let all = app.request(pb::ListEndpointsRequest {});
        app.callbacks().list_endpoints(all).await.expect("a list").into_inner().endpoints.remove(0)
    };
    wait_until("the endpoint to be paused", async || listed().await.state() == pb::EndpointState::Paused).await;
    assert_eq!(listed().await.paused_because, "it answered 410");
    agora.send_text("nora", "omar", "n").await;
    gone.store(0, Ordering::SeqCst);
    let before = receiver.count();
    app.callbacks().resume_endpoint(app.request(pb::ResumeEndpointRequest { id })).await.expect("resumed");
    receiver.wait_for(before + 2).await;
    wait_until("both to be delivered", async || {
        let all = deliveries(&app).await;
        all.len() == 2 && all.iter().all(|delivery| delivery.state() == pb::DeliveryState::Delivered)
    })
    .await;
}

#[tokio::test]
async fn private_addresses_and_redirects_are_not_followed() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let secret = Receiver::start(|_| Answer::ok());
    let at = secret.url();
    let receiver = Receiver::start(move |_| Answer::status(302).with_header("location", &at));
    add(&app, pb::AddEndpointRequest { allow_private: false, ..to(&secret) }).await;
    let port = secret.address().rsplit(':').next().expect("a port").to_owned();
    let named =
        pb::AddEndpointRequest { allow_private: false, url: format!("http://localhost:{port}/"), ..to(&secret) };
    add(&app, named).await;
    add(&app, pb::AddEndpointRequest { retry: pb::RetryMode::None.into(), ..to(&receiver) }).await;
    agora.send_text("nora", "omar", "m").await;
    wait_until("each to be tried", async || {
        let all = deliveries(&app).await;
        all.len() == 3 && all.iter().all(|delivery| !delivery.attempts.is_empty())
    })
    .await;
    for delivery in deliveries(&app).await {
        let attempt = &delivery.attempts[0];
        match delivery.endpoint_id {
            3 => assert_eq!((attempt.status, delivery.state()), (302, pb::DeliveryState::Dead)),
            _ => assert!(attempt.status == 0 && attempt.answer.contains("no public address"), "{}", attempt.answer),
        }
    }
    assert_eq!(secret.count(), 0);
}

#[tokio::test]
async fn an_endpoint_is_told_of_its_own_app_from_its_adding_on_and_not_of_imports_decision_17() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "before").await;
    let receiver = Receiver::start(|_| Answer::ok());
    add(&app, pb::AddEndpointRequest { ordered: true, ..to(&receiver) }).await;
    let import = json!({"from": "nora", "target": "omar", "type": "txt", "body": {"msg": "old"}, "msg_timestamp": 1_752_588_000_000_i64});
    agora.post("/messages/users/import", &import).await.expect(200);
    let other = neighbour(&app).await;
    other.agora().register(&["nora", "omar"]).await;
    other.agora().send_text("nora", "omar", "another's").await;
    agora.send_text("nora", "omar", "after").await;
    agora.send_text("nora", "omar", "and then").await;
    let texts: Vec<Value> =
        receiver.wait_for(2).await.iter().map(|told| told.json()["MsgBody"][0]["MsgContent"]["Text"].clone()).collect();
    assert_eq!(texts, ["after", "and then"]);
}

/// The endpoint fails once, so that there is something to be retried later.
#[tokio::test]
async fn what_is_due_later_is_tried_when_the_clock_is_set_back_for_good() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::<ManualClock>::clone(&clock)))).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let failed = AtomicBool::new(false);
    let receiver =
        Receiver::start(move |_| Answer::status(if failed.swap(true, Ordering::SeqCst) { 200 } else { 500 }));
    add(&app, to(&receiver)).await;
    agora.send_text("nora", "omar", "m").await;
    receiver.wait_for(1).await;
    wait_until("the failure to be written down", async || {
        deliveries(&app).await.iter().any(|delivery| delivery.attempts.len() == 1)
    })
    .await;
    // No time passes, so it would be due in over an hour.
    clock.set(UnixMillis(clock.now().0 - 3_600_000));
    receiver.wait_for(2).await;
}
