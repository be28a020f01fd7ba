//! Reports read and delivered marks to the message service, in the background.
//!
//! A report is written in the transaction that moves the mark and deleted once it was delivered. A crash in between, or
//! another process at the same work, delivers it twice, which adds nothing.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Caller, Error};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::{Task, context};

use crate::{
    Deps,
    app::mark::Which,
    store::{
        delivered_report,
        read_report::{self, MarkReport},
    },
};

/// How often it checks without a signal.
const PAUSE: Duration = Duration::from_secs(5);
/// The pause after a failure; twice as long after each further one.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(8);
/// Reports per call.
const BATCH: i64 = 500;

/// Runs until shutdown.
pub fn spawn(deps: &Arc<Deps>) {
    let (reads, delivered) = (Arc::clone(deps), Arc::clone(deps));
    deps.tasks.run(Task::new("conversation.report_reads"), move || run(Arc::clone(&reads), Which::Read));
    deps.tasks.run(Task::new("conversation.report_delivered"), move || run(Arc::clone(&delivered), Which::Delivered));
}

async fn run(deps: Arc<Deps>, which: Which) {
    let moved = match which {
        Which::Read => &deps.read,
        Which::Delivered => &deps.delivered,
    };
    let mut rest = REST;
    loop {
        let wait = match report(&deps, which).await {
            Ok(more) => {
                rest = REST;
                if more {
                    continue;
                }
                PAUSE
            }
            Err(error) => {
                tracing::warn!(%error, ?which, "marks could not be reported yet");
                let wait = rest;
                rest = (rest * 2).min(LONGEST_REST);
                wait
            }
        };
        tokio::select! {
            () = moved.notified(), if wait == PAUSE => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Reports some; false when there is nothing left to report.
async fn report(deps: &Deps, which: Which) -> Result<bool, Error> {
    let reports = match which {
        Which::Read => read_report::some(&deps.db, BATCH).await?,
        Which::Delivered => delivered_report::some(&deps.db, BATCH).await?,
    };
    for of_app in reports.chunk_by(|one, other| one.place.app == other.place.app) {
        send(deps, which, of_app).await?;
        let mut tx = deps.db.begin().await?;
        match which {
            Which::Read => read_report::remove(&mut tx, of_app).await?,
            Which::Delivered => delivered_report::remove(&mut tx, of_app).await?,
        }
        tx.commit().await?;
    }
    Ok(reports.len() as i64 == BATCH)
}

/// All of one app.
async fn send(deps: &Deps, which: Which, reports: &[MarkReport]) -> Result<(), Error> {
    let Some(first) = reports.first() else { return Ok(()) };
    let caller = Caller::of_app(first.place.app);
    let marks: Vec<internal::ReadReport> = reports.iter().cloned().map(Into::into).collect();
    let mut log = deps.message_internal.clone();
    match which {
        Which::Read => {
            let request = context::request(&caller, internal::ReportReadsRequest { reads: marks });
            log.report_reads(request).await.map(drop).map_err(error_from_status)
        }
        Which::Delivered => {
            let request = context::request(&caller, internal::ReportDeliveredRequest { delivered: marks });
            log.report_delivered(request).await.map(drop).map_err(error_from_status)
        }
    }
}

impl From<MarkReport> for internal::ReadReport {
    fn from(report: MarkReport) -> Self {
        Self {
            user_id: report.place.user.0,
            conversation: Some(report.place.conversation.into()),
            msg_id: report.msg_id.0,
            at_ms: report.at.0,
            address: report.address,
            platform: report.platform,
            trace: report.trace,
        }
    }
}
