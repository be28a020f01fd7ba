//! `GET /tidings/events`: the event feed, by long poll and as server-sent events.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tidings_testkit::{Agora, every_shape};

use crate::transcript::Transcript;

/// The answer to a poll.
async fn poll(agora: &Agora, query: &str) -> Value {
    agora.get(&format!("/tidings/events?{query}")).await.expect(200)
}

fn cursor(answer: &Value) -> String {
    answer["cursor"].as_str().expect("a cursor").to_owned()
}

async fn now(agora: &Agora) -> String {
    cursor(&poll(agora, "after=now&wait=0").await)
}

fn events(answer: &Value) -> &Vec<Value> {
    answer["data"].as_array().expect("events")
}

fn text(event: &Value) -> &str {
    event["message"]["payload"]["bodies"][0]["msg"].as_str().expect("a text")
}

/// Server-sent events as they arrive.
struct Stream {
    response: Response,
    read: String,
}

impl Stream {
    async fn open(agora: &Agora, query: &str, last: Option<&str>) -> Self {
        let mut request = agora.request(Method::GET, &format!("/tidings/events?{query}"));
        request = request.header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next event: its id, kind and data; heartbeats and cursors without an event are skipped.
    async fn next(&mut self) -> (Option<String>, String, Value) {
        loop {
            if let Some((frame, rest)) = self.read.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.read = rest;
                let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let Some(data) = field("data: ") {
                    let data = serde_json::from_str(&data).expect("JSON");
                    return (field("id: "), field("event: ").expect("a kind"), data);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_mins(1), self.response.chunk()).await.expect("in time");
            let chunk = chunk.expect("a chunk").expect("the stream goes on");
            self.read.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }
}

every_shape! {
    async fn a_poll_waits_for_what_comes_and_the_cursor_leads_on(app: TestApp) {
        let agora = app.agora();
        agora.register(&["Nora", "omar"]).await;
        let after = now(&agora).await;
        let empty = poll(&agora, &format!("after={after}&wait=0")).await;
        assert_eq!((events(&empty).len(), &empty["count"], cursor(&empty)), (0, &json!(0), after.clone()));
        let waiting = {
            let (agora, after) = (app.agora(), after.clone());
            tokio::spawn(async move { poll(&agora, &format!("after={after}&wait=60")).await })
        };
        let msg_id = agora.send_text("nora", "omar", "lunch?").await;
        let answer = waiting.await.expect("an answer");
        let told = events(&answer);
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["kind"], &told[0]["msg_id"], &told[0]["seq"]), (&json!("message.sent"), &json!(msg_id), &json!(1)));
        assert_eq!((&told[0]["from"], &told[0]["to"], &told[0]["chat_type"]), (&json!("nora"), &json!("omar"), &json!("chat")));
        assert_eq!((text(&told[0]), &told[0]["platform"], &told[0]["client_ip"]), ("lunch?", &json!("RESTAPI"), &json!("127.0.0.1")));
        assert_ne!(cursor(&answer), after);
        // The same again from the same cursor, with the same id.
        assert_eq!(events(&poll(&agora, &format!("after={after}")).await), told);
    }
}

every_shape! {
    async fn pages_lose_and_repeat_nothing(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let mut after = now(&agora).await;
        let names: Vec<String> = (0..10).map(|n| format!("omar{n}")).collect();
        for n in 0..25 {
            for part in names.chunks(10) {
                let message = json!({"from": "nora", "to": part, "type": "txt", "body": {"msg": format!("m{n}")}});
                agora.post("/messages/users", &message).await.expect(200);
            }
        }
        let (mut ids, mut pages) = (Vec::new(), Vec::new());
        loop {
            let answer = poll(&agora, &format!("after={after}&limit=100&wait=0")).await;
            if events(&answer).is_empty() {
                break;
            }
            pages.push(events(&answer).len());
            ids.extend(events(&answer).iter().map(|event| event["id"].as_str().expect("an id").to_owned()));
            after = cursor(&answer);
        }
        assert!(pages.iter().all(|page| *page <= 100), "{pages:?}");
        assert_eq!(ids.len(), 250);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 250);
    }
}

every_shape! {
    async fn a_feed_tells_recalls_edits_and_readers_and_is_narrowed_by_kinds(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let after = now(&agora).await;
        let msg_id = agora.send_text("nora", "omar", "one").await;
        let edit = json!({"user": "nora", "new_msg": {"type": "txt", "msg": "two"}});
        let request = agora.request(Method::PUT, &format!("/messages/rewrite/{msg_id}")).json(&edit);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        let ack = json!({"channel": "nora", "type": "chat", "msg_id": msg_id});
        agora.post("/tidings/users/omar/read_ack", &ack).await.expect(200);
        let read = poll(&agora, &format!("after={after}&kinds=conversation.read")).await;
        assert_eq!((events(&read).len(), &events(&read)[0]["operator"]), (1, &json!("omar")));
        let recall = json!({"msg_id": msg_id, "to": "omar", "chat_type": "chat"});
        agora.post("/messages/msg_recall", &recall).await.expect(200);
        let kinds = "message.edited,%20message.recalled";
        let told = poll(&agora, &format!("after={after}&kinds={kinds}")).await;
        let told: Vec<_> = events(&told).iter().map(|event| (event["kind"].as_str(), event["from"].as_str())).collect();
        assert_eq!(told, [(Some("message.edited"), Some("nora")), (Some("message.recalled"), Some("nora"))]);
        let mut wire = Transcript::of(&app);
        let whole = agora.get(&format!("/tidings/events?after={after}&kinds=message.edited,message.recalled,conversation.read")).await;
        let whole: Vec<String> = events(&whole.expect(200)).iter().map(|event| event["kind"].to_string()).collect();
        wire.note("kinds", &whole.join(" "));
        wire.add("edited", &agora.get(&format!("/tidings/events?after={after}&kinds=message.edited")).await);
        wire.add("recalled", &agora.get(&format!("/tidings/events?after={after}&kinds=message.recalled")).await);
        wire.add("no number", &agora.get("/tidings/events?limit=many").await);
        wire.add("no cursor", &agora.get("/tidings/events?after=yesterday").await);
        wire.add("a user", &agora.logged_in("nora").await.get("/tidings/events?wait=0").await);
        wire.check("events_http");
    }
}

every_shape! {
    async fn a_stream_goes_on_where_its_last_id_says(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut stream = Stream::open(&agora, &format!("after={}", now(&agora).await), None).await;
        agora.send_text("nora", "omar", "one").await;
        let (id, kind, data) = stream.next().await;
        assert_eq!((kind.as_str(), text(&data)), ("message.sent", "one"));
        let id = id.expect("the last of what was read together has an id");
        agora.send_text("nora", "omar", "two").await;
        assert_eq!(text(&stream.next().await.2), "two");
        drop(stream);
        agora.send_text("nora", "omar", "three").await;
        // The query has another cursor: the client's last event id takes precedence.
        let mut stream = Stream::open(&agora, "after=now", Some(&id)).await;
        assert_eq!(text(&stream.next().await.2), "two");
        assert_eq!(text(&stream.next().await.2), "three");
        let refused = agora.request(Method::GET, "/tidings/events").header("accept", "text/event-stream");
        let refused = refused.header("last-event-id", "yesterday").send().await.expect("an answer");
        assert_eq!(refused.status(), 400);
    }
}
