//! Messages only for those who are online: events without a row.

use tidings_domain::Reason;
use tidings_proto::pb;

use crate::world::{ANN, BOB, EVE, TO_GROUP, both_engines, by, by_app, direct, group, refusal, user, words};

fn online(request: pb::SendRequest) -> pb::SendRequest {
    pb::SendRequest { online_only: true, ..request }
}

both_engines! {
    async fn what_is_sent_online_only_leaves_events_and_nothing_else(world: World) {
        let reply = world.send(by(ANN, online(words(&[user(BOB), TO_GROUP], "typing")))).await;
        assert_eq!(reply.sent.iter().map(|it| it.seq).collect::<Vec<_>>(), [0, 0]);
        let mut ids: Vec<i64> = reply.sent.iter().map(|it| it.msg_id).collect();
        assert!(ids[0] > 0 && ids[0] != ids[1]);
        for table in ["message", "conversation_head", "participant", "recalled"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
        let mut of_events: Vec<i64> = world.events().await.into_iter().map(|(_, msg_id)| msg_id).collect();
        ids.sort_unstable();
        of_events.sort_unstable();
        assert_eq!(of_events, ids);
        assert_eq!(world.unread(BOB, vec![]).await, []);
        assert!(world.page(None, group()).await.unwrap().is_empty());
        assert_eq!(refusal(world.find(None, ids[0]).await), Reason::MessageNotFound);
        let recall = pb::RecallRequest { msg_id: ids[0], ..Default::default() };
        assert_eq!(refusal(world.log.clone().recall(by_app(recall)).await), Reason::MessageNotFound);
        world.assert_lanes_gap_free().await;
    }

    async fn its_event_carries_the_content_and_the_sender(world: World) {
        world.send(by(ANN, pb::SendRequest { system: true, ..online(words(&[user(BOB)], "typing")) })).await;
        assert_eq!(world.event_body().await, ("{\"system\":true,\"body\":{\"text\":\"typing\"}}".to_owned(), ANN));
        assert_eq!(world.count("event where address = '203.0.113.7' and platform = 'RESTAPI'").await, 1);
    }

    async fn it_goes_where_a_kept_message_could_go(world: World) {
        let reply = world.log.clone().send(by(EVE, online(words(&[TO_GROUP], "typing")))).await;
        assert_eq!(refusal(reply), Reason::NotGroupMember);
        // Only the refusal is reported.
        assert_eq!((world.count("event").await, world.count("event where kind = 'refused'").await), (1, 1));
    }

    async fn a_repetition_under_a_key_has_one_effect_and_one_answer(world: World) {
        let keyed = || pb::SendRequest { idempotency_key: "k".into(), ..online(words(&[user(BOB)], "typing")) };
        let first = world.send(by(ANN, keyed())).await;
        assert_eq!(world.send(by(ANN, keyed())).await, first);
        let kept = pb::SendRequest { online_only: false, ..keyed() };
        assert_eq!(refusal(world.log.clone().send(by(ANN, kept)).await), Reason::KeyConflict);
        assert_eq!(world.count("event").await, 1);
    }

    async fn a_kept_message_beside_it_still_gets_seq_1(world: World) {
        world.send(by(ANN, online(words(&[user(BOB)], "typing")))).await;
        let sent = world.send(by(ANN, words(&[user(BOB)], "one"))).await.sent.remove(0);
        assert_eq!(sent.seq, 1);
        assert_eq!(world.unread(BOB, vec![]).await, [(direct(ANN, BOB), sent.msg_id, 1)]);
        world.assert_lanes_gap_free().await;
    }
}
