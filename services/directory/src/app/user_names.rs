//! Names of users by their ids, for showing old messages.

use tidings_domain::{Error, UserId};

use super::Core;
use crate::{model::AppKey, store};

const MAX_IDS: usize = 1000;
/// The app itself.
const ADMIN: &str = "admin";

impl Core {
    /// In the order of the request; empty where there is none. Deleted users keep theirs.
    pub(crate) async fn user_names(&self, key: &AppKey, ids: &[UserId]) -> Result<Vec<String>, Error> {
        if !(1..=MAX_IDS).contains(&ids.len()) {
            return Err(Error::invalid("user_ids", format!("must be 1 to {MAX_IDS}")));
        }
        let known = self.known_app(key).await?;
        let names = store::users::names(&self.db, known.app.id, ids).await?;
        let name = |id: &UserId| match *id {
            UserId::ADMIN => ADMIN.to_owned(),
            id => names.get(&id).cloned().unwrap_or_default(),
        };
        Ok(ids.iter().map(name).collect())
    }
}
