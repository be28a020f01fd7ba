//! `tidings restore`: puts a backup into a data folder.
//!
//! The databases are copied into a folder inside the data folder, brought up to date, and moved into place as the last
//! step. Before that, `databases.txt` names all of them, so that a start after an interruption fails instead of
//! starting with empty databases.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use tidings_domain::{Clock as _, Error, SystemClock, UnixMillis};
use tidings_file::kept;
use tidings_runtime::{Config, DataFolder};
use tidings_store::Location;

use crate::{
    backup::{BESIDE, Manifest},
    lines::{Output, Row},
    migrate::SCHEMAS,
    stores::{DataLocation, Stores},
    verify::{self, Report, Scope},
};

/// Which backup, and what may be replaced.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidings restore ./backup-1 --data /var/lib/tidings")]
pub struct RestoreOptions {
    /// The folder of the backup.
    folder: PathBuf,
    /// Replace existing data. It is moved into a folder `replaced-<time>` inside the data folder.
    #[arg(long)]
    force: bool,
}

/// The folder in the data folder that holds the databases until they are moved into place.
const STAGE: &str = "restoring";

/// Restores a backup into the configured data folder.
pub async fn restore(config: &Config, options: &RestoreOptions, output: Output) -> Result<(), Error> {
    let place = DataLocation::of(config);
    let Location::Folder(data) = &place.location else {
        return Err(Error::invalid("restore", "writes a data folder, but database.url is set: use pg_restore"));
    };
    let backup = &options.folder;
    let manifest = Manifest::read(backup)?;
    let _folder = DataFolder::lock(data)?;
    make_room(data, options.force, output)?;
    let stage = data.join(STAGE);
    stage_databases(backup, data, &stage).map_err(|error| cannot_write(data, &error))?;
    for schema in SCHEMAS {
        // A backup of an older version gets the tables of this one.
        tidings_store::open(&Location::Folder(stage.clone()), schema, true).await?.close().await;
    }
    restore_files(backup, &place, &stage).await?;
    move_databases(&stage, data).map_err(|error| cannot_write(data, &error))?;

    let mut report = Report::new(output);
    // A store of its own may have files that are newer than the backup.
    let is_of_folder = place.files.s3_bucket.is_none() && place.files.folder.is_none();
    let scope = if is_of_folder { Scope::Whole } else { Scope::Ours };
    verify::check(&place, scope, &mut report).await?;
    report.end();
    let (made_at, version) = (manifest.made_at_ms, &manifest.tidings);
    let words = format!("{}: as of {}, from tidings {version}", data.display(), UnixMillis(made_at).rfc3339());
    let row = Row::default().field("folder", data.display().to_string()).field("made_at_ms", made_at);
    output.print(&row.field("tidings", version.as_str()).text(words));
    if !is_of_folder {
        output.print(&Row::remark(
            "the store may have files that are newer than the backup: `tidings verify` names them",
        ));
    }
    match report.findings() {
        0 => Ok(()),
        count => Err(Error::invalid("restore", format!("is complete, but {count} problems were in the backup"))),
    }
}

/// Whether a name in a data folder is part of the data.
fn is_data(name: &str) -> bool {
    let is_database =
        SCHEMAS.iter().any(|schema| name.strip_prefix(schema.name).is_some_and(|end| end.starts_with(".sqlite")));
    is_database || BESIDE.contains(&name) || name == "files"
}

/// Moves existing data aside, if allowed.
fn make_room(data: &Path, force: bool, output: Output) -> Result<(), Error> {
    let fault = |error: io::Error| cannot_write(data, &error);
    let stage = data.join(STAGE);
    if stage.is_dir() {
        fs::remove_dir_all(&stage).map_err(fault)?;
    }
    let mut there = Vec::new();
    for entry in fs::read_dir(data).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name().to_string_lossy().into_owned();
        if is_data(&name) {
            there.push(name);
        }
    }
    if there.is_empty() {
        return Ok(());
    }
    if !force {
        let words = format!(
            "finds data in {}: name an empty folder with --data, or use --force, which moves that data into a subfolder",
            data.display()
        );
        return Err(Error::invalid("restore", words));
    }
    let device = fs::metadata(data).map_err(fault)?.dev();
    for name in &there {
        let path = data.join(name);
        if fs::metadata(&path).map_err(fault)?.dev() != device {
            let words = format!(
                "cannot move {} out of the way, which is on another disk: empty it, or move what is in it, and name it in \
                 files.folder",
                path.display()
            );
            return Err(Error::invalid("restore", words));
        }
    }
    let aside = data.join(format!("replaced-{}", SystemClock.now().0));
    fs::create_dir(&aside).map_err(fault)?;
    for name in there {
        fs::rename(data.join(&name), aside.join(&name)).map_err(fault)?;
    }
    let words = format!("{}: the data that was there", aside.display());
    output.print(&Row::default().field("replaced", aside.display().to_string()).text(words));
    Ok(())
}

/// The list of databases first: from here on a start refuses until all of them are in place.
fn stage_databases(backup: &Path, data: &Path, stage: &Path) -> io::Result<()> {
    let names: Vec<String> = SCHEMAS.iter().map(|schema| format!("{}.sqlite", schema.name)).collect();
    tidings_runtime::write_private(&data.join("databases.txt"), &(names.join("\n") + "\n"))?;
    for name in BESIDE.into_iter().filter(|name| *name != "databases.txt") {
        if backup.join(name).is_file() {
            tidings_runtime::write_private(&data.join(name), &fs::read_to_string(backup.join(name))?)?;
        }
    }
    fs::create_dir_all(stage)?;
    for name in names {
        fs::copy(backup.join(&name), stage.join(&name))?;
    }
    Ok(())
}

async fn restore_files(backup: &Path, place: &DataLocation, stage: &Path) -> Result<(), Error> {
    let Some(from) = DataLocation::folder(backup.to_owned()).objects()? else { return Ok(()) };
    let to = place.writable_objects()?;
    let staged = Stores::open(&DataLocation::folder(stage.to_owned())).await?;
    let done = async {
        for app in tidings_directory::stored_apps(&staged.directory).await? {
            kept::copy((&staged.file, None), (&from, &to), app.id).await?;
        }
        Ok::<_, Error>(())
    };
    let done = done.await;
    staged.close().await;
    done
}

fn move_databases(stage: &Path, data: &Path) -> io::Result<()> {
    for schema in SCHEMAS {
        let name = format!("{}.sqlite", schema.name);
        fs::File::open(stage.join(&name))?.sync_all()?;
        fs::rename(stage.join(&name), data.join(&name))?;
    }
    fs::remove_dir_all(stage)?;
    fs::File::open(data)?.sync_all()
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::invalid("restore", format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_of_a_folder_are_no_data() {
        for name in ["message.sqlite", "message.sqlite-wal", "data.key", "files", "databases.txt"] {
            assert!(is_data(name), "{name}");
        }
        for name in ["notes.txt", "message.txt", "tidings.lock", "manifest.json", "replaced-1"] {
            assert!(!is_data(name), "{name}");
        }
    }
}
