//! Changes to one or several users of a group: each of them succeeds or fails independently.

use std::collections::HashMap;

use tidings_dialects::agora::{self as codec, MemberAction};
use tidings_domain::{Caller, Error, Mute, Reason, UserId, Username};
use tidings_proto::{mute_to_wire, pb};

use super::{group_call::GroupCall, people};
use crate::{Gateway, reply::refused};

/// A change of some members.
#[derive(Debug, Clone, Copy)]
pub(super) enum MemberChange {
    /// One with its own answer.
    Action(MemberAction),
    /// A mute, or its end.
    Mute(Mute),
    /// Whether they are admins.
    Admin(bool),
}

/// Why it failed for users; those for whom it succeeded are left out.
pub(super) async fn change_members(
    call: &GroupCall<'_>,
    users: &[UserId],
    change: MemberChange,
) -> Result<HashMap<UserId, Error>, Error> {
    let group_id = call.id;
    let user_ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut client = call.client();
    let reply = match change {
        MemberChange::Action(MemberAction::Add | MemberAction::Apply) => {
            client.add_members(call.request(pb::AddMembersRequest { group_id, user_ids })).await
        }
        MemberChange::Action(MemberAction::Remove | MemberAction::Quit) => {
            client.remove_members(call.request(pb::RemoveMembersRequest { group_id, user_ids })).await
        }
        MemberChange::Action(action @ (MemberAction::Block | MemberAction::Unblock)) => {
            let blocked = action == MemberAction::Block;
            let request = pb::BlockMembersRequest { group_id, user_ids, blocked };
            client.block_members(call.request(request)).await
        }
        MemberChange::Action(action @ (MemberAction::Allow | MemberAction::Disallow)) => {
            let allowed = action == MemberAction::Allow;
            let request = pb::AllowMembersRequest { group_id, user_ids, allowed };
            client.allow_members(call.request(request)).await
        }
        MemberChange::Mute(mute) => {
            let request = pb::MuteRequest { group_id, user_ids, until: mute_to_wire(mute) };
            client.mute(call.request(request)).await
        }
        MemberChange::Admin(admin) => {
            let request = pb::SetAdminsRequest { group_id, user_ids, admin };
            client.set_admins(call.request(request)).await
        }
    };
    Ok(failures(reply.map_err(refused)?.into_inner().results))
}

/// The users for whom it failed, and why.
pub(super) fn failures(results: Vec<pb::MemberResult>) -> HashMap<UserId, Error> {
    let failed = results.into_iter().filter(|result| !result.reason.is_empty());
    let error = |result: pb::MemberResult| match Reason::from_name(&result.reason) {
        // A hook's refusal has its own text.
        Some(reason @ Reason::RefusedByHook) => (UserId(result.user_id), Error::new(reason, result.text)),
        Some(reason) => (UserId(result.user_id), Error::new(reason, result.user_id.to_string())),
        None => (UserId(result.user_id), Error::internal(result.text)),
    };
    failed.map(error).collect()
}

/// The outcome for each of the written names, unknown ones included. The names are returned as they are shown.
pub(super) async fn change_each(
    call: &GroupCall<'_>,
    written: &[String],
    change: MemberChange,
) -> Result<Vec<(String, Option<Error>)>, Error> {
    let found = ids(call.gateway, &call.caller, written).await?;
    let users: Vec<UserId> = found.iter().flatten().copied().collect();
    let failed = if users.is_empty() { HashMap::new() } else { change_members(call, &users, change).await? };
    let outcomes = written.iter().zip(found).map(|(written, user)| {
        let error = match user {
            Some(user) => failed.get(&user).map(|error| Error::new(error.reason(), error.subject())),
            None => Some(Error::user_not_found(written)),
        };
        (codec::shown_name(written), error)
    });
    Ok(outcomes.collect())
}

/// The id of each name; `None`: no user has it. One request, unless a name is unknown.
async fn ids(gateway: &Gateway, caller: &Caller, written: &[String]) -> Result<Vec<Option<UserId>>, Error> {
    let names: Vec<Option<Username>> = written.iter().map(|written| Username::parse(written).ok()).collect();
    let known: Vec<&Username> = names.iter().flatten().collect();
    let mut found: HashMap<&str, UserId> = HashMap::with_capacity(known.len());
    match people::ids(gateway, caller, &known).await {
        Ok(ids) => found.extend(known.iter().map(|name| name.folded()).zip(ids)),
        Err(error) if error.reason() == Reason::UserNotFound => {
            for name in &known {
                match people::id(gateway, caller, name).await {
                    Ok(id) => drop(found.insert(name.folded(), id)),
                    Err(error) if error.reason() == Reason::UserNotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Err(error) => return Err(error),
    }
    Ok(names.iter().map(|name| name.as_ref().and_then(|name| found.get(name.folded()).copied())).collect())
}
