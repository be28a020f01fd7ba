//! The databases of an installation, opened by a command that reads all of them, whether or not the program is running.

use std::path::PathBuf;

use tidings_domain::Error;
use tidings_file::Objects;
use tidings_runtime::{Config, config::Files};
use tidings_store::{Db, Location, Schema, SchemaState};

use crate::{migrate::SCHEMAS, running::location};

/// Where an installation keeps everything.
#[derive(Clone)]
pub struct DataLocation {
    /// The databases.
    pub location: Location,
    /// Where files are stored, as configured.
    pub files: Files,
    /// The data folder: where files are stored otherwise.
    pub data: PathBuf,
}

impl DataLocation {
    /// The installation of a configuration.
    pub fn of(config: &Config) -> Self {
        Self { location: location(config), files: config.files.clone(), data: config.data.clone() }
    }

    /// A folder with everything in it.
    pub fn folder(data: PathBuf) -> Self {
        Self { location: Location::Folder(data.clone()), files: Files::default(), data }
    }

    /// Its files as they are; `None` where nothing was ever uploaded.
    pub fn objects(&self) -> Result<Option<Objects>, Error> {
        if self.files.s3_bucket.is_some() {
            tidings_outbound::name_tls_backend();
        }
        Objects::existing(&self.files, self.data.join("files"))
    }

    /// Its files, for writing.
    pub fn writable_objects(&self) -> Result<Objects, Error> {
        tidings_outbound::name_tls_backend();
        Objects::open(&self.files, self.data.join("files"))
    }

    /// The file, or the schema, of a service.
    pub fn database(&self, schema: &Schema) -> String {
        match &self.location {
            Location::Folder(folder) => folder.join(format!("{}.sqlite", schema.name)).display().to_string(),
            Location::Postgres(_) => format!("schema tidings_{}", schema.name),
        }
    }
}

/// The databases of all services, as they are.
pub struct Stores {
    /// Apps, users and groups.
    pub directory: Db,
    /// The log.
    pub message: Db,
    /// Read marks.
    pub conversation: Db,
    /// Descriptions of files.
    pub file: Db,
    /// Deliveries.
    pub callback: Db,
}

impl Stores {
    /// Opens them; none is created or migrated.
    pub async fn open(place: &DataLocation) -> Result<Self, Error> {
        let [directory, message, conversation, file, callback] = SCHEMAS;
        Ok(Self {
            directory: open(place, directory).await?,
            message: open(place, message).await?,
            conversation: open(place, conversation).await?,
            file: open(place, file).await?,
            callback: open(place, callback).await?,
        })
    }

    /// Closes all of them.
    pub async fn close(&self) {
        for db in [&self.directory, &self.message, &self.conversation, &self.file, &self.callback] {
            db.close().await;
        }
    }
}

/// Opens one database as it is, if it is there and this version knows its tables.
async fn open(place: &DataLocation, schema: &Schema) -> Result<Db, Error> {
    let db = usable(place, schema).await?;
    let steps = match schema.standing(&db).await? {
        SchemaState::UpToDate => return Ok(db),
        SchemaState::Behind(steps) => format!("lacks {steps} migrations: run `tidings migrate`"),
        SchemaState::Ahead(steps) => format!("is {steps} migrations ahead of this version: update this program"),
    };
    db.close().await;
    Err(Error::invalid("data", format!("{} {steps}", place.database(schema))))
}

/// Opens one database as it is, if it is there.
pub async fn usable(place: &DataLocation, schema: &Schema) -> Result<Db, Error> {
    if let Location::Folder(folder) = &place.location
        && !folder.join(format!("{}.sqlite", schema.name)).exists()
    {
        let words = format!("has no {}: name the data folder with --data", place.database(schema));
        return Err(Error::invalid("data", words));
    }
    tidings_store::open(&place.location, schema, false).await
}
