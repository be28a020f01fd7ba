//! The connecting client, before it has logged in.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::extract::FromRequestParts;
use http::{
    HeaderMap,
    header::{HOST, ORIGIN},
    request::Parts,
};
use tidings_runtime::Connection;

use crate::{
    Gateway,
    request::{address, base_url, header},
};

/// The client's connection, as the layers know it.
pub(crate) struct Peer {
    pub address: Option<IpAddr>,
    pub base: String,
    pub connection: Option<Arc<Connection>>,
    /// Of the page that connects, if it is one.
    pub origin_is_allowed: bool,
}

impl FromRequestParts<Gateway> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        Ok(Self {
            address: address(parts, gateway),
            base: base_url(parts, gateway),
            origin_is_allowed: may_call(gateway, &parts.headers),
            connection: parts.extensions.get::<Arc<Connection>>().cloned(),
        })
    }
}

/// Browsers name the page's origin; other clients name none. Pages of this host may call, as over REST.
fn may_call(gateway: &Gateway, headers: &HeaderMap) -> bool {
    let Some(origin) = header(headers, ORIGIN.as_str()) else {
        return !headers.contains_key(ORIGIN);
    };
    let of_page = origin.split_once("://").map(|(_, host)| host);
    let is_same = of_page.is_some_and(|host| header(headers, HOST.as_str()) == Some(host));
    is_same || gateway.cors().allowed(headers).is_some()
}
