//! Unread counts of groups, beside those of direct conversations.

use tidings_domain::GroupRole;
use tidings_message::statements;
use tidings_proto::{internal, pb};
use tidings_store::{Engine, on_db, sqlx};

use crate::world::{
    ANN, BOB, EVE, GROUP, TO_GROUP, TO_ROOM, World, both_engines, by, by_app, direct, group, refusal, user, words,
};

fn mark(conversation: pb::ConversationId, read_msg_id: i64, unlisted_msg_id: i64) -> internal::Mark {
    internal::Mark { conversation: Some(conversation), read_msg_id, unlisted_msg_id }
}

both_engines! {
    async fn own_messages_and_commands_do_not_count_in_a_group(world: World) {
        let mut ids = Vec::new();
        for from in [ANN, BOB, BOB, ANN, BOB] {
            ids.push(world.say(from, TO_GROUP, "a word").await);
        }
        let command = pb::content::Body::Command(pb::Command { action: "typing".into(), param_json: None });
        let content = Some(pb::Content { body: Some(command), ..Default::default() });
        let head = world.send(by(ANN, pb::SendRequest { content, ..words(&[TO_GROUP], "") })).await.sent[0].msg_id;
        assert_eq!(world.unread(ANN, vec![]).await, [(group(), head, 3)]);
        assert_eq!(world.unread(BOB, vec![]).await, [(group(), head, 2)]);
        assert_eq!(world.unread(ANN, vec![mark(group(), ids[1], 0)]).await, [(group(), head, 2)]);
        assert_eq!(world.unread(BOB, vec![mark(group(), ids[1], 0)]).await, [(group(), head, 1)]);
        assert_eq!(world.unread(ANN, vec![mark(group(), head, 0)]).await, [(group(), head, 0)]);
        // One's own that was recalled is subtracted once, not twice.
        let recall = pb::RecallRequest { msg_id: ids[3], ..Default::default() };
        world.log.clone().recall(by_app(recall)).await.unwrap();
        assert_eq!(world.unread(ANN, vec![]).await[0].2, 3);
        assert_eq!(world.unread(BOB, vec![]).await[0].2, 1);
    }

    async fn a_group_counts_from_ones_joining_on_and_is_not_listed_before(world: World) {
        world.say(ANN, TO_GROUP, "before").await;
        world.clock.advance(std::time::Duration::from_secs(1));
        world.change(|state| state.groups.get_mut(&GROUP).unwrap().history_visible = true);
        world.join(GROUP, EVE, GroupRole::Member);
        assert_eq!(world.unread(EVE, vec![]).await, []);
        let head = world.say(BOB, TO_GROUP, "after").await;
        assert_eq!(world.unread(EVE, vec![]).await, [(group(), head, 1)]);
        assert_eq!(world.unread(ANN, vec![]).await, [(group(), head, 1)]);
        world.leave(GROUP, EVE);
        assert_eq!(world.unread(EVE, vec![]).await, []);
        world.clock.advance(std::time::Duration::from_secs(1));
        world.join(GROUP, EVE, GroupRole::Member);
        assert_eq!(world.unread(EVE, vec![]).await, []);
    }

    async fn groups_stand_among_direct_conversations_by_newest_activity_and_rooms_nowhere(world: World) {
        let one = world.say(EVE, user(BOB), "one").await;
        let two = world.say(ANN, TO_GROUP, "two").await;
        let three = world.say(ANN, user(BOB), "three").await;
        world.say(ANN, TO_ROOM, "four").await;
        let all = [(direct(ANN, BOB), three, 1), (group(), two, 1), (direct(EVE, BOB), one, 1)];
        assert_eq!(world.unread(BOB, vec![]).await, all);
        let read = vec![mark(direct(ANN, BOB), three, 0), mark(group(), 0, two), mark(direct(EVE, BOB), 0, one)];
        assert_eq!(world.unread(BOB, read).await, [(direct(ANN, BOB), three, 0)]);
        for limit in [1, 2, 3] {
            let request = internal::UnreadRequest { user_id: Some(BOB), page_size: limit, ..Default::default() };
            let reply = world.log_internal.clone().unread(by_app(request)).await.unwrap().into_inner();
            let heads: Vec<i64> = reply.conversations.iter().map(|entry| entry.head_msg_id).collect();
            assert_eq!(heads, [three, two, one][..limit as usize]);
            assert_eq!(reply.next_page_token.is_empty(), limit == 3, "only the last page has no next one");
        }
    }

    async fn the_app_itself_is_in_no_group(world: World) {
        world.say(ANN, TO_GROUP, "one").await;
        assert_eq!(world.unread(0, vec![]).await, []);
        let foreign = internal::UnreadRequest { user_id: Some(ANN), ..Default::default() };
        assert_eq!(refusal(world.log_internal.clone().unread(by(BOB, foreign)).await), tidings_domain::Reason::NotPermitted);
    }
}

#[tokio::test]
async fn own_messages_are_counted_by_their_index_alone() {
    let world = World::on(Engine::Sqlite).await;
    let counting: Vec<String> =
        statements(Engine::Sqlite).into_iter().filter(|text| text.contains("m.sender_id = r.user_id")).collect();
    assert!(!counting.is_empty());
    for statement in counting {
        let explain = format!("explain query plan {statement}");
        let plan: Vec<(i64, i64, i64, String)> =
            on_db!(&world.db, |c| sqlx::query_as(sqlx::AssertSqlSafe(explain.clone())).fetch_all(c).await).unwrap();
        let plan: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
        let by_index = "SEARCH m USING COVERING INDEX message_of_sender (app_id=? AND conv_a=? AND conv_b=? AND \
            sender_id=? AND countable=? AND msg_id>?)";
        assert!(plan.contains(&by_index), "{plan:#?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN m")), "{plan:#?}");
    }
}
