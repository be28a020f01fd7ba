//! Changes that the directory recorded, as events.

use tidings_domain::{Change, GroupChanged, GroupKind, UserId};
use tidings_proto::{internal, moment_or_zero, pb};
use tidings_testkit::wait_until;

use crate::world::{ANN, BOB, GROUP, World, both_engines, by_app, user};

fn recorded(id: i64, change: &Change) -> internal::RecordedChange {
    internal::RecordedChange {
        change_id: id,
        app_id: tidings_domain::App::example().id.0,
        made_at_ms: 1_790_000_000_000 + id,
        actor_id: ANN,
        kind: change.name().to_owned(),
        address: "192.0.2.1".into(),
        platform: "RESTAPI".into(),
        trace: String::new(),
        detail: serde_json::to_string(change).unwrap(),
    }
}

fn announced(text: &str) -> Change {
    Change::Announced { group: GroupChanged::new(GROUP, GroupKind::Group), text: text.to_owned() }
}

fn record(world: &World, changes: impl IntoIterator<Item = internal::RecordedChange>) {
    world.fake.state().changes.extend(changes.into_iter().map(|change| (change.change_id, change)));
}

/// Text, actor and time of every announcement in the feed.
async fn told(world: &World) -> Vec<(String, i64, i64)> {
    let mut feed = world.log.clone().events(by_app(pb::EventsRequest::default())).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(reply) = feed.message().await.unwrap() {
        for event in reply.events {
            let Some(pb::change::Change::Announced(announced)) = event.change.and_then(|change| change.change) else {
                continue;
            };
            told.push((announced.text, event.actor_id, moment_or_zero(event.at).0));
        }
    }
    told
}

async fn texts(world: &World) -> Vec<String> {
    told(world).await.into_iter().map(|(text, ..)| text).collect()
}

both_engines! {
    async fn a_change_is_one_event_however_often_it_is_taken(world: World) {
        world.fake.state().keeps_changes = true;
        record(&world, [recorded(7, &announced("one")), recorded(8, &announced("two"))]);
        let expected = [("one".to_owned(), ANN, 1_790_000_000_007), ("two".to_owned(), ANN, 1_790_000_000_008)];
        assert_eq!(told(&world).await, expected);
        let before = world.fake.state().taken;
        wait_until("both to be taken again", async || world.fake.state().taken > before + 3).await;
        assert_eq!(told(&world).await, expected);
        record(&world, [recorded(9, &announced("three"))]);
        assert_eq!(texts(&world).await, ["one", "two", "three"]);
        world.fake.state().keeps_changes = false;
        wait_until("all to be removed", async || world.fake.state().changes.is_empty()).await;
        assert_eq!(texts(&world).await, ["one", "two", "three"]);
        // Restored from a backup, it counts from an earlier number again.
        let again = internal::RecordedChange { made_at_ms: 1_800_000_000_000, ..recorded(8, &announced("four")) };
        record(&world, [again]);
        assert_eq!(texts(&world).await, ["one", "two", "three", "four"]);
    }

    async fn a_change_of_a_kind_of_tomorrow_waits_and_so_does_what_comes_after_it(world: World) {
        let unknown = internal::RecordedChange { kind: "group.dreamt".into(), ..recorded(2, &announced("two")) };
        record(&world, [recorded(1, &announced("one")), unknown, recorded(3, &announced("three"))]);
        assert_eq!(texts(&world).await, ["one"]);
        assert_eq!(world.fake.state().changes.keys().copied().collect::<Vec<_>>(), [2, 3]);
        record(&world, [recorded(2, &announced("two"))]);
        assert_eq!(texts(&world).await, ["one", "two", "three"]);
    }

    async fn a_directory_of_yesterday_is_asked_again(world: World) {
        world.fake.state().is_old = true;
        record(&world, [recorded(1, &announced("one"))]);
        world.say(ANN, user(BOB), "m").await;
        assert_eq!(texts(&world).await, Vec::<String>::new());
        world.fake.state().is_old = false;
        wait_until("it to be taken", async || world.fake.state().changes.is_empty()).await;
        assert_eq!(texts(&world).await, ["one"]);
    }

    async fn changes_of_users_have_no_conversation(world: World) {
        let blocked = Change::UserBlocked { user: UserId(ANN), blocked: UserId(BOB), is_blocked: true };
        record(&world, [recorded(1, &blocked)]);
        let mut feed = world.log.clone().events(by_app(pb::EventsRequest::default())).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(reply) = feed.message().await.unwrap() {
            events.extend(reply.events);
        }
        let [event] = &events[..] else { panic!("one: {events:?}") };
        assert_eq!((event.kind.as_str(), event.conversation, event.msg_id), ("user.blocked", None, 0));
        let blocked = pb::change::UserBlocked { user_id: ANN, blocked_id: BOB, blocked: true };
        let change = pb::Change { change: Some(pb::change::Change::UserBlocked(blocked)), ..Default::default() };
        assert_eq!(event.change, Some(change));
    }
}
