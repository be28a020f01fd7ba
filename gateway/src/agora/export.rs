//! `GET /{org}/{app}/chatmessages/{time}`, the files behind it, and their manifests (agora.md 4, decision 21).

use std::time::Duration;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use sha2::Sha256;
use tidings_dialect::agora::{self as codec, Manifest, Refusal};
use tidings_domain::{Actor, App, Caller, Error, MsgId, Reason, UnixMillis};
use tidings_proto::pb;
use tidings_runtime::context;

use super::asked::Asked;
use crate::{
    Gateway,
    file::{self, Wanted},
    reply::refused,
    request::query,
};

/// How long a link holds.
const LINK_LIFE: Duration = Duration::from_mins(30);
/// The path of a file ends so, that of the call does not.
const FILE: &str = ".gz";
/// Who signs the links, for clients that look at their parameters.
const SIGNER: &str = "tidings";

type Named = Result<Path<(String, String, String)>, PathRejection>;

fn time_of(named: Named) -> String {
    named.map(|Path((_, _, time))| time).unwrap_or_default()
}

/// `GET /chatmessages/{time}`, and of a file behind it.
pub(crate) async fn export(State(gateway): State<Gateway>, method: Method, asked: Asked, named: Named) -> Response {
    let time = time_of(named);
    if let Some(time) = time.strip_suffix(FILE) {
        return match give_out(&gateway, &method, &asked, time).await {
            Ok(response) => response,
            Err(refusal) => asked.answer(&gateway, Err(refusal)),
        };
    }
    let outcome = links(&gateway, &asked, &time).await;
    asked.answer(&gateway, outcome)
}

/// `GET /tidings/exports/{time}/manifest`.
pub(crate) async fn manifest(State(gateway): State<Gateway>, asked: Asked, named: Named) -> Response {
    let outcome = known(&gateway, &asked, &time_of(named)).await;
    asked.answer(&gateway, outcome)
}

async fn links(gateway: &Gateway, asked: &Asked, time: &str) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = asked.app_caller(gateway).await?;
    let app = &identity.app;
    let (_, parts) = parts(gateway, &caller, app, time).await?;
    let expires = (gateway.now() + LINK_LIFE).0 / 1000;
    let urls: Vec<String> =
        parts.iter().map(|part| link(gateway, asked, app, time, &part.file_uuid, expires)).collect();
    Ok(codec::exported(&asked.call(app), asked.timing(gateway), &urls))
}

/// The files of the hour, in the order in which they were made.
async fn parts(
    gateway: &Gateway,
    caller: &Caller,
    app: &App,
    time: &str,
) -> Result<(UnixMillis, Vec<pb::ExportPart>), Refusal> {
    let hour = codec::export_hour(app, time)?;
    let request = pb::ExportRequest { hour_ms: hour.0, wait_ms: 0 };
    let reply = gateway.clients().message.clone().export(context::request(caller, request)).await;
    let reply = reply.map_err(|status| codec::export_refusal(&refused(status), app, time))?.into_inner();
    match u64::try_from(reply.retry_after_ms) {
        Ok(wait @ 1..) => Err(codec::export_later(app, time, Duration::from_millis(wait))),
        _ => Ok((hour, reply.parts)),
    }
}

async fn known(gateway: &Gateway, asked: &Asked, time: &str) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = asked.app_caller(gateway).await?;
    let (hour, parts) = parts(gateway, &caller, &identity.app, time).await?;
    let manifests: Vec<Manifest> = parts.into_iter().map(manifest_of).collect();
    Ok(codec::manifest(&asked.call(&identity.app), asked.timing(gateway), (time, hour), &manifests))
}

fn manifest_of(part: pb::ExportPart) -> Manifest {
    Manifest {
        part: part.part,
        seq: part.seq,
        messages: part.messages,
        bytes: part.bytes,
        first: MsgId(part.first_msg_id),
        last: MsgId(part.last_msg_id),
        sha256: part.sha256,
        previous: part.previous,
        digest: part.digest,
        sealed_at: UnixMillis(part.sealed_at_ms),
    }
}

/// In the manner of the vendor's storage: whoever has the link needs no token.
fn link(gateway: &Gateway, asked: &Asked, app: &App, time: &str, uuid: &str, expires: i64) -> String {
    let signature = STANDARD.encode(signing(gateway, app, time, uuid, &expires.to_string()).finalize().into_bytes());
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let uri = asked.uri_of(&format!("/chatmessages/{time}{FILE}"));
    format!("{uri}?Expires={expires}&OSSAccessKeyId={SIGNER}&file={uuid}&Signature={signature}")
}

fn signing(gateway: &Gateway, app: &App, time: &str, uuid: &str, expires: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(gateway.link_key()).expect("a MAC takes keys of any length");
    for text in ["export link", &app.uuid, time, uuid, expires] {
        mac.update(text.as_bytes());
        mac.update(b"\n");
    }
    mac
}

async fn give_out(gateway: &Gateway, method: &Method, asked: &Asked, time: &str) -> Result<Response, Refusal> {
    // The link is all that is asked for, and the call that gave it has counted.
    let identity = asked.identity_of(gateway, "").await?;
    let (app, parameter) = (&identity.app, |name| query(&asked.query, name).unwrap_or_default());
    let (uuid, expires) = (parameter("file"), parameter("Expires"));
    let signature = parameter("Signature").replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let is_right = STANDARD
        .decode(signature)
        .is_ok_and(|given| signing(gateway, app, time, uuid, expires).verify_slice(&given).is_ok());
    let is_over = expires.parse::<i64>().is_ok_and(|expires| gateway.now().0 / 1000 >= expires);
    if !is_right || is_over {
        return Err(Error::new(Reason::LinkWrong, "").into());
    }
    let wanted = Wanted { uuid: uuid.to_owned(), trusted: true, ..Wanted::default() };
    let caller = asked.caller(app, Actor::App);
    Ok(file::give_out(gateway, &caller, (method, &asked.headers), wanted).await?)
}
