//! What a path determines before routing: its dialect, and the format of its errors.

use axum::response::Response;
use tidings_domain::{Error, LANYING_SEGMENTS, OWN_SEGMENTS, Reason};

use crate::{Gateway, agora, lanying};

/// Whether a route carries a file, or waits for events.
pub(crate) fn may_take_long(route: &str) -> bool {
    route.starts_with("/file/")
        || route.contains("/chatfiles")
        || route.contains("/share_files")
        || route.contains("/events")
}

/// Whether monitoring calls the route every few seconds.
pub(crate) fn is_health(route: &str) -> bool {
    matches!(route, "/livez" | "/readyz")
}

/// The name of the path's dialect; ours is `tidings`.
pub(crate) fn dialect(path: &str) -> &'static str {
    let first = path.split('/').nth(1).unwrap_or_default();
    if LANYING_SEGMENTS.contains(&first) {
        "lanying"
    } else if path.trim_end_matches('/') == "/tidings/ws" || OWN_SEGMENTS.contains(&first) {
        "tidings"
    } else {
        "agora"
    }
}

fn is_lanying(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|segment| LANYING_SEGMENTS.contains(&segment))
}

/// No route has that path, in the path's dialect.
pub(crate) fn unknown(gateway: &Gateway, path: &str) -> Response {
    fault(gateway, path, &Error::new(Reason::CallNotFound, ""))
}

/// An error before routing, or an internal error, in the path's dialect.
pub(crate) fn fault(gateway: &Gateway, path: &str, error: &Error) -> Response {
    if is_lanying(path) { lanying::fault(error) } else { agora::fault(gateway, error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_the_dialect_of_its_first_segment_decision_10() {
        assert!(is_lanying("/token/id") && !is_lanying("/acme/token/x"));
        for (path, name) in [
            ("/token/id", "lanying"),
            ("/acme/token/x", "agora"),
            ("/", "agora"),
            ("/readyz", "tidings"),
            ("/tidings/ws", "tidings"),
            ("/tidings/lobby/users", "agora"),
        ] {
            assert_eq!(dialect(path), name, "{path}");
        }
    }
}
