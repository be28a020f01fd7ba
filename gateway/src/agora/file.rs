//! `/{org}/{app}/chatfiles` (agora.md 3).

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::{Method, header::CONTENT_TYPE};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::Actor;

use super::context::RequestContext;
use crate::{
    Gateway,
    file::{self, FileQuery, Form, UploadError, UploadOptions},
    identity::{Identity, Who},
    request::{discard_body, header, query},
};

pub(super) const FORM: Form = Form {
    file: "file",
    dimensions: Some((WIDTH, HEIGHT)),
    side: codec::thumbnail_side,
    restricts: &codec::RESTRICT,
    restricted: |text| codec::restricts([Some(text)]).map_err(|refusal| refusal.description.into_owned()),
};
/// The size of a thumbnail's box, as headers or form fields.
const WIDTH: &str = "thumbnail-width";
const HEIGHT: &str = "thumbnail-height";

/// `POST /chatfiles` (agora.md 3.1).
pub(crate) async fn upload(State(gateway): State<Gateway>, context: RequestContext, body: Body) -> Response {
    let outcome = answer_upload(&gateway, &context, body).await;
    context.answer(&gateway, outcome).await
}

async fn answer_upload(gateway: &Gateway, context: &RequestContext, body: Body) -> Result<Vec<u8>, Refusal> {
    let identity = match context.identity(gateway).await {
        Ok(identity) => identity,
        Err(refusal) => {
            discard_body(body).await;
            return Err(refusal);
        }
    };
    if let Err(error) = identity.check_known() {
        discard_body(body).await;
        return Err(error.into());
    }
    let restricted = match restricts(context) {
        Ok(restricted) => restricted,
        Err(refusal) => {
            discard_body(body).await;
            return Err(refusal);
        }
    };
    let caller = context.caller(&identity.app, actor(&identity));
    let side = |name| header(&context.headers, name).and_then(codec::thumbnail_side);
    let options = UploadOptions { restricted, thumbnail: (side(WIDTH), side(HEIGHT)), ..UploadOptions::default() };
    let content_type = header(&context.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let max_bytes = identity.app.policy.max_file_bytes;
    let taken = file::upload(gateway, &caller, content_type, body, (FORM, options), max_bytes).await;
    let kept = taken.map_err(|why| match why {
        UploadError::NoFile => codec::no_file(),
        UploadError::Refused(error) => error.into(),
    })?;
    Ok(codec::uploaded(&context.call(&identity.app), context.timing(gateway), &kept))
}

/// Whether headers or the query request a restricted file.
fn restricts(context: &RequestContext) -> Result<bool, Refusal> {
    let headers =
        codec::RESTRICT.iter().flat_map(|name| context.headers.get_all(*name)).map(|value| value.to_str().ok());
    let queries = codec::RESTRICT.iter().filter_map(|name| query(&context.query, name)).map(Some);
    codec::restricts(headers.chain(queries))
}

fn actor(identity: &Identity) -> Actor {
    match identity.who {
        Who::User { id, .. } => Actor::User(id),
        Who::App | Who::Anonymous => Actor::App,
    }
}

/// `GET` and `HEAD /chatfiles/{uuid}` (agora.md 3.3).
pub(crate) async fn download(
    State(gateway): State<Gateway>,
    method: Method,
    context: RequestContext,
    named: Result<Path<(String, String, String)>, PathRejection>,
) -> Response {
    match answer_download(&gateway, &method, &context, named.map(|Path((_, _, uuid))| uuid).unwrap_or_default()).await {
        Ok(response) => context.with_rates(response),
        Err(refusal) => context.answer(&gateway, Err(refusal)).await,
    }
}

async fn answer_download(
    gateway: &Gateway,
    method: &Method,
    context: &RequestContext,
    uuid: String,
) -> Result<Response, Refusal> {
    // Browsers fetch files without a token, and a token that is sent does not matter (decision 19).
    let mut identity = context.identity_as(gateway, "").await?;
    if identity.app.policy.files_require_token {
        identity = context.identity_of(gateway, context.token()).await?;
        identity.check_known()?;
    }
    let query = FileQuery {
        uuid,
        secret: given(context, "share-secret").unwrap_or_default().to_owned(),
        thumbnail: codec::is_true(given(context, "thumbnail")),
        redirect: identity.app.policy.files_redirect && codec::is_true(query(&context.query, "em-redirect")),
        ..FileQuery::default()
    };
    let caller = context.caller(&identity.app, actor(&identity));
    Ok(file::download(gateway, &caller, (method, &context.headers), query).await?)
}

/// A header, or the query parameter of that name.
fn given<'a>(context: &'a RequestContext, name: &str) -> Option<&'a str> {
    header(&context.headers, name).or_else(|| query(&context.query, name))
}
