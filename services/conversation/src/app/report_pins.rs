//! Reports pins to the message service, in the background, as [`super::report_reads`] reports read marks.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Caller, Error};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::{Task, context};

use crate::{
    Deps,
    store::pin_report::{self, PinReport},
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
    deps.tasks.run(Task::new("conversation.report_pins"), move || run(Arc::clone(&working)));
}

async fn run(deps: Arc<Deps>) {
    let mut rest = REST;
    loop {
        match report(&deps).await {
            Ok(true) => rest = REST,
            Ok(false) => {
                rest = REST;
                tokio::select! {
                    () = deps.pinned.notified() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "pins could not be reported yet");
                tokio::time::sleep(rest).await;
                rest = (rest * 2).min(LONGEST_REST);
            }
        }
    }
}

/// Reports some; false when there is nothing left to report.
async fn report(deps: &Deps) -> Result<bool, Error> {
    let reports = pin_report::some(&deps.db, BATCH).await?;
    for of_app in reports.chunk_by(|one, other| one.app == other.app) {
        let pins = of_app.iter().cloned().map(Into::into).collect();
        let request = context::request(&Caller::of_app(of_app[0].app), internal::ReportPinsRequest { pins });
        deps.message_internal.clone().report_pins(request).await.map_err(error_from_status)?;
        let mut tx = deps.db.begin().await?;
        pin_report::remove(&mut tx, of_app).await?;
        tx.commit().await?;
    }
    Ok(reports.len() as i64 == BATCH)
}

impl From<PinReport> for internal::PinReport {
    fn from(report: PinReport) -> Self {
        Self {
            number: report.number,
            user_id: report.operator.0,
            conversation: Some(report.conversation.into()),
            msg_id: report.msg_id.0,
            pinned: report.pinned,
            at_ms: report.at.0,
            address: report.address,
            platform: report.platform,
            trace: report.trace,
        }
    }
}
