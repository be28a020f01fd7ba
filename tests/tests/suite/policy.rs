//! Sets an app's policy.

use tidings_proto::pb::{self, app_ref};
use tidings_testkit::{Shape, Suite, TestApp};

/// Changes the policy of an app that has not been called yet: gateways cache an app's policy for a while.
pub async fn set(app: &TestApp, policy: pb::Policy) {
    let by_id = pb::AppRef { app: Some(app_ref::App::Id(app.app().id)) };
    let wanted = pb::SetPolicyRequest { app: Some(by_id), policy: Some(policy) };
    app.directory().set_policy(app.suite.request(wanted)).await.expect("the policy is taken");
}

/// Another app of the same suite.
pub async fn neighbour(app: &TestApp) -> TestApp {
    TestApp::of(app.suite.clone()).await
}

/// An app on the in-process shape, for tests that do not depend on the shape.
pub async fn on_any_shape() -> TestApp {
    TestApp::of(Suite::shared(Shape::Sqlite).await).await
}
