//! docker-compose.yml, as far as the tests use it.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

/// The services of docker-compose.yml.
#[derive(Debug, Deserialize)]
pub struct Compose {
    services: BTreeMap<String, Service>,
}

/// One service.
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    /// The image's name; empty where a file only adds to a service of another.
    #[serde(default)]
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
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name} is not what Compose reads: {error}"))
    }

    /// Adds another file's environment variables and services, as a second `-f` does.
    pub fn overlay(&mut self, other: Self) {
        for (name, service) in other.services {
            match self.services.get_mut(&name) {
                Some(own) => own.environment.extend(service.environment),
                None => drop(self.services.insert(name, service)),
            }
        }
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

    /// Every service that runs our own image.
    pub fn ours(&self) -> impl Iterator<Item = &str> {
        self.services.iter().filter(|(_, service)| service.image == "tidings:local").map(|(name, _)| name.as_str())
    }
}
