//! One signal that everything stops at.

use tokio::sync::watch;

/// Tells tasks to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Stops everything that waits for it.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether [`Self::trigger`] was called.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when [`Self::trigger`] was called.
    pub async fn triggered(&self) {
        let mut seen = self.0.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = seen.wait_for(|stop| *stop).await;
    }

    /// Triggers on Ctrl-C and SIGTERM.
    pub fn on_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
            shutdown.trigger();
        });
        Ok(())
    }
}
