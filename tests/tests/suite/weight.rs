//! The size of replies is bounded whatever the size of messages, and streams that are not read do not block others, in
//! every shape.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{every_shape, wait_until};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

const HEAVY: usize = 900_000;
const MESSAGES: usize = 9;
/// The default limit of gRPC clients.
const DEFAULT: usize = 4 * 1024 * 1024;

every_shape! {
    async fn replies_stay_below_4_mib_whatever_messages_weigh(app: TestApp) {
        let policy = pb::Policy { max_content_bytes: Some(1_000_000), ..Default::default() };
        crate::policy::set(&app, policy).await;
        let agora = app.agora();
        agora.register(&["ann", "bob"]).await;
        let heavy = |n: usize| json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": format!("{n}{}", "x".repeat(HEAVY))}});
        wait_until("the policy to hold", async || agora.post("/messages/users", &heavy(0)).await.status == 200).await;
        for n in 1..MESSAGES {
            agora.post("/messages/users", &heavy(n)).await.expect(200);
        }

        let (mut log, mut ids) = (app.messages().max_decoding_message_size(DEFAULT), Vec::new());
        let [ann, bob] = [0, 1].map(|n| pb::user_ref::User::Username(["ann", "bob"][n].to_owned()));
        let users = [ann, bob].map(|user| pb::UserRef { user: Some(user) }).to_vec();
        let named = app.request(pb::ResolveUsersRequest { users, ..Default::default() });
        let found = app.directory().resolve_users(named).await.expect("both").into_inner().users;
        let conversation = pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: found[0].id.min(found[1].id), higher_user_id: found[0].id.max(found[1].id) };
        let mut start = 0;
        loop {
            let request = pb::PageRequest { conversation: Some(conversation), start_msg_id: start, limit: 200, floor_msg_id: 0 };
            let page = log.page(app.request(request)).await.expect("a page").into_inner();
            assert!(!page.messages.is_empty(), "a page leads on");
            ids.extend(page.messages.iter().map(|message| message.msg_id));
            start = page.next_msg_id;
            if start == 0 {
                break;
            }
        }
        assert_eq!(ids.len(), MESSAGES);

        let (mut left, mut found) = (ids.clone(), Vec::new());
        while !left.is_empty() {
            let reply = log.find_many(app.request(pb::FindManyRequest { msg_ids: left })).await.expect("some").into_inner();
            assert!(!reply.messages.is_empty(), "a reply leads on");
            found.extend(reply.messages.iter().map(|message| message.msg_id));
            left = reply.left_msg_ids;
        }
        assert_eq!(found, ids);

        let mut feed = log.events(app.request(pb::EventsRequest { kinds: vec!["message.sent".into()], ..Default::default() })).await.expect("a feed").into_inner();
        let mut told = Vec::new();
        while let Some(batch) = feed.message().await.expect("a batch") {
            told.extend(batch.events.iter().map(|event| event.msg_id));
        }
        told.reverse();
        assert_eq!(told, ids, "every event once and in order");

        let whole = agora.request(Method::GET, "/tidings/users/ann/export?type=chat&channel=bob").send().await.expect("an answer");
        assert_eq!(whole.status(), 200);
        let packed = whole.bytes().await.expect("a whole file");
        let mut lines = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut lines).expect("gzip");
        assert_eq!(lines.lines().count(), MESSAGES);
    }
}

every_shape! {
    async fn streams_that_nobody_reads_hold_up_no_others(app: TestApp) {
        tidings_runtime::most_connections();
        let agora = app.agora();
        agora.register(&["ann", "bob"]).await;
        let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n".to_vec();
        let form = [head, vec![7; 9_000_000], b"\r\n--b--\r\n".to_vec()].concat();
        let upload = agora.request(Method::POST, "/chatfiles").header("content-type", "multipart/form-data; boundary=b");
        let answer: Value = upload.body(form).send().await.expect("an answer").json().await.expect("JSON");
        let uuid = answer["entities"][0]["uuid"].as_str().expect("a file");
        let (host, path) = agora.base.trim_start_matches("http://").split_once('/').expect("a path");
        let (file, feed) = (format!("/{path}/chatfiles/{uuid}"), format!("/{path}/tidings/events?after=now"));
        let mut held = Vec::new();
        for n in 0..240 {
            let request = if n % 2 == 0 {
                format!("GET {file} HTTP/1.1\r\nHost: x\r\n\r\n")
            } else {
                format!("GET {feed} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n", agora.token)
            };
            let mut stream = TcpStream::connect(host).await.expect("it listens");
            stream.write_all(request.as_bytes()).await.expect("it reads");
            stream.readable().await.expect("it answers");
            held.push(stream);
        }
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        for _ in 0..3 {
            let message = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "hi"}});
            let send = http.post(format!("{}/messages/users", agora.base)).bearer_auth(&agora.token).json(&message);
            assert_eq!(send.send().await.expect("a send is answered").status(), 200);
            let taken = http.get(format!("http://{host}{file}")).send().await.expect("an answer").bytes().await;
            assert_eq!(taken.expect("a whole file").len(), 9_000_000);
        }
    }
}
