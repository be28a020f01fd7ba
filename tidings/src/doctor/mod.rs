//! `tidings doctor`: reports problems with config, storage and peers, in terms an operator can act on.

mod certificates;
mod clocks;
mod database;
mod disk;
mod files_folder;
mod listeners;
mod peers;

use std::{fs, os::unix::fs::PermissionsExt as _};

use tidings_domain::{Error, RISKS};
use tidings_file::Objects;
use tidings_nats_bus::Settings;
use tidings_runtime::{Config, DataFolder, low_space, reach_collector};
use tidings_store::SchemaState;

use self::disk::Disk;
use crate::{
    admin::apps,
    directory::{Directory, with_directory},
    in_full::in_full,
    keys,
    lines::{Output, Row},
    migrate::SCHEMAS,
    running::location,
    server::{self, Server},
};

/// Checks everything and fails if there is a problem.
pub async fn doctor(config: Result<Config, Error>, output: Output) -> Result<(), Error> {
    let report = |what: &str, found: &Result<String, String>| {
        output.print(&Row::of_check(what, found));
        found.is_ok()
    };
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            report("config", &Err(error.to_string()));
            return Err(Error::invalid("doctor", "found problems"));
        }
    };
    let mut healthy = report("config", &Ok("is well-formed".to_owned()));
    let certificates::Found { connector, state, soon } = certificates::check(&config);
    if let Some(state) = state {
        healthy &= report("certificates", &state);
    }
    if let Some(soon) = soon {
        output.print(&risk_row("certificates", &soon));
    }
    // With a database elsewhere nobody can tell.
    let is_served = server::holds_data_folder(&config);
    for (name, found) in listeners::check(&config, is_served, &connector).await {
        healthy &= report(name, &found);
    }
    if let Some(words) = listeners::advice(&config, is_served).await {
        output.print(&risk_row("metrics", &words));
    }
    let disk = |what: &str, found: Disk| match found {
        Disk::Written(found) => {
            output.print(&advice(what, &found));
            true
        }
        Disk::Unwritable(why) => report(what, &Err(why)),
    };
    let mut checked = None;
    if config.database.url.is_none() {
        healthy &= report("data folder", &check_folder(&config));
        if config.data.is_dir() {
            healthy &= disk("disk", disk::check(&config.data));
            checked = Some(config.data.as_path());
        }
    }
    if let Some(found) = files_folder::check(&config, checked) {
        healthy &= report("files folder", &found.state);
        healthy &= found.disk.is_none_or(|found| disk("disk of files", found));
    }
    if config.files.s3_bucket.is_some() {
        healthy &= report("file store", &check_store(&config).await);
    }
    let reached = tidings_store::reach(&location(&config)).await.map_err(shown);
    if config.database.url.is_some() {
        healthy &= report("database", &reached.clone().map(|()| "answers".to_owned()));
        if reached.is_ok() {
            let found = database::check(&config).await;
            for (name, found) in found.checks {
                healthy &= report(name, &found);
            }
            output.print_all(found.advice);
        }
    }
    for schema in SCHEMAS.into_iter().filter(|_| reached.is_ok()) {
        let opened = match (&config.database.url, config.data.join(format!("{}.sqlite", schema.name)).exists()) {
            (None, false) => Ok("not created yet; the first start creates them".to_owned()),
            _ => check_database(&config, schema).await,
        };
        let has_secrets = [tidings_directory::SCHEMA.name, tidings_callback::SCHEMA.name].contains(&schema.name);
        if has_secrets && opened.as_ref().is_ok_and(|words| words == UP_TO_DATE) {
            let opens = keys::check_sealed(&config, &location(&config), schema).await;
            let opens = opens.map(|()| "open with the data key".to_owned()).map_err(shown);
            healthy &= report(&format!("{} secrets", schema.name), &opens);
        }
        healthy &= report(&format!("{} tables", schema.name), &opened);
    }
    match Settings::read(&config) {
        Ok(None) => {}
        Ok(Some(bus)) => {
            tidings_outbound::name_tls_backend();
            healthy &= report("bus", &bus.reach().await.map(|()| format!("answers at {}", bus.address())));
        }
        Err(error) => healthy &= report("bus", &Err(shown(error))),
    }
    if let Some(reached) = reach_collector(&config.telemetry).await {
        healthy &= report("collector", &reached);
    }
    let service_key = server::known_key(&config);
    for (name, addresses) in config.peers.all() {
        let answer = peers::check(addresses, service_key.as_deref(), &connector).await;
        healthy &= report(&format!("{name} service"), &answer);
    }
    if healthy {
        risks(&config, output).await;
    }
    if healthy { Ok(()) } else { Err(Error::invalid("doctor", "found problems")) }
}

/// Lists risky policies of apps, from the running directory or from its tables. They are choices, not errors.
async fn risks(config: &Config, output: Output) {
    let is_made = config.database.url.is_some() || config.data.join("directory.sqlite").exists();
    if !is_made && config.peers.directory.is_none() {
        return;
    }
    let listed = with_directory(config, Server::default(), async |mut directory: Directory| {
        for app in apps(&mut directory).await? {
            let name = format!("{}/{}", app.org, app.name);
            for risk in RISKS {
                if let Some(value) = risk.taken_by(&app.policy) {
                    output.print(&risk_row(&format!("app {name}"), &format!("{}={value}: {}", risk.switch, risk.what)));
                }
            }
        }
        Ok(())
    });
    if let Err(error) = listed.await {
        output.print(&Row::of_check("risks of apps", &Ok(format!("cannot be determined ({})", shown(error)))));
    }
}

/// Whether the bucket is reached, with a key that opens it.
async fn check_store(config: &Config) -> Result<String, String> {
    tidings_outbound::name_tls_backend();
    let store = Objects::open(&config.files, config.data.join("files")).map_err(shown)?;
    store.check().await.map_err(shown)?;
    Ok("answers".to_owned())
}

fn check_folder(config: &Config) -> Result<String, String> {
    let path = config.data.display();
    let Ok(found) = fs::metadata(&config.data) else {
        return Ok(format!("{path} does not exist yet; the first start creates it"));
    };
    if !found.is_dir() {
        return Err(format!("{path} is not a folder"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return Err(format!("{path} can be read by others: chmod 700 {path} (the next start does)"));
    }
    if let Some(why) = low_space(&config.data) {
        return Err(why);
    }
    for key in ["service.key", "data.key"] {
        let mode = fs::metadata(config.data.join(key)).map_or(0, |found| found.permissions().mode());
        if mode & 0o077 != 0 {
            return Err(format!("{path}/{key} can be read by others: chmod 600 {path}/{key}"));
        }
    }
    if server::holds_data_folder(config) {
        return Ok(format!("{path} is served by a running process"));
    }
    DataFolder::lock_as_it_is(&config.data).map(|_| format!("{path} is free")).map_err(|error| error.to_string())
}

fn shown(error: Error) -> String {
    in_full(&error)
}

const UP_TO_DATE: &str = "are up to date";

async fn check_database(config: &Config, schema: &tidings_store::Schema) -> Result<String, String> {
    let schema_file = match &config.database.url {
        Some(_) => format!("schema tidings_{}", schema.name),
        None => config.data.join(format!("{}.sqlite", schema.name)).display().to_string(),
    };
    let db = tidings_store::open(&location(config), schema, false).await.map_err(shown)?;
    let found = async { Ok::<_, Error>((schema.standing(&db).await?, db.damage().await?)) }.await;
    db.close().await;
    let (standing, damage) = found.map_err(|error| format!("{schema_file} cannot be read: {}", shown(error)))?;
    if let Some(damage) = damage {
        return Err(format!("{schema_file} is damaged: {damage}; stop tidings and restore the file from a backup"));
    }
    match standing {
        SchemaState::UpToDate => Ok(UP_TO_DATE.to_owned()),
        SchemaState::Behind(steps) => Err(format!("need {steps} migrations: run `tidings migrate`")),
        SchemaState::Ahead(steps) => Err(format!("are {steps} migrations ahead of this version: update this program")),
    }
}

/// The result of a check of what Tidings runs with, though perhaps not well.
fn advice(what: &str, found: &Result<String, String>) -> Row {
    match found {
        Ok(_) => Row::of_check(what, found),
        Err(words) => risk_row(what, words),
    }
}

fn risk_row(what: &str, words: &str) -> Row {
    let row = Row::default().field("result", "risk").field("check", what).field("what", words);
    row.text(format!("risk   {what}: {words}"))
}
