//! The names of users by their ids, which never change; a user without one may get one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tidings_domain::{Caller, Clock, Error, UserId};
use tidings_proto::internal;
use tidings_runtime::{TtlCache, context};

use crate::{Gateway, reply::refused};

/// How long a name is used.
const KEEP: Duration = Duration::from_mins(1);
const NAMES: usize = 20_000;
/// Maximum number of users per request.
const ASKED: usize = 1_000;

pub(crate) struct UserNames {
    clock: Arc<dyn Clock>,
    /// Keyed by app and id.
    known: TtlCache<(i64, i64), Arc<str>>,
}

impl UserNames {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: TtlCache::new(NAMES, |_, _| KEEP) }
    }

    /// The names of these users; empty for those without one.
    pub async fn of(
        &self,
        gateway: &Gateway,
        caller: &Caller,
        mut users: Vec<UserId>,
    ) -> Result<HashMap<UserId, String>, Error> {
        users.sort_unstable();
        users.dedup();
        let now = self.clock.now();
        let mut names = HashMap::with_capacity(users.len());
        users.retain(|user| match self.known.get(&(caller.app.0, user.0), now) {
            Some(name) => names.insert(*user, name.to_string()).is_some(),
            None => true,
        });
        for asked in users.chunks(ASKED) {
            let request = internal::UserNamesRequest { user_ids: asked.iter().map(|user| user.0).collect() };
            let reply =
                gateway.clients().directory_internal.clone().user_names(context::request(caller, request)).await;
            for (user, name) in asked.iter().zip(reply.map_err(refused)?.into_inner().usernames) {
                if !name.is_empty() {
                    self.known.insert((caller.app.0, user.0), Arc::from(name.as_str()), now);
                }
                names.insert(*user, name);
            }
        }
        Ok(names)
    }
}
