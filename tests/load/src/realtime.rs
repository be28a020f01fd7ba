//! Connected clients: idle ones, one pair, a group, and many that come back at once.
//!
//! Every client checks that it saw every message once and in order.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use crate::{
    Fault, TargetArgs,
    client::Connection,
    report::Tally,
    setup::{Target, User},
    socket::Socket,
};

/// How long clients wait for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Connections that are opened at once.
const AT_ONCE: usize = 64;

/// What to do.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Line {
    /// Open connections and hold them; with `--pid`, the memory of each.
    Idle,
    /// Send 100 messages a second from one user to another.
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
    /// Of the server, to read its memory.
    pub pid: Option<u32>,
}

/// Carries out one line.
pub async fn run(target: &Target, args: &TargetArgs, plan: Plan) -> Result<(), Fault> {
    match plan.line {
        Line::Idle => idle(target, args, plan).await,
        Line::Pair => pair(target, args).await,
        Line::Group => group(target, args, plan.clients).await,
        Line::Storm => storm(target, plan.clients).await,
    }
}

async fn open(target: &Target, users: &[User], cursors: Option<&[String]>) -> Result<Vec<Socket>, Fault> {
    let open = stream::iter(users.iter().enumerate()).map(|(number, user)| async move {
        let token = target.user_token(user).await?;
        let address = target.rest[number % target.rest.len()];
        let cursor = cursors.map(|cursors| cursors[number].as_str());
        Socket::open(address, &target.app_key, &token, cursor).await
    });
    open.buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

/// Resident kilobytes of a process.
fn resident(pid: u32) -> Result<u64, Fault> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
async fn idle(target: &Target, args: &TargetArgs, plan: Plan) -> Result<(), Fault> {
    let users = target.users("idle", plan.clients).await?;
    // What the first connections cost once is not what each costs.
    let _first = open(target, &users[..users.len().min(100)], None).await?;
    let before = plan.pid.map(resident).transpose()?;
    let started = Instant::now();
    let sockets = open(target, &users, None).await?;
    println!("connected: {} in {:.1} s", sockets.len(), started.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    if let (Some(pid), Some(before)) = (plan.pid, before) {
        let each = resident(pid)?.saturating_sub(before) / u64::try_from(sockets.len())?.max(1);
        println!("memory: {each} KiB for each connection");
    }
    Ok(())
}

/// Sends one text and returns the message's id.
async fn send(
    connection: &mut Connection,
    target: &Target,
    (path, to): (&str, &str),
    from: &str,
) -> Result<String, Fault> {
    let body = json!({"from": from, "to": [to], "type": "txt", "body": {"msg": "x"}});
    let request = Request::post(format!("{}{path}", target.base))
        .header("authorization", format!("Bearer {}", target.token))
        .body(Full::new(Bytes::from(body.to_string())))?;
    let (status, answer) = connection.call(request).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let id = answer["data"].as_object().and_then(|data| data.values().next()).and_then(Value::as_str);
    Ok(id.ok_or_else(|| format!("{status} {answer}"))?.to_owned())
}

async fn pair(target: &Target, args: &TargetArgs) -> Result<(), Fault> {
    let users = target.users("pair", 2).await?;
    let mut sockets = open(target, &users[1..], None).await?;
    let mut receiver = sockets.pop().ok_or("no socket")?;
    let mut connection = Connection::open(target.rest[0]).await?;
    let mut every = tokio::time::interval(Duration::from_millis(10));
    let (started, mut micros, mut seq) = (Instant::now(), Vec::new(), 0);
    while started.elapsed() < Duration::from_secs(args.seconds) {
        every.tick().await;
        let sent_at = Instant::now();
        let id = send(&mut connection, target, ("/messages/users", &users[1].name), &users[0].name).await?;
        let event = 'event: loop {
            let frame = timeout(PATIENCE, receiver.next()).await??;
            if let Some(event) = frame.events.into_iter().find(|event| event.kind == "message.sent") {
                break 'event event;
            }
        };
        micros.push(u32::try_from(sent_at.elapsed().as_micros())?);
        seq += 1;
        if (event.msg_id.as_str(), event.seq) != (id.as_str(), seq) {
            return Err(format!("{event:?} instead of {id}, number {seq}").into());
        }
    }
    Tally { micros, ..Tally::default() }.print("send to receipt", 1, started.elapsed());
    Ok(())
}

/// Reads a conversation's messages from `first` on until number `last`, in order and each once.
async fn receive(socket: &mut Socket, mut seq: i64, last: i64) -> Result<(), Fault> {
    while seq < last {
        let frame =
            timeout(PATIENCE, socket.next()).await.map_err(|_| format!("number {} did not come", seq + 1))??;
        if frame.kind == "error" {
            return Err(frame.error_description.unwrap_or_default().into());
        }
        for event in frame.events.iter().filter(|event| event.kind == "message.sent") {
            // What came before a cursor may come again.
            if event.seq <= seq {
                continue;
            }
            seq += 1;
            if event.seq != seq {
                return Err(format!("number {} came after {}", event.seq, seq - 1).into());
            }
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
async fn group(target: &Target, args: &TargetArgs, clients: usize) -> Result<(), Fault> {
    let users = target.users("member", clients + 1).await?;
    let group = target.group(&users).await?.to_string();
    let sockets = open(target, &users[1..], None).await?;
    // Senders stop when the time is over; how many messages there are is known then.
    let (last, told) = tokio::sync::watch::channel(None::<i64>);
    let started = Instant::now();
    let mut readers = JoinSet::new();
    for mut socket in sockets {
        let mut told = told.clone();
        readers.spawn(async move {
            let mut seq = 0;
            loop {
                if let Some(last) = *told.borrow_and_update()
                    && seq >= last
                {
                    return Ok::<_, Fault>(seq);
                }
                tokio::select! {
                    frame = timeout(PATIENCE, socket.next()) => {
                        for event in frame??.events.iter().filter(|event| event.kind == "message.sent") {
                            seq += 1;
                            if event.seq != seq {
                                return Err(format!("number {} instead of {seq}", event.seq).into());
                            }
                        }
                    }
                    changed = told.changed() => changed?,
                }
            }
        });
    }
    let mut connection = Connection::open(target.rest[0]).await?;
    let mut sent = 0;
    while started.elapsed() < Duration::from_secs(args.seconds) {
        send(&mut connection, target, ("/messages/chatgroups", &group), &users[0].name).await?;
        sent += 1;
    }
    last.send_replace(Some(sent));
    let mut receipts = 0;
    while let Some(read) = readers.join_next().await {
        receipts += read??;
    }
    let took = started.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(receipts)?) / took;
    println!("fan-out: {rate:.0} receipts/s ({sent} messages to {clients} members in {took:.2} s)");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
async fn storm(target: &Target, clients: usize) -> Result<(), Fault> {
    const MISSED: i64 = 5;
    let users = Arc::new(target.users("storm", clients).await?);
    let sender = target.users("storm-from", 1).await?.remove(0);
    let sockets = open(target, &users, None).await?;
    let cursors: Vec<String> = sockets.into_iter().map(|socket| socket.cursor.unwrap_or_default()).collect();
    let mut connection = Connection::open(target.rest[0]).await?;
    for user in users.iter() {
        for _ in 0..MISSED {
            send(&mut connection, target, ("/messages/users", &user.name), &sender.name).await?;
        }
    }
    // Others send meanwhile.
    let (stop, mut stopped) = mpsc::channel::<()>(1);
    let others = target.users("other", 2).await?;
    let (url, base, token) = (target.rest[0], target.base.clone(), target.token.clone());
    let meanwhile = tokio::spawn(async move {
        let mut connection = Connection::open(url).await?;
        let mut tally = Tally::default();
        let started = Instant::now();
        while stopped.try_recv().is_err() {
            let body = json!({"from": others[0].name, "to": [others[1].name], "type": "txt", "body": {"msg": "x"}});
            let request = Request::post(format!("{base}/messages/users"))
                .header("authorization", format!("Bearer {token}"))
                .body(Full::new(Bytes::from(body.to_string())))?;
            let sent_at = Instant::now();
            connection.call(request).await?;
            tally.micros.push(u32::try_from(sent_at.elapsed().as_micros())?);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, Fault>((tally, started.elapsed()))
    });
    let started = Instant::now();
    let sockets = open(target, &users, Some(&cursors)).await?;
    println!("connected again: {clients} in {:.1} s", started.elapsed().as_secs_f64());
    let mut readers = JoinSet::new();
    for mut socket in sockets {
        readers.spawn(async move { receive(&mut socket, 0, MISSED).await });
    }
    while let Some(read) = readers.join_next().await {
        read??;
    }
    println!("caught up: {clients} clients with {MISSED} messages each in {:.1} s", started.elapsed().as_secs_f64());
    stop.send(()).await?;
    let (tally, took) = meanwhile.await??;
    tally.print("sends of others meanwhile", 1, took);
    Ok(())
}
