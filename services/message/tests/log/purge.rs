//! Retention: old messages are removed, counts stay correct, and a recall of a removed one reaches the devices.

use std::time::Duration;

use tidings_domain::{Policy, Reason};
use tidings_proto::{internal, pb};
use tonic::Response;

use crate::world::{ANN, BOB, TO_GROUP, World, both_engines, by, by_app, direct, group, refusal, user};

const WEEK: Duration = Duration::from_hours(7 * 24);

async fn purge(world: &World) -> i64 {
    world.log.clone().purge(by_app(pb::PurgeRequest {})).await.unwrap().into_inner().removed
}

async fn recall(world: &World, request: pb::RecallRequest) -> Result<pb::RecallResponse, tonic::Status> {
    world.log.clone().recall(by_app(request)).await.map(Response::into_inner)
}

fn keep_a_week(world: &World) {
    world.change(|state| state.policy = Policy { message_retention: WEEK, ..Policy::default() });
}

/// Ids of the messages after a cursor, and the cursor after them.
async fn feed(world: &World, after: &str) -> Result<(Vec<i64>, String), tonic::Status> {
    let request = pb::EventsRequest { after: after.to_owned(), ..Default::default() };
    let mut feed = world.log.clone().events(by_app(request)).await?.into_inner();
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    while let Some(reply) = feed.message().await? {
        ids.extend(reply.events.iter().map(|event| event.msg_id));
        cursor = reply.cursor;
    }
    Ok((ids, cursor))
}

both_engines! {
    async fn a_cursor_behind_which_events_are_gone_is_refused_with_the_one_to_go_on_at(world: World) {
        keep_a_week(&world);
        let (_, begin) = feed(&world, "now").await.unwrap();
        let old = world.say(ANN, user(BOB), "old").await;
        let (ids, behind) = feed(&world, &begin).await.unwrap();
        assert_eq!(ids, [old]);
        world.clock.advance(WEEK + Duration::from_secs(1));
        let new = world.say(ANN, user(BOB), "new").await;
        assert_eq!(purge(&world).await, 1);
        let refused = tidings_proto::error_from_status(feed(&world, &begin).await.unwrap_err());
        assert_eq!(refused.reason(), Reason::EventsExpired);
        assert_eq!(feed(&world, refused.subject()).await.unwrap().0, [new]);
        // A follower that has seen what is gone misses nothing, and the beginning is at the first remaining event.
        assert_eq!(feed(&world, &behind).await.unwrap().0, [new]);
        assert_eq!(feed(&world, "").await.unwrap().0, [new]);
    }

    async fn events_beside_the_log_go_when_their_own_time_is_over(world: World) {
        world.change(|state| state.policy = Policy { event_retention: WEEK, ..Policy::default() });
        let (_, begin) = feed(&world, "now").await.unwrap();
        let msg_id = world.say(ANN, user(BOB), "kept").await;
        let edit = pb::EditRequest {
            msg_id,
            change: Some(pb::edit_request::Change::Append("!".into())),
            ..Default::default()
        };
        world.log.clone().edit(by(ANN, edit)).await.unwrap();
        assert_eq!(feed(&world, &begin).await.unwrap().0, [msg_id, msg_id]);
        world.clock.advance(WEEK + Duration::from_secs(1));
        assert_eq!(purge(&world).await, 0);
        assert_eq!(world.count("event").await, 0);
        let refused = tidings_proto::error_from_status(feed(&world, &begin).await.unwrap_err());
        assert_eq!(refused.reason(), Reason::EventsExpired);
        // The message is there for followers that continue at what is left, that want only messages, and that start
        // anew.
        assert_eq!(feed(&world, refused.subject()).await.unwrap().0, [msg_id]);
        assert_eq!(feed(&world, "").await.unwrap().0, [msg_id]);
        let request = pb::EventsRequest { after: begin, kinds: vec!["message.sent".into()], ..Default::default() };
        let mut sent = world.log.clone().events(by_app(request)).await.unwrap().into_inner();
        sent.message().await.unwrap();
        assert_eq!(sent.message().await.unwrap().unwrap().events[0].msg_id, msg_id);
    }

    async fn what_is_past_retention_goes_and_counts_as_read(world: World) {
        keep_a_week(&world);
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let old = world.say(ANN, to.clone(), "old").await;
            let recalled = world.say(ANN, to.clone(), "old too").await;
            recall(&world, pb::RecallRequest { msg_id: recalled, ..Default::default() }).await.unwrap();
            world.clock.advance(WEEK);
            let new = world.say(ANN, to, "new").await;
            assert_eq!(world.unread(BOB, vec![]).await.iter().find(|it| it.0 == place).unwrap().2, 2);
            world.clock.advance(Duration::from_secs(1));
            // In the second round the first round's newest is past retention too.
            assert_eq!(purge(&world).await, if place == group() { 3 } else { 2 });
            assert_eq!(world.page(Some(BOB), place).await.unwrap(), [new]);
            assert_eq!(refusal(world.find(None, old).await), Reason::MessageNotFound);
            let counted = |marks| async { world.unread(BOB, marks).await.iter().find(|it| it.0 == place).unwrap().2 };
            assert_eq!(counted(vec![]).await, 1);
            let read = internal::Mark { conversation: Some(place), read_msg_id: old, unlisted_msg_id: 0 };
            assert_eq!(counted(vec![read]).await, 1);
        }
        assert_eq!(world.count("recalled").await, 0);
    }

    async fn nothing_goes_where_messages_are_kept_for_ever(world: World) {
        world.say(ANN, user(BOB), "old").await;
        world.clock.advance(WEEK * 1000);
        assert_eq!(purge(&world).await, 0);
        let by_user = world.log.clone().purge(by(ANN, pb::PurgeRequest {})).await;
        assert_eq!(refusal(by_user), Reason::NotPermitted);
    }

    async fn many_old_messages_go_in_several_steps(world: World) {
        keep_a_week(&world);
        let said = (0..1_100).map(|_| world.say(ANN, user(BOB), "old"));
        futures_util::future::join_all(said).await;
        world.clock.advance(WEEK + Duration::from_secs(1));
        assert_eq!(purge(&world).await, 1_100);
        assert_eq!(world.count("message").await, 0);
        let new = world.say(ANN, user(BOB), "new").await;
        assert_eq!(world.unread(BOB, vec![]).await, [(direct(ANN, BOB), new, 1)]);
    }

    async fn force_recalls_what_is_past_storage_from_the_devices_alone_decision_16(world: World) {
        keep_a_week(&world);
        let old = world.say(ANN, user(BOB), "old").await;
        world.clock.advance(WEEK + Duration::from_secs(1));
        purge(&world).await;
        let plain = pb::RecallRequest { msg_id: old, ..Default::default() };
        assert_eq!(refusal(recall(&world, plain.clone()).await), Reason::MessageNotFound);
        let forced = pb::RecallRequest { past_storage: true, ..plain };
        assert_eq!(refusal(recall(&world, forced.clone()).await), Reason::NotSentThere);
        let actor = Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) });
        let forced = pb::RecallRequest { to: Some(pb::Target { target: Some(user(BOB)) }), actor, ..forced };
        let reply = recall(&world, forced).await.unwrap();
        assert_eq!((reply.recalled, reply.conversation, reply.receiver_id), (true, Some(direct(ANN, BOB)), BOB));
        assert_eq!(world.events().await, [("recalled".to_owned(), old)]);
        // Messages that never existed, or are not that old, were never past retention.
        let never = pb::RecallRequest { msg_id: i64::MAX >> 11, past_storage: true, ..Default::default() };
        assert_eq!(refusal(recall(&world, never).await), Reason::MessageNotFound);
    }
}
