//! The PostgreSQL server: whether it keeps what it has confirmed, how long a commit takes, and whether it admits the
//! connections of our pools.

use std::time::Duration;

use tidings_domain::{Clock as _, Error, SystemClock};
use tidings_runtime::Config;
use tidings_store::{Db, MOST_CONNECTIONS, ServerSettings};

use super::{advice, shown};
use crate::{lines::Row, migrate::SCHEMAS, ready, running::location};

/// Commits that are timed; the median is reported.
const TRIES: usize = 9;
/// A slower commit limits the log to a few dozen batches a second.
const SLOW: Duration = Duration::from_millis(20);

/// What was found: the name of each check with its result, and advice.
pub struct Found {
    pub checks: Vec<(&'static str, Result<String, String>)>,
    pub advice: Vec<Row>,
}

/// Asks the server, which is reached.
pub async fn check(config: &Config) -> Found {
    let (mut found, needed) = (Found { checks: Vec::new(), advice: Vec::new() }, needed(config).await);
    let db = match tidings_store::open(&location(config), &tidings_directory::SCHEMA, false).await {
        Ok(db) => db,
        Err(error) => {
            found.checks.push(("database's settings", Err(shown(error))));
            return found;
        }
    };
    found.checks.push(("database's clock", super::clocks::check_database(&db).await));
    match db.server_settings().await {
        Ok(None) => {}
        Ok(Some(settings)) => {
            found.checks.push(("database's settings", durability(&settings)));
            found.advice.push(advice("database's connections", &connections(&settings, needed)));
        }
        Err(error) => found.checks.push(("database's settings", Err(format!("cannot be read: {}", shown(error))))),
    }
    match median_commit(&db).await {
        Ok(took) => found.advice.push(advice("database's commits", &commits(took))),
        Err(error) => found.checks.push(("database's commits", Err(format!("fail: {}", shown(error))))),
    }
    db.close().await;
    found
}

/// Our own connections set `synchronous_commit`; behind a pooler they may not get it.
fn durability(settings: &ServerSettings) -> Result<String, String> {
    let remedies = [
        ("fsync", &settings.fsync, "the server waits for no disk"),
        ("full_page_writes", &settings.full_page_writes, "a page that was written in part is lost"),
        ("synchronous_commit", &settings.synchronous_commit, "a commit does not wait for the disk"),
    ];
    let off = remedies.into_iter().filter(|(_, value, _)| *value == "off");
    let wrong: Vec<_> = off.map(|(name, _, what)| format!("{name} is off: {what}")).collect();
    if wrong.is_empty() {
        return Ok("fsync, full_page_writes and synchronous_commit are on".to_owned());
    }
    Err(format!("{}; a power cut loses what was acknowledged, or the whole database: set it to on", wrong.join("; ")))
}

fn commits(took: Duration) -> Result<String, String> {
    let ms = took.as_secs_f64() * 1000.0;
    if took > SLOW {
        return Err(format!(
            "a commit takes {ms:.1} ms, and every send waits for one: give the server a disk, and a network, that take \
             less than {} ms",
            SLOW.as_millis()
        ));
    }
    Ok(format!("a commit takes {ms:.1} ms"))
}

async fn median_commit(db: &Db) -> Result<Duration, Error> {
    let (clock, mut timed) = (SystemClock, Vec::new());
    for _ in 0..TRIES {
        let mut tx = db.begin().await?;
        tx.write_to_log().await?;
        let began = clock.elapsed();
        tx.commit().await?;
        timed.push(clock.elapsed().saturating_sub(began));
    }
    timed.sort();
    Ok(timed[TRIES / 2])
}

/// The connections that the pools of all processes may open: those of the services that are named in `peers`, and one of
/// each other service.
async fn needed(config: &Config) -> i64 {
    let mut processes = 0;
    for schema in SCHEMAS {
        processes += match config.peers.all().find(|(name, _)| *name == schema.name) {
            Some((_, addresses)) => ready::count(addresses).await,
            None => 1,
        };
    }
    i64::try_from(processes).unwrap_or(i64::MAX).saturating_mul(i64::from(MOST_CONNECTIONS))
}

fn connections(settings: &ServerSettings, needed: i64) -> Result<String, String> {
    let ServerSettings { max_connections, reserved_connections, .. } = settings;
    let admitted = max_connections - reserved_connections;
    if needed > admitted {
        return Err(format!(
            "max_connections of {max_connections} admits {admitted}, and the processes of this configuration may open \
             {needed}: set it to at least {}",
            needed + reserved_connections
        ));
    }
    Ok(format!("max_connections of {max_connections} is enough for {needed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ServerSettings {
        let on = || "on".to_owned();
        let (max_connections, reserved_connections) = (100, 3);
        ServerSettings {
            fsync: on(),
            full_page_writes: on(),
            synchronous_commit: on(),
            max_connections,
            reserved_connections,
        }
    }

    #[test]
    fn a_server_that_does_not_wait_for_its_disk_is_wrong() {
        assert!(durability(&settings()).is_ok());
        let far = ServerSettings { synchronous_commit: "remote_apply".to_owned(), ..settings() };
        assert!(durability(&far).is_ok());
        let off = || "off".to_owned();
        for (name, wrong) in [
            ("fsync", ServerSettings { fsync: off(), ..settings() }),
            ("full_page_writes", ServerSettings { full_page_writes: off(), ..settings() }),
            ("synchronous_commit", ServerSettings { synchronous_commit: off(), ..settings() }),
        ] {
            let said = durability(&wrong).unwrap_err();
            assert!(said.starts_with(&format!("{name} is off: ")) && said.ends_with("set it to on"), "{said}");
        }
    }

    #[test]
    fn slow_commits_and_too_few_connections_are_named() {
        assert_eq!(commits(Duration::from_micros(2_500)).unwrap(), "a commit takes 2.5 ms");
        assert!(commits(Duration::from_millis(21)).unwrap_err().starts_with("a commit takes 21.0 ms, and every send"));
        assert!(connections(&settings(), 97).is_ok());
        let said = connections(&settings(), 98).unwrap_err();
        assert!(said.starts_with("max_connections of 100 admits 97, ") && said.ends_with("at least 101"), "{said}");
    }

    #[tokio::test]
    async fn the_pools_of_each_named_process_count() {
        let mut config = Config::default();
        let pools = i64::from(MOST_CONNECTIONS);
        assert_eq!(needed(&config).await, 5 * pools);
        let two = "http://127.0.0.1:1,http://127.0.0.1:2";
        config.peers.message = Some(tidings_runtime::config::Addresses::read(two));
        assert_eq!(needed(&config).await, 6 * pools);
    }
}
