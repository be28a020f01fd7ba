//! What is done to one or several users of a group: each of them succeeds or fails independently.

use std::collections::HashMap;

use tidings_dialects::agora::{self as codec, MemberDeed};
use tidings_domain::{Caller, Error, Mute, Reason, UserId, Username};
use tidings_proto::{mute_to_wire, pb};
use tidings_runtime::context;

use super::people;
use crate::{Gateway, reply::refused};

/// A change of some members.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    /// One with its own answer.
    Of(MemberDeed),
    /// A mute, or its end.
    Mute(Mute),
    /// Whether they are admins.
    Admin(bool),
}

/// Why it failed for users; those for whom it succeeded are left out.
pub(super) async fn perform(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    users: &[UserId],
    deed: Deed,
) -> Result<HashMap<UserId, Error>, Error> {
    let user_ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut client = gateway.clients().group.clone();
    let reply = match deed {
        Deed::Of(MemberDeed::Add | MemberDeed::Apply) => {
            client.add_members(context::request(caller, pb::AddMembersRequest { group_id, user_ids })).await
        }
        Deed::Of(MemberDeed::Remove | MemberDeed::Quit) => {
            client.remove_members(context::request(caller, pb::RemoveMembersRequest { group_id, user_ids })).await
        }
        Deed::Of(deed @ (MemberDeed::Block | MemberDeed::Unblock)) => {
            let blocked = deed == MemberDeed::Block;
            let request = pb::BlockMembersRequest { group_id, user_ids, blocked };
            client.block_members(context::request(caller, request)).await
        }
        Deed::Of(deed @ (MemberDeed::Allow | MemberDeed::Disallow)) => {
            let allowed = deed == MemberDeed::Allow;
            let request = pb::AllowMembersRequest { group_id, user_ids, allowed };
            client.allow_members(context::request(caller, request)).await
        }
        Deed::Mute(mute) => {
            let request = pb::MuteRequest { group_id, user_ids, until: mute_to_wire(mute) };
            client.mute(context::request(caller, request)).await
        }
        Deed::Admin(admin) => {
            let request = pb::SetAdminsRequest { group_id, user_ids, admin };
            client.set_admins(context::request(caller, request)).await
        }
    };
    let failed = reply.map_err(refused)?.into_inner().results.into_iter().filter(|result| !result.reason.is_empty());
    let error = |result: pb::MemberResult| match Reason::from_name(&result.reason) {
        // A hook speaks for itself.
        Some(reason @ Reason::RefusedByHook) => (UserId(result.user_id), Error::new(reason, result.text)),
        Some(reason) => (UserId(result.user_id), Error::new(reason, result.user_id.to_string())),
        None => (UserId(result.user_id), Error::internal(result.text)),
    };
    Ok(failed.map(error).collect())
}

/// The outcome for each of the written names, unknown ones included. The names are returned as they are shown.
pub(super) async fn each(
    gateway: &Gateway,
    caller: &Caller,
    group_id: i64,
    written: &[String],
    deed: Deed,
) -> Result<Vec<(String, Option<Error>)>, Error> {
    let found = ids(gateway, caller, written).await?;
    let users: Vec<UserId> = found.iter().flatten().copied().collect();
    let failed =
        if users.is_empty() { HashMap::new() } else { perform(gateway, caller, group_id, &users, deed).await? };
    let outcomes = written.iter().zip(found).map(|(written, user)| {
        let error = match user {
            Some(user) => failed.get(&user).map(|error| Error::new(error.reason(), error.subject())),
            None => Some(Error::user_not_found(written)),
        };
        (codec::shown_name(written), error)
    });
    Ok(outcomes.collect())
}

/// The id of each name; `None`: it belongs to nobody. One request, unless a name is unknown.
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
