//! Imports messages of another system, one per call as the vendor does it, and reads them back at their own times.

use std::{
    io::{BufRead as _, BufReader},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use tidings_dialects::agora::export_time;
use tidings_domain::UnixMillis;
use tidings_proto::{moment_or_zero, pb};

use crate::{
    Fault, TargetArgs,
    client::Connection,
    report::Tally,
    setup::{Target, User},
};

/// Maximum duration.
const PATIENCE: Duration = Duration::from_mins(10);

/// What to import.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// In total.
    pub messages: usize,
    /// The messages are distributed among them in turn.
    pub conversations: usize,
    /// The time of the oldest, in milliseconds since 1970; the others follow, distributed over `hours`.
    pub from_ms: i64,
    pub hours: u64,
}

impl Plan {
    /// The time of a message. Neighbours in time are neighbours in number, and several share a millisecond.
    fn time(&self, number: usize) -> i64 {
        let span = self.hours as i64 * 3_600_000;
        self.from_ms + span * number as i64 / self.messages as i64
    }
}

/// Imports, reports, and verifies: every conversation has each message once, at its own time.
pub async fn run(target: &Target, args: &TargetArgs, plan: Plan) -> Result<(), Fault> {
    let from = Arc::new(target.users("old-from", plan.conversations).await?);
    let to = Arc::new(target.users("old-to", plan.conversations).await?);
    let started = Instant::now();
    let importers = (0..args.connections).map(|number| {
        let importer = Importer {
            address: target.rest[number % target.rest.len()],
            path: format!("{}/messages/users/import", target.base),
            authorization: format!("Bearer {}", target.token),
            from: Arc::clone(&from),
            to: Arc::clone(&to),
            plan,
        };
        tokio::spawn(importer.run(number, args.connections))
    });
    let importers: Vec<_> = importers.collect();
    let mut tally = Tally::default();
    for importer in importers {
        tally.add(importer.await??);
    }
    let refused = tally.refused.len();
    tally.print("imports", 1, started.elapsed());
    if refused > 0 {
        return Err("some imports were refused".into());
    }
    verify(target, plan, &from, &to).await?;
    verify_exports(target, plan).await
}

struct Importer {
    address: std::net::SocketAddr,
    path: String,
    authorization: String,
    from: Arc<Vec<User>>,
    to: Arc<Vec<User>>,
    plan: Plan,
}

impl Importer {
    /// Every `step`th message from `first` on, from later to earlier ones: the most expensive order for the log.
    async fn run(self, first: usize, step: usize) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let mut connection = Connection::open(self.address).await?;
        let until = Instant::now() + PATIENCE;
        for turn in (first..self.plan.messages).step_by(step) {
            if Instant::now() > until {
                return Err("the import takes too long".into());
            }
            let number = self.plan.messages - 1 - turn;
            let pair = number % self.plan.conversations;
            let body = format!(
                r#"{{"from":"{}","target":"{}","type":"txt","body":{{"msg":"old message {number}"}},"is_ack_read":false,"msg_timestamp":{}}}"#,
                self.from[pair].name,
                self.to[pair].name,
                self.plan.time(number)
            );
            let request = Request::post(&self.path)
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, &self.authorization)
                .body(Full::new(Bytes::from(body)))?;
            let begun = Instant::now();
            let (status, answer) = connection.call(request).await?;
            if status == StatusCode::OK {
                tally.micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            } else {
                tally.refused.push(format!("{status} {}", String::from_utf8_lossy(&answer)));
            }
        }
        Ok(tally)
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
async fn verify(target: &Target, plan: Plan, from: &[User], to: &[User]) -> Result<(), Fault> {
    let mut read = 0;
    for (pair, (from, to)) in from.iter().zip(to).enumerate() {
        let (first, second) = (from.id.min(to.id), from.id.max(to.id));
        let conversation =
            pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: first, higher_user_id: second };
        let mut times = Vec::new();
        let mut start_msg_id = 0;
        loop {
            let conversation = Some(conversation);
            let wanted = pb::PageRequest { conversation, start_msg_id, limit: 200, floor_msg_id: 0 };
            let page = target.log().page(target.request(wanted)?).await?.into_inner();
            times.extend(page.messages.iter().map(|message| moment_or_zero(message.sent_at).0));
            start_msg_id = page.next_msg_id;
            if start_msg_id == 0 {
                break;
            }
        }
        times.reverse();
        let wanted: Vec<i64> = (pair..plan.messages).step_by(plan.conversations).map(|n| plan.time(n)).collect();
        if times != wanted {
            return Err(
                format!("conversation {pair} has {} messages, not the {} imported", times.len(), wanted.len()).into()
            );
        }
        read += times.len();
    }
    println!("verified: {read} messages in {} conversations, each at its own time", plan.conversations);
    Ok(())
}

/// Every message is once in the export of its hour.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
async fn verify_exports(target: &Target, plan: Plan) -> Result<(), Fault> {
    const HOUR: i64 = 3_600_000;
    let mut connection = Connection::open(target.rest[0]).await?;
    let hours = plan.from_ms / HOUR..=plan.time(plan.messages - 1) / HOUR;
    let (mut found, mut bytes, mut waited) = (vec![false; plan.messages], 0, Duration::ZERO);
    for hour in hours {
        let begun = Instant::now();
        let path = format!("{}/chatmessages/{}", target.base, export_time(UnixMillis(hour * HOUR), 0));
        let answer = get_when_made(&mut connection, target, &path).await?;
        waited += begun.elapsed();
        for link in answer["data"].as_array().into_iter().flatten() {
            let url = link["url"].as_str().ok_or("a link without a url")?;
            let path = url.splitn(4, '/').nth(3).ok_or("a link without a path")?;
            let (status, file) = connection.call(Request::get(format!("/{path}")).body(Full::default())?).await?;
            if status != StatusCode::OK {
                return Err(format!("{status} for {url}").into());
            }
            bytes += file.len();
            for line in BufReader::new(GzDecoder::new(file.as_ref())).lines() {
                let line: Value = serde_json::from_str(&line?)?;
                let text = line["payload"]["bodies"][0]["msg"].as_str().unwrap_or_default();
                let number: usize = text.trim_start_matches("old message ").parse()?;
                let is_new = found.get_mut(number).is_some_and(|found| !std::mem::replace(found, true));
                if !is_new || line["timestamp"] != plan.time(number) || plan.time(number) / HOUR != hour {
                    return Err(format!("message {number} is in the wrong place: {line}").into());
                }
            }
        }
    }
    let missing = found.iter().filter(|found| !**found).count();
    if missing > 0 {
        return Err(format!("{missing} messages are in no export").into());
    }
    println!("exported: {} messages, {bytes} bytes, in {:.2} s", plan.messages, waited.as_secs_f64());
    Ok(())
}

/// Repeats the call until the files exist, as a client of the vendor does.
async fn get_when_made(connection: &mut Connection, target: &Target, path: &str) -> Result<Value, Fault> {
    let until = Instant::now() + Duration::from_mins(5);
    loop {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", target.token));
        let (status, answer) = connection.call(request.body(Full::default())?).await?;
        match status {
            StatusCode::OK => return Ok(serde_json::from_slice(&answer)?),
            StatusCode::NOT_FOUND => return Ok(Value::Null),
            StatusCode::BAD_REQUEST if Instant::now() < until => tokio::time::sleep(Duration::from_millis(200)).await,
            _ => return Err(format!("{status} {}", String::from_utf8_lossy(&answer)).into()),
        }
    }
}
