//! Reports read marks to the message service, in the background.
//!
//! A report is written in the transaction that moves the mark and deleted once it was delivered. A crash in between, or
//! another process at the same work, delivers it twice, which adds nothing.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Caller, Error};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::{Task, context};

use crate::{
    Deps,
    store::read_report::{self, ReadReport},
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
    let working = Arc::clone(deps);
    deps.tasks.run(Task::new("conversation.report_reads"), move || run(Arc::clone(&working)));
}

async fn run(deps: Arc<Deps>) {
    let mut rest = REST;
    loop {
        let wait = match report(&deps).await {
            Ok(more) => {
                rest = REST;
                if more {
                    continue;
                }
                PAUSE
            }
            Err(error) => {
                tracing::warn!(%error, "read marks could not be reported yet");
                let wait = rest;
                rest = (rest * 2).min(LONGEST_REST);
                wait
            }
        };
        tokio::select! {
            () = deps.read.notified(), if wait == PAUSE => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Reports some; false when there is nothing left to report.
async fn report(deps: &Deps) -> Result<bool, Error> {
    let reports = read_report::some(&deps.db, BATCH).await?;
    for of_app in reports.chunk_by(|one, other| one.place.app == other.place.app) {
        let reads = of_app.iter().cloned().map(Into::into).collect();
        let caller = Caller::of_app(of_app[0].place.app);
        let request = context::request(&caller, internal::ReportReadsRequest { reads });
        deps.message_internal.clone().report_reads(request).await.map_err(error_from_status)?;
        let mut tx = deps.db.begin().await?;
        read_report::remove(&mut tx, of_app).await?;
        tx.commit().await?;
    }
    Ok(reports.len() as i64 == BATCH)
}

impl From<ReadReport> for internal::ReadReport {
    fn from(report: ReadReport) -> Self {
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
