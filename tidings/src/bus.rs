//! The bus between this process and the others of the installation.

use std::sync::Arc;

use tidings_domain::Error;
use tidings_nats_bus::{NatsBus, Settings, Topic};
use tidings_runtime::{Bus, Config, LocalBus, Tasks};

use crate::Roles;

/// The configured one, for the roles that give hints and wait for them.
pub fn start(config: &Config, roles: Roles, tasks: &Tasks) -> Result<Arc<dyn Bus>, Error> {
    let topics = [(roles.message, Topic::Events), (roles.directory, Topic::Changes)];
    let topics: Vec<Topic> = topics.into_iter().filter_map(|(is_here, topic)| is_here.then_some(topic)).collect();
    let Some(settings) = Settings::read(config)?.filter(|_| !topics.is_empty()) else {
        return Ok(Arc::new(LocalBus::default()));
    };
    tidings_outbound::name_tls_backend();
    Ok(Arc::new(NatsBus::start(settings, topics, tasks)))
}
