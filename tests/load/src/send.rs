//! Sends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;

use crate::{
    Fault, TargetArgs,
    client::Connection,
    report::Tally,
    setup::{Target, User},
    verify::{self, Acknowledged},
};

/// What to send.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// In all; 0 means 16 for each connection.
    pub conversations: usize,
    /// Of each call.
    pub recipients: usize,
    /// Of text.
    pub bytes: usize,
    /// Until acknowledged.
    pub retry: bool,
}

/// A pair of users.
#[derive(Debug)]
pub struct Pair {
    /// Who writes.
    pub from: User,
    /// Who reads.
    pub to: User,
}

/// How long a call that is repeated is waited for once the time is up.
const GRACE: Duration = Duration::from_secs(30);

/// Sends for the given time, reports, and verifies.
pub async fn run(target: &Target, args: &TargetArgs, plan: Plan, verify: bool) -> Result<(), Fault> {
    let groups = if plan.conversations == 0 { args.connections * 16 } else { plan.conversations };
    // With many recipients a group is one sender and all of them.
    let groups = if plan.recipients > 1 { args.connections } else { groups };
    let from = target.users("from", groups).await?;
    let to = target.users("to", groups * plan.recipients).await?;
    let pairs: Vec<Pair> = (0..groups * plan.recipients)
        .map(|i| Pair { from: from[i / plan.recipients].clone(), to: to[i].clone() })
        .collect();
    let pairs = Arc::new(pairs);

    let started = Instant::now();
    let until = started + Duration::from_secs(args.seconds);
    let senders = (0..args.connections).map(|number| {
        let sender = Sender {
            address: target.rest[number % target.rest.len()],
            path: format!("{}/messages/users", target.base),
            authorization: format!("Bearer {}", target.token),
            text: "x".repeat(plan.bytes),
            pairs: Arc::clone(&pairs),
            number,
            connections: args.connections,
            plan,
        };
        tokio::spawn(sender.run(until))
    });
    let senders: Vec<_> = senders.collect();
    let mut tally = Tally::default();
    let mut acknowledged = Vec::new();
    for sender in senders {
        let (part, mut acks) = sender.await??;
        tally.add(part);
        acknowledged.append(&mut acks);
    }
    let unanswered = tally.broken;
    tally.print("messages", plan.recipients, started.elapsed());
    if verify {
        verify::verify(target, &pairs, acknowledged, unanswered, plan.retry).await?;
    }
    Ok(())
}

struct Sender {
    address: std::net::SocketAddr,
    path: String,
    authorization: String,
    text: String,
    pairs: Arc<Vec<Pair>>,
    number: usize,
    connections: usize,
    plan: Plan,
}

#[derive(Deserialize)]
struct Answer {
    data: std::collections::HashMap<String, String>,
}

impl Sender {
    async fn run(self, until: Instant) -> Result<(Tally, Vec<Acknowledged>), Fault> {
        let mut tally = Tally::default();
        let mut acknowledged = Vec::new();
        let mut connection = None;
        let groups = self.pairs.len() / self.plan.recipients;
        let mut turn = self.number;
        let mut call = 0_u64;
        while Instant::now() < until {
            let first = turn % groups * self.plan.recipients;
            turn += self.connections;
            call += 1;
            let group = &self.pairs[first..first + self.plan.recipients];
            let body = self.body(group);
            let started = Instant::now();
            let answer = loop {
                match self.attempt(&mut connection, &body, call).await {
                    Ok((StatusCode::OK, answer)) => break Some(answer),
                    Ok((status, answer)) => {
                        tally.refused.push(format!("{status} {}", String::from_utf8_lossy(&answer)));
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(_) => {
                        tally.broken += usize::from(!self.plan.retry);
                        connection = None;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                if !self.plan.retry || Instant::now() > until + GRACE {
                    break None;
                }
            };
            let Some(answer) = answer else { continue };
            tally.micros.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            let answer: Answer = serde_json::from_slice(&answer)?;
            for (offset, pair) in group.iter().enumerate() {
                let id = answer.data.get(&pair.to.name).ok_or("a recipient is missing in the answer")?;
                acknowledged.push(Acknowledged { pair: first + offset, msg_id: id.parse()?, sender: self.number });
            }
        }
        Ok((tally, acknowledged))
    }

    fn body(&self, group: &[Pair]) -> Bytes {
        let to: Vec<&str> = group.iter().map(|pair| pair.to.name.as_str()).collect();
        let to = serde_json::to_string(&to).unwrap_or_default();
        let (from, text) = (&group[0].from.name, &self.text);
        format!(r#"{{"from":"{from}","to":{to},"type":"txt","body":{{"msg":"{text}"}}}}"#).into()
    }

    async fn attempt(
        &self,
        connection: &mut Option<Connection>,
        body: &Bytes,
        call: u64,
    ) -> Result<(StatusCode, Bytes), Fault> {
        let open = match connection {
            Some(open) => open,
            None => connection.insert(Connection::open(self.address).await?),
        };
        let mut request = Request::post(&self.path)
            .header(http::header::AUTHORIZATION, &self.authorization)
            .header(http::header::CONTENT_TYPE, "application/json");
        if self.plan.retry {
            request = request.header("idempotency-key", format!("{}-{}-{call}", self.pairs[0].from.name, self.number));
        }
        open.call(request.body(Full::new(body.clone()))?).await
    }
}
