//! What both dialects read from a request: body, headers, query.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{body::Body, extract::ConnectInfo};
use bytes::Bytes;
use http::{HeaderMap, header::HOST, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tidings_domain::{Error, Reason};

use crate::{
    Gateway,
    client_address::{client_address, scheme},
};

/// Largest request body: the largest message that an app may allow, escaped twofold, with its recipients.
const MAX_BODY: usize = 2 * 1024 * 1024 + 64 * 1024;
/// What of a larger body is read to no purpose: whoever is still sending does not see an answer.
const MAX_WASTE: usize = 16 * 1024 * 1024;
/// Longest idempotency key.
const MAX_KEY: usize = 255;

/// How long a client may take over its body.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// Reads the whole body; bounded whatever Content-Length says.
pub(crate) async fn read(body: Body) -> Result<Bytes, Error> {
    let read = tokio::time::timeout(BODY_TIME, whole(body)).await;
    read.map_err(|_| Error::invalid("body", "took longer than 30 seconds"))?
}

async fn whole(mut body: Body) -> Result<Bytes, Error> {
    match Limited::new(&mut body, MAX_BODY).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => {
            waste(body).await;
            Err(Error::new(Reason::MessageTooLarge, "request body"))
        }
        Err(cause) => Err(Error::invalid("body", "ended early").because(cause)),
    }
}

/// Reads on without keeping anything, up to [`MAX_WASTE`] and for [`BODY_TIME`].
pub(crate) async fn waste(body: Body) {
    let mut rest = Limited::new(body, MAX_WASTE);
    let reading = async { while let Some(Ok(_)) = rest.frame().await {} };
    let _ = tokio::time::timeout(BODY_TIME, reading).await;
}

/// `Idempotency-Key` (decision 2).
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.as_bytes();
    if key.is_empty() || key.len() > MAX_KEY || !key.iter().all(u8::is_ascii_graphic) {
        return Err(Error::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"));
    }
    Ok(Some(String::from_utf8_lossy(key).into_owned()))
}

/// A header as text; empty and unreadable ones are absent.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

/// The other end of the connection.
pub(crate) fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// The client's address.
pub(crate) fn address(parts: &Parts, gateway: &Gateway) -> Option<IpAddr> {
    client_address(peer(parts), &parts.headers, gateway.trusted_proxies())
}

/// Where clients reach us: the operator's `public_url`, or the Host that they asked (decision 1).
pub(crate) fn base_url(parts: &Parts, gateway: &Gateway) -> String {
    if let Some(url) = gateway.public_url() {
        return url.to_owned();
    }
    let scheme = scheme(peer(parts), &parts.headers, gateway.trusted_proxies());
    let host = header(&parts.headers, HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

/// A query parameter as it stands; empty is absent.
pub(crate) fn query<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value).next_back()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn keys_are_1_to_255_visible_characters_decision_2() {
        let key = |value: &str| {
            idempotency_key(&HeaderMap::from_iter([(
                http::HeaderName::from_static("idempotency-key"),
                HeaderValue::from_str(value).unwrap(),
            )]))
        };
        assert_eq!(key("order-7").unwrap().as_deref(), Some("order-7"));
        assert!(key(&"k".repeat(255)).is_ok());
        for bad in ["", "two words", &"k".repeat(256)] {
            assert!(key(bad).is_err(), "{bad}");
        }
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn the_last_value_of_a_query_parameter_counts() {
        assert_eq!(query("limit=2&cursor=&limit=3", "limit"), Some("3"));
        assert_eq!(query("limit=2&cursor=", "cursor"), None);
        assert_eq!(query("", "limit"), None);
    }
}
