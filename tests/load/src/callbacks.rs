//! Sends messages while a server of an app receives callbacks, and checks that it got one for each.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tidings_proto::pb;
use tokio::net::TcpListener;

use crate::{Fault, TargetArgs, client::Connection, setup::Target};

/// How long a call to an unavailable server is repeated.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the hanging server takes for a call.
const HANG: Duration = Duration::from_mins(1);

/// What to send, and how the receiver behaves.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub messages: usize,
    /// Messages per second; 0: as many as possible.
    pub rate: u64,
    /// Percentage of calls that the receiver fails.
    pub fail: u64,
    /// Then repeat the run beside a hanging server.
    pub hang: bool,
    /// Whether the endpoint asks for order.
    pub ordered: bool,
}

/// What the receiver got.
#[derive(Default)]
struct Told {
    /// By the number of the message: when it was first received, and how often it was acknowledged.
    messages: HashMap<usize, (Instant, usize)>,
    calls: usize,
    failed: usize,
    /// Event ids by number, and whether a message had two.
    ids: HashMap<usize, String>,
    changed_ids: usize,
}

type Shared = Arc<Mutex<Told>>;

fn lock(told: &Shared) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends, waits for the callbacks, and reports.
pub async fn run(target: &Target, args: &TargetArgs, plan: Plan) -> Result<(), Fault> {
    let told = Shared::default();
    let address = receive(Arc::clone(&told), plan.fail)?;
    let healthy = add(target, &format!("http://{address}/told"), plan.ordered).await?;
    let done = phases(target, args, plan, &told, address).await;
    remove(target, healthy).await?;
    done
}

async fn phases(
    target: &Target,
    args: &TargetArgs,
    plan: Plan,
    told: &Shared,
    address: SocketAddr,
) -> Result<(), Fault> {
    phase("callbacks", target, args, plan, told, 0).await?;
    if plan.hang {
        let hanging = add(target, &format!("http://{address}/hang"), false).await?;
        let done = phase("callbacks beside a server that hangs", target, args, plan, told, plan.messages).await;
        remove(target, hanging).await?;
        done?;
    }
    Ok(())
}

async fn add(target: &Target, url: &str, ordered: bool) -> Result<i64, Fault> {
    let new = pb::AddEndpointRequest {
        dialect: pb::CallbackDialect::Tencent.into(),
        url: url.to_owned(),
        token: "load".to_owned(),
        events: vec!["message.sent".to_owned()],
        ordered,
        allow_private: true,
        ..Default::default()
    };
    let added = target.callbacks().add_endpoint(target.request(new)?).await?.into_inner();
    Ok(added.endpoint.ok_or("no endpoint")?.id)
}

async fn remove(target: &Target, id: i64) -> Result<(), Fault> {
    target.callbacks().remove_endpoint(target.request(pb::RemoveEndpointRequest { id })?).await?;
    Ok(())
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "the report is what the program is for")]
async fn phase(
    name: &str,
    target: &Target,
    args: &TargetArgs,
    plan: Plan,
    told: &Shared,
    first: usize,
) -> Result<(), Fault> {
    let (from, to) =
        (target.users(&format!("cb-from{first}"), 64).await?, target.users(&format!("cb-to{first}"), 64).await?);
    let names: Arc<Vec<(String, String)>> =
        Arc::new(from.into_iter().zip(to).map(|(from, to)| (from.name, to.name)).collect());
    let next = Arc::new(AtomicUsize::new(first));
    let begun = Instant::now();
    let senders = (0..args.connections).map(|number| {
        let sender = Sender {
            address: target.rest[number % target.rest.len()],
            path: format!("{}/messages/users", target.base),
            authorization: format!("Bearer {}", target.token),
            run: format!("cb-{}-{first}", std::process::id()),
            names: Arc::clone(&names),
            next: Arc::clone(&next),
            end: first + plan.messages,
            every: (plan.rate > 0).then(|| Duration::from_secs(1) * args.connections as u32 / plan.rate as u32),
        };
        tokio::spawn(sender.run())
    });
    let senders: Vec<_> = senders.collect();
    let mut answered = HashMap::new();
    for sender in senders {
        answered.extend(sender.await??);
    }
    let sent_in = begun.elapsed();
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let of_phase = first..first + plan.messages;
    let arrived = || lock(told).messages.keys().filter(|number| of_phase.contains(number)).count();
    while arrived() < plan.messages && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = lock(told);
    let mut delays = Vec::new();
    let (mut twice, mut last) = (0, begun);
    for (number, (at, times)) in told.messages.iter().filter(|(number, _)| of_phase.contains(number)) {
        last = last.max(*at);
        twice += times - 1;
        if let Some(answered) = answered.get(number) {
            delays.push(at.saturating_duration_since(*answered).as_micros());
        }
    }
    delays.sort_unstable();
    let at = |part: usize| delays.get(delays.len().saturating_sub(1) * part / 100).copied().unwrap_or(0);
    println!(
        "{name}: {} sent in {:.2} s ({:.0}/s), {} told of in {:.2} s ({:.0}/s), {} missing, {twice} told twice, {} of {} calls \
         failed on purpose, {} event ids changed",
        answered.len(),
        sent_in.as_secs_f64(),
        answered.len() as f64 / sent_in.as_secs_f64(),
        delays.len(),
        (last - begun).as_secs_f64(),
        delays.len() as f64 / (last - begun).as_secs_f64(),
        plan.messages - delays.len(),
        told.failed,
        told.calls,
        told.changed_ids,
    );
    println!("from the answer to a send to its receipt: p50 {} us, p90 {} us, p99 {} us", at(50), at(90), at(99));
    Ok(())
}

struct Sender {
    address: SocketAddr,
    path: String,
    authorization: String,
    /// Of this run, for idempotency keys.
    run: String,
    names: Arc<Vec<(String, String)>>,
    next: Arc<AtomicUsize>,
    end: usize,
    every: Option<Duration>,
}

impl Sender {
    /// When each message was acknowledged.
    async fn run(self) -> Result<HashMap<usize, Instant>, Fault> {
        let mut answered = HashMap::new();
        let mut connection = None;
        let mut turns = self.every.map(tokio::time::interval);
        loop {
            if let Some(turns) = &mut turns {
                turns.tick().await;
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end {
                return Ok(answered);
            }
            let until = Instant::now() + PATIENCE;
            while let Err(fault) = self.send(&mut connection, number).await {
                if Instant::now() > until {
                    return Err(fault);
                }
                // Same key, so nothing is sent twice.
                connection = None;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answered.insert(number, Instant::now());
        }
    }

    async fn send(&self, connection: &mut Option<Connection>, number: usize) -> Result<(), Fault> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(Connection::open(self.address).await?),
        };
        let (from, to) = &self.names[number % self.names.len()];
        let body = format!(r#"{{"from":"{from}","to":["{to}"],"type":"txt","body":{{"msg":"number {number}."}}}}"#);
        let request = Request::post(&self.path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, &self.authorization)
            .header("idempotency-key", format!("{}-{number}", self.run))
            .body(Full::new(Bytes::from(body)))?;
        let (status, answer) = connection.call(request).await?;
        if status == StatusCode::OK {
            return Ok(());
        }
        Err(format!("{status} {}", String::from_utf8_lossy(&answer)).into())
    }
}

/// A server on a separate thread.
fn receive(told: Shared, fail: u64) -> Result<SocketAddr, Fault> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                let told = Arc::clone(&told);
                let answer = service_fn(move |request| answer(Arc::clone(&told), fail, request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
    });
    Ok(address)
}

async fn answer(told: Shared, fail: u64, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/hang" {
        tokio::time::sleep(HANG).await;
    }
    let id = request.headers().get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let is_told = request.uri().path() == "/told";
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut response = Response::new(Full::from(r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#));
    let text = String::from_utf8_lossy(&body);
    let number = text.split_once("\"Text\":\"number ").and_then(|(_, rest)| rest.split_once('.')?.0.parse().ok());
    let Some(number) = number.filter(|_| is_told) else {
        return Ok(response);
    };
    let mut told = lock(&told);
    told.calls += 1;
    // Random enough, and the same in every run.
    let chance = (told.calls as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let known = told.ids.entry(number).or_insert_with(|| id.clone()).clone();
    told.changed_ids += usize::from(known != id);
    if chance % 100 < fail {
        told.failed += 1;
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    } else {
        told.messages.entry(number).or_insert_with(|| (Instant::now(), 0)).1 += 1;
    }
    Ok(response)
}
