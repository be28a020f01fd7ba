//! The parts of a request that both dialects read: body, headers, query.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use axum::{body::Body, extract::ConnectInfo};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::HOST, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use tidings_domain::{Error, Reason};

use crate::{
    Gateway,
    budget::Share,
    client_address::{OverTls, client_address, scheme},
};

/// Maximum request body: the largest message that an app may allow, escaped twice, with its recipients.
const MAX_BODY: usize = 2 * 1024 * 1024 + 64 * 1024;
/// The same without a token: a login, a registration.
const MAX_BODY_OF_STRANGER: usize = 64 * 1024;
/// Maximum bytes of a larger body that are read and discarded: a client that is still sending does not see an answer.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// Maximum length of an idempotency key.
const MAX_KEY: usize = 255;

/// The timeout of reading a body.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// Reads the body of one request. Its share of the process's budget is released when this is dropped, so it lives as
/// long as the call.
#[derive(Debug)]
pub(crate) struct BodyReader {
    of_known: Share,
    of_stranger: Share,
    is_known: AtomicBool,
}

impl BodyReader {
    pub fn new(gateway: &Gateway) -> Self {
        let budgets = gateway.budgets();
        Self {
            of_known: budgets.bodies.share(),
            of_stranger: budgets.bodies_of_strangers.share(),
            is_known: AtomicBool::new(false),
        }
    }

    /// Callers with a token may send larger bodies.
    pub fn set_known(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    /// Reads the whole body; bounded whatever Content-Length says.
    pub async fn read(&self, body: Body) -> Result<Bytes, Error> {
        let read = tokio::time::timeout(BODY_TIME, self.whole(body)).await;
        read.map_err(|_| Error::invalid("body", "took longer than 30 seconds"))?
    }

    async fn whole(&self, mut body: Body) -> Result<Bytes, Error> {
        let (limit, share) = if self.is_known.load(Ordering::Relaxed) {
            (MAX_BODY, &self.of_known)
        } else {
            (MAX_BODY_OF_STRANGER, &self.of_stranger)
        };
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|cause| Error::invalid("body", "ended early").because(cause))?;
            let Ok(bytes) = frame.into_data() else { continue };
            let size = first.len() + all.len() + bytes.len();
            let is_too_large = || Error::new(Reason::MessageTooLarge, "request body");
            let fits = if size > limit { Err(is_too_large()) } else { share.grow_to(size) };
            if let Err(error) = fits {
                discard_body(body).await;
                return Err(error);
            }
            // Most bodies arrive in one piece, which is not copied.
            if first.is_empty() && all.is_empty() {
                first = bytes;
            } else {
                all.extend_from_slice(&std::mem::take(&mut first));
                all.extend_from_slice(&bytes);
            }
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

/// Reads and discards, up to [`MAX_DISCARDED`] and for [`BODY_TIME`].
pub(crate) async fn discard_body(body: Body) {
    let mut rest = Limited::new(body, MAX_DISCARDED);
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

/// The peer's address.
pub(crate) fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// The client's address.
pub(crate) fn address(parts: &Parts, gateway: &Gateway) -> Option<IpAddr> {
    client_address(peer(parts), &parts.headers, gateway.trusted_proxies())
}

/// The base URL for clients: the operator's `public_url`, or the request's Host (decision 1).
pub(crate) fn base_url(parts: &Parts, gateway: &Gateway) -> String {
    if let Some(url) = gateway.public_url() {
        return url.to_owned();
    }
    let own = if parts.extensions.get::<OverTls>().is_some() { "https" } else { "http" };
    let scheme = scheme(own, peer(parts), &parts.headers, gateway.trusted_proxies());
    let host = header(&parts.headers, HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

/// A query parameter, not decoded further; empty is absent.
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
