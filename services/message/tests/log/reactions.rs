//! Reactions: who may add them, how they are counted and listed, and when they go.

use std::time::Duration;

use tidings_domain::{Clock as _, GroupRole, Policy, Reason};
use tidings_proto::{moment_or_zero, pb};
use tonic::Response;

use crate::world::{
    ANN, BOB, EVE, GROUP, TO_GROUP, TO_ROOM, World, both_engines, by, by_app, call, direct, group, refusal, user,
};

async fn add(world: &World, who: i64, msg_id: i64, reaction: &str) -> Result<pb::AddReactionResponse, tonic::Status> {
    let request = pb::AddReactionRequest { user_id: None, msg_id, reaction: reaction.into() };
    world.log.clone().add_reaction(by(who, request)).await.map(Response::into_inner)
}

async fn remove(world: &World, who: i64, msg_id: i64, reaction: &str) -> Result<bool, tonic::Status> {
    let request = pb::RemoveReactionRequest { user_id: None, msg_id, reaction: reaction.into() };
    world.log.clone().remove_reaction(by(who, request)).await.map(|reply| reply.into_inner().removed)
}

async fn list(world: &World, who: Option<i64>, msg_ids: &[i64]) -> Vec<pb::MessageReactions> {
    let request = pb::ListReactionsRequest { user_id: None, msg_ids: msg_ids.to_vec() };
    world.log.clone().list_reactions(call(who, request)).await.unwrap().into_inner().messages
}

/// Text, count, first users, and whether the asking user is among all.
fn seen(of: &pb::MessageReactions) -> Vec<(&str, i64, &[i64], bool)> {
    of.reactions.iter().map(|it| (&*it.reaction, it.count, &*it.user_ids, it.own)).collect()
}

fn reactors(msg_id: i64, page_size: i32, page_token: &str) -> pb::ListReactorsRequest {
    pb::ListReactorsRequest { user_id: None, msg_id, reaction: "+1".into(), page_size, page_token: page_token.into() }
}

both_engines! {
    async fn reactions_are_counted_once_for_each_user_agora_10_5(world: World) {
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let sent = world.say(ANN, to.clone(), "hi").await;
            let other = world.say(ANN, to, "again").await;
            let first = add(&world, BOB, sent, "+1").await.unwrap();
            assert_eq!((first.added, first.conversation), (true, Some(place)));
            let reaction = first.reaction.unwrap();
            assert_eq!((reaction.count, moment_or_zero(reaction.created_at).0), (1, world.clock.now().0));
            world.clock.advance(Duration::from_secs(1));
            let again = add(&world, BOB, sent, "+1").await.unwrap();
            assert_eq!((again.added, again.reaction), (false, Some(reaction.clone())));
            let second = add(&world, ANN, sent, "+1").await.unwrap().reaction.unwrap();
            assert_eq!((second.reaction_id, second.count), (reaction.reaction_id, 2));
            assert_eq!(moment_or_zero(second.changed_at).0 - moment_or_zero(second.created_at).0, 1000);
            add(&world, ANN, sent, "\u{1f389}").await.unwrap();
            let listed = list(&world, Some(BOB), &[other, sent, sent, 12345]).await;
            assert_eq!(listed.iter().map(|it| it.msg_id).collect::<Vec<_>>(), [other, sent]);
            assert_eq!(seen(&listed[0]), []);
            assert_eq!(seen(&listed[1]), [("+1", 2, &[BOB, ANN][..], true), ("\u{1f389}", 1, &[ANN][..], false)]);
            assert!(remove(&world, BOB, sent, "+1").await.unwrap());
            assert!(!remove(&world, BOB, sent, "+1").await.unwrap());
            assert!(!remove(&world, BOB, sent, "never").await.unwrap());
            assert!(remove(&world, ANN, sent, "+1").await.unwrap());
            assert_eq!(seen(&list(&world, None, &[sent]).await[0]), [("\u{1f389}", 1, &[ANN][..], false)]);
            // The same reaction has the same id when it comes back.
            let back = add(&world, BOB, sent, "+1").await.unwrap().reaction.unwrap();
            assert_eq!((back.reaction_id, back.count), (reaction.reaction_id, 1));
        }
        world.assert_lanes_gap_free().await;
    }

    async fn only_those_who_can_read_a_message_react_to_it(world: World) {
        let early = world.say(ANN, TO_GROUP, "before eve").await;
        let private = world.say(ANN, user(BOB), "private").await;
        world.clock.advance(Duration::from_secs(1));
        world.join(GROUP, EVE, GroupRole::Member);
        for (msg_id, who) in [(early, EVE), (private, EVE), (12345, ANN)] {
            assert_eq!(refusal(add(&world, who, msg_id, "+1").await), Reason::MessageNotFound);
            assert_eq!(refusal(remove(&world, who, msg_id, "+1").await), Reason::MessageNotFound);
            assert_eq!(list(&world, Some(who), &[msg_id]).await, []);
        }
        let later = world.say(ANN, TO_GROUP, "hello eve").await;
        assert!(add(&world, EVE, later, "+1").await.unwrap().added);
        world.leave(GROUP, EVE);
        assert_eq!(refusal(remove(&world, EVE, later, "+1").await), Reason::MessageNotFound);
        let hidden = pb::ExcludeRequest { user_id: None, conversation: Some(group()), msg_ids: vec![later] };
        world.log.clone().exclude(by(BOB, hidden)).await.unwrap();
        assert_eq!(refusal(add(&world, BOB, later, "+1").await), Reason::MessageNotFound);
        let in_room = world.say(ANN, TO_ROOM, "loud").await;
        assert_eq!(refusal(add(&world, BOB, in_room, "+1").await), Reason::InvalidArgument);
        // The app itself names a user, whose rights count.
        let named = |user_id| pb::AddReactionRequest { user_id, msg_id: private, reaction: "+1".into() };
        let log = || world.log.clone();
        assert_eq!(refusal(log().add_reaction(by_app(named(Some(EVE)))).await), Reason::MessageNotFound);
        assert_eq!(refusal(log().add_reaction(by_app(named(None))).await), Reason::InvalidArgument);
        assert_eq!(refusal(log().add_reaction(by(ANN, named(Some(BOB)))).await), Reason::NotPermitted);
        assert!(log().add_reaction(by_app(named(Some(BOB)))).await.unwrap().into_inner().added);
    }

    async fn a_message_has_at_most_twenty_reactions_of_any_number_of_users(world: World) {
        let sent = world.say(ANN, user(BOB), "hi").await;
        for kind in 0..20 {
            add(&world, ANN, sent, &format!("r{kind}")).await.unwrap();
        }
        assert_eq!(refusal(add(&world, ANN, sent, "one more").await), Reason::ReactionsExhausted);
        assert!(add(&world, BOB, sent, "r19").await.unwrap().added);
        remove(&world, ANN, sent, "r0").await.unwrap();
        assert!(add(&world, ANN, sent, "one more").await.unwrap().added);
        for wrong in [String::new(), "x".repeat(129), "a\0".to_owned()] {
            assert_eq!(refusal(add(&world, ANN, sent, &wrong).await), Reason::InvalidArgument);
        }
        for wrong in [vec![], vec![sent; 21]] {
            let request = pb::ListReactionsRequest { user_id: None, msg_ids: wrong };
            assert_eq!(refusal(world.log.clone().list_reactions(by(ANN, request)).await), Reason::InvalidArgument);
        }
    }

    async fn the_users_of_a_reaction_are_paged_in_the_order_in_which_they_came(world: World) {
        let members: Vec<i64> = (1..=30).map(|number| 1000 + number * 16).collect();
        for member in &members {
            world.fake.state().users.insert(*member);
            world.join(GROUP, *member, GroupRole::Member);
        }
        world.clock.advance(Duration::from_secs(1));
        let sent = world.say(ANN, TO_GROUP, "vote").await;
        // In the order of no number.
        let mut voters = members.clone();
        voters.reverse();
        for voter in &voters[..29] {
            assert!(add(&world, *voter, sent, "+1").await.unwrap().added);
        }
        let log = || world.log.clone();
        let page = log().list_reactors(by(ANN, reactors(sent, 10, ""))).await.unwrap().into_inner();
        assert_eq!((page.reaction.as_ref().unwrap().count, page.reactors[0].user_id), (29, voters[0]));
        // Whoever comes or goes meanwhile shifts nothing.
        remove(&world, voters[3], sent, "+1").await.unwrap();
        add(&world, voters[29], sent, "+1").await.unwrap();
        add(&world, voters[3], sent, "+1").await.unwrap();
        let (mut found, mut token) = (page.reactors, page.next_page_token);
        while !token.is_empty() {
            let page = log().list_reactors(by(ANN, reactors(sent, 10, &token))).await.unwrap().into_inner();
            found.extend(page.reactors);
            token = page.next_page_token;
        }
        let found: Vec<i64> = found.iter().map(|it| it.user_id).collect();
        let expected = [&voters[..], &voters[3..4]].concat();
        assert_eq!(found, expected);
        assert_eq!(seen(&list(&world, Some(ANN), &[sent]).await[0]), [("+1", 30, &voters[..3], false)]);
        for wrong in [reactors(sent, -1, ""), reactors(sent, 1, "x")] {
            assert_eq!(refusal(log().list_reactors(by(ANN, wrong)).await), Reason::InvalidArgument);
        }
        assert_eq!(refusal(log().list_reactors(by(EVE, reactors(sent, 1, ""))).await), Reason::MessageNotFound);
        let nobody = pb::ListReactorsRequest { reaction: "-1".into(), ..reactors(sent, 1, "") };
        let nobody = log().list_reactors(by(ANN, nobody)).await.unwrap().into_inner();
        assert_eq!((nobody.reaction.unwrap().count, nobody.reactors), (0, vec![]));
    }

    async fn reactions_go_with_their_message(world: World) {
        const WEEK: Duration = Duration::from_hours(7 * 24);
        world.change(|state| state.policy = Policy { message_retention: WEEK, ..Policy::default() });
        let (recalled, old) = (world.say(ANN, user(BOB), "no").await, world.say(ANN, TO_GROUP, "old").await);
        for msg_id in [recalled, old] {
            add(&world, BOB, msg_id, "+1").await.unwrap();
            add(&world, ANN, msg_id, "+1").await.unwrap();
        }
        let recall = pb::RecallRequest { msg_id: recalled, ..Default::default() };
        world.log.clone().recall(by(ANN, recall)).await.unwrap();
        assert_eq!(refusal(add(&world, BOB, recalled, "+1").await), Reason::MessageNotFound);
        assert_eq!((world.count("reaction").await, world.count("reaction_user").await), (1, 2));
        world.clock.advance(WEEK + Duration::from_secs(1));
        world.log.clone().purge(by_app(pb::PurgeRequest {})).await.unwrap();
        assert_eq!((world.count("reaction").await, world.count("reaction_user").await), (0, 0));
    }

    async fn each_change_is_one_event_and_no_change_none(world: World) {
        let sent = world.say(ANN, TO_GROUP, "hi").await;
        let named = pb::AddReactionRequest { user_id: Some(BOB), msg_id: sent, reaction: "+1".into() };
        world.log.clone().add_reaction(by_app(named)).await.unwrap();
        add(&world, BOB, sent, "+1").await.unwrap();
        remove(&world, BOB, sent, "+1").await.unwrap();
        remove(&world, BOB, sent, "+1").await.unwrap();
        let kinds = vec!["message.reacted".to_owned(), "message.unreacted".to_owned()];
        let request = pb::EventsRequest { kinds, ..Default::default() };
        let mut feed = world.log.clone().events(by_app(request)).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(reply) = feed.message().await.unwrap() {
            events.extend(reply.events);
        }
        let told: Vec<_> = events.iter().map(|event| (&*event.kind, event.msg_id, event.actor_id, event.by_app)).collect();
        assert_eq!(told, [("message.reacted", sent, BOB, true), ("message.unreacted", sent, BOB, false)]);
        let counts = events.iter().map(|event| event.reaction.as_ref().unwrap()).map(|it| (&*it.reaction, it.count));
        assert_eq!(counts.collect::<Vec<_>>(), [("+1", 1), ("+1", 0)]);
        let message = events[0].message.as_ref().unwrap();
        assert_eq!((message.seq, message.sender_id, message.content.as_ref()), (1, ANN, None));
    }
}
