//! The files of certificates and keys.

use std::time::Duration;

use tidings_domain::{Clock as _, SystemClock, UnixMillis};
use tidings_runtime::{Certificates, Config, Connector};

use crate::{in_full::in_full, ready};

/// A certificate that ends sooner should have been renewed.
const SOON: Duration = Duration::from_hours(14 * 24);

/// What was found: how connections are made, the state of the files if there are any, and what will soon be wrong.
pub struct Found {
    pub connector: Connector,
    pub state: Option<Result<String, String>>,
    pub soon: Option<String>,
}

/// Reads the files as a start does.
pub fn check(config: &Config) -> Found {
    let now = SystemClock.now();
    let certificates = match Certificates::load(&config.tls, now) {
        Ok(certificates) => certificates,
        Err(error) => {
            // What serves with a certificate that has expired can still be asked.
            let connector = ready::connector(config).unwrap_or_else(|_| Connector::plain());
            return Found { connector, state: Some(Err(in_full(&error))), soon: None };
        }
    };
    let ends = certificates.ends();
    let described = |(shown_to, at): (&str, UnixMillis)| format!("the one for {shown_to} expires at {}", at.rfc3339());
    let described: Vec<String> = ends.iter().map(|end| described((end.shown_to, end.at))).collect();
    let soon = ends.iter().find(|end| end.at - now < SOON);
    Found {
        connector: certificates.connector(),
        state: certificates.are_configured().then(|| {
            Ok(if described.is_empty() {
                "can be used".to_owned()
            } else {
                format!("can be used: {}", described.join(", "))
            })
        }),
        soon: soon.map(|end| {
            format!("the one for {} expires in {} days: renew it", end.shown_to, (end.at - now).as_secs() / 86_400)
        }),
    }
}
