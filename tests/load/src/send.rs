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
    setup::{Pair, Target, User},
    verify::{self, Acknowledged},
};

/// The dialect to send in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// `POST /{org}/{app}/messages/users`.
    Agora,
    /// `POST /message/send`.
    Lanying,
}

/// What to send.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub dialect: Dialect,
    /// Members of each group; absent: to users.
    pub members: Option<usize>,
    /// In total; 0 means 16 for each connection.
    pub conversations: usize,
    /// Per call.
    pub recipients: usize,
    /// Of text.
    pub bytes: usize,
    /// Until acknowledged.
    pub retry: bool,
}

/// How long a repeated call is waited for once the time is over.
const GRACE: Duration = Duration::from_secs(30);

/// Sends for the given time, reports, and verifies.
pub async fn run(target: &Target, args: &TargetArgs, plan: Plan, verify: bool) -> Result<(), Fault> {
    let groups = if plan.conversations == 0 { args.connections * 16 } else { plan.conversations };
    // With many recipients a group of users is one sender and its recipients.
    let groups = if plan.recipients > 1 { args.connections } else { groups };
    let pairs = Arc::new(match plan.members {
        None => pairs(target, groups, plan.recipients).await?,
        Some(members) => of_groups(target, groups, members).await?,
    });

    let started = Instant::now();
    let until = started + Duration::from_secs(args.seconds);
    let senders = (0..args.connections).map(|number| {
        let sender = Sender {
            address: target.rest[number % target.rest.len()],
            route: Route::new(target, plan.dialect),
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

async fn pairs(target: &Target, senders: usize, recipients: usize) -> Result<Vec<Pair>, Fault> {
    let from = target.users("from", senders).await?;
    let to = target.users("to", senders * recipients).await?;
    let pair = |(i, to): (usize, User)| Pair { from: from[i / recipients].clone(), to, is_group: false };
    Ok(to.into_iter().enumerate().map(pair).collect())
}

/// All groups have the same members, who write in turn.
async fn of_groups(target: &Target, groups: usize, members: usize) -> Result<Vec<Pair>, Fault> {
    let members = target.users("member", members).await?;
    let mut pairs = Vec::with_capacity(groups);
    for turn in 0..groups {
        let to = User { id: target.group(&members).await?, name: String::new() };
        pairs.push(Pair { from: members[turn % members.len()].clone(), to, is_group: true });
    }
    Ok(pairs)
}

/// The target of calls, and their headers.
struct Route {
    dialect: Dialect,
    path: String,
    headers: Vec<(&'static str, String)>,
}

impl Route {
    fn new(target: &Target, dialect: Dialect) -> Self {
        let (path, headers) = match dialect {
            Dialect::Agora => {
                let authorization = format!("Bearer {}", target.token);
                (format!("{}/messages/users", target.base), vec![("authorization", authorization)])
            }
            Dialect::Lanying => {
                let app = ("app_id", target.lanying_app_id.clone());
                ("/message/send".to_owned(), vec![app, ("access-token", target.admin_token.clone())])
            }
        };
        Self { dialect, path, headers }
    }

    fn body(&self, calls: &[Pair], text: &str) -> Bytes {
        match self.dialect {
            Dialect::Agora => {
                let to: Vec<&str> = calls.iter().map(|pair| pair.to.name.as_str()).collect();
                let to = serde_json::to_string(&to).unwrap_or_default();
                let from = &calls[0].from.name;
                format!(r#"{{"from":"{from}","to":{to},"type":"txt","body":{{"msg":"{text}"}}}}"#).into()
            }
            Dialect::Lanying => {
                let to: Vec<i64> = calls.iter().map(|pair| pair.to.id).collect();
                let kind = if calls[0].is_group { 2 } else { 1 };
                let from = calls[0].from.id;
                format!(
                    r#"{{"type":{kind},"targets":{to:?},"content_type":0,"content":"{text}","from_user_id":{from}}}"#
                )
                .into()
            }
        }
    }

    /// The id of each recipient's message.
    fn ids(&self, calls: &[Pair], answer: &[u8]) -> Result<Vec<i64>, Fault> {
        match self.dialect {
            Dialect::Agora => {
                let answer: Answer = serde_json::from_slice(answer)?;
                let id = |pair: &Pair| {
                    let id = answer.data.get(&pair.to.name).ok_or("a recipient is missing in the answer")?;
                    Ok(id.parse()?)
                };
                calls.iter().map(id).collect()
            }
            Dialect::Lanying => {
                let answer: LanyingAnswer = serde_json::from_slice(answer)?;
                if answer.msg_ids.len() != calls.len() {
                    return Err("the answer has no id for each recipient".into());
                }
                Ok(answer.msg_ids)
            }
        }
    }
}

#[derive(Deserialize)]
struct LanyingAnswer {
    msg_ids: Vec<i64>,
}

struct Sender {
    address: std::net::SocketAddr,
    route: Route,
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
            let body = self.route.body(group, &self.text);
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
            for (offset, msg_id) in self.route.ids(group, &answer)?.into_iter().enumerate() {
                acknowledged.push(Acknowledged { pair: first + offset, msg_id, sender: self.number });
            }
        }
        Ok((tally, acknowledged))
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
        let mut request = Request::post(&self.route.path).header(http::header::CONTENT_TYPE, "application/json");
        for (name, value) in &self.route.headers {
            request = request.header(*name, value);
        }
        if self.plan.retry {
            request = request.header("idempotency-key", format!("{}-{}-{call}", self.pairs[0].from.name, self.number));
        }
        open.call(request.body(Full::new(body.clone()))?).await
    }
}
