//! Reports of gateways on the wire.

use std::net::IpAddr;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_proto::internal;

use crate::{
    app::{EndedSession, SessionReport},
    model::{Connected, check_text},
    store::connected_session::SessionKey,
};

/// Sessions of each kind per report.
const MOST: usize = 500;
const MAX_RESOURCE: usize = 128;
const MAX_PLATFORM: usize = 32;

/// What a gateway reports.
pub(crate) fn session_report(wire: internal::ReportSessionsRequest) -> Result<SessionReport, Error> {
    let gateway = wire.gateway_id;
    if gateway <= 0 {
        return Err(Error::invalid("gateway_id", "must be above 0"));
    }
    if wire.started.len() > MOST || wire.ended.len() > MOST {
        return Err(Error::invalid("started", format!("and ended must be at most {MOST} each")));
    }
    let started = wire.started.into_iter().map(|session| started(gateway, session)).collect::<Result<_, _>>()?;
    let ended = wire.ended.into_iter().map(|session| ended(gateway, session)).collect::<Result<_, _>>()?;
    Ok(SessionReport { gateway, started, ended, is_last: wire.last })
}

fn started(gateway: i64, wire: internal::StartedSession) -> Result<(Connected, Option<IpAddr>), Error> {
    check_text("resource", &wire.resource, MAX_RESOURCE)?;
    check_text("platform", &wire.platform, MAX_PLATFORM)?;
    if wire.resource.is_empty() {
        return Err(Error::invalid("resource", "is required"));
    }
    if wire.device_sn <= 0 {
        return Err(Error::invalid("device_sn", "must be above 0"));
    }
    let session = Connected {
        app: AppId(wire.app_id),
        user: UserId(wire.user_id),
        gateway,
        id: wire.session_id,
        device_sn: wire.device_sn.into(),
        resource: wire.resource,
        platform: wire.platform,
        opened_at: UnixMillis(wire.opened_at_ms),
        is_single: wire.single,
    };
    Ok((session, wire.address.parse().ok()))
}

fn ended(gateway: i64, wire: internal::EndedSession) -> Result<EndedSession, Error> {
    let key = SessionKey { app: AppId(wire.app_id), user: UserId(wire.user_id), gateway, id: wire.session_id };
    Ok(EndedSession { key, how: wire.how().try_into()?, address: wire.address.parse().ok() })
}
