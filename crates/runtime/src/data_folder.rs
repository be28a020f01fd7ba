//! The data folder: locked by the process that serves it, holds the keys, and is readable only by its owner.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tidings_domain::{Entropy, Error, hex};

/// A locked data folder. The lock is released when the process ends, however that happens.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder if necessary, makes it private (see [`keep_private`]), and locks it. Other files in it
    /// are left alone.
    pub fn lock(path: &Path) -> Result<Self, Error> {
        keep_private("data", path)?;
        Self::lock_as_it_is(path)
    }

    /// The same without changing permissions, for read-only commands.
    pub fn lock_as_it_is(path: &Path) -> Result<Self, Error> {
        let fault = |error: io::Error| {
            let remedy = "give it to the user that runs tidings, or name another with --data or TIDINGS_DATA";
            Error::invalid("data", format!("folder {} cannot be used: {error}; {remedy}", path.display()))
                .because(error)
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path.join("tidings.lock"));
        let lock = lock.map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let text =
                    format!("folder {} {IN_USE}: stop that one, or name another folder with --data", path.display());
                Err(Error::invalid("data", text))
            }
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    /// Whether another process holds the lock. Creates nothing where there is no folder.
    pub fn is_in_use(path: &Path) -> bool {
        path.is_dir() && Self::lock_as_it_is(path).is_err_and(|error| error.subject().contains(IN_USE))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if a database that was created here is missing: otherwise a new empty one would be mistaken for the data.
    pub fn check_database(&self, name: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        let is_there = fs::metadata(&path).is_ok_and(|found| found.len() > 0);
        if is_there || !self.databases()?.iter().any(|known| known == name) {
            return Ok(());
        }
        let list = self.path.join(DATABASES);
        let remedy =
            format!("restore it from a backup; to start without its data, remove its line from {}", list.display());
        Err(Error::invalid(
            "data",
            format!("file {} was made by an earlier start and is gone: {remedy}", path.display()),
        ))
    }

    /// Durably records that the database was created.
    pub fn note_database(&self, name: &str) -> Result<(), Error> {
        let mut known = self.databases()?;
        if known.iter().any(|known| known == name) {
            return Ok(());
        }
        known.push(name.to_owned());
        let path = self.path.join(DATABASES);
        write_private(&path, &(known.join("\n") + "\n")).map_err(|error| {
            Error::invalid("data", format!("file {} cannot be written: {error}", path.display())).because(error)
        })
    }

    fn databases(&self) -> Result<Vec<String>, Error> {
        let path = self.path.join(DATABASES);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => {
                let remedy = "give it to the user that runs tidings";
                Err(Error::invalid("data", format!("file {} cannot be read: {error}; {remedy}", path.display())))
            }
        }
    }

    /// The key in file `name`, 32 bytes as hex, created at the first call.
    pub fn key(&self, name: &str, entropy: &dyn Entropy) -> Result<String, Error> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(key) => Ok(key.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                entropy.fill(&mut bytes);
                let key = hex(&bytes);
                write_private(&path, &key).map_err(|error| {
                    Error::invalid("data", format!("file {} cannot be written: {error}", path.display())).because(error)
                })?;
                Ok(key)
            }
            Err(error) => {
                let remedy = "give it to the user that runs tidings, with mode 600";
                Err(Error::invalid("data", format!("file {} cannot be read: {error}; {remedy}", path.display())))
            }
        }
    }
}

/// How a folder that another process has locked is refused.
const IN_USE: &str = "is in use by another tidings process";

/// The file with the names of the databases created in a data folder, one per line.
const DATABASES: &str = "databases.txt";

/// Our files in a data folder; older versions left databases readable by others.
const OURS: [&str; 6] = [".sqlite", ".sqlite-wal", ".sqlite-shm", ".key", "demo.env", "tidings.lock"];

/// Creates a folder that only its owner can read, or restricts an existing one, along with our files in it. `setting`
/// names it in the error if the folder belongs to somebody else, or is shared.
pub fn keep_private(setting: &str, path: &Path) -> Result<(), Error> {
    let shown = path.display();
    let another = if setting == "data" { "--data or TIDINGS_DATA" } else { setting };
    let fault = |error: io::Error| {
        let remedy = format!("give it to the user that runs tidings, or name another with {another}");
        Error::invalid(setting, format!("folder {shown} cannot be used: {error}; {remedy}")).because(error)
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault)?;
    let found = fs::metadata(path).map_err(fault)?;
    if found.mode() & 0o1000 != 0 {
        return Err(Error::invalid(setting, format!("folder {shown} is shared (sticky): name a folder of its own")));
    }
    if is_open(found.mode()) {
        close(path, 0o700).map_err(|error| {
            let remedy = format!("close it (chmod 700 {shown}) or name a folder that belongs to this user");
            Error::invalid(setting, format!("folder {shown} can be read by others: {remedy}")).because(error)
        })?;
        tracing::warn!(folder = %shown, "others could read the folder: its permissions are now 0700");
    }
    for entry in fs::read_dir(path).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let is_ours = OURS.iter().any(|end| entry.file_name().to_string_lossy().ends_with(end));
        // The entry itself, not a link's target.
        let found = entry.metadata().map_err(fault)?;
        if is_ours && found.is_file() && is_open(found.mode()) {
            close(&entry.path(), 0o600).map_err(fault)?;
        }
    }
    Ok(())
}

/// Whether anybody but the owner has any permission.
const fn is_open(mode: u32) -> bool {
    mode & 0o077 != 0
}

fn close(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Replaces a file atomically and durably, readable only by its owner.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("tmp");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o7777
    }

    #[test]
    fn a_folder_that_others_can_read_is_closed_with_our_files_and_the_rest_is_left_alone() {
        let outside = tempfile::tempdir().expect("a folder");
        let folder = outside.path().join("data");
        fs::create_dir(&folder).expect("a folder");
        for (name, before, after) in [
            ("message.sqlite", 0o644, 0o600),
            ("message.sqlite-wal", 0o660, 0o600),
            ("message.sqlite-shm", 0o604, 0o600),
            ("data.key", 0o640, 0o600),
            ("notes.txt", 0o644, 0o644),
        ] {
            fs::write(folder.join(name), "x").expect("it can be written");
            close(&folder.join(name), before).expect("it is ours");
            close(&folder, 0o755).expect("it is ours");
            drop(DataFolder::lock(&folder).expect("it is free"));
            assert_eq!((mode(&folder), mode(&folder.join(name))), (0o700, after), "{name}");
        }
    }

    #[test]
    fn a_folder_that_many_share_is_refused_in_words() {
        let outside = tempfile::tempdir().expect("a folder");
        let folder = outside.path().join("shared");
        fs::create_dir(&folder).expect("a folder");
        close(&folder, 0o1777).expect("it is ours");
        let refused = DataFolder::lock(&folder).expect_err("it is shared");
        let words = format!("data folder {} is shared (sticky): name a folder of its own", folder.display());
        assert_eq!((refused.to_string(), mode(&folder)), (words, 0o1777));
    }
}
