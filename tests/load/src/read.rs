//! Reads: pages of history, unread lists.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tidings_proto::pb;

use crate::{
    Fault, TargetArgs,
    client::Connection,
    report::Tally,
    setup::{Target, User},
};

/// Page size.
const PAGE: usize = 50;

/// Reads pages of 50 from conversations of `depth` messages, from the newest to the oldest and again.
pub async fn pages(target: &Target, args: &TargetArgs, depth: usize) -> Result<(), Fault> {
    let from = target.users("from", 1).await?.remove(0);
    let to = target.users("to", args.connections).await?;
    let targets: Vec<_> = to.iter().map(to_user).collect();
    fill(target, &from, &targets, depth).await?;
    let started = Instant::now();
    let until = started + Duration::from_secs(args.seconds);
    let readers = to.iter().enumerate().map(|(number, to)| {
        let mut reader = Reader::new(target, number, to);
        let from = from.id;
        tokio::spawn(async move {
            let mut start = 0;
            while Instant::now() < until {
                let path = format!("/message/conversation?opposite_id={from}&msg_id_start={start}&limit={PAGE}");
                let answer = reader.call(&path).await?;
                start = next_msg_id(&answer)?;
            }
            Ok::<_, Fault>(reader.tally)
        })
    });
    finish(readers.collect(), "pages", started).await
}

/// Members of each group of the user whose unread list is read.
const MEMBERS: usize = 500;

/// Reads the unread list of a user with that many `conversations` and `groups`.
pub async fn unread(target: &Target, args: &TargetArgs, conversations: usize, groups: usize) -> Result<(), Fault> {
    let reader = target.users("reader", 1).await?.remove(0);
    let others = target.users("other", conversations).await?;
    for other in &others {
        fill(target, other, &[to_user(&reader)], 3).await?;
    }
    if groups > 0 {
        fill_groups(target, &reader, groups).await?;
    }
    let started = Instant::now();
    let until = started + Duration::from_secs(args.seconds);
    let readers = (0..args.connections).map(|number| {
        let mut reader = Reader::new(target, number, &reader);
        tokio::spawn(async move {
            while Instant::now() < until {
                reader.call("/message/unread").await?;
            }
            Ok::<_, Fault>(reader.tally)
        })
    });
    finish(readers.collect(), "lists", started).await
}

async fn finish(
    readers: Vec<tokio::task::JoinHandle<Result<Tally, Fault>>>,
    what: &str,
    started: Instant,
) -> Result<(), Fault> {
    let mut tally = Tally::default();
    for reader in readers {
        tally.add(reader.await??);
    }
    tally.print(what, 1, started.elapsed());
    Ok(())
}

/// The reader and somebody else write in each group.
async fn fill_groups(target: &Target, reader: &User, groups: usize) -> Result<(), Fault> {
    let mut members = target.users("member", MEMBERS - 1).await?;
    members.push(reader.clone());
    let mut targets = Vec::with_capacity(groups);
    for _ in 0..groups {
        targets.push(pb::target::Target::GroupId(target.group(&members).await?));
    }
    fill(target, &members[0], &targets, 30).await?;
    fill(target, reader, &targets, 10).await
}

const fn to_user(user: &User) -> pb::target::Target {
    pb::target::Target::UserId(user.id)
}

/// Sends `count` messages to each target over gRPC.
async fn fill(target: &Target, from: &User, to: &[pb::target::Target], count: usize) -> Result<(), Fault> {
    for number in 0..count {
        let text = pb::Text { text: format!("message {number} of a conversation under load") };
        let content = pb::Content { body: Some(pb::content::Body::Text(text)), ..Default::default() };
        let wanted = pb::SendRequest {
            sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(from.id)) }),
            targets: to.iter().map(|to| pb::Target { target: Some(to.clone()) }).collect(),
            content: Some(content),
            ..Default::default()
        };
        target.log().send(target.request(wanted)?).await?;
    }
    Ok(())
}

fn next_msg_id(answer: &[u8]) -> Result<i64, Fault> {
    const KEY: &[u8] = b"\"next_msg_id\":";
    let at = answer.windows(KEY.len()).rposition(|window| window == KEY).ok_or("no next_msg_id in the answer")?;
    let digits = answer[at + KEY.len()..].iter().take_while(|c| c.is_ascii_digit());
    Ok(digits.fold(0, |number, c| number * 10 + i64::from(c - b'0')))
}

struct Reader {
    address: std::net::SocketAddr,
    connection: Option<Connection>,
    app_id: String,
    token: String,
    user_id: String,
    tally: Tally,
}

impl Reader {
    fn new(target: &Target, number: usize, user: &User) -> Self {
        Self {
            address: target.rest[number % target.rest.len()],
            connection: None,
            app_id: target.lanying_app_id.clone(),
            token: target.admin_token.clone(),
            user_id: user.id.to_string(),
            tally: Tally::default(),
        }
    }

    async fn call(&mut self, path: &str) -> Result<Bytes, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(Connection::open(self.address).await?),
        };
        let request = Request::get(path)
            .header("app_id", &self.app_id)
            .header("access-token", &self.token)
            .header("user_id", &self.user_id)
            .body(Full::new(Bytes::new()))?;
        let started = Instant::now();
        let (status, answer) = connection.call(request).await?;
        if status != StatusCode::OK || !answer.starts_with(b"{\"code\":200") {
            return Err(format!("{status} {}", String::from_utf8_lossy(&answer)).into());
        }
        self.tally.micros.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        Ok(answer)
    }
}
