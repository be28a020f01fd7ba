//! Changes of users and groups become events, across any crash.

use std::collections::BTreeSet;

use serde_json::json;
use tidings_proto::pb;
use tidings_testkit::{Installation, wait_until};

const KILLS: usize = 5;
const CHANGES: usize = 8;

/// The name of each group that the feed says was created.
async fn told(server: &Installation) -> Vec<String> {
    let request = pb::EventsRequest { kinds: vec!["group.created".to_owned()], ..Default::default() };
    let mut feed = server.messages().events(server.request(request)).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(reply) = feed.message().await.unwrap() {
        for event in reply.events {
            let Some(pb::change::Change::GroupCreated(created)) = event.change.unwrap().change else {
                panic!("another change under the name group.created");
            };
            told.push(created.name);
        }
    }
    told
}

#[tokio::test]
async fn no_kill_loses_or_doubles_a_change() {
    let mut server = Installation::default();
    server.start().await;
    let agora = server.agora().await;
    agora.register(&["nora"]).await;
    let mut created = BTreeSet::new();
    for kill in 0..KILLS {
        for n in 0..CHANGES {
            let name = format!("g{kill}-{n}");
            let group = json!({"groupname": name, "public": true, "owner": "nora"});
            agora.post("/chatgroups", &group).await.expect(200);
            created.insert(name);
        }
        server.kill();
        server.start().await;
    }
    wait_until("everything to be told", async || told(&server).await.len() >= created.len()).await;
    let told = told(&server).await;
    assert_eq!((told.len(), told.into_iter().collect::<BTreeSet<_>>()), (created.len(), created));
}
