//! `tidings backup`: copies a data folder while the program runs.
//!
//! The databases are copied as of one point in time, at which no transaction was open in any of them: what a crash
//! would have left then, so every acknowledged message of before is in it and no reference dangles. The bytes of files
//! follow, since a file is never changed; one that is removed meanwhile is removed in the copy too. The folder gets its
//! name when all of it is on disk and was verified.

mod manifest;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use tidings_domain::{Clock as _, Error, SystemClock};
use tidings_file::kept::{self, Copied};
use tidings_runtime::Config;
use tidings_store::Location;

pub use manifest::Manifest;

use crate::{
    keys::{DATA_KEY, SERVICE_KEY},
    lines::{Output, Row},
    migrate::SCHEMAS,
    stores::{DataLocation, Stores},
    verify::{self, Report, Scope},
};

/// What else is copied of a data folder, where it is there.
pub const BESIDE: [&str; 4] = [DATA_KEY, SERVICE_KEY, "databases.txt", "demo.env"];

/// Held while a backup is written.
const LOCK: &str = "backup.lock";

/// Makes a backup in a new folder.
pub async fn backup(config: &Config, folder: &Path, output: Output) -> Result<(), Error> {
    let place = DataLocation::of(config);
    let Location::Folder(data) = &place.location else {
        let words = "copies a data folder, but this installation is on PostgreSQL: use pg_dump, then copy the files";
        return Err(Error::invalid("backup", words));
    };
    let (unfinished, lock) = begin(folder)?;
    let live = Stores::open(&place).await?;
    let done = copy(&place, data, &live, &unfinished).await;
    live.close().await;
    let (copied, keys) = done?;
    let mut report = Report::new(output);
    verify::check(&DataLocation::folder(unfinished.clone()), Scope::Whole, &mut report).await?;
    let made_at = SystemClock.now();
    Manifest::of(&unfinished, made_at.0, (copied.files, copied.bytes), keys)?.write(&unfinished)?;
    fs::remove_file(unfinished.join(LOCK)).map_err(|error| cannot_write(&unfinished, &error))?;
    drop(lock);
    fs::rename(&unfinished, folder).and_then(|()| sync_parent(folder)).map_err(|error| cannot_write(folder, &error))?;
    report.end();
    let (shown, Copied { files, bytes, .. }) = (folder.display().to_string(), copied);
    let words = format!("{shown}: {files} files, {bytes} bytes in them");
    output.print(&Row::default().field("folder", shown).field("files", files).field("bytes", bytes).text(words));
    match report.findings() {
        0 => Ok(()),
        count => {
            let words =
                format!("was made, but {count} problems were found in it; `tidings verify` reports them here too");
            Err(Error::invalid("the backup", words))
        }
    }
}

/// The folder under which a backup is written until it is whole. Refuses to overwrite anything; what an earlier one has
/// left that was cut is removed. The lock in it is held by the process that writes.
fn begin(folder: &Path) -> Result<(PathBuf, File), Error> {
    if fs::symlink_metadata(folder).is_ok() {
        let words = format!("{} already exists: a backup is never overwritten, name another folder", folder.display());
        return Err(Error::invalid("backup", words));
    }
    let name = folder.file_name().ok_or_else(|| Error::invalid("backup", "must name a new folder"))?;
    let unfinished = folder.with_file_name(format!("{}.unfinished", name.to_string_lossy()));
    let fault = |error: io::Error| cannot_write(&unfinished, &error);
    if unfinished.is_dir() {
        let _left = lock(&unfinished)?;
        fs::remove_dir_all(&unfinished).map_err(fault)?;
    }
    if let Some(parent) = unfinished.parent() {
        fs::create_dir_all(parent).map_err(fault)?;
    }
    // Fails if another process was quicker.
    fs::create_dir(&unfinished).map_err(fault)?;
    let lock = lock(&unfinished)?;
    Ok((unfinished, lock))
}

fn lock(unfinished: &Path) -> Result<File, Error> {
    let fault = |error: io::Error| cannot_write(unfinished, &error);
    let file = File::create(unfinished.join(LOCK)).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let words = format!("{} is being written by another process: wait for it", unfinished.display());
            Err(Error::invalid("backup", words))
        }
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}

async fn copy(place: &DataLocation, data: &Path, live: &Stores, to: &Path) -> Result<(Copied, Vec<String>), Error> {
    tidings_store::snapshot(data, &SCHEMAS, to).await?;
    let mut keys = Vec::new();
    for name in BESIDE {
        match fs::copy(data.join(name), to.join(name)) {
            Ok(_) if name == DATA_KEY || name == SERVICE_KEY => keys.push(name.to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot_write(&to.join(name), &error)),
        }
    }
    let target = DataLocation::folder(to.to_owned());
    let copies = Stores::open(&target).await?;
    let copied = files(place, live, &copies, &target).await;
    copies.close().await;
    Ok((copied?, keys))
}

async fn files(place: &DataLocation, live: &Stores, copies: &Stores, target: &DataLocation) -> Result<Copied, Error> {
    let mut all = Copied::default();
    let Some(from) = place.objects()? else { return Ok(all) };
    let to = target.writable_objects()?;
    for app in tidings_directory::stored_apps(&copies.directory).await? {
        let now = SystemClock.now();
        let copied = kept::copy((&copies.file, Some((&live.file, now))), (&from, &to), app.id).await?;
        all.files += copied.files;
        all.bytes += copied.bytes;
        all.missing += copied.missing;
    }
    Ok(all)
}

/// Makes the new name durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent)?.sync_all()
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::invalid("backup", format!("cannot write {}: {error}", path.display()))
}
