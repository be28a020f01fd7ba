//! Word lists and hooks on the wire.

use std::{ops::RangeInclusive, time::Duration};

use tidings_domain::{ConversationKind, Error, Hook, HookForm, HookSubject};
use tidings_outbound::{check_token, check_url};
use tidings_proto::{pb, span};

use crate::{
    model::screening::{NewHook, WordListSummary},
    secret::Secret,
};

/// The range of timeouts.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(10);

impl From<WordListSummary> for pb::WordListSummary {
    fn from(summary: WordListSummary) -> Self {
        Self { name: summary.name, action: pb::WordAction::from(summary.action).into(), words: summary.words as i32 }
    }
}

impl TryFrom<pb::AddHookRequest> for NewHook {
    type Error = Error;

    fn try_from(wire: pb::AddHookRequest) -> Result<Self, Error> {
        let form = HookForm::try_from(wire.form())?;
        check_url(&wire.url)?;
        check_token(&wire.token)?;
        Ok(Self {
            form,
            timeout: timeout(span("timeout", wire.timeout)?, form)?,
            refuse_on_failure: wire.refuse_on_failure,
            kinds: kinds(&wire.kinds)?,
            allow_private: wire.allow_private,
            subjects: subjects(&wire.subjects, form)?,
            url: wire.url,
            token: Some(wire.token).filter(|token| !token.is_empty()).map(Secret::new),
        })
    }
}

/// 0 is the default of the vendor's format (tencent.md 2, agora.md 11.2).
fn timeout(wire: Option<Duration>, form: HookForm) -> Result<Duration, Error> {
    match (wire.unwrap_or_default(), form) {
        (Duration::ZERO, HookForm::Tencent) => Ok(Duration::from_secs(2)),
        (Duration::ZERO, HookForm::Agora) => Ok(Duration::from_millis(200)),
        (timeout, _) if TIMEOUTS.contains(&timeout) => Ok(timeout),
        _ => Err(Error::invalid("timeout", "must be from 0.05 to 10 seconds")),
    }
}

/// Each once. An unknown one is refused: without it, the hook might be called for all.
fn kinds(wire: &[i32]) -> Result<Vec<ConversationKind>, Error> {
    let mut kinds = Vec::new();
    for &kind in wire {
        let kind = pb::ConversationKind::try_from(kind).unwrap_or_default().try_into()?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// Each once; none: messages. Agora's format knows nothing else.
fn subjects(wire: &[i32], form: HookForm) -> Result<Vec<HookSubject>, Error> {
    let mut subjects = Vec::new();
    for &subject in wire {
        let subject = pb::HookSubject::try_from(subject).unwrap_or_default().try_into()?;
        if form == HookForm::Agora && subject != HookSubject::Message {
            return Err(Error::invalid("subjects", "must be messages in Agora's form"));
        }
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    if subjects.is_empty() {
        subjects.push(HookSubject::Message);
    }
    Ok(subjects)
}

/// As shown to everybody except the message service.
pub(crate) fn without_token(hook: Hook) -> pb::Hook {
    pb::Hook { token: String::new(), ..hook.into() }
}
