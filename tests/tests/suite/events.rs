//! The event feed, and who receives it (tencent.md, decisions 30 to 35).

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tidings_proto::{duration, internal, pb};
use tidings_testkit::{TestApp, every_shape};
use tonic::Code;

use crate::policy::{neighbour, on_any_shape};

/// Every event after a cursor, up to now, and the cursor after them.
async fn read(app: &TestApp, after: &str, kinds: &[&str]) -> (Vec<pb::Event>, String) {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let request = pb::EventsRequest { after: after.to_owned(), kinds, batch: 2, ..Default::default() };
    let mut feed = app.messages().events(app.request(request)).await.expect("a feed").into_inner();
    let (mut events, mut cursor) = (Vec::new(), String::new());
    while let Some(reply) = feed.message().await.expect("a batch") {
        events.extend(reply.events);
        cursor = reply.cursor;
    }
    (events, cursor)
}

fn text(event: &pb::Event) -> String {
    let content = event.message.as_ref().and_then(|message| message.content.as_ref());
    match content.and_then(|content| content.body.clone()) {
        Some(pb::content::Body::Text(text)) => text.text,
        other => panic!("no text: {other:?}"),
    }
}

every_shape! {
    async fn the_feed_has_each_event_once_and_goes_on_where_it_was_left(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let (_, begin) = read(&app, "now", &[]).await;
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(agora.send_text("nora", "omar", &format!("m{n}")).await);
        }
        let (events, cursor) = read(&app, &begin, &[]).await;
        assert_eq!(events.iter().map(text).collect::<Vec<_>>(), ["m0", "m1", "m2", "m3", "m4"]);
        assert!(events.iter().all(|event| event.kind == "message.sent" && event.platform == "RESTAPI" && event.address == "127.0.0.1"));
        let seqs: Vec<i64> = events.iter().map(|event| event.message.as_ref().expect("a message").seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5]);
        assert_eq!(read(&app, &cursor, &[]).await, (Vec::new(), cursor.clone()));

        let edit = json!({"user": "nora", "new_msg": {"type": "txt", "msg": "m1 changed"}});
        let request = agora.request(Method::PUT, &format!("/messages/rewrite/{}", ids[1])).json(&edit);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        let recall = json!({"msg_id": ids[2], "to": "omar", "chat_type": "chat"});
        agora.post("/messages/msg_recall", &recall).await.expect(200);
        let online = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "now"}, "routetype": "ROUTE_ONLINE"});
        agora.post("/messages/users", &online).await.expect(200);
        let (events, after) = read(&app, &cursor, &[]).await;
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["message.edited", "message.recalled", "message.online"]);
        assert_eq!((text(&events[0]), events[0].msg_id.to_string()), ("m1 changed".to_owned(), ids[1].clone()));
        let recalled = events[1].message.as_ref().expect("a message");
        assert_eq!((recalled.seq, recalled.content.as_ref(), events[1].msg_id.to_string()), (3, None, ids[2].clone()));
        assert_eq!(text(&events[2]), "now");
        let unique: std::collections::BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(unique.len(), 3);

        // Of one kind only, from the last cursor and from the beginning.
        let (events, last) = read(&app, &cursor, &["message.recalled"]).await;
        assert_eq!((events.len(), last), (1, after));
        assert_eq!(read(&app, "", &["message.sent"]).await.0.len(), 5);
    }
}

#[tokio::test]
async fn a_follower_is_told_of_what_comes() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let request = pb::EventsRequest { after: "now".to_owned(), follow: true, ..Default::default() };
    let mut feed = app.messages().events(app.request(request)).await.expect("a feed").into_inner();
    assert_eq!(feed.message().await.expect("a batch").expect("the beginning").events, []);
    for n in 0..3 {
        agora.send_text("nora", "omar", &format!("m{n}")).await;
        let batch = feed.message().await.expect("a batch").expect("an event");
        assert_eq!(batch.events.iter().map(text).collect::<Vec<_>>(), [format!("m{n}")]);
    }
}

#[tokio::test]
async fn the_feed_is_the_apps_own_and_bad_cursors_are_refused() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "m").await;
    let other = neighbour(&app).await;
    assert_eq!(read(&other, "", &[]).await.0, []);
    let refused = async |request: pb::EventsRequest| {
        app.messages().events(app.request(request)).await.expect_err("refused").code()
    };
    assert_eq!(refused(pb::EventsRequest { after: "x".into(), ..Default::default() }).await, Code::InvalidArgument);
    assert_eq!(refused(pb::EventsRequest { batch: 1001, ..Default::default() }).await, Code::InvalidArgument);
    let by_user = app.request_as(16, pb::EventsRequest::default());
    assert_eq!(app.messages().events(by_user).await.expect_err("refused").code(), Code::PermissionDenied);
}

#[tokio::test]
async fn what_is_unread_in_all_one_to_one_conversations_is_one_number_tencent_4() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia"]).await;
    let group = json!({"groupname": "g", "public": true, "owner": "nora", "members": ["omar"]});
    let group =
        agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned();
    for n in 0..3 {
        agora.send_text("nora", "omar", &format!("m{n}")).await;
    }
    agora.send_text("pia", "omar", "p").await;
    let to_group = json!({"from": "nora", "to": [group], "type": "txt", "body": {"msg": "g"}});
    agora.post("/messages/chatgroups", &to_group).await.expect(200);
    let id = async |name: &str| {
        let wanted =
            pb::GetUserRequest { user: Some(pb::UserRef { user: Some(pb::user_ref::User::Username(name.into())) }) };
        app.directory().get_user(app.request(wanted)).await.expect("a user").into_inner().id
    };
    let user_ids = vec![id("omar").await, id("nora").await];
    let request = internal::UnreadTotalsRequest { user_ids };
    let totals = async || {
        app.conversations_internal()
            .unread_totals(app.request(request.clone()))
            .await
            .expect("totals")
            .into_inner()
            .totals
    };
    assert_eq!(totals().await, [4, 0]);
    agora.post("/tidings/users/omar/read_ack", &json!({"channel": "nora", "type": "chat"})).await.expect(200);
    assert_eq!(totals().await, [1, 0]);
}

fn endpoint() -> pb::AddEndpointRequest {
    pb::AddEndpointRequest {
        dialect: pb::CallbackDialect::Tencent.into(),
        url: "https://app.example/callback".into(),
        ..Default::default()
    }
}

every_shape! {
    async fn endpoints_are_added_listed_paused_and_removed(app: TestApp) {
        let mut callbacks = app.callbacks();
        let new = pb::AddEndpointRequest { token: "t".into(), events: vec!["message.sent".into()], ordered: true, ..endpoint() };
        let added = callbacks.add_endpoint(app.request(new)).await.expect("added").into_inner();
        assert!(added.secret.starts_with("whsec_"));
        let first = added.endpoint.expect("an endpoint");
        let timeout = Some(duration(Duration::from_secs(2)));
        assert_eq!((first.id, first.has_token, first.timeout, first.state()), (1, true, timeout, pb::EndpointState::Active));
        let second = callbacks.add_endpoint(app.request(endpoint())).await.expect("added").into_inner();
        assert_ne!(second.secret, added.secret);
        let paused = callbacks.pause_endpoint(app.request(pb::PauseEndpointRequest { id: 2 })).await.expect("paused").into_inner();
        assert_eq!((paused.state(), paused.paused_because.as_str()), (pb::EndpointState::Paused, "by hand"));
        let listed = callbacks.list_endpoints(app.request(pb::ListEndpointsRequest {})).await.expect("a list").into_inner();
        assert_eq!(listed.endpoints, [first, paused]);
        let resumed = callbacks.resume_endpoint(app.request(pb::ResumeEndpointRequest { id: 2 })).await.expect("resumed");
        assert_eq!(resumed.into_inner().state(), pb::EndpointState::Active);
        let remove = || app.request(pb::RemoveEndpointRequest { id: 1 });
        callbacks.remove_endpoint(remove()).await.expect("removed");
        assert_eq!(callbacks.remove_endpoint(remove()).await.expect_err("gone").code(), Code::NotFound);
        let other = neighbour(&app).await;
        assert_eq!(callbacks.pause_endpoint(other.request(pb::PauseEndpointRequest { id: 2 })).await.expect_err("another's").code(), Code::NotFound);
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_is_refused() {
    let app = on_any_shape().await;
    let refused = async |new: pb::AddEndpointRequest| {
        app.callbacks().add_endpoint(app.request(new)).await.expect_err("refused").code()
    };
    for new in [
        pb::AddEndpointRequest { dialect: 0, ..endpoint() },
        pb::AddEndpointRequest { url: "app.example".into(), ..endpoint() },
        pb::AddEndpointRequest { url: "ftp://app.example/".into(), ..endpoint() },
        pb::AddEndpointRequest { url: "https://ann:secret@app.example/".into(), ..endpoint() },
        pb::AddEndpointRequest { url: format!("https://app.example/{}", "x".repeat(2048)), ..endpoint() },
        pb::AddEndpointRequest { token: "t".repeat(129), ..endpoint() },
        pb::AddEndpointRequest { events: vec!["message.sent".into(), "nothing".into()], ..endpoint() },
        pb::AddEndpointRequest { timeout: Some(duration(Duration::from_millis(50))), ..endpoint() },
    ] {
        assert_eq!(refused(new.clone()).await, Code::InvalidArgument, "{new:?}");
    }
    let unserved = pb::AddEndpointRequest { events: vec!["group.member_changed".into()], ..endpoint() };
    let told = app.callbacks().add_endpoint(app.request(unserved)).await.expect_err("refused");
    let words = "events has group.member_changed, but tencent has callbacks only for message.sent, ";
    assert!(told.message().starts_with(words), "{told}");
    let by_user = app.callbacks().add_endpoint(app.request_as(16, endpoint())).await.expect_err("refused");
    assert_eq!(by_user.code(), Code::PermissionDenied);
}
