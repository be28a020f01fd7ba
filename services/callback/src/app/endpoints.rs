//! Adds, lists, pauses, resumes and removes endpoints.

use std::time::Duration;

use tidings_domain::{App, AppId, Caller, Error, Reason};
use tidings_outbound::{check_token, check_url};
use tidings_proto::{error_from_status, pb, span};
use tidings_runtime::context;

use super::Core;
use crate::{
    kinds::kinds,
    model::{Dialect, Endpoint, Retry},
    store, webhook,
};

/// Deliveries removed per transaction.
const STEP: i64 = 1_000;

/// Maximum number of endpoints of an app: each is followed and delivered to separately.
const MAX_ENDPOINTS: i64 = 100;

/// Timeout of a call.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30);
/// The default (tencent.md 2).
const TIMEOUT: Duration = Duration::from_secs(2);

/// The endpoint to add.
#[derive(Debug)]
pub struct New {
    pub dialect: Dialect,
    pub url: String,
    pub token: Option<String>,
    pub events: Vec<String>,
    pub ordered: bool,
    pub retry: Retry,
    pub timeout: Duration,
    pub allow_private: bool,
}

impl New {
    /// Validates what can be checked before the first call.
    pub fn check(wire: pb::AddEndpointRequest) -> Result<Self, Error> {
        let dialect = match wire.dialect() {
            pb::CallbackDialect::Tencent => Dialect::Tencent,
            pb::CallbackDialect::Agora => Dialect::Agora,
            pb::CallbackDialect::Lanying => Dialect::Lanying,
            pb::CallbackDialect::Unspecified => return Err(Error::invalid("dialect", "is required")),
        };
        let retry = match wire.retry() {
            pb::RetryMode::Durable | pb::RetryMode::Unspecified => Retry::Durable,
            pb::RetryMode::None => Retry::None,
            pb::RetryMode::Timeout => Retry::Timeout,
        };
        check_url(&wire.url)?;
        check_token(&wire.token)?;
        if let Some(event) = wire.events.iter().find(|event| kinds(dialect).all(|known| known != event.as_str())) {
            let (vendor, known) = (dialect.name(), kinds(dialect).collect::<Vec<_>>().join(", "));
            return Err(Error::invalid("events", format!("has {event}, but {vendor} has callbacks only for {known}")));
        }
        let timeout = match span("timeout", wire.timeout)?.unwrap_or_default() {
            Duration::ZERO => TIMEOUT,
            given if TIMEOUTS.contains(&given) => given,
            _ => return Err(Error::invalid("timeout", "must be from 0.1 to 30 seconds")),
        };
        Ok(Self {
            dialect,
            url: wire.url,
            token: Some(wire.token).filter(|token| !token.is_empty()),
            events: wire.events,
            ordered: wire.ordered,
            retry,
            timeout,
            allow_private: wire.allow_private,
        })
    }
}

/// Adds it; it is notified of what is committed from now on.
pub async fn add(core: &Core, app: &App, new: New) -> Result<Endpoint, Error> {
    let cursor = now(core, app.id).await?;
    let mut tx = core.deps.db.begin().await?;
    // Locks the app's counter, so that no two calls take the last place.
    let id = store::endpoint::count(&mut tx, app.id, "endpoint", 1).await?;
    if store::endpoint::number(&mut tx, app.id).await? >= MAX_ENDPOINTS {
        return Err(Error::invalid("endpoints", format!("must be at most {MAX_ENDPOINTS} in an app")));
    }
    let endpoint = Endpoint {
        app: app.id,
        id,
        dialect: new.dialect,
        url: new.url,
        token: new.token,
        secret: webhook::new_secret(&*core.deps.entropy),
        previous: None,
        events: new.events,
        ordered: new.ordered,
        retry: new.retry,
        timeout: new.timeout,
        allow_private: new.allow_private,
        paused: None,
        is_broken: false,
        created_at: core.deps.clock.now(),
        cursor,
    };
    let seal = |column: &str, text: &str| core.key.seal(app.id, column, text, &*core.deps.entropy);
    store::endpoint::insert(&mut tx, &endpoint, seal).await?;
    tx.commit().await?;
    core.wake();
    Ok(endpoint)
}

/// The current cursor of the feed.
async fn now(core: &Core, app: AppId) -> Result<String, Error> {
    let request = pb::EventsRequest { after: "now".to_owned(), ..Default::default() };
    let feed = core.deps.message.clone().events(context::request(&Caller::of_app(app), request)).await;
    let first = feed.map_err(error_from_status)?.into_inner().message().await.map_err(error_from_status)?;
    first.map(|first| first.cursor).ok_or_else(|| Error::internal("the feed has no start cursor"))
}

/// Pauses it, or (`None`) resumes it.
pub async fn pause(core: &Core, app: AppId, id: i64, because: Option<&str>) -> Result<Endpoint, Error> {
    let endpoint = core.endpoint(app, id).await?;
    let mut tx = core.deps.db.begin().await?;
    store::endpoint::pause(&mut tx, app, id, because).await?;
    tx.commit().await?;
    core.wake();
    Ok(Endpoint { paused: because.map(str::to_owned), ..endpoint })
}

/// How long a replaced key signs too by default.
const OVERLAP: Duration = Duration::from_hours(24);
const MAX_OVERLAP: Duration = Duration::from_hours(7 * 24);

/// Replaces its key, which is returned only here; the former one also signs until the overlap ends.
pub async fn rotate(core: &Core, app: AppId, id: i64, overlap: Option<Duration>) -> Result<Endpoint, Error> {
    let overlap = overlap.unwrap_or(OVERLAP);
    if overlap > MAX_OVERLAP {
        return Err(Error::invalid("overlap", "must be at most 7 days"));
    }
    core.endpoint(app, id).await?;
    let secret = webhook::new_secret(&*core.deps.entropy);
    let until = core.deps.clock.now() + overlap;
    let seal = |column: &str, text: &str| core.key.seal(app, column, text, &*core.deps.entropy);
    let mut tx = core.deps.db.begin().await?;
    if !store::endpoint::rotate(&mut tx, (app, id), &secret, until, seal).await? {
        return Err(Error::new(Reason::EndpointNotFound, id.to_string()));
    }
    tx.commit().await?;
    core.wake();
    // One that was paused because its key was unusable is resumed.
    core.endpoint(app, id).await
}

/// Removes it and everything queued for it. This happens in steps, each committed, so that it ends however much there
/// is: an interrupted call keeps its progress, and can be repeated.
pub async fn remove(core: &Core, app: AppId, id: i64) -> Result<Endpoint, Error> {
    let endpoint = core.endpoint(app, id).await?;
    loop {
        let mut tx = core.deps.db.begin().await?;
        let is_last = store::delivery::empty(&mut tx, (app, id), STEP).await? < STEP;
        if is_last {
            store::endpoint::delete(&mut tx, app, id).await?;
        }
        tx.commit().await?;
        if is_last {
            break;
        }
    }
    core.wake();
    Ok(endpoint)
}
