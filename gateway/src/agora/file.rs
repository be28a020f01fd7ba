//! `/{org}/{app}/chatfiles` (agora.md 3).

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::{Method, header::CONTENT_TYPE};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::Actor;

use super::asked::Asked;
use crate::{
    Gateway,
    file::{self, Beside, Form, NotTaken, Wanted},
    identity::{Identity, Who},
    request::{header, query, waste},
};

const FORM: Form = Form {
    file: "file",
    sides: Some((WIDTH, HEIGHT)),
    side: codec::thumbnail_side,
    restricts: &codec::RESTRICT,
    restricted: |text| codec::restricts([Some(text)]).map_err(|refusal| refusal.description.into_owned()),
};
/// The sides of a thumbnail's box, as headers or form fields.
const WIDTH: &str = "thumbnail-width";
const HEIGHT: &str = "thumbnail-height";

/// `POST /chatfiles` (agora.md 3.1).
pub(crate) async fn upload(State(gateway): State<Gateway>, asked: Asked, body: Body) -> Response {
    let outcome = take_in(&gateway, &asked, body).await;
    asked.answer(&gateway, outcome)
}

async fn take_in(gateway: &Gateway, asked: &Asked, body: Body) -> Result<Vec<u8>, Refusal> {
    let identity = match asked.identity(gateway).await {
        Ok(identity) => identity,
        Err(refusal) => {
            waste(body).await;
            return Err(refusal);
        }
    };
    if let Err(error) = identity.check_known() {
        waste(body).await;
        return Err(error.into());
    }
    let restricted = match restricts(asked) {
        Ok(restricted) => restricted,
        Err(refusal) => {
            waste(body).await;
            return Err(refusal);
        }
    };
    let caller = asked.caller(&identity.app, actor(&identity));
    let side = |name| header(&asked.headers, name).and_then(codec::thumbnail_side);
    let beside = Beside { restricted, thumbnail: (side(WIDTH), side(HEIGHT)), ..Beside::default() };
    let content_type = header(&asked.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let max_bytes = identity.app.policy.max_file_bytes;
    let taken = file::take_in(gateway, &caller, content_type, body, (FORM, beside), max_bytes).await;
    let kept = taken.map_err(|why| match why {
        NotTaken::NoFile => codec::no_file(),
        NotTaken::Refused(error) => error.into(),
    })?;
    Ok(codec::uploaded(&asked.call(&identity.app), asked.timing(gateway), &kept))
}

/// Whether headers or the query ask for a restricted file.
fn restricts(asked: &Asked) -> Result<bool, Refusal> {
    let headers = codec::RESTRICT.iter().flat_map(|name| asked.headers.get_all(*name)).map(|value| value.to_str().ok());
    let queries = codec::RESTRICT.iter().filter_map(|name| query(&asked.query, name)).map(Some);
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
    asked: Asked,
    named: Result<Path<(String, String, String)>, PathRejection>,
) -> Response {
    match give_out(&gateway, &method, &asked, named.map(|Path((_, _, uuid))| uuid).unwrap_or_default()).await {
        Ok(response) => asked.with_rates(response),
        Err(refusal) => asked.answer(&gateway, Err(refusal)),
    }
}

async fn give_out(gateway: &Gateway, method: &Method, asked: &Asked, uuid: String) -> Result<Response, Refusal> {
    // Whoever fetches a file as a browser does shows no token, and one that is shown does not matter (decision 19).
    let mut identity = asked.identity_as(gateway, "").await?;
    if identity.app.policy.files_require_token {
        identity = asked.identity_of(gateway, asked.token()).await?;
        identity.check_known()?;
    }
    let wanted = Wanted {
        uuid,
        secret: given(asked, "share-secret").unwrap_or_default().to_owned(),
        thumbnail: codec::is_true(given(asked, "thumbnail")),
        redirect: identity.app.policy.files_redirect && codec::is_true(query(&asked.query, "em-redirect")),
        ..Wanted::default()
    };
    let caller = asked.caller(&identity.app, actor(&identity));
    Ok(file::give_out(gateway, &caller, (method, &asked.headers), wanted).await?)
}

/// A header, or the query parameter of that name.
fn given<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    header(&asked.headers, name).or_else(|| query(&asked.query, name))
}
