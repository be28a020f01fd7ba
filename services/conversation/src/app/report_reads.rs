//! Reports read and delivered marks of an app to the message service. See [`super::report`].

use tidings_domain::{AppId, Caller, Error};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::context;

use crate::{Deps, app::mark::Which, store::mark_report::MarkReport};

/// Reports per call.
const BATCH: i64 = 500;

/// Reports some; false when there is nothing left to report.
pub async fn report(deps: &Deps, app: AppId, which: Which) -> Result<bool, Error> {
    let reports = which.reports().some(&deps.db, app, BATCH).await?;
    send(deps, app, which, &reports).await?;
    let mut tx = deps.db.begin().await?;
    which.reports().remove(&mut tx, &reports).await?;
    tx.commit().await?;
    Ok(reports.len() as i64 == BATCH)
}

async fn send(deps: &Deps, app: AppId, which: Which, reports: &[MarkReport]) -> Result<(), Error> {
    let caller = Caller::of_app(app);
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
