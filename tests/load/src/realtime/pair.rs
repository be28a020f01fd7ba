//! One user writes to another.

use std::time::{Duration, Instant};

use tokio::{sync::mpsc, time::timeout};

use super::{PATIENCE, Plan, open, send, tokens};
use crate::{Fault, client::Connection, report::Tally, setup::Target};

pub async fn run(target: &Target, plan: Plan) -> Result<(), Fault> {
    let users = target.users("pair", 2).await?;
    let mut receiver = open(target, &tokens(target, &users[1..]).await?).await?.remove(0);
    // A task of its own notes when a message comes: it may come before the send is answered.
    let (came, mut comes) = mpsc::unbounded_channel();
    let reader = tokio::spawn(async move {
        loop {
            let frame = receiver.next().await?;
            let at = Instant::now();
            for event in frame.events.into_iter().filter(|event| event.kind == "message.sent") {
                if came.send((event.msg_id, event.seq, at)).is_err() {
                    return Ok::<_, Fault>(());
                }
            }
        }
    });
    let mut connection = Connection::open(target.rest[0]).await?;
    let mut every = tokio::time::interval(Duration::from_secs(1) / plan.rate);
    let (mut after_answer, mut after_send) = (Tally::default(), Tally::default());
    let (started, mut seq) = (Instant::now(), 0);
    while started.elapsed() < plan.lasts {
        every.tick().await;
        let sent_at = Instant::now();
        let id = send(&mut connection, target, "/messages/users", &users[0], &[&users[1].name]).await?.remove(0);
        let answered_at = Instant::now();
        let (came, number, at) = timeout(PATIENCE, comes.recv()).await?.ok_or("the receiver was disconnected")?;
        seq += 1;
        if (came.as_str(), number) != (id.as_str(), seq) {
            return Err(format!("{came}, number {number}, instead of {id}, number {seq}").into());
        }
        after_answer.micros.push(u32::try_from(at.saturating_duration_since(answered_at).as_micros())?);
        after_send.micros.push(u32::try_from(at.saturating_duration_since(sent_at).as_micros())?);
    }
    reader.abort();
    after_answer.print("from the answer to the receipt", 1, started.elapsed());
    after_send.print("from the send to the receipt", 1, started.elapsed());
    Ok(())
}
