//! `POST /{org}/{app}/messages/{users|chatgroups}/import` (agora.md 7).

use axum::{
    body::Body,
    extract::State,
    routing::{MethodRouter, post},
};
use tidings_dialects::agora::{self as codec, Place, Refusal};
use tidings_domain::Error;
use tidings_proto::{pb, required};
use tidings_runtime::context;

use super::{asked::Asked, send::committed};
use crate::{Gateway, reply::refused, request::idempotency_key};

/// A route that imports there.
pub(crate) fn to(place: Place) -> MethodRouter<Gateway> {
    post(move |State(gateway): State<Gateway>, asked: Asked, body: Body| async move {
        let outcome = import(&gateway, &asked, body, place).await;
        asked.answer(&gateway, outcome)
    })
}

async fn import(gateway: &Gateway, asked: &Asked, body: Body, place: Place) -> Result<Vec<u8>, Refusal> {
    let (identity, caller) = asked.app_caller(gateway).await?;
    let mut wanted = codec::import_request(&asked.read(body).await?, &identity.app.policy, place)?;
    asked.locate(&mut wanted.content);
    let request = pb::ImportRequest {
        sender: Some(wanted.sender.into()),
        target: Some(wanted.target.into()),
        content: Some(wanted.content.into()),
        sent_at_ms: wanted.sent_at.map_or(0, |at| at.0),
        countable: wanted.countable,
        idempotency_key: idempotency_key(&asked.headers)?.unwrap_or_default(),
        call: codec::import_call(place).to_owned(),
        accept_unknown_names: true,
        fetch_into: if wanted.need_download { asked.uri_of("/chatfiles/") } else { String::new() },
    };
    let reply = gateway.clients().message.clone().import(context::request(&caller, request)).await;
    let refuse = |error: Error| codec::import_refusal(&error);
    let reply = reply.map_err(|status| refuse(refused(status)))?.into_inner();
    let sent = required("sent", reply.sent)?;
    let timing = committed(reply.accepted_at_ms, reply.committed_at_ms);
    Ok(codec::imported(&asked.call(&identity.app), timing, sent.msg_id))
}
