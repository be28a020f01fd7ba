//! `tidings callback ...`: calls the running server. Deliveries are only made while one runs, so none is started for
//! the command.

use std::time::Duration;

use clap::{Args, Subcommand};
use tidings_domain::Error;
use tidings_proto::{
    duration, error_from_status,
    pb::{self, callback_service_client::CallbackServiceClient},
    timestamp_unless_zero,
};
use tidings_runtime::{Config, Wire};

use crate::{
    callback_lines::{self as lines, DIALECTS, RETRIES, STATES},
    confirmation::Confirmation,
    in_app::InApp,
    lines::{Output, Row, one_of, time},
    server::Server,
    text_input::TokenOptions,
};

/// Page size for deliveries. Each includes its body.
const PAGE: i32 = 100;
/// Bytes of a page with bodies of the largest size that an app may allow.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Commands on callback endpoints and their deliveries.
#[derive(Debug, Subcommand)]
pub enum CallbackCommand {
    /// Add an endpoint that is notified of events from now on, and show its key, once.
    #[command(
        after_help = "Example:\n  tidings callback add --app acme/lobby --dialect tencent --url https://app.example/im"
    )]
    Add(Added),
    /// List every endpoint of an app.
    #[command(after_help = "Example:\n  tidings callback list --app acme/lobby")]
    List(InApp),
    /// Pause an endpoint: events are queued until it is resumed.
    #[command(after_help = "Example:\n  tidings callback pause --app acme/lobby 7")]
    Pause(One),
    /// Resume an endpoint, queued events first.
    #[command(after_help = "Example:\n  tidings callback resume --app acme/lobby 7")]
    Resume(One),
    /// Replace an endpoint's key for `webhook-signature` and show the new one, once; the old key also signs for a while.
    #[command(after_help = "Example:\n  tidings callback rotate --app acme/lobby 7 --overlap-ms 3600000")]
    Rotate {
        #[command(flatten)]
        one: One,
        /// How long the old key also signs, in milliseconds; 24 hours by default.
        #[arg(long, value_name = "MS")]
        overlap_ms: Option<u64>,
    },
    /// Remove an endpoint and everything queued for it.
    #[command(after_help = "Example:\n  tidings callback remove --app acme/lobby 7 --yes")]
    Remove {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// List deliveries, newest first.
    #[command(after_help = "Example:\n  tidings callback deliveries --app acme/lobby --state dead --limit 20")]
    Deliveries {
        #[command(flatten)]
        of: InApp,
        /// Only of this endpoint: its number in the list.
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        endpoint: i64,
        /// Only those in this state; any by default.
        #[arg(long, value_parser = one_of(&STATES))]
        state: Option<pb::DeliveryState>,
        /// Maximum number of deliveries.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show every delivery of a message with its body and every attempt.
    #[command(after_help = "Example:\n  tidings callback explain --app acme/lobby 1234567890123456")]
    Explain {
        #[command(flatten)]
        of: InApp,
        /// The message's id.
        msg_id: i64,
    },
    /// Deliver again, with the same event ids and bodies: all deliveries, or those that the options select.
    #[command(
        after_help = "Example:\n  tidings callback replay --app acme/lobby --state dead --from 2026-11-30T03:00:00Z"
    )]
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
    /// The vendor format of the calls.
    #[arg(long, value_parser = one_of(&DIALECTS))]
    dialect: pb::CallbackDialect,
    /// The URL, http:// or https://. Its own query is kept.
    #[arg(long)]
    url: String,
    #[command(flatten)]
    token: TokenOptions,
    /// The events to deliver, such as message.sent,message.recalled; all by default.
    #[arg(long, value_delimiter = ',')]
    events: Vec<String>,
    /// Deliver the events of one conversation in order; an event that fails delays the later ones.
    #[arg(long)]
    ordered: bool,
    /// What happens after a failure: durable (retries for a day), none, or timeout (one retry, after a timeout only).
    #[arg(long, default_value = "durable", value_parser = one_of(&RETRIES))]
    retry: pb::RetryMode,
    /// Timeout of a call, in milliseconds; 2000 by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    timeout_ms: u64,
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
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    endpoint: i64,
    /// Only this one.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    delivery: i64,
    /// Only those in this state.
    #[arg(long, value_parser = one_of(&STATES))]
    state: Option<pb::DeliveryState>,
    /// Only those created at or after this time: RFC 3339, or milliseconds since 1970.
    #[arg(long, value_name = "TIME", default_value = "0", hide_default_value = true, value_parser = time)]
    from: i64,
    /// Only those created before this time.
    #[arg(long, value_name = "TIME", default_value = "0", hide_default_value = true, value_parser = time)]
    until: i64,
}

type Callbacks = CallbackServiceClient<Wire>;

/// Runs the command.
pub async fn callback(config: &Config, server: Server, command: CallbackCommand, output: Output) -> Result<(), Error> {
    if let CallbackCommand::Remove { one, confirmation } = &command {
        let what = format!("endpoint {} of app {} is removed with everything queued for it", one.id, one.of.text());
        confirmation.get(&what)?;
    }
    let wire = server.running(config, config.peers.callback.as_ref()).await?;
    let mut callbacks = Callbacks::new(wire).max_decoding_message_size(MAX_ANSWER);
    match command {
        CallbackCommand::Add(added) => add(callbacks, added, output).await,
        CallbackCommand::List(of) => list(callbacks, of, output).await,
        CallbackCommand::Pause(one) => {
            let paused = callbacks.pause_endpoint(one.of.request(pb::PauseEndpointRequest { id: one.id })?).await;
            show(paused, output)
        }
        CallbackCommand::Resume(one) => {
            let resumed = callbacks.resume_endpoint(one.of.request(pb::ResumeEndpointRequest { id: one.id })?).await;
            show(resumed, output)
        }
        CallbackCommand::Rotate { one, overlap_ms } => {
            let overlap = overlap_ms.map(|ms| duration(Duration::from_millis(ms)));
            let request = one.of.request(pb::RotateEndpointSecretRequest { id: one.id, overlap })?;
            show_with_secret(callbacks.rotate_endpoint_secret(request).await, output)
        }
        CallbackCommand::Remove { one, .. } => {
            let removed = callbacks
                .remove_endpoint(one.of.request(pb::RemoveEndpointRequest { id: one.id })?)
                .await
                .map_err(error_from_status)?;
            let row = Row::default().shown("id", removed.into_inner().id);
            output.print(&row.cell("removed", true, "removed"));
            Ok(())
        }
        CallbackCommand::Deliveries { of, endpoint, state, limit } => {
            let state = state.unwrap_or_default().into();
            let request = pb::ListDeliveriesRequest { endpoint_id: endpoint, state, ..Default::default() };
            deliveries(callbacks, (of, request), limit, output).await
        }
        CallbackCommand::Explain { of, msg_id } => explain(callbacks, of, msg_id, output).await,
        CallbackCommand::Replay(replayed) => replay(callbacks, replayed, output).await,
    }
}

fn show(endpoint: Result<tonic::Response<pb::Endpoint>, tonic::Status>, output: Output) -> Result<(), Error> {
    output.print(&lines::endpoint(&endpoint.map_err(error_from_status)?.into_inner()));
    Ok(())
}

async fn add(mut callbacks: Callbacks, added: Added, output: Output) -> Result<(), Error> {
    let Added { of, dialect, url, token, events, ordered, retry, timeout_ms, allow_private } = added;
    let (dialect, retry, timeout) = (dialect.into(), retry.into(), Some(duration(Duration::from_millis(timeout_ms))));
    let token = token.read()?;
    let request = pb::AddEndpointRequest { dialect, url, token, events, ordered, retry, allow_private, timeout };
    show_with_secret(callbacks.add_endpoint(of.request(request)?).await, output)
}

fn show_with_secret(
    endpoint: Result<tonic::Response<pb::AddedEndpoint>, tonic::Status>,
    output: Output,
) -> Result<(), Error> {
    let added = endpoint.map_err(error_from_status)?.into_inner();
    let row = lines::endpoint(&added.endpoint.unwrap_or_default());
    output.print(&row.line().text("secret").shown("secret", added.secret));
    Ok(())
}

async fn list(mut callbacks: Callbacks, of: InApp, output: Output) -> Result<(), Error> {
    let request = of.request(pb::ListEndpointsRequest {})?;
    let endpoints = callbacks.list_endpoints(request).await.map_err(error_from_status)?.into_inner().endpoints;
    output.print_all(endpoints.iter().map(lines::endpoint));
    Ok(())
}

async fn deliveries(
    mut callbacks: Callbacks,
    (of, mut request): (InApp, pb::ListDeliveriesRequest),
    limit: u32,
    output: Output,
) -> Result<(), Error> {
    let mut left = limit;
    while left > 0 {
        request.page_size = PAGE.min(i32::try_from(left).unwrap_or(PAGE));
        let page = page(&mut callbacks, &of, &request).await?;
        output.print_all(page.deliveries.iter().map(lines::delivery));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        left = left.saturating_sub(u32::try_from(page.deliveries.len()).unwrap_or(left));
    }
    Ok(())
}

async fn explain(mut callbacks: Callbacks, of: InApp, msg_id: i64, output: Output) -> Result<(), Error> {
    let mut request = pb::ListDeliveriesRequest { msg_id, page_size: PAGE, ..Default::default() };
    let mut is_empty = true;
    loop {
        let page = page(&mut callbacks, &of, &request).await?;
        is_empty &= page.deliveries.is_empty();
        output.print_all(page.deliveries.iter().map(lines::delivery_in_full));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    if is_empty {
        output.print(&Row::default().text(format!("message {msg_id}")).text("no delivery"));
    }
    Ok(())
}

async fn page(
    callbacks: &mut Callbacks,
    of: &InApp,
    request: &pb::ListDeliveriesRequest,
) -> Result<pb::ListDeliveriesResponse, Error> {
    let page = callbacks.list_deliveries(of.request(request.clone())?).await.map_err(error_from_status)?;
    Ok(page.into_inner())
}

async fn replay(mut callbacks: Callbacks, replayed: Replayed, output: Output) -> Result<(), Error> {
    let request = pb::ReplayRequest {
        endpoint_id: replayed.endpoint,
        delivery_id: replayed.delivery,
        state: replayed.state.unwrap_or_default().into(),
        created_from: timestamp_unless_zero(replayed.from),
        created_until: timestamp_unless_zero(replayed.until),
    };
    let done = callbacks.replay(replayed.of.request(request)?).await.map_err(error_from_status)?;
    output.print(&Row::default().shown("replayed", done.into_inner().replayed).text("replayed"));
    Ok(())
}
