//! Word lists and hooks on the wire.

use std::time::Duration;

use tidings_domain::{Error, Hook};
use tidings_proto::pb;

use crate::{app::hooks::usual_timeout, model::WordListSummary};

impl From<WordListSummary> for pb::WordListSummary {
    fn from(list: WordListSummary) -> Self {
        Self { name: list.name, action: pb::WordAction::from(list.action).into(), words: list.words as i32 }
    }
}

/// A hook that has no number yet.
pub(crate) fn new_hook(wire: pb::NewHook) -> Result<Hook, Error> {
    let form = wire.form().try_into()?;
    let kinds = wire.kinds().map(TryInto::try_into).collect::<Result<_, _>>()?;
    let timeout = match u64::try_from(wire.timeout_ms) {
        Ok(0) => usual_timeout(form),
        Ok(ms) => Duration::from_millis(ms),
        Err(error) => return Err(Error::invalid("timeout_ms", "must not be negative").because(error)),
    };
    Ok(Hook {
        id: 0,
        form,
        url: wire.url,
        token: Some(wire.token).filter(|token| !token.is_empty()),
        timeout,
        refuse_on_failure: wire.refuse_on_failure,
        kinds,
        allow_private: wire.allow_private,
    })
}

/// A hook as the app is shown it: without its token.
pub(crate) fn shown(hook: Hook) -> pb::Hook {
    pb::Hook { token: String::new(), ..hook.into() }
}
