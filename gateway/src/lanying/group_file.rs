//! Shared files of groups (lanying.md 10).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::lanying::{self as codec, Params, Refusal};
use tidings_domain::{Actor, App, Caller, Error, Reason};
use tidings_proto::{
    moment_or_zero,
    pb::{self, shared_file_ref},
};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    file::{address, signed},
};
use crate::{Gateway, reply::refused, request::query};

/// Files per request to the directory.
const BATCH: i32 = 1_000;

/// `GET /group/file/list`
pub(crate) async fn list(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, all(&gateway, &context).await).await
}

async fn all(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let group_id = Params::read(&context.query, b"")?.group()?;
    let mut files = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListSharedFilesRequest { group_id, page_size: BATCH, page_token };
        let reply = gateway.clients().group.clone().list_shared_files(context::request(&caller, request)).await;
        let page = reply.map_err(refused)?.into_inner();
        files.extend(page.files);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let shown: Vec<_> = files.iter().map(|file| shown(gateway, context, &identity.app, file)).collect();
    Ok(codec::data(shown))
}

fn shown<'a>(gateway: &Gateway, context: &RequestContext, app: &App, file: &'a pb::SharedFile) -> codec::GroupFile<'a> {
    codec::GroupFile {
        file_id: file.number,
        group_id: file.group_id,
        name: &file.name,
        size: file.size,
        uploader: file.owner_id,
        url: address(gateway, context, app, &file.uuid),
        created_at: moment_or_zero(file.shared_at).0,
        updated_at: moment_or_zero(file.shared_at).0,
    }
}

/// `POST /group/file/upload`: shares a file that was uploaded before.
pub(crate) async fn share(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, add(&gateway, &context, body).await).await
}

async fn add(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let new = context.params(body).await?.new_group_file()?;
    let sign = new.url.split_once('?').and_then(|(_, parameters)| query(parameters, "sign")).unwrap_or_default();
    let uuid = signed(gateway, &identity.app, sign)
        .ok_or_else(|| Refusal::bad_parameter("url", "must be the download_url of an uploaded file"))?;
    let size = size(gateway, &caller, uuid).await?;
    let request = pb::ShareFileRequest { group_id: new.group_id, uuid: uuid.to_owned(), name: new.name, size };
    let reply = gateway.clients().group.clone().share_file(context::request(&caller, request)).await;
    let file = reply.map_err(refused)?.into_inner();
    Ok(codec::data(shown(gateway, context, &identity.app, &file)))
}

/// The size of an uploaded file, which must exist. Whoever has its signed URL may read it.
async fn size(gateway: &Gateway, caller: &Caller, uuid: &str) -> Result<i64, Error> {
    let app = Caller { actor: Actor::App, ..caller.clone() };
    let file = Some(pb::FileRef { uuid: uuid.to_owned(), trusted: true, ..pb::FileRef::default() });
    let request = context::request(&app, pb::StatRequest { file });
    Ok(gateway.clients().file.clone().stat(request).await.map_err(refused)?.into_inner().size)
}

/// `POST` and `PUT /group/file/update_name`
pub(crate) async fn rename(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, change_name(&gateway, &context, body).await).await
}

async fn change_name(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let file = Some(file_ref(params.group()?, params.group_file()?));
    let request = context::request(&caller, pb::RenameSharedFileRequest { file, name: params.file_name()? });
    gateway.clients().group.clone().rename_shared_file(request).await.map_err(refused)?;
    Ok(codec::done())
}

fn file_ref(group_id: i64, number: i64) -> pb::SharedFileRef {
    pb::SharedFileRef { group_id, file: Some(shared_file_ref::File::Number(number)) }
}

/// `POST` and `DELETE /group/file/delete`: each file succeeds or fails independently.
pub(crate) async fn delete(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, remove(&gateway, &context, body).await).await
}

async fn remove(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let (_, caller) = context.caller(gateway).await?;
    let params = context.params(body).await?;
    let group = params.group()?;
    let mut results = Vec::new();
    for number in params.group_files()? {
        let request = context::request(&caller, pb::UnshareFileRequest { file: Some(file_ref(group, number)) });
        let reason = match gateway.clients().group.clone().unshare_file(request).await.map_err(refused) {
            Ok(_) => None,
            Err(error) if matches!(error.reason(), Reason::SharedFileNotFound | Reason::SharedFileNotOwn) => {
                Some(error.to_string())
            }
            Err(error) => return Err(error.into()),
        };
        results.push(codec::FileResult::of(number, reason));
    }
    Ok(codec::data(results))
}
