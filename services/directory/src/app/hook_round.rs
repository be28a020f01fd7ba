//! Asks an app's hooks before groups and contacts change.
//!
//! They are called before the transaction begins: meanwhile nothing is locked, and when a hook refuses, nothing
//! was done. So nothing is promised about the state at the moment of the change; the use-case decides again under its
//! locks.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

use tidings_dialects::tencent::{self, Authentication, Callback, ChangeVerdict, Parameters};
use tidings_domain::{Caller, ConversationKind, Error, Hook, HookSubject, Reason, UnixMillis, UserId};
use tidings_outbound::HookQuestion;
use tidings_runtime::telemetry;
use tokio::time::Instant;

use super::Core;
use crate::{
    model::{AppKey, KnownApp},
    store,
};

/// The total time that hooks may take for one call: well below the deadline of the call itself.
const TOGETHER: Duration = Duration::from_secs(12);
/// Why a change is refused if the server gives no reason.
const REFUSED: &str = "refused by the callback";
/// Why a change is refused when a hook with `refuse` returns no answer.
const NO_ANSWER: &str = "custom internal error";

/// The hooks for one call, and what their requests have in common.
pub(super) struct HookRound<'a> {
    core: &'a Core,
    caller: &'a Caller,
    known: Arc<KnownApp>,
    pub(super) hooks: Vec<Hook>,
    names: HashMap<UserId, String>,
    pub(super) now: UnixMillis,
    until: Instant,
}

impl Core {
    /// `None`: there is no hook to call. `people`: users whose names the requests have, in addition to the caller's.
    pub(super) async fn hook_round<'a>(
        &'a self,
        caller: &'a Caller,
        subject: HookSubject,
        kind: ConversationKind,
        people: &[UserId],
    ) -> Result<Option<HookRound<'a>>, Error> {
        let Some(known) = self.screening_app(caller).await? else {
            return Ok(None);
        };
        let mut hooks = store::hook::list(&self.db, caller.app, &self.data_key).await?;
        hooks.retain(|hook| hook.is_asked_about(subject, kind));
        if hooks.is_empty() {
            return Ok(None);
        }
        let people: Vec<UserId> = people.iter().copied().chain([caller.actor.user()]).collect();
        let names = store::users::names(&self.db, caller.app, &people).await?;
        let (now, until) = (self.clock.now(), Instant::now() + TOGETHER);
        Ok(Some(HookRound { core: self, caller, known, hooks, names, now, until }))
    }

    /// The caller's app; `None` if it never had a hook.
    pub(super) async fn screening_app(&self, caller: &Caller) -> Result<Option<Arc<KnownApp>>, Error> {
        let known = self.known_app(&AppKey::Id(caller.app)).await?;
        Ok((known.app.screening != 0).then_some(known))
    }
}

impl HookRound<'_> {
    /// The user as hooks know them (decision 30).
    pub(super) fn account(&self, user: UserId) -> Cow<'_, str> {
        tencent::account(self.names.get(&user).map(String::as_str), user)
    }

    /// The accounts that the hook refuses the change for. `Err`: it refuses all of it.
    pub(super) async fn ask(
        &self,
        hook: &Hook,
        callback: Callback,
        body: Vec<u8>,
        read: impl FnOnce(u16, &[u8]) -> Option<ChangeVerdict>,
    ) -> Result<Vec<String>, Error> {
        let answer = self.post(hook, callback, body).await;
        match answer.and_then(|(status, answer)| read(status, &answer)) {
            Some(ChangeVerdict::Allow { but }) => Ok(but),
            Some(ChangeVerdict::Refuse { code, info }) => Err(refusal(code, info)),
            None if hook.refuse_on_failure => Err(Error::new(Reason::RefusedByHook, NO_ANSWER)),
            None => Ok(Vec::new()),
        }
    }

    async fn post(&self, hook: &Hook, callback: Callback, body: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        let (Core { breaker, clock, outbound, .. }, key) = (self.core, (self.caller.app, hook.id));
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() || !breaker.admits(key, clock.elapsed()) {
            return None;
        }
        let parameters = Parameters {
            sdk_appid: self.known.app.sdk_appid,
            command: callback.command(),
            client_ip: self.caller.address,
            platform: self.caller.platform.name(),
            authentication: hook
                .token
                .as_deref()
                .map(|token| Authentication { token, request_time: self.now.0 / 1000 }),
        };
        let question = HookQuestion {
            url: tencent::query(&hook.url, &parameters),
            body,
            timeout: hook.timeout.min(left),
            allow_private: hook.allow_private,
            trace: telemetry::traceparent(),
        };
        match question.ask(outbound).await {
            Ok(answer) => {
                breaker.answered(key);
                Some(answer)
            }
            Err(error) => {
                tracing::warn!(app = %self.caller.app, hook = hook.id, error, "a hook did not answer");
                breaker.failed(key, clock.elapsed());
                None
            }
        }
    }
}

/// The receiver's own number comes before its text, as in refusals of messages.
fn refusal(code: Option<i64>, info: String) -> Error {
    Error::new(
        Reason::RefusedByHook,
        match code {
            Some(code) => format!("{code} {info}"),
            None if info.is_empty() => REFUSED.to_owned(),
            None => info,
        },
    )
}

/// One of several users is refused; the server says no more.
pub(super) fn refused_member() -> Error {
    Error::new(Reason::RefusedByHook, REFUSED)
}
