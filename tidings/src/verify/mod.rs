//! `tidings verify`: checks all stored data, read-only, even while the program is running.
//!
//! Each finding is a line. What is checked of a service is the service's own: see `verify` of the message service and
//! `kept` of the file service.

mod report;

use clap::Args;
use tidings_directory::StoredApp;
use tidings_domain::{Error, Finding, Reason};
use tidings_file::{Objects, kept};
use tidings_message::verify::{self as log, Mark};
use tidings_runtime::Config;
use tidings_store::{Db, Location};

pub use report::Report;

use crate::{
    in_full::in_full,
    lines::Output,
    migrate::SCHEMAS,
    stores::{DataLocation, Stores, usable},
};

/// What to check.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// Check only the sizes of files, not their contents.
    #[arg(long)]
    quick: bool,
}

/// Checks the configured installation; fails if anything is wrong.
pub async fn verify(config: &Config, options: &VerifyOptions, output: Output) -> Result<(), Error> {
    let mut report = Report::new(output);
    let place = DataLocation::of(config);
    // Otherwise a wrong --data would be reported as damage.
    if let Location::Folder(folder) = &place.location
        && !folder.join("directory.sqlite").exists()
    {
        let words = format!("has no {}/directory.sqlite: name the data folder with --data", folder.display());
        return Err(Error::invalid("data", words));
    }
    let scope = if options.quick { Scope::Sizes } else { Scope::Whole };
    check(&place, scope, &mut report).await?;
    report.end();
    match report.findings() {
        0 => Ok(()),
        1 => Err(Error::invalid("verify", "found 1 problem")),
        count => Err(Error::invalid("verify", format!("found {count} problems"))),
    }
}

/// How much of the files is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Their sizes, and that the store has nothing else.
    Sizes,
    /// Their bytes, and that the store has nothing else.
    Whole,
    /// Their bytes only: the store may have others.
    Ours,
}

/// Checks an installation.
pub async fn check(place: &DataLocation, scope: Scope, report: &mut Report) -> Result<(), Error> {
    if !damages(place, report).await? {
        return Ok(());
    }
    let Some(stores) = readable(Stores::open(place).await, "schema", report)? else { return Ok(()) };
    let done = contents(&stores, place, scope, report).await;
    stores.close().await;
    done
}

/// The pages and indexes of the database files; false if one cannot be read at all.
async fn damages(place: &DataLocation, report: &mut Report) -> Result<bool, Error> {
    let mut is_readable = true;
    for schema in SCHEMAS {
        let file = place.database(schema);
        let db = match usable(place, schema).await {
            Ok(db) => db,
            // The file is missing, or is not a database any more.
            Err(error) if matches!(place.location, Location::Folder(_)) => {
                is_readable = false;
                report.add(Finding::of_storage("damage", file, in_full(&error)));
                continue;
            }
            Err(error) => return Err(error),
        };
        let found = db.damages().await;
        db.close().await;
        for damage in found? {
            let place = damage.table.map_or_else(|| file.clone(), |table| format!("{file} table {table}"));
            report.add(Finding::of_storage("damage", place, damage.what));
        }
    }
    Ok(is_readable)
}

async fn contents(stores: &Stores, place: &DataLocation, scope: Scope, report: &mut Report) -> Result<(), Error> {
    let Some(apps) = readable(tidings_directory::stored_apps(&stores.directory).await, "directory", report)? else {
        return Ok(());
    };
    report.name(&apps);
    let objects = place.objects()?;
    // What is left of a deleted app is being removed.
    for app in apps.iter().filter(|app| !app.is_deleted) {
        let checked = log::app(&stores.message.for_long_reads(), app.id, &mut |finding| report.add(finding)).await;
        if let Some(checked) = readable(checked, "message", report)? {
            report.checked_log(checked);
        }
        let marks = unread(&stores.conversation, &stores.message, app, report).await;
        readable(marks, "conversation", report)?;
        let files = files(&stores.file, objects.as_ref(), app, scope != Scope::Sizes, report).await;
        readable(files, "file", report)?;
    }
    if let Some(objects) = objects.as_ref().filter(|_| scope != Scope::Ours) {
        let listed = kept::verify_objects(&stores.file, objects, &mut |finding| report.add(finding)).await;
        readable(listed, "file", report)?;
    }
    Ok(())
}

/// A table that cannot be read is a finding; another error ends the check.
fn readable<T>(done: Result<T, Error>, database: &str, report: &mut Report) -> Result<Option<T>, Error> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.reason() == Reason::DataDamaged => {
            report.add(Finding::of_storage("unreadable", format!("database {database}"), in_full(&error)));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Every read mark of an app against the messages above it.
async fn unread(marks: &Db, messages: &Db, app: &StoredApp, report: &mut Report) -> Result<(), Error> {
    const PAGE: i64 = 500;
    let mut after = None;
    loop {
        let page = tidings_conversation::marks(marks, app.id, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(*last);
        report.checked_marks(page.len());
        let page: Vec<Mark> =
            page.into_iter().map(|(user, conversation, read)| Mark { user, conversation, read }).collect();
        log::unread(&messages.for_long_reads(), app.id, &page, &mut |finding| report.add(finding)).await?;
    }
}

async fn files(
    db: &Db,
    objects: Option<&Objects>,
    app: &StoredApp,
    whole: bool,
    report: &mut Report,
) -> Result<(), Error> {
    let checked = kept::verify(db, objects, (app.id, whole), &mut |finding| report.add(finding)).await?;
    report.checked_files(checked);
    Ok(())
}
