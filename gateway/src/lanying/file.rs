//! `/file/...`: upload and download URLs of files (lanying.md 10).
//!
//! The vendor's clients ask where to upload a file, upload it as a form, and send its URL in a message. The upload
//! permission is a signed policy, the URL of a file is signed too: everybody with the message has the URL of its file,
//! in any dialect, so it needs no token unless the app requires one (decision 19). It redirects to the bytes with a
//! temporary link.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use tidings_dialects::lanying::{self as codec, FilePolicy, FileTarget, FileTicket, FileView, Params, Refusal};
use tidings_domain::{Actor, App, Caller, Error, Reason};
use tidings_proto::pb::app_ref;

use super::context::RequestContext;
use crate::{
    Gateway,
    file::{self, FileQuery, Form, UploadError, UploadOptions},
    link::{Signed, holds},
    membership::of_group,
    request::{discard_body, header, query},
};

const FORM: Form = Form { file: "file", dimensions: None, side: |_| None, restricts: &[], restricted: |_| Ok(false) };
/// How long an upload permission is valid.
const LEAVE: Duration = Duration::from_mins(30);
/// How long a link to the bytes is valid.
const LINK_LIFE: Duration = Duration::from_mins(30);

/// `GET /file/upload/chat`.
pub(crate) async fn new(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, leave(&gateway, &context).await).await
}

async fn leave(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let target = Params::read(&context.query, b"")?.new_file()?;
    check_target(gateway, &caller, target).await?;
    let uuid = gateway.new_uuid();
    let expires = (gateway.now() + LEAVE).0 / 1000;
    // This is the only authorization of the upload.
    let user_id = caller.actor.user().0;
    let policy =
        FilePolicy { app_id: identity.app.lanying_app_id.clone(), key: uuid.clone(), user_id, expires }.write();
    let policy = URL_SAFE_NO_PAD.encode(policy);
    let signature = Signed(&[UPLOAD, &policy]).url_safe(gateway);
    let upload_url = format!("{}/file/upload/object?policy={policy}&signature={signature}", context.base_url);
    let download_url = address(gateway, context, &identity.app, &uuid);
    Ok(codec::file_ticket(&FileTicket {
        upload_url: &upload_url,
        download_url: &download_url,
        key: &uuid,
        policy: &policy,
        signature: &signature,
    }))
}

/// What is signed, by kind.
const UPLOAD: &str = "lanying upload";
const ADDRESS: &str = "lanying file";
const BYTES: &str = "lanying bytes";

/// A group must exist; the existence of a user is only checked when a message is sent to them.
async fn check_target(gateway: &Gateway, caller: &Caller, target: FileTarget) -> Result<(), Error> {
    if target.is_group && of_group(gateway, caller, target.id).await?.is_none() {
        return Err(Error::new(Reason::GroupNotFound, target.id.to_string()));
    }
    Ok(())
}

pub(super) fn address(gateway: &Gateway, context: &RequestContext, app: &App, uuid: &str) -> String {
    let signature = Signed(&[ADDRESS, &app.uuid, uuid]).url_safe(gateway);
    format!("{}/file/download/{uuid}?app_id={}&sign={uuid}.{signature}", context.base_url, app.lanying_app_id)
}

/// `GET /file/upload/forward`: the URL of a file for another receiver. URLs are not bound to a receiver, so it is the
/// same.
pub(crate) async fn forward(State(gateway): State<Gateway>, context: RequestContext) -> Response {
    context.answer(&gateway, forwarded(&gateway, &context).await).await
}

async fn forwarded(gateway: &Gateway, context: &RequestContext) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.caller(gateway).await?;
    let params = Params::read(&context.query, b"")?;
    check_target(gateway, &caller, params.file_target()?).await?;
    let sign = params.file_sign()?;
    let uuid = signed(gateway, &identity.app, &sign).ok_or_else(link_wrong)?;
    Ok(codec::data(address(gateway, context, &identity.app, uuid)))
}

fn link_wrong() -> Error {
    Error::new(Reason::LinkWrong, "")
}

/// The file that a URL names by its `sign`.
pub(super) fn signed<'a>(gateway: &Gateway, app: &App, sign: &'a str) -> Option<&'a str> {
    let (uuid, signature) = sign.split_once('.')?;
    Signed(&[ADDRESS, &app.uuid, uuid]).is(gateway, signature).then_some(uuid)
}

/// `POST` and `PUT /file/upload/object`: the form with the file. Its other fields repeat the URL's parameters.
pub(crate) async fn put(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    context.answer(&gateway, upload(&gateway, &context, body).await).await
}

async fn upload(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let allowed = match allowed(gateway, context).await {
        Ok(allowed) => allowed,
        Err(error) => {
            discard_body(body).await;
            return Err(error.into());
        }
    };
    let Allowed { app, uuid, owner } = allowed;
    // The policy is the authority, and only the app itself sets file names.
    let caller = context.caller_as(&app, Actor::App);
    let content_type = header(&context.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let options = UploadOptions { uuid, owner, ..UploadOptions::default() };
    let taken = file::upload(gateway, &caller, content_type, body, (FORM, options), app.policy.max_file_bytes).await;
    taken.map_err(|why| match why {
        UploadError::NoFile => Refusal::bad_parameter("file", "is required, as a part of a form"),
        UploadError::Refused(error) => error.into(),
    })?;
    Ok(codec::done())
}

/// The upload permission.
struct Allowed {
    app: Arc<App>,
    /// The name of the file.
    uuid: String,
    /// The owner; 0 is the app itself.
    owner: i64,
}

async fn allowed(gateway: &Gateway, context: &RequestContext) -> Result<Allowed, Error> {
    let parameter = |name| query(&context.query, name).unwrap_or_default();
    let policy = parameter("policy");
    if !Signed(&[UPLOAD, policy]).is(gateway, parameter("signature")) {
        return Err(link_wrong());
    }
    let decoded = URL_SAFE_NO_PAD.decode(policy).map_err(|_| link_wrong())?;
    let policy = FilePolicy::read(&decoded).ok_or_else(link_wrong)?;
    if gateway.now().0 / 1000 >= policy.expires {
        return Err(link_wrong());
    }
    let identity = context.identity_as(gateway, app_ref::App::LanyingAppId(policy.app_id), "").await?;
    Ok(Allowed { app: Arc::clone(&identity.app), uuid: policy.key, owner: policy.user_id })
}

type Named = Result<Path<String>, PathRejection>;

/// `GET /file/download/{uuid}`: redirects to the bytes.
pub(crate) async fn download(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    match lead_on(&gateway, &context, &named.map(|Path(uuid)| uuid).unwrap_or_default()).await {
        Ok(url) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::FOUND;
            response.headers_mut().insert(LOCATION, url);
            context.with_rates(response)
        }
        Err(refusal) => context.with_rates(super::answer(Err(refusal))),
    }
}

async fn lead_on(gateway: &Gateway, context: &RequestContext, uuid: &str) -> Result<HeaderValue, Refusal> {
    let named = query(&context.query, "app_id").map(|id| app_ref::App::LanyingAppId(id.to_owned()));
    let app_ref = match named {
        Some(named) => named,
        None => context.app_ref()?,
    };
    let mut identity = context.identity_as(gateway, app_ref.clone(), "").await?;
    if identity.app.policy.files_require_token {
        identity = gateway.identities().of(app_ref, context.token()).await?;
        identity.check_known()?;
    }
    let app = &identity.app;
    let sign = query(&context.query, "sign").unwrap_or_default();
    if signed(gateway, app, sign) != Some(uuid) {
        return Err(link_wrong().into());
    }
    let view = Params::read(&context.query, b"")?.file_view()?;
    let part = if view == FileView::Thumbnail { "thumbnail" } else { "file" };
    // Missing files are reported here, where the dialect has words for it.
    let query = FileQuery {
        uuid: uuid.to_owned(),
        trusted: true,
        thumbnail: view == FileView::Thumbnail,
        redirect: app.policy.files_redirect,
        ..FileQuery::default()
    };
    let caller = context.caller_as(app, Actor::App);
    if let Some(url) = file::address(gateway, &caller, &query).await? {
        return Ok(HeaderValue::try_from(url).map_err(Error::internal)?);
    }
    let expires = ((gateway.now() + LINK_LIFE).0 / 1000).to_string();
    let signature = Signed(&[BYTES, &app.uuid, uuid, part, &expires]).url_safe(gateway);
    let url = format!(
        "{}/file/object/{uuid}?app_id={}&part={part}&expires={expires}&signature={signature}",
        context.base_url, app.lanying_app_id
    );
    Ok(HeaderValue::try_from(url).map_err(Error::internal)?)
}

/// `GET` and `HEAD /file/object/{uuid}`: the bytes.
pub(crate) async fn object(
    State(gateway): State<Gateway>,
    method: Method,
    context: RequestContext,
    named: Named,
) -> Response {
    let uuid = named.map(|Path(uuid)| uuid).unwrap_or_default();
    let answer = answer_download(&gateway, &method, &context, uuid).await;
    context.with_rates(answer.unwrap_or_else(|refusal| super::answer(Err(refusal))))
}

async fn answer_download(
    gateway: &Gateway,
    method: &Method,
    context: &RequestContext,
    uuid: String,
) -> Result<Response, Refusal> {
    let parameter = |name| query(&context.query, name).unwrap_or_default();
    let app_ref = app_ref::App::LanyingAppId(parameter("app_id").to_owned());
    let app = &context.identity_as(gateway, app_ref, "").await?.app;
    let (part, expires) = (parameter("part"), parameter("expires"));
    let is_right = Signed(&[BYTES, &app.uuid, &uuid, part, expires]).is(gateway, parameter("signature"));
    if !is_right || !holds(expires, gateway.now()) {
        return Err(link_wrong().into());
    }
    let query = FileQuery { uuid, trusted: true, thumbnail: part == "thumbnail", ..FileQuery::default() };
    let caller = context.caller_as(app, Actor::App);
    Ok(file::download(gateway, &caller, (method, &context.headers), query).await?)
}
