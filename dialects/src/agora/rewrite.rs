//! Modifying a message (agora.md 10.6, errors of 8.3).

use tidings_domain::{Content, Error, MsgId, Policy, Reason, Username};

use super::{Call, Refusal, Timing, body, draft, dto, refusal::decode};
use crate::{flag::Flag, json::bytes_of};

/// The new content of the message.
#[derive(Debug)]
pub struct Rewrite {
    /// The expected sender; `None` is the app itself, which edits everything.
    pub user: Option<Username>,
    /// The new content.
    pub content: Content,
    /// Whether the new `ext` is merged into the old one.
    pub merge_ext: bool,
}

/// The id in the path.
pub fn rewrite_id(written: &str) -> Result<MsgId, Refusal> {
    if written.is_empty() || !written.bytes().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::new(400, "InvalidMessageIdException", "The provided message ID is not a valid number."));
    }
    written.parse().map(MsgId).map_err(|_| unavailable())
}

/// Parses the body.
pub fn rewrite_request(body: &[u8], policy: &Policy) -> Result<Rewrite, Refusal> {
    let dto: dto::Rewrite<'_> = decode(body)?;
    let Some(new_msg) = dto.new_msg else {
        return Err(Refusal::illegal_argument("new_msg is required"));
    };
    let strict = policy.strict_bodies;
    let user = draft::named(dto.user.as_ref(), "user", strict)?.filter(|user| !user.is_empty());
    let user = user.map(Username::parse).transpose()?;
    let (kind, json) = draft::of_msg(None, new_msg, strict)?;
    if !matches!(kind.as_str(), "txt" | "custom") {
        return Err(rewrite_unsupported());
    }
    let ext = draft::ext(dto.new_ext, strict)?;
    draft::check_sizes(&json, ext.as_ref(), policy)?;
    let content = body::content(&kind, json, ext, strict)?;
    Ok(Rewrite { user, content, merge_ext: dto.is_combine_ext.is_none_or(Flag::bool) })
}

/// A message of a type, or in a kind of conversation, that cannot be modified.
pub fn rewrite_unsupported() -> Refusal {
    let text = "The message is of a type that is currently not supported for modification.";
    Refusal::new(400, "message_rewrite_error", text)
}

fn unavailable() -> Refusal {
    Refusal::new(404, "message_rewrite_error", "The message is unavailable or has expired.")
        .because(Reason::MessageNotFound)
}

/// The call-specific errors; every other error keeps its general words.
pub fn rewrite_refusal(error: &Error) -> Refusal {
    match error.reason() {
        Reason::MessageNotFound => unavailable(),
        Reason::NotPermitted | Reason::UserNotFound => {
            Refusal::new(401, "message_rewrite_error", "You are not authorized to edit this message.")
                .because(Reason::NotPermitted)
        }
        _ => Refusal::from(error),
    }
}

/// The answer.
pub fn rewritten(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some("success"), ..call.envelope(timing) })
}
