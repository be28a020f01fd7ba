//! `RealtimeService.Subscribe`: what happens, over gRPC (docs/grpc.md).

use std::collections::{BTreeSet, HashMap, HashSet};

use tidings_proto::pb::{self, content, registered, target, user_ref};
use tidings_testkit::{TestApp, every_shape};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

/// Registers users and returns their ids.
async fn register(app: &TestApp, names: &[String]) -> Vec<i64> {
    let user = |name: &String| pb::NewUser { username: name.clone(), ..Default::default() };
    let id = |registered: pb::Registered| match registered.result {
        Some(registered::Result::User(user)) => user.id,
        other => panic!("{other:?}"),
    };
    let mut ids = Vec::new();
    for some in names.chunks(60) {
        let wanted = pb::RegisterUsersRequest { users: some.iter().map(user).collect(), ..Default::default() };
        let reply = app.directory().register_users(app.request(wanted)).await.expect("users").into_inner();
        ids.extend(reply.results.into_iter().map(id));
    }
    ids
}

pub async fn people(app: &TestApp, names: &[&str]) -> Vec<i64> {
    register(app, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).await
}

pub fn named(id: i64) -> Option<pb::UserRef> {
    Some(user_ref::User::UserId(id)).map(|user| pb::UserRef { user: Some(user) })
}

fn to_users(from: i64, to: &[i64], text: &str) -> pb::SendRequest {
    message(from, to.iter().map(|id| target::Target::UserId(*id)).collect(), text)
}

fn message(from: i64, to: Vec<target::Target>, text: &str) -> pb::SendRequest {
    let body = content::Body::Text(pb::Text { text: text.to_owned() });
    pb::SendRequest {
        sender: named(from),
        targets: to.into_iter().map(|target| pb::Target { target: Some(target) }).collect(),
        content: Some(pb::Content { body: Some(body), ..Default::default() }),
        ..Default::default()
    }
}

pub async fn send(app: &TestApp, request: pb::SendRequest) -> Vec<i64> {
    let sent = app.messages().send(app.request(request)).await.expect("it is sent").into_inner().sent;
    sent.into_iter().map(|sent| sent.msg_id).collect()
}

fn wanted(users: &[i64], cursor: &str) -> pb::SubscribeRequest {
    pb::SubscribeRequest { user_ids: users.to_vec(), cursor: cursor.to_owned() }
}

/// A stream as the app, with where it continues.
pub struct Subscription {
    stream: Streaming<pb::SubscribeResponse>,
    pub cursor: String,
    waiting: Vec<pb::SubscribedEvent>,
}

impl Subscription {
    pub async fn of(app: &TestApp, users: &[i64], cursor: &str) -> Self {
        let stream = app.realtime().subscribe(app.request(wanted(users, cursor))).await.expect("a stream").into_inner();
        Self { stream, cursor: cursor.to_owned(), waiting: Vec::new() }
    }

    pub async fn next(&mut self) -> Result<pb::SubscribeResponse, Status> {
        let response = self.stream.message().await?.expect("it does not end without a status");
        self.cursor.clone_from(&response.cursor);
        Ok(response)
    }

    /// The next event of that kind; others are passed over.
    pub async fn event(&mut self, kind: &str) -> (pb::Event, Vec<i64>) {
        loop {
            let at = self.waiting.iter().position(|it| it.event.as_ref().is_some_and(|event| event.kind == kind));
            if let Some(at) = at {
                let found = self.waiting.drain(..=at).next_back().expect("it is there");
                return (found.event.expect("an event"), found.user_ids);
            }
            self.waiting = self.next().await.expect("an event").events;
        }
    }

    /// Why it ends.
    async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.next().await {
                return status;
            }
        }
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub async fn team(app: &TestApp, owner: i64, members: &[i64]) -> i64 {
    let wanted = pb::CreateGroupRequest {
        kind: pb::GroupKind::Group.into(),
        owner_id: Some(owner),
        member_ids: members.to_vec(),
        name: "team".into(),
        ..Default::default()
    };
    let made = app.groups().create_group(app.request(wanted)).await.expect("a group").into_inner();
    made.id
}

every_shape! {
    async fn what_happens_reaches_a_user_and_an_app_for_its_users_without_addresses(app: TestApp) {
        let ids = people(&app, &["nora", "omar", "pia", "ruth"]).await;
        let (nora, omar, pia, ruth) = (ids[0], ids[1], ids[2], ids[3]);
        let group = team(&app, nora, &[omar]).await;
        let own = app.realtime().subscribe(app.request_as(omar, wanted(&[], ""))).await.expect("a stream").into_inner();
        let mut own = Subscription { stream: own, cursor: String::new(), waiting: Vec::new() };
        let mut both = Subscription::of(&app, &[nora, omar], "").await;
        // The first response is the position.
        assert!(own.next().await.expect("a response").events.is_empty() && !own.cursor.is_empty());

        let msg_id = send(&app, to_users(nora, &[omar], "hello")).await[0];
        let (event, users) = own.event("message.sent").await;
        assert_eq!((event.msg_id, event.actor_id, users), (msg_id, nora, vec![omar]));
        let message = event.message.as_ref().expect("the message");
        assert!(matches!(&message.content.as_ref().and_then(|it| it.body.as_ref()),
            Some(content::Body::Text(text)) if text.text == "hello"));
        assert_eq!([&event.address, &event.platform, &event.trace], ["", "", ""]);
        // As over a socket, the sender's own devices get what the app sends in their name only where it says so.
        assert_eq!(both.event("message.sent").await.1, [omar]);
        let synced = pb::SendRequest {
            delivery: Some(pb::Delivery { sync_device: true, ..Default::default() }),
            ..to_users(nora, &[omar], "again")
        };
        let msg_id = send(&app, synced).await[0];
        let (event, users) = both.event("message.sent").await;
        assert_eq!((event.msg_id, users), (msg_id, vec![nora, omar]), "one event for both");

        let in_group = send(&app, message_to_group(nora, group, "to all")).await[0];
        assert_eq!(both.event("message.sent").await.0.msg_id, in_group);
        let online = pb::SendRequest { online_only: true, ..to_users(nora, &[omar], "typing") };
        app.messages().send(app.request(online)).await.expect("it is sent");
        both.event("message.online").await;
        let read = pb::MarkReadRequest { user_id: Some(omar), msg_id: in_group, ..Default::default() };
        app.conversations().mark_read(app.request(read)).await.expect("it is read");
        let (event, _) = both.event("conversation.read").await;
        assert_eq!((event.actor_id, event.msg_id), (omar, in_group));
        let reaction = pb::AddReactionRequest { user_id: Some(omar), msg_id: in_group, reaction: "+1".into() };
        app.messages().add_reaction(app.request(reaction)).await.expect("a reaction");
        let (event, _) = both.event("message.reacted").await;
        assert_eq!(event.reaction.expect("a reaction").reaction, "+1");
        let recall = pb::RecallRequest { msg_id: in_group, ..Default::default() };
        app.messages().recall(app.request(recall)).await.expect("it is recalled");
        assert_eq!(both.event("message.recalled").await.0.msg_id, in_group);
        let add = pb::AddMembersRequest { group_id: group, user_ids: vec![pia] };
        app.groups().add_members(app.request(add)).await.expect("a member");
        let (event, users) = both.event("group.joined").await;
        assert!(event.change.is_some());
        assert_eq!(users, [nora, omar]);
        // What concerns neither comes to neither.
        send(&app, to_users(pia, &[ruth], "to her")).await;
        let last = send(&app, to_users(pia, &[omar], "to him")).await[0];
        assert_eq!(both.event("message.sent").await.0.msg_id, last);
    }
}

pub fn message_to_group(from: i64, group: i64, text: &str) -> pb::SendRequest {
    message(from, vec![target::Target::GroupId(group)], text)
}

every_shape! {
    async fn who_continues_from_the_last_cursor_misses_nothing_and_gets_nothing_twice(app: TestApp) {
        let ids = people(&app, &["nora", "omar", "pia"]).await;
        let (nora, omar, pia) = (ids[0], ids[1], ids[2]);
        let group = team(&app, nora, &[omar, pia]).await;
        let mut cursor = {
            let mut first = Subscription::of(&app, &[omar, pia], "").await;
            first.next().await.expect("the position");
            first.cursor
        };
        let sender = app.clone();
        let sends = tokio::spawn(async move {
            let mut ids = Vec::new();
            for n in 0..120 {
                let request = match n % 3 {
                    0 => message_to_group(nora, group, "to all"),
                    1 => to_users(nora, &[omar], "to him"),
                    _ => to_users(nora, &[pia], "to her"),
                };
                ids.extend(send(&sender, request).await);
            }
            ids
        });
        let mut seen: HashSet<(i64, i64)> = HashSet::new();
        let mut last_seq: HashMap<(i64, i64, i64), i64> = HashMap::new();
        let mut rounds = 0;
        // Of 40 messages to the group each gets all, and of the others their own 40.
        while seen.len() < 160 {
            rounds += 1;
            assert!(rounds < 1_000, "{} of 160 came", seen.len());
            let mut subscription = Subscription::of(&app, &[omar, pia], &cursor).await;
            // Cut wherever that is; what came since the cursor last moved comes again.
            let (mut new, mut moves) = (Vec::new(), 0);
            while moves < 2 && seen.len() < 160 {
                let response = subscription.next().await.expect("a response");
                for it in response.events {
                    let event = it.event.expect("an event");
                    if event.kind == "message.sent" {
                        let message = event.message.expect("the message");
                        new.extend(it.user_ids.iter().map(|user| (*user, message.clone())));
                    }
                }
                if response.cursor == cursor {
                    continue;
                }
                (cursor, moves) = (response.cursor, moves + 1);
                for (user, message) in new.drain(..) {
                    assert!(seen.insert((user, message.msg_id)), "twice: {message:?}");
                    let conversation = message.conversation.expect("a conversation");
                    let last = last_seq.insert((user, conversation.id, conversation.higher_user_id), message.seq);
                    assert_eq!(message.seq, last.unwrap_or(0) + 1, "in order, without a gap");
                }
            }
        }
        let sent: BTreeSet<i64> = sends.await.expect("the sends").into_iter().collect();
        assert_eq!(seen.iter().map(|(_, msg_id)| *msg_id).collect::<BTreeSet<_>>(), sent);
    }
}

every_shape! {
    async fn who_joins_a_group_meanwhile_gets_what_is_said_there(app: TestApp) {
        let ids = people(&app, &["nora", "omar"]).await;
        let (nora, omar) = (ids[0], ids[1]);
        let group = team(&app, nora, &[]).await;
        send(&app, message_to_group(nora, group, "before")).await;
        let mut subscription = Subscription::of(&app, &[omar], "").await;
        subscription.next().await.expect("the position");
        let add = pb::AddMembersRequest { group_id: group, user_ids: vec![omar] };
        app.groups().add_members(app.request(add)).await.expect("a member");
        let first = send(&app, message_to_group(nora, group, "welcome")).await[0];
        let second = send(&app, message_to_group(nora, group, "to you")).await[0];
        assert_eq!(subscription.event("message.sent").await.0.msg_id, first);
        assert_eq!(subscription.event("message.sent").await.0.msg_id, second);
    }
}

every_shape! {
    async fn who_enters_a_group_and_leaves_it_at_once_stays_subscribed(app: TestApp) {
        let ids = people(&app, &["nora", "omar"]).await;
        let (nora, omar) = (ids[0], ids[1]);
        let group = team(&app, nora, &[]).await;
        let mut subscription = Subscription::of(&app, &[omar], "").await;
        subscription.next().await.expect("the position");
        for _ in 0..10 {
            let add = pb::AddMembersRequest { group_id: group, user_ids: vec![omar] };
            app.groups().add_members(app.request(add)).await.expect("a member");
            let remove = pb::RemoveMembersRequest { group_id: group, user_ids: vec![omar] };
            app.groups().remove_members(app.request(remove)).await.expect("no member");
        }
        for _ in 0..10 {
            subscription.event("group.left").await;
        }
        let last = send(&app, to_users(nora, &[omar], "to him")).await[0];
        assert_eq!(subscription.event("message.sent").await.0.msg_id, last);
    }
}

every_shape! {
    async fn more_than_is_sent_after_a_cursor_is_named_instead(app: TestApp) {
        let ids = people(&app, &["nora", "omar"]).await;
        let (nora, omar) = (ids[0], ids[1]);
        let cursor = {
            let mut first = Subscription::of(&app, &[omar], "").await;
            first.next().await.expect("the position");
            first.cursor
        };
        for _ in 0..210 {
            send(&app, to_users(nora, &[omar], "x")).await;
        }
        let mut subscription = Subscription::of(&app, &[omar], &cursor).await;
        let mut missed = Vec::new();
        while subscription.cursor == cursor {
            missed.extend(subscription.next().await.expect("a response").missed);
        }
        assert_eq!(missed.len(), 1);
        let conversation = missed[0].conversation.expect("a conversation");
        assert_eq!((missed[0].user_id, conversation.id, conversation.higher_user_id), (omar, nora.min(omar), nora.max(omar)));
    }
}

every_shape! {
    async fn who_reads_too_slowly_is_told_so_and_loses_nothing(app: TestApp) {
        let names: Vec<String> = (0..101).map(|n| format!("user{n}")).collect();
        let ids = register(&app, &names).await;
        let (sender, receivers) = (ids[100], &ids[..100]);
        let mut slow = Subscription::of(&app, receivers, "").await;
        slow.next().await.expect("the position");
        let mut other = Subscription::of(&app, &receivers[..1], "").await;
        let text = "x".repeat(4_000);
        // More than 2,000 events beside what fits into the windows of a connection, which are a few megabytes.
        for _ in 0..40 {
            send(&app, to_users(sender, receivers, &text)).await;
        }
        for _ in 0..40 {
            other.event("message.sent").await;
        }
        let mut seen = HashSet::new();
        let end = loop {
            match slow.next().await {
                Ok(response) => seen.extend(msg_ids(&response)),
                Err(status) => break status,
            }
        };
        assert_eq!((end.code(), reason(&end).as_str()), (Code::Unavailable, "OVERLOADED"), "{end:?}");
        assert!(seen.len() < 4_000, "it was not slow");
        let mut again = Subscription::of(&app, receivers, &slow.cursor).await;
        while seen.len() < 4_000 {
            let response = again.next().await.expect("a response");
            assert!(response.missed.is_empty());
            for msg_id in msg_ids(&response) {
                assert!(seen.insert(msg_id), "twice: {msg_id}");
            }
        }
    }
}

fn msg_ids(response: &pb::SubscribeResponse) -> Vec<i64> {
    response.events.iter().filter_map(|it| it.event.as_ref()).map(|event| event.msg_id).collect()
}

every_shape! {
    async fn what_is_not_allowed_is_refused_by_name_and_ends_when_it_is_no_longer(app: TestApp) {
        let ids = people(&app, &["nora", "omar", "pia", "ruth"]).await;
        let (nora, omar, pia, ruth) = (ids[0], ids[1], ids[2], ids[3]);
        let delete = pb::DeleteUserRequest { user: named(ruth) };
        app.directory().delete_user(app.request(delete)).await.expect("she is gone");
        let disable = |id| pb::UpdateUserRequest { user: named(id), enabled: Some(false), ..Default::default() };
        app.directory().update_user(app.request(disable(pia))).await.expect("she is disabled");
        let refused = async |request| {
            let reply = app.realtime().subscribe(request).await;
            let status = match reply {
                Ok(mut stream) => stream.get_mut().message().await.expect_err("a refusal"),
                Err(status) => status,
            };
            (status.code(), reason(&status))
        };
        let many: Vec<i64> = (1..=101).collect();
        for (users, cursor, code, why) in [
            (&[][..], "", Code::InvalidArgument, "INVALID_ARGUMENT"),
            (&many, "", Code::InvalidArgument, "INVALID_ARGUMENT"),
            (&[0], "", Code::InvalidArgument, "INVALID_ARGUMENT"),
            (&[nora], "yesterday", Code::InvalidArgument, "INVALID_ARGUMENT"),
            (&[nora, ruth], "", Code::NotFound, "USER_NOT_FOUND"),
            (&[nora, 999_999_999_999], "", Code::NotFound, "USER_NOT_FOUND"),
            (&[nora, pia], "", Code::PermissionDenied, "USER_DISABLED"),
        ] {
            assert_eq!(refused(app.request(wanted(users, cursor))).await, (code, why.to_owned()), "{users:?} {cursor}");
        }
        let other = refused(app.request_as(nora, wanted(&[omar], ""))).await;
        assert_eq!(other, (Code::PermissionDenied, "NOT_PERMITTED".to_owned()));
        let disabled = refused(app.request_as(pia, wanted(&[], ""))).await;
        assert_eq!(disabled, (Code::PermissionDenied, "USER_DISABLED".to_owned()));

        let mut both = Subscription::of(&app, &[nora, omar], "").await;
        app.directory().update_user(app.request(disable(omar))).await.expect("he is disabled");
        assert_eq!(reason(&both.end().await), "USER_DISABLED");
        let mut one = Subscription::of(&app, &[nora], "").await;
        let delete = pb::DeleteUserRequest { user: named(nora) };
        app.directory().delete_user(app.request(delete)).await.expect("she is gone");
        assert_eq!(reason(&one.end().await), "USER_NOT_FOUND");
    }
}
