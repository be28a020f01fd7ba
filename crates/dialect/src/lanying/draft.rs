//! The body of `POST|PUT /message/send` as a draft (lanying.md 5.6, 6).

use tidings_domain::{Draft, Error, Policy, Reason, Target, UserId, UserRef};

use super::{Refusal, content, dto, refusal::decode};
use crate::number::Integer;

/// The name of the call, for the scope of keys.
pub const SEND_CALL: &str = "lanying/message/send";

/// Reads the body under the app's limits. Who may send as whom is not judged here.
pub fn draft(body: &[u8], policy: &Policy) -> Result<Draft, Refusal> {
    let send: dto::Send = decode(body)?;
    let targets = targets(&send, policy)?;
    let content_type = required("content_type", send.content_type)?;
    let content = content::content(content::Written {
        content_type,
        content: send.content,
        attachment: send.attachment,
        config: send.config,
        ext: send.ext,
    })?;
    // Typed clients write 0 for what they leave out.
    let given = |number: Option<Integer>| number.map(|Integer(n)| n).filter(|n| *n != 0);
    Ok(Draft {
        sender: given(send.from_user_id).map(|user| UserRef::Id(UserId(user))),
        targets,
        content,
        system: false,
        online_only: false,
        members_only: true,
        accept_unknown_names: false,
        call: SEND_CALL.to_owned(),
        idempotency_key: None,
        transaction_id: given(send.transaction_id),
    })
}

fn required(field: &str, number: Option<Integer>) -> Result<i64, Refusal> {
    number.map(|Integer(n)| n).ok_or_else(|| Refusal::bad_parameter(field, "is required"))
}

fn targets(send: &dto::Send, policy: &Policy) -> Result<Vec<Target>, Refusal> {
    let kind = required("type", send.kind)?;
    if !matches!(kind, 1 | 2) {
        return Err(Refusal::bad_parameter("type", "must be 1 or 2"));
    }
    let Some(ids) = send.targets.as_deref().filter(|ids| !ids.is_empty()) else {
        return Err(Refusal::bad_parameter("targets", "must not be empty"));
    };
    if ids.len() > policy.max_recipients {
        return Err(Error::new(Reason::TooManyRecipients, policy.max_recipients.to_string()).into());
    }
    if kind == 2 {
        return Err(Refusal::no_such_group(ids[0].0));
    }
    if ids.iter().any(|id| id.0 < 0) {
        return Err(Refusal::bad_parameter("targets", "must not be negative"));
    }
    Ok(ids.iter().map(|id| Target::User(UserRef::Id(UserId(id.0)))).collect())
}
