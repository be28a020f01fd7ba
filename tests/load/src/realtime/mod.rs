//! Connected clients: idle ones, one pair, a group, and many that come back at once.
//!
//! Every client checks that it saw every message once and in order.

mod group;
mod idle;
mod pair;
mod storm;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    Fault,
    client::Connection,
    setup::{Target, User},
    socket::Socket,
};

/// How long clients wait for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Connections that are opened at once.
const AT_ONCE: usize = 64;
/// Users that one send is for, at most.
const RECIPIENTS: usize = 600;

/// What to do.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Line {
    /// Open connections, hold them, and send each a message; with `--pid`, what each costs the server.
    Idle,
    /// Send from one user to another.
    Pair,
    /// Send to a group whose members are all connected.
    Group,
    /// Disconnect all, send, and connect all again with their cursors.
    Storm,
}

/// The plan.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub line: Line,
    pub clients: usize,
    /// Messages a second, of `pair` and `group`.
    pub rate: u32,
    /// How long to send or to hold.
    pub lasts: Duration,
    /// Of the server, to read its memory and its processor time.
    pub pid: Option<u32>,
}

/// Carries out one line.
pub async fn run(target: &Arc<Target>, plan: Plan) -> Result<(), Fault> {
    match plan.line {
        Line::Idle => idle::run(target, plan).await,
        Line::Pair => pair::run(target, plan).await,
        Line::Group => group::run(target, plan).await,
        Line::Storm => storm::run(target, plan).await,
    }
}

async fn tokens(target: &Target, users: &[User]) -> Result<Vec<String>, Fault> {
    let tokens = stream::iter(users).map(|user| target.user_token(user)).buffered(AT_ONCE);
    tokens.collect::<Vec<_>>().await.into_iter().collect()
}

/// Connects every token's user, and waits until all are ready.
async fn open(target: &Target, tokens: &[String]) -> Result<Vec<Socket>, Fault> {
    let open = stream::iter(tokens.iter().enumerate()).map(|(number, token)| open_one(target, number, token, None));
    open.buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

async fn open_one(target: &Target, number: usize, token: &str, cursor: Option<&str>) -> Result<Socket, Fault> {
    let address = target.rest[number % target.rest.len()];
    timeout(PATIENCE, Socket::open(address, &target.app_key, token, cursor)).await?
}

/// Sends a text to users or to a group and returns the messages' ids.
async fn send(
    connection: &mut Connection,
    target: &Target,
    path: &str,
    from: &User,
    to: &[&str],
) -> Result<Vec<String>, Fault> {
    let body = json!({"from": from.name, "to": to, "type": "txt", "body": {"msg": "x"}});
    let request = Request::post(format!("{}{path}", target.base))
        .header("authorization", format!("Bearer {}", target.token))
        .body(Full::new(Bytes::from(body.to_string())))?;
    let (status, answer) = connection.call(request).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let data = answer["data"].as_object().filter(|data| data.len() == to.len());
    let ids = data.map(|data| data.values().filter_map(Value::as_str).map(str::to_owned).collect());
    Ok(ids.ok_or_else(|| format!("{status} {answer}"))?)
}

/// Sends `times` texts to each of the users.
async fn send_each(target: &Target, from: &User, users: &[User], times: i64) -> Result<(), Fault> {
    let mut connection = Connection::open(target.rest[0]).await?;
    for _ in 0..times {
        for some in users.chunks(RECIPIENTS) {
            let names: Vec<&str> = some.iter().map(|user| user.name.as_str()).collect();
            send(&mut connection, target, "/messages/users", from, &names).await?;
        }
    }
    Ok(())
}

/// Reads the messages of the client's only conversation until number `last`, in order and each once.
async fn receive(socket: &mut Socket, last: i64) -> Result<(), Fault> {
    let mut seq = 0;
    while seq < last {
        let frame = timeout(PATIENCE, socket.next()).await;
        let frame = frame.map_err(|_| format!("number {} did not come", seq + 1))??;
        for number in frame.sent()? {
            seq += 1;
            if number != seq {
                return Err(format!("number {number} instead of {seq}").into());
            }
        }
    }
    Ok(())
}
