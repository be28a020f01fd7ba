//! What is kept of an RPC over the network: its log line, its numbers, and what its span says.

use std::sync::Arc;

use http::HeaderMap;
use tidings_domain::Reason;
use tidings_proto::error_from_status;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tracing::field::display;

use crate::{
    context,
    log_repeats::LogRepeats,
    metrics::{code_name, metrics},
    rights, telemetry,
};

/// Refusals before a call reached its service, by RPC and reason: both from closed lists.
pub(crate) type Refusals = LogRepeats<(&'static str, &'static str)>;

/// Open to everybody who reaches the port. A call with a key is checked: that is how a process finds out, before a
/// client's call does, that a peer would refuse it.
const OPEN: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Whether no key is needed for that path.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.iter().any(|prefix| path.starts_with(prefix))
}

/// An RPC, from its head to its answer's.
pub(crate) struct RpcLine {
    started: Instant,
    path: String,
    /// The row of the table of rights; `none`: there is none.
    rpc: &'static str,
    id: Option<Arc<str>>,
    app: Option<String>,
    account: Option<String>,
    user: Option<String>,
}

impl RpcLine {
    /// What a call says of itself. A service account is known once its key was checked.
    pub fn read(path: &str, headers: &HeaderMap, id: Option<Arc<str>>) -> Self {
        let rpc = rights::of_path(path).map_or("none", |row| row.rpc);
        let (app, user) = (said(headers, context::APP), said(headers, context::USER));
        Self { started: Instant::now(), path: cut(path).to_owned(), rpc, id, app, account: None, user }
    }

    /// The path of the call.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The id of the request that the call is part of.
    pub const fn id(&self) -> Option<&Arc<str>> {
        self.id.as_ref()
    }

    /// The call as it was admitted: a service account's has its app and its account.
    pub fn admitted(&mut self, headers: &HeaderMap) {
        self.app = said(headers, context::APP).or_else(|| self.app.take());
        self.account = said(headers, context::ACCOUNT);
    }

    /// It is the call of that service account of that app.
    pub fn of_account(&mut self, app: i64, account: i64) {
        self.app = Some(app.to_string());
        self.account = Some(account.to_string());
    }

    /// It was admitted, and has this answer.
    pub fn answered(&self, response: &http::Response<Body>) {
        let status = Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok);
        let code = status.as_ref().map_or(Code::Ok, Status::code);
        let reason = status.map(error_from_status).map(|error| error.reason());
        if self.rpc != "none" {
            metrics().rpc.answered(self.rpc, code, self.started.elapsed());
        }
        self.write(code, reason, None);
    }

    /// It was not admitted. Everybody can cause that as often as they like, so it is not always a line.
    pub fn refused(&self, refusal: &Status, refusals: &Refusals) {
        let code = refusal.code();
        // Of what does not exist the code says all.
        let reason = (code != Code::Unimplemented).then(|| error_from_status(refusal.clone()).reason());
        metrics().rpc.answered(self.rpc, code, self.started.elapsed());
        let kind = (self.rpc, reason.map_or_else(|| code_name(code), |reason| reason.words().name));
        match refusals.count(kind, Instant::now()) {
            Some(repeated) => self.write(code, reason, Some(repeated)),
            None => telemetry::describe_rpc(&tracing::Span::current(), &self.path, code, reason),
        }
    }

    fn write(&self, code: Code, reason: Option<Reason>, repeated: Option<u64>) {
        let span = tracing::Span::current();
        telemetry::describe_rpc(&span, &self.path, code, reason);
        let (path, code, reason) = (&self.path, code_name(code), reason.map(|reason| reason.words().name));
        let ms = self.started.elapsed().as_millis() as u64;
        // Every peer calls health every few seconds.
        if is_open(path) {
            tracing::debug!(method = %path, code, ms, "rpc");
            return;
        }
        let (id, trace_id) = (self.id.as_deref().map(display), telemetry::trace_id(&span));
        let (app, account, user) = (self.app.as_deref(), self.account.as_deref(), self.user.as_deref());
        tracing::info!(
            parent: None, method = %path, code, reason, ms, app, account, user, request_id = id, trace_id, repeated, "rpc"
        );
    }
}

/// Maximum bytes of a caller's input in a log line.
const MAX_SAID: usize = 130;

/// What the caller says in its metadata, only for the log.
fn said(metadata: &HeaderMap, key: &str) -> Option<String> {
    Some(cut(metadata.get(key)?.to_str().ok()?).to_owned())
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SAID)]
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_service_account_and_its_app_are_those_that_were_admitted() {
        let mut headers = HeaderMap::new();
        headers.insert(context::APP, HeaderValue::from_static("acme#lobby"));
        headers.insert(context::ACCOUNT, HeaderValue::from_static("9"));
        let mut line = RpcLine::read("/tidings.v1.MessageService/Send", &headers, None);
        assert_eq!((line.rpc, line.app.as_deref()), ("MessageService/Send", Some("acme#lobby")));
        assert_eq!(line.account, None, "what a caller says of its account is not believed");
        headers.insert(context::APP, HeaderValue::from_static("7"));
        headers.insert(context::ACCOUNT, HeaderValue::from_static("3"));
        line.admitted(&headers);
        assert_eq!((line.app.as_deref(), line.account.as_deref()), (Some("7"), Some("3")));
    }

    #[test]
    fn a_path_that_is_none_is_cut() {
        let line = RpcLine::read(&format!("/{}", "x".repeat(9000)), &HeaderMap::new(), None);
        assert_eq!((line.rpc, line.path().len()), ("none", MAX_SAID));
    }
}
