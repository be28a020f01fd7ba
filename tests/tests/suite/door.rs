//! The gRPC door: every public service at one address in every shape, for the service key and for service accounts with
//! their scopes (docs/grpc.md, docs/rights.md).

use futures_util::{future::join_all, stream};
use http::uri::PathAndQuery;
use tidings_domain::KeyScope;
use tidings_proto::pb::{
    self, callback_service_client::CallbackServiceClient, content,
    conversation_service_client::ConversationServiceClient, directory_service_client::DirectoryServiceClient,
    file_service_client::FileServiceClient, group_service_client::GroupServiceClient,
    message_service_client::MessageServiceClient, realtime_service_client::RealtimeServiceClient, target, user_ref,
};
use tidings_runtime::rights::{RIGHTS, Right};
use tidings_testkit::{TestApp, every_shape, wait_until};
use tonic::{Code, Request, Status, client::Grpc};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

/// A call with that key and without an app.
pub fn with_key<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().expect("visible ASCII"));
    request
}

pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub fn refusal<T: std::fmt::Debug>(reply: Result<T, Status>) -> (Code, String) {
    let status = reply.expect_err("a refusal");
    (status.code(), reason(&status))
}

pub fn refused(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

pub async fn nora_and_omar(app: &TestApp) -> (i64, i64) {
    app.agora().register(&["nora", "omar"]).await;
    let id = async |name: &str| {
        let user = Some(pb::UserRef { user: Some(user_ref::User::Username(name.to_owned())) });
        app.directory().get_user(app.request(pb::GetUserRequest { user })).await.expect("a user").into_inner().id
    };
    (id("nora").await, id("omar").await)
}

pub fn text(from: i64, to: i64, text: &str) -> pb::SendRequest {
    let body = content::Body::Text(pb::Text { text: text.to_owned() });
    pb::SendRequest {
        sender: Some(pb::UserRef { user: Some(user_ref::User::UserId(from)) }),
        targets: vec![pb::Target { target: Some(target::Target::UserId(to)) }],
        content: Some(pb::Content { body: Some(body), ..Default::default() }),
        ..Default::default()
    }
}

every_shape! {
    async fn every_public_service_answers_at_the_door_and_files_stream_both_ways(app: TestApp) {
        let (nora, omar) = nora_and_omar(&app).await;
        let (key, _) = app.service_account(&["read", "send", "manage", "admin"]).await;
        let door = || app.suite.door();
        let sent = MessageServiceClient::new(door()).send(with_key(&key, text(nora, omar, "hello"))).await;
        let msg_id = sent.expect("it is sent").into_inner().sent[0].msg_id;
        // On behalf of a user, and by the app's name.
        let mut own = with_key(&key, pb::ListConversationsRequest::default());
        own.metadata_mut().insert("tidings-user", omar.into());
        let name = format!("{}#{}", app.app().org, app.app().name);
        own.metadata_mut().insert("tidings-app", name.parse().expect("visible ASCII"));
        let listed = ConversationServiceClient::new(door()).list_conversations(own).await.expect("a list").into_inner();
        assert_eq!((listed.unread_total, listed.conversations[0].head_msg_id), (1, msg_id));
        let users = DirectoryServiceClient::new(door()).list_users(with_key(&key, pb::ListUsersRequest::default())).await;
        assert_eq!(users.expect("users").into_inner().users.len(), 2);
        let wanted = pb::CreateGroupRequest {
            kind: pb::GroupKind::Group.into(), owner_id: Some(nora), name: "team".into(), ..Default::default()
        };
        GroupServiceClient::new(door()).create_group(with_key(&key, wanted)).await.expect("a group");
        let endpoints = CallbackServiceClient::new(door()).list_endpoints(with_key(&key, pb::ListEndpointsRequest::default())).await;
        assert_eq!(endpoints.expect("a list").into_inner().endpoints.len(), 0);

        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let header = pb::UploadHeader { name: "a.bin".into(), content_type: "application/octet-stream".into(), ..Default::default() };
        let part = |part| pb::UploadRequest { part: Some(part) };
        let first = part(pb::upload_request::Part::Header(header));
        let chunks: Vec<_> = bytes.chunks(100_000).map(|chunk| part(pb::upload_request::Part::Chunk(chunk.to_vec().into()))).collect();
        let last = part(pb::upload_request::Part::Done(pb::UploadDone::default()));
        let upload = with_key(&key, stream::iter([first].into_iter().chain(chunks).chain([last])));
        let mut files = FileServiceClient::new(door());
        let stored = files.upload(upload).await.expect("it is stored").into_inner();
        let file = Some(pb::FileRef { uuid: stored.uuid, ..Default::default() });
        let wanted = pb::DownloadRequest { file, ..Default::default() };
        let mut download = files.download(with_key(&key, wanted)).await.expect("a stream").into_inner();
        let mut got = Vec::new();
        while let Some(response) = download.message().await.expect("it goes on") {
            if let Some(pb::download_response::Part::Chunk(chunk)) = response.part {
                got.extend_from_slice(&chunk);
            }
        }
        assert!(got == bytes, "{} bytes", got.len());
    }
}

/// A call of that RPC with an empty message: refused, harmless, or the first response of a stream.
async fn call(app: &TestApp, right: &Right, key: &str) -> Option<Status> {
    let mut client = Grpc::new(app.suite.door());
    client.ready().await.expect("a connection");
    let path: PathAndQuery = right.path().parse().expect("a path");
    let request = with_key(key, ());
    if right.is_streamed {
        return match client.server_streaming(request, path, ProstCodec::<(), ()>::default()).await {
            Ok(mut stream) => stream.get_mut().message().await.err(),
            Err(status) => Some(status),
        };
    }
    client.unary(request, path, ProstCodec::<(), ()>::default()).await.err()
}

every_shape! {
    async fn an_account_makes_the_rpcs_of_its_scopes_and_no_other(app: TestApp) {
        for scope in KeyScope::ALL {
            let (key, _) = app.service_account(&[scope.name()]).await;
            for right in RIGHTS {
                let status = call(&app, right, &key).await;
                let needs = status.as_ref().is_some_and(|status| status.message().contains("needs a service account"));
                match right.scope {
                    Some(needed) => assert_eq!(needs, needed != scope, "{}: {status:?}", right.rpc),
                    None if right.is_internal => {
                        assert_eq!(status.map(|status| status.code()), Some(Code::Unimplemented), "{}", right.rpc);
                    }
                    None => assert_eq!(refusal(status.map_or(Ok(()), Err)), refused(Code::PermissionDenied, "NOT_PERMITTED")),
                }
            }
        }
    }
}

every_shape! {
    async fn wrong_keys_other_apps_and_sizes_are_refused_at_the_door(app: TestApp) {
        let (nora, omar) = nora_and_omar(&app).await;
        let (key, _) = app.service_account(&["send"]).await;
        let id = app.app().id;
        let send = async |request| refusal(MessageServiceClient::new(app.suite.door()).send(request).await);
        let message = || text(nora, omar, "x");
        let longer = format!("{key}x");
        let of_another_app = key.replacen(&format!("tsa-{id}-"), &format!("tsa-{}-", id + 1_000_000), 1);
        for (wrong, why) in [
            ("", "SERVICE_KEY_WRONG"),
            ("x", "SERVICE_KEY_WRONG"),
            ("tsa-", "TOKEN_MALFORMED"),
            ("tsa-1-x", "TOKEN_MALFORMED"),
            (longer.as_str(), "TOKEN_FORGED"),
            (of_another_app.as_str(), "TOKEN_FORGED"),
        ] {
            assert_eq!(send(with_key(wrong, message())).await, refused(Code::Unauthenticated, why), "{wrong}");
        }
        let mut foreign = with_key(&key, message());
        foreign.metadata_mut().insert("tidings-app", (id + 1).into());
        assert_eq!(send(foreign).await, refused(Code::PermissionDenied, "NOT_PERMITTED"));
        let large = text(nora, omar, &"x".repeat(9_000_000));
        let mut client = MessageServiceClient::new(app.suite.door()).max_encoding_message_size(usize::MAX);
        assert_eq!(client.send(with_key(&key, large)).await.expect_err("too large").code(), Code::InvalidArgument);
        // The services themselves know the service key alone.
        if app.suite.messages_of(0).send(with_key(&key, message())).await.is_ok() {
            MessageServiceClient::new(app.suite.door()).send(with_key(&key, message())).await.expect("the same address");
        }
        // The operator's key opens the public services here, too.
        MessageServiceClient::new(app.suite.door()).send(app.request(message())).await.expect("it is sent");
    }
}

every_shape! {
    async fn a_revoked_key_is_refused_and_its_streams_end(app: TestApp) {
        let (nora, omar) = nora_and_omar(&app).await;
        let (key, account) = app.service_account(&["read", "send"]).await;
        let subscribe = pb::SubscribeRequest { user_ids: vec![omar], ..Default::default() };
        let mut realtime = RealtimeServiceClient::new(app.suite.door());
        let mut stream = realtime.subscribe(with_key(&key, subscribe)).await.expect("a stream").into_inner();
        let events = pb::EventsRequest { after: "now".into(), follow: true, ..Default::default() };
        let mut messages = MessageServiceClient::new(app.suite.door());
        let mut feed = messages.events(with_key(&key, events)).await.expect("a stream").into_inner();
        messages.send(with_key(&key, text(nora, omar, "x"))).await.expect("it is sent");
        while stream.message().await.expect("a response").is_some_and(|response| response.events.is_empty()) {}
        feed.message().await.expect("a response");

        let named = || Some(pb::AppRef { app: Some(pb::app_ref::App::Id(app.app().id)) });
        let revoke = pb::RevokeServiceAccountRequest { app: named(), id: account };
        let revoked = app.directory().revoke_service_account(app.suite.request(revoke)).await.expect("an account");
        assert!(revoked.into_inner().revoked_at.is_some());
        wait_until("the key to be refused", async || {
            let sent = MessageServiceClient::new(app.suite.door()).send(with_key(&key, text(nora, omar, "y"))).await;
            sent.is_err_and(|status| reason(&status) == "TOKEN_REVOKED")
        })
        .await;
        let end = loop {
            if let Err(status) = stream.message().await {
                break status;
            }
        };
        assert_eq!((end.code(), reason(&end).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
        let end = loop {
            if let Err(status) = feed.message().await {
                break status;
            }
        };
        assert_eq!(reason(&end), "TOKEN_REVOKED");
        let list = pb::ListServiceAccountsRequest { app: named() };
        let listed = app.directory().list_service_accounts(app.suite.request(list)).await.expect("a list").into_inner();
        assert_eq!(listed.accounts[0].scopes, ["read", "send"]);
        assert!(listed.accounts[0].revoked_at.is_some());
    }
}

every_shape! {
    async fn the_rates_of_the_app_hold_for_its_accounts(app: TestApp) {
        let (nora, omar) = nora_and_omar(&app).await;
        let (key, _) = app.service_account(&["send"]).await;
        let rates = [("rate_user_messages".to_owned(), 3)].into_iter().collect();
        let policy = pb::Policy { rates, ..Default::default() };
        let named = Some(pb::AppRef { app: Some(pb::app_ref::App::Id(app.app().id)) });
        let wanted = pb::SetPolicyRequest { app: named, policy: Some(policy) };
        app.directory().set_policy(app.suite.request(wanted)).await.expect("a policy");
        let mut messages = MessageServiceClient::new(app.suite.door());
        wait_until("the rate to be reached", async || {
            // At once, since it is the rate of a second.
            let sends = (0..8).map(|_| {
                let (mut messages, request) = (messages.clone(), with_key(&key, text(nora, omar, "x")));
                async move { messages.send(request).await }
            });
            join_all(sends).await.into_iter().any(|sent| {
                sent.is_err_and(|status| reason(&status) == "QUOTA_REACHED" && status.code() == Code::ResourceExhausted)
            })
        })
        .await;
        // Operators do not count.
        messages.send(app.request(text(nora, omar, "x"))).await.expect("it is sent");
    }
}
