//! The TLS configuration in use, which follows its files.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tidings_domain::{Clock, Error, UnixMillis};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    acceptor::Acceptor,
    configs::{CertificateEnd, Configs, Protocol},
    connector::Connector,
};
use crate::{config::Tls, metrics};

/// How often the files are checked. They are read when two checks find them the same: a certificate and its key are not
/// replaced at the same time.
const INTERVAL: Duration = Duration::from_secs(2);

/// What this process shows others, and whom it trusts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Certificates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Tls,
    current: Arc<RwLock<Arc<Configs>>>,
    /// As they were before they were read.
    stamps: Stamps,
}

/// Time of change, also of permissions, size and number of each file; `None`: it does not exist.
type Stamps = Vec<Option<(i64, i64, u64, u64)>>;

impl Certificates {
    /// Reads the files. A certificate that has expired is refused.
    pub fn load(settings: &Tls, now: UnixMillis) -> Result<Self, Error> {
        Self::read(settings, Some(now))
    }

    /// Reads the files for a command, which shall reach the process that serves with a certificate that has expired: whom it
    /// trusts does not depend on that.
    pub fn load_also_expired(settings: &Tls) -> Result<Self, Error> {
        Self::read(settings, None)
    }

    fn read(settings: &Tls, valid_at: Option<UnixMillis>) -> Result<Self, Error> {
        let stamps = stamps(settings);
        let current = Arc::new(RwLock::new(Arc::new(Configs::read(settings, valid_at)?)));
        Ok(Self(Arc::new(Inner { settings: settings.clone(), current, stamps })))
    }

    /// For a listener.
    pub fn acceptor(&self, protocol: Protocol) -> Acceptor {
        Acceptor::new(Arc::clone(&self.0.current), protocol)
    }

    /// For connections to other processes.
    pub fn connector(&self) -> Connector {
        Connector::new(Arc::clone(&self.0.current))
    }

    /// When they end.
    pub fn ends(&self) -> Vec<CertificateEnd> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).ends.clone()
    }

    /// Whether there are any files.
    pub fn are_configured(&self) -> bool {
        self.0.settings.files().next().is_some()
    }

    /// Whether listeners speak TLS.
    pub fn are_served(&self) -> bool {
        self.0.settings.certificate.is_some()
    }

    /// Reads the files again whenever they change. New connections use what was read; open ones stay as they are. Files
    /// that cannot be used change nothing, and are logged. Never returns.
    pub async fn follow_files(self, clock: Arc<dyn Clock>) {
        metrics().tls.certificates_end(&self.ends());
        let (mut read, mut seen) = (self.0.stamps.clone(), self.0.stamps.clone());
        loop {
            sleep(INTERVAL).await;
            let (looking, now) = (self.clone(), clock.now());
            let before = (read.clone(), seen.clone());
            // The files may be on a disk that hangs.
            let looked = spawn_blocking(move || {
                let (read, seen) = before;
                let found = stamps(&looking.0.settings);
                let is_new = found == seen && found != read;
                (is_new.then(|| Configs::read(&looking.0.settings, Some(now))), found)
            });
            let Ok((configs, found)) = looked.await else { continue };
            if let Some(configs) = configs {
                self.replace(configs);
                read.clone_from(&found);
            }
            seen = found;
        }
    }

    fn replace(&self, configs: Result<Configs, Error>) {
        match configs {
            Ok(configs) => {
                metrics().tls.certificates_end(&configs.ends);
                *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(configs);
                tracing::info!("changed certificate files were read");
            }
            Err(error) => {
                tracing::error!(%error, "changed certificate files cannot be used: the previous ones stay in use");
            }
        }
    }
}

fn stamps(settings: &Tls) -> Stamps {
    let stamp = |found: fs::Metadata| (found.ctime(), found.ctime_nsec(), found.len(), found.ino());
    settings.files().map(|(_, path)| fs::metadata(path).ok().map(stamp)).collect()
}
