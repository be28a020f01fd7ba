//! Word lists and hooks.

use tidings_domain::{ConversationKind, Error, Hook, HookForm, HookSubject, Screening, WordAction, WordList};

use super::{duration, required, span};
use crate::{internal, pb};

impl From<WordAction> for pb::WordAction {
    fn from(action: WordAction) -> Self {
        match action {
            WordAction::Refuse => Self::Refuse,
            WordAction::Mask => Self::Mask,
        }
    }
}

impl From<pb::WordAction> for WordAction {
    fn from(wire: pb::WordAction) -> Self {
        match wire {
            pb::WordAction::Unspecified | pb::WordAction::Refuse => Self::Refuse,
            pb::WordAction::Mask => Self::Mask,
        }
    }
}

impl From<WordList> for pb::WordList {
    fn from(list: WordList) -> Self {
        Self { name: list.name, action: pb::WordAction::from(list.action).into(), words: list.words }
    }
}

impl From<pb::WordList> for WordList {
    fn from(wire: pb::WordList) -> Self {
        Self { action: wire.action().into(), name: wire.name, words: wire.words }
    }
}

impl From<HookForm> for pb::HookForm {
    fn from(form: HookForm) -> Self {
        match form {
            HookForm::Tencent => Self::Tencent,
            HookForm::Agora => Self::Agora,
        }
    }
}

impl TryFrom<pb::HookForm> for HookForm {
    type Error = Error;

    fn try_from(wire: pb::HookForm) -> Result<Self, Error> {
        match wire {
            pb::HookForm::Unspecified => Err(Error::invalid("form", "is required")),
            pb::HookForm::Tencent => Ok(Self::Tencent),
            pb::HookForm::Agora => Ok(Self::Agora),
        }
    }
}

impl From<ConversationKind> for pb::ConversationKind {
    fn from(kind: ConversationKind) -> Self {
        match kind {
            ConversationKind::Direct => Self::Direct,
            ConversationKind::Group => Self::Group,
            ConversationKind::Room => Self::Room,
        }
    }
}

impl TryFrom<pb::ConversationKind> for ConversationKind {
    type Error = Error;

    fn try_from(wire: pb::ConversationKind) -> Result<Self, Error> {
        match wire {
            pb::ConversationKind::Unspecified => Err(Error::invalid("kinds", "contains an invalid one")),
            pb::ConversationKind::Direct => Ok(Self::Direct),
            pb::ConversationKind::Group => Ok(Self::Group),
            pb::ConversationKind::Room => Ok(Self::Room),
        }
    }
}

impl From<HookSubject> for pb::HookSubject {
    fn from(subject: HookSubject) -> Self {
        match subject {
            HookSubject::Message => Self::Message,
            HookSubject::GroupCreation => Self::GroupCreation,
            HookSubject::GroupApplication => Self::GroupApplication,
            HookSubject::GroupInvitation => Self::GroupInvitation,
            HookSubject::ContactRequest => Self::ContactRequest,
            HookSubject::ContactAnswer => Self::ContactAnswer,
        }
    }
}

impl TryFrom<pb::HookSubject> for HookSubject {
    type Error = Error;

    fn try_from(wire: pb::HookSubject) -> Result<Self, Error> {
        match wire {
            pb::HookSubject::Unspecified => Err(Error::invalid("subjects", "contains an invalid one")),
            pb::HookSubject::Message => Ok(Self::Message),
            pb::HookSubject::GroupCreation => Ok(Self::GroupCreation),
            pb::HookSubject::GroupApplication => Ok(Self::GroupApplication),
            pb::HookSubject::GroupInvitation => Ok(Self::GroupInvitation),
            pb::HookSubject::ContactRequest => Ok(Self::ContactRequest),
            pb::HookSubject::ContactAnswer => Ok(Self::ContactAnswer),
        }
    }
}

/// With its token: only for the message service.
impl From<Hook> for pb::Hook {
    fn from(hook: Hook) -> Self {
        Self {
            id: hook.id,
            form: pb::HookForm::from(hook.form).into(),
            url: hook.url,
            has_token: hook.token.is_some(),
            timeout: Some(duration(hook.timeout)),
            refuse_on_failure: hook.refuse_on_failure,
            kinds: hook.kinds.into_iter().map(|kind| pb::ConversationKind::from(kind).into()).collect(),
            allow_private: hook.allow_private,
            token: hook.token.unwrap_or_default(),
            subjects: hook.subjects.into_iter().map(|subject| pb::HookSubject::from(subject).into()).collect(),
        }
    }
}

impl TryFrom<pb::Hook> for Hook {
    type Error = Error;

    fn try_from(wire: pb::Hook) -> Result<Self, Error> {
        let kinds = wire.kinds().map(TryInto::try_into).collect::<Result<_, _>>()?;
        // A subject that only a later version knows is no reason to drop the others.
        let subjects = if wire.subjects.is_empty() {
            vec![HookSubject::Message]
        } else {
            wire.subjects().filter_map(|subject| subject.try_into().ok()).collect()
        };
        Ok(Self {
            id: wire.id,
            form: wire.form().try_into()?,
            timeout: required("timeout", span("timeout", wire.timeout)?)?,
            refuse_on_failure: wire.refuse_on_failure,
            kinds,
            allow_private: wire.allow_private,
            token: wire.has_token.then_some(wire.token),
            subjects,
            url: wire.url,
        })
    }
}

impl From<Screening> for internal::Screening {
    fn from(screening: Screening) -> Self {
        Self {
            version: screening.version,
            lists: screening.lists.into_iter().map(Into::into).collect(),
            hooks: screening.hooks.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<internal::Screening> for Screening {
    type Error = Error;

    fn try_from(wire: internal::Screening) -> Result<Self, Error> {
        let hooks = wire.hooks.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Self { version: wire.version, lists: wire.lists.into_iter().map(Into::into).collect(), hooks })
    }
}
