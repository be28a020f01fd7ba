//! What every Lanying call reads from its headers (lanying.md 1).

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use tidings_dialect::lanying::Refusal;
use tidings_domain::{Actor, App, Caller, Error, Platform, UserId};
use tidings_proto::pb::app_ref;

use crate::{
    Gateway,
    identity::{Identity, Who},
    request::{address, header},
};

/// A Lanying call without its body.
pub(crate) struct Asked {
    pub headers: HeaderMap,
    pub address: Option<IpAddr>,
    pub query: String,
}

impl FromRequestParts<Gateway> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        Ok(Self {
            address: address(parts, gateway),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: std::mem::take(&mut parts.headers),
        })
    }
}

impl Asked {
    /// The app's name for the directory; a call without one names no app.
    pub fn app_ref(&self) -> Result<app_ref::App, Error> {
        let app_id = header(&self.headers, "app_id").ok_or_else(|| Error::app_not_found(""))?;
        Ok(app_ref::App::LanyingAppId(app_id.to_owned()))
    }

    /// Whom the token stands for; no token is nobody.
    pub async fn identity(&self, gateway: &Gateway) -> Result<Arc<Identity>, Error> {
        let token = header(&self.headers, "access-token").unwrap_or_default();
        gateway.identities().of(self.app_ref()?, token).await
    }

    /// Who calls, with `user_id` and `group_id` heeded (decision 28).
    pub async fn caller(&self, gateway: &Gateway) -> Result<(Arc<Identity>, Caller), Refusal> {
        let identity = self.identity(gateway).await?;
        identity.check_known()?;
        let as_user = self.number("user_id")?;
        let as_group = self.number("group_id")?;
        let actor = actor(&identity.who, as_user, as_group)?;
        let caller = self.caller_as(&identity.app, actor);
        Ok((identity, caller))
    }

    pub fn caller_as(&self, app: &App, actor: Actor) -> Caller {
        Caller { app: app.id, actor, address: self.address, platform: Platform::RestApi }
    }

    /// 0 is absent: typed clients write it for what they leave out.
    fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        let text = value.to_str().map_err(|_| Error::invalid(name, "header must be an id"))?.trim();
        match text.parse() {
            _ if text.is_empty() => Ok(None),
            Ok(0) => Ok(None),
            Ok(id) if id > 0 => Ok(Some(id)),
            _ => Err(Error::invalid(name, "header must be an id")),
        }
    }
}

/// An admin token may stand for any user; a user token stands for its own user alone. There are no groups yet.
fn actor(who: &Who, as_user: Option<i64>, as_group: Option<i64>) -> Result<Actor, Refusal> {
    let own = match who {
        Who::User { id, .. } => Some(*id),
        Who::App | Who::Anonymous => None,
    };
    match (own, as_user, as_group) {
        (Some(_), _, Some(_)) => Err(Error::not_permitted("group_id header needs an admin token").into()),
        (Some(own), Some(other), None) if own.0 != other => {
            Err(Error::not_permitted("user_id header needs an admin token").into())
        }
        (Some(own), _, None) => Ok(Actor::User(own)),
        (None, _, Some(group)) => Err(Refusal::no_such_group(group)),
        (None, Some(user), None) => Ok(Actor::User(UserId(user))),
        (None, None, None) => Ok(Actor::App),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_admin_token_stands_for_somebody_else_decision_28() {
        let ann = Who::User { id: UserId(32), username: "ann".to_owned() };
        let code = |result: Result<Actor, Refusal>| result.unwrap_err().code;
        assert_eq!(actor(&Who::App, None, None), Ok(Actor::App));
        assert_eq!(actor(&Who::App, Some(32), None), Ok(Actor::User(UserId(32))));
        assert_eq!(code(actor(&Who::App, None, Some(17))), 20001);
        assert_eq!(actor(&ann, Some(32), None), Ok(Actor::User(UserId(32))));
        assert_eq!(code(actor(&ann, Some(48), None)), 10010);
        assert_eq!(code(actor(&ann, None, Some(17))), 10010);
    }
}
