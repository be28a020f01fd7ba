//! Removes expired files and the remains of unfinished uploads, in small steps.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_domain::{AppId, Error, UnixMillis};
use tidings_runtime::Task;

use super::{Core, delete::discard, quota, upload::LONGEST};
use crate::store::{
    file,
    unclaimed::{self, Unclaimed},
    upload_count,
};

const PAUSE: Duration = Duration::from_mins(1);
/// Objects per step.
const STEP: i64 = 200;

/// Runs until shutdown.
pub fn spawn(core: &Arc<Core>) {
    let working = Arc::clone(core);
    core.deps.tasks.run(Task::new("file.sweep"), move || run(Arc::clone(&working)));
}

async fn run(core: Arc<Core>) {
    let mut expired = HashSet::new();
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = expire_deleted(&core, &mut expired).await {
            tracing::warn!(%error, "files of deleted apps could not be expired");
        }
        if let Err(error) = sweep(&core).await {
            tracing::warn!(%error, "expired files could not be removed");
        }
    }
}

/// Expires the files of deleted apps. They receive nothing more, so one pass per app is enough.
async fn expire_deleted(core: &Core, expired: &mut HashSet<AppId>) -> Result<(), Error> {
    for app in core.deps.directory.forgotten_apps().await? {
        if !expired.contains(&app) {
            expire_all(core, app).await?;
            expired.insert(app);
        }
    }
    Ok(())
}

async fn expire_all(core: &Core, app: AppId) -> Result<(), Error> {
    let mut after = String::new();
    while let Some(last) = file::expire_all(&core.deps.db, app, &after, core.deps.clock.now(), STEP).await? {
        after = last;
    }
    Ok(())
}

/// Returns how many files and remains were removed. One that cannot be removed is retried in the next round.
pub async fn sweep(core: &Core) -> Result<usize, Error> {
    let now = core.deps.db.now(&*core.deps.clock).await?;
    retire(core, now).await?;
    forget_counts(core, now).await?;
    // An upload in progress is younger than this.
    discard_until(core, UnixMillis(now.0 - 2 * LONGEST.as_millis() as i64)).await
}

/// Marks expired files as removed, and records their objects as unclaimed.
async fn retire(core: &Core, now: UnixMillis) -> Result<(), Error> {
    loop {
        let expired = file::expired(&core.deps.db, now, STEP).await?;
        if expired.is_empty() {
            return Ok(());
        }
        for (app, uuid) in expired {
            let mut tx = core.deps.db.begin().await?;
            if file::retire_expired(&mut tx, app, &uuid, now).await? {
                unclaimed::insert(&mut tx, app, &uuid, UnixMillis(0)).await?;
                tx.commit().await?;
            }
        }
    }
}

/// Uploads are counted per day; yesterday's counts may be in use by a process whose clock is behind.
async fn forget_counts(core: &Core, now: UnixMillis) -> Result<(), Error> {
    let mut tx = core.deps.db.begin().await?;
    upload_count::forget(&mut tx, quota::day(now) - 1).await?;
    tx.commit().await
}

/// Removes the objects that were unclaimed by then, each once.
async fn discard_until(core: &Core, by: UnixMillis) -> Result<usize, Error> {
    let (mut removed, mut last) = (0, Unclaimed::none());
    loop {
        let old = unclaimed::old(&core.deps.db, by, &last, STEP).await?;
        let Some(next) = old.last() else {
            return Ok(removed);
        };
        last = next.clone();
        for Unclaimed { app, uuid, .. } in old {
            match discard(core, app, &uuid).await {
                Ok(()) => removed += 1,
                Err(error) => tracing::warn!(%error, %app, uuid, "an object could not be removed"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use tempfile::TempDir;
    use tidings_directory_client::DirectoryCache;
    use tidings_domain::{AppId, ManualClock, OsEntropy, StoredFile};
    use tidings_runtime::{
        Connector, Tasks, Wire,
        config::{Addresses, Files},
    };
    use tidings_store::{Location, open};

    use super::*;
    use crate::{Deps, Objects, SCHEMA};

    const APP: AppId = AppId(7);
    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    /// The files of one folder.
    struct World {
        core: Core,
        folder: TempDir,
    }

    impl World {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(ManualClock::new(NOW));
            let nowhere = Wire::remote(&Addresses::read("http://127.0.0.1:1"), "key", &Connector::plain()).unwrap();
            let directory = DirectoryCache::new(nowhere.clone(), nowhere, clock.clone());
            let deps = Deps {
                db: open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap(),
                objects: Objects::open(&Files::default(), folder.path().join("files")).unwrap(),
                directory,
                clock,
                entropy: Arc::new(OsEntropy),
                tasks: Tasks::default(),
            };
            tidings_outbound::name_tls_backend();
            Self { core: Core::new(deps).unwrap(), folder }
        }

        fn place(&self, uuid: &str) -> PathBuf {
            self.folder.path().join(format!("files/{APP}/{}/{uuid}", &uuid[..2]))
        }

        fn bytes(&self, uuid: &str) {
            fs::create_dir_all(self.place(uuid).parent().unwrap()).unwrap();
            fs::write(self.place(uuid), b"x").unwrap();
        }

        /// A folder cannot be removed as a file is.
        fn stuck(&self, uuid: &str) {
            fs::create_dir_all(self.place(uuid)).unwrap();
        }

        async fn publish(&self, uuid: &str, expires_at: UnixMillis) {
            let file = StoredFile {
                uuid: uuid.to_owned(),
                name: String::new(),
                content_type: String::new(),
                size: 1,
                sha256: "0".repeat(64),
                restricted: false,
                secret: String::new(),
                thumbnail: None,
                dimensions: None,
                owner: None,
                created_at: NOW,
                expires_at: Some(expires_at),
            };
            let mut tx = self.core.deps.db.begin().await.unwrap();
            file::insert(&mut tx, APP, &file, false).await.unwrap();
            tx.commit().await.unwrap();
        }

        async fn note(&self, uuid: &str) {
            let mut tx = self.core.deps.db.begin().await.unwrap();
            unclaimed::insert(&mut tx, APP, uuid, UnixMillis(0)).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    fn uuid(number: usize) -> String {
        format!("{number:08}-0000-4000-8000-000000000000")
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_removed_keeps_no_other_from_it() {
        let world = World::new().await;
        for number in 0..3 {
            world.publish(&uuid(number), NOW).await;
        }
        world.stuck(&uuid(0));
        world.bytes(&uuid(1));
        world.bytes(&uuid(2));
        assert_eq!(sweep(&world.core).await.unwrap(), 2);
        assert!(!world.place(&uuid(1)).exists() && !world.place(&uuid(2)).exists());

        // Retried in the next round.
        fs::remove_dir(world.place(&uuid(0))).unwrap();
        world.bytes(&uuid(0));
        assert_eq!(sweep(&world.core).await.unwrap(), 1);
        assert!(!world.place(&uuid(0)).exists());
        assert_eq!(sweep(&world.core).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_whole_step_that_cannot_be_removed_keeps_no_later_one_from_it() {
        let world = World::new().await;
        let count = STEP as usize + 5;
        for number in 0..=count {
            world.note(&uuid(number)).await;
        }
        (0..count).for_each(|number| world.stuck(&uuid(number)));
        world.bytes(&uuid(count));
        assert_eq!(sweep(&world.core).await.unwrap(), 1);
        assert!(!world.place(&uuid(count)).exists());
    }

    #[tokio::test]
    async fn every_file_of_a_deleted_app_goes_however_long_it_was_to_stay() {
        let world = World::new().await;
        let count = STEP as usize + 5;
        for number in 0..count {
            world.publish(&uuid(number), NOW + Duration::from_hours(24)).await;
            world.bytes(&uuid(number));
        }
        expire_all(&world.core, AppId(APP.0 + 1)).await.unwrap();
        assert_eq!(sweep(&world.core).await.unwrap(), 0, "another app was deleted");
        expire_all(&world.core, APP).await.unwrap();
        assert_eq!(sweep(&world.core).await.unwrap(), count);
        assert!((0..count).all(|number| !world.place(&uuid(number)).exists()));
    }

    #[tokio::test]
    async fn a_file_that_is_kept_while_the_sweeper_comes_stays() {
        let world = World::new().await;
        let (kept, old, young) = (uuid(0), uuid(1), uuid(2));
        world.publish(&kept, NOW).await;
        world.publish(&old, NOW).await;
        world.publish(&young, NOW + Duration::from_millis(1)).await;
        let mut tx = world.core.deps.db.begin().await.unwrap();
        assert!(file::set_expiry(&mut tx, APP, &kept, None).await.unwrap());
        assert!(!file::retire_expired(&mut tx, APP, &kept, NOW).await.unwrap());
        assert!(!file::retire_expired(&mut tx, APP, &young, NOW).await.unwrap());
        assert!(file::retire_expired(&mut tx, APP, &old, NOW).await.unwrap());
        // An explicit deletion ignores the expiry.
        assert!(file::retire(&mut tx, APP, &kept, NOW).await.unwrap());
        assert!(file::retire(&mut tx, APP, &young, NOW).await.unwrap());
    }
}
