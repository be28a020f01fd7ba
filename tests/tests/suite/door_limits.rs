//! What holds at the gRPC door whatever a caller tries: trailers change nothing, every rate counts, and what reaches beyond an
//! app is not a service account's (docs/grpc.md).

use futures_util::{future::join_all, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use tidings_domain::Rate;
use tidings_proto::pb::{
    self, callback_service_client::CallbackServiceClient, conversation_service_client::ConversationServiceClient,
    directory_service_client::DirectoryServiceClient, file_service_client::FileServiceClient,
    message_service_client::MessageServiceClient, target,
};
use tidings_testkit::{TestApp, every_shape, wait_until};
use tonic::{Code, Request, Status, body::Body, client::GrpcService as _};
use tonic_types::StatusExt as _;

use crate::{
    door::{nora_and_omar, refusal, refused, text, with_key},
    policy::{neighbour, set},
};

/// What metadata names.
type Named<'a> = &'a [(&'static str, String)];

fn metadata(named: Named<'_>) -> HeaderMap {
    let pair = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), HeaderValue::try_from(value).expect("visible ASCII"))
    };
    named.iter().map(pair).collect()
}

/// The body of the answer to a call that says more in its trailers.
async fn with_trailers(app: &TestApp, path: &str, message: &impl Message, named: Named<'_>, after: Named<'_>) -> Body {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("it is small").to_be_bytes();
    let framed = [&[0][..], &length, &message].concat();
    let trailers = metadata(after);
    let body = Full::from(framed).with_trailers(async move { Some(Ok(trailers)) });
    let mut request = http::Request::post(path).body(Body::new(body)).expect("a request");
    *request.headers_mut() = metadata(named);
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
    let mut channel = app.suite.door();
    std::future::poll_fn(|context| channel.poll_ready(context)).await.expect("a connection");
    let answer = channel.call(request).await.expect("an answer");
    assert_eq!(answer.headers().get("grpc-status").map(HeaderValue::as_bytes), None, "{:?}", answer.headers());
    answer.into_body()
}

/// The next message of an answer.
async fn next<T: Message + Default>(body: &mut Body, came: &mut Vec<u8>) -> T {
    loop {
        if let Some(head) = came.get(1..5) {
            let length = u32::from_be_bytes(head.try_into().expect("four bytes")) as usize;
            if came.len() >= 5 + length {
                let message = T::decode(&came[5..5 + length]).expect("a message");
                came.drain(..5 + length);
                return message;
            }
        }
        let frame = body.frame().await.expect("it goes on").expect("a frame");
        came.extend_from_slice(&frame.into_data().expect("data"));
    }
}

every_shape! {
    async fn what_a_call_says_in_its_trailers_changes_nothing(app: TestApp) {
        let (nora, omar) = nora_and_omar(&app).await;
        let other = neighbour(&app).await;
        app.messages().send(app.request(text(nora, omar, "hello"))).await.expect("it is sent");
        let (key, _) = app.service_account(&["read"]).await;
        let service_key = app.suite.request(()).metadata().get("authorization").cloned().expect("the key");
        let service_key = service_key.to_str().expect("visible ASCII").to_owned();
        let own = app.app().id.to_string();
        for by in [format!("Bearer {key}"), service_key.clone()] {
            let as_omar = [("authorization", by), ("tidings-app", own.clone()), ("tidings-user", omar.to_string())];
            let after = [
                ("authorization", service_key.clone()),
                ("tidings-app", other.app().id.to_string()),
                ("tidings-user", nora.to_string()),
                ("tidings-username", "nora".to_owned()),
                ("tidings-account", "1".to_owned()),
                ("tidings-peer", "192.0.2.1".to_owned()),
            ];
            let path = "/tidings.v1.ConversationService/ListConversations";
            let list = pb::ListConversationsRequest::default();
            let mut body = with_trailers(&app, path, &list, &as_omar, &after).await;
            let listed: pb::ListConversationsResponse = next(&mut body, &mut Vec::new()).await;
            assert_eq!(listed.unread_total, 1, "Omar's list");

            let path = "/tidings.v1.RealtimeService/Subscribe";
            let mut body = with_trailers(&app, path, &pb::SubscribeRequest::default(), &as_omar, &after).await;
            let mut came = Vec::new();
            let first: pb::SubscribeResponse = next(&mut body, &mut came).await;
            assert_eq!(first.events, []);
            // Of what the app says to Nora Omar hears nothing.
            let to_nora = pb::SendRequest { sender: None, ..text(nora, nora, "to her") };
            app.messages().send(app.request(to_nora)).await.expect("it is sent");
            let sent = app.messages().send(app.request(text(nora, omar, "to you"))).await.expect("it is sent");
            let response = loop {
                let response: pb::SubscribeResponse = next(&mut body, &mut came).await;
                if !response.events.is_empty() {
                    break response;
                }
            };
            let event = response.events[0].event.as_ref().expect("an event");
            assert_eq!((event.msg_id, &response.events[0].user_ids), (sent.into_inner().sent[0].msg_id, &vec![omar]));
            let read = pb::MarkReadRequest { user_id: Some(omar), msg_id: event.msg_id, ..Default::default() };
            app.conversations().mark_read(app.request(read)).await.expect("it is read");
            app.messages().send(app.request(text(nora, omar, "again"))).await.expect("it is sent");
        }
    }
}

/// The refusal of a field, and its name.
fn field<T: std::fmt::Debug>(reply: Result<T, Status>) -> (Code, String) {
    let status = reply.expect_err("a refusal");
    let violations = status.get_details_bad_request().map(|request| request.field_violations).unwrap_or_default();
    (status.code(), violations.first().map(|violation| violation.field.clone()).unwrap_or_default())
}

every_shape! {
    async fn what_reaches_beyond_its_app_is_refused_to_a_service_account(app: TestApp) {
        let (key, _) = app.service_account(&["read", "send", "manage", "admin"]).await;
        let door = || app.suite.door();
        let denied = |name: &str| (Code::PermissionDenied, name.to_owned());
        let endpoint = |allow_private| pb::AddEndpointRequest {
            dialect: pb::CallbackDialect::Agora.into(), url: "http://127.0.0.1:9/".into(), allow_private, ..Default::default()
        };
        let hook = |allow_private| pb::AddHookRequest {
            form: pb::HookForm::Agora.into(), url: "http://127.0.0.1:9/".into(), allow_private, ..Default::default()
        };
        let (mut callbacks, mut directory) = (CallbackServiceClient::new(door()), DirectoryServiceClient::new(door()));
        // Whatever it says of itself.
        for said in [None, Some("tidings-account"), Some("tidings-peer")] {
            let mut request = with_key(&key, endpoint(true));
            if let Some(name) = said {
                request.metadata_mut().insert(name, "".parse().expect("a value"));
            }
            assert_eq!(field(callbacks.add_endpoint(request).await), denied("allow_private"));
        }
        assert_eq!(field(directory.add_hook(with_key(&key, hook(true))).await), denied("allow_private"));
        callbacks.add_endpoint(with_key(&key, endpoint(false))).await.expect("it is added");
        directory.add_hook(with_key(&key, hook(false))).await.expect("it is added");

        let header = pb::UploadHeader { name: "a".into(), internal: true, ..Default::default() };
        let part = |part| pb::UploadRequest { part: Some(part) };
        let parts = [part(pb::upload_request::Part::Header(header)), part(pb::upload_request::Part::Done(pb::UploadDone::default()))];
        let upload = with_key(&key, stream::iter(parts));
        assert_eq!(field(FileServiceClient::new(door()).upload(upload).await), denied("internal"));
        let sweep = FileServiceClient::new(door()).sweep(with_key(&key, pb::SweepRequest {})).await;
        assert_eq!(refusal(sweep), refused(Code::PermissionDenied, "NOT_PERMITTED"));
        let unknown = pb::UserRef { user: Some(pb::user_ref::User::Username("nobody".into())) };
        let resolve = pb::ResolveUsersRequest { users: vec![unknown], intern_unknown: true, ..Default::default() };
        assert_eq!(field(directory.resolve_users(with_key(&key, resolve)).await), denied("intern_unknown"));

        // With the service key it is the operator's own decision.
        callbacks.add_endpoint(app.request(endpoint(true))).await.expect("it is added");
        directory.add_hook(app.request(hook(true))).await.expect("it is added");
        FileServiceClient::new(door()).sweep(app.request(pb::SweepRequest {})).await.expect("it sweeps");
    }
}

every_shape! {
    async fn an_app_has_at_most_a_hundred_endpoints(app: TestApp) {
        let (key, _) = app.service_account(&["admin"]).await;
        let endpoint = || pb::AddEndpointRequest {
            dialect: pb::CallbackDialect::Agora.into(), url: "https://hooks.example/".into(), ..Default::default()
        };
        let mut callbacks = CallbackServiceClient::new(app.suite.door());
        let mut ids = Vec::new();
        for _ in 0..100 {
            let added = callbacks.add_endpoint(with_key(&key, endpoint())).await.expect("it is added").into_inner();
            ids.push(added.endpoint.expect("an endpoint").id);
        }
        assert_eq!(field(callbacks.add_endpoint(with_key(&key, endpoint())).await), (Code::InvalidArgument, "endpoints".into()));
        for id in ids {
            callbacks.remove_endpoint(with_key(&key, pb::RemoveEndpointRequest { id })).await.expect("it is removed");
        }
        callbacks.add_endpoint(with_key(&key, endpoint())).await.expect("there is room again");
    }
}

/// A call of an account that counts for a rate.
async fn counted(app: &TestApp, key: &str, rate: Rate, (nora, omar): (i64, i64)) -> Result<(), Status> {
    let mut messages = MessageServiceClient::new(app.suite.door());
    let to = |target| pb::SendRequest { targets: vec![pb::Target { target: Some(target) }], ..text(nora, omar, "x") };
    let send = |request: pb::SendRequest| with_key(key, request);
    let broadcast = |scope: pb::BroadcastScope| {
        with_key(key, pb::StartBroadcastRequest { scope: scope.into(), ..Default::default() })
    };
    match rate {
        Rate::Calls => {
            let users = pb::ListUsersRequest::default();
            DirectoryServiceClient::new(app.suite.door()).list_users(with_key(key, users)).await.map(drop)
        }
        Rate::TokenCalls => panic!("accounts have no tokens"),
        Rate::UserMessages => messages.send(send(text(nora, omar, "x"))).await.map(drop),
        // The groups need not exist.
        Rate::GroupCalls | Rate::GroupMessages | Rate::OneGroupMessages => {
            messages.send(send(to(target::Target::GroupId(1)))).await.map(drop)
        }
        Rate::RoomCalls | Rate::RoomMessages => messages.send(send(to(target::Target::RoomId(1)))).await.map(drop),
        Rate::TargetedMessages => {
            let audience = vec![pb::UserRef { user: Some(pb::user_ref::User::UserId(omar)) }];
            messages.send(send(pb::SendRequest { audience, ..to(target::Target::GroupId(1)) })).await.map(drop)
        }
        Rate::ExportCalls | Rate::ExportCallsMinute => {
            messages.export(with_key(key, pb::ExportRequest::default())).await.map(drop)
        }
        Rate::DeleteConversation => {
            let mut request: Request<_> = with_key(key, pb::DeleteConversationRequest::default());
            request.metadata_mut().insert("tidings-username", "nora".parse().expect("visible ASCII"));
            ConversationServiceClient::new(app.suite.door()).delete_conversation(request).await.map(drop)
        }
        Rate::RoomBroadcasts | Rate::RoomBroadcastsDay => {
            messages.start_broadcast(broadcast(pb::BroadcastScope::Rooms)).await.map(drop)
        }
        Rate::OnlineBroadcasts | Rate::OnlineBroadcastsDay => {
            messages.start_broadcast(broadcast(pb::BroadcastScope::Online)).await.map(drop)
        }
        Rate::Broadcasts | Rate::BroadcastsDay => {
            messages.start_broadcast(broadcast(pb::BroadcastScope::Users)).await.map(drop)
        }
    }
}

every_shape! {
    async fn every_rate_of_an_app_is_reached_by_its_accounts(app: TestApp) {
        let people = nora_and_omar(&app).await;
        let (key, _) = app.service_account(&["read", "send", "manage"]).await;
        let mut before = None;
        for rate in Rate::ALL.into_iter().filter(|rate| *rate != Rate::TokenCalls) {
            let quotas = before.replace((rate.name().to_owned(), 0)).into_iter().chain([(rate.name().to_owned(), 1)]);
            set(&app, pb::Policy { rates: quotas.collect(), ..Default::default() }).await;
            wait_until(rate.name(), async || {
                // Several at once, since the shortest rates are those of a second.
                let calls = join_all((0..4).map(|_| counted(&app, &key, rate, people))).await;
                let is_refused = |call: Result<(), Status>| {
                    call.is_err_and(|status| status.code() == Code::ResourceExhausted)
                };
                calls.into_iter().any(is_refused)
            })
            .await;
        }
    }
}
