//! Shared files of groups and rooms: `/{org}/{app}/chatgroups/{id}/share_files` (agora.md 10.3).
//!
//! Users who may see the group's files download them here. They are stored as restricted files, so that they are not
//! available elsewhere by their uuid.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::Response,
    routing::{MethodRouter, get},
};
use http::{Method, header::CONTENT_TYPE};
use tidings_dialects::agora::{self as codec, PageQuery, PageRule, Refusal, SharedFile};
use tidings_domain::{Actor, App, Caller, Error, GroupKind, Reason, UserId};
use tidings_proto::{
    moment_or_zero, page_token,
    pb::{self, shared_file_ref},
};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    file::FORM,
    group_call::{GroupCall, OfGroup, handler, id_of, path_id},
    people::{self, Named},
};
use crate::{
    Gateway,
    file::{self, FileQuery, UploadError, UploadOptions},
    membership::membership,
    reply::refused,
    request::{discard_body, header},
};

/// The pages of this list, and of super admins.
pub(super) const PAGES: PageRule = PageRule { first: 1, default: 10, most: 1_000 };
/// Files per request to the directory.
const BATCH: i32 = 1_000;

/// `/chatgroups/{id}/share_files`
pub(crate) fn all(kind: GroupKind) -> MethodRouter<Gateway> {
    get(handler!(kind, list, group)).post(handler!(kind, upload, named, body))
}

/// `/chatgroups/{id}/share_files/{file}`
pub(crate) fn one(kind: GroupKind) -> MethodRouter<Gateway> {
    get(move |State(gateway): State<Gateway>, method: Method, context: RequestContext, path: OfGroup| async move {
        let outcome = match GroupCall::of_member(&gateway, &context, kind, path).await {
            Ok(call) => download(&call, &method).await,
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(response) => context.with_rates(response),
            Err(refusal) => context.answer(&gateway, Err(refusal)).await,
        }
    })
    .delete(handler!(kind, remove, member))
}

async fn upload(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (app, caller, group) = match may_upload(gateway, context, kind, &named).await {
        Ok(allowed) => allowed,
        Err(refusal) => {
            discard_body(body).await;
            return Err(refusal);
        }
    };
    let content_type = header(&context.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let options = UploadOptions { restricted: true, ..UploadOptions::default() };
    let taken = file::upload(gateway, &caller, content_type, body, (FORM, options), app.policy.max_file_bytes).await;
    let kept = taken.map_err(|why| match why {
        UploadError::NoFile => codec::no_file(),
        UploadError::Refused(error) => error.into(),
    })?;
    let name = if kept.name.is_empty() { kept.uuid.clone() } else { kept.name };
    let request = pb::ShareFileRequest { group_id: group, uuid: kept.uuid.clone(), name, size: kept.size as i64 };
    let shared = gateway.clients().group.clone().share_file(context::request(&caller, request)).await;
    let shared = match shared.map_err(refused) {
        Ok(shared) => shown(gateway, &caller, vec![shared.into_inner()]).await?,
        Err(error) => {
            discard(gateway, &caller, &error, kept.uuid).await;
            return Err(error.into());
        }
    };
    let file = shared.first().ok_or_else(|| Error::internal("an upload without a file"))?;
    let url = context.uri_of(&format!("/{}/{group}/share_files/{}", collection(kind), file.uuid));
    Ok(codec::file_shared(&context.call(&app), context.timing(gateway), (group, &url), file))
}

const fn collection(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Group => "chatgroups",
        GroupKind::Room => "chatrooms",
    }
}

/// The app, the caller and the group, if the caller may share files in it: checked before the bytes are taken.
async fn may_upload(
    gateway: &Gateway,
    context: &RequestContext,
    kind: GroupKind,
    named: &Named,
) -> Result<(Arc<App>, Caller, i64), Refusal> {
    let (identity, caller) = context.any_caller(gateway).await?;
    let group = path_id(gateway, &caller, kind, id_of(named)).await?;
    if let Actor::User(user) = caller.actor {
        let found = membership(gateway, &caller, user, group).await?;
        let membership = found.ok_or_else(|| Error::new(Reason::GroupNotFound, group.to_string()))?;
        if membership.role.is_none() {
            return Err(Error::new(Reason::NotGroupMember, user.to_string()).into());
        }
    }
    Ok((Arc::clone(&identity.app), caller, group))
}

/// Removes the bytes of a file that could not be shared. If it is not known whether it was, they stay.
async fn discard(gateway: &Gateway, caller: &Caller, why: &Error, uuid: String) {
    if why.reason().is_transient() || why.reason() == Reason::Internal {
        return;
    }
    let app = Caller { actor: Actor::App, ..caller.clone() };
    let file = Some(pb::FileRef { uuid, ..pb::FileRef::default() });
    let request = context::request(&app, pb::DeleteFileRequest { file });
    if let Err(error) = gateway.clients().file.clone().delete_file(request).await {
        tracing::warn!(%error, "a file that could not be shared was not removed");
    }
}

/// With the names of the users who shared them.
async fn shown(gateway: &Gateway, caller: &Caller, files: Vec<pb::SharedFile>) -> Result<Vec<SharedFile>, Error> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let names = people::names(gateway, caller, [], files.iter().map(|file| UserId(file.owner_id))).await?;
    let shown = files.into_iter().map(|file| SharedFile {
        owner: names.of(UserId(file.owner_id)),
        uuid: file.uuid,
        name: file.name,
        size: file.size,
        created: moment_or_zero(file.shared_at).0,
    });
    Ok(shown.collect())
}

async fn list(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let query = PageQuery::read(&call.context.query, PAGES)?;
    let (mut skip, take) = (query.skip as usize, query.size as usize);
    let mut files = Vec::with_capacity(take);
    let mut page_token = page_token(query.after);
    loop {
        let request = call.request(pb::ListSharedFilesRequest { group_id: call.id, page_size: BATCH, page_token });
        let page = call.client().list_shared_files(request).await.map_err(refused)?.into_inner();
        let here = page.files.len();
        files.extend(page.files.into_iter().skip(skip).take(take - files.len()));
        skip = skip.saturating_sub(here);
        page_token = page.next_page_token;
        if page_token.is_empty() || files.len() >= take {
            break;
        }
    }
    let files = shown(call.gateway, &call.caller, files).await?;
    Ok(codec::shared_files(&call.call(), call.timing(), &query, &files))
}

fn file_ref(group_id: i64, uuid: &str) -> pb::SharedFileRef {
    pb::SharedFileRef { group_id, file: Some(shared_file_ref::File::Uuid(uuid.to_ascii_lowercase())) }
}

async fn download(call: &GroupCall<'_>, method: &Method) -> Result<Response, Refusal> {
    let request = call.request(pb::GetSharedFileRequest { file: Some(file_ref(call.id, &call.segment)) });
    let file = call.client().get_shared_file(request).await.map_err(refused)?.into_inner();
    // The directory has said that this caller may read it.
    let query = FileQuery { uuid: file.uuid, trusted: true, ..FileQuery::default() };
    let app = Caller { actor: Actor::App, ..call.caller.clone() };
    Ok(file::download(call.gateway, &app, (method, &call.context.headers), query).await?)
}

async fn remove(call: &GroupCall<'_>) -> Result<Vec<u8>, Refusal> {
    let request = call.request(pb::UnshareFileRequest { file: Some(file_ref(call.id, &call.segment)) });
    let file = call.client().unshare_file(request).await.map_err(refused)?.into_inner();
    Ok(codec::file_unshared(&call.call(), call.timing(), call.id, &file.uuid))
}
