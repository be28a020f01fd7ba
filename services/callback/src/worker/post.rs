//! One call to an app's server.

use std::time::Duration;

use tidings_dialects::tencent::{Authentication, Parameters, query};
use tidings_domain::{App, UnixMillis};
use tidings_outbound::{
    Response, Url, beginning, cause,
    reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use tidings_runtime::telemetry;
use tracing::{Instrument as _, debug_span};

use crate::{
    app::Core,
    model::{Dialect, Due, Endpoint},
    webhook,
};

/// Maximum bytes read of a response.
const MAX_ANSWER: usize = 4096;
/// Maximum bytes kept of it.
const KEPT: usize = 512;

/// The outcome of a call.
#[derive(Debug, Default)]
pub struct Answer {
    /// 0: no response.
    pub status: u16,
    /// The beginning of the response, or why there was none.
    pub text: String,
    pub timed_out: bool,
    /// The server's Retry-After.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// No response, for this reason.
    pub fn none(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// Posts the delivery, with fresh signatures for each attempt.
pub async fn post(core: &Core, endpoint: &Endpoint, app: &App, due: &Due, now: UnixMillis) -> Answer {
    let seconds = now.0 / 1000;
    let url = match Url::parse(&address(endpoint, app, due, seconds)) {
        Ok(url) => url,
        Err(error) => return Answer::none(format!("no URL: {error}")),
    };
    let span = debug_span!("callback.attempt", otel.kind = "client", event_id = %due.event_id);
    let trace = telemetry::continue_trace(&span, &due.trace);
    let host = url.host_str().unwrap_or_default().to_owned();
    let client = match core.outbound.client(&url, endpoint.allow_private) {
        Ok(client) => client,
        Err(why) => return Answer::none(why),
    };
    let body = due.body.as_bytes();
    let signatures = match webhook::signatures(endpoint, &due.event_id, now, body) {
        Ok(signatures) => signatures,
        Err(error) => return Answer::none(format!("no key to sign with: {error}")),
    };
    let mut request = client
        .post(url)
        .timeout(endpoint.timeout)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &due.event_id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signatures);
    if endpoint.dialect == Dialect::Lanying
        && let Some(token) = &endpoint.token
    {
        request = request.header("signature", token);
    }
    if !trace.is_empty() {
        request = request.header("traceparent", trace);
    }
    let request = request.body(due.body.clone());
    let answer = async {
        match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Answer { timed_out: error.is_timeout(), ..Answer::none(cause(&error)) },
        }
    };
    let answer = answer.instrument(span.clone()).await;
    telemetry::describe_client(&span, &host, answer.status);
    answer
}

/// Tencent's receivers get the rest in the query; the others have their URL as it is.
fn address(endpoint: &Endpoint, app: &App, due: &Due, seconds: i64) -> String {
    if endpoint.dialect != Dialect::Tencent {
        return endpoint.url.clone();
    }
    let parameters = Parameters {
        sdk_appid: app.sdk_appid,
        command: &due.command,
        client_ip: due.address.parse().ok(),
        platform: &due.platform,
        authentication: endpoint.token.as_deref().map(|token| Authentication { token, request_time: seconds }),
    };
    query(&endpoint.url, &parameters)
}

async fn read(response: Response) -> Answer {
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    let (bytes, error) = beginning(response, MAX_ANSWER).await;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    text.truncate(text.floor_char_boundary(KEPT));
    Answer { status, text, timed_out: error.is_some_and(|error| error.is_timeout()), retry_after }
}

/// In seconds; dates are ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use tidings_domain::AppId;

    use super::*;
    use crate::model::Retry;

    fn endpoint(dialect: Dialect) -> Endpoint {
        Endpoint {
            app: AppId(1),
            id: 1,
            dialect,
            url: "http://h/im".to_owned(),
            token: Some("xxxxyyyy".to_owned()),
            secret: String::new(),
            previous: None,
            events: Vec::new(),
            ordered: false,
            retry: Retry::Durable,
            timeout: Duration::from_secs(2),
            allow_private: false,
            paused: None,
            is_broken: false,
            created_at: UnixMillis(0),
            cursor: String::new(),
        }
    }

    fn address_of(dialect: Dialect, command: &str) -> String {
        let due = Due {
            id: 1,
            event_id: "m0-1".to_owned(),
            command: command.to_owned(),
            address: String::new(),
            platform: "RESTAPI".to_owned(),
            trace: String::new(),
            body: "{}".to_owned(),
            tries: 0,
            created_at: UnixMillis(0),
        };
        address(&endpoint(dialect), &App::example(), &due, 1_669_872_112)
    }

    /// Processes of two versions may work side by side, and a delivery outlives a downgrade.
    #[test]
    fn a_command_that_only_a_later_version_knows_is_posted_like_any_other() {
        assert_eq!(
            address_of(Dialect::Tencent, "Group.CallbackOfALaterVersion"),
            "http://h/im?SdkAppid=1400000000&CallbackCommand=Group.CallbackOfALaterVersion&contenttype=json&ClientIP=\
             &OptPlatform=RESTAPI&Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061\
             &RequestTime=1669872112"
        );
        assert_eq!(address_of(Dialect::Agora, "muc"), "http://h/im");
    }
}
