//! `tidings callback ...`: calls the running server. Deliveries are only made while one runs, so none is started for
//! the command.

use clap::{Args, Subcommand};
use tidings_domain::Error;
use tidings_proto::{
    error_from_status,
    pb::{self, callback_service_client::CallbackServiceClient},
};
use tidings_runtime::{Config, Wire};

use crate::{
    callback_lines::{self as lines, DIALECTS, RETRIES, STATES},
    in_app::InApp,
    lines::{meant, say},
    server::Server,
};

/// Page size for deliveries. Each includes its body.
const PAGE: i32 = 100;
/// Bytes of a page with bodies of the largest size that an app may allow.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Commands on callback endpoints and their deliveries.
#[derive(Debug, Subcommand)]
pub enum CallbackCommand {
    /// Add an endpoint that is notified of events from now on, and show its secret, once.
    Add(Added),
    /// List every endpoint of an app.
    List(InApp),
    /// Pause an endpoint: events are queued until it is resumed.
    Pause(One),
    /// Resume an endpoint, queued events first.
    Resume(One),
    /// Replace an endpoint's key for `webhook-signature`, and show it, once; the former key signs beside it for a
    /// while.
    Rotate {
        #[command(flatten)]
        one: One,
        /// How long the former key signs too, in milliseconds; 24 hours by default.
        #[arg(long, value_name = "MS")]
        overlap_ms: Option<i64>,
    },
    /// Remove an endpoint and everything queued for it.
    Remove(One),
    /// List deliveries, newest first.
    Deliveries {
        #[command(flatten)]
        of: InApp,
        /// Only of this endpoint: its number in the list.
        #[arg(long, default_value_t = 0)]
        endpoint: i64,
        /// waiting, delivered or dead; any by default.
        #[arg(long, value_parser = |word: &str| meant(&STATES, word))]
        state: Option<pb::DeliveryState>,
        /// Maximum number of deliveries.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show every delivery of a message with its body and every attempt.
    Explain {
        #[command(flatten)]
        of: InApp,
        /// The message's id.
        msg_id: i64,
    },
    /// Deliver again, with the same event ids and bodies: everything, or what the options select.
    Replay(Replayed),
}

/// The endpoint.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    of: InApp,
    /// Its number in the list.
    id: i64,
}

/// A new endpoint.
#[derive(Debug, Args)]
pub struct Added {
    #[command(flatten)]
    of: InApp,
    /// The vendor format of the calls: tencent, agora or lanying.
    #[arg(long, value_parser = |word: &str| meant(&DIALECTS, word))]
    dialect: pb::CallbackDialect,
    /// The URL, http:// or https://. Its own query is kept.
    #[arg(long)]
    url: String,
    /// The vendor's signing secret; without it calls are not signed in the vendor's way.
    #[arg(long, default_value = "")]
    token: String,
    /// The events to deliver, such as message.sent,message.recalled; all by default.
    #[arg(long, value_delimiter = ',')]
    events: Vec<String>,
    /// Deliver the events of one conversation in order; one that fails holds up those behind it.
    #[arg(long)]
    ordered: bool,
    /// What happens after a failure: durable (retries for a day), none, or timeout (one retry, after a timeout only).
    #[arg(long, default_value = "durable", value_parser = |word: &str| meant(&RETRIES, word))]
    retry: pb::RetryMode,
    /// Timeout of a call, in milliseconds; 2000 by default.
    #[arg(long, default_value_t = 0)]
    timeout_ms: i32,
    /// Allow a private, loopback or link-local address.
    #[arg(long)]
    allow_private: bool,
}

/// Which deliveries are replayed.
#[derive(Debug, Args)]
pub struct Replayed {
    #[command(flatten)]
    of: InApp,
    /// Only those to this endpoint.
    #[arg(long, default_value_t = 0)]
    endpoint: i64,
    /// Only this one.
    #[arg(long, default_value_t = 0)]
    delivery: i64,
    /// Only those that are waiting, delivered or dead.
    #[arg(long, value_parser = |word: &str| meant(&STATES, word))]
    state: Option<pb::DeliveryState>,
    /// Only those created at or after this time, in milliseconds since 1970.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    from: i64,
    /// Only those created before this time, in milliseconds since 1970.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    until: i64,
}

type Callbacks = CallbackServiceClient<Wire>;

/// Runs the command.
pub async fn callback(config: &Config, server: Server, command: CallbackCommand) -> Result<(), Error> {
    let wire = server.running(config, config.peers.callback.as_ref()).await?;
    let mut callbacks = Callbacks::new(wire).max_decoding_message_size(MAX_ANSWER);
    match command {
        CallbackCommand::Add(added) => add(callbacks, added).await,
        CallbackCommand::List(of) => list(callbacks, of).await,
        CallbackCommand::Pause(one) => {
            let paused = callbacks.pause_endpoint(one.of.request(pb::PauseEndpointRequest { id: one.id })?).await;
            show(paused)
        }
        CallbackCommand::Resume(one) => {
            let resumed = callbacks.resume_endpoint(one.of.request(pb::ResumeEndpointRequest { id: one.id })?).await;
            show(resumed)
        }
        CallbackCommand::Rotate { one, overlap_ms } => {
            let wanted = one.of.request(pb::RotateEndpointSecretRequest { id: one.id, overlap_ms })?;
            show_with_secret(callbacks.rotate_endpoint_secret(wanted).await)
        }
        CallbackCommand::Remove(one) => {
            let removed = callbacks
                .remove_endpoint(one.of.request(pb::RemoveEndpointRequest { id: one.id })?)
                .await
                .map_err(error_from_status)?;
            say(&format!("{}\tremoved", removed.into_inner().id));
            Ok(())
        }
        CallbackCommand::Deliveries { of, endpoint, state, limit } => {
            let state = state.unwrap_or_default().into();
            let wanted = pb::ListDeliveriesRequest { endpoint_id: endpoint, state, ..Default::default() };
            deliveries(callbacks, of, wanted, limit).await
        }
        CallbackCommand::Explain { of, msg_id } => explain(callbacks, of, msg_id).await,
        CallbackCommand::Replay(replayed) => replay(callbacks, replayed).await,
    }
}

fn show(endpoint: Result<tonic::Response<pb::Endpoint>, tonic::Status>) -> Result<(), Error> {
    say(&lines::endpoint(&endpoint.map_err(error_from_status)?.into_inner()));
    Ok(())
}

async fn add(mut callbacks: Callbacks, added: Added) -> Result<(), Error> {
    let Added { of, dialect, url, token, events, ordered, retry, timeout_ms, allow_private } = added;
    let (dialect, retry) = (dialect.into(), retry.into());
    let wanted = pb::AddEndpointRequest { dialect, url, token, events, ordered, retry, timeout_ms, allow_private };
    show_with_secret(callbacks.add_endpoint(of.request(wanted)?).await)
}

fn show_with_secret(endpoint: Result<tonic::Response<pb::AddedEndpoint>, tonic::Status>) -> Result<(), Error> {
    let added = endpoint.map_err(error_from_status)?.into_inner();
    say(&lines::endpoint(&added.endpoint.unwrap_or_default()));
    say(&format!("secret\t{}", added.secret));
    Ok(())
}

async fn list(mut callbacks: Callbacks, of: InApp) -> Result<(), Error> {
    let wanted = of.request(pb::ListEndpointsRequest {})?;
    let endpoints = callbacks.list_endpoints(wanted).await.map_err(error_from_status)?.into_inner().endpoints;
    for endpoint in &endpoints {
        say(&lines::endpoint(endpoint));
    }
    Ok(())
}

async fn deliveries(
    mut callbacks: Callbacks,
    of: InApp,
    mut wanted: pb::ListDeliveriesRequest,
    limit: u32,
) -> Result<(), Error> {
    let mut left = limit;
    while left > 0 {
        wanted.page_size = PAGE.min(i32::try_from(left).unwrap_or(PAGE));
        let page = page(&mut callbacks, &of, &wanted).await?;
        for delivery in &page.deliveries {
            say(&lines::delivery(delivery));
        }
        if page.next_page_token.is_empty() {
            break;
        }
        wanted.page_token = page.next_page_token;
        left = left.saturating_sub(u32::try_from(page.deliveries.len()).unwrap_or(left));
    }
    Ok(())
}

async fn explain(mut callbacks: Callbacks, of: InApp, msg_id: i64) -> Result<(), Error> {
    let mut wanted = pb::ListDeliveriesRequest { msg_id, page_size: PAGE, ..Default::default() };
    let mut is_empty = true;
    loop {
        let page = page(&mut callbacks, &of, &wanted).await?;
        is_empty &= page.deliveries.is_empty();
        for delivery in &page.deliveries {
            say(&lines::delivery(delivery));
            say(&format!("\t{}", lines::body(delivery)));
            for attempt in &delivery.attempts {
                say(&format!("\t{}", lines::attempt(attempt)));
            }
        }
        if page.next_page_token.is_empty() {
            break;
        }
        wanted.page_token = page.next_page_token;
    }
    if is_empty {
        say(&format!("message {msg_id}\tno delivery"));
    }
    Ok(())
}

async fn page(
    callbacks: &mut Callbacks,
    of: &InApp,
    wanted: &pb::ListDeliveriesRequest,
) -> Result<pb::ListDeliveriesResponse, Error> {
    let page = callbacks.list_deliveries(of.request(wanted.clone())?).await.map_err(error_from_status)?;
    Ok(page.into_inner())
}

async fn replay(mut callbacks: Callbacks, replayed: Replayed) -> Result<(), Error> {
    let wanted = pb::ReplayRequest {
        endpoint_id: replayed.endpoint,
        delivery_id: replayed.delivery,
        state: replayed.state.unwrap_or_default().into(),
        from_ms: replayed.from,
        until_ms: replayed.until,
    };
    let done = callbacks.replay(replayed.of.request(wanted)?).await.map_err(error_from_status)?;
    say(&format!("{}\treplayed", done.into_inner().replayed));
    Ok(())
}
