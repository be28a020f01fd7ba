//! Recalling: who may, how late, and that it happens once.

use std::time::Duration;

use futures_util::future::join_all;
use tidings_domain::{GroupRole, Reason};
use tidings_proto::{duration, pb};
use tonic::Response;

use crate::world::{
    ANN, BOB, EVE, GROUP, TO_GROUP, World, both_engines, by, call, direct, group, refusal, user, words,
};

async fn recall(
    world: &World,
    caller: Option<i64>,
    request: pb::RecallRequest,
) -> Result<pb::RecallResponse, tonic::Status> {
    world.log.clone().recall(call(caller, request)).await.map(Response::into_inner)
}

fn plain(msg_id: i64) -> pb::RecallRequest {
    pb::RecallRequest { msg_id, ..Default::default() }
}

const WINDOW: Duration = Duration::from_mins(2);

both_engines! {
    async fn what_is_recalled_is_out_of_history_and_unread_of_everybody(world: World) {
        for (target, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let (kept, gone) = (world.say(ANN, target.clone(), "kept").await, world.say(ANN, target, "gone").await);
            assert_eq!(world.unread(BOB, vec![]).await[0], (place, gone, 2));
            let reply = recall(&world, Some(ANN), plain(gone)).await.unwrap();
            let receiver_id = if place == group() { GROUP } else { BOB };
            let expected = pb::RecallResponse { recalled: true, conversation: Some(place), sender_id: ANN, receiver_id };
            assert_eq!(reply, expected);
            assert_eq!(world.unread(BOB, vec![]).await[0], (place, kept, 1));
            assert_eq!(world.unread(ANN, vec![]).await[0].2, 0);
            assert_eq!(world.page(Some(BOB), place).await.unwrap(), [kept]);
            assert_eq!(refusal(world.find(None, gone).await), Reason::MessageNotFound);
        }
        world.assert_lanes_gap_free().await;
    }

    async fn a_second_recall_has_no_further_effect_and_needs_no_window(world: World) {
        let sent = world.say(ANN, user(BOB), "one").await;
        assert!(recall(&world, Some(ANN), plain(sent)).await.unwrap().recalled);
        world.clock.advance(Duration::from_hours(1));
        let late = pb::RecallRequest { window: Some(duration(WINDOW)), ..plain(sent) };
        assert!(!recall(&world, Some(ANN), late).await.unwrap().recalled);
        assert_eq!(world.events().await, [("recalled".to_owned(), sent)]);
        assert_eq!(world.count("recalled").await, 1);
    }

    async fn a_sender_is_held_to_the_window_to_the_millisecond(world: World) {
        let window = |msg_id| pb::RecallRequest { window: Some(duration(WINDOW)), ..plain(msg_id) };
        let (first, second) = (world.say(ANN, user(BOB), "one").await, world.say(ANN, user(BOB), "two").await);
        world.clock.advance(WINDOW);
        assert!(recall(&world, Some(ANN), window(first)).await.unwrap().recalled);
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(refusal(recall(&world, Some(ANN), window(second)).await), Reason::RecallWindowOver);
        assert!(world.find(None, second).await.is_ok());
        assert!(recall(&world, Some(ANN), plain(second)).await.unwrap().recalled);
    }

    async fn admins_and_the_app_are_held_to_the_window_only_where_all_are(world: World) {
        world.join(GROUP, EVE, GroupRole::Admin);
        for caller in [None, Some(ANN), Some(EVE)] {
            let sent = world.say(BOB, TO_GROUP, "one").await;
            world.clock.advance(Duration::from_hours(1));
            let for_all = pb::RecallRequest { window: Some(duration(WINDOW)), window_for_all: true, ..plain(sent) };
            assert_eq!(refusal(recall(&world, caller, for_all).await), Reason::RecallWindowOver);
            let for_senders = pb::RecallRequest { window: Some(duration(WINDOW)), ..plain(sent) };
            assert!(recall(&world, caller, for_senders).await.unwrap().recalled, "{caller:?}");
        }
    }

    async fn who_did_not_send_it_and_keeps_no_group_is_refused(world: World) {
        let (said, asked) = (world.say(ANN, user(BOB), "one").await, world.say(ANN, TO_GROUP, "two").await);
        for sent in [said, asked] {
            assert_eq!(refusal(recall(&world, Some(BOB), plain(sent)).await), Reason::NotPermitted);
            assert_eq!(refusal(recall(&world, Some(EVE), plain(sent)).await), Reason::MessageNotFound);
        }
        world.clock.advance(Duration::from_secs(1));
        world.join(GROUP, EVE, GroupRole::Member);
        assert_eq!(refusal(recall(&world, Some(EVE), plain(asked)).await), Reason::MessageNotFound);
        world.leave(GROUP, ANN);
        assert_eq!(refusal(recall(&world, Some(ANN), plain(asked)).await), Reason::MessageNotFound);
        assert_eq!(world.count("event").await, 0);
    }

    async fn a_message_is_recalled_only_where_it_is(world: World) {
        let sent = world.say(ANN, TO_GROUP, "one").await;
        let elsewhere = pb::RecallRequest { conversation: Some(direct(ANN, BOB)), ..plain(sent) };
        assert_eq!(refusal(recall(&world, None, elsewhere).await), Reason::MessageNotFound);
        assert_eq!(refusal(recall(&world, None, plain(sent + 1)).await), Reason::MessageNotFound);
        let negative = pb::RecallRequest { window: Some(tidings_proto::Duration { seconds: -1, nanos: 0 }), ..plain(sent) };
        assert_eq!(refusal(recall(&world, None, negative).await), Reason::InvalidArgument);
        let there = pb::RecallRequest { conversation: Some(group()), ..plain(sent) };
        assert!(recall(&world, None, there).await.unwrap().recalled);
    }

    async fn a_message_is_recalled_only_between_its_parties_where_one_is_named(world: World) {
        let of = |party, msg_id| pb::RecallRequest { party_id: Some(party), ..plain(msg_id) };
        let (said, asked) = (world.say(ANN, user(BOB), "one").await, world.say(ANN, TO_GROUP, "two").await);
        assert_eq!(refusal(recall(&world, None, of(EVE, said)).await), Reason::MessageNotFound);
        assert_eq!(refusal(recall(&world, None, of(ANN, asked)).await), Reason::MessageNotFound);
        assert!(recall(&world, None, of(BOB, said)).await.unwrap().recalled);
        assert!(!recall(&world, None, of(EVE, said)).await.unwrap().recalled, "it was recalled before");
    }

    async fn recalls_at_once_have_one_effect_and_lanes_stay_gap_free_among_sends(world: World) {
        let mut sent = Vec::new();
        for _ in 0..6 {
            sent.push(world.say(ANN, TO_GROUP, "one").await);
            sent.push(world.say(ANN, user(BOB), "one").await);
        }
        let recalls = sent.iter().flat_map(|msg_id| [*msg_id; 4]).map(async |msg_id| {
            recall(&world, Some(ANN), plain(msg_id)).await.unwrap().recalled
        });
        let sends = (0..24).map(async |n| {
            let online_only = n % 3 == 0;
            let request = pb::SendRequest { online_only, ..words(&[TO_GROUP, user(BOB), user(EVE)], "two") };
            world.send(by(ANN, request)).await;
        });
        let (recalled, _) = futures_util::join!(join_all(recalls), join_all(sends));
        assert_eq!(recalled.iter().filter(|recalled| **recalled).count(), sent.len());
        assert_eq!(world.count("recalled").await, sent.len() as i64);
        assert_eq!(world.count("event where kind = 'recalled'").await, sent.len() as i64);
        assert_eq!(world.count("event where kind = 'online'").await, 24);
        world.assert_lanes_gap_free().await;
    }

    async fn a_command_is_recalled_without_touching_counts(world: World) {
        let said = world.say(ANN, user(BOB), "one").await;
        let command = pb::content::Body::Command(pb::Command { action: "typing".into(), param_json: None });
        let content = Some(pb::Content { body: Some(command), ..Default::default() });
        let sent = world.send(by(ANN, pb::SendRequest { content, ..words(&[user(BOB)], "") })).await.sent[0].msg_id;
        assert!(recall(&world, Some(ANN), plain(sent)).await.unwrap().recalled);
        assert_eq!(world.unread(BOB, vec![]).await, [(direct(ANN, BOB), said, 1)]);
        assert_eq!(world.page(None, direct(ANN, BOB)).await.unwrap(), [said]);
    }
}
