//! Shutdown of a process, in two steps: it announces that it will stop, and then stops.
//!
//! Between the two it serves as before, while readiness checks see that it is not ready, so that clients switch to
//! another process.

use std::time::Duration;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::sleep,
};

/// Signals tasks to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<Stage>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    Draining,
    Stopping,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Running))
    }
}

impl Shutdown {
    /// Announces the stop: from now on the process is not ready.
    pub fn drain(&self) {
        self.reach(Stage::Draining);
    }

    /// Stops everything that waits for it.
    pub fn trigger(&self) {
        self.reach(Stage::Stopping);
    }

    fn reach(&self, stage: Stage) {
        self.0.send_if_modified(|reached| {
            let is_new = *reached < stage;
            *reached = (*reached).max(stage);
            is_new
        });
    }

    /// Whether a stop was announced, or has happened.
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Stage::Draining
    }

    /// Whether [`Self::trigger`] was called.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow() == Stage::Stopping
    }

    /// Completes when a stop is announced, or has happened.
    pub async fn draining(&self) {
        self.reached(Stage::Draining).await;
    }

    /// Completes when [`Self::trigger`] was called.
    pub async fn triggered(&self) {
        self.reached(Stage::Stopping).await;
    }

    async fn reached(&self, stage: Stage) {
        let mut seen = self.0.subscribe();
        // The sender is owned by self, so waiting cannot fail.
        let _ = seen.wait_for(|reached| *reached >= stage).await;
    }

    /// On Ctrl-C and SIGTERM the process becomes not ready, and stops after `delay`. At a second signal it exits
    /// at once, as in a crash: everything acknowledged is on disk.
    pub fn on_signals(&self, delay: Duration) -> std::io::Result<()> {
        let mut signals =
            Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
        let shutdown = self.clone();
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!(?delay, "stopping");
            shutdown.drain();
            let stop = async {
                sleep(delay).await;
                shutdown.trigger();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = stop => {}
                code = signals.next() => std::process::exit(code),
            }
        });
        Ok(())
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// The next signal, as the exit code of a process that it ended.
    async fn next(&mut self) -> i32 {
        const BASE: i32 = 128;
        let kind = tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        };
        BASE + kind.as_raw_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stages_are_reached_in_order_and_never_left() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.is_draining());
        shutdown.drain();
        shutdown.draining().await;
        assert!(shutdown.is_draining() && !shutdown.is_triggered());
        shutdown.trigger();
        shutdown.drain();
        shutdown.triggered().await;
        assert!(shutdown.is_draining() && shutdown.is_triggered());
    }
}
