//! Broadcasts: everybody once, in parts, continued where they stopped.

use tidings_domain::Reason;
use tidings_proto::pb;
use tonic::Response;

use crate::world::{ANN, World, both_engines, by, by_app, direct, refusal, text_of};

fn request_for(key: &str, text: &str) -> pb::BroadcastRequest {
    pb::BroadcastRequest { content: Some(text_of(text)), idempotency_key: key.into(), ..Default::default() }
}

async fn broadcast(world: &World, request: pb::BroadcastRequest) -> Result<i64, tonic::Status> {
    world.log.clone().broadcast(by_app(request)).await.map(Response::into_inner).map(|reply| reply.sent)
}

/// Messages of the conversation with the most and of the one with the fewest.
async fn spread(world: &World) -> (i64, i64) {
    let most = world.count("conversation_head where seq > 1").await;
    (most, world.count("conversation_head where seq = 1").await)
}

const MANY: i64 = 1_200;

fn populate(world: &World) {
    world.change(|state| state.users = (1..=MANY).map(|n| n << 4).collect());
}

both_engines! {
    async fn everybody_who_is_registered_gets_one_message(world: World) {
        populate(&world);
        assert_eq!(broadcast(&world, request_for("", "one")).await.unwrap(), MANY);
        assert_eq!(spread(&world).await, (0, MANY));
        assert_eq!(world.page(Some(ANN), direct(0, ANN)).await.unwrap().len(), 1);
        assert_eq!(broadcast(&world, request_for("", "one")).await.unwrap(), MANY);
        assert_eq!(spread(&world).await, (MANY, 0));
    }

    async fn a_repetition_under_a_key_sends_nothing_twice_whoever_left_meanwhile(world: World) {
        populate(&world);
        assert_eq!(broadcast(&world, request_for("k", "one")).await.unwrap(), MANY);
        world.change(|state| state.users.retain(|id| *id != 16 && *id != 600 << 4));
        assert_eq!(broadcast(&world, request_for("k", "one")).await.unwrap(), MANY);
        assert_eq!(spread(&world).await, (0, MANY));
        assert_eq!(refusal(broadcast(&world, request_for("k", "two")).await), Reason::KeyConflict);
    }

    async fn a_repetition_of_one_that_has_ended_sends_nothing_to_those_who_came_later(world: World) {
        populate(&world);
        assert_eq!(broadcast(&world, request_for("k", "one")).await.unwrap(), MANY);
        world.change(|state| state.users.extend([(MANY + 1) << 4, (MANY + 2) << 4]));
        assert_eq!(broadcast(&world, request_for("k", "one")).await.unwrap(), MANY);
        assert_eq!(world.count("message").await, MANY);
        assert_eq!(refusal(broadcast(&world, request_for("k", "two")).await), Reason::KeyConflict);
        assert_eq!(broadcast(&world, request_for("l", "one")).await.unwrap(), MANY + 2);
    }

    async fn a_repetition_goes_on_where_the_first_call_stopped(world: World) {
        populate(&world);
        // A user who is listed and cannot be found stops the second part.
        world.change(|state| state.vanished = Some(700 << 4));
        assert_eq!(refusal(broadcast(&world, request_for("k", "one")).await), Reason::UserNotFound);
        assert_eq!(spread(&world).await, (0, 500));
        world.change(|state| state.vanished = None);
        assert_eq!(broadcast(&world, request_for("k", "one")).await.unwrap(), MANY);
        assert_eq!(spread(&world).await, (0, MANY));
    }

    async fn parts_keep_to_the_apps_limit_on_recipients(world: World) {
        world.change(|state| state.policy.max_recipients = 2);
        assert_eq!(broadcast(&world, request_for("", "one")).await.unwrap(), 3);
        assert_eq!(spread(&world).await, (0, 3));
    }

    async fn only_the_app_broadcasts(world: World) {
        let reply = world.log.clone().broadcast(by(ANN, request_for("", "one"))).await;
        assert_eq!(refusal(reply), Reason::NotPermitted);
        assert_eq!(world.count("message").await, 0);
    }
}
