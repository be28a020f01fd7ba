//! Validates the configuration.

use tidings_domain::Error;

use super::Config;
use crate::telemetry::log_filter;

/// Shortest service key.
const SHORTEST_KEY: usize = 16;
/// Longer drain delays serve no purpose, and only delay the stop.
const LONGEST_DRAIN_DELAY_MS: u64 = 300_000;
/// Longest prefix of the bus.
const LONGEST_PREFIX: usize = 64;
/// Metrics that are older say nothing of the process as it is.
const LONGEST_METRICS_SECONDS: u64 = 3600;

impl Config {
    /// Refuses the first setting that no role can start with, by its name.
    pub fn check(&self) -> Result<(), Error> {
        listen_address("listen", &self.listen)?;
        listen_address("grpc_listen", self.grpc_address())?;
        if let Some(address) = self.metrics_listen.as_deref().filter(|address| *address != "off") {
            listen_address("metrics_listen", address)?;
        }
        if let Some(url) = &self.public_url {
            starts_with(
                "public_url",
                url,
                &["http://", "https://"],
                "https://chat.example.com, the address that clients use",
            )?;
        }
        for origin in &self.cors_origins {
            cors_origin(origin)?;
        }
        for (name, addresses) in self.peers.all() {
            addresses.check(&format!("peers.{name}"))?;
            if addresses.any_is_tls() && self.tls.peer_ca.is_none() {
                let rule =
                    format!("is required with https:// in peers.{name}: a file with the authority of its certificate");
                return Err(Error::invalid("tls.peer_ca", rule));
            }
        }
        if let Some(url) = &self.bus.url {
            starts_with("bus.url", url, &["nats://", "tls://"], "nats://tidings:password@nats.example:4222")?;
        }
        subject_prefix(&self.bus.prefix)?;
        self.tls.check()?;
        log_filter(&self.telemetry.log)?;
        if let Some(url) = &self.telemetry.otlp_endpoint {
            http_address("telemetry.otlp_endpoint", url)?;
        }
        if self.telemetry.otlp_metrics_seconds > LONGEST_METRICS_SECONDS {
            let rule = format!("must be at most {LONGEST_METRICS_SECONDS}, or 0 for no export of metrics");
            return Err(Error::invalid("telemetry.otlp_metrics_seconds", rule));
        }
        if self.telemetry.otlp_metrics_seconds > 0 && self.telemetry.otlp_endpoint.is_none() {
            let rule = "is required with telemetry.otlp_metrics_seconds: where the collector is, as http://host:port";
            return Err(Error::invalid("telemetry.otlp_endpoint", rule));
        }
        if self.drain_delay_ms.is_some_and(|delay| delay > LONGEST_DRAIN_DELAY_MS) {
            return Err(Error::invalid("drain_delay_ms", format!("must be at most {LONGEST_DRAIN_DELAY_MS}")));
        }
        if self.drain_clients_ms > LONGEST_DRAIN_DELAY_MS {
            return Err(Error::invalid("drain_clients_ms", format!("must be at most {LONGEST_DRAIN_DELAY_MS}")));
        }
        if let Some(url) = &self.database.url {
            let example =
                "postgres://tidings@db.internal/tidings; without one, SQLite files in the data folder are used";
            starts_with("database.url", url, &["postgres://", "postgresql://"], example)?;
        }
        for (name, key) in [("service_key", &self.service_key), ("service_key_previous", &self.service_key_previous)] {
            if let Some(key) = key {
                service_key(name, key)?;
            }
        }
        for (name, value) in [
            ("appender.queue", self.appender.queue),
            ("appender.batch", self.appender.batch),
            ("appender.writers", self.appender.writers),
        ] {
            if value == 0 {
                return Err(Error::invalid(name, "must be at least 1"));
            }
        }
        self.check_store()
    }

    /// With half of a store's settings files would silently go to the folder.
    fn check_store(&self) -> Result<(), Error> {
        let files = &self.files;
        let given = [
            ("files.s3_endpoint", &files.s3_endpoint),
            ("files.s3_access_key_id", &files.s3_access_key_id),
            ("files.s3_secret_access_key", &files.s3_secret_access_key),
        ];
        if files.s3_bucket.is_none() {
            return match given.into_iter().find(|(_, value)| value.is_some()) {
                Some((name, _)) => Err(Error::invalid("files.s3_bucket", format!("is required with {name}"))),
                None => Ok(()),
            };
        }
        for (name, value) in &given[1..] {
            if value.is_none() {
                return Err(Error::invalid(name, "is required with files.s3_bucket"));
            }
        }
        match &files.s3_endpoint {
            Some(url) => starts_with("files.s3_endpoint", url, &["http://", "https://"], "https://minio.example:9000"),
            None => Ok(()),
        }
    }
}

/// A service key is long enough not to be guessed, and is valid as a header's value.
pub fn service_key(name: &str, key: &str) -> Result<(), Error> {
    if key.len() < SHORTEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let rule = "must be at least 16 visible ASCII characters; make one with `openssl rand -hex 32`";
        return Err(Error::invalid(name, rule));
    }
    Ok(())
}

fn listen_address(name: &str, address: &str) -> Result<(), Error> {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ => Err(Error::invalid(name, format!("must be address:port, such as 127.0.0.1:8080, but is {address}"))),
    }
}

/// An origin as browsers send it, which is compared verbatim: with anything more it would never match.
fn cors_origin(origin: &str) -> Result<(), Error> {
    if matches!(origin, "*" | "null") {
        return Ok(());
    }
    let refused = |help: String| Err(Error::invalid("cors_origins", format!("has {origin:?}: {help}")));
    let example = "write it as browsers send it, such as https://app.example.com, or * for all";
    let Some((scheme, host)) = origin.split_once("://").filter(|(scheme, host)| !scheme.is_empty() && !host.is_empty())
    else {
        return refused(format!("it has no scheme, {example}"));
    };
    if let Some((host, _)) = host.split_once(['/', '?', '#']) {
        return refused(format!("an origin ends with the host, write {scheme}://{host}"));
    }
    if origin.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return refused(format!("browsers send lower case, write {}", origin.to_ascii_lowercase()));
    }
    if host.contains('@') || origin.chars().any(|c| !c.is_ascii_graphic()) || host.contains('*') {
        return refused(example.to_owned());
    }
    match (scheme, host.rsplit_once(':')) {
        ("https", Some((host, "443"))) | ("http", Some((host, "80"))) => {
            refused(format!("browsers leave out the usual port, write {scheme}://{host}"))
        }
        _ => Ok(()),
    }
}

fn http_address(name: &str, url: &str) -> Result<(), Error> {
    let uri = url.parse::<http::Uri>().ok().filter(|uri| uri.scheme_str() == Some("http"));
    if uri.and_then(|uri| uri.host().map(str::len)).is_none_or(|length| length == 0) {
        return Err(Error::invalid(name, format!("must be http://host:port, but is {url}")));
    }
    Ok(())
}

/// What the names of a broker's subjects may begin with: words with full stops between.
fn subject_prefix(prefix: &str) -> Result<(), Error> {
    let is_plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if prefix.len() <= LONGEST_PREFIX && prefix.split('.').all(is_plain) {
        return Ok(());
    }
    let rule = format!(
        "must be at most {LONGEST_PREFIX} letters, digits, - and _, with full stops between words, such as tidings.staging"
    );
    Err(Error::invalid("bus.prefix", rule))
}

/// The value itself is not shown: it may hold a password.
fn starts_with(name: &str, url: &str, schemes: &[&str], example: &str) -> Result<(), Error> {
    if schemes.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
        return Ok(());
    }
    Err(Error::invalid(name, format!("must start with {}, such as {example}", schemes.join(" or "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Addresses;

    fn complaint(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.check().expect_err("it is wrong").to_string()
    }

    fn origin(value: &str) -> String {
        complaint(|it| it.cors_origins = vec!["https://fine.test".to_owned(), value.to_owned()])
    }

    #[test]
    fn origins_as_browsers_send_them_are_taken() {
        for origin in
            ["*", "null", "https://a.test", "http://localhost:5173", "http://[::1]:8080", "capacitor://localhost"]
        {
            let config = Config { cors_origins: vec![origin.to_owned()], ..Config::default() };
            config.check().expect(origin);
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what the config holds")]
    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[expect(clippy::unnecessary_wraps, reason = "what the config holds")]
    fn peer(value: &str) -> Option<Addresses> {
        Some(Addresses::read(value))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what the config holds")]
    fn path(value: &str) -> Option<std::path::PathBuf> {
        Some(value.into())
    }

    #[test]
    fn every_setting_that_cannot_be_meant_is_refused_by_name() {
        Config::default().check().expect("the defaults are sound");
        for (words, said) in [
            ("listen must be address:port", complaint(|it| it.listen = "8080".into())),
            ("listen must be address:port", complaint(|it| it.listen = ":8080".into())),
            ("grpc_listen must be address:port", complaint(|it| it.grpc_listen = Some("127.0.0.1:http".into()))),
            ("public_url must start with http://", complaint(|it| it.public_url = text("chat.example.com"))),
            (
                "public_url must start with http:// or https://, such as https://",
                complaint(|it| it.public_url = text("ftp://chat.example.com")),
            ),
            (
                "cors_origins has \"https://a.test/\": an origin ends with the host, write https://a.test",
                origin("https://a.test/"),
            ),
            ("cors_origins has \"https://a.test/app\": an origin ends", origin("https://a.test/app")),
            ("cors_origins has \"a.test\": it has no scheme, write", origin("a.test")),
            (
                "cors_origins has \"https://A.test\": browsers send lower case, write https://a.test",
                origin("https://A.test"),
            ),
            ("cors_origins has \"https://a.test:443\": browsers leave out", origin("https://a.test:443")),
            ("cors_origins has \"https://*.a.test\": write it as", origin("https://*.a.test")),
            ("cors_origins has \"\": it has no scheme", origin("")),
            ("peers.directory must be http://host:port", complaint(|it| it.peers.directory = peer("directory:9090"))),
            ("peers.message must be http://host:port", complaint(|it| it.peers.message = peer("ftp://message:9090"))),
            ("peers.file must be http://host:port", complaint(|it| it.peers.file = peer("http://"))),
            ("peers.file must be http://host:port", complaint(|it| it.peers.file = peer("http://file:1,file:2"))),
            (
                "tls.peer_ca is required with https:// in peers.file",
                complaint(|it| it.peers.file = peer("http://file:1,https://file:2")),
            ),
            ("tls.key is required with tls.certificate", complaint(|it| it.tls.certificate = path("/a.pem"))),
            ("tls.certificate is required with tls.key", complaint(|it| it.tls.key = path("/a.key"))),
            ("tls.certificate is required with tls.client_ca", complaint(|it| it.tls.client_ca = path("/ca.pem"))),
            ("tls.peer_key is required with", complaint(|it| it.tls.peer_certificate = path("/a.pem"))),
            ("tls.peer_certificate is required with", complaint(|it| it.tls.peer_key = path("/a.key"))),
            (
                "tls.key must be the path of a file, and is its content: name the file in TIDINGS_TLS_KEY, without _FILE",
                complaint(|it| it.tls.key = path("-----BEGIN PRIVATE KEY-----\ns3cret")),
            ),
            ("drain_delay_ms must be at most", complaint(|it| it.drain_delay_ms = Some(300_001))),
            ("telemetry.otlp_endpoint must be", complaint(|it| it.telemetry.otlp_endpoint = text("collector:4317"))),
            (
                "telemetry.otlp_endpoint is required with telemetry.otlp_metrics_seconds",
                complaint(|it| it.telemetry.otlp_metrics_seconds = 60),
            ),
            (
                "telemetry.otlp_metrics_seconds must be at most 3600",
                complaint(|it| it.telemetry.otlp_metrics_seconds = 3601),
            ),
            ("telemetry.log must be a log filter", complaint(|it| it.telemetry.log = "tidings=loud".into())),
            (
                "telemetry.log must be a log filter, such as info or warn,tidings_message=debug, and \"inof\" is not a level",
                complaint(|it| it.telemetry.log = "tidings=debug, inof".into()),
            ),
            ("database.url must start with postgres://", complaint(|it| it.database.url = text("mysql://s3cret@h/d"))),
            (
                "bus.url must start with nats:// or tls://, such as nats://",
                complaint(|it| it.bus.url = text("amqp://tidings:s3cret@broker")),
            ),
            ("bus.url must start with", complaint(|it| it.bus.url = text("s3cret@broker:4222"))),
            ("bus.prefix must be at most 64 letters", complaint(|it| it.bus.prefix = String::new())),
            ("bus.prefix must be at most 64 letters", complaint(|it| it.bus.prefix = "a.*".to_owned())),
            ("bus.prefix must be at most 64 letters", complaint(|it| it.bus.prefix = "a..b".to_owned())),
            ("bus.prefix must be at most 64 letters", complaint(|it| it.bus.prefix = "a".repeat(65))),
            ("service_key must be at least 16", complaint(|it| it.service_key = text("short"))),
            ("service_key must be at least 16", complaint(|it| it.service_key = text("with a space in the middle"))),
            ("service_key_previous must be", complaint(|it| it.service_key_previous = text("short"))),
            ("appender.queue must be at least 1", complaint(|it| it.appender.queue = 0)),
            ("files.s3_bucket is required with", complaint(|it| it.files.s3_endpoint = text("http://store"))),
            ("files.s3_access_key_id is required", complaint(|it| it.files.s3_bucket = text("files"))),
        ] {
            assert!(said.starts_with(words) && !said.contains("s3cret"), "{said}");
        }
    }
}
