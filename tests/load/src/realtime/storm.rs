//! All clients lose their connection, miss messages, and come back at once with their cursors.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
};

use super::{Plan, open, open_one, receive, send, send_each, tokens};
use crate::{
    Fault,
    client::Connection,
    report::Tally,
    setup::{Target, User},
};

/// Messages that each client misses.
const MISSED: i64 = 5;
/// Connections whose opening is under way: more than a system's queue of connections may be refused.
const AT_ONCE: usize = 512;
/// How long others send before and after, each.
const CALM: Duration = Duration::from_secs(2);

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
pub async fn run(target: &Arc<Target>, plan: Plan) -> Result<(), Fault> {
    let users = target.users("storm", plan.clients).await?;
    let sender = target.users("storm-from", 1).await?.remove(0);
    let tokens = tokens(target, &users).await?;
    let sockets = open(target, &tokens).await?;
    let cursors: Vec<String> = sockets.into_iter().map(|socket| socket.cursor.unwrap_or_default()).collect();
    send_each(target, &sender, &users, MISSED).await?;
    let others = target.users("other", 2).await?;
    send_for(target, &others, CALM).await?.print("sends of others before", 1, CALM);
    let (stop, stopped) = oneshot::channel();
    let meanwhile = tokio::spawn(send_until(Arc::clone(target), others, stopped));
    let (started, turns) = (Instant::now(), Arc::new(Semaphore::new(AT_ONCE)));
    let mut readers = JoinSet::new();
    for (number, (token, cursor)) in tokens.into_iter().zip(cursors).enumerate() {
        let (target, turns) = (Arc::clone(target), Arc::clone(&turns));
        readers.spawn(async move {
            let turn = turns.acquire_owned().await?;
            let mut socket = open_one(&target, number, &token, Some(&cursor)).await?;
            drop(turn);
            receive(&mut socket, MISSED).await?;
            Ok::<_, Fault>((started.elapsed(), socket))
        });
    }
    let (mut caught_up, mut sockets) = (Tally::default(), Vec::new());
    while let Some(read) = readers.join_next().await {
        let (after, socket) = read??;
        caught_up.micros.push(u32::try_from(after.as_micros())?);
        // Stays connected until all are.
        sockets.push(socket);
    }
    let took = started.elapsed();
    caught_up.print(&format!("clients that caught up on {MISSED} messages"), 1, took);
    let _ = stop.send(());
    meanwhile.await??.print("sends of others meanwhile", 1, took);
    println!("all {} clients had caught up after {:.1} s", plan.clients, took.as_secs_f64());
    Ok(())
}

async fn send_for(target: &Target, others: &[User], lasts: Duration) -> Result<Tally, Fault> {
    let (mut connection, mut tally, started) =
        (Connection::open(target.rest[0]).await?, Tally::default(), Instant::now());
    while started.elapsed() < lasts {
        tally.micros.push(send_one(&mut connection, target, others).await?);
    }
    Ok(tally)
}

async fn send_until(
    target: Arc<Target>,
    others: Vec<User>,
    mut stopped: oneshot::Receiver<()>,
) -> Result<Tally, Fault> {
    let (mut connection, mut tally) = (Connection::open(target.rest[0]).await?, Tally::default());
    while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        tally.micros.push(send_one(&mut connection, &target, &others).await?);
    }
    Ok(tally)
}

/// At most 200 a second.
async fn send_one(connection: &mut Connection, target: &Target, others: &[User]) -> Result<u32, Fault> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let sent_at = Instant::now();
    send(connection, target, "/messages/users", &others[0], &[&others[1].name]).await?;
    Ok(u32::try_from(sent_at.elapsed().as_micros())?)
}
