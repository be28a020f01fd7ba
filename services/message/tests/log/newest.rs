//! Which message a conversation is listed for once its newest message is gone (decision 41).

use std::time::Duration;

use tidings_domain::{Policy, Reason};
use tidings_proto::{internal, pb};
use tonic::Response;

use crate::world::{
    ANN, BOB, EVE, GROUP, TO_GROUP, World, both_engines, by, by_app, call, direct, group, refusal, user, words,
};

async fn recall(world: &World, msg_id: i64) {
    world.log.clone().recall(by_app(pb::RecallRequest { msg_id, ..Default::default() })).await.unwrap();
}

async fn exclude(world: &World, who: i64, place: pb::ConversationId, ids: &[i64]) {
    let request = pb::ExcludeRequest { user_id: None, conversation: Some(place), msg_ids: ids.to_vec() };
    world.log.clone().exclude(by(who, request)).await.unwrap();
}

async fn locate(
    world: &World,
    caller: Option<i64>,
    msg_id: i64,
    place: Option<pb::ConversationId>,
) -> Result<Option<pb::ConversationId>, tonic::Status> {
    let request = internal::LocateRequest { msg_id, conversation: place };
    world.log_internal.clone().locate(call(caller, request)).await.map(|reply| Response::into_inner(reply).conversation)
}

/// The conversation in the user's list: newest message and unread count.
async fn listed(world: &World, who: i64, place: pb::ConversationId) -> Option<(i64, i64)> {
    world.unread(who, vec![]).await.into_iter().find(|it| it.0 == place).map(|it| (it.1, it.2))
}

both_engines! {
    async fn a_conversation_is_listed_for_the_newest_that_was_not_recalled(world: World) {
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let mut ids = Vec::new();
            for n in 0..4 {
                ids.push(world.say(ANN, to.clone(), &n.to_string()).await);
            }
            // One in the middle first, so that two in a row are gone when the next one is removed.
            for (gone, left) in [(2, 3), (3, 1), (1, 0)] {
                recall(&world, ids[gone]).await;
                let page = world.page(Some(BOB), place).await.unwrap();
                assert_eq!(page[0], ids[left]);
                assert_eq!(listed(&world, BOB, place).await, Some((ids[left], page.len() as i64)));
                assert_eq!(listed(&world, ANN, place).await, Some((ids[left], 0)));
            }
            recall(&world, ids[0]).await;
            assert_eq!(listed(&world, BOB, place).await, Some((ids[0], 0)), "nothing can be read there");
            let new = world.say(ANN, to, "new").await;
            assert_eq!(listed(&world, BOB, place).await, Some((new, 1)));
        }
    }

    async fn a_recalled_newest_takes_its_conversation_down_the_list(world: World) {
        let old = world.say(EVE, user(BOB), "old").await;
        let middle = world.say(ANN, TO_GROUP, "middle").await;
        let new = world.say(EVE, user(BOB), "new").await;
        let heads = async || world.unread(BOB, vec![]).await.iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(heads().await, [new, middle]);
        recall(&world, new).await;
        assert_eq!(heads().await, [middle, old]);
        // And its pages are contiguous.
        let mut page_token = String::new();
        for (head, more) in [(middle, true), (old, false)] {
            let page = internal::UnreadRequest { user_id: Some(BOB), page_size: 1, page_token, ..Default::default() };
            let page = world.log_internal.clone().unread(by_app(page)).await.unwrap().into_inner();
            assert_eq!(page.conversations.iter().map(|it| it.head_msg_id).collect::<Vec<_>>(), [head]);
            assert_eq!(!page.next_page_token.is_empty(), more);
            page_token = page.next_page_token;
        }
    }

    async fn what_is_hidden_from_one_is_passed_over_for_him_alone(world: World) {
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let mut ids = Vec::new();
            for n in 0..3 {
                ids.push(world.say(ANN, to.clone(), &n.to_string()).await);
            }
            exclude(&world, BOB, place, &ids[1..]).await;
            assert_eq!(listed(&world, BOB, place).await, Some((ids[0], 1)));
            assert_eq!(listed(&world, ANN, place).await, Some((ids[2], 0)));
            recall(&world, ids[2]).await;
            assert_eq!(listed(&world, BOB, place).await, Some((ids[0], 1)));
            assert_eq!(listed(&world, ANN, place).await, Some((ids[1], 0)));
            exclude(&world, BOB, place, &ids[..1]).await;
            assert_eq!(listed(&world, BOB, place).await.unwrap().1, 0);
            // From the start.
            let hidden_from = vec![pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) }];
            world.send(by(ANN, pb::SendRequest { hidden_from, ..words(std::slice::from_ref(&to), "psst") })).await;
            assert_eq!(listed(&world, BOB, place).await.unwrap().1, 0);
            let new = world.say(ANN, to, "new").await;
            assert_eq!(listed(&world, BOB, place).await, Some((new, 1)));
        }
    }

    async fn what_was_deleted_stays_deleted_when_the_newer_one_goes(world: World) {
        let old = world.say(ANN, user(BOB), "old").await;
        let new = world.say(ANN, user(BOB), "new").await;
        let mark = || vec![internal::Mark { conversation: Some(direct(ANN, BOB)), read_msg_id: old, unlisted_msg_id: old }];
        assert_eq!(world.unread(BOB, mark()).await, [(direct(ANN, BOB), new, 1)]);
        exclude(&world, BOB, direct(ANN, BOB), &[new]).await;
        assert_eq!(world.unread(BOB, mark()).await, []);
        recall(&world, new).await;
        assert_eq!(world.unread(BOB, mark()).await, []);
    }

    async fn a_message_for_some_is_passed_over_too(world: World) {
        let first = world.say(ANN, TO_GROUP, "first").await;
        let audience = vec![pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) }];
        world.send(by(ANN, pb::SendRequest { audience, ..words(&[TO_GROUP], "only you") })).await;
        let last = world.say(ANN, TO_GROUP, "last").await;
        recall(&world, last).await;
        assert_eq!(listed(&world, BOB, group()).await, Some((first, 1)));
    }

    async fn a_run_of_many_that_are_gone_is_looked_over_in_steps(world: World) {
        let kept = world.say(ANN, user(BOB), "kept").await;
        let said: Vec<i64> = futures_util::future::join_all((0..160).map(|_| world.say(ANN, user(BOB), "gone"))).await;
        let newest = *said.iter().max().unwrap();
        exclude(&world, BOB, direct(ANN, BOB), &said).await;
        assert_eq!(listed(&world, BOB, direct(ANN, BOB)).await, Some((kept, 1)));
        for gone in said.iter().filter(|id| **id != newest) {
            recall(&world, *gone).await;
        }
        assert_eq!(listed(&world, ANN, direct(ANN, BOB)).await, Some((newest, 0)));
        recall(&world, newest).await;
        assert_eq!(listed(&world, ANN, direct(ANN, BOB)).await, Some((kept, 0)));
    }

    async fn the_migration_lists_what_older_versions_left_for_what_is_there(world: World) {
        let (kept, gone) = (world.say(ANN, user(BOB), "kept").await, world.say(ANN, user(BOB), "gone").await);
        let only = world.say(EVE, user(BOB), "only").await;
        let in_group = world.say(ANN, TO_GROUP, "there").await;
        recall(&world, gone).await;
        recall(&world, only).await;
        world.execute("update conversation_head set listed_msg_id = last_msg_id").await;
        assert_eq!(listed(&world, BOB, direct(ANN, BOB)).await, Some((gone, 1)));
        world.execute(include_str!("../../migrations/postgres/0014_listed.sql")).await;
        assert_eq!(listed(&world, BOB, direct(ANN, BOB)).await, Some((kept, 1)));
        assert_eq!(listed(&world, BOB, direct(EVE, BOB)).await, Some((only, 0)));
        assert_eq!(listed(&world, BOB, group()).await, Some((in_group, 1)));
    }

    async fn a_purge_of_all_leaves_nothing_unread_and_ids_that_can_be_acknowledged(world: World) {
        let week = Duration::from_hours(7 * 24);
        world.change(|state| state.policy = Policy { message_retention: week, ..Policy::default() });
        let old = world.say(ANN, user(BOB), "old").await;
        world.clock.advance(week);
        let newer = world.say(ANN, user(BOB), "newer").await;
        recall(&world, newer).await;
        assert_eq!(listed(&world, BOB, direct(ANN, BOB)).await, Some((old, 1)));
        world.clock.advance(Duration::from_secs(1));
        world.log.clone().purge(by_app(pb::PurgeRequest {})).await.unwrap();
        assert_eq!(listed(&world, BOB, direct(ANN, BOB)).await, Some((old, 0)));
        // Its ids are valid for an acknowledgement.
        assert_eq!(locate(&world, Some(BOB), old, Some(direct(ANN, BOB))).await.unwrap(), Some(direct(ANN, BOB)));
        assert_eq!(locate(&world, Some(BOB), old, None).await.unwrap(), None);
        assert_eq!(refusal(locate(&world, Some(EVE), old, Some(direct(ANN, BOB))).await), Reason::MessageNotFound);
        assert_eq!(refusal(locate(&world, Some(BOB), newer + 1, Some(direct(ANN, BOB))).await), Reason::MessageNotFound);
        assert_eq!(refusal(locate(&world, Some(BOB), newer + 1, None).await), Reason::MessageNotFound);
    }

    async fn what_vanished_is_located_by_whoever_could_have_seen_it(world: World) {
        let recalled = world.say(ANN, user(BOB), "recalled").await;
        recall(&world, recalled).await;
        let hidden = world.say(ANN, TO_GROUP, "hidden").await;
        exclude(&world, BOB, group(), &[hidden]).await;
        let audience = vec![pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) }];
        let targeted = world.send(by(ANN, pb::SendRequest { audience, ..words(&[TO_GROUP], "only you") })).await.sent[0].msg_id;
        recall(&world, targeted).await;
        for who in [None, Some(ANN), Some(BOB)] {
            assert_eq!(locate(&world, who, recalled, None).await.unwrap(), Some(direct(ANN, BOB)));
            assert_eq!(locate(&world, who, hidden, None).await.unwrap(), Some(group()));
            assert_eq!(locate(&world, who, targeted, None).await.unwrap(), Some(group()));
        }
        world.clock.advance(Duration::from_secs(1));
        for joined in [false, true] {
            if joined {
                world.join(GROUP, EVE, tidings_domain::GroupRole::Member);
            }
            for msg_id in [recalled, hidden, targeted, 7, 0, -7] {
                assert_eq!(refusal(locate(&world, Some(EVE), msg_id, None).await), Reason::MessageNotFound);
                assert_eq!(refusal(locate(&world, Some(EVE), msg_id, Some(direct(BOB, EVE))).await), Reason::MessageNotFound);
            }
        }
        world.change(|state| state.groups.get_mut(&GROUP).unwrap().history_visible = true);
        assert_eq!(locate(&world, Some(EVE), hidden, None).await.unwrap(), Some(group()));
        assert_eq!(refusal(locate(&world, Some(EVE), targeted, None).await), Reason::MessageNotFound, "it was for Bob");
    }
}
