//! `PUT` and `POST /{org}/{app}/users/{username}/chatfiles/lifetime` (agora.md 3.4).

use axum::{body::Body, extract::State, response::Response};
use tidings_dialects::agora::{self as codec, Refusal};
use tidings_domain::{Actor, Error, Reason, UserId};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, path_user},
};
use crate::{Gateway, identity::Who, reply::refused};

pub(crate) async fn set(State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body) -> Response {
    let outcome = keep(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn keep(gateway: &Gateway, context: &RequestContext, named: Named, body: Body) -> Result<Vec<u8>, Refusal> {
    let identity = context.identity(gateway).await?;
    identity.check_known()?;
    let own = match identity.who {
        Who::User { id, .. } => Some(id),
        Who::App | Who::Anonymous => None,
    };
    let params = codec::lifetime_request(&context.read(body).await?)?;
    let named = path_user(named)?;
    let app = context.caller(&identity.app, Actor::App);
    check_own(own, people::id(gateway, &app, &named).await?)?;
    let caller = context.caller(&identity.app, own.map_or(Actor::App, Actor::User));
    let mut set = Vec::new();
    let mut failed = Vec::new();
    for uuid in &params.uuids {
        let file = pb::FileRef { uuid: uuid.clone(), ..pb::FileRef::default() };
        let request = pb::SetLifetimeRequest { file: Some(file), for_ever: params.for_ever };
        match gateway.clients().file.clone().set_lifetime(context::request(&caller, request)).await.map_err(refused) {
            Ok(_) => set.push(uuid.as_str()),
            Err(error) if error.reason().words().agora.status == 404 => failed.push(uuid.as_str()),
            // Another user's file, since users may set their own.
            Err(error) if error.reason() == Reason::NotPermitted && identity.app.policy.users_set_file_lifetime => {
                failed.push(uuid.as_str());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(codec::lifetimes_set(&context.call(&identity.app), context.timing(gateway), &set, &failed))
}

/// A user token authenticates its own user.
fn check_own(own: Option<UserId>, named: UserId) -> Result<(), Error> {
    match own {
        Some(own) if own != named => Err(Error::not_permitted("another user's files")),
        _ => Ok(()),
    }
}
