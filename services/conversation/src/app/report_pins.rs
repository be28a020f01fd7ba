//! Reports pins of an app to the message service. See [`super::report`].

use tidings_domain::{AppId, Caller, Error};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::context;

use crate::{
    Deps,
    store::pin_report::{self, PinReport},
};

/// Reports per call.
const BATCH: i64 = 500;

/// Reports some; false when there is nothing left to report.
pub async fn report(deps: &Deps, app: AppId) -> Result<bool, Error> {
    let reports = pin_report::some(&deps.db, app, BATCH).await?;
    let pins = reports.iter().cloned().map(Into::into).collect();
    let request = context::request(&Caller::of_app(app), internal::ReportPinsRequest { pins });
    deps.message_internal.clone().report_pins(request).await.map_err(error_from_status)?;
    let mut tx = deps.db.begin().await?;
    pin_report::remove(&mut tx, &reports).await?;
    tx.commit().await?;
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
