//! Which path leads where.

use axum::{
    Router,
    extract::{Request, State},
    middleware,
    response::Response,
    routing::{MethodRouter, delete, get, post},
};
use tidings_domain::Error;

use crate::{Gateway, agora, health, lanying, layers};

/// First path segments of the Lanying dialect.
const LANYING: [&str; 8] = ["user", "token", "message", "group", "roster", "file", "conversation", "ai"];
/// First path segments of our own.
const OURS: [&str; 3] = ["livez", "readyz", "metrics"];

/// All routes, with their layers. Every path may end with a slash.
pub fn router(gateway: Gateway) -> Router {
    let routes = [
        ("/livez", get(health::livez)),
        ("/readyz", get(health::readyz)),
        ("/{org}/{app}/token", post(agora::token::token)),
        ("/{org}/{app}/users", post(agora::users::register).get(agora::users::list).delete(agora::users::delete_page)),
        ("/{org}/{app}/users/{username}", get(agora::users::get).delete(agora::users::delete)),
        ("/{org}/{app}/messages/users", post(agora::send::send)),
        ("/user/register/v2", post(lanying::register::register)),
        ("/token/id", post(lanying::token::by_id)),
        ("/token/user", post(lanying::token::by_name)),
        ("/message/send", post(lanying::send::send).put(lanying::send::send)),
        ("/message/conversation", get(lanying::history::history).merge(delete(lanying::delete::delete))),
        ("/message/ack", get(lanying::ack::ack)),
        ("/message/unread", get(lanying::unread::unread)),
    ];
    routes
        .into_iter()
        .fold(Router::new(), with_route)
        .fallback(no_such_url)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(gateway.clone(), layers::surround))
        .with_state(gateway)
}

fn with_route(router: Router<Gateway>, (path, methods): (&str, MethodRouter<Gateway>)) -> Router<Gateway> {
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

/// Whether a first path segment cannot be an organization (decision 10).
pub(crate) fn is_reserved(segment: &str) -> bool {
    LANYING.contains(&segment) || OURS.contains(&segment)
}

fn is_lanying(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|segment| LANYING.contains(&segment))
}

async fn no_such_url(State(gateway): State<Gateway>, request: Request) -> Response {
    unknown(&gateway, request.uri().path())
}

/// No route has that path, in the words of the path's dialect.
pub(crate) fn unknown(gateway: &Gateway, path: &str) -> Response {
    if is_lanying(path) { lanying::no_such_url() } else { agora::no_such_url(gateway) }
}

async fn wrong_method(State(gateway): State<Gateway>, request: Request) -> Response {
    if is_lanying(request.uri().path()) { lanying::wrong_method() } else { agora::wrong_method(&gateway) }
}

/// A fault of ours, in the words of the path's dialect.
pub(crate) fn fault(gateway: &Gateway, path: &str, error: &Error) -> Response {
    if is_lanying(path) { lanying::fault(error) } else { agora::fault(gateway, error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_routes_are_no_organizations_decision_10() {
        assert!(is_reserved("message") && is_reserved("livez") && !is_reserved("acme"));
        assert!(is_lanying("/token/id") && !is_lanying("/acme/token/x"));
    }
}
