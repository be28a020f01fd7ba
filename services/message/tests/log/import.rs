//! Imports: with their own time, counted where they belong, once per key.

use tidings_domain::{Clock as _, MsgId, Reason, UnixMillis};
use tidings_proto::{internal, moment_or_zero, pb, timestamp_unless_zero};
use tonic::Response;

use crate::world::{
    ANN, BOB, EVE, TO_GROUP, TO_ROOM, World, both_engines, by, by_app, direct, group, refusal, text_of, user,
};

fn from_ann(to: pb::target::Target, sent_at_ms: i64) -> pb::ImportRequest {
    pb::ImportRequest {
        sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) }),
        target: Some(pb::Target { target: Some(to) }),
        content: Some(text_of("old")),
        sent_at: timestamp_unless_zero(sent_at_ms),
        ..Default::default()
    }
}

async fn import(world: &World, request: pb::ImportRequest) -> Result<pb::Sent, tonic::Status> {
    world.log.clone().import(by_app(request)).await.map(Response::into_inner).map(|reply| reply.sent.unwrap())
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
            assert_eq!((moment_or_zero(found.sent_at).0, found.imported), (now - 2 * DAY, true));
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
            let at = |read| vec![internal::Mark { conversation: Some(place), read_msg_id: read, unlisted_msg_id: 0 }];
            // Group members see nothing from before they joined.
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
        let request = || pb::ImportRequest { idempotency_key: "k".into(), ..from_ann(user(BOB), 1_700_000_000_000) };
        let (first, second) = (import(&world, request()).await.unwrap(), import(&world, request()).await.unwrap());
        assert_eq!(first, second);
        let other = pb::ImportRequest { sent_at: timestamp_unless_zero(1_700_000_000_001), ..request() };
        assert_eq!(refusal(import(&world, other).await), Reason::KeyConflict);
        assert_eq!(world.count("message").await, 1);
    }

    async fn what_cannot_be_is_refused_and_leaves_nothing_decision_6(world: World) {
        let now = world.clock.now().0;
        for wrong in [from_ann(user(BOB), now + 60_001), from_ann(user(BOB), 1_262_303_999_999), from_ann(TO_ROOM, now - 1)] {
            assert_eq!(refusal(import(&world, wrong).await), Reason::InvalidArgument);
        }
        let by_user = world.log.clone().import(by(ANN, from_ann(user(BOB), now - 1))).await;
        assert_eq!(refusal(by_user), Reason::NotPermitted);
        assert_eq!(refusal(import(&world, from_ann(user(999), now - 1)).await), Reason::UserNotFound);
        assert_eq!(world.count("conversation_head").await, 0);
    }

    async fn more_imports_of_one_moment_than_fit_between_it_and_the_end_of_its_minute_stay_in_it_decision_21(world: World) {
        let minute = (world.clock.now().0 - DAY) / 60_000 * 60_000;
        let at = minute + 59_999;
        let mut ids = Vec::new();
        for _ in 0..50 {
            let wanted = (0..100).map(|_| import(&world, from_ann(user(BOB), at)));
            ids.extend(futures_util::future::join_all(wanted).await.into_iter().map(|sent| sent.unwrap()));
        }
        let mut seqs: Vec<i64> = ids.iter().map(|sent| sent.seq).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=5000).collect::<Vec<_>>());
        let mut moments: Vec<i64> = ids.iter().map(|sent| MsgId(sent.msg_id).moment().0).collect();
        moments.sort_unstable();
        moments.dedup();
        // 128 of each.
        assert_eq!(moments, (minute + 60_000 - 40..minute + 60_000).collect::<Vec<_>>());
        assert_eq!(world.count("message").await, 5000);
        assert_eq!(world.count("stray").await, 0);
        let last = world.find(None, ids[4999].msg_id).await.unwrap();
        assert_eq!(moment_or_zero(last.sent_at).0, at);
    }

    async fn a_conversation_that_is_ahead_goes_on_from_there_and_leaves_the_others_alone(world: World) {
        world.say(ANN, user(BOB), "a").await;
        world.say(ANN, TO_GROUP, "b").await;
        world.execute(SET_AHEAD).await;
        let mut ids = Vec::new();
        for to in [user(BOB), TO_GROUP, user(BOB), TO_GROUP] {
            ids.push(world.say(ANN, to, "on").await);
        }
        // Both at once, and many in one transaction.
        let sends = (0..300).map(|n| world.say(ANN, if n % 2 == 0 { user(BOB) } else { TO_GROUP }, "on"));
        ids.extend(futures_util::future::join_all(sends).await);
        assert!(ids.iter().all(|id| *id > AHEAD));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 304);
        assert!(MsgId(ids[303]).moment().0 < MsgId(AHEAD).moment().0 + 60_000);
        assert_eq!(world.count("stray").await, 304);
        // They increase with their numbers.
        assert_eq!(world.count("message a join message b on a.conv_a = b.conv_a and a.conv_b = b.conv_b
            and a.seq < b.seq and a.msg_id > b.msg_id").await, 0);
        let present = world.say(ANN, user(EVE), "present").await;
        assert_eq!(MsgId(present).moment(), world.clock.now());
        world.assert_lanes_gap_free().await;
    }
}

/// Ten years after the start of the tests.
const AHEAD: i64 = 3_453_157_376_000_000;
const SET_AHEAD: &str = "update conversation_head set last_msg_id = 3453157376000000";
