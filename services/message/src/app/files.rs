//! The message service's calls to the file service.

use std::collections::HashMap;

use tidings_domain::{Actor, Caller, Error, Reason, StoredFile};
use tidings_proto::{error_from_status, internal, pb};
use tidings_runtime::context;

use crate::Deps;

/// Maximum number of files per call.
const STEP: usize = 1000;

/// Deletes a file; false when it was already removed, or never existed.
pub async fn delete(deps: &Deps, caller: &Caller, uuid: &str) -> Result<bool, Error> {
    let deleted = deps
        .files
        .clone()
        .delete_file(context::request(caller, pb::DeleteFileRequest { file: Some(trusted(uuid)) }))
        .await;
    deleted.map(|_| ()).map_err(error_from_status).map_or_else(unless_gone, |()| Ok(true))
}

/// Keeps a file forever; false when it was removed.
pub async fn keep(deps: &Deps, caller: &Caller, uuid: &str) -> Result<bool, Error> {
    let request = pb::SetLifetimeRequest { file: Some(trusted(uuid)), for_ever: true };
    let kept = deps.files.clone().set_lifetime(context::request(caller, request)).await;
    kept.map(|_| ()).map_err(error_from_status).map_or_else(unless_gone, |()| Ok(true))
}

/// Withdraws a file in the name of `owner`; false if they are not its owner, or it was removed.
pub async fn withdraw(deps: &Deps, owner: &Caller, uuid: &str) -> Result<bool, Error> {
    let request = internal::WithdrawRequest { uuid: uuid.to_owned(), owner_id: owner.actor.user().0 };
    match deps
        .files_internal
        .clone()
        .withdraw(context::request(&as_app(owner), request))
        .await
        .map_err(error_from_status)
    {
        Ok(_) => Ok(true),
        Err(error) if error.reason() == Reason::NotPermitted => Ok(false),
        Err(error) => unless_gone(error),
    }
}

/// Restores a withdrawn file.
pub async fn restore(deps: &Deps, owner: &Caller, uuid: &str) -> Result<(), Error> {
    settle(deps, owner, uuid, true).await.map(drop)
}

/// Removes a withdrawn file permanently; false if it was not withdrawn, or was removed.
pub async fn remove(deps: &Deps, owner: &Caller, uuid: &str) -> Result<bool, Error> {
    settle(deps, owner, uuid, false).await
}

async fn settle(deps: &Deps, owner: &Caller, uuid: &str, restore: bool) -> Result<bool, Error> {
    let request = internal::SettleRequest { uuid: uuid.to_owned(), restore, owner_id: owner.actor.user().0 };
    let settled = deps
        .files_internal
        .clone()
        .settle(context::request(&as_app(owner), request))
        .await
        .map_err(error_from_status)?;
    Ok(settled.into_inner().settled)
}

/// The owner may be disabled or deleted by now, so the app itself makes the call.
fn as_app(owner: &Caller) -> Caller {
    Caller { actor: Actor::App, ..owner.clone() }
}

fn unless_gone(error: Error) -> Result<bool, Error> {
    if matches!(error.reason(), Reason::FileExpired | Reason::FileNotFound) { Ok(false) } else { Err(error) }
}

/// The descriptions of files by their uuids; unknown ones are left out.
pub async fn describe(deps: &Deps, caller: &Caller, uuids: Vec<String>) -> Result<HashMap<String, StoredFile>, Error> {
    let mut described = HashMap::new();
    for uuids in uuids.chunks(STEP) {
        let request = internal::DescribeRequest { uuids: uuids.to_vec() };
        let reply =
            deps.files_internal.clone().describe(context::request(caller, request)).await.map_err(error_from_status)?;
        for file in reply.into_inner().files {
            described.insert(file.uuid.clone(), StoredFile::try_from(file)?);
        }
    }
    Ok(described)
}

fn trusted(uuid: &str) -> pb::FileRef {
    pb::FileRef { uuid: uuid.to_owned(), trusted: true, ..Default::default() }
}
