//! `/livez`: the process runs. `/readyz`: it can serve, or why not.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Serialize;
use tidings_domain::Reason;

use crate::{Gateway, reply};

#[derive(Serialize)]
struct Health<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Always succeeds.
pub(crate) async fn livez() -> Response {
    answer(StatusCode::OK, &Health { status: "ok", reason: None })
}

/// Checks the services.
pub(crate) async fn readyz(State(gateway): State<Gateway>) -> Response {
    match gateway.ready().await {
        Ok(()) => answer(StatusCode::OK, &Health { status: "ok", reason: None }),
        Err(reason) => {
            let health = Health { status: "unavailable", reason: Some(&reason) };
            reply::with_reason(answer(StatusCode::SERVICE_UNAVAILABLE, &health), Reason::Unavailable, "")
        }
    }
}

fn answer(status: StatusCode, health: &Health<'_>) -> Response {
    reply::json(status, serde_json::to_vec(health).expect("two texts are always JSON"))
}
