//! A user's pinned conversations.

use tidings_domain::{Caller, ConversationId, Error, UserId};

use crate::{Deps, store::pin as store};

/// Most recently pinned first.
pub async fn list_pinned(deps: &Deps, caller: &Caller, user: UserId) -> Result<Vec<ConversationId>, Error> {
    store::of_user(&deps.db, caller.app, user).await
}
