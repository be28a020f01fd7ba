//! The settings of the broker.

use std::{fmt, path::PathBuf, time::Duration};

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use tidings_domain::Error;
use tidings_runtime::Config;
use tokio::time::timeout;

/// How long connecting may take, with the handshake.
const CONNECT: Duration = Duration::from_secs(5);
/// How often an idle connection is tested: after three of them a dead one is given up.
const PING: Duration = Duration::from_secs(5);
/// The pause between attempts to connect: the first one, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the broker is, and under which names hints are there.
#[derive(Clone)]
pub struct Settings {
    /// Without the credentials.
    server: ServerAddr,
    credentials: Option<(String, String)>,
    pub(crate) prefix: String,
    /// Authorities that the broker's certificate must be by. Absent: the system's.
    authorities: Option<PathBuf>,
    /// The certificate that it is shown, and the key.
    identity: Option<(PathBuf, PathBuf)>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("server", &self.server).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Settings {
    /// Those of the configuration; `None` without a broker. No error shows the URL, which may hold a password.
    pub fn read(config: &Config) -> Result<Option<Self>, Error> {
        let Some(url) = &config.bus.url else { return Ok(None) };
        let invalid = |what: &str| {
            Error::invalid("bus.url", format!("{what}: write it as nats://user:password@host:4222, with % escapes"))
        };
        let server: ServerAddr = url.parse().map_err(|_| invalid("is not a URL"))?;
        let mut plain = server.into_inner();
        if plain.host_str().is_none_or(str::is_empty) {
            return Err(invalid("names no host"));
        }
        if !matches!(plain.path(), "" | "/") || plain.query().is_some() || plain.fragment().is_some() {
            return Err(invalid("has more than a host and a port"));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
        let credentials = match (plain.username(), plain.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                let both = decoded(user).and_then(|user| Ok((user, decoded(password)?)));
                Some(both.map_err(|_| invalid("has a user or a password that is not UTF-8"))?)
            }
            _ => return Err(invalid("has a user without a password, or a password without a user")),
        };
        let stripped = plain.set_username("").and_then(|()| plain.set_password(None));
        stripped.map_err(|()| invalid("names no host"))?;
        let server = ServerAddr::from_url(plain).map_err(|_| invalid("is not a URL"))?;
        Ok(Some(Self {
            server,
            credentials,
            prefix: config.bus.prefix.clone(),
            authorities: config.tls.peer_ca.clone(),
            identity: config.tls.peer_files().map(|(certificate, key)| (certificate.to_owned(), key.to_owned())),
        }))
    }

    /// The address, to be shown.
    pub fn address(&self) -> String {
        format!("{}://{}:{}", self.server.scheme(), self.server.host(), self.server.port())
    }

    pub(crate) fn server(&self) -> ServerAddr {
        self.server.clone()
    }

    pub(crate) fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .name("tidings")
            .no_echo()
            .connection_timeout(CONNECT)
            .ping_interval(PING)
            .reconnect_delay_callback(pause)
            .require_tls(self.server.tls_required());
        if let Some((user, password)) = &self.credentials {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(authorities) = &self.authorities {
            options = options.add_root_certificates(authorities.clone());
        }
        if let Some((certificate, key)) = &self.identity {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        options
    }

    /// Whether the broker is reached and accepts the credentials.
    pub async fn reach(&self) -> Result<(), String> {
        let connected = timeout(CONNECT, self.options().connect(self.server())).await;
        match connected {
            Err(_) => Err(format!("{} does not answer", self.address())),
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                Err(format!("{}: {}{cause}", self.address(), error.kind()))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }
}

/// The pause before an attempt; the first has none.
fn pause(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(2)).unwrap_or(u32::MAX).min(16);
    if attempt < 2 { Duration::ZERO } else { (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<Option<Settings>, String> {
        let mut config = Config::default();
        config.bus.url = Some(url.to_owned());
        Settings::read(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_has_a_host_and_perhaps_credentials() {
        assert!(Settings::read(&Config::default()).expect("nothing is wrong").is_none());
        for (url, address, credentials) in [
            ("nats://broker", "nats://broker:4222", None),
            ("nats://broker:14222/", "nats://broker:14222", None),
            ("tls://tidings:s3cret@broker:1", "tls://broker:1", Some(("tidings", "s3cret"))),
            ("nats://a%40b:%3A%2Fs3cret@127.0.0.1", "nats://127.0.0.1:4222", Some(("a@b", ":/s3cret"))),
        ] {
            let settings = of(url).expect(url).expect(url);
            let expected = credentials.map(|(user, password): (&str, &str)| (user.to_owned(), password.to_owned()));
            assert_eq!((settings.address().as_str(), &settings.credentials), (address, &expected));
            assert!(!format!("{settings:?}").contains("s3cret"), "{settings:?}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_refused_and_not_shown() {
        for (url, what) in [
            ("nats://u:s3cret@", "is not a URL"),
            ("nats://u:s3cret@broker:port", "is not a URL"),
            ("http://u:s3cret@broker", "is not a URL"),
            ("nats://u:s3cret@broker/chat", "has more than a host"),
            ("nats://u:s3cret@broker?x=1", "has more than a host"),
            ("nats://s3cret@broker", "has a user without a password"),
            ("nats://:s3cret@broker", "has a user without a password"),
            ("nats://u:s3cret%ff@broker", "that is not UTF-8"),
        ] {
            let said = of(url).expect_err(url);
            assert!(said.starts_with("bus.url ") && said.contains(what) && said.contains("write it as"), "{said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<_> = (1..=10).map(|attempt| pause(attempt).as_millis()).collect();
        assert_eq!(pauses, [0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(usize::MAX), LONGEST_PAUSE);
    }
}
