//! What happened in a user's conversations: for a device that comes back.

use std::time::Duration;

use tidings_domain::{App, Change, Clock as _, GroupChanged, GroupKind, GroupRole, Joining, UserId};
use tidings_proto::{
    internal,
    pb::{self, edit_request},
};

use crate::world::{
    ANN, BOB, EVE, GROUP, TO_GROUP, World, both_engines, by, by_app, direct, group, refusal, text_of, user,
};

async fn edit(world: &World, msg_id: i64, text: &str) {
    let change = Some(edit_request::Change::Replace(text_of(text)));
    world.log.clone().edit(by_app(pb::EditRequest { msg_id, change, ..Default::default() })).await.unwrap();
}

async fn recall(world: &World, msg_id: i64) {
    world.log.clone().recall(by_app(pb::RecallRequest { msg_id, ..Default::default() })).await.unwrap();
}

/// Records a change of the group at this moment, as the directory does.
fn record(world: &World, id: i64, change: &Change) {
    let recorded = internal::RecordedChange {
        change_id: id,
        app_id: App::example().id.0,
        made_at_ms: world.clock.now().0,
        actor_id: ANN,
        kind: change.name().to_owned(),
        platform: "RESTAPI".into(),
        detail: serde_json::to_string(change).unwrap(),
        ..Default::default()
    };
    world.fake.state().changes.insert(id, recorded);
}

fn announced(text: &str) -> Change {
    Change::Announced { group: GroupChanged::new(GROUP, GroupKind::Group), text: text.to_owned() }
}

/// The cursor of the feed's end.
async fn now(world: &World) -> String {
    let mut feed = world.log.clone().events(by_app(pb::EventsRequest::default())).await.unwrap().into_inner();
    let mut cursor = "0:0".to_owned();
    while let Some(reply) = feed.message().await.unwrap() {
        cursor = reply.cursor;
    }
    cursor
}

/// Kind and message of each event, and what more happened.
#[derive(Debug, Default, PartialEq)]
struct Past {
    events: Vec<(String, i64)>,
    incomplete: Vec<pb::ConversationId>,
}

async fn read(world: &World, of: i64, request: internal::UserEventsRequest) -> Result<Past, tonic::Status> {
    let mut parts = world.log_internal.clone().user_events(by(of, request)).await?.into_inner();
    let mut past = Past::default();
    while let Some(part) = parts.message().await? {
        past.events.extend(part.events.into_iter().map(|event| (event.kind, event.msg_id)));
        past.incomplete.extend(part.incomplete);
    }
    past.events.sort();
    Ok(past)
}

async fn past(world: &World, of: i64, after: &str) -> Past {
    let upto = now(world).await;
    let request = internal::UserEventsRequest { after: after.to_owned(), upto, ..Default::default() };
    read(world, of, request).await.unwrap()
}

/// What a member of the group gets who entered it while connected.
async fn since_joined(world: &World, of: i64, floor_msg_id: i64) -> Result<Past, tonic::Status> {
    let upto = now(world).await;
    let conversation = Some(group());
    read(
        world,
        of,
        internal::UserEventsRequest { user_id: None, after: "0:0".into(), upto, conversation, floor_msg_id },
    )
    .await
}

fn named(kind: &str, msg_id: i64) -> (String, i64) {
    (kind.to_owned(), msg_id)
}

/// The user has, or has read, the conversation up to each of these messages.
async fn mark(
    world: &World,
    kind: &str,
    of: i64,
    conversation: pb::ConversationId,
    msg_ids: impl Iterator<Item = i64>,
) {
    let reports = msg_ids.map(|msg_id| internal::ReadReport {
        user_id: of,
        conversation: Some(conversation),
        msg_id,
        at_ms: world.clock.now().0,
        platform: "RESTAPI".into(),
        ..Default::default()
    });
    let reports: Vec<_> = reports.collect();
    let mut log = world.log_internal.clone();
    if kind == "read" {
        log.report_reads(by_app(internal::ReportReadsRequest { reads: reports })).await.unwrap();
    } else {
        log.report_delivered(by_app(internal::ReportDeliveredRequest { delivered: reports })).await.unwrap();
    }
}

both_engines! {
    async fn a_device_is_told_where_something_it_has_not_seen_is_no_longer_kept(world: World) {
        let day = Duration::from_hours(24);
        world.change(|state| state.policy.event_retention = 7 * day);
        let msg_id = world.say(ANN, user(BOB), "told").await;
        let seen = now(&world).await;
        edit(&world, msg_id, "told, edited").await;
        let of_edit = Past { events: vec![named("message.edited", msg_id)], incomplete: vec![] };
        assert_eq!(past(&world, BOB, &seen).await, of_edit);
        world.clock.advance(8 * day);
        world.log.clone().purge(by_app(pb::PurgeRequest {})).await.unwrap();
        let lost = Past { events: vec![], incomplete: vec![direct(ANN, BOB)] };
        assert_eq!(past(&world, BOB, &seen).await, lost);
        // Who starts at the beginning, or has seen it, misses nothing of it.
        assert_eq!(past(&world, BOB, "0:0").await.incomplete, []);
        assert_eq!(past(&world, BOB, &now(&world).await).await, Past::default());
    }

    async fn a_cursor_that_is_ahead_of_a_restored_database_misses_whatever_happened_since(world: World) {
        let before = world.say(ANN, user(BOB), "before the backup").await;
        let backup = now(&world).await;
        let (lane, number) = backup.split('.').find_map(|one| one.split_once(':').filter(|it| it.1 != "0")).unwrap();
        let ahead = format!("{lane}:{}", number.parse::<i64>().unwrap() + 100);
        let after = world.say(ANN, user(BOB), "after the restoration").await;
        assert!(after > before);
        assert_eq!(past(&world, BOB, &ahead).await, Past { events: vec![], incomplete: vec![direct(ANN, BOB)] });
    }

    async fn a_member_gets_nothing_of_what_was_said_and_changed_before_they_joined(world: World) {
        let old = world.say(ANN, TO_GROUP, "old").await;
        edit(&world, old, "old, edited").await;
        record(&world, 1, &announced("old news"));
        now(&world).await;
        world.clock.advance(Duration::from_secs(1));
        world.join(GROUP, EVE, GroupRole::Member);
        let new = world.say(ANN, TO_GROUP, "new").await;
        edit(&world, old, "old, edited again").await;
        edit(&world, new, "new, edited").await;
        record(&world, 2, &announced("news"));
        let of_new = [named("message.edited", new), named("message.sent", new)];
        let with_news = [&[named("group.announced", 0)], &of_new[..]].concat();
        assert_eq!(past(&world, EVE, "0:0").await.events, with_news);
        // Changes come with the feed to who is connected.
        assert_eq!(since_joined(&world, EVE, 0).await.unwrap(), Past { events: of_new.to_vec(), incomplete: vec![] });
        let all = past(&world, BOB, "0:0").await.events;
        assert_eq!(all.iter().filter(|(kind, _)| kind == "message.edited").count(), 3);
        // Where the history shows old messages, so do their edits.
        world.change(|state| state.groups.get_mut(&GROUP).unwrap().history_visible = true);
        assert!(past(&world, EVE, "0:0").await.events.contains(&named("message.edited", old)));
    }

    async fn who_left_again_is_refused(world: World) {
        world.say(ANN, TO_GROUP, "one").await;
        let refused = since_joined(&world, EVE, 0).await;
        assert_eq!(refusal(refused), tidings_domain::Reason::NotGroupMember);
    }

    async fn what_came_before_the_cursor_since_one_joined_is_read(world: World) {
        world.say(ANN, TO_GROUP, "old").await;
        world.join(GROUP, EVE, GroupRole::Member);
        world.fake.state().groups.get_mut(&GROUP).unwrap().members.get_mut(&EVE).unwrap().joined_at = world.clock.now();
        let joined = Change::MembersJoined {
            group: GroupChanged::new(GROUP, GroupKind::Group),
            users: vec![UserId(EVE)],
            how: Joining::Added,
        };
        let made_at = world.clock.now();
        let welcome = world.say(ANN, TO_GROUP, "welcome").await;
        let cursor = now(&world).await;
        assert!(past(&world, EVE, &cursor).await.events.is_empty());
        assert_eq!(world.clock.now(), made_at);
        record(&world, 1, &joined);
        assert_eq!(past(&world, EVE, &cursor).await.events, [named("group.joined", 0), named("message.sent", welcome)]);
        assert_eq!(past(&world, BOB, &cursor).await.events, [named("group.joined", 0)]);
    }

    async fn recalls_and_edits_are_not_hidden_by_marks(world: World) {
        let (gone, kept) = (world.say(ANN, user(BOB), "gone").await, world.say(ANN, user(BOB), "kept").await);
        let cursor = now(&world).await;
        mark(&world, "delivered", BOB, direct(ANN, BOB), kept + 1..=kept + 210).await;
        recall(&world, gone).await;
        edit(&world, kept, "edited").await;
        mark(&world, "delivered", BOB, direct(ANN, BOB), kept + 211..=kept + 420).await;
        let both = [named("message.edited", kept), named("message.recalled", gone)];
        let of_bob = past(&world, BOB, &cursor).await;
        assert_eq!(of_bob, Past { events: both.to_vec(), incomplete: vec![direct(ANN, BOB)] });
        // Of his marks she gets the newest.
        let of_ann = past(&world, ANN, &cursor).await.events;
        assert_eq!(of_ann, [&[named("conversation.delivered", kept + 420)], &both[..]].concat());
    }

    async fn of_each_reader_the_newest_mark_on_messages_of_each_sender_is_read(world: World) {
        world.join(GROUP, EVE, GroupRole::Member);
        let one = [world.say(ANN, TO_GROUP, "1").await, world.say(ANN, TO_GROUP, "2").await];
        let other = world.say(EVE, TO_GROUP, "3").await;
        let cursor = now(&world).await;
        mark(&world, "read", BOB, group(), [one[0], one[1], other].into_iter()).await;
        mark(&world, "read", EVE, group(), [one[0]].into_iter()).await;
        let read = |msg_id| named("conversation.read", msg_id);
        let expected = Past { events: vec![read(one[0]), read(one[1]), read(other)], incomplete: vec![] };
        assert_eq!(past(&world, ANN, &cursor).await, expected);
    }

    async fn an_edit_of_what_the_history_hides_is_not_read(world: World) {
        let (gone, hidden) = (world.say(ANN, TO_GROUP, "gone").await, world.say(ANN, TO_GROUP, "hidden").await);
        let cursor = now(&world).await;
        edit(&world, gone, "edited").await;
        edit(&world, hidden, "edited").await;
        recall(&world, gone).await;
        let excluded = pb::ExcludeRequest { user_id: None, conversation: Some(group()), msg_ids: vec![hidden] };
        world.log.clone().exclude(by(BOB, excluded)).await.unwrap();
        assert_eq!(past(&world, BOB, &cursor).await.events, [named("message.recalled", gone)]);
        let of_ann = [named("message.edited", hidden), named("message.recalled", gone)];
        assert_eq!(past(&world, ANN, &cursor).await.events, of_ann);
    }

    async fn more_notices_than_are_read_are_said_to_be_incomplete(world: World) {
        let sent = world.say(ANN, TO_GROUP, "one").await;
        let cursor = now(&world).await;
        for n in 1..=201 {
            record(&world, n, &announced("news"));
        }
        let read = past(&world, BOB, &cursor).await;
        assert_eq!((read.events.len(), read.incomplete), (200, vec![group()]));
        // They take no place of what is read when a member enters.
        edit(&world, sent, "edited").await;
        let joined = since_joined(&world, BOB, sent - 1).await.unwrap();
        assert_eq!(joined, Past { events: vec![named("message.edited", sent), named("message.sent", sent)], incomplete: vec![group()] });
    }
}
