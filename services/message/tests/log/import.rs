//! Imports: at their own time, counted where they lie, once under a key.

use tidings_domain::{Clock as _, MsgId, Reason, UnixMillis};
use tidings_proto::pb;
use tonic::Response;

use crate::world::{
    ANN, BOB, TO_GROUP, TO_ROOM, World, both_engines, by, by_app, direct, group, refusal, text_of, user,
};

fn from_ann(to: pb::target::Target, sent_at_ms: i64) -> pb::ImportRequest {
    pb::ImportRequest {
        sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) }),
        target: Some(pb::Target { target: Some(to) }),
        content: Some(text_of("old")),
        sent_at_ms,
        ..Default::default()
    }
}

async fn import(world: &World, wanted: pb::ImportRequest) -> Result<pb::Sent, tonic::Status> {
    world.log.clone().import(by_app(wanted)).await.map(Response::into_inner).map(|reply| reply.sent.unwrap())
}

const DAY: i64 = 24 * 3_600_000;

both_engines! {
    async fn an_import_stands_at_its_own_time_agora_7(world: World) {
        let now = world.clock.now().0;
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let live = world.say(ANN, to.clone(), "live").await;
            let newer = import(&world, from_ann(to.clone(), now - DAY)).await.unwrap();
            let older = import(&world, from_ann(to, now - 2 * DAY)).await.unwrap();
            assert_eq!(world.page(None, place).await.unwrap(), [live, newer.msg_id, older.msg_id]);
            assert_eq!((newer.seq, older.seq), (2, 3));
            let found = world.find(None, older.msg_id).await.unwrap();
            assert_eq!((found.sent_at_ms, found.imported), (now - 2 * DAY, true));
            assert_eq!(MsgId(older.msg_id).moment(), UnixMillis(now - 2 * DAY));
        }
        world.assert_lanes_gap_free().await;
    }

    async fn imports_in_order_go_on_where_the_conversation_stands(world: World) {
        let now = world.clock.now().0;
        let first = import(&world, from_ann(user(BOB), now - DAY)).await.unwrap().msg_id;
        let second = import(&world, from_ann(user(BOB), now - DAY + 1)).await.unwrap().msg_id;
        let live = world.say(BOB, user(ANN), "live").await;
        let at_once = import(&world, from_ann(user(BOB), 0)).await.unwrap().msg_id;
        assert_eq!(world.page(None, direct(ANN, BOB)).await.unwrap(), [at_once, live, second, first]);
        assert_eq!(world.unread(BOB, vec![]).await, [(direct(ANN, BOB), at_once, 0)]);
    }

    async fn an_unread_import_counts_above_the_mark_alone_decision_17(world: World) {
        let now = world.clock.now().0;
        let unread = |to, at| pb::ImportRequest { countable: true, ..from_ann(to, at) };
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let live = world.say(ANN, to.clone(), "live").await;
            let late = import(&world, unread(to.clone(), now - DAY)).await.unwrap().msg_id;
            import(&world, from_ann(to, now - DAY / 2)).await.unwrap();
            let at = |read| vec![pb::Mark { conversation: Some(place), read_msg_id: read, unlisted_msg_id: 0 }];
            // Members see nothing from before their joining in a group.
            let counted = if place == group() { 1 } else { 2 };
            assert_eq!(world.unread(BOB, at(0)).await.iter().find(|it| it.0 == place).unwrap().2, counted);
            assert_eq!(world.unread(BOB, at(late)).await.iter().find(|it| it.0 == place).unwrap().2, 1);
            assert_eq!(world.unread(BOB, at(live)).await.iter().find(|it| it.0 == place).unwrap().2, 0);
            assert_eq!(world.unread(ANN, at(0)).await.iter().find(|it| it.0 == place).unwrap().2, 0);
        }
    }

    async fn many_imports_of_one_moment_each_have_an_id(world: World) {
        let at = world.clock.now().0 - DAY;
        let wanted = (0..300).map(|_| import(&world, from_ann(user(BOB), at)));
        let mut ids: Vec<i64> =
            futures_util::future::join_all(wanted).await.into_iter().map(|sent| sent.unwrap().msg_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 300);
        assert_eq!(MsgId(ids[299]).moment(), UnixMillis(at + 2));
        assert_eq!(world.page(None, direct(ANN, BOB)).await.unwrap().len(), 300);
    }

    async fn an_import_under_a_key_has_one_effect_decision_2(world: World) {
        let wanted = || pb::ImportRequest { idempotency_key: "k".into(), ..from_ann(user(BOB), 1_700_000_000_000) };
        let (first, second) = (import(&world, wanted()).await.unwrap(), import(&world, wanted()).await.unwrap());
        assert_eq!(first, second);
        let other = pb::ImportRequest { sent_at_ms: 1_700_000_000_001, ..wanted() };
        assert_eq!(refusal(import(&world, other).await), Reason::KeyConflict);
        assert_eq!(world.count("message").await, 1);
    }

    async fn what_cannot_be_is_refused_and_leaves_nothing_decision_6(world: World) {
        let now = world.clock.now().0;
        for wrong in [from_ann(user(BOB), now + 1), from_ann(user(BOB), 1_262_304_000_000), from_ann(TO_ROOM, now - 1)] {
            assert_eq!(refusal(import(&world, wrong).await), Reason::InvalidArgument);
        }
        let by_user = world.log.clone().import(by(ANN, from_ann(user(BOB), now - 1))).await;
        assert_eq!(refusal(by_user), Reason::NotPermitted);
        assert_eq!(refusal(import(&world, from_ann(user(999), now - 1)).await), Reason::UserNotFound);
        assert_eq!(world.count("conversation_head").await, 0);
    }
}
