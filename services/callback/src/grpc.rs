//! The gRPC API.

use std::{sync::Arc, time::Duration};

use tidings_domain::{Actor, App, Error, UnixMillis};
use tidings_proto::{
    duration, moment_if_set, page_start, page_token,
    pb::{self, callback_service_server::CallbackService},
    span, status_from_error as to_status, timestamp,
};
use tidings_runtime::context;
use tonic::{Request, Response, Status};

use crate::{
    app::{
        Core, deliveries,
        endpoints::{self, New},
    },
    model::{Attempt, Delivery, Dialect, Endpoint, Retry, State},
    store::{self, delivery::DeliveryFilter},
    worker::purge,
};

/// The callback service.
#[derive(Debug, Clone)]
pub struct CallbackGrpc {
    core: Arc<Core>,
}

impl CallbackGrpc {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The app behind the call; only apps may call.
    async fn app<T>(&self, request: &Request<T>) -> Result<Arc<App>, Status> {
        let (caller, app) = self.core.deps.directory.caller(request).await.map_err(to_status)?;
        if caller.actor != Actor::App {
            return Err(to_status(Error::not_permitted("only the app itself manages callbacks")));
        }
        Ok(app)
    }
}

#[tonic::async_trait]
impl CallbackService for CallbackGrpc {
    #[tracing::instrument(level = "debug", name = "callback.add_endpoint", skip_all)]
    async fn add_endpoint(
        &self,
        request: Request<pb::AddEndpointRequest>,
    ) -> Result<Response<pb::AddedEndpoint>, Status> {
        let (app, is_account) = (self.app(&request).await?, context::is_account(&request));
        let new = New::check(request.into_inner()).map_err(to_status)?;
        if new.allow_private && is_account {
            return Err(to_status(context::needs_service_key("allow_private")));
        }
        let endpoint = endpoints::add(&self.core, &app, new).await.map_err(to_status)?;
        let secret = endpoint.secret.clone();
        Ok(Response::new(pb::AddedEndpoint { endpoint: Some(endpoint.into()), secret }))
    }

    #[tracing::instrument(level = "debug", name = "callback.list_endpoints", skip_all)]
    async fn list_endpoints(
        &self,
        request: Request<pb::ListEndpointsRequest>,
    ) -> Result<Response<pb::ListEndpointsResponse>, Status> {
        let app = self.app(&request).await?;
        let listed = store::endpoint::list(&self.core.deps.db, &self.core.key, Some(app.id)).await;
        let endpoints = listed.map_err(to_status)?.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListEndpointsResponse { endpoints }))
    }

    #[tracing::instrument(level = "debug", name = "callback.pause_endpoint", skip_all)]
    async fn pause_endpoint(
        &self,
        request: Request<pb::PauseEndpointRequest>,
    ) -> Result<Response<pb::Endpoint>, Status> {
        let app = self.app(&request).await?;
        let paused = endpoints::pause(&self.core, app.id, request.into_inner().id, Some("by hand")).await;
        Ok(Response::new(paused.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "callback.resume_endpoint", skip_all)]
    async fn resume_endpoint(
        &self,
        request: Request<pb::ResumeEndpointRequest>,
    ) -> Result<Response<pb::Endpoint>, Status> {
        let app = self.app(&request).await?;
        let resumed = endpoints::pause(&self.core, app.id, request.into_inner().id, None).await;
        Ok(Response::new(resumed.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "callback.rotate_secret", skip_all)]
    async fn rotate_endpoint_secret(
        &self,
        request: Request<pb::RotateEndpointSecretRequest>,
    ) -> Result<Response<pb::AddedEndpoint>, Status> {
        let app = self.app(&request).await?;
        let wire = request.into_inner();
        let overlap = span("overlap", wire.overlap).map_err(to_status)?;
        let rotated = endpoints::rotate(&self.core, app.id, wire.id, overlap).await.map_err(to_status)?;
        let secret = rotated.secret.clone();
        Ok(Response::new(pb::AddedEndpoint { endpoint: Some(rotated.into()), secret }))
    }

    #[tracing::instrument(level = "debug", name = "callback.remove_endpoint", skip_all)]
    async fn remove_endpoint(
        &self,
        request: Request<pb::RemoveEndpointRequest>,
    ) -> Result<Response<pb::Endpoint>, Status> {
        let app = self.app(&request).await?;
        let removed = endpoints::remove(&self.core, app.id, request.into_inner().id).await.map_err(to_status)?;
        Ok(Response::new(removed.into()))
    }

    #[tracing::instrument(level = "debug", name = "callback.list_deliveries", skip_all)]
    async fn list_deliveries(
        &self,
        request: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        let app = self.app(&request).await?;
        let wire = request.into_inner();
        let filter = DeliveryFilter {
            endpoint: wire.endpoint_id,
            state: i64::from(wire.state),
            msg_id: wire.msg_id,
            before: page_start(&wire.page_token).map_err(to_status)?,
            ..DeliveryFilter::default()
        };
        let listed = deliveries::list(&self.core, app.id, filter, wire.page_size).await;
        let (listed, next) = listed.map_err(to_status)?;
        let deliveries = listed.into_iter().map(Into::into).collect();
        let next_page_token = page_token(next.unwrap_or_default());
        Ok(Response::new(pb::ListDeliveriesResponse { deliveries, next_page_token }))
    }

    #[tracing::instrument(level = "debug", name = "callback.replay", skip_all)]
    async fn replay(&self, request: Request<pb::ReplayRequest>) -> Result<Response<pb::ReplayResponse>, Status> {
        let app = self.app(&request).await?;
        let wire = request.into_inner();
        let from = moment_if_set("created_from", wire.created_from).map_err(to_status)?;
        let until = moment_if_set("created_until", wire.created_until).map_err(to_status)?;
        let filter = DeliveryFilter {
            endpoint: wire.endpoint_id,
            delivery: wire.delivery_id,
            state: i64::from(wire.state),
            from: from.map_or(0, |from| from.0),
            until: until.map_or(0, |until| until.0),
            ..DeliveryFilter::default()
        };
        let replayed = deliveries::replay(&self.core, app.id, filter).await.map_err(to_status)?;
        Ok(Response::new(pb::ReplayResponse { replayed }))
    }

    #[tracing::instrument(level = "debug", name = "callback.purge_deliveries", skip_all)]
    async fn purge_deliveries(
        &self,
        request: Request<pb::PurgeDeliveriesRequest>,
    ) -> Result<Response<pb::PurgeDeliveriesResponse>, Status> {
        let app = self.app(&request).await?;
        let purged = purge(&self.core, &app).await.map_err(to_status)?;
        Ok(Response::new(pb::PurgeDeliveriesResponse { purged }))
    }
}

impl From<Endpoint> for pb::Endpoint {
    fn from(endpoint: Endpoint) -> Self {
        let dialect = match endpoint.dialect {
            Dialect::Tencent => pb::CallbackDialect::Tencent,
            Dialect::Agora => pb::CallbackDialect::Agora,
            Dialect::Lanying => pb::CallbackDialect::Lanying,
        };
        let retry = match endpoint.retry {
            Retry::Durable => pb::RetryMode::Durable,
            Retry::None => pb::RetryMode::None,
            Retry::Timeout => pb::RetryMode::Timeout,
        };
        let state = if endpoint.paused.is_some() { pb::EndpointState::Paused } else { pb::EndpointState::Active };
        Self {
            id: endpoint.id,
            dialect: dialect.into(),
            url: endpoint.url,
            has_token: endpoint.token.is_some(),
            events: endpoint.events,
            ordered: endpoint.ordered,
            retry: retry.into(),
            timeout: Some(duration(endpoint.timeout)),
            allow_private: endpoint.allow_private,
            state: state.into(),
            paused_because: endpoint.paused.unwrap_or_default(),
            created_at: Some(timestamp(endpoint.created_at)),
        }
    }
}

impl From<Delivery> for pb::CallbackDelivery {
    fn from(delivery: Delivery) -> Self {
        let state = match delivery.state {
            State::Waiting => pb::DeliveryState::Waiting,
            State::Delivered => pb::DeliveryState::Delivered,
            State::Dead => pb::DeliveryState::Dead,
        };
        Self {
            id: delivery.id,
            endpoint_id: delivery.endpoint,
            event_id: delivery.new.event_id,
            event: delivery.new.event,
            command: delivery.new.command,
            conversation: Some(delivery.new.conversation.into()),
            msg_id: delivery.new.msg_id.0,
            state: state.into(),
            created_at: Some(timestamp(delivery.created_at)),
            at: Some(timestamp(delivery.at)),
            attempts: delivery.attempts.into_iter().map(Into::into).collect(),
            body: delivery.new.body.into_bytes(),
        }
    }
}

impl From<Attempt> for pb::CallbackAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: Some(timestamp(UnixMillis(attempt.at))),
            duration: Some(duration(Duration::from_millis(attempt.ms.unsigned_abs()))),
            status: attempt.status.into(),
            answer: attempt.answer,
        }
    }
}
