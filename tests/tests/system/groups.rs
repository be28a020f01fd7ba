//! Groups and rooms over gRPC: one log for all, each member's own view of it (docs/internals/unread.md;
//! decisions 5 and 29).
//!
//! Groups are created at the address of the all-in-one, which the split shape does not have.

use tidings_domain::Mute;
use tidings_proto::{
    mute_to_wire,
    pb::{self, group_service_client::GroupServiceClient, target, user_ref},
};
use tidings_testkit::{Shape, TestApp};
use tonic::{Code, transport::Channel};

use crate::log::{direct, history, refusal, refused, register, text, walk};

/// Group membership, over gRPC.
pub fn groups(app: &TestApp) -> GroupServiceClient<Channel> {
    GroupServiceClient::new(app.suite.channel())
}

/// A new group with only its owner.
pub async fn create_group(app: &TestApp, owner: i64, settings: pb::GroupSettings) -> i64 {
    create(app, pb::GroupKind::Group, owner, settings).await
}

async fn create(app: &TestApp, kind: pb::GroupKind, owner: i64, settings: pb::GroupSettings) -> i64 {
    let wanted = pb::CreateGroupRequest {
        kind: kind.into(),
        owner_id: Some(owner),
        settings: Some(settings),
        ..Default::default()
    };
    groups(app).create_group(app.request(wanted)).await.unwrap().into_inner().id
}

async fn join(app: &TestApp, group_id: i64, user_ids: &[i64]) {
    let wanted = pb::AddMembersRequest { group_id, user_ids: user_ids.to_vec() };
    let reply = groups(app).add_members(app.request(wanted)).await.unwrap().into_inner();
    assert!(reply.results.iter().all(|result| result.reason.is_empty()), "{reply:?}");
}

pub fn group_place(group: i64) -> pb::ConversationId {
    pb::ConversationId { kind: pb::ConversationKind::Group.into(), id: group, higher_user_id: 0 }
}

pub fn text_to_group(sender: i64, group: i64, words: &str) -> pb::SendRequest {
    let target = pb::Target { target: Some(target::Target::GroupId(group)) };
    pb::SendRequest { targets: vec![target], ..text(sender, &[], words) }
}

/// One test on the all-in-one with each engine.
macro_rules! all_in_one {
    (async fn $name:ident($app:ident: TestApp) $body:block) => {
        mod $name {
            use super::*;

            async fn check($app: TestApp) $body

            #[tokio::test]
            async fn on_sqlite() {
                check(TestApp::on(Shape::Sqlite).await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                check(TestApp::on(Shape::Postgres).await).await;
            }
        }
    };
}

async fn listed(app: &TestApp, user: i64) -> Vec<(pb::ConversationId, i64, i64)> {
    let list = pb::ListConversationsRequest::default();
    let reply = app.conversations().list_conversations(app.request_as(user, list)).await.unwrap().into_inner();
    reply.conversations.iter().map(|it| (it.conversation.unwrap(), it.head_msg_id, it.unread)).collect()
}

async fn say(app: &TestApp, request: pb::SendRequest) -> i64 {
    let Some(pb::UserRef { user: Some(user_ref::User::UserId(sender)) }) = request.sender else {
        panic!("{request:?}")
    };
    app.messages().send(app.request_as(sender, request)).await.unwrap().into_inner().sent[0].msg_id
}

all_in_one! {
    async fn a_group_is_one_conversation_with_a_view_for_each_member(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "eve"]).await;
        let (ann, bob, eve) = (ids[0], ids[1], ids[2]);
        let group = create_group(&app, ann, pb::GroupSettings::default()).await;
        join(&app, group, &[bob, eve]).await;
        let place = group_place(group);
        let (mut log, mut conversations) = (app.messages(), app.conversations());

        let one = say(&app, text_to_group(ann, group, "one")).await;
        let two = say(&app, text_to_group(bob, group, "two")).await;
        assert_eq!(history(&app, place).await.len(), 2);
        assert_eq!(listed(&app, ann).await, [(place, two, 1)]);
        assert_eq!(listed(&app, bob).await, [(place, two, 1)]);
        assert_eq!(listed(&app, eve).await, [(place, two, 2)]);

        let mark = pb::MarkReadRequest { user_id: None, conversation: None, msg_id: one };
        let moved = conversations.mark_read(app.request_as(eve, mark)).await.unwrap().into_inner();
        assert_eq!(moved, pb::MarkReadResponse { moved: true, conversation: Some(place), msg_id: one });
        assert_eq!(listed(&app, eve).await, [(place, two, 1)]);
        assert_eq!(listed(&app, ann).await, [(place, two, 1)]);

        let delete = pb::DeleteConversationRequest { user_id: None, conversation: Some(place), ..Default::default() };
        conversations.delete_conversation(app.request_as(eve, delete)).await.unwrap();
        assert_eq!(listed(&app, eve).await, []);
        let three = say(&app, text_to_group(ann, group, "three")).await;
        assert_eq!(listed(&app, eve).await, [(place, three, 1)]);
        let view = pb::ViewRequest { user_id: None, conversation: Some(place) };
        let view = conversations.view(app.request_as(eve, view)).await.unwrap().into_inner();
        let own = view.own.unwrap();
        assert_eq!((own.read_msg_id, own.cleared_msg_id, view.peer), (one, two, Some(pb::Marks::default())));
        let seen = walk(|page| app.request_as(eve, page), &mut log, place, own.cleared_msg_id, 5).await;
        assert_eq!(seen.iter().map(|message| message.msg_id).collect::<Vec<_>>(), [three]);
    }
}

all_in_one! {
    async fn who_is_in_no_group_neither_writes_nor_sees_nor_marks_there(app: TestApp) {
        let ids = register(&app, &["ann", "eve"]).await;
        let (ann, eve) = (ids[0], ids[1]);
        let group = create_group(&app, ann, pb::GroupSettings::default()).await;
        let place = Some(group_place(group));
        let msg_id = say(&app, text_to_group(ann, group, "one")).await;
        let (mut log, mut conversations) = (app.messages(), app.conversations());
        let outside = refused(Code::PermissionDenied, "NOT_GROUP_MEMBER");
        let hidden = refused(Code::NotFound, "MESSAGE_NOT_FOUND");

        assert_eq!(refusal(log.send(app.request_as(eve, text_to_group(eve, group, "two"))).await), outside);
        let page = pb::PageRequest { conversation: place, limit: 1, ..Default::default() };
        assert_eq!(refusal(log.page(app.request_as(eve, page)).await), outside);
        let head = pb::HeadRequest { conversation: place };
        assert_eq!(refusal(log.head(app.request_as(eve, head)).await), outside);
        assert_eq!(refusal(log.find(app.request_as(eve, pb::FindRequest { msg_id })).await), hidden);
        let recall = pb::RecallRequest { msg_id, ..Default::default() };
        assert_eq!(refusal(log.recall(app.request_as(eve, recall)).await), hidden);
        let view = pb::ViewRequest { user_id: None, conversation: place };
        assert_eq!(refusal(conversations.view(app.request_as(eve, view)).await), outside);
        let newest = pb::MarkReadRequest { user_id: None, conversation: place, msg_id: 0 };
        assert_eq!(refusal(conversations.mark_read(app.request_as(eve, newest)).await), outside);
        let up_to = pb::MarkDeliveredRequest { user_id: None, conversation: None, msg_id };
        assert_eq!(refusal(conversations.mark_delivered(app.request_as(eve, up_to)).await), hidden);
        let delete = pb::DeleteConversationRequest { user_id: None, conversation: place, ..Default::default() };
        assert_eq!(refusal(conversations.delete_conversation(app.request_as(eve, delete)).await), outside);
        let pin = pb::PinRequest { user_id: None, conversation: place, pinned: true };
        assert_eq!(refusal(conversations.pin(app.request_as(eve, pin)).await), outside);
        assert_eq!(listed(&app, eve).await, []);
        assert_eq!(log.head(app.request(head)).await.unwrap().into_inner(), pb::HeadResponse { msg_id, seq: 1 });
    }
}

all_in_one! {
    async fn rooms_are_read_by_their_members_and_listed_nowhere_decision_29(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let (ann, bob) = (ids[0], ids[1]);
        let room = create(&app, pb::GroupKind::Room, ann, pb::GroupSettings::default()).await;
        join(&app, room, &[bob]).await;
        let target = pb::Target { target: Some(target::Target::RoomId(room)) };
        let in_room = pb::SendRequest { targets: vec![target], ..text(ann, &[], "one") };
        let msg_id = say(&app, in_room).await;
        let place = pb::ConversationId { kind: pb::ConversationKind::Room.into(), id: room, higher_user_id: 0 };
        let seen = walk(|page| app.request_as(bob, page), &mut app.messages(), place, 0, 5).await;
        assert_eq!(seen.iter().map(|message| message.msg_id).collect::<Vec<_>>(), [msg_id]);
        assert_eq!(listed(&app, bob).await, []);
    }
}

all_in_one! {
    async fn a_muted_member_reads_and_does_not_write(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let (ann, bob) = (ids[0], ids[1]);
        let group = create_group(&app, ann, pb::GroupSettings::default()).await;
        join(&app, group, &[bob]).await;
        let mute = pb::MuteRequest { group_id: group, user_ids: vec![bob], until: mute_to_wire(Mute::Forever) };
        groups(&app).mute(app.request(mute)).await.unwrap();
        let reply = app.messages().send(app.request_as(bob, text_to_group(bob, group, "one"))).await;
        assert_eq!(refusal(reply), refused(Code::PermissionDenied, "MUTED"));
        say(&app, text_to_group(ann, group, "two")).await;
        assert_eq!(listed(&app, bob).await.len(), 1);
        assert_eq!(history(&app, direct(ann, bob)).await, []);
    }
}
