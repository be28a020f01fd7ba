//! Idempotency keys against the messages of their answers.

use tidings_domain::{AppId, Error, Finding};
use tidings_store::Db;

use super::{Checked, Report, settled};
use crate::{appender::Reply, store::verify};

/// Checks every key of an app.
pub async fn check(db: &Db, app: AppId, checked: &mut Checked, report: Report<'_>) -> Result<(), Error> {
    let mut after = (String::new(), String::new());
    loop {
        let page = verify::keys(db, app, (&after.0, &after.1)).await?;
        let Some((scope, key, _)) = page.last() else { return Ok(()) };
        let before = std::mem::replace(&mut after, (scope.clone(), key.clone()));
        checked.keys += page.len() as u64;
        let look = async || {
            let mut found = Vec::new();
            for (scope, key, reply) in verify::keys(db, app, (&before.0, &before.1)).await? {
                let place = format!("key {key} of {scope}");
                match reply {
                    None => found.push(Finding::of_app(app, "key", place, "has no answer")),
                    Some(reply) => found.extend(without_message(db, app, &place, &reply).await?),
                }
            }
            Ok(found)
        };
        settled((app, "idempotency keys"), look, &mut *report).await?;
    }
}

/// The messages of an answer that are not in the log, and were not purged. Answers of calls that send nothing have none.
async fn without_message(db: &Db, app: AppId, place: &str, reply: &str) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (key, msg_id) in Reply::kept(reply) {
        if !verify::is_known(db, app, key, msg_id).await? {
            found.push(Finding::of_app(
                app,
                "key",
                place,
                format!("answers with message {msg_id}, which is not there"),
            ));
        }
    }
    Ok(found)
}
