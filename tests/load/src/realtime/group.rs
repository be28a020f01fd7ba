//! One user writes to a group whose other members are all connected.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{PATIENCE, Plan, open, send, tokens};
use crate::{Fault, client::Connection, report::Tally, setup::Target, socket::Socket};

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
pub async fn run(target: &Target, plan: Plan) -> Result<(), Fault> {
    let users = target.users("member", plan.clients + 1).await?;
    let group = target.group(&users).await?.to_string();
    let sockets = open(target, &tokens(target, &users[1..]).await?).await?;
    // When each message was sent; how many there are is known at the end.
    let sends = Arc::new(Mutex::new(Vec::new()));
    let (last, told) = watch::channel(None);
    let mut readers = JoinSet::new();
    for socket in sockets {
        readers.spawn(read(socket, told.clone(), Arc::clone(&sends)));
    }
    let mut connection = Connection::open(target.rest[0]).await?;
    let mut every = tokio::time::interval(Duration::from_secs(1) / plan.rate);
    let (started, mut sent) = (Instant::now(), 0);
    while started.elapsed() < plan.lasts {
        every.tick().await;
        sends.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        send(&mut connection, target, "/messages/chatgroups", &users[0], &[&group]).await?;
        sent += 1;
        if let Some(ended) = readers.try_join_next() {
            ended??;
            return Err("a member has ended early".into());
        }
    }
    let sending = started.elapsed();
    last.send_replace(Some(sent));
    let mut receipts = Tally::default();
    while let Some(read) = readers.join_next().await {
        receipts.add(Tally { micros: read??, ..Tally::default() });
    }
    println!("sent: {sent} to {} members in {:.2} s", plan.clients, sending.as_secs_f64());
    receipts.print("receipts, from the send", 1, started.elapsed());
    Ok(())
}

/// Reads until the last message; how long after its send each came, in microseconds.
async fn read(
    mut socket: Socket,
    mut told: watch::Receiver<Option<usize>>,
    sends: Arc<Mutex<Vec<Instant>>>,
) -> Result<Vec<u32>, Fault> {
    let mut micros = Vec::new();
    loop {
        if *told.borrow_and_update() == Some(micros.len()) {
            return Ok(micros);
        }
        tokio::select! {
            frame = timeout(PATIENCE, socket.next()) => for number in frame??.sent()? {
                let sent_at = usize::try_from(number - 1).ok()
                    .filter(|place| *place == micros.len())
                    .and_then(|place| sends.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied())
                    .ok_or_else(|| format!("number {number} came as the {}. message", micros.len() + 1))?;
                micros.push(u32::try_from(sent_at.elapsed().as_micros())?);
            },
            changed = told.changed() => changed?,
        }
    }
}
