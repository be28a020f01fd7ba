//! Compares the process's clock with the database's, at the start and while it runs.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Clock, TimeReference};
use tidings_runtime::{Task, Tasks};
use tidings_store::{Db, Engine};

/// How often the machine's clock is checked.
const LOOK: Duration = Duration::from_millis(250);
/// How often the database's clock is queried.
const ASK: Duration = Duration::from_secs(5);
/// The same while the clocks differ.
const ASK_IN_DOUBT: Duration = Duration::from_secs(1);
/// A slower answer is not usable.
const SLOW: Duration = Duration::from_secs(1);

/// Sets the clock's offset from the database's. SQLite has no clock of its own.
pub async fn compare(db: &Db, clock: &dyn Clock) {
    if db.engine() == Engine::Sqlite {
        return;
    }
    let began = clock.elapsed();
    match db.now(clock).await {
        Ok(now) => {
            let took = clock.elapsed().saturating_sub(began);
            if took <= SLOW {
                clock.compare(TimeReference::Database(now + took / 2));
            }
        }
        // Readiness reports a database that does not answer.
        Err(error) => tracing::debug!(%error, "the database's clock could not be queried"),
    }
}

/// Runs until shutdown.
pub fn spawn(tasks: &Tasks, databases: &[Db], clock: &Arc<dyn Clock>) {
    let (database, clock) = (databases.first().cloned(), Arc::clone(clock));
    tasks.run(Task::new("clock"), move || run(database.clone(), Arc::clone(&clock)));
}

async fn run(database: Option<Db>, clock: Arc<dyn Clock>) {
    let mut asked_at = clock.elapsed();
    loop {
        let pause = if clock.doubt().is_some() { ASK_IN_DOUBT } else { ASK };
        if let Some(database) = &database
            && clock.elapsed().saturating_sub(asked_at) >= pause
        {
            compare(database, &*clock).await;
            asked_at = clock.elapsed();
        }
        tokio::time::sleep(LOOK).await;
    }
}
