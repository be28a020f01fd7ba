//! Clients to whom nothing happens: what each costs.

use std::{fs, time::Instant};

use tokio::task::JoinSet;

use super::{Plan, open, receive, send_each, tokens};
use crate::{Fault, setup::Target};

/// Clients that are connected before those that are measured: what the first connections cost once is not what each costs.
const FIRST: usize = 100;
/// Of the times in `/proc`, on Linux.
const TICKS_A_SECOND: f64 = 100.0;

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "the report is what the program is for")]
pub async fn run(target: &Target, plan: Plan) -> Result<(), Fault> {
    let users = target.users("idle", plan.clients + FIRST).await?;
    let sender = target.users("idle-from", 1).await?.remove(0);
    let tokens = tokens(target, &users).await?;
    let mut sockets = open(target, &tokens[..FIRST]).await?;
    let before = plan.pid.map(Usage::of).transpose()?;
    let started = Instant::now();
    sockets.extend(open(target, &tokens[FIRST..]).await?);
    println!("connected: {} in {:.1} s", plan.clients, started.elapsed().as_secs_f64());
    if let (Some(pid), Some(before)) = (plan.pid, &before) {
        let grown = Usage::of(pid)?.resident_kib.saturating_sub(before.resident_kib);
        println!("memory: {:.1} KiB for each connection", grown as f64 / plan.clients.max(1) as f64);
    }
    // Every client answers pings, and ends with an error if it is disconnected.
    let mut readers = JoinSet::new();
    for mut socket in sockets {
        readers.spawn(async move { receive(&mut socket, 1).await });
    }
    let (started, quiet) = (Instant::now(), plan.pid.map(Usage::of).transpose()?);
    let ended = tokio::time::timeout(plan.lasts, readers.join_next()).await;
    if let Ok(Some(ended)) = ended {
        ended??;
        return Err("a client got a message that nobody sent".into());
    }
    if let (Some(pid), Some(quiet), Some(before)) = (plan.pid, quiet, before) {
        let now = Usage::of(pid)?;
        let share = (now.ticks - quiet.ticks) as f64 / TICKS_A_SECOND / started.elapsed().as_secs_f64();
        println!("processor: {:.0} % of a core while nothing happens", share * 100.0);
        let grown = now.resident_kib.saturating_sub(before.resident_kib);
        println!("memory: {:.1} KiB for each connection afterwards", grown as f64 / plan.clients.max(1) as f64);
    }
    let started = Instant::now();
    send_each(target, &sender, &users, 1).await?;
    while let Some(read) = readers.join_next().await {
        read??;
    }
    println!("a message to each: {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// What a process has used.
struct Usage {
    resident_kib: u64,
    /// Processor time.
    ticks: u64,
}

impl Usage {
    fn of(pid: u32) -> Result<Self, Fault> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let resident_kib = line.trim().trim_end_matches(" kB").parse()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // After the name, which may have spaces, the first field is the third.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3).ok_or("no times").map(|ticks| ticks.parse::<u64>());
        Ok(Self { resident_kib, ticks: ticks(14)?? + ticks(15)?? })
    }
}
