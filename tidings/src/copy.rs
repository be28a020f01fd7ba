//! `tidings copy`: moves a data folder into PostgreSQL, and its files into the configured store.
//!
//! Nothing is renumbered: every row of every table is copied as it is. The directory comes last, since without apps
//! nothing can be done with a target that is not complete. A copy that was cut is continued by the same command.

use std::path::{Path, PathBuf};

use clap::Args;
use tidings_domain::Error;
use tidings_file::kept;
use tidings_runtime::{Config, DataFolder, config::Files, write_private};
use tidings_store::{Db, Location, table_copy};

use crate::{
    keys::{DATA_KEY, SERVICE_KEY, check_sealed},
    lines::{Output, Row},
    migrate::SCHEMAS,
    stores::{DataLocation, Stores},
    text_input,
    verify::{self, Report, Scope},
};

/// From where to where.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tidings copy --from /var/lib/tidings --to-file /run/secrets/database-url --data /var/lib/tidings"
)]
pub struct CopyOptions {
    /// The data folder, which no process uses.
    #[arg(long)]
    from: PathBuf,
    /// The database, as postgres://user:password@host:port/database [default: the one of the configuration]. It must have
    /// no apps. Other users of this machine see a password here among its processes.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// A file whose only line is that URL; - is standard input.
    #[arg(long, value_name = "PATH", conflicts_with = "to")]
    to_file: Option<PathBuf>,
    /// The folder of the source's files [default: `files` in the data folder].
    #[arg(long)]
    from_files: Option<PathBuf>,
}

impl CopyOptions {
    fn target(&self, config: &Config) -> Result<String, Error> {
        let to = match (&self.to, &self.to_file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => text_input::secret("--to-file", file)?,
            (None, None) => config.database.url.clone().ok_or_else(|| {
                let rule = "is required, or --to-file, unless the configuration names the database: TIDINGS_DATABASE_URL \
                            or TIDINGS_DATABASE_URL_FILE";
                Error::invalid("--to", rule)
            })?,
        };
        if !to.starts_with("postgres://") && !to.starts_with("postgresql://") {
            return Err(Error::invalid("--to", "must be a postgres:// URL"));
        }
        Ok(to)
    }
}

/// Copies everything, compares both sides and verifies the target.
pub async fn copy(config: &Config, options: &CopyOptions, output: Output) -> Result<(), Error> {
    let to = options.target(config)?;
    let from = options.from.as_path();
    if !from.is_dir() {
        return Err(Error::invalid("--from", format!("{} is not a folder", from.display())));
    }
    let _folder = DataFolder::lock_as_it_is(from)?;
    for schema in SCHEMAS {
        table_copy::check_source(from, schema).await?;
    }
    table_copy::check_unused(&to).await?;
    let keys_are_here = keys(config, from).await?;
    let location = Location::Postgres(to);
    let target = DataLocation { location, files: config.files.clone(), data: config.data.clone() };
    let mut databases = Vec::new();
    for schema in SCHEMAS {
        databases.push(tidings_store::open(&target.location, schema, true).await?);
    }
    let done = tables(from, &databases, output).await;
    for db in &databases {
        db.close().await;
    }
    done?;
    let stores = Stores::open(&target).await?;
    let done = files(options, &target, &stores, output).await;
    if done.is_ok() {
        table_copy::finish(&stores.directory).await?;
    }
    stores.close().await;
    done?;
    let mut report = Report::new(output);
    verify::check(&target, Scope::Whole, &mut report).await?;
    report.end();
    if !keys_are_here {
        let key = from.join(DATA_KEY);
        let words = format!("set data_key to the text in {}: the apps' secrets need it", key.display());
        output.print(&Row::remark(&words));
    }
    match report.findings() {
        0 => Ok(()),
        count => Err(Error::invalid("copy", format!("is complete, but {count} problems were in the source"))),
    }
}

/// Copies the tables of each service, those of the directory last.
async fn tables(from: &Path, databases: &[Db], output: Output) -> Result<(), Error> {
    let source = from.canonicalize().map_err(Error::internal)?.display().to_string();
    let directory = &databases[0];
    match table_copy::begun(directory).await? {
        Some(begun) if begun == source => output.print(&Row::remark("continues an interrupted copy")),
        Some(begun) => {
            let words = format!("holds an interrupted copy from {begun}: continue it, or empty the database");
            return Err(Error::invalid("--to", words));
        }
        None if tidings_directory::stored_apps(directory).await?.is_empty() => {}
        None => return Err(Error::invalid("--to", "already has apps: name an empty database")),
    }
    for (schema, db) in SCHEMAS.into_iter().zip(databases).rev() {
        let report = |table: &table_copy::CopiedTable| {
            let row = Row::default().shown("table", table.name.as_str());
            output.print(&row.cell("rows", table.rows, format!("{} rows", table.rows)));
        };
        table_copy::copy_tables((from, &source), schema, db, report).await?;
    }
    Ok(())
}

/// Puts the keys into the new data folder, if that is another one. False: the data key must be configured. A configured
/// key with which the source's secrets could not be read is refused.
async fn keys(config: &Config, from: &Path) -> Result<bool, Error> {
    if config.data_key.is_some() {
        for schema in [&tidings_directory::SCHEMA, &tidings_callback::SCHEMA] {
            check_sealed(config, &Location::Folder(from.to_owned()), schema).await?;
        }
        return Ok(true);
    }
    if from.canonicalize().ok() == config.data.canonicalize().ok() {
        return Ok(true);
    }
    if !config.data.is_dir() {
        return Ok(false);
    }
    for name in [DATA_KEY, SERVICE_KEY] {
        let Ok(key) = std::fs::read_to_string(from.join(name)) else { continue };
        let there = config.data.join(name);
        match std::fs::read_to_string(&there) {
            Ok(other) if other.trim() == key.trim() || name == SERVICE_KEY => {}
            Ok(_) => {
                let words =
                    format!("in {} is not that of the source: replace it by {}", there.display(), from.display());
                return Err(Error::invalid(name, words));
            }
            Err(_) => write_private(&there, &key).map_err(|error| {
                Error::invalid("data", format!("file {} cannot be written: {error}", there.display()))
            })?,
        }
    }
    Ok(true)
}

async fn files(options: &CopyOptions, target: &DataLocation, stores: &Stores, output: Output) -> Result<(), Error> {
    let folder = options.from_files.clone().unwrap_or_else(|| options.from.join("files"));
    let source = DataLocation { files: Files { folder: Some(folder.clone()), ..Files::default() }, ..target.clone() };
    let Some(from) = source.objects()? else { return Ok(()) };
    let to = target.writable_objects()?;
    if to.is_in(&folder) {
        output.print(&Row::remark(&format!("{}: the files stay where they are", folder.display())));
        return Ok(());
    }
    let (mut count, mut bytes) = (0, 0);
    for app in tidings_directory::stored_apps(&stores.directory).await? {
        let copied = kept::copy((&stores.file, None), (&from, &to), app.id).await?;
        count += copied.files;
        bytes += copied.bytes;
    }
    let row = Row::default().cell("files", count, format!("{count} files"));
    output.print(&row.cell("bytes", bytes, format!("{bytes} bytes")));
    Ok(())
}
