//! An app's own server, as tests of callbacks and hooks add it.

use std::sync::Arc;

use tidings_domain::SystemClock;
use tidings_proto::pb;
use tidings_testkit::{Receiver, StrictTencent, TestApp};

/// The token of every endpoint and hook.
pub const TOKEN: &str = "xxxxyyyy";

/// Adds the receiver for callbacks of every kind, in order.
pub async fn add(app: &TestApp, receiver: &Receiver, dialect: pb::CallbackDialect) {
    let new = pb::AddEndpointRequest {
        dialect: dialect.into(),
        url: receiver.url(),
        token: TOKEN.into(),
        ordered: true,
        allow_private: true,
        ..Default::default()
    };
    app.callbacks().add_endpoint(app.request(new)).await.expect("added");
}

/// What checks that requests are as Tencent documents them.
pub fn strict(app: &TestApp) -> StrictTencent {
    StrictTencent { sdk_appid: app.app().sdk_appid, token: Some(TOKEN.into()), clock: Arc::new(SystemClock) }
}
