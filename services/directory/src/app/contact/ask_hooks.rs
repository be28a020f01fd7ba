//! Calls of hooks before contacts change (tencent.md 6.1). They are not called for what the app does on behalf of a
//! user, as with the vendor.

use tidings_dialects::tencent::{Callback, FriendRequest, friend_before_add, friend_before_response, friend_verdict};
use tidings_domain::{Caller, ConversationKind, Error, HookSubject, UserId};

use crate::{app::Core, model::contact::NewContactRequest};

impl Core {
    /// Before `user` sends a request to `other`.
    pub(super) async fn ask_request(
        &self,
        caller: &Caller,
        user: UserId,
        other: UserId,
        params: &NewContactRequest,
    ) -> Result<(), Error> {
        if caller.is_app() {
            return Ok(());
        }
        let (subject, kind) = (HookSubject::ContactRequest, ConversationKind::Direct);
        let Some(round) = self.hook_round(caller, subject, kind, &[user, other]).await? else {
            return Ok(());
        };
        let to = round.account(other);
        let request = FriendRequest {
            from: &round.account(user),
            to: &to,
            remark: &params.remark,
            wording: &params.text,
            event_time: round.now,
        };
        for hook in &round.hooks {
            let read = |status, answer: &[u8]| friend_verdict(status, answer, &to);
            round.ask(hook, Callback::FriendBeforeAdd, friend_before_add(&request), read).await?;
        }
        Ok(())
    }

    /// Before `user` answers the request of `from`.
    pub(super) async fn ask_answer(
        &self,
        caller: &Caller,
        user: UserId,
        from: UserId,
        accept: bool,
    ) -> Result<(), Error> {
        if caller.is_app() {
            return Ok(());
        }
        let (subject, kind) = (HookSubject::ContactAnswer, ConversationKind::Direct);
        let Some(round) = self.hook_round(caller, subject, kind, &[user, from]).await? else {
            return Ok(());
        };
        let to = round.account(from);
        for hook in &round.hooks {
            let body = friend_before_response(&round.account(user), &to, accept, round.now);
            let read = |status, answer: &[u8]| friend_verdict(status, answer, &to);
            round.ask(hook, Callback::FriendBeforeResponse, body, read).await?;
        }
        Ok(())
    }
}
