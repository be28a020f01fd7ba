//! `tidings callback ...`: asks the running server. Deliveries are made while one runs, so none is started for it.

use clap::{Args, Subcommand};
use tidings_domain::Error;
use tidings_proto::{
    error_from_status,
    pb::{self, callback_service_client::CallbackServiceClient},
};
use tidings_runtime::{Config, Wire};
use tonic::Request;

use crate::{
    admin::say,
    callback_lines::{self as lines, DIALECTS, RETRIES, STATES},
    in_app::InApp,
    lines::meant,
    server::Server,
};

/// Deliveries that one call asks for. Each comes with its body.
const PAGE: i32 = 100;
/// A page of them with bodies of the largest size that an app may allow.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// What can be done to the servers that are told of events, and to the deliveries to them.
#[derive(Debug, Subcommand)]
pub enum CallbackCommand {
    /// Add a server that is told what happens from now on, and show its secret, once.
    Add(Added),
    /// List every endpoint of an app.
    List(InApp),
    /// Tell an endpoint nothing until it is resumed; what happens meanwhile waits.
    Pause(One),
    /// Tell an endpoint again, what waited first.
    Resume(One),
    /// Give an endpoint another key for `webhook-signature`, and show it, once; the present one signs beside it for a
    /// while.
    Rotate {
        #[command(flatten)]
        one: One,
        /// How long the present key signs too, in milliseconds; 24 hours when not given.
        #[arg(long, value_name = "MS")]
        overlap_ms: Option<i64>,
    },
    /// Remove an endpoint with all that waits for it.
    Remove(One),
    /// List what is or was to be delivered, newest first.
    Deliveries {
        #[command(flatten)]
        of: InApp,
        /// To this endpoint alone: its number in the list.
        #[arg(long, default_value_t = 0)]
        endpoint: i64,
        /// waiting, delivered or dead; any when not given.
        #[arg(long, value_parser = |word: &str| meant(&STATES, word))]
        state: Option<pb::DeliveryState>,
        /// As many at most.
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
    /// Deliver again, with the same event ids and bodies: everything, or what the options say.
    Replay(Replayed),
}

/// Which endpoint.
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
    /// Whose form the calls have: tencent, agora or lanying.
    #[arg(long, value_parser = |word: &str| meant(&DIALECTS, word))]
    dialect: pb::CallbackDialect,
    /// Where it is, as http:// or https://. A query of its own stays.
    #[arg(long)]
    url: String,
    /// What calls are signed with as the vendor does; without it they are not.
    #[arg(long, default_value = "")]
    token: String,
    /// Of what it is told, such as message.sent,message.recalled; all when not given.
    #[arg(long, value_delimiter = ',')]
    events: Vec<String>,
    /// Tell the events of one conversation one after another; one that fails holds up those behind it.
    #[arg(long)]
    ordered: bool,
    /// What follows a failure: durable (tries for a day), none, or timeout (one more try, after a timeout alone).
    #[arg(long, default_value = "durable", value_parser = |word: &str| meant(&RETRIES, word))]
    retry: pb::RetryMode,
    /// How long an answer is waited for, in milliseconds; 2000 when not given.
    #[arg(long, default_value_t = 0)]
    timeout_ms: i32,
    /// It may be at a private, loopback or link-local address.
    #[arg(long)]
    allow_private: bool,
}

/// Which deliveries are made again.
#[derive(Debug, Args)]
pub struct Replayed {
    #[command(flatten)]
    of: InApp,
    /// Those to this endpoint alone.
    #[arg(long, default_value_t = 0)]
    endpoint: i64,
    /// This one alone.
    #[arg(long, default_value_t = 0)]
    delivery: i64,
    /// Only those that are waiting, delivered or dead.
    #[arg(long, value_parser = |word: &str| meant(&STATES, word))]
    state: Option<pb::DeliveryState>,
    /// Only those made from then on, in milliseconds since 1970.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    from: i64,
    /// Only those made before then, in milliseconds since 1970.
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
            let paused = callbacks.pause_endpoint(one.request()?).await;
            show(paused)
        }
        CallbackCommand::Resume(one) => {
            let resumed = callbacks.resume_endpoint(one.request()?).await;
            show(resumed)
        }
        CallbackCommand::Rotate { one, overlap_ms } => {
            let wanted = one.of.request(pb::RotateEndpointSecretRequest { id: one.id, overlap_ms })?;
            show_with_secret(callbacks.rotate_secret(wanted).await)
        }
        CallbackCommand::Remove(one) => {
            let removed = callbacks.remove_endpoint(one.request()?).await.map_err(error_from_status)?;
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

impl One {
    fn request(&self) -> Result<Request<pb::EndpointRef>, Error> {
        self.of.request(pb::EndpointRef { id: self.id })
    }
}

fn show(endpoint: Result<tonic::Response<pb::Endpoint>, tonic::Status>) -> Result<(), Error> {
    say(&lines::endpoint(&endpoint.map_err(error_from_status)?.into_inner()));
    Ok(())
}

async fn add(mut callbacks: Callbacks, added: Added) -> Result<(), Error> {
    let Added { of, dialect, url, token, events, ordered, retry, timeout_ms, allow_private } = added;
    let (dialect, retry) = (dialect.into(), retry.into());
    let wanted = pb::NewEndpoint { dialect, url, token, events, ordered, retry, timeout_ms, allow_private };
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
        wanted.limit = PAGE.min(i32::try_from(left).unwrap_or(PAGE));
        let page = page(&mut callbacks, &of, wanted).await?;
        let Some(last) = page.last() else {
            break;
        };
        wanted.before_id = last.id;
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(left));
        for delivery in &page {
            say(&lines::delivery(delivery));
        }
    }
    Ok(())
}

async fn explain(mut callbacks: Callbacks, of: InApp, msg_id: i64) -> Result<(), Error> {
    let mut wanted = pb::ListDeliveriesRequest { msg_id, limit: PAGE, ..Default::default() };
    loop {
        let page = page(&mut callbacks, &of, wanted).await?;
        let Some(last) = page.last() else {
            break;
        };
        wanted.before_id = last.id;
        for delivery in &page {
            say(&lines::delivery(delivery));
            say(&format!("\t{}", lines::body(delivery)));
            for attempt in &delivery.attempts {
                say(&format!("\t{}", lines::attempt(attempt)));
            }
        }
    }
    if wanted.before_id == 0 {
        say(&format!("message {msg_id}\tno delivery"));
    }
    Ok(())
}

async fn page(
    callbacks: &mut Callbacks,
    of: &InApp,
    wanted: pb::ListDeliveriesRequest,
) -> Result<Vec<pb::CallbackDelivery>, Error> {
    let page = callbacks.list_deliveries(of.request(wanted)?).await.map_err(error_from_status)?;
    Ok(page.into_inner().deliveries)
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
