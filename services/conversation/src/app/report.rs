//! Reports to the message service, in the background, changes for the event feed: read marks, delivered marks, pins.
//!
//! A report is written in the transaction of the change and deleted once it was delivered. A crash in between, or another
//! process at the same work, delivers it twice, which adds nothing. Apps have their turns: what is refused of one app waits,
//! and the others' is reported.

use std::{sync::Arc, time::Duration};

use tidings_domain::{AppId, Error};
use tidings_runtime::Task;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{mark::Which, report_pins, report_reads, turns::Turns};
use crate::{Deps, store::pin_report};

/// How often it checks without a signal.
const PAUSE: Duration = Duration::from_secs(5);
/// The pause after a failure; twice as long after each further one.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(8);

/// What is reported.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Read,
    Delivered,
    Pins,
}

/// Runs until shutdown.
pub fn spawn(deps: &Arc<Deps>) {
    for (name, kind) in [
        ("conversation.report_reads", Kind::Read),
        ("conversation.report_delivered", Kind::Delivered),
        ("conversation.report_pins", Kind::Pins),
    ] {
        let working = Arc::clone(deps);
        deps.tasks.run(Task::new(name), move || run(Arc::clone(&working), kind));
    }
}

async fn run(deps: Arc<Deps>, kind: Kind) {
    let (mut turns, mut rest) = (Turns::default(), REST);
    loop {
        match round(&deps, kind, &mut turns).await {
            Ok(more) => {
                rest = REST;
                if !more {
                    tokio::select! {
                        () = kind.changed(&deps).notified() => {}
                        () = sleep(PAUSE) => {}
                    }
                }
            }
            Err(error) => {
                turns.interrupted();
                tracing::warn!(%error, ?kind, "reports for the event feed could not be sent yet");
                sleep(rest).await;
                rest = (rest * 2).min(LONGEST_REST);
            }
        }
    }
}

/// Reports some of each app; false when there is nothing left to report now.
async fn round(deps: &Deps, kind: Kind, turns: &mut Turns) -> Result<bool, Error> {
    let mut more = false;
    while let Some(app) = kind.next_app(deps, turns.after()).await? {
        if !turns.begin(app, Instant::now()) {
            continue;
        }
        match kind.report(deps, app).await {
            Ok(is_full) => {
                turns.served(app);
                more |= is_full;
            }
            Err(error) if error.reason().is_transient() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, ?kind, %app, "a report for the event feed was refused");
                turns.refused(app, Instant::now());
            }
        }
    }
    Ok(turns.end(Instant::now()) || more)
}

impl Kind {
    fn changed(self, deps: &Deps) -> &Notify {
        match self {
            Self::Read => &deps.read,
            Self::Delivered => &deps.delivered,
            Self::Pins => &deps.pinned,
        }
    }

    async fn next_app(self, deps: &Deps, after: AppId) -> Result<Option<AppId>, Error> {
        match self {
            Self::Read => Which::Read.reports().next_app(&deps.db, after).await,
            Self::Delivered => Which::Delivered.reports().next_app(&deps.db, after).await,
            Self::Pins => pin_report::next_app(&deps.db, after).await,
        }
    }

    /// Reports some of an app; false: there was no more.
    async fn report(self, deps: &Deps, app: AppId) -> Result<bool, Error> {
        match self {
            Self::Read => report_reads::report(deps, app, Which::Read).await,
            Self::Delivered => report_reads::report(deps, app, Which::Delivered).await,
            Self::Pins => report_pins::report(deps, app).await,
        }
    }
}
