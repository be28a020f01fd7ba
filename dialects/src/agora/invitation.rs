//! Invitations and applications, as the vendor's clients make and answer them (agora.md 10.3, 12).

use tidings_domain::{Error, Reason, Username};

use super::{Call, Refusal, Timing, dto, member_refusal, refusal::decode};
use crate::{
    flag::Flag,
    json::{Label, bytes_of},
};

/// The request or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinAction {
    /// Users were invited.
    Invite,
    /// An admin decided on an applicant.
    ApplyVerify,
    /// A user answered an invitation.
    InviteVerify,
}

impl JoinAction {
    const fn word(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::ApplyVerify => "apply_verify",
            Self::InviteVerify => "invite_verify",
        }
    }
}

/// The answer about one user.
pub fn join_step(call: &Call<'_>, timing: Timing, action: JoinAction, group: i64, user: &str) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(step(action, group, user, None)), ..call.envelope(timing) })
}

fn step(action: JoinAction, group: i64, user: &str, reason: Option<String>) -> dto::JoinStep<'_> {
    dto::JoinStep { result: reason.is_none(), reason, action: action.word(), user, id: group.to_string() }
}

/// The answer to an invitation of several users, each with its own result.
pub fn invited(call: &Call<'_>, timing: Timing, group: i64, users: &[(String, Option<Error>)]) -> Vec<u8> {
    let shown = users.iter().map(|(user, refusal)| {
        let reason = refusal.as_ref().map(|error| invite_refusal(error, group, user).description.into_owned());
        step(JoinAction::Invite, group, user, reason)
    });
    bytes_of(&dto::Envelope { data: Some(shown.collect::<Vec<_>>()), ..call.envelope(timing) })
}

/// Why one user could not be invited.
pub fn invite_refusal(error: &Error, group: i64, user: &str) -> Refusal {
    if error.reason() != Reason::AlreadyGroupMember {
        return member_refusal(error, group, user);
    }
    let text = format!("invite users to join group failed, reason:user: {user} already in group: {group}");
    Refusal::new(403, "forbidden_op", text).because(Reason::AlreadyGroupMember)
}

/// Parses a decision on an applicant: who it is, and whether they are accepted.
pub fn apply_verify_request(body: &[u8]) -> Result<(Username, bool), Refusal> {
    let dto: dto::Verify<'_> = decode(body)?;
    Ok((user("applicant", dto.applicant.as_ref())?, decision(dto.verify_result)?))
}

/// Parses a user's answer to an invitation: who they are, and whether they accept.
pub fn invite_verify_request(body: &[u8]) -> Result<(Username, bool), Refusal> {
    let dto: dto::Verify<'_> = decode(body)?;
    Ok((user("invitee", dto.invitee.as_ref())?, decision(dto.verify_result)?))
}

fn user(key: &str, label: Option<&Label<'_>>) -> Result<Username, Refusal> {
    let name = Label::given(label);
    let name = name.ok_or_else(|| Refusal::new(400, "invalid_parameter", format!("{key} must be provided")))?;
    Ok(Username::parse(name)?)
}

fn decision(flag: Option<Flag>) -> Result<bool, Refusal> {
    flag.map(Flag::bool).ok_or_else(|| Refusal::new(400, "invalid_parameter", "verifyResult must be provided"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_user_and_says_yes_or_no_agora_10_3() {
        let read =
            |body: &str| apply_verify_request(body.as_bytes()).map(|(user, yes)| (user.folded().to_owned(), yes));
        assert_eq!(
            read(r#"{"applicant":"Omar","verifyResult":true,"reason":"no clue"}"#),
            Ok(("omar".to_owned(), true))
        );
        let words = |body: &str| read(body).unwrap_err().description.into_owned();
        assert_eq!(words(r#"{"verifyResult":true}"#), "applicant must be provided");
        assert_eq!(words(r#"{"applicant":"omar"}"#), "verifyResult must be provided");
        assert!(words(r#"{"applicant":"omar","verifyResult":"maybe"}"#).contains("verifyResult"));
        assert!(invite_verify_request(br#"{"invitee":"omar","verifyResult":false}"#).is_ok_and(|(_, yes)| !yes));
    }
}
