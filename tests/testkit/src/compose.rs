//! The Compose files, as far as the tests use them.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

/// Every Compose file of the workspace.
pub const COMPOSE_FILES: [&str; 2] = ["docker-compose.yml", "compose.minimal.yml"];

/// The services of a file.
#[derive(Debug, Deserialize)]
pub struct Compose {
    services: BTreeMap<String, Service>,
}

/// One service.
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    /// The image's name.
    pub image: String,
    /// What replaces the image's own entry point.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// The arguments of the entry point.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// `volume:/place` or `volume:/place:ro`.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Whether its file system is read-only.
    #[serde(default)]
    pub read_only: bool,
    /// Dropped capabilities.
    #[serde(default)]
    pub cap_drop: Vec<String>,
    /// Options such as `no-new-privileges:true`.
    #[serde(default)]
    pub security_opt: Vec<String>,
    /// When it is started again, if the file says so: `no` for what only runs once.
    pub restart: Option<String>,
    /// Names that must be asked for, or it is not started.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// How much memory it may use, if the file says so.
    pub mem_limit: Option<String>,
    /// How many containers are started.
    pub scale: Option<u32>,
    /// `address:port:port` of what is published on this machine.
    #[serde(default)]
    pub ports: Vec<String>,
    /// What becomes of its log.
    pub logging: Option<Logging>,
    /// Its health check.
    pub healthcheck: Option<Healthcheck>,
}

/// What becomes of a service's log.
#[derive(Debug, Clone, Deserialize)]
pub struct Logging {
    /// Options such as `max-size`.
    pub options: BTreeMap<String, String>,
}

/// The health check of a service.
#[derive(Debug, Clone, Deserialize)]
pub struct Healthcheck {
    /// `CMD` and the words of a command.
    pub test: Vec<String>,
}

impl Compose {
    /// Reads docker-compose.yml.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read() -> Self {
        Self::of_file("docker-compose.yml")
    }

    /// Reads a file of the workspace.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn of_file(name: &str) -> Self {
        let read = serde_saphyr::from_str(&text(name));
        let mut compose: Self = read.unwrap_or_else(|error| panic!("{name} is not what Compose reads: {error}"));
        let services = compose.services.values_mut();
        for value in services.flat_map(|service| service.environment.values_mut()) {
            *value = with_defaults(value);
        }
        compose
    }

    /// The service of that name.
    ///
    /// # Panics
    /// When there is none.
    pub fn service(&self, name: &str) -> &Service {
        self.services.get(name).unwrap_or_else(|| panic!("there is no service {name}"))
    }

    /// Every service with its name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Service)> {
        self.services.iter().map(|(name, service)| (name.as_str(), service))
    }

    /// Every service that runs our own image and goes on.
    pub fn ours(&self) -> impl Iterator<Item = &str> {
        let is_ours = |service: &Service| service.image == "tidings:local" && !service.is_job();
        self.services.iter().filter(move |(_, service)| is_ours(service)).map(|(name, _)| name.as_str())
    }
}

impl Service {
    /// Whether it ends when it has done its work.
    pub fn is_job(&self) -> bool {
        self.restart.as_deref() == Some("no")
    }
}

/// Everything in a YAML file of the workspace, with its aliases resolved.
///
/// # Panics
/// When it cannot be read.
pub fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name} is not YAML: {error}"))
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// With the defaults of variables (`${NAME:-default}`), as where none is set.
fn with_defaults(text: &str) -> String {
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').expect("a variable ends with }");
        let (_, default) = variable.split_once(":-").unwrap_or_else(|| panic!("{variable} has no default"));
        whole += default;
        whole += rest;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::with_defaults;

    #[test]
    fn a_variable_has_its_default() {
        assert_eq!(["${A:-1}", "${A:-}", "http://${A:-b}:1", "x"].map(with_defaults), ["1", "", "http://b:1", "x"]);
    }
}
