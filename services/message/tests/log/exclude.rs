//! Messages hidden from one user.

use tidings_domain::Reason;
use tidings_proto::pb;
use tonic::Response;

use crate::world::{ANN, BOB, EVE, TO_GROUP, World, both_engines, by, by_app, direct, group, refusal, user, words};

async fn exclude(world: &World, who: i64, place: pb::ConversationId, ids: &[i64]) -> Result<i32, tonic::Status> {
    let request = pb::ExcludeRequest { user_id: None, conversation: Some(place), msg_ids: ids.to_vec() };
    world.log.clone().exclude(by(who, request)).await.map(Response::into_inner).map(|reply| reply.excluded)
}

both_engines! {
    async fn what_is_hidden_from_one_stays_with_everybody_else_agora_6_1(world: World) {
        for (to, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let (kept, gone) = (world.say(ANN, to.clone(), "kept").await, world.say(ANN, to, "gone").await);
            assert_eq!(exclude(&world, BOB, place, &[gone, 12345]).await.unwrap(), 1);
            assert_eq!(exclude(&world, BOB, place, &[gone]).await.unwrap(), 0);
            assert_eq!(world.page(Some(BOB), place).await.unwrap(), [kept]);
            assert_eq!(refusal(world.find(Some(BOB), gone).await), Reason::MessageNotFound);
            assert_eq!(world.page(Some(ANN), place).await.unwrap(), [gone, kept]);
            assert_eq!(world.page(None, place).await.unwrap(), [gone, kept]);
            assert_eq!(world.unread(BOB, vec![]).await.iter().find(|it| it.0 == place).unwrap().2, 1);
            // A message recalled for everybody is not subtracted twice.
            world.log.clone().recall(by_app(pb::RecallRequest { msg_id: gone, ..Default::default() })).await.unwrap();
            assert_eq!(world.unread(BOB, vec![]).await.iter().find(|it| it.0 == place).unwrap().2, 1);
        }
        assert_eq!(world.count("excluded").await, 0);
    }

    async fn a_message_can_be_hidden_from_some_from_the_start_agora_2_1(world: World) {
        let hidden_from = vec![pb::UserRef { user: Some(pb::user_ref::User::UserId(BOB)) }];
        let sent = world.send(by(ANN, pb::SendRequest { hidden_from, ..words(&[TO_GROUP], "psst") })).await.sent[0].msg_id;
        assert_eq!(world.page(Some(BOB), group()).await.unwrap(), [0; 0]);
        assert_eq!(world.page(Some(ANN), group()).await.unwrap(), [sent]);
        assert_eq!(world.unread(BOB, vec![]).await[0].2, 0);
        assert_eq!(world.unread(ANN, vec![]).await, [(group(), sent, 0)]);
    }

    async fn nobody_hides_what_is_not_his(world: World) {
        let sent = world.say(ANN, user(BOB), "ours").await;
        assert_eq!(refusal(exclude(&world, EVE, direct(ANN, BOB), &[sent]).await), Reason::NotPermitted);
        assert_eq!(refusal(exclude(&world, EVE, group(), &[sent]).await), Reason::NotGroupMember);
        assert_eq!(refusal(exclude(&world, BOB, direct(ANN, BOB), &[]).await), Reason::InvalidArgument);
        assert_eq!(world.count("excluded").await, 0);
    }
}
