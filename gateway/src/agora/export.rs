//! `GET /{org}/{app}/chatmessages/{time}`, the files behind it, and their manifests (agora.md 4, decision 21).

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
    routing::{MethodRouter, get},
};
use futures_util::StreamExt as _;
use http::Method;
use tidings_dialects::agora::{self as codec, Manifest, Peer, Refusal};
use tidings_domain::{Actor, App, Caller, ConversationId, Error, MsgId, Reason, UnixMillis};
use tidings_proto::{moment_or_zero, pb, span, timestamp};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
};
use crate::{
    Gateway,
    file::{self, FileQuery},
    link::{Signed, holds},
    reply::refused,
    request::query,
};

/// How long a link is valid.
const LINK_LIFE: Duration = Duration::from_mins(30);
/// The suffix of a file's path, which the call's path does not have.
const FILE: &str = ".gz";
/// The kind of the links.
const LINK: &str = "export link";
/// The signer named in the links, for clients that check their parameters.
const SIGNER: &str = "tidings";

fn time_of(named: Named) -> String {
    named.map(|Path((_, _, time))| time).unwrap_or_default()
}

/// `GET /chatmessages/{time}`, and its files.
pub(crate) async fn export(
    State(gateway): State<Gateway>,
    method: Method,
    context: RequestContext,
    named: Named,
) -> Response {
    let time = time_of(named);
    if let Some(time) = time.strip_suffix(FILE) {
        return match download(&gateway, &method, &context, time).await {
            Ok(response) => response,
            Err(refusal) => context.answer(&gateway, Err(refusal)).await,
        };
    }
    let outcome = links(&gateway, &context, &time).await;
    context.answer(&gateway, outcome).await
}

/// `GET /tidings/exports/{time}/manifest`.
pub(crate) async fn manifest(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = known(&gateway, &context, &time_of(named)).await;
    context.answer(&gateway, outcome).await
}

async fn links(gateway: &Gateway, context: &RequestContext, time: &str) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let app = &identity.app;
    let (_, parts) = parts(gateway, &caller, app, time).await?;
    let expires = (gateway.now() + LINK_LIFE).0 / 1000;
    let urls: Vec<String> =
        parts.iter().map(|part| link(gateway, context, app, time, &part.file_uuid, expires)).collect();
    Ok(codec::exported(&context.call(app), context.timing(gateway), &urls))
}

/// The files of the hour, in the order in which they were made.
async fn parts(
    gateway: &Gateway,
    caller: &Caller,
    app: &App,
    time: &str,
) -> Result<(UnixMillis, Vec<pb::ExportPart>), Refusal> {
    let hour = codec::export_hour(app, time)?;
    let request = pb::ExportRequest { hour: Some(timestamp(hour)), wait: None };
    let reply = gateway.clients().message.clone().export(context::request(caller, request)).await;
    let reply = reply.map_err(|status| codec::export_refusal(&refused(status), app, time))?.into_inner();
    match span("retry_after", reply.retry_after)? {
        Some(wait) => Err(codec::export_later(app, time, wait)),
        None => Ok((hour, reply.parts)),
    }
}

async fn known(gateway: &Gateway, context: &RequestContext, time: &str) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = context.app_caller(gateway).await?;
    let (hour, parts) = parts(gateway, &caller, &identity.app, time).await?;
    let manifests: Vec<Manifest> = parts.into_iter().map(manifest_of).collect();
    Ok(codec::manifest(&context.call(&identity.app), context.timing(gateway), (time, hour), &manifests))
}

/// `GET /tidings/users/{username}/export`: the whole history of a one-to-one conversation.
pub(crate) async fn of_user(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = user_file(&gateway, &context, named).await;
    match outcome {
        Ok(response) => context.with_rates(response),
        Err(refusal) => context.answer(&gateway, Err(refusal)).await,
    }
}

async fn user_file(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Response, Refusal> {
    let (_, caller) = context.app_caller(gateway).await?;
    let peer = codec::peer_query(&context.query)?;
    let (_, conversation) = people::conversation(gateway, &caller, &path_user(named)?, &peer).await?;
    file_of(gateway, &caller, conversation).await
}

/// `GET /tidings/{chatgroups|chatrooms}/{id}/export`: the whole history of a group or room.
pub(crate) fn of_group(peer: fn(i64) -> Peer) -> MethodRouter<Gateway> {
    get(move |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
        let outcome = group_file(&gateway, &context, named, peer).await;
        match outcome {
            Ok(response) => context.with_rates(response),
            Err(refusal) => context.answer(&gateway, Err(refusal)).await,
        }
    })
}

async fn group_file(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    peer: fn(i64) -> Peer,
) -> Result<Response, Refusal> {
    let (_, caller) = context.app_caller(gateway).await?;
    let conversation = people::path_group(gateway, &caller, named, peer).await?;
    file_of(gateway, &caller, conversation).await
}

/// It is made while it is sent, so an incomplete file is cut off.
async fn file_of(gateway: &Gateway, caller: &Caller, conversation: ConversationId) -> Result<Response, Refusal> {
    let request = pb::ExportConversationRequest { conversation: Some(conversation.into()) };
    let chunks = gateway.clients().message.clone().export_conversation(context::request(caller, request)).await;
    let chunks = chunks.map_err(refused)?.into_inner();
    let mut response = Response::new(Body::from_stream(chunks.map(|chunk| chunk.map(|chunk| chunk.bytes))));
    file::describe(response.headers_mut(), "conversation.gz", "application/gzip")?;
    Ok(response)
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
        sealed_at: moment_or_zero(part.sealed_at),
    }
}

/// As in the vendor's storage: the link alone authorizes, without a token.
fn link(gateway: &Gateway, context: &RequestContext, app: &App, time: &str, uuid: &str, expires: i64) -> String {
    let signature = Signed(&[LINK, &app.uuid, time, uuid, &expires.to_string()]).percent_encoded(gateway);
    let uri = context.uri_of(&format!("/chatmessages/{time}{FILE}"));
    format!("{uri}?Expires={expires}&OSSAccessKeyId={SIGNER}&file={uuid}&Signature={signature}")
}

async fn download(
    gateway: &Gateway,
    method: &Method,
    context: &RequestContext,
    time: &str,
) -> Result<Response, Refusal> {
    // Only the link is checked, and the call that returned it has counted.
    let identity = context.identity_of(gateway, "").await?;
    let (app, parameter) = (&identity.app, |name| query(&context.query, name).unwrap_or_default());
    let (uuid, expires) = (parameter("file"), parameter("Expires"));
    let is_right = Signed(&[LINK, &app.uuid, time, uuid, expires]).is(gateway, parameter("Signature"));
    if !is_right || !holds(expires, gateway.now()) {
        return Err(Error::new(Reason::LinkWrong, "").into());
    }
    let query = FileQuery { uuid: uuid.to_owned(), trusted: true, ..FileQuery::default() };
    let caller = context.caller(app, Actor::App);
    Ok(file::download(gateway, &caller, (method, &context.headers), query).await?)
}
