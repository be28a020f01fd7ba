//! Whether a subscription is, and still is, allowed.

use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, Caller, Error, UserId};
use tidings_runtime::context;

/// What is known of apps and users, from the directory. Cheap to clone.
#[derive(Clone)]
pub(super) struct Allowed(pub DirectoryCache);

impl Allowed {
    /// The app must be enabled, and each user exist and be enabled.
    pub async fn check(&self, caller: &Caller, users: &[UserId]) -> Result<(), Error> {
        self.0.caller(&context::request(caller, ())).await?;
        for user in users {
            let as_user = Caller { actor: Actor::User(*user), ..caller.clone() };
            self.0.caller(&context::request(&as_user, ())).await?;
        }
        Ok(())
    }
}
