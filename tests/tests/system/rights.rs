//! Who may make which RPC, on whose behalf: every row of the table over the network (docs/rights.md).

use std::time::Duration;

use http::uri::PathAndQuery;
use tidings_proto::pb::{self, user_ref};
use tidings_proto::{duration, internal};
use tidings_runtime::rights::{Access, RIGHTS, Right};
use tidings_testkit::{TestApp, every_shape};
use tonic::{Code, Request, Response, client::Grpc};
use tonic_prost::ProstCodec;

use crate::log::{direct, refusal, refused, register, text};

/// A call of that RPC with an empty message, which is malformed or harmless everywhere.
async fn call(app: &TestApp, right: &Right, request: Request<()>) -> Option<(Code, String)> {
    let (service, _) = right.rpc.split_once('/').unwrap();
    let mut client = Grpc::new(app.suite.channel_to(service));
    client.ready().await.unwrap();
    let path: PathAndQuery = right.path().parse().unwrap();
    if right.is_streamed {
        // Not to its end, which some do not have.
        let reply = client.server_streaming(request, path, ProstCodec::<(), ()>::default()).await;
        let first = match reply {
            Ok(mut stream) => stream.get_mut().message().await.map(|_| Response::new(())),
            Err(status) => Err(status),
        };
        return first.is_err().then(|| refusal(first));
    }
    let reply = client.unary(request, path, ProstCodec::<(), ()>::default()).await;
    reply.is_err().then(|| refusal(reply))
}

#[expect(clippy::unnecessary_wraps, reason = "as every request has it")]
fn named(id: i64) -> Option<pb::UserRef> {
    Some(pb::UserRef { user: Some(user_ref::User::UserId(id)) })
}

async fn disable(app: &TestApp, user: i64) {
    let change = pb::UpdateUserRequest { user: named(user), enabled: Some(false), ..Default::default() };
    app.directory().update_user(app.request(change)).await.unwrap();
}

every_shape! {
    async fn on_behalf_of_a_user_no_rpc_opens_but_those_whose_row_says_so(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "eve"]).await;
        let (ann, gone, disabled) = (ids[0], ids[1], ids[2]);
        let delete = pb::DeleteUserRequest { user: named(gone) };
        app.directory().delete_user(app.request(delete)).await.unwrap();
        disable(&app, disabled).await;
        for right in RIGHTS {
            let refused_as = async |user: i64| call(&app, right, app.request_as(user, ())).await;
            let what = right.rpc;
            if matches!(right.access, Access::Operator | Access::App) {
                let mut by_name = app.request(());
                by_name.metadata_mut().insert("tidings-username", "ann".parse().unwrap());
                assert_eq!(call(&app, right, by_name).await, Some(refused(Code::PermissionDenied, "NOT_PERMITTED")), "{what}");
                for user in [ann, gone, disabled, 0] {
                    assert_eq!(refused_as(user).await, Some(refused(Code::PermissionDenied, "NOT_PERMITTED")), "{what}");
                }
                continue;
            }
            for nobody in [gone, 999_999_999_999] {
                assert_eq!(refused_as(nobody).await, Some(refused(Code::NotFound, "USER_NOT_FOUND")), "{what}");
            }
            let by_disabled = refused_as(disabled).await;
            let is_disabled = by_disabled == Some(refused(Code::PermissionDenied, "USER_DISABLED"));
            assert_eq!(is_disabled, right.access == Access::UserActs, "{what}: {by_disabled:?}");
            let by_ann = refused_as(ann).await;
            assert!(by_ann.as_ref().is_none_or(|(_, reason)| reason != "USER_DISABLED"), "{what}: {by_ann:?}");
            for odd in ["-1", "+16", "ann", ""] {
                let mut request = app.request(());
                request.metadata_mut().insert("tidings-user", odd.parse().unwrap());
                assert_eq!(call(&app, right, request).await, Some(refused(Code::InvalidArgument, "INVALID_ARGUMENT")), "{what} {odd}");
            }
            for (name, code, reason) in [
                ("bob", Code::NotFound, "USER_NOT_FOUND"),
                ("nobody", Code::NotFound, "USER_NOT_FOUND"),
                ("a b", Code::InvalidArgument, "USERNAME_ILLEGAL"),
            ] {
                let mut request = app.request(());
                request.metadata_mut().insert("tidings-username", name.parse().unwrap());
                assert_eq!(call(&app, right, request).await, Some(refused(code, reason)), "{what} {name}");
            }
            let mut both = app.request_as(ann, ());
            both.metadata_mut().insert("tidings-username", "ann".parse().unwrap());
            assert_eq!(call(&app, right, both).await, Some(refused(Code::InvalidArgument, "INVALID_ARGUMENT")), "{what}");
            let mut twice = app.request_as(ann, ());
            twice.metadata_mut().append("tidings-user", disabled.into());
            assert_eq!(call(&app, right, twice).await, Some(refused(Code::InvalidArgument, "INVALID_ARGUMENT")), "{what}");
        }
        // Refused callers changed nothing.
        let list = pb::ListUsersRequest::default();
        let users = app.directory().list_users(app.request(list)).await.unwrap().into_inner().users;
        assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [ann, disabled]);
    }
}

every_shape! {
    async fn a_user_deletes_changes_and_reads_nobody_else(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let (ann, bob) = (ids[0], ids[1]);
        app.messages().send(app.request(text(ann, &[bob], "hello"))).await.unwrap();
        let mut directory = app.directory();
        let denied = || refused(Code::PermissionDenied, "NOT_PERMITTED");
        let delete = pb::DeleteUserRequest { user: named(bob) };
        assert_eq!(refusal(directory.delete_user(app.request_as(ann, delete)).await), denied());
        let sessions = pb::ListSessionsRequest { user: named(bob) };
        assert_eq!(refusal(directory.list_sessions(app.request_as(ann, sessions)).await), denied());
        let end = pb::EndSessionsRequest { user: named(bob), device_sn: 0, end_tokens: true, ..Default::default() };
        assert_eq!(refusal(directory.end_sessions(app.request_as(ann, end)).await), denied());
        let open = pb::OpenSessionRequest { user: named(bob), ttl: Some(duration(Duration::from_secs(1))), ..Default::default() };
        assert_eq!(refusal(directory.open_session(app.request_as(ann, open)).await), denied());
        let rename = pb::UpdateUserRequest { user: named(bob), nickname: Some("x".into()), ..Default::default() };
        assert_eq!(refusal(directory.update_user(app.request_as(ann, rename)).await), denied());
        let profile = pb::SetProfileRequest { user: named(bob), profile: Some(pb::Profile::default()) };
        assert_eq!(refusal(directory.set_profile(app.request_as(ann, profile)).await), denied());
        let block = pb::BlockUserRequest { user_id: Some(bob), blocked_id: ann, blocked: true };
        assert_eq!(refusal(directory.block_user(app.request_as(ann, block)).await), denied());
        let unknown = pb::UserRef { user: Some(user_ref::User::Username("nobody".into())) };
        let take_down = pb::ResolveUsersRequest { users: vec![unknown], intern_unknown: true, ..Default::default() };
        assert_eq!(refusal(directory.resolve_users(app.request_as(ann, take_down)).await), denied());
        let as_bob = text(bob, &[ann], "from bob, says ann");
        assert_eq!(refusal(app.messages().send(app.request_as(ann, as_bob)).await), denied());
        let unread = internal::UnreadRequest { user_id: Some(bob), ..Default::default() };
        assert_eq!(refusal(app.messages_internal().unread(app.request_as(ann, unread)).await), denied());
        let list = pb::ListConversationsRequest { user_id: Some(bob), ..Default::default() };
        assert_eq!(refusal(app.conversations().list_conversations(app.request_as(ann, list)).await), denied());
        let mark = pb::MarkReadRequest { user_id: Some(bob), conversation: Some(direct(ann, bob)), msg_id: 0 };
        assert_eq!(refusal(app.conversations().mark_read(app.request_as(ann, mark)).await), denied());
        let trusted = pb::FileRef { uuid: "7c0e9a10-4d5b-41ef-9b7a-5f0e6a2d9c31".into(), trusted: true, ..Default::default() };
        assert_eq!(refusal(app.files().stat(app.request_as(ann, pb::StatRequest { file: Some(trusted) })).await), denied());

        let own = pb::DeleteUserRequest { user: named(ann) };
        directory.delete_user(app.request_as(ann, own)).await.unwrap();
        let view = pb::ListConversationsRequest::default();
        let late = app.conversations().list_conversations(app.request_as(bob, view)).await.unwrap().into_inner();
        assert_eq!(late.conversations.len(), 1);
    }
}
