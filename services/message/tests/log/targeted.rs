//! Messages to some members of a group (agora.md 2.6).

use tidings_domain::Reason;
use tidings_proto::pb;

use crate::world::{ANN, BOB, EVE, TO_GROUP, both_engines, by, by_app, group, refusal, words};

fn to_bob_alone() -> pb::SendRequest {
    let audience = vec![pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) }];
    pb::SendRequest { audience, ..words(&[TO_GROUP], "only you") }
}

both_engines! {
    async fn a_targeted_message_is_kept_but_in_no_list_count_or_history_agora_2_6(world: World) {
        let before = world.say(ANN, TO_GROUP, "all of you").await;
        let targeted = world.send(by(ANN, to_bob_alone())).await.sent[0].msg_id;
        for user in [ANN, BOB] {
            assert_eq!(world.page(Some(user), group()).await.unwrap(), [before]);
        }
        assert_eq!(world.unread(BOB, vec![]).await, [(group(), before, 1)]);
        assert_eq!(world.page(None, group()).await.unwrap(), [targeted, before]);
        let found = world.find(Some(BOB), targeted).await.unwrap();
        assert_eq!((found.audience_ids, found.countable, found.seq), (vec![BOB], false, 2));
        let after = world.say(ANN, TO_GROUP, "all again").await;
        assert_eq!(world.unread(BOB, vec![]).await, [(group(), after, 2)]);
    }

    async fn others_do_not_find_it(world: World) {
        world.join(crate::world::GROUP, EVE, tidings_domain::GroupRole::Member);
        let targeted = world.send(by_app(to_bob_alone())).await.sent[0].msg_id;
        assert_eq!(refusal(world.find(Some(EVE), targeted).await), Reason::MessageNotFound);
        assert!(world.find(Some(BOB), targeted).await.is_ok());
    }

    async fn a_conversation_with_nothing_else_is_not_listed(world: World) {
        world.send(by(ANN, to_bob_alone())).await;
        assert_eq!(world.unread(BOB, vec![]).await, []);
    }

    async fn an_audience_has_at_most_twenty(world: World) {
        let one = pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) };
        let request = pb::SendRequest { audience: vec![one; 21], ..words(&[TO_GROUP], "x") };
        assert_eq!(refusal(world.log.clone().send(by(ANN, request)).await), Reason::InvalidArgument);
    }
}
