//! What a path says before any route is looked up: whose dialect it is in, and how it is refused.

use axum::response::Response;
use tidings_domain::{Error, LANYING_SEGMENTS, Reason};

use crate::{Gateway, agora, lanying};

/// Whether a route carries a file, or waits for events.
pub(crate) fn may_take_long(route: &str) -> bool {
    route.starts_with("/file/") || route.contains("/chatfiles") || route.contains("/events")
}

fn is_lanying(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|segment| LANYING_SEGMENTS.contains(&segment))
}

/// No route has that path, in the words of the path's dialect.
pub(crate) fn unknown(gateway: &Gateway, path: &str) -> Response {
    fault(gateway, path, &Error::new(Reason::CallNotFound, ""))
}

/// What is wrong before a route is asked, or a fault of ours, in the words of the path's dialect.
pub(crate) fn fault(gateway: &Gateway, path: &str, error: &Error) -> Response {
    if is_lanying(path) { lanying::fault(error) } else { agora::fault(gateway, error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_the_dialect_of_its_first_segment_decision_10() {
        assert!(is_lanying("/token/id") && !is_lanying("/acme/token/x"));
    }
}
