//! The internal gRPC: who may call, what it returns, how apps and users are separated (docs/internals/wire.md).

use std::{collections::BTreeSet, sync::Arc};

use http::uri::PathAndQuery;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tidings_domain::SystemClock;
use tidings_proto::{internal, pb};
use tidings_testkit::{Suite, TestApp, every_shape};
use tonic::{Code, Request, Status, client::Grpc};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt as _;

use crate::log::{direct, history, keyed, refusal, refused, register, text, text_of, walk};

const SERVICES: [&str; 4] = [
    "tidings.v1.ConversationService",
    "tidings.v1.DirectoryService",
    "tidings.v1.FileService",
    "tidings.v1.MessageService",
];

/// A test of reflection in one version of its protocol: the list of services, and the descriptor of each.
macro_rules! reflection {
    ($name:ident, $version:ident) => {
        every_shape! {
            async fn $name(app: TestApp) {
                use $version::{
                    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
                };
                let mut client = ServerReflectionClient::new(app.suite.channel());
                let mut asked = async |asked: MessageRequest| {
                    let request = ServerReflectionRequest { message_request: Some(asked), ..Default::default() };
                    let answers = client.server_reflection_info(tokio_stream_of(request)).await.unwrap();
                    answers.into_inner().message().await.unwrap().unwrap().message_response.unwrap()
                };
                let answer = asked(MessageRequest::ListServices(String::new())).await;
                let MessageResponse::ListServicesResponse(listed) = answer else { panic!("{answer:?}") };
                let names: BTreeSet<_> = listed.service.iter().map(|service| service.name.as_str()).collect();
                assert!(SERVICES.iter().all(|service| names.contains(service)), "{names:?}");
                for service in SERVICES {
                    let answer = asked(MessageRequest::FileContainingSymbol(service.to_owned())).await;
                    let MessageResponse::FileDescriptorResponse(files) = answer else { panic!("{answer:?}") };
                    let file = prost_types::FileDescriptorProto::decode(&*files.file_descriptor_proto[0]).unwrap();
                    let name = service.rsplit('.').next().unwrap();
                    assert!(file.service.iter().any(|found| found.name() == name), "{service}");
                }
            }
        }
    };
}

reflection!(reflection_serves_v1_without_the_key, v1);
// The only version that Python's, Node's and older `grpcurl` use.
reflection!(reflection_serves_v1alpha_without_the_key, v1alpha);

/// The field that a refusal names, and what it must be.
fn violation(status: &Status) -> (String, String) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let mut named = status.get_details_bad_request().expect("BadRequest beside ErrorInfo").field_violations;
    assert_eq!(named.len(), 1, "{named:?}");
    let first = named.remove(0);
    (first.field, first.description)
}

every_shape! {
    async fn lists_go_on_from_their_tokens_to_the_last_page(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "carl", "dora"]).await;
        let (mut log, mut conversations) = (app.messages(), app.conversations());
        for peer in &ids[1..] {
            log.send(app.request(text(*peer, &[ids[0]], "hello"))).await.unwrap();
        }
        let newest_first = [direct(ids[0], ids[3]), direct(ids[0], ids[2]), direct(ids[0], ids[1])];
        // More than the maximum counts as the maximum.
        for page_size in [1, 2, 3, i32::MAX] {
            let (mut found, mut page_token) = (Vec::new(), String::new());
            loop {
                let wanted = pb::ListConversationsRequest { page_size, page_token, ..Default::default() };
                let page = conversations.list_conversations(app.request_as(ids[0], wanted)).await.unwrap().into_inner();
                assert!((1..=page_size as usize).contains(&page.conversations.len()), "{page:?}");
                assert_eq!(page.unread_total, page.conversations.len() as i64, "of this page");
                found.extend(page.conversations.into_iter().map(|it| it.conversation.unwrap()));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(found, newest_first, "{page_size}");
            let (mut found, mut page_token) = (Vec::new(), String::new());
            loop {
                let wanted = pb::ListUsersRequest { page_size, page_token };
                let page = app.directory().list_users(app.request(wanted)).await.unwrap().into_inner();
                assert!((1..=page_size as usize).contains(&page.users.len()), "{page:?}");
                found.extend(page.users.into_iter().map(|user| user.id));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(found, ids, "{page_size}");
        }
        // Text that no list gave out is refused by its name, also on its way through another service.
        for wrong in ["-1", "+1", "x", " ", "9223372036854775808"] {
            let wanted = pb::ListUsersRequest { page_token: wrong.into(), ..Default::default() };
            let status = app.directory().list_users(app.request(wanted)).await.expect_err(wrong);
            assert_eq!(violation(&status).0, "page_token", "{wrong}");
            let wanted = pb::ListConversationsRequest { page_token: wrong.into(), ..Default::default() };
            let status = conversations.list_conversations(app.request_as(ids[0], wanted)).await.expect_err(wrong);
            assert_eq!(violation(&status).0, "page_token", "{wrong}");
            let wanted = pb::ListDeliveriesRequest { page_token: wrong.into(), ..Default::default() };
            let status = app.callbacks().list_deliveries(app.request(wanted)).await.expect_err(wrong);
            assert_eq!(violation(&status).0, "page_token", "{wrong}");
        }
        let wanted = pb::ListDeliveriesRequest { page_size: -1, ..Default::default() };
        let status = app.callbacks().list_deliveries(app.request(wanted)).await.expect_err("too few");
        assert_eq!(violation(&status).0, "page_size");
    }
}

every_shape! {
    async fn a_refusal_names_the_field_that_is_wrong(app: TestApp) {
        let ids = register(&app, &["ann"]).await;
        let wanted = pb::ListUsersRequest { page_size: -1, ..Default::default() };
        let status = app.directory().list_users(app.request(wanted)).await.expect_err("too few");
        assert_eq!(violation(&status), ("page_size".into(), "must not be negative".into()));
        // One service's refusal stays what it is on its way through another.
        let wanted = pb::ListConversationsRequest { page_size: -1, ..Default::default() };
        let status = app.conversations().list_conversations(app.request_as(ids[0], wanted)).await.expect_err("too few");
        assert_eq!(violation(&status).0, "page_size");
        // What no other request would cure has no time to call again, and names no field.
        let find = pb::FindRequest { msg_id: 1 };
        let status = app.messages().find(app.request(find)).await.expect_err("not there");
        assert!(status.get_details_retry_info().is_none() && status.get_details_bad_request().is_none(), "{status:?}");
    }
}

every_shape! {
    async fn metadata_names_a_user_by_id_or_by_name(app: TestApp) {
        // A name may look like another user's id.
        let ann = register(&app, &["ann"]).await[0];
        let digits = ann.to_string();
        let bob = register(&app, &[digits.as_str()]).await[0];
        app.messages().send(app.request(text(ann, &[bob], "hello"))).await.unwrap();
        let unread = async |key: &'static str, user: &str| {
            let mut request = app.request(pb::ListConversationsRequest::default());
            request.metadata_mut().insert(key, user.parse().unwrap());
            app.conversations().list_conversations(request).await.unwrap().into_inner().unread_total
        };
        assert_eq!(unread("tidings-user", &digits).await, 0, "Ann by id");
        assert_eq!(unread("tidings-username", "Ann").await, 0, "Ann by name, in any case");
        assert_eq!(unread("tidings-username", &digits).await, 1, "Bob, whose name is Ann's id");
        // The directory itself looks names up too, and the rights are the user's own.
        let block = |user_id| {
            let mut request = app.request(pb::BlockUserRequest { user_id, blocked_id: bob, blocked: true });
            request.metadata_mut().insert("tidings-username", "ann".parse().unwrap());
            request
        };
        assert!(app.directory().block_user(block(None)).await.unwrap().into_inner().changed);
        assert_eq!(refusal(app.directory().block_user(block(Some(bob))).await), refused(Code::PermissionDenied, "NOT_PERMITTED"));
        let sent = app.messages().send(app.request_as(bob, text(bob, &[ann], "hi"))).await;
        assert_eq!(refusal(sent), refused(Code::PermissionDenied, "BLOCKED_BY_RECEIVER"));
    }
}

every_shape! {
    async fn an_sdk_appid_fits_32_bits_with_a_sign(app: TestApp) {
        let create = async |sdk_appid: i64| {
            let name = format!("number{}", sdk_appid.unsigned_abs());
            let wanted = pb::CreateAppRequest { org: app.app().org.clone(), name, sdk_appid, ..Default::default() };
            app.directory().create_app(app.suite.request(wanted)).await
        };
        for sdk_appid in [-1, i64::from(i32::MAX) + 1, i64::from(u32::MAX), i64::MIN, i64::MAX] {
            let status = create(sdk_appid).await.expect_err("out of bounds");
            assert_eq!(status.message(), "sdk_appid must be from 1 to 2147483647", "{sdk_appid}");
            assert_eq!(refusal::<()>(Err(status)), refused(Code::InvalidArgument, "INVALID_ARGUMENT"), "{sdk_appid}");
        }
        // In a signed 32-bit `int` a number above 2^31 - 1 is negative, so random numbers are below; the vendor's have
        // ten digits.
        for _ in 0..8 {
            let drawn = TestApp::of(Arc::clone(&app.suite)).await.app().sdk_appid;
            assert!((1_000_000_000..=i64::from(i32::MAX)).contains(&drawn), "{drawn}");
        }
    }
}

/// Apps of a shared suite may use these numbers, so this test has its own suite.
#[tokio::test]
async fn the_least_and_the_greatest_sdk_appid_are_taken() {
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::new(SystemClock)))).await;
    for sdk_appid in [1, i64::from(i32::MAX)] {
        let name = format!("number{sdk_appid}");
        let wanted = pb::CreateAppRequest { org: "bounds".into(), name, sdk_appid, ..Default::default() };
        let made = app.directory().create_app(app.suite.request(wanted)).await.unwrap().into_inner();
        assert_eq!(made.app.unwrap().sdk_appid, sdk_appid);
    }
}

fn tokio_stream_of<T: Send + 'static>(request: T) -> impl futures_util::Stream<Item = T> + Send + 'static {
    futures_util::stream::iter([request])
}

every_shape! {
    async fn health_serves_without_the_key(app: TestApp) {
        let mut client = HealthClient::new(app.suite.channel());
        for service in ["", "tidings.v1.MessageService"] {
            let answer = client.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
        }
    }
}

/// Every RPC of ours, as `/service/method`.
fn every_rpc() -> Vec<String> {
    let files = FileDescriptorSet::decode(tidings_proto::DESCRIPTORS).unwrap();
    let services = files.file.iter().flat_map(|file| {
        file.service.iter().map(|service| (format!("{}.{}", file.package(), service.name()), &service.method))
    });
    services
        .flat_map(|(service, methods)| methods.iter().map(move |method| format!("/{service}/{}", method.name())))
        .collect()
}

every_shape! {
    async fn every_rpc_is_refused_without_the_service_key_and_with_a_wrong_one(app: TestApp) {
        let right = app.request(()).metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        let short = right[..right.len() - 1].to_owned();
        let bare = right.trim_start_matches("Bearer ").to_owned();
        let wrong = [None, Some(String::new()), Some("Bearer ".into()), Some(short), Some(format!("{right}x")), Some(bare)];
        let rpcs = every_rpc();
        assert!(rpcs.len() > 20, "{rpcs:?}");
        let mut client = Grpc::new(app.suite.channel());
        for rpc in rpcs {
            for key in &wrong {
                let mut request = Request::new(());
                request.metadata_mut().insert("tidings-app", app.app().id.into());
                if let Some(key) = key {
                    request.metadata_mut().insert("authorization", key.parse().unwrap());
                }
                client.ready().await.unwrap();
                let path: PathAndQuery = rpc.parse().unwrap();
                let reply = client.unary(request, path, ProstCodec::<(), ()>::default()).await;
                assert_eq!(refusal(reply), refused(Code::Unauthenticated, "SERVICE_KEY_WRONG"), "{rpc} {key:?}");
            }
        }
    }
}

every_shape! {
    async fn a_send_with_a_wrong_service_key_writes_nothing(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let mut request = app.request(keyed("k", text(ids[0], &[ids[1]], "one")));
        request.metadata_mut().insert("authorization", "Bearer 00000000000000000000000000000000".parse().unwrap());
        let reply = app.messages().send(request).await;
        assert_eq!(refusal(reply), refused(Code::Unauthenticated, "SERVICE_KEY_WRONG"));
        let head = pb::HeadRequest { conversation: Some(direct(ids[0], ids[1])) };
        let head = app.messages().head(app.request(head)).await.unwrap().into_inner();
        assert_eq!(head, pb::HeadResponse { msg_id: 0, seq: 0 });
    }
}

every_shape! {
    async fn a_conversation_can_be_led_over_grpc_alone(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let (ann, bob, place) = (ids[0], ids[1], direct(ids[0], ids[1]));
        let (mut log, mut conversations) = (app.messages(), app.conversations());

        let mut sent = Vec::new();
        for words in ["one", "two", "three"] {
            let reply = log.send(app.request(text(ann, &[bob], words))).await.unwrap().into_inner();
            sent.push(reply.sent[0].clone());
        }
        assert_eq!(sent.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(sent.iter().all(|it| it.conversation == Some(place) && it.receiver_id == bob));

        let newest_first = walk(|page| app.request_as(bob, page), &mut log, place, 0, 2).await;
        assert_eq!(newest_first.iter().map(text_of).collect::<Vec<_>>(), ["three", "two", "one"]);
        let found = log.find(app.request(pb::FindRequest { msg_id: sent[1].msg_id })).await.unwrap().into_inner();
        assert_eq!(found, newest_first[1]);
        let head = log.head(app.request(pb::HeadRequest { conversation: Some(place) })).await.unwrap().into_inner();
        assert_eq!(head, pb::HeadResponse { msg_id: sent[2].msg_id, seq: 3 });

        let list = pb::ListConversationsRequest::default();
        let listed = conversations.list_conversations(app.request_as(bob, list.clone())).await.unwrap().into_inner();
        let entry = |unread| pb::ListedConversation {
            conversation: Some(place),
            head_msg_id: head.msg_id,
            unread,
            ..Default::default()
        };
        assert_eq!((listed.conversations, listed.unread_total), (vec![entry(3)], 3));

        let mark = pb::MarkReadRequest { user_id: Some(bob), conversation: None, msg_id: sent[1].msg_id };
        let moved = conversations.mark_read(app.request(mark)).await.unwrap().into_inner();
        assert_eq!(moved, pb::MarkReadResponse { moved: true, conversation: Some(place), msg_id: sent[1].msg_id });
        let listed = conversations.list_conversations(app.request_as(bob, list.clone())).await.unwrap().into_inner();
        assert_eq!(listed.conversations, [entry(1)]);

        let delete = pb::DeleteConversationRequest { user_id: None, conversation: Some(place), ..Default::default() };
        conversations.delete_conversation(app.request_as(bob, delete)).await.unwrap();
        let listed = conversations.list_conversations(app.request_as(bob, list.clone())).await.unwrap().into_inner();
        assert_eq!(listed.conversations, []);
        let listed = conversations.list_conversations(app.request_as(ann, list)).await.unwrap().into_inner();
        assert_eq!(listed.conversations, [entry(0)]);
        assert_eq!(history(&app, place).await.len(), 3);
    }
}

every_shape! {
    async fn an_error_carries_its_reason_as_error_info(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let (mut log, mut directory) = (app.messages(), app.directory());
        let unknown = 1 << 50;
        let reply = log.send(app.request(text(ids[0], &[unknown], "one"))).await;
        assert_eq!(refusal(reply), refused(Code::NotFound, "USER_NOT_FOUND"));
        let reply = log.send(app.request(text(ids[0], &[], "one"))).await;
        assert_eq!(refusal(reply), refused(Code::InvalidArgument, "INVALID_ARGUMENT"));
        let reply = log.send(app.request(text(ids[0], &vec![ids[1]; 601], "one"))).await;
        assert_eq!(refusal(reply), refused(Code::InvalidArgument, "TOO_MANY_RECIPIENTS"));
        let reply = log.find(app.request(pb::FindRequest { msg_id: 1 })).await;
        assert_eq!(refusal(reply), refused(Code::NotFound, "MESSAGE_NOT_FOUND"));
        let reply = log.page(app.request(pb::PageRequest { conversation: None, limit: 1, ..Default::default() })).await;
        assert_eq!(refusal(reply), refused(Code::InvalidArgument, "INVALID_ARGUMENT"));
        let (org, name) = (app.app().org.clone(), app.app().name.clone());
        let again = pb::CreateAppRequest { org, name, ..Default::default() };
        assert_eq!(refusal(directory.create_app(app.request(again)).await), refused(Code::AlreadyExists, "APP_EXISTS"));
        let reply = log.find(app.suite.request(pb::FindRequest { msg_id: 1 })).await;
        assert_eq!(refusal(reply), refused(Code::InvalidArgument, "INVALID_ARGUMENT"));
    }
}

every_shape! {
    async fn an_app_answers_to_its_number_and_to_its_name(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        app.messages().send(app.request(text(ids[0], &[ids[1]], "one"))).await.unwrap();
        let head = pb::HeadRequest { conversation: Some(direct(ids[0], ids[1])) };
        let name = format!("{}#{}", app.app().org, app.app().name);
        for name in [name.clone(), app.app().id.to_string()] {
            let mut request = app.suite.request(head);
            request.metadata_mut().insert("tidings-app", name.parse().unwrap());
            assert_eq!(app.messages().head(request).await.unwrap().into_inner().seq, 1, "{name}");
        }
        for name in [format!("{name}x"), "nobody#nothing".into(), "9007199254740991".into(), "0".into()] {
            let mut request = app.suite.request(head);
            request.metadata_mut().insert("tidings-app", name.parse().unwrap());
            let reply = app.messages().head(request).await;
            assert_eq!(refusal(reply), refused(Code::NotFound, "APP_NOT_FOUND"), "{name}");
        }
    }
}

every_shape! {
    async fn a_user_reaches_his_own_conversations_alone(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "eve"]).await;
        let (ann, bob, eve, place) = (ids[0], ids[1], ids[2], Some(direct(ids[0], ids[1])));
        let (mut log, mut conversations) = (app.messages(), app.conversations());
        let sent = log.send(app.request_as(ann, text(ann, &[bob], "one"))).await.unwrap().into_inner().sent.remove(0);
        let not_permitted = refused(Code::PermissionDenied, "NOT_PERMITTED");

        assert_eq!(refusal(log.send(app.request_as(eve, text(ann, &[bob], "two"))).await), not_permitted);
        let page = pb::PageRequest { conversation: place, limit: 10, ..Default::default() };
        assert_eq!(refusal(log.page(app.request_as(eve, page)).await), not_permitted);
        let head = pb::HeadRequest { conversation: place };
        assert_eq!(refusal(log.head(app.request_as(eve, head)).await), not_permitted);
        let find = pb::FindRequest { msg_id: sent.msg_id };
        let hidden = refused(Code::NotFound, "MESSAGE_NOT_FOUND");
        assert_eq!(refusal(log.find(app.request_as(eve, find)).await), hidden);
        let unread = internal::UnreadRequest { user_id: Some(bob), ..Default::default() };
        assert_eq!(refusal(app.messages_internal().unread(app.request_as(eve, unread)).await), not_permitted);
        let list = pb::ListConversationsRequest { user_id: Some(bob), ..Default::default() };
        assert_eq!(refusal(conversations.list_conversations(app.request_as(eve, list)).await), not_permitted);
        let view = pb::ViewRequest { user_id: None, conversation: place };
        assert_eq!(refusal(conversations.view(app.request_as(eve, view)).await), not_permitted);
        let mark = pb::MarkReadRequest { user_id: Some(bob), conversation: place, msg_id: 0 };
        assert_eq!(refusal(conversations.mark_read(app.request_as(eve, mark)).await), not_permitted);
        let mark = pb::MarkReadRequest { user_id: None, conversation: None, msg_id: sent.msg_id };
        assert_eq!(refusal(conversations.mark_read(app.request_as(eve, mark)).await), hidden);
        let delete = pb::DeleteConversationRequest { user_id: Some(bob), conversation: place, ..Default::default() };
        assert_eq!(refusal(conversations.delete_conversation(app.request_as(eve, delete)).await), not_permitted);

        assert_eq!(history(&app, direct(ann, bob)).await.len(), 1);
        let listed = conversations.list_conversations(app.request_as(bob, pb::ListConversationsRequest::default())).await.unwrap();
        assert_eq!(listed.into_inner().unread_total, 1);
    }
}

every_shape! {
    async fn ids_and_keys_of_one_app_open_nothing_of_another(app: TestApp) {
        let other = TestApp::of(Arc::clone(&app.suite)).await;
        let ids = register(&app, &["ann", "bob"]).await;
        let theirs = register(&other, &["ann", "bob"]).await;
        let place = Some(direct(ids[0], ids[1]));
        let sent = app.messages().send(app.request(keyed("k", text(ids[0], &[ids[1]], "ours")))).await.unwrap();
        let msg_id = sent.into_inner().sent[0].msg_id;
        let (mut log, mut conversations) = (other.messages(), other.conversations());

        let hidden = refused(Code::NotFound, "MESSAGE_NOT_FOUND");
        assert_eq!(refusal(log.find(other.request(pb::FindRequest { msg_id })).await), hidden);
        let page = pb::PageRequest { conversation: place, limit: 10, ..Default::default() };
        assert_eq!(log.page(other.request(page)).await.unwrap().into_inner(), pb::PageResponse::default());
        let head = log.head(other.request(pb::HeadRequest { conversation: place })).await.unwrap().into_inner();
        assert_eq!(head, pb::HeadResponse::default());
        let mark = pb::MarkReadRequest { user_id: Some(ids[1]), conversation: None, msg_id };
        assert_eq!(refusal(conversations.mark_read(other.request(mark)).await), hidden);
        let list = pb::ListConversationsRequest { user_id: Some(ids[1]), ..Default::default() };
        let listed = conversations.list_conversations(other.request(list)).await.unwrap().into_inner();
        assert_eq!(listed, pb::ListConversationsResponse::default());

        let reply = log.send(other.request(keyed("k", text(theirs[0], &[theirs[1]], "theirs")))).await.unwrap();
        assert_ne!(reply.into_inner().sent[0].msg_id, msg_id);
        assert_eq!(history(&app, direct(ids[0], ids[1])).await.len(), 1);
    }
}
