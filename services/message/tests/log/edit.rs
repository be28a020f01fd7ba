//! Editing: what it changes, who may, and how often.

use futures_util::future::join_all;
use tidings_domain::{Clock as _, Reason};
use tidings_proto::{
    pb::{self, edit_request::Change},
    timestamp,
};
use tonic::Response;

use crate::world::{ANN, BOB, EVE, TO_GROUP, World, both_engines, by_app, call, direct, group, refusal, text_of, user};

async fn edit(world: &World, caller: Option<i64>, request: pb::EditRequest) -> Result<pb::Message, tonic::Status> {
    world.log.clone().edit(call(caller, request)).await.map(Response::into_inner)
}

fn append(msg_id: i64, text: &str) -> pb::EditRequest {
    pb::EditRequest { msg_id, change: Some(Change::Append(text.into())), ..Default::default() }
}

fn replace(msg_id: i64, content: pb::Content) -> pb::EditRequest {
    pb::EditRequest { msg_id, change: Some(Change::Replace(content)), ..Default::default() }
}

both_engines! {
    async fn an_edit_changes_content_time_and_count_and_nothing_else(world: World) {
        for (target, place) in [(user(BOB), direct(ANN, BOB)), (TO_GROUP, group())] {
            let sent = world.say(ANN, target, "one").await;
            let before = world.find(None, sent).await.unwrap();
            assert_eq!((before.edited_at, before.edits), (None, 0));
            world.clock.advance(std::time::Duration::from_secs(9));
            let edited = edit(&world, Some(ANN), append(sent, " and two")).await.unwrap();
            let now = world.clock.now();
            let expected =
                pb::Message { content: Some(text_of("one and two")), edited_at: Some(timestamp(now)), edits: 1, ..before };
            assert_eq!(edited, expected);
            assert_eq!(world.find(Some(BOB), sent).await.unwrap(), expected);
            let page = pb::PageRequest { conversation: Some(place), limit: 1, ..Default::default() };
            let page = world.log.clone().page(by_app(page)).await.unwrap().into_inner();
            assert_eq!(page.messages, [expected]);
            assert_eq!(world.unread(BOB, vec![]).await[0], (place, sent, 1));
        }
        world.assert_lanes_gap_free().await;
    }

    async fn the_event_of_an_edit_carries_the_new_content_and_who_did_it(world: World) {
        let sent = world.say(ANN, user(BOB), "one").await;
        let ext = Some(pb::Ext { ext: Some(pb::ext::Ext::JsonObject("{\"n\":1.10}".into())) });
        edit(&world, None, replace(sent, pb::Content { ext, ..text_of("two\0") })).await.unwrap();
        assert_eq!(world.events().await, [("edited".to_owned(), sent)]);
        let body = "{\"system\":false,\"body\":{\"text\":\"two\\u0000\"},\"ext\":{\"n\":1.10}}";
        assert_eq!(world.event_body().await, (body.to_owned(), 0));
    }

    async fn a_user_edits_what_he_sent_and_the_app_everything(world: World) {
        let sent = world.say(ANN, TO_GROUP, "one").await;
        assert_eq!(refusal(edit(&world, Some(BOB), append(sent, "x")).await), Reason::NotPermitted);
        assert_eq!(refusal(edit(&world, Some(EVE), append(sent, "x")).await), Reason::MessageNotFound);
        let named = |sender| pb::EditRequest { sender_id: Some(sender), ..append(sent, "!") };
        assert_eq!(refusal(edit(&world, Some(ANN), named(BOB)).await), Reason::NotPermitted);
        assert_eq!(refusal(edit(&world, None, named(BOB)).await), Reason::NotPermitted);
        assert_eq!(world.count("event").await, 0);
        for (caller, wanted) in [(Some(ANN), named(ANN)), (None, named(ANN)), (None, append(sent, "!"))] {
            edit(&world, caller, wanted).await.unwrap();
        }
        assert_eq!(world.find(None, sent).await.unwrap().content, Some(text_of("one!!!")));
    }

    async fn edits_at_once_stop_at_the_limit_and_lose_nothing(world: World) {
        let sent = world.say(ANN, user(BOB), "").await;
        let edits = (0..8).map(async |n: i32| {
            let request = pb::EditRequest { most_edits: 5, ..append(sent, &n.to_string()) };
            edit(&world, Some(ANN), request).await
        });
        let outcomes = join_all(edits).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
        for refused in outcomes.into_iter().filter(Result::is_err) {
            assert_eq!(refusal(refused), Reason::EditsExhausted);
        }
        let message = world.find(None, sent).await.unwrap();
        let Some(pb::content::Body::Text(text)) = message.content.unwrap().body else { panic!("no text") };
        assert_eq!((text.text.len(), message.edits), (5, 5));
        assert_eq!(world.count("event where kind = 'edited'").await, 5);
        world.assert_lanes_gap_free().await;
    }

    async fn a_repetition_under_a_key_gets_the_first_answer_whatever_became_of_the_message(world: World) {
        let sent = world.say(ANN, TO_GROUP, "one").await;
        for keyed in [
            pb::EditRequest { idempotency_key: "k".into(), ..append(sent, " and two") },
            pb::EditRequest { transaction_id: 7, ..append(sent, " and three") },
        ] {
            let first = edit(&world, Some(ANN), keyed.clone()).await.unwrap();
            world.clock.advance(std::time::Duration::from_secs(1));
            edit(&world, Some(ANN), append(sent, "!")).await.unwrap();
            assert_eq!(edit(&world, Some(ANN), keyed).await.unwrap(), first);
        }
        let keyed = pb::EditRequest { idempotency_key: "k".into(), ..append(sent, " and two") };
        let recall = pb::RecallRequest { msg_id: sent, ..Default::default() };
        world.log.clone().recall(by_app(recall)).await.unwrap();
        let again = edit(&world, Some(ANN), keyed).await.unwrap();
        assert_eq!((again.content, again.edits), (Some(text_of("one and two")), 1));
        assert_eq!(world.count("event where kind = 'edited'").await, 4);
        let other = pb::EditRequest { idempotency_key: "k".into(), ..append(sent, "x") };
        assert_eq!(refusal(edit(&world, Some(ANN), other).await), Reason::KeyConflict);
    }

    async fn what_is_recalled_unknown_or_elsewhere_cannot_be_edited(world: World) {
        let sent = world.say(ANN, user(BOB), "one").await;
        let elsewhere = pb::EditRequest { conversation: Some(group()), ..append(sent, "x") };
        assert_eq!(refusal(edit(&world, None, elsewhere).await), Reason::MessageNotFound);
        assert_eq!(refusal(edit(&world, None, append(sent + 1, "x")).await), Reason::MessageNotFound);
        let recall = pb::RecallRequest { msg_id: sent, ..Default::default() };
        world.log.clone().recall(by_app(recall)).await.unwrap();
        assert_eq!(refusal(edit(&world, Some(ANN), append(sent, "x")).await), Reason::MessageNotFound);
    }

    async fn an_edit_keeps_type_and_size_within_bounds(world: World) {
        let sent = world.say(ANN, user(BOB), "one").await;
        let command = pb::content::Body::Command(pb::Command { action: "typing".into(), param_json: None });
        let command = pb::Content { body: Some(command), ..Default::default() };
        assert_eq!(refusal(edit(&world, None, replace(sent, command)).await), Reason::InvalidArgument);
        let nothing = pb::EditRequest { msg_id: sent, ..Default::default() };
        assert_eq!(refusal(edit(&world, None, nothing).await), Reason::InvalidArgument);
        let half = "x".repeat(70 * 1024);
        edit(&world, None, append(sent, &half)).await.unwrap();
        assert_eq!(refusal(edit(&world, None, append(sent, &half)).await), Reason::MessageTooLarge);
        assert_eq!(world.find(None, sent).await.unwrap().edits, 1);
    }
}
