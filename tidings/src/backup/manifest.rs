//! `manifest.json` of a backup: what is in it, and which version can restore it.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidings_domain::{Error, hex};
use tidings_runtime::write_private;

use crate::migrate::SCHEMAS;

/// The file's name.
const MANIFEST: &str = "manifest.json";
/// Written by this version; a later form has a higher number.
const FORMAT: u32 = 1;

/// A backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub tidings: String,
    /// Unix milliseconds.
    pub made_at_ms: i64,
    databases: Vec<Database>,
    /// Files and their bytes.
    pub files: u64,
    /// The sum of their sizes.
    pub bytes: u64,
    /// The keys that are in it; others come from the configuration.
    pub keys: Vec<String>,
}

/// A database file of a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Database {
    service: String,
    /// Its migrations.
    step: usize,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Describes the databases in a folder.
    pub fn of(folder: &Path, made_at_ms: i64, (files, bytes): (u64, u64), keys: Vec<String>) -> Result<Self, Error> {
        let mut databases = Vec::new();
        for schema in SCHEMAS {
            let (bytes, sha256) = digest(&folder.join(format!("{}.sqlite", schema.name))).map_err(Error::internal)?;
            databases.push(Database { service: schema.name.to_owned(), step: schema.sqlite.len(), bytes, sha256 });
        }
        let tidings = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { format: FORMAT, tidings, made_at_ms, databases, files, bytes, keys })
    }

    /// Writes it into the folder, as the last thing.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(Error::internal)? + "\n";
        write_private(&folder.join(MANIFEST), &text).map_err(Error::internal)
    }

    /// Reads that of a backup, and checks that this version can restore it and that its databases are whole.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let refuse = |words: String| Error::invalid("the backup", words);
        let text = fs::read_to_string(&path).map_err(|error| {
            refuse(format!("has no {} ({error}): name a folder written by `tidings backup`", path.display()))
        })?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|error| refuse(format!("has a {MANIFEST} that cannot be read: {error}")))?;
        manifest.check_version()?;
        for database in &manifest.databases {
            let file = folder.join(format!("{}.sqlite", database.service));
            let found = digest(&file).map_err(|error| refuse(format!("lacks {}: {error}", file.display())))?;
            if found != (database.bytes, database.sha256.clone()) {
                let words = format!(
                    "has a damaged {}: it has changed since it was written; use another backup",
                    file.display()
                );
                return Err(refuse(words));
            }
        }
        Ok(manifest)
    }

    /// Refuses tables that a newer version has made.
    fn check_version(&self) -> Result<(), Error> {
        let Self { format, tidings, databases, .. } = self;
        let refuse = |words: String| Err(Error::invalid("the backup", words));
        if *format > FORMAT {
            return refuse(format!("is of tidings {tidings}, which writes a newer backup format: update this program"));
        }
        for schema in SCHEMAS {
            let Some(database) = databases.iter().find(|database| database.service == schema.name) else {
                return refuse(format!("has no database of {}", schema.name));
            };
            if database.step > schema.sqlite.len() {
                return refuse(format!(
                    "is of tidings {tidings}, whose tables of {} are newer (step {}, this version knows {}): update this \
                     program",
                    schema.name,
                    database.step,
                    schema.sqlite.len()
                ));
            }
        }
        Ok(())
    }
}

/// A file's size and SHA-256.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    let (mut digest, mut buffer, mut size) = (Sha256::new(), vec![0; 256 * 1024], 0);
    loop {
        let length = io::Read::read(&mut file, &mut buffer)?;
        if length == 0 {
            return Ok((size, hex(&digest.finalize())));
        }
        digest.update(&buffer[..length]);
        size += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup() -> (tempfile::TempDir, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        for schema in SCHEMAS {
            fs::write(folder.path().join(format!("{}.sqlite", schema.name)), schema.name).unwrap();
        }
        let manifest = Manifest::of(folder.path(), 1, (2, 3), vec!["data.key".to_owned()]).unwrap();
        (folder, manifest)
    }

    #[test]
    fn a_backup_is_refused_in_words_if_it_is_newer_damaged_or_none() {
        let (folder, mut manifest) = backup();
        let words = || Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(words().starts_with("the backup has no "), "{}", words());
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap().keys, ["data.key"]);

        fs::write(folder.path().join("file.sqlite"), "other").unwrap();
        assert!(words().starts_with("the backup has a damaged "), "{}", words());
        manifest.databases[1].step += 1;
        manifest.write(folder.path()).unwrap();
        let newer = format!("whose tables of message are newer (step {}", manifest.databases[1].step);
        assert!(words().contains(&newer), "{}", words());
        manifest.format += 1;
        manifest.write(folder.path()).unwrap();
        assert!(words().contains("a newer backup format"), "{}", words());
    }
}
