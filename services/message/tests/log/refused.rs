//! Our refusals are events, each reported once (decision 37).

use std::{collections::BTreeSet, time::Duration};

use tidings_domain::{Mute, Reason, UserId};
use tidings_proto::{
    error_from_status,
    pb::{self, target::Target},
};
use tidings_testkit::{Answer, Receiver};

use crate::{
    fake::State,
    world::{
        ANN, BOB, EVE, GROUP, ROOM, TO_GROUP, TO_ROOM, World, both_engines, by, by_app, direct, group, refusal, room,
        text_of, user, words,
    },
};

/// The refusals in the feed: conversation, actor, reason, and its detail.
async fn told(world: &World) -> Vec<(pb::ConversationId, i64, String, String)> {
    let mut feed = world.log.clone().events(by_app(pb::EventsRequest::default())).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(reply) = feed.message().await.unwrap() {
        for event in reply.events.into_iter().filter(|event| event.kind == "message.refused") {
            let message = event.message.expect("what was to be said");
            assert_eq!((message.content, message.seq), (Some(text_of("hello")), 0));
            told.push((event.conversation.unwrap(), event.actor_id, event.reason, event.reason_detail));
        }
    }
    told
}

fn named(name: &str) -> pb::UserRef {
    pb::UserRef { user: Some(pb::user_ref::User::Username(name.into())) }
}

/// Sends twice under one key, removes the obstacle, and sends once more.
async fn refuse(
    world: &World,
    from: i64,
    to: Target,
    change: impl FnOnce(&mut State),
    allow: impl FnOnce(&mut State),
) -> Reason {
    world.change(change);
    let keyed =
        || by(from, pb::SendRequest { idempotency_key: "k".into(), ..words(std::slice::from_ref(&to), "hello") });
    let first = error_from_status(world.log.clone().send(keyed()).await.unwrap_err());
    for round in 0..2 {
        let again = error_from_status(world.log.clone().send(keyed()).await.unwrap_err());
        assert_eq!((again.reason(), again.subject()), (first.reason(), first.subject()), "{round}");
    }
    world.change(allow);
    assert_eq!(refusal(world.log.clone().send(keyed()).await), first.reason(), "the answer under the key stays");
    world.send(by(from, words(&[to], "hello"))).await;
    first.reason()
}

fn id(reason: Reason) -> String {
    reason.words().name.to_owned()
}

both_engines! {
    async fn whom_the_receiver_blocked_is_told_of(world: World) {
        let reason = refuse(&world, ANN, user(BOB), |state| _ = state.blocked.insert((BOB, ANN)), |state| state.blocked.clear()).await;
        assert_eq!(reason, Reason::BlockedByReceiver);
        assert_eq!(told(&world).await, [(direct(ANN, BOB), ANN, id(reason), BOB.to_string())]);
        world.assert_lanes_gap_free().await;
    }

    async fn who_is_no_contact_is_told_of_where_only_contacts_may_write(world: World) {
        let demand = |state: &mut State| state.policy.friends_only = true;
        let reason = refuse(&world, ANN, user(BOB), demand, |state| _ = state.contacts.insert((ANN, BOB))).await;
        assert_eq!(reason, Reason::NotAContact);
        assert_eq!(told(&world).await, [(direct(ANN, BOB), ANN, id(reason), BOB.to_string())]);
        // One verdict for all targets, of which only the stranger is told.
        let to_both = words(&[user(BOB), user(EVE)], "hello");
        assert_eq!(refusal(world.log.clone().send(by(ANN, to_both)).await), Reason::NotAContact);
        assert_eq!(told(&world).await.last().unwrap(), &(direct(ANN, EVE), ANN, id(reason), EVE.to_string()));
        // Oneself and groups need no relation, and the app itself none to anybody.
        world.send(by(ANN, words(&[user(ANN)], "note"))).await;
        world.send(by(ANN, words(&[TO_GROUP], "hi"))).await;
        world.send(by_app(pb::SendRequest { sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) }), ..words(&[user(EVE)], "hi") })).await;
        // A block counts first.
        world.change(|state| _ = state.blocked.insert((EVE, ANN)));
        assert_eq!(refusal(world.log.clone().send(by(ANN, words(&[user(EVE)], "hello"))).await), Reason::BlockedByReceiver);
    }

    async fn who_is_no_member_is_told_of(world: World) {
        for (to, place) in [(TO_GROUP, group()), (TO_ROOM, room())] {
            let keyed = || pb::SendRequest { idempotency_key: "k".into(), ..words(std::slice::from_ref(&to), "hello") };
            for _ in 0..2 {
                let keyed = pb::SendRequest { call: format!("{place:?}").chars().filter(char::is_ascii_alphanumeric).collect(), ..keyed() };
                assert_eq!(refusal(world.log.clone().send(by(EVE, keyed)).await), Reason::NotGroupMember);
            }
        }
        let refused = told(&world).await;
        let places: Vec<i64> = refused.iter().map(|it| it.0.id).collect();
        assert_eq!(BTreeSet::from_iter(places.clone()), BTreeSet::from([GROUP, ROOM]));
        assert_eq!(places.len(), 2);
        assert!(refused.iter().all(|it| it.1 == EVE && it.2 == "NOT_GROUP_MEMBER"), "{refused:?}");
        // No conversation was created there.
        assert_eq!((world.count("message").await, world.count("conversation_head").await), (0, 0));
        // If the app requests it, its own calls in a user's name are checked too.
        let sender = Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(EVE)) });
        let members_only = pb::SendRequest { sender, members_only: true, ..words(&[TO_GROUP], "hello") };
        assert_eq!(refusal(world.log.clone().send(by_app(members_only)).await), Reason::NotGroupMember);
        assert_eq!(told(&world).await.len(), 3);
    }

    async fn who_is_muted_is_told_of(world: World) {
        let mute = |muted| move |state: &mut State| state.groups.get_mut(&GROUP).unwrap().members.get_mut(&BOB).unwrap().muted = muted;
        let reason = refuse(&world, BOB, TO_GROUP, mute(Mute::Forever), mute(Mute::No)).await;
        assert_eq!(reason, Reason::Muted);
        assert_eq!(told(&world).await, [(group(), BOB, id(reason), BOB.to_string())]);
    }

    async fn what_is_disabled_is_told_of(world: World) {
        let set = |enabled| move |state: &mut State| state.groups.get_mut(&GROUP).unwrap().enabled = enabled;
        let reason = refuse(&world, BOB, TO_GROUP, set(false), set(true)).await;
        assert_eq!(reason, Reason::GroupDisabled);
        assert_eq!(told(&world).await, [(group(), BOB, id(reason), GROUP.to_string())]);
    }

    async fn a_disabled_user_is_told_of_and_takes_no_names_down(world: World) {
        world.change(|state| _ = state.disabled.insert(ANN));
        let send = pb::SendRequest { accept_unknown_names: true, ..words(&[user(BOB)], "hello") };
        assert_eq!(refusal(world.log.clone().send(by(ANN, send)).await), Reason::UserDisabled);
        assert_eq!(told(&world).await, [(direct(ANN, BOB), ANN, id(Reason::UserDisabled), ANN.to_string())]);
        // Invalid messages are refused as before, without an event.
        let recall = pb::RecallRequest { msg_id: 1, ..Default::default() };
        assert_eq!(refusal(world.log.clone().recall(by(ANN, recall)).await), Reason::UserDisabled);
        assert_eq!(world.count("event").await, 1);
    }

    async fn who_does_not_exist_is_told_of_by_name_or_number(world: World) {
        let to = |target| by(ANN, words(&[user(BOB), target], "hello"));
        assert_eq!(refusal(world.log.clone().send(to(user(4096))).await), Reason::UserNotFound);
        assert_eq!(refusal(world.log.clone().send(to(Target::Username("ghost".into()))).await), Reason::UserNotFound);
        assert_eq!(refusal(world.log.clone().send(to(Target::GroupId(999))).await), Reason::GroupNotFound);
        let from = pb::SendRequest { sender: Some(named("spirit")), ..words(&[user(BOB)], "hello") };
        assert_eq!(refusal(world.log.clone().send(by_app(from)).await), Reason::UserNotFound);
        let audience = pb::SendRequest { audience: vec![named("nix")], ..words(&[TO_GROUP], "hello") };
        assert_eq!(refusal(world.log.clone().send(by(ANN, audience)).await), Reason::UserNotFound);
        let (nobody, unknown) = (UserId::NOBODY.0, |reason: Reason, of: &str| (id(reason), of.to_owned()));
        let expected = [
            (direct(ANN, 4096), ANN, unknown(Reason::UserNotFound, "4096")),
            (direct(ANN, nobody), ANN, unknown(Reason::UserNotFound, "ghost")),
            (pb::ConversationId { id: 999, ..group() }, ANN, unknown(Reason::GroupNotFound, "999")),
            (direct(BOB, nobody), nobody, unknown(Reason::UserNotFound, "spirit")),
            (group(), ANN, unknown(Reason::UserNotFound, "nix")),
        ];
        let found = told(&world).await;
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (place, actor, (reason, detail)) in expected {
            assert!(found.contains(&(place, actor, reason.clone(), detail.clone())), "{reason} {detail}: {found:?}");
        }
        world.assert_lanes_gap_free().await;
    }

    async fn one_place_that_is_refused_refuses_all_and_it_alone_is_told_of_decision_3(world: World) {
        world.change(|state| _ = state.blocked.insert((BOB, ANN)));
        assert_eq!(refusal(world.log.clone().send(by(ANN, words(&[user(EVE), user(BOB)], "hello"))).await), Reason::BlockedByReceiver);
        assert_eq!(told(&world).await, [(direct(ANN, BOB), ANN, id(Reason::BlockedByReceiver), BOB.to_string())]);
        assert_eq!(world.count("message").await, 0);
    }

    async fn what_is_wrong_or_not_the_callers_to_ask_is_not_told(world: World) {
        let send = async |request| refusal(world.log.clone().send(request).await);
        let foreign = pb::SendRequest { sender: Some(named("ghost")), ..words(&[user(BOB)], "hello") };
        assert_eq!(send(by(ANN, foreign)).await, Reason::UserNotFound);
        let as_bob = Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) });
        let foreign = pb::SendRequest { sender: as_bob.clone(), ..words(&[user(4096)], "hello") };
        assert_eq!(send(by(ANN, foreign)).await, Reason::NotPermitted);
        assert_eq!(send(by(ANN, words(&[], "hello"))).await, Reason::InvalidArgument);
        world.change(|state| state.policy.max_recipients = 1);
        assert_eq!(send(by(ANN, words(&[user(BOB), user(EVE)], "hello"))).await, Reason::TooManyRecipients);
        // Nor calls that cause no event when they succeed.
        let import = pb::ImportRequest {
            sender: as_bob,
            target: Some(pb::Target { target: Some(Target::GroupId(999)) }),
            content: Some(text_of("hello")),
            ..Default::default()
        };
        assert_eq!(refusal(world.log.clone().import(by_app(import)).await), Reason::GroupNotFound);
        let broadcast = pb::BroadcastRequest { sender: Some(named("ghost")), content: Some(text_of("hello")), ..Default::default() };
        assert_eq!(refusal(world.log.clone().broadcast(by_app(broadcast)).await), Reason::UserNotFound);
        assert_eq!(world.count("event").await, 0);
    }

    async fn what_goes_to_those_online_is_told_when_refused(world: World) {
        world.change(|state| _ = state.blocked.insert((BOB, ANN)));
        let online = pb::SendRequest { online_only: true, ..words(&[user(BOB)], "hello") };
        assert_eq!(refusal(world.log.clone().send(by(ANN, online)).await), Reason::BlockedByReceiver);
        assert_eq!(told(&world).await.len(), 1);
        assert_eq!(world.count("event").await, 1);
    }

    async fn a_hook_that_is_away_is_told_of_once_under_a_key_which_stays_free(world: World) {
        let receiver = Receiver::start(|_| Answer::ok().after(Duration::from_secs(30)));
        let hook = tidings_domain::Hook {
            id: 1,
            form: tidings_domain::HookForm::Tencent,
            url: receiver.url(),
            token: None,
            timeout: Duration::from_millis(50),
            refuse_on_failure: true,
            kinds: Vec::new(),
            allow_private: true,
 subjects: vec![tidings_domain::HookSubject::Message],
        };
        world.change(|state| {
            state.policy.fire_on_refusal = true;
            state.screening.version = 1;
            state.screening.hooks = vec![hook.clone()];
        });
        let keyed = || by(ANN, pb::SendRequest { idempotency_key: "k".into(), ..words(&[user(BOB)], "hello") });
        for _ in 0..2 {
            assert_eq!(refusal(world.log.clone().send(keyed()).await), Reason::RefusedByHook);
        }
        assert_eq!(told(&world).await, [(direct(ANN, BOB), ANN, id(Reason::RefusedByHook), "custom internal error".to_owned())]);
        world.change(|state| {
            state.screening.version = 2;
            state.screening.hooks = Vec::new();
        });
        world.send(keyed()).await;
    }
}
