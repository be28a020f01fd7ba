//! Messages for some members of a group (agora.md 2.6): whoever cannot see one sees nothing of what happens to it.

use tidings_proto::pb::{self, edit_request::Change};
use tidings_testkit::{TestApp, every_shape};
use tonic::Code;

use crate::{
    door::{refusal, refused},
    subscribe::{Subscription, message_to_group, named, people, send, team},
};

/// Nora, Omar and Pia, and their group.
struct Cast {
    nora: i64,
    omar: i64,
    pia: i64,
    group: i64,
}

impl Cast {
    async fn of(app: &TestApp) -> Self {
        let ids = people(app, &["nora", "omar", "pia"]).await;
        let group = team(app, ids[0], &[ids[1], ids[2]]).await;
        Self { nora: ids[0], omar: ids[1], pia: ids[2], group }
    }

    /// From Nora, to Omar alone.
    fn to_omar(&self, text: &str) -> pb::SendRequest {
        let audience = named(self.omar).into_iter().collect();
        pb::SendRequest { audience, ..message_to_group(self.nora, self.group, text) }
    }

    fn place(&self) -> pb::ConversationId {
        let kind = pb::ConversationKind::Group.into();
        pb::ConversationId { kind, id: self.group, higher_user_id: 0 }
    }
}

fn edit(msg_id: i64) -> pb::EditRequest {
    let body = pb::content::Body::Text(pb::Text { text: "changed".into() });
    let content = pb::Content { body: Some(body), ..Default::default() };
    pb::EditRequest { msg_id, change: Some(Change::Replace(content)), ..Default::default() }
}

fn reaction(msg_id: i64) -> pb::AddReactionRequest {
    pb::AddReactionRequest { user_id: None, msg_id, reaction: "+1".into() }
}

/// The kinds of what comes about a message until the message `last` comes.
async fn until(subscription: &mut Subscription, about: i64, last: i64) -> Vec<String> {
    let mut kinds = Vec::new();
    loop {
        for it in subscription.next().await.expect("a response").events {
            let event = it.event.expect("an event");
            if event.msg_id == last {
                return kinds;
            }
            if event.msg_id == about {
                kinds.push(event.kind);
            }
        }
    }
}

every_shape! {
    async fn what_happens_to_a_message_for_some_members_reaches_only_those(app: TestApp) {
        let cast = Cast::of(&app).await;
        let mut of_omar = Subscription::of(&app, &[cast.omar], "").await;
        let mut of_pia = Subscription::of(&app, &[cast.pia], "").await;
        let start = of_pia.next().await.map(|response| response.cursor).expect("the position");

        let online = pb::SendRequest { online_only: true, ..cast.to_omar("now") };
        app.messages().send(app.request(online)).await.expect("it is sent");
        let (event, users) = of_omar.event("message.online").await;
        assert_eq!((event.message.expect("the message").audience_ids, users), (vec![cast.omar], vec![cast.omar]));
        let typing = event.msg_id;
        let targeted = send(&app, cast.to_omar("only you")).await[0];
        of_omar.event("message.sent").await;
        app.messages().edit(app.request_as(cast.nora, edit(targeted))).await.expect("it is edited");
        let (event, _) = of_omar.event("message.edited").await;
        assert_eq!(event.message.expect("the message").audience_ids, [cast.omar]);
        app.messages().add_reaction(app.request_as(cast.omar, reaction(targeted))).await.expect("a reaction");
        of_omar.event("message.reacted").await;
        let remove = pb::RemoveReactionRequest { user_id: None, msg_id: targeted, reaction: "+1".into() };
        app.messages().remove_reaction(app.request_as(cast.omar, remove)).await.expect("it is removed");
        of_omar.event("message.unreacted").await;
        for pinned in [true, false] {
            let pin = pb::PinMessageRequest { user_id: None, conversation: Some(cast.place()), msg_id: targeted, pinned };
            app.conversations().pin_message(app.request_as(cast.omar, pin)).await.expect("a pin");
            of_omar.event(if pinned { "message.pinned" } else { "message.unpinned" }).await;
        }
        let read = pb::MarkReadRequest { user_id: None, conversation: None, msg_id: targeted };
        app.conversations().mark_read(app.request_as(cast.omar, read)).await.expect("it is read");
        of_omar.event("conversation.read").await;
        let recall = pb::RecallRequest { msg_id: targeted, ..Default::default() };
        app.messages().recall(app.request(recall)).await.expect("it is recalled");
        of_omar.event("message.recalled").await;

        let last = send(&app, message_to_group(cast.nora, cast.group, "to all")).await[0];
        assert_eq!(until(&mut of_pia, targeted, last).await, Vec::<String>::new());
        // Nor when she comes back.
        for about in [targeted, typing] {
            let mut later = Subscription::of(&app, &[cast.pia], &start).await;
            assert_eq!(until(&mut later, about, last).await, Vec::<String>::new());
        }
        let mut again = Subscription::of(&app, &[cast.omar], &start).await;
        let kinds = until(&mut again, targeted, last).await;
        assert!(kinds.iter().any(|kind| kind == "message.recalled"), "{kinds:?}");
    }
}

every_shape! {
    async fn whoever_cannot_see_a_message_finds_nothing_of_it_and_changes_nothing(app: TestApp) {
        let cast = Cast::of(&app).await;
        let plain = send(&app, message_to_group(cast.nora, cast.group, "to all")).await[0];
        let targeted = send(&app, cast.to_omar("only you")).await[0];
        app.messages().add_reaction(app.request_as(cast.omar, reaction(targeted))).await.expect("a reaction");
        let pin = |pinned| pb::PinMessageRequest { user_id: None, conversation: Some(cast.place()), msg_id: targeted, pinned };
        app.conversations().pin_message(app.request_as(cast.omar, pin(true))).await.expect("it is pinned");
        // Not even an admin of the group.
        let admin = pb::SetAdminsRequest { group_id: cast.group, user_ids: vec![cast.pia], admin: true };
        app.groups().set_admins(app.request(admin)).await.expect("an admin");

        let pins = async |user| {
            let list = pb::ListPinnedMessagesRequest { conversation: Some(cast.place()), ..Default::default() };
            let listed = app.conversations().list_pinned_messages(app.request_as(user, list)).await.expect("a list");
            listed.into_inner().messages.into_iter().map(|pinned| pinned.msg_id).collect::<Vec<_>>()
        };
        let newest = async |user| {
            let head = pb::HeadRequest { conversation: Some(cast.place()) };
            let head = app.messages().head(app.request_as(user, head)).await.expect("a head").into_inner().msg_id;
            let mark = pb::MarkReadRequest { user_id: None, conversation: Some(cast.place()), msg_id: 0 };
            let mark = app.conversations().mark_read(app.request_as(user, mark)).await.expect("a mark");
            (head, mark.into_inner().msg_id)
        };
        assert_eq!((pins(cast.omar).await, pins(cast.nora).await, pins(cast.pia).await), (vec![targeted], vec![targeted], vec![]));
        assert_eq!((newest(cast.omar).await, newest(cast.pia).await), ((targeted, targeted), (plain, plain)));
        let mark = pb::MarkReadRequest { user_id: Some(cast.pia), conversation: Some(cast.place()), msg_id: 0 };
        let mark = app.conversations().mark_read(app.request(mark)).await.expect("a mark").into_inner();
        assert_eq!(mark.msg_id, plain, "for her");

        let missing = || refused(Code::NotFound, "MESSAGE_NOT_FOUND");
        assert_eq!(refusal(app.messages().edit(app.request_as(cast.pia, edit(targeted))).await), missing());
        let recall = pb::RecallRequest { msg_id: targeted, ..Default::default() };
        assert_eq!(refusal(app.messages().recall(app.request_as(cast.pia, recall)).await), missing());
        assert_eq!(refusal(app.messages().add_reaction(app.request_as(cast.pia, reaction(targeted))).await), missing());
        let list = pb::ListReactionsRequest { user_id: None, msg_ids: vec![targeted] };
        let listed = app.messages().list_reactions(app.request_as(cast.pia, list)).await.expect("a list").into_inner();
        assert_eq!(listed.messages, []);
        let readers = pb::ListReadersRequest { conversation: Some(cast.place()), msg_id: targeted, ..Default::default() };
        assert_eq!(refusal(app.conversations().list_readers(app.request_as(cast.pia, readers)).await), missing());
        assert_eq!(refusal(app.conversations().pin_message(app.request_as(cast.pia, pin(true))).await), missing());
        let unpinned = app.conversations().pin_message(app.request_as(cast.pia, pin(false))).await.expect("an answer");
        assert!(!unpinned.into_inner().changed);
        assert_eq!(pins(cast.omar).await, [targeted]);

        // The same over REST.
        let (agora, group, of) = (app.agora(), cast.group, format!("msgIdList={targeted}&msgType=groupchat"));
        for (user, sees) in [("omar", true), ("pia", false)] {
            let pins = agora.get(&format!("/sdk/user/{user}/user_channel/pin?to={group}&type=groupchat")).await;
            assert_eq!(pins.status, 200, "{}", pins.text);
            assert_eq!(pins.text.contains(&targeted.to_string()), sees, "{user}: {}", pins.text);
            let reactions = agora.get(&format!("/reaction/user/{user}?{of}&groupId={group}")).await;
            assert_eq!(reactions.status, 200, "{}", reactions.text);
            assert_eq!(reactions.text.contains("+1"), sees, "{user}: {}", reactions.text);
        }
    }
}

every_shape! {
    async fn subscribers_are_not_told_of_each_other(app: TestApp) {
        let cast = Cast::of(&app).await;
        let mut both = Subscription::of(&app, &[cast.omar, cast.pia], "").await;
        both.next().await.expect("the position");
        for user in [cast.omar, cast.pia] {
            let targets = named(cast.nora).into_iter().collect();
            let subscribe = pb::SubscribePresenceRequest { user: named(user), targets, ttl_seconds: 600 };
            app.directory().subscribe_presence(app.request(subscribe)).await.expect("subscribed");
        }
        let (resource, status) = ("phone".to_owned(), "1".to_owned());
        let publish = pb::PublishPresenceRequest { user: named(cast.nora), resource, status, ext: "busy".into() };
        app.directory().publish_presence(app.request(publish)).await.expect("published");
        let (event, users) = both.event("user.presence").await;
        let Some(pb::change::Change::PresenceChanged(presence)) = event.change.and_then(|it| it.change) else {
            panic!("a presence");
        };
        assert_eq!((presence.ext.as_str(), presence.subscriber_ids, users), ("busy", vec![], vec![cast.omar, cast.pia]));
    }
}
