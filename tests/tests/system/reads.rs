//! Read marks are reported, across any crash.

use std::collections::BTreeSet;

use serde_json::json;
use tidings_proto::pb;
use tidings_testkit::{Installation, wait_until};

const KILLS: usize = 5;
const READS: usize = 8;

async fn told(server: &Installation) -> Vec<i64> {
    let request = pb::EventsRequest { kinds: vec!["conversation.read".to_owned()], ..Default::default() };
    let mut feed = server.messages().events(server.request(request)).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(reply) = feed.message().await.unwrap() {
        told.extend(reply.events.into_iter().map(|event| event.msg_id));
    }
    told
}

#[tokio::test]
async fn no_kill_loses_or_doubles_what_was_read() {
    let mut server = Installation::default();
    server.start().await;
    let agora = server.agora().await;
    agora.register(&["nora", "omar"]).await;
    let mut read = BTreeSet::new();
    for _ in 0..KILLS {
        for _ in 0..READS {
            let msg_id = agora.send_text("nora", "omar", "m").await;
            let ack = json!({"channel": "nora", "type": "chat", "msg_id": msg_id});
            agora.post("/tidings/users/omar/read_ack", &ack).await.expect(200);
            read.insert(msg_id.parse::<i64>().unwrap());
        }
        server.kill();
        server.start().await;
    }
    wait_until("everything to be told", async || told(&server).await.len() >= read.len()).await;
    let told = told(&server).await;
    assert_eq!((told.len(), told.into_iter().collect::<BTreeSet<_>>()), (read.len(), read));
}
