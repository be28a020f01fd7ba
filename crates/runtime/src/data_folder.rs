//! The data folder: locked by the process that serves it, holder of the keys.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tidings_domain::{Entropy, Error, hex};

/// A locked data folder. The lock goes with the process, however that ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where there is none, and locks it. Other files in it are left alone.
    pub fn lock(path: &Path) -> Result<Self, Error> {
        let fault = |error: io::Error| {
            Error::invalid("data", format!("folder {} cannot be used: {error}", path.display())).because(error)
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path.join("tidings.lock"));
        let lock = lock.map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let text = format!("folder {} is in use by another tidings process", path.display());
                Err(Error::invalid("data", text))
            }
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key in file `name`, 32 bytes as hex, made at the first call.
    pub fn key(&self, name: &str, entropy: &dyn Entropy) -> Result<String, Error> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(key) => Ok(key.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                entropy.fill(&mut bytes);
                let key = hex(&bytes);
                write_private(&path, &key).map_err(Error::internal)?;
                Ok(key)
            }
            Err(error) => Err(Error::invalid("data", format!("{} cannot be read: {error}", path.display()))),
        }
    }
}

/// Replaces a file at once and durably, readable by its owner alone.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("tmp");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
