//! CORS: the vendors' web SDKs call the same host with headers of their own (lanying.md 1).

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const HEADERS: &str = "authorization, content-type, access-token, app_id, user_id, group_id, idempotency-key, x-request-id, \
     restrict-access, share-secret, thumbnail, thumbnail-height, thumbnail-width, range, if-range, if-none-match";
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, x-tidings-reason, retry-after, ratelimit, ratelimit-policy, etag, content-range, content-disposition",
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

    /// The request's origin if it may call.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let known = |known: &String| known == "*" || known.as_bytes() == origin.as_bytes();
        self.origins.iter().any(known).then(|| origin.clone())
    }

    /// Allows the browser to read the answer, if the origin may call. Every answer varies by origin, also one without
    /// an origin: a cache would return it to a browser that needs the headers.
    pub fn permit(&self, response: &mut Response, origin: Option<HeaderValue>) {
        if self.origins.is_empty() {
            return;
        }
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// Maximum bytes of header names that a browser may request beyond the known ones.
const MAX_ASKED: usize = 2048;

/// The headers that a call may have: the known ones, and those that the browser requests, since its page knows what it
/// sends. A page that may call may send any header; unknown headers are never read.
fn allowed_headers(headers: &HeaderMap) -> HeaderValue {
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().filter_map(|value| value.to_str().ok());
    let names = asked.flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let mut all = HEADERS.to_owned();
    for name in names.filter(|name| HeaderName::try_from(name.as_str()).is_ok()) {
        let is_known = all.split(", ").any(|known| known == name);
        if !is_known && all.len() + name.len() <= HEADERS.len() + MAX_ASKED {
            all.extend([", ", &name]);
        }
    }
    HeaderValue::try_from(all).unwrap_or(HeaderValue::from_static(HEADERS))
}

/// The answer to a preflight request.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(headers));
    answer.insert(VARY, HeaderValue::from_static("access-control-request-headers"));
    answer.insert(ACCESS_CONTROL_MAX_AGE, A_DAY);
    Some(response)
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

    #[test]
    fn a_preflight_allows_what_is_asked_for_within_bounds() {
        let many: Vec<String> = (0..1000).map(|n| format!("x-header-{n}")).collect();
        for (asked, allowed) in
            [("X-Custom,Authorization", true), (" , x-custom ,", true), ("no header, x-custom", true)]
        {
            let headers = HeaderMap::from_iter([(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(asked))]);
            let all = allowed_headers(&headers);
            let names: Vec<&str> = all.to_str().unwrap().split(", ").collect();
            assert_eq!(names.contains(&"x-custom"), allowed, "{asked}");
            assert_eq!(names.iter().filter(|name| **name == "authorization").count(), 1);
        }
        let headers = HeaderMap::from_iter([(ACCESS_CONTROL_REQUEST_HEADERS, many.join(",").parse().unwrap())]);
        assert!(allowed_headers(&headers).len() <= HEADERS.len() + MAX_ASKED + 64);
    }

    #[test]
    fn every_answer_says_that_it_depends_on_who_asks_once_anybody_may_call() {
        let vary = |origins: Vec<String>, origin: Option<&'static str>| {
            let mut response = Response::new(Body::empty());
            Cors::new(origins).permit(&mut response, origin.map(HeaderValue::from_static));
            response.headers().get(VARY).map(|value| value.to_str().unwrap().to_owned())
        };
        let listed = || vec!["https://a.test".to_owned()];
        assert_eq!(vary(listed(), Some("https://a.test")).as_deref(), Some("origin"));
        assert_eq!(vary(listed(), None).as_deref(), Some("origin"));
        assert_eq!(vary(Vec::new(), None), None);
    }
}
