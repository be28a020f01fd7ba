//! Broadcasts in the background (agora.md 2.7).

use tidings_domain::Reason;
use tidings_proto::pb;
use tidings_store::{on_db, sqlx};
use tidings_testkit::wait_until;
use tonic::Response;

use crate::world::{ANN, BOB, EVE, TO_ROOM, World, both_engines, by, by_app, direct, refusal, room, text_of};

fn request_for(scope: pb::BroadcastScope, key: &str) -> pb::StartBroadcastRequest {
    let content = Some(text_of("all of you"));
    pb::StartBroadcastRequest { scope: scope.into(), content, idempotency_key: key.into(), ..Default::default() }
}

async fn start(world: &World, request: pb::StartBroadcastRequest) -> Result<i64, tonic::Status> {
    world.log.clone().start_broadcast(by_app(request)).await.map(Response::into_inner).map(|reply| reply.broadcast_id)
}

async fn all_done(world: &World) {
    wait_until("every broadcast to be carried out", async || world.count("broadcast where done_at is null").await == 0)
        .await;
}

both_engines! {
    async fn every_registered_user_gets_one_message(world: World) {
        assert!(start(&world, request_for(pb::BroadcastScope::Users, "")).await.unwrap() > 0);
        all_done(&world).await;
        for user in [ANN, BOB, EVE] {
            assert_eq!(world.page(Some(user), direct(0, user)).await.unwrap().len(), 1);
        }
        assert_eq!(world.unread(ANN, vec![]).await[0].2, 1);
    }

    async fn a_repetition_under_a_key_gets_the_first_answer_and_sends_nothing(world: World) {
        let first = start(&world, request_for(pb::BroadcastScope::Users, "k")).await.unwrap();
        assert_eq!(start(&world, request_for(pb::BroadcastScope::Users, "k")).await.unwrap(), first);
        assert_eq!(refusal(start(&world, request_for(pb::BroadcastScope::Rooms, "k")).await), Reason::KeyConflict);
        all_done(&world).await;
        assert_eq!(world.count("broadcast").await, 1);
        assert_eq!(world.count("message").await, 3);
    }

    async fn rooms_in_which_something_was_said_get_one_message(world: World) {
        start(&world, request_for(pb::BroadcastScope::Rooms, "")).await.unwrap();
        all_done(&world).await;
        assert_eq!(world.count("message").await, 0);
        let said = world.say(ANN, TO_ROOM, "first").await;
        start(&world, request_for(pb::BroadcastScope::Rooms, "")).await.unwrap();
        all_done(&world).await;
        assert_eq!(world.page(None, room()).await.unwrap().len(), 2);
        assert_eq!(world.page(None, room()).await.unwrap()[1], said);
    }

    async fn one_that_a_process_held_which_took_it_to_be_years_later_is_carried_out(world: World) {
        // Completed parts are not repeated.
        const HELD: &str = "update broadcast set done_at = null, leased_until = 4000000000000";
        start(&world, request_for(pb::BroadcastScope::Users, "")).await.unwrap();
        all_done(&world).await;
        world.execute(HELD).await;
        all_done(&world).await;
        assert_eq!(world.count("message").await, 3);
    }

    async fn one_whose_sender_is_gone_ends_as_failed_with_its_reason(world: World) {
        const GONE: &str = "
            insert into broadcast (app_id, broadcast_id, scope, sender_id, body, delivery, made_at, leased_until)
            values (1, 1, 'users', 1600, '{\"system\":false,\"body\":{\"text\":\"m\"}}', null, 0, 0)";
        const BECAUSE: &str = "select coalesce(failed_because, '') from broadcast where broadcast_id = 1";
        world.execute(GONE).await;
        start(&world, request_for(pb::BroadcastScope::Users, "")).await.unwrap();
        all_done(&world).await;
        assert_eq!(world.count("message").await, 3);
        let (because,): (String,) = on_db!(&world.db, |c| sqlx::query_as(BECAUSE).fetch_one(c).await).unwrap();
        assert!(because.starts_with("its sender is gone"), "{because}");
        assert_eq!(world.count("broadcast where failed_because is not null").await, 1);
    }

    async fn whoever_is_online_is_told_by_one_event_and_nothing_is_kept(world: World) {
        let id = start(&world, request_for(pb::BroadcastScope::Online, "")).await.unwrap();
        assert_eq!(world.events().await, [("online_broadcast".to_owned(), id)]);
        assert_eq!((world.count("message").await, world.count("broadcast").await), (0, 0));
        world.assert_lanes_gap_free().await;
    }

    async fn only_the_app_itself_broadcasts(world: World) {
        let by_user = world.log.clone().start_broadcast(by(ANN, request_for(pb::BroadcastScope::Users, ""))).await;
        assert_eq!(refusal(by_user), Reason::NotPermitted);
        assert_eq!(refusal(start(&world, request_for(pb::BroadcastScope::Unspecified, "")).await), Reason::InvalidArgument);
    }
}
