//! Which browsers may call: the vendors' web SDKs call the same host with headers of their own (lanying.md 1).

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, access-token, app_id, user_id, group_id, idempotency-key, x-request-id, \
     restrict-access, share-secret, thumbnail, thumbnail-height, thumbnail-width, range, if-range, if-none-match",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, ratelimit, ratelimit-policy, etag, content-range, content-disposition",
);
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

/// The origins that may call.
pub(crate) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    pub fn new(origins: Vec<String>) -> Self {
        Self { origins }
    }

    /// The request's origin when it may call.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let known = |known: &String| known == "*" || known.as_bytes() == origin.as_bytes();
        self.origins.iter().any(known).then(|| origin.clone())
    }
}

/// The answer to a browser that asks before it calls.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    answer.insert(ACCESS_CONTROL_MAX_AGE, A_DAY);
    Some(response)
}

/// Tells the browser that it may read the answer.
pub(crate) fn permit(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn only_listed_origins_may_call() {
        let cors = Cors::new(vec!["https://a.test".to_owned()]);
        assert!(cors.allowed(&asks("https://a.test")).is_some());
        assert!(cors.allowed(&asks("https://b.test")).is_none());
        assert!(cors.allowed(&HeaderMap::new()).is_none());
        assert!(Cors::new(vec!["*".to_owned()]).allowed(&asks("https://b.test")).is_some());
    }

    #[test]
    fn a_preflight_names_the_vendors_headers() {
        let headers = HeaderMap::from_iter([(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"))]);
        let answer = preflight(&Method::OPTIONS, &headers).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert!(answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("access-token"));
        assert!(preflight(&Method::POST, &headers).is_none());
    }
}
