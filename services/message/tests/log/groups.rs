//! Groups and rooms: one row for each message, and who may write and read.

use tidings_domain::{Clock as _, GroupRole, Mute, Reason};
use tidings_proto::pb::{self, target};

use crate::world::{
    ANN, BOB, EVE, GROUP, ROOM, TO_GROUP, TO_ROOM, both_engines, by, by_app, direct, group, refusal, room, user, words,
};

both_engines! {
    async fn a_message_to_a_group_is_one_row_with_a_seq_of_its_own(world: World) {
        let reply = world.send(by(ANN, words(&[user(BOB), TO_GROUP, TO_ROOM, TO_GROUP], "one"))).await;
        let sent: Vec<_> = reply.sent.iter().map(|it| (it.receiver_id, it.conversation.unwrap(), it.seq)).collect();
        assert_eq!(sent, [(BOB, direct(ANN, BOB), 1), (GROUP, group(), 1), (ROOM, room(), 1)]);
        assert_eq!(world.send(by(BOB, words(&[TO_GROUP], "two"))).await.sent[0].seq, 2);
        assert_eq!(world.count("message").await, 4);
        assert_eq!(world.count("participant").await, 2);
        world.assert_lanes_gap_free().await;
    }

    async fn one_group_that_is_refused_refuses_the_whole_call(world: World) {
        let refused = async |target: target::Target| {
            let request = words(&[user(BOB), TO_GROUP, target], "one");
            refusal(world.log.clone().send(by_app(request)).await)
        };
        assert_eq!(refused(target::Target::GroupId(99)).await, Reason::GroupNotFound);
        assert_eq!(refused(target::Target::GroupId(ROOM)).await, Reason::GroupNotFound);
        assert_eq!(refused(target::Target::RoomId(GROUP)).await, Reason::GroupNotFound);
        world.change(|state| state.groups.get_mut(&ROOM).unwrap().enabled = false);
        assert_eq!(refused(TO_ROOM).await, Reason::GroupDisabled);
        assert_eq!(world.count("message").await, 0);
        assert_eq!(world.count("conversation_head").await, 0);
    }

    async fn unknown_groups_are_taken_where_the_policy_says_so(world: World) {
        world.change(|state| state.policy.accept_unknown_groups = true);
        let unknown = words(&[target::Target::GroupId(99)], "one");
        assert_eq!(world.send(by_app(unknown.clone())).await.sent[0].receiver_id, 99);
        let reply = world.log.clone().send(by(ANN, unknown)).await;
        assert_eq!(refusal(reply), Reason::NotGroupMember);
        let other_kind = world.log.clone().send(by_app(words(&[target::Target::GroupId(ROOM)], "one"))).await;
        assert_eq!(refusal(other_kind), Reason::GroupNotFound);
    }

    async fn users_write_where_they_are_members_and_not_muted(world: World) {
        let send = async |request| world.log.clone().send(request).await.map(|_| ());
        assert_eq!(refusal(send(by(EVE, words(&[TO_GROUP], "one"))).await), Reason::NotGroupMember);
        let until = world.clock.now() + std::time::Duration::from_mins(1);
        world.change(|state| {
            let group = state.groups.get_mut(&GROUP).unwrap();
            group.members.get_mut(&BOB).unwrap().muted = Mute::Until(until);
        });
        assert_eq!(refusal(send(by(BOB, words(&[TO_GROUP], "one"))).await), Reason::Muted);
        world.clock.advance(until - world.clock.now());
        send(by(BOB, words(&[TO_GROUP], "one"))).await.unwrap();
    }

    async fn the_app_is_held_to_membership_only_where_it_asks_for_it(world: World) {
        let as_eve = |members_only| {
            let eve = pb::UserRef { user: Some(pb::user_ref::User::UserId(EVE)) };
            by_app(pb::SendRequest { sender: Some(eve), members_only, ..words(&[TO_GROUP], "one") })
        };
        world.send(as_eve(false)).await;
        assert_eq!(refusal(world.log.clone().send(as_eve(true)).await), Reason::NotGroupMember);
        world.send(by_app(pb::SendRequest { members_only: true, ..words(&[TO_GROUP], "two") })).await;
        assert_eq!(world.count("message").await, 2);
    }

    async fn who_blocked_a_user_gets_nothing_from_him_and_all_from_the_app(world: World) {
        world.change(|state| _ = state.blocked.insert((BOB, ANN)));
        let reply = world.log.clone().send(by(ANN, words(&[user(EVE), user(BOB)], "one"))).await;
        assert_eq!(refusal(reply), Reason::BlockedByReceiver);
        assert_eq!(world.count("message").await, 0);
        let ann = pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) };
        world.send(by_app(pb::SendRequest { sender: Some(ann), ..words(&[user(BOB)], "one") })).await;
        world.say(BOB, user(ANN), "two").await;
        world.say(ANN, TO_GROUP, "three").await;
    }

    async fn members_read_from_their_joining_on_and_nobody_else_does(world: World) {
        let head = async |caller, conversation| {
            let request = pb::HeadRequest { conversation: Some(conversation) };
            world.log.clone().head(crate::world::call(caller, request)).await.map(|head| head.into_inner().seq)
        };
        for (target, place, id) in [(TO_GROUP, group(), GROUP), (TO_ROOM, room(), ROOM)] {
            let before = world.say(ANN, target.clone(), "before").await;
            assert_eq!(refusal(world.page(Some(EVE), place).await), Reason::NotGroupMember);
            assert_eq!(refusal(head(Some(EVE), place).await), Reason::NotGroupMember);
            assert_eq!(refusal(world.find(Some(EVE), before).await), Reason::MessageNotFound);

            world.clock.advance(std::time::Duration::from_secs(1));
            world.join(id, EVE, GroupRole::Member);
            assert!(world.page(Some(EVE), place).await.unwrap().is_empty());
            assert_eq!(head(Some(EVE), place).await.unwrap(), 0);
            assert_eq!(refusal(world.find(Some(EVE), before).await), Reason::MessageNotFound);
            let after = world.say(BOB, target, "after").await;
            assert_eq!(world.page(Some(EVE), place).await.unwrap(), [after]);
            assert_eq!(head(Some(EVE), place).await.unwrap(), 2);
            assert_eq!(world.find(Some(EVE), after).await.unwrap().msg_id, after);
            for caller in [None, Some(0), Some(ANN)] {
                assert_eq!(world.page(caller, place).await.unwrap(), [after, before]);
            }

            world.change(|state| state.groups.get_mut(&id).unwrap().history_visible = true);
            assert_eq!(world.page(Some(EVE), place).await.unwrap(), [after, before]);
            world.leave(id, EVE);
            assert_eq!(refusal(world.page(Some(EVE), place).await), Reason::NotGroupMember);
        }
        let as_room = pb::ConversationId { id: GROUP, ..room() };
        assert_eq!(refusal(world.page(Some(ANN), as_room).await), Reason::GroupNotFound);
    }
}
