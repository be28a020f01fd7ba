//! Content that has changed in the database by itself is refused by every read, and named.

use tidings_domain::{AppId, Finding, Reason};
use tidings_message::verify;
use tidings_proto::pb::{self, edit_request::Change};
use tonic::{Response, Status};

use crate::world::{ANN, BOB, EVE, TO_GROUP, World, both_engines, by, by_app, direct, group, refusal, text_of, user};

/// Changes one letter of a text.
const FLIP: &str = "update message set body = replace(body, 'the text', 'the next')";

/// Ids of the messages of the events after a cursor, up to an error.
async fn feed(world: &World, after: &str) -> (Vec<i64>, Result<String, Status>) {
    let request = pb::EventsRequest { after: after.to_owned(), ..Default::default() };
    let mut feed = world.log.clone().events(by_app(request)).await.unwrap().into_inner();
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        match feed.message().await {
            Ok(Some(reply)) => {
                ids.extend(reply.events.iter().map(|event| event.msg_id));
                cursor = reply.cursor;
            }
            Ok(None) => return (ids, Ok(cursor)),
            Err(status) => return (ids, Err(status)),
        }
    }
}

async fn find_many(world: &World, msg_ids: Vec<i64>) -> Result<Vec<i64>, Status> {
    let found = world.log.clone().find_many(by_app(pb::FindManyRequest { msg_ids })).await?.into_inner();
    Ok(found.messages.iter().map(|message| message.msg_id).collect())
}

/// The number of bytes of the file of a conversation.
async fn exported(world: &World, conversation: pb::ConversationId) -> Result<usize, Status> {
    let request = pb::ExportConversationRequest { conversation: Some(conversation) };
    let mut chunks = world.log.clone().export_conversation(by_app(request)).await?.into_inner();
    let mut bytes = 0;
    while let Some(chunk) = chunks.message().await? {
        bytes += chunk.bytes.len();
    }
    Ok(bytes)
}

async fn edit(world: &World, msg_id: i64, change: Change) -> Result<pb::Message, Status> {
    let request = pb::EditRequest { msg_id, change: Some(change), ..Default::default() };
    world.log.clone().edit(by(ANN, request)).await.map(Response::into_inner)
}

async fn findings(world: &World) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    verify::app(&world.db, AppId(1), &mut |Finding { kind, what, .. }| found.push((kind, what))).await.unwrap();
    found
}

fn is_damaged<T: std::fmt::Debug>(reply: Result<T, Status>) -> bool {
    refusal(reply) == Reason::DataDamaged
}

both_engines! {
    async fn a_changed_letter_is_refused_by_every_read_and_named_and_sends_go_on(world: World) {
        let (_, begin) = feed(&world, "now").await;
        let begin = begin.unwrap();
        let before = world.say(ANN, user(BOB), "before").await;
        let damaged = world.say(ANN, user(BOB), "the text").await;
        let elsewhere = world.say(ANN, TO_GROUP, "elsewhere").await;
        assert!(findings(&world).await.is_empty());
        world.execute(FLIP).await;

        assert!(is_damaged(world.find(Some(BOB), damaged).await));
        assert!(is_damaged(find_many(&world, vec![before, damaged]).await));
        assert!(is_damaged(world.page(Some(BOB), direct(ANN, BOB)).await));
        assert!(is_damaged(world.page(None, direct(ANN, BOB)).await));
        assert!(is_damaged(exported(&world, direct(ANN, BOB)).await));
        assert!(is_damaged(edit(&world, damaged, Change::Append("!".into())).await));
        let status = world.find(Some(BOB), damaged).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::DataLoss);
        // What comes before it in its lane, and the other lanes, are read.
        let (mut ids, end) = feed(&world, &begin).await;
        ids.sort_unstable();
        assert_eq!(ids, [before, elsewhere]);
        assert!(is_damaged(end));
        let named = format!("message {damaged} has other content than was written");
        assert_eq!(findings(&world).await, [("checksum", named)]);

        // The rest is served, and sends go on.
        let after = world.say(BOB, user(ANN), "after").await;
        assert_eq!(find_many(&world, vec![before, after]).await.unwrap(), [before, after]);
        assert_eq!(world.page(Some(BOB), group()).await.unwrap(), [elsewhere]);
        assert_eq!(world.unread(BOB, vec![]).await.iter().map(|entry| entry.2).sum::<i64>(), 3);

        // A recall takes it away.
        let recall = pb::RecallRequest { msg_id: damaged, ..Default::default() };
        assert!(world.log.clone().recall(by_app(recall)).await.unwrap().into_inner().recalled);
        assert_eq!(world.page(Some(BOB), direct(ANN, BOB)).await.unwrap(), [after, before]);
        assert!(exported(&world, direct(ANN, BOB)).await.unwrap() > 0);
        let (mut ids, end) = feed(&world, &begin).await;
        ids.sort_unstable();
        let mut expected = [before, elsewhere, after, damaged];
        expected.sort_unstable();
        // Of the damaged one only its recall.
        assert_eq!(ids, expected);
        assert!(end.is_ok());
        assert_eq!(world.events().await, [("recalled".to_owned(), damaged)]);
    }

    async fn a_changed_letter_of_a_large_text_is_refused_and_named(world: World) {
        let long = format!("{}the text", "a".repeat(40_000));
        let damaged = world.say(ANN, user(BOB), &long).await;
        assert_eq!(world.page(Some(BOB), direct(ANN, BOB)).await.unwrap(), [damaged]);
        assert!(findings(&world).await.is_empty());
        world.execute(FLIP).await;
        assert!(is_damaged(world.find(Some(BOB), damaged).await));
        assert!(is_damaged(find_many(&world, vec![damaged]).await));
        assert!(is_damaged(world.page(Some(BOB), direct(ANN, BOB)).await));
        assert!(is_damaged(exported(&world, direct(ANN, BOB)).await));
        assert!(is_damaged(feed(&world, "").await.1));
        assert_eq!(findings(&world).await.len(), 1);
    }

    async fn an_edit_renews_the_checksum(world: World) {
        let sent = world.say(ANN, user(BOB), "one").await;
        for _ in 0..2 {
            edit(&world, sent, Change::Append(", the text".into())).await.unwrap();
        }
        assert_eq!(world.find(Some(BOB), sent).await.unwrap().edits, 2);
        assert_eq!(world.page(Some(BOB), direct(ANN, BOB)).await.unwrap(), [sent]);
        assert!(findings(&world).await.is_empty());
        world.execute(FLIP).await;
        assert!(is_damaged(world.find(Some(BOB), sent).await));
        assert_eq!(findings(&world).await.len(), 1);
    }

    async fn a_changed_letter_in_the_event_of_an_edit_is_refused_until_it_is_recalled(world: World) {
        let sent = world.say(ANN, user(BOB), "one").await;
        let (_, before) = feed(&world, "now").await;
        let before = before.unwrap();
        let edited = edit(&world, sent, Change::Append(", the text".into())).await.unwrap();
        assert_eq!(edited.edits, 1);
        assert_eq!(feed(&world, &before).await.0, [sent]);
        world.execute("update event set body = replace(body, 'the text', 'the next')").await;
        let (ids, end) = feed(&world, &before).await;
        assert!(ids.is_empty() && is_damaged(end));
        world.find(None, sent).await.unwrap();
        let recall = pb::RecallRequest { msg_id: sent, ..Default::default() };
        world.log.clone().recall(by_app(recall)).await.unwrap();
        let (ids, end) = feed(&world, &before).await;
        assert_eq!(ids, [sent]);
        assert!(end.is_ok());
    }

    async fn what_a_version_without_checksums_wrote_or_edited_is_served(world: World) {
        let written = world.say(ANN, user(BOB), "the text").await;
        world.execute("update message set checksum = 0").await;
        let edited = world.say(ANN, user(EVE), "the text").await;
        world.execute("update message set body = '{\"text\":\"edited\"}', edits = 1 where checksum <> 0").await;
        assert_eq!(find_many(&world, vec![written, edited]).await.unwrap(), [written, edited]);
        assert!(findings(&world).await.is_empty());
        // From then on it has one.
        edit(&world, written, Change::Append("!".into())).await.unwrap();
        world.execute(FLIP).await;
        assert!(is_damaged(world.find(None, written).await));
        world.find(None, edited).await.unwrap();
    }

    async fn an_imported_message_has_a_checksum(world: World) {
        let request = pb::ImportRequest {
            sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(ANN)) }),
            target: Some(pb::Target { target: Some(user(BOB)) }),
            content: Some(text_of("the text")),
            ..Default::default()
        };
        let sent = world.log.clone().import(by_app(request)).await.unwrap().into_inner().sent.unwrap();
        world.find(None, sent.msg_id).await.unwrap();
        world.execute(FLIP).await;
        assert!(is_damaged(world.find(None, sent.msg_id).await));
    }
}
