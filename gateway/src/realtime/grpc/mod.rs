//! `RealtimeService.Subscribe`: what happens, for internal services, as one user or for several of an app.

mod allowed;
mod follow;
mod past;
mod places;
mod responses;

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, Caller, Error, UserId};
use tidings_proto::{
    pb::{self, realtime_service_server::RealtimeService},
    status_from_error as to_status,
};
use tidings_runtime::metrics;
use tokio::time::Instant;
use tonic::{Request, Response, Status, async_trait};

use self::{allowed::Allowed, follow::Subscription, places::SubscriptionSlots, responses::responses};
use super::hub::Hub;
use crate::Gateway;

/// Users of one subscription.
const MOST_USERS: usize = 100;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Realtime {
    gateway: Gateway,
    allowed: Allowed,
    /// A separate hub: a subscription is not a device of its users, unlike the sessions of the sockets' hub.
    hub: Arc<Hub>,
    places: SubscriptionSlots,
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Realtime")
    }
}

impl Realtime {
    /// Ends its streams when the gateway stops.
    pub fn new(gateway: Gateway, directory: DirectoryCache) -> Self {
        Self { gateway, allowed: Allowed(directory), hub: Arc::default(), places: SubscriptionSlots::default() }
    }
}

#[async_trait]
impl RealtimeService for Realtime {
    type SubscribeStream = BoxStream<'static, Result<pb::SubscribeResponse, Status>>;

    #[tracing::instrument(level = "debug", name = "realtime.subscribe", skip_all)]
    async fn subscribe(
        &self,
        request: Request<pb::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let started = Instant::now();
        let stream = self.open(request).await;
        let reason = stream.as_ref().map_or_else(|error| error.reason().words().name, |_| "");
        metrics().realtime.answered(["grpc", "subscribe", reason], started.elapsed());
        Ok(Response::new(stream.map_err(to_status)?))
    }
}

impl Realtime {
    /// The stream of what happens from now on, or from where the request says.
    async fn open(
        &self,
        request: Request<pb::SubscribeRequest>,
    ) -> Result<<Self as RealtimeService>::SubscribeStream, Error> {
        let (caller, app) = self.allowed.0.caller(&request).await?;
        let wire = request.into_inner();
        let users = users(&caller, wire.user_ids)?;
        let place = self.places.take(caller.app)?;
        self.allowed.check(&caller, &users).await?;
        let entered = self.hub.enter_all(&self.gateway, (&app, &caller), &users).await?;
        let (sender, stream) = responses();
        let (gateway, allowed) = (self.gateway.clone(), self.allowed.clone());
        let subscription = Subscription { gateway, allowed, app, caller, users, responses: sender };
        let since = Some(wire.cursor).filter(|cursor| !cursor.is_empty());
        tokio::spawn(async move {
            let _place = place;
            subscription.run(entered, since).await;
        });
        Ok(stream)
    }
}

/// Whose events: the caller's own, or those of the users that an app names.
fn users(caller: &Caller, named: Vec<i64>) -> Result<Vec<UserId>, Error> {
    let mut users: Vec<UserId> = named.into_iter().map(UserId).collect();
    users.sort_unstable();
    users.dedup();
    if users.len() > MOST_USERS {
        return Err(Error::invalid("user_ids", format!("must be at most {MOST_USERS}")));
    }
    if users.first().is_some_and(|first| *first <= UserId::ADMIN) {
        return Err(Error::invalid("user_ids", "must be ids of users"));
    }
    match caller.actor {
        Actor::User(own) if users.is_empty() || users == [own] => Ok(vec![own]),
        Actor::User(_) => Err(Error::not_permitted("users subscribe only for themselves")),
        Actor::App if users.is_empty() => Err(Error::invalid("user_ids", "must not be empty where the app calls")),
        Actor::App => Ok(users),
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::{AppId, Reason};

    use super::*;

    #[test]
    fn an_app_names_up_to_100_users_and_a_user_at_most_themselves() {
        let app = Caller::of_app(AppId(1));
        let user = Caller { actor: Actor::User(UserId(16)), ..app.clone() };
        let of = |caller, named: &[i64]| users(caller, named.to_vec()).map_err(|error| error.reason());
        assert_eq!(of(&app, &[32, 16, 32]), Ok(vec![UserId(16), UserId(32)]));
        assert_eq!(of(&app, &(1..=100).collect::<Vec<_>>()).map(|users| users.len()), Ok(100));
        assert_eq!(of(&app, &(1..=101).collect::<Vec<_>>()), Err(Reason::InvalidArgument));
        assert_eq!(of(&app, &[]), Err(Reason::InvalidArgument));
        assert_eq!(of(&app, &[0, 16]), Err(Reason::InvalidArgument));
        assert_eq!(of(&user, &[]), Ok(vec![UserId(16)]));
        assert_eq!(of(&user, &[16]), Ok(vec![UserId(16)]));
        assert_eq!(of(&user, &[16, 32]), Err(Reason::NotPermitted));
    }
}
